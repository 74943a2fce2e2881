"""What OpenAI refuses in a Responses request."""

import re
from collections.abc import Iterator

from twoapi.testing.documented_responses import RESPONSES_REQUEST
from twoapi.testing.replies import Json
from twoapi.testing.shapes import undocumented

Problem = tuple[str, str]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_logprobs": (0, 20),
    "max_output_tokens": (16, 1 << 40),
    "max_tool_calls": (1, 1 << 40),
}
_WORDS = {
    "service_tier": {"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"},
    "truncation": {"auto", "disabled"},
    "prompt_cache_retention": {"in_memory", "24h"},
}
_REASONING = {
    "effort": {"none", "minimal", "low", "medium", "high", "xhigh", "max"},
    "summary": {"auto", "concise", "detailed"},
    "context": {"auto", "current_turn", "all_turns"},
}
_INCLUDE = {
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
}
_STATUSES = {None, "in_progress", "completed", "incomplete", "searching", "failed", "calling", "generating"}
_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "web_search_call": "ws",
}
_ANSWERS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
_BODIES = {"function_call": "arguments", "custom_tool_call": "input"}


def responses_problems(body: dict[str, Json]) -> Iterator[Problem]:
    """Every violation of the documented rules: JSON pointer and reason."""
    if not isinstance(body.get("model"), str):
        yield "/model", "a model is required"
    for pointer in undocumented(body, RESPONSES_REQUEST):
        yield pointer, "unknown parameter"
    yield from _parameters(body)
    yield from _state(body)
    yield from _tools(body)
    given = body.get("input")
    if given is None and not (body.get("prompt") or body.get("previous_response_id") or body.get("conversation")):
        yield "/input", "input is required"
    elif given is not None and not isinstance(given, str | list):
        yield "/input", "must be a string or a list of items"
    items = given if isinstance(given, list) else []
    for index, item in enumerate(items):
        yield from _item(f"/input/{index}", item)
    if not (body.get("previous_response_id") or body.get("conversation") or body.get("prompt")):
        yield from _pairs(items)
    if sum(1 for _ in _marks(items)) > 4:
        yield "/input", "at most 4 cache breakpoints"


def _parameters(body: dict[str, Json]) -> Iterator[Problem]:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is not None and not low <= value <= high:
            yield f"/{name}", f"must be between {low} and {high}"
    if body.get("stream_options") is not None and not body.get("stream"):
        yield "/stream_options", "only with stream"
    if len(body.get("safety_identifier") or "") > 128:
        yield "/safety_identifier", "at most 128 characters"
    yield from _words(body)
    yield from _metadata(body.get("metadata") or {})
    yield from _text(body.get("text") or {})


def _words(body: dict[str, Json]) -> Iterator[Problem]:
    for name, words in _WORDS.items():
        if body.get(name) is not None and body[name] not in words:
            yield f"/{name}", f"must be one of {sorted(words)}"
    for name, words in _REASONING.items():
        value = (body.get("reasoning") or {}).get(name)
        if value is not None and value not in words:
            yield f"/reasoning/{name}", f"must be one of {sorted(words)}"
    for index, entry in enumerate(body.get("include") or []):
        if entry not in _INCLUDE:
            yield f"/include/{index}", f"must be one of {sorted(_INCLUDE)}"


def _metadata(metadata: dict[str, Json]) -> Iterator[Problem]:
    if len(metadata) > 16:
        yield "/metadata", "at most 16 pairs"
    for key, value in metadata.items():
        if len(key) > 64 or not isinstance(value, str) or len(value) > 512:
            yield f"/metadata/{key}", "keys have at most 64, values at most 512 characters"


def _text(text: dict[str, Json]) -> Iterator[Problem]:
    if text.get("verbosity") not in {None, "low", "medium", "high"}:
        yield "/text/verbosity", "must be low, medium or high"
    wanted = text.get("format") or {}
    if wanted.get("type") not in {None, "text", "json_object", "json_schema"}:
        yield "/text/format/type", "must be text, json_object or json_schema"
    if wanted.get("type") != "json_schema":
        return
    if not isinstance(wanted.get("name"), str) or not _NAME(wanted["name"]):
        yield "/text/format/name", "letters, digits, _ and -, at most 64"
    if not isinstance(wanted.get("schema"), dict):
        yield "/text/format/schema", "a schema is required"
    if wanted.get("strict"):
        yield from _strict_schema("/text/format/schema", wanted.get("schema"))


def _state(body: dict[str, Json]) -> Iterator[Problem]:
    if body.get("previous_response_id") is not None and body.get("conversation") is not None:
        yield "/previous_response_id", "not together with conversation"
    if body.get("background") and body.get("store") is False:
        yield "/background", "only with store"


def _tools(body: dict[str, Json]) -> Iterator[Problem]:
    known: set[tuple[str, str]] = set()
    for index, tool in enumerate(body.get("tools") or []):
        yield from _tool(f"/tools/{index}", tool, known)
    choice = body.get("tool_choice")
    if isinstance(choice, str) and choice not in {"none", "auto", "required"}:
        yield "/tool_choice", "none, auto, required or an object"
    if not isinstance(choice, dict):
        return
    for one in choice.get("tools") or [] if choice.get("type") == "allowed_tools" else [choice]:
        name = one.get("server_label") or one.get("name")
        if (str(one.get("type")), str(name)) not in known:
            yield "/tool_choice", f"there is no tool {name!r}"


