"""anthropic: Messages, streamed, with thinking."""

import anthropic
from tools import KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, write_file

tool = {"name": "write_file", "description": "Write a text file", "input_schema": PARAMETERS}
messages = [{"role": "user", "content": PROMPT}]
asked = {
    "model": MODEL,
    "max_tokens": 8000,
    "system": SYSTEM,
    "tools": [tool],
    "thinking": {"type": "enabled", "budget_tokens": 2000},
}
with anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0) as client:
    while True:
        with client.messages.stream(**asked, messages=messages) as stream:
            for _ in stream:
                pass
            message = stream.get_final_message()
        assert message.usage.output_tokens
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            print("".join(block.text for block in message.content if block.type == "text"))
            break
        messages.append({"role": "assistant", "content": [block.to_dict() for block in message.content]})
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": write_file(**call.input)} for call in calls
        ]
        messages.append({"role": "user", "content": results})
