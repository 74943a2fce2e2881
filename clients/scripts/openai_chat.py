"""openai: Chat Completions, streamed, with the tool loop written out."""

import json

import openai
from tools import KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, write_file

tool = {"name": "write_file", "description": "Write a text file", "parameters": PARAMETERS, "strict": True}
messages = [{"role": "developer", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0) as client:
    while True:
        asked = {"model": MODEL, "messages": messages, "tools": [{"type": "function", "function": tool}]}
        with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            completion = stream.get_final_completion()
        message = completion.choices[0].message
        assert completion.usage is not None
        if not message.tool_calls:
            print(message.content)
            break
        calls = [
            {"id": call.id, "type": "function", "function": call.function.model_dump(include={"name", "arguments"})}
            for call in message.tool_calls
        ]
        messages.append({"role": "assistant", "content": message.content, "tool_calls": calls})
        for call in message.tool_calls:
            result = write_file(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
