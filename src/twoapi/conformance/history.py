"""What a client sends after an answer with calls: its history, the answer as it got it, and the results."""

from typing import Any

from twoapi.conformance.answer import Answer

Json = Any  # a parsed JSON document


def extend(client: str, body: Json, answer: Answer, result: str) -> Json:
    """The body of the next request; every call gets this result."""
    results: list[Json]
    turns: list[Json]
    match client:
        case "openai-chat":
            results = [{"role": "tool", "tool_call_id": call.id, "content": result} for call in answer.calls]
            return {**body, "messages": [*body["messages"], answer.own, *results]}
        case "openai-responses":
            results = [{"type": "function_call_output", "call_id": call.id, "output": result} for call in answer.calls]
            return {**body, "input": [*body["input"], *(answer.own or []), *results]}
        case "anthropic-messages":
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": result} for call in answer.calls]
            turns = [{"role": "assistant", "content": answer.own}, {"role": "user", "content": results}]
            return {**body, "messages": [*body["messages"], *turns]}
        case _:
            results = [
                {
                    "functionResponse": {"name": call.name, "response": {"output": result}}
                    | ({"id": call.id} if call.id else {})
                }
                for call in answer.calls
            ]
            return {**body, "contents": [*body["contents"], answer.own, {"role": "user", "parts": results}]}
