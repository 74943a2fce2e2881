"""The next request of a client that sends back what it was given, as the vendors' SDKs do, and answers its calls."""

import json
from collections.abc import Callable

from twoapi.testing.normal import fold_stream
from twoapi.testing.replies import Json


def echo(protocol: str, answer: bytes, *, streamed: bool) -> bytes:
    """A request body with the answer as the last turn, and the results of its calls."""
    whole = fold_stream(protocol, answer) if streamed else json.loads(answer)
    return json.dumps({**_ECHOES[protocol](whole)}).encode()


def _chat(answer: Json) -> Json:
    said = answer["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in said.get("tool_calls") or ()]
    tools = [
        {"type": "function", "function": {"name": call["function"]["name"], "parameters": {"type": "object"}}}
        for call in said.get("tool_calls") or ()
    ]
    more = results or [{"role": "user", "content": "go on"}]
    asked = {"model": "m", "max_completion_tokens": 9000, "reasoning_effort": "high"}
    return {**asked, "tools": tools, "messages": [{"role": "user", "content": "hi"}, said, *more]}


def _messages(answer: Json) -> Json:
    content = answer["content"]
    calls = [block for block in content if block["type"] == "tool_use"]
    results: list[Json] = [{"type": "tool_result", "tool_use_id": call["id"], "content": "ok"} for call in calls]
    more = {"role": "user", "content": results or "go on"}
    tools = [{"name": call["name"], "input_schema": {"type": "object"}} for call in calls]
    asked = {"model": "m", "max_tokens": 9000, "thinking": {"type": "adaptive"}, "tools": tools}
    said = {"role": "assistant", "content": content}
    return {**asked, "messages": [{"role": "user", "content": "hi"}, said, more]}


def _responses(answer: Json) -> Json:
    output = answer["output"]
    calls = [item for item in output if item["type"] == "function_call"]
    results: list[Json] = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"} for call in calls
    ]
    tools = [{"type": "function", "name": call["name"], "parameters": {"type": "object"}} for call in calls]
    more = results or [{"role": "user", "content": "go on"}]
    asked = {"model": "m", "store": False, "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "high"}}
    return {**asked, "tools": tools, "input": [{"role": "user", "content": "hi"}, *output, *more]}


def _gemini(answer: Json) -> Json:
    content = answer["candidates"][0]["content"]
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    results = [{"functionResponse": {"name": call["name"], "response": {"output": "ok"}} | _id(call)} for call in calls]
    declared = [{"name": call["name"], "parametersJsonSchema": {"type": "object"}} for call in calls]
    more = {"role": "user", "parts": results or [{"text": "go on"}]}
    asked = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}}
    tools = {"tools": [{"functionDeclarations": declared}]} if declared else {}
    return {
        **asked,
        **tools,
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", **content}, more],
    }


def _id(call: Json) -> Json:
    return {"id": call["id"]} if "id" in call else {}


_ECHOES: dict[str, Callable[[Json], Json]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _messages,
    "gemini": _gemini,
}
