"""What OpenAI refuses in a chat completion request."""

import re
from collections.abc import Iterator

from twoapi.testing.documented import CHAT_REQUEST, undocumented
from twoapi.testing.replies import Json

Problem = tuple[str, str]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "n": (1, 128),
    "max_completion_tokens": (1, 1 << 40),
    "max_tokens": (1, 1 << 40),
}
_WORDS = {
    "reasoning_effort": {"none", "minimal", "low", "medium", "high", "xhigh", "max"},
    "verbosity": {"low", "medium", "high"},
    "service_tier": {"auto", "default", "flex", "scale", "priority", "fast"},
}


def chat_problems(body: dict[str, Json]) -> Iterator[Problem]:
    """Every violation of the documented rules: JSON pointer and reason."""
    if not isinstance(body.get("model"), str):
        yield "/model", "a model is required"
    for pointer in undocumented(body, CHAT_REQUEST):
        yield pointer, "unknown parameter"
    yield from _parameters(body)
    yield from _tools(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "/messages", "at least one message is required"
        return
    for index, message in enumerate(messages):
        yield from _message(f"/messages/{index}", message)
    yield from _sequence(messages)


def _parameters(body: dict[str, Json]) -> Iterator[Problem]:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is not None and not low <= value <= high:
            yield f"/{name}", f"must be between {low} and {high}"
    for name, words in _WORDS.items():
        if body.get(name) is not None and body[name] not in words:
            yield f"/{name}", f"must be one of {sorted(words)}"
    if not set(body.get("modalities") or []) <= {"text", "audio"}:
        yield "/modalities", "text and audio"
    stop = body.get("stop")
    if isinstance(stop, list) and not 1 <= len(stop) <= 4:
        yield "/stop", "1 to 4 stop strings"
    if body.get("stream_options") is not None and not body.get("stream"):
        yield "/stream_options", "only with stream"
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        yield "/top_logprobs", "only with logprobs"
    if len(body.get("safety_identifier") or "") > 128:
        yield "/safety_identifier", "at most 128 characters"
    yield from _metadata(body.get("metadata") or {})
    yield from _response_format(body.get("response_format") or {})


def _metadata(metadata: dict[str, Json]) -> Iterator[Problem]:
    if len(metadata) > 16:
        yield "/metadata", "at most 16 pairs"
    for key, value in metadata.items():
        if len(key) > 64 or not isinstance(value, str) or len(value) > 512:
            yield f"/metadata/{key}", "keys have at most 64, values at most 512 characters"


def _response_format(wanted: dict[str, Json]) -> Iterator[Problem]:
    if wanted.get("type") != "json_schema":
        return
    described = wanted.get("json_schema") or {}
    if not isinstance(described.get("name"), str) or not _NAME(described["name"]):
        yield "/response_format/json_schema/name", "letters, digits, _ and -, at most 64"
    if described.get("strict"):
        yield from _strict_schema("/response_format/json_schema/schema", described.get("schema"))


def _tools(body: dict[str, Json]) -> Iterator[Problem]:
    tools = body.get("tools")
    if tools is not None and not tools:
        yield "/tools", "an empty list of tools"
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not tools and body.get(name) != "none":
            yield f"/{name}", "only with tools"
    known: set[tuple[str, str]] = set()
    for index, tool in enumerate(tools or []):
        kind = tool.get("type")
        declared = tool.get(kind) if isinstance(tool.get(kind), dict) else {}
        at = f"/tools/{index}/{kind}"
        if not isinstance(declared.get("name"), str) or not _NAME(declared["name"]):
            yield f"{at}/name", "letters, digits, _ and -, at most 64"
        known.add((str(kind), str(declared.get("name"))))
        if declared.get("strict"):
            yield from _strict_schema(f"{at}/parameters", declared.get("parameters"))
    yield from _choice(body.get("tool_choice"), known)


def _choice(choice: Json, known: set[tuple[str, str]]) -> Iterator[Problem]:
    if isinstance(choice, str) and choice not in {"none", "auto", "required"}:
        yield "/tool_choice", "none, auto, required or an object"
    if not isinstance(choice, dict):
        return
    kind = choice.get("type")
    wanted = choice["allowed_tools"].get("tools", []) if kind == "allowed_tools" else [choice]
    for one in wanted:
        named = (one.get("type"), (one.get(one.get("type")) or {}).get("name"))
        if named not in known:
            yield "/tool_choice", f"there is no tool {named[1]!r}"


def _strict_schema(at: str, schema: Json) -> Iterator[Problem]:
    """Strict mode: every object is closed and all its properties are required."""
    pending = [(at, schema)]
    while pending:
        where, node = pending.pop()
        if isinstance(node, list):
            pending += [(f"{where}/{index}", item) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            continue
        properties = node.get("properties")
        if isinstance(properties, dict) or node.get("type") == "object":
            if node.get("additionalProperties") is not False:
                yield where, "strict: additionalProperties must be false"
            if set(node.get("required") or []) != set(properties or {}):
                yield where, "strict: every property must be required"
        for name, child in (properties or {}).items():
            pending.append((f"{where}/properties/{name}", child))
        pending += [(f"{where}/{name}", node[name]) for name in ("items", "anyOf") if name in node]
        pending += [(f"{where}/$defs/{name}", child) for name, child in (node.get("$defs") or {}).items()]


def _message(at: str, message: dict[str, Json]) -> Iterator[Problem]:
    role = message.get("role")
    content = message.get("content")
    if role == "assistant":
        says = ("content", "tool_calls", "refusal", "audio", "function_call")
        if all(message.get(name) is None for name in says):
            yield f"{at}/content", "an assistant message says something or calls a tool"
        if message.get("tool_calls") == []:
            yield f"{at}/tool_calls", "an empty list of calls"
    elif role != "function" and not isinstance(content, str | list):
        yield f"{at}/content", "must be a string or a list of parts"
    if content == []:
        yield f"{at}/content", "an empty list of parts"
    for index, part in enumerate(content if isinstance(content, list) else []):
        yield from _part(f"{at}/content/{index}", part)
    for index, call in enumerate(message.get("tool_calls") or []):
        yield from _call(f"{at}/tool_calls/{index}", call)
    if role == "tool":
        yield from _call_id(f"{at}/tool_call_id", message.get("tool_call_id"))


def _part(at: str, part: dict[str, Json]) -> Iterator[Problem]:
    if part.get("type") == "text" and not isinstance(part.get("text"), str):
        yield f"{at}/text", "must be a string"
    if part.get("type") == "input_audio" and part["input_audio"].get("format") not in {"wav", "mp3"}:
        yield f"{at}/input_audio/format", "must be wav or mp3"


def _call(at: str, call: dict[str, Json]) -> Iterator[Problem]:
    yield from _call_id(f"{at}/id", call.get("id"))
    kind = str(call.get("type"))
    made = call.get(kind)
    body = {"function": "arguments", "custom": "input"}.get(kind)
    if not isinstance(made, dict) or body is None:
        return
    if not isinstance(made.get("name"), str) or not _NAME(made["name"]):
        yield f"{at}/{kind}/name", "letters, digits, _ and -, at most 64"
    if not isinstance(made.get(body), str):
        yield f"{at}/{kind}/{body}", "must be a string"


def _call_id(at: str, call_id: Json) -> Iterator[Problem]:
    if not isinstance(call_id, str) or not call_id:
        yield at, "a call id is required"
    elif len(call_id) > 40:
        yield at, f"the string is too long: {len(call_id)} characters, at most 40"


def _sequence(messages: list[dict[str, Json]]) -> Iterator[Problem]:
    """Every call is answered by one tool message before anybody else speaks."""
    waiting: dict[str, str] = {}
    for index, message in enumerate(messages):
        at = f"/messages/{index}"
        if message.get("role") == "tool":
            if waiting.pop(str(message.get("tool_call_id")), None) is None:
                yield at, "a tool message must answer a call of the preceding assistant message"
            continue
        for call_id, where in waiting.items():
            yield where, f"the call {call_id!r} is not answered by a tool message"
        waiting = {}
        for number, call in enumerate(message.get("tool_calls") or []):
            if str(call.get("id")) in waiting:
                yield f"{at}/tool_calls/{number}/id", "two calls have the same id"
            waiting[str(call.get("id"))] = f"{at}/tool_calls/{number}"
    for call_id, where in waiting.items():
        yield where, f"the call {call_id!r} is not answered by a tool message"
