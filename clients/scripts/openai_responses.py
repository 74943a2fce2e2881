"""openai: Responses, streamed, stateless with encrypted reasoning."""

import json

import openai
from tools import KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, write_file

tool = {"type": "function", "name": "write_file", "description": "Write", "parameters": PARAMETERS, "strict": True}
given = [{"role": "user", "content": PROMPT}]
asked = {
    "model": MODEL,
    "instructions": SYSTEM,
    "tools": [tool],
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "low", "summary": "auto"},
}
with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0) as client:
    while True:
        with client.responses.stream(**asked, input=given) as stream:
            for _ in stream:
                pass
            response = stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            print(response.output_text)
            break
        given += response.to_dict(mode="json", exclude_unset=True)["output"]
        for item in given:
            item.pop("parsed_arguments", None)
            for part in item["content"] if item.get("type") == "message" else []:
                part.pop("parsed", None)
        for call in calls:
            result = write_file(**json.loads(call.arguments))
            given.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
