"""google-genai: a chat, streamed, whose functions are called by the library."""

from google import genai
from google.genai import types
from tools import KEY, MODEL, PROMPT, URL, write_file

config = types.GenerateContentConfig(tools=[write_file], thinking_config=types.ThinkingConfig(include_thoughts=True))
with genai.Client(api_key=KEY, vertexai=False, http_options=types.HttpOptions(base_url=URL)) as client:
    chat = client.chats.create(model=MODEL, config=config)
    text = ""
    for chunk in chat.send_message_stream(PROMPT):
        parts = chunk.candidates[0].content.parts if chunk.candidates and chunk.candidates[0].content else []
        for part in parts or []:
            if part.function_call:
                text = ""
            elif part.text and not part.thought:
                text += part.text
print(text)
