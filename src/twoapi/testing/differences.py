"""Where two requests of one protocol say different things: by what they mean, not by how messages are cut."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher

from twoapi.testing.normal import normal_request
from twoapi.testing.replies import Json

# A piece of meaning and the place where it stands.
Fact = tuple[str, str]


def differences(protocol: str, before: bytes, after: bytes) -> tuple[list[str], list[str]]:
    """What `before` says and `after` does not, and the reverse: each a list of JSON pointers."""
    one, other = normal_request(protocol, before), normal_request(protocol, after)
    gone, new = _fields(one, other)
    facts_before = list(_FACTS[protocol](one))
    facts_after = list(_FACTS[protocol](other))
    texts_before = [fact for _, fact in facts_before]
    texts_after = [fact for _, fact in facts_after]
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, texts_before, texts_after, autojunk=False).get_opcodes():
        if kind != "equal":
            gone += [at for at, _ in facts_before[i1:i2]]
            new += [at for at, _ in facts_after[j1:j2]]
    return gone, new


def _fields(one: dict[str, Json], other: dict[str, Json]) -> tuple[list[str], list[str]]:
    gone: list[str] = []
    new: list[str] = []
    for name in {**one, **other}:
        if name not in {"messages", "system"}:
            _compare(one.get(name), other.get(name), f"/{name}", gone, new)
    return gone, new


def _compare(one: Json, other: Json, at: str, gone: list[str], new: list[str]) -> None:
    if one == other and type(one) is type(other):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in {**one, **other}:
            token = name.replace("~", "~0").replace("/", "~1")
            _compare(one.get(name), other.get(name), f"{at}/{token}", gone, new)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            _compare(left, right, f"{at}/{index}", gone, new)
    elif one != other:
        (new if one is None else gone).append(at)


def _fact(*values: Json) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


# --- OpenAI Chat Completions -------------------------------------------------------------------

_CHAT_KNOWN = {"role", "content", "tool_calls", "tool_call_id"}
_LEADING = {"system", "developer"}


def _chat_facts(body: dict[str, Json]) -> Iterator[Fact]:
    for index, message in enumerate(body["messages"]):
        at = f"/messages/{index}"
        role = "instruction" if message["role"] in _LEADING else message["role"]
        for name, item in message.items():
            if name not in _CHAT_KNOWN:
                yield f"{at}/{name}", _fact(role, name, item)
        content = message.get("content") or []
        if role == "tool":
            text = "".join(part.get("text", "") for part in content)
            yield f"{at}/content", _fact("result", message["tool_call_id"], text)
            content = [{**part, "text": None} for part in content]
        for number, part in enumerate(content):
            yield from _part_facts(f"{at}/content/{number}", role, part, "prompt_cache_breakpoint")
        for number, call in enumerate(message.get("tool_calls") or []):
            yield from _call_facts(f"{at}/tool_calls/{number}", call)


def _part_facts(at: str, role: str, part: dict[str, Json], mark: str) -> Iterator[Fact]:
    kind = part.get("type")
    for name, item in part.items():
        if name == mark:
            yield f"{at}/{name}", _fact("mark", item)
        elif name != "type" and item is not None:
            yield f"{at}/{name}", _fact(role, kind, name, item)


def _call_facts(at: str, call: dict[str, Json]) -> Iterator[Fact]:
    made = call.get(call["type"]) or {}
    written = made.get("arguments", made.get("input", ""))
    if call["type"] == "function":
        try:
            written = json.loads(written or "{}")
        except ValueError:
            written = {"broken": written}
    yield at, _fact("call", call["id"], call["type"], made.get("name"), written)


# --- Anthropic Messages ------------------------------------------------------------------------


def _messages_facts(body: dict[str, Json]) -> Iterator[Fact]:
    for index, block in enumerate(body.get("system") or []):
        yield from _part_facts(f"/system/{index}", "instruction", block, "cache_control")
    for index, message in enumerate(body["messages"]):
        at = f"/messages/{index}"
        role = "instruction" if message["role"] == "system" else message["role"]
        for name, item in message.items():
            if name not in {"role", "content"}:
                yield f"{at}/{name}", _fact(role, name, item)
        for number, block in enumerate(message["content"]):
            yield from _block_facts(f"{at}/content/{number}", role, block)


def _block_facts(at: str, role: str, block: dict[str, Json]) -> Iterator[Fact]:
    if block["type"] == "tool_use":
        yield at, _fact("call", block["id"], block["name"], block["input"])
        rest = {name: item for name, item in block.items() if name not in {"id", "name", "input"}}
        yield from _part_facts(at, role, rest, "cache_control")
    elif block["type"] == "tool_result":
        content = block.get("content") or []
        text = "".join(part.get("text", "") for part in content if part.get("type") == "text")
        yield f"{at}/content", _fact("result", block["tool_use_id"], text)
        for number, part in enumerate(content):
            silent = {**part, "text": None} if part.get("type") == "text" else part
            yield from _part_facts(f"{at}/content/{number}", f"result {block['tool_use_id']}", silent, "cache_control")
        rest = {name: item for name, item in block.items() if name not in {"content", "tool_use_id"}}
        yield from _part_facts(at, "result", rest, "cache_control")
    else:
        yield from _part_facts(at, role, block, "cache_control")


_FACTS = {"openai-chat": _chat_facts, "anthropic-messages": _messages_facts}
