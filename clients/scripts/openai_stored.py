"""openai: Responses kept by the service: the second turn says only what follows the first."""

import json

import openai
from tools import KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, write_file

tool = {"type": "function", "name": "write_file", "description": "Write", "parameters": PARAMETERS, "strict": True}
asked = {"model": MODEL, "instructions": SYSTEM, "tools": [tool]}
with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0) as client:
    response = client.responses.create(**asked, input=PROMPT)
    while calls := [item for item in response.output if item.type == "function_call"]:
        results = [
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": write_file(**json.loads(call.arguments)),
            }
            for call in calls
        ]
        response = client.responses.create(**asked, input=results, previous_response_id=response.id)
print(response.output_text)
