"""google-genai: generateContent with automatic function calling."""

from google import genai
from google.genai import types
from tools import KEY, MODEL, PROMPT, SYSTEM, URL, write_file

config = types.GenerateContentConfig(system_instruction=SYSTEM, tools=[write_file])
with genai.Client(api_key=KEY, vertexai=False, http_options=types.HttpOptions(base_url=URL)) as client:
    print(client.models.generate_content(model=MODEL, contents=PROMPT, config=config).text)
