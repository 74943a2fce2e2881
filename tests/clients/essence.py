"""What a request says, whatever protocol says it: who says what in which order, which tools there are, how it is to be
answered. Plain code over plain values, independent of the codecs.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from twoapi.testing.gemini_spelling import spelled

Said = tuple[Any, ...]
Essence = dict[str, Any]
_SYSTEM = {"developer": "system"}


def essence(protocol: str, body: Any) -> Essence:
    """Everything that must survive a conversion. Calls and results are numbered: ids may change together."""
    found = details(protocol, body)
    return {**found, "said": _numbered(_joined(found["said"]))}


def details(protocol: str, body: Any) -> Essence:
    """The same with the ids of calls and results, and texts as they are cut."""
    match protocol:
        case "openai-chat":
            return _chat(body)
        case "openai-responses":
            return _responses(body)
        case "gemini":
            return _gemini(spelled(body))
        case _:
            return _messages(body)


def comparable(found: Essence, protocols: set[str]) -> Essence:
    """What all of these protocols can say of it."""
    if "gemini" not in protocols:
        return found
    # Instructions stand before all turns there; nobody is told who asks, or how strict a tool is.
    said = sorted(found["said"], key=lambda one: one[0] != "system")
    tools = [tool[:3] for tool in found["tools"]]
    return {**found, "said": _joined(said), "tools": tools, "user": None}


def _joined(said: list[Said]) -> list[Said]:
    """Texts of one speaker that follow each other as one: protocols cut them differently."""
    joined: list[Said] = []
    for who, group in groupby(said, key=lambda one: one[0]):
        ones = list(group)
        joined += ones if who in ("call", "result") else [(who, "".join(text for _, text in ones))]
    return joined


def _numbered(said: list[Said]) -> list[Said]:
    """Each call with its number, each result with that of its call: by id, else the first open one of its name."""
    open_calls: list[tuple[int, Any, str]] = []
    numbered: list[Said] = []
    count = 0
    for one in said:
        if one[0] == "call":
            open_calls.append((count, one[1], one[2]))
            numbered.append(("call", count, *one[2:]))
            count += 1
        elif one[0] == "result":
            _, call_id, name, text = one
            found = next(call for call in open_calls if (call[1] == call_id if call_id else call[2] == name))
            open_calls.remove(found)
            numbered.append(("result", found[0], text))
        else:
            numbered.append(one)
    return numbered


def _chat(body: Any) -> Essence:
    functions = [tool["function"] for tool in body.get("tools") or []]
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    return {
        "said": [said for message in body["messages"] for said in _chat_message(message)],
        "tools": [_tool(one, one["parameters"]) for one in functions],
        "choice": {"auto": "auto", "required": "must", None: None}[body.get("tool_choice")],
        "limit": body.get("max_tokens") or body.get("max_completion_tokens"),
        "schema": _plain(wanted.get("schema")),
        "user": body.get("safety_identifier") or body.get("user"),
    }


def _tool(tool: Any, schema: Any) -> Said:
    return tool["name"], tool.get("description"), _plain(schema), bool(tool.get("strict"))


def _chat_message(message: Any) -> Iterator[Said]:
    role = _SYSTEM.get(message["role"], message["role"])
    content = message.get("content")
    if role == "tool":
        yield "result", message["tool_call_id"], None, plain_result("".join(_texts(content)))
        return
    for text in _texts(content):
        yield role, text
    for call in message.get("tool_calls") or []:
        yield "call", call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])


def _messages(body: Any) -> Essence:
    choice = (body.get("tool_choice") or {}).get("type")
    return {
        "said": [
            *(("system", text) for text in _texts(body.get("system"))),
            *(said for message in body["messages"] for said in _turn(message)),
        ],
        "tools": [_tool(one, one["input_schema"]) for one in body.get("tools") or []],
        "choice": {"auto": "auto", "any": "must", None: None}[choice],
        "limit": body["max_tokens"],
        "schema": _plain(((body.get("output_config") or {}).get("format") or {}).get("schema")),
        "user": (body.get("metadata") or {}).get("user_id"),
    }


def _turn(message: Any) -> Iterator[Said]:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for block in blocks:
        match block["type"]:
            case "text":
                yield message["role"], block["text"]
            case "tool_use":
                yield "call", block["id"], block["name"], block["input"]
            case "tool_result":
                yield "result", block["tool_use_id"], None, plain_result("".join(_texts(block.get("content"))))
            case _:
                assert block["type"] == "thinking"  # state of its own vendor: not said to others


def _responses(body: Any) -> Essence:
    given = body.get("input") or []
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    wanted = (body.get("text") or {}).get("format") or {}
    return {
        "said": [
            *(("system", text) for text in _texts(body.get("instructions"))),
            *(said for item in items for said in _item(item)),
        ],
        "tools": [_tool(one, one["parameters"]) for tool in body.get("tools") or [] for one in _functions(tool)],
        "choice": {"auto": "auto", "required": "must", None: None}[body.get("tool_choice")],
        "limit": body.get("max_output_tokens"),
        "schema": _plain(wanted.get("schema")),
        "user": body.get("safety_identifier") or body.get("user"),
    }


def _functions(tool: Any) -> Iterator[Any]:
    """The functions of a tool; those of a namespace by their whole name."""
    if tool["type"] == "function":
        yield tool
    elif tool["type"] == "namespace":
        yield from ({**inner, "name": f"{tool['name']}__{inner['name']}"} for inner in tool["tools"])
    else:
        assert tool["type"] == "web_search"  # the vendor's own


def _item(item: Any) -> Iterator[Said]:
    match item.get("type", "message"):
        case "message":
            role = _SYSTEM.get(item["role"], item["role"])
            yield from ((role, text) for text in _texts(item["content"]))
        case "function_call":
            yield "call", item["call_id"], item["name"], json.loads(item["arguments"])
        case "function_call_output":
            yield "result", item["call_id"], None, plain_result("".join(_texts(item["output"])))
        case kind:
            assert kind in ("reasoning", "item_reference")  # state of its own vendor


def _gemini(body: Any) -> Essence:
    config = body.get("generationConfig") or {}
    calling = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
    functions = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []]
    return {
        "said": [
            *(("system", part["text"]) for part in (body.get("systemInstruction") or {}).get("parts") or []),
            *(said for content in body["contents"] for said in _content(content)),
        ],
        "tools": [_tool(one, one.get("parametersJsonSchema") or one.get("parameters")) for one in functions],
        "choice": {"AUTO": "auto", "ANY": "must", None: None}[calling],
        "limit": config.get("maxOutputTokens"),
        "schema": _plain(config.get("responseJsonSchema") or config.get("responseSchema")),
        "user": None,
    }


def _content(content: Any) -> Iterator[Said]:
    role = "assistant" if content.get("role") == "model" else "user"
    for part in content["parts"]:
        call, response = part.get("functionCall"), part.get("functionResponse")
        if call is not None:
            yield "call", call.get("id"), call["name"], call.get("args") or {}
        elif response is not None:
            told = response["response"]
            text = told["output"] if list(told) == ["output"] and isinstance(told["output"], str) else json.dumps(told)
            yield "result", response.get("id"), response["name"], plain_result(text)
        elif part["text"] and not part.get("thought"):
            yield role, part["text"]


def _texts(content: Any) -> list[str]:
    if content is None:
        return []
    return [content] if isinstance(content, str) else [part["text"] for part in content]


def plain_result(text: str) -> str:
    """A result that is JSON in one spelling: some protocols hold objects, others texts."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def _plain(schema: Any) -> Any:
    """A schema without what only one vendor's dialect has, and without what says nothing."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        name: _plain(value) for name, value in schema.items() if name not in ("propertyOrdering", "property_ordering")
    }
    if isinstance(plain.get("type"), str):
        plain["type"] = plain["type"].lower()
    if plain.get("type") == "object":
        plain.setdefault("properties", {})
    return plain