def _tool(at: str, tool: dict[str, Json], known: set[tuple[str, str]]) -> Iterator[Problem]:
    kind, name = tool.get("type"), tool.get("name")
    known.add((str(kind), str(tool.get("server_label") or name)))
    if kind not in {"function", "custom", "namespace"}:
        return
    if not isinstance(name, str) or not _NAME(name):
        yield f"{at}/name", "letters, digits, _ and -, at most 64"
    for number, inner in enumerate(tool.get("tools") or []):
        yield from _tool(f"{at}/tools/{number}", inner, known)
    if kind == "function" and "parameters" in tool and tool["parameters"] is not None:
        if not isinstance(tool["parameters"], dict):
            yield f"{at}/parameters", "must be a schema"
        elif tool.get("strict"):
            yield from _strict_schema(f"{at}/parameters", tool["parameters"])


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


def _item(at: str, item: Json) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield at, "must be an object"
        return
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    prefix, given = _PREFIXES.get(kind), item.get("id")
    if given is not None and prefix is not None and not str(given).startswith(prefix + "_"):
        yield f"{at}/id", f"expected an id that begins with {prefix!r}"
    if item.get("status") not in _STATUSES:
        yield f"{at}/status", "must be in_progress, completed or incomplete"
    if kind == "message":
        yield from _message(at, item)
    elif kind == "reasoning":
        yield from _reasoning(at, item)
    elif kind in _BODIES:
        yield from _call(at, item, _BODIES[kind])
    elif kind in _ANSWERS:
        if not isinstance(item.get("output"), str | list):
            yield f"{at}/output", "must be a string or a list of parts"
        yield from _parts(f"{at}/output", item.get("output"))


def _message(at: str, item: dict[str, Json]) -> Iterator[Problem]:
    content = item.get("content")
    if not isinstance(content, str | list):
        yield f"{at}/content", "must be a string or a list of parts"
    if item.get("phase") not in {None, "commentary", "final_answer"}:
        yield f"{at}/phase", "must be commentary or final_answer"
    yield from _parts(f"{at}/content", content)


def _parts(at: str, content: Json) -> Iterator[Problem]:
    texts = {"input_text": "text", "output_text": "text", "refusal": "refusal"}
    sources = {"input_image": ("image_url", "file_id"), "input_file": ("file_data", "file_id", "file_url")}
    for index, part in enumerate(content if isinstance(content, list) else []):
        kind = str(part.get("type"))
        if kind in texts and not isinstance(part.get(texts[kind]), str):
            yield f"{at}/{index}/{texts[kind]}", "must be a string"
        if kind in sources and sum(part.get(name) is not None for name in sources[kind]) != 1:
            yield f"{at}/{index}", f"needs one of {sources[kind]}"
        if kind == "input_image" and part.get("detail") not in {None, "low", "high", "auto", "original"}:
            yield f"{at}/{index}/detail", "must be low, high, auto or original"
        # The documentation requires them; the service does not, and some clients leave them out.
        if kind == "output_text" and not isinstance(part.get("annotations", []), list):
            yield f"{at}/{index}/annotations", "must be a list"
        if kind == "input_audio" and part["input_audio"].get("format") not in {"wav", "mp3"}:
            yield f"{at}/{index}/input_audio/format", "must be wav or mp3"


def _reasoning(at: str, item: dict[str, Json]) -> Iterator[Problem]:
    if not isinstance(item.get("summary"), list):
        yield f"{at}/summary", "is required"
    if item.get("id") is None and not item.get("encrypted_content"):
        yield f"{at}/id", "a reasoning item is known by its id or its encrypted content"


def _call(at: str, item: dict[str, Json], body: str) -> Iterator[Problem]:
    yield from _call_id(at, item)
    if not isinstance(item.get("name"), str) or not _NAME(item["name"]):
        yield f"{at}/name", "letters, digits, _ and -, at most 64"
    if not isinstance(item.get(body), str):
        yield f"{at}/{body}", "must be a string"


def _call_id(at: str, item: dict[str, Json]) -> Iterator[Problem]:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not 1 <= len(call_id) <= 64:
        yield f"{at}/call_id", "must have 1 to 64 characters"


def _pairs(items: list[Json]) -> Iterator[Problem]:
    """Every call has one output of its kind behind it, anywhere; every output a call."""
    waiting: dict[tuple[str, str], str] = {}
    for index, item in enumerate(items):
        kind = item.get("type") if isinstance(item, dict) else None
        call_id = str(item.get("call_id")) if isinstance(item, dict) else ""
        if kind in _BODIES:
            if (kind, call_id) in waiting:
                yield f"/input/{index}/call_id", "two calls have the same id"
            waiting[kind, call_id] = f"/input/{index}"
        elif kind in _ANSWERS and waiting.pop((_ANSWERS[kind], call_id), None) is None:
            yield f"/input/{index}", f"no tool call found for {kind} with call_id {call_id}"
    for (_, call_id), at in waiting.items():
        yield at, f"no tool output found for call {call_id}"


def _marks(items: list[Json]) -> Iterator[Json]:
    for item in items:
        for name in ("content", "output"):
            parts = item.get(name) if isinstance(item, dict) else None
            if isinstance(parts, list):
                yield from (part["prompt_cache_breakpoint"] for part in parts if part.get("prompt_cache_breakpoint"))
