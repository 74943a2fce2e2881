"""What Anthropic refuses in a messages request."""

import json
import re
from collections.abc import Iterator

from twoapi.testing.documented import BETA_FIELDS, MESSAGES_REQUEST, undocumented
from twoapi.testing.replies import Json

Problem = tuple[str, str]

_ID = re.compile(r"[a-zA-Z0-9_-]+").fullmatch
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch
_VERSIONS = ("2023-06-01", "2026-10-21")
_IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
# Who may say what.
_OWNERS = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
}
_EXTRA = "Extra inputs are not permitted"


def messages_problems(body: dict[str, Json], headers: dict[str, str]) -> Iterator[Problem]:
    """Every violation of the documented rules: JSON pointer and reason."""
    version = headers.get("anthropic-version")
    if version not in _VERSIONS:
        yield "", f"anthropic-version: must be one of {_VERSIONS}"
    for pointer in undocumented(body, MESSAGES_REQUEST):
        yield pointer, _EXTRA
    if "anthropic-beta" not in headers:
        yield from ((f"/{name}", _EXTRA) for name in sorted(BETA_FIELDS & body.keys()))
    if not isinstance(body.get("model"), str):
        yield "/model", "Field required"
    limit = body.get("max_tokens")
    if not isinstance(limit, int) or limit < 0:
        yield "/max_tokens", "Field required, not negative"
    yield from _sampling(body, version)
    wanted = (body.get("output_config") or {}).get("format")
    if wanted is not None and (wanted.get("type") != "json_schema" or not isinstance(wanted.get("schema"), dict)):
        yield "/output_config/format", "must be a json_schema with its schema"
    yield from _thinking(body, interleaved="interleaved-thinking" in headers.get("anthropic-beta", ""))
    yield from _tools(body)
    yield from _marks(body)
    yield from _system(body.get("system"))
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "/messages", "at least one message is required"
        return
    for index, message in enumerate(messages):
        yield from _message(f"/messages/{index}", message, last=index == len(messages) - 1, version=version)
    if (body.get("thread") or {}).get("type") != "continue":  # else what came before is kept by the service
        yield from _pairing(messages)
    yield from _places_of_system(messages)


def _sampling(body: dict[str, Json], version: str | None) -> Iterator[Problem]:
    given = [name for name in ("temperature", "top_p", "top_k") if name in body]
    if version != "2023-06-01":
        yield from ((f"/{name}", _EXTRA) for name in given)
        return
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None and not 0 <= value <= 1:
            yield f"/{name}", "must be between 0 and 1"
    if "temperature" in given and "top_p" in given:
        yield "/top_p", "temperature and top_p cannot both be given"
    if (body.get("thinking") or {}).get("type") in {"enabled", "adaptive"}:
        if body.get("temperature", 1) != 1:
            yield "/temperature", "must be 1 when thinking is on"
        if body.get("top_p", 1) < 0.95:
            yield "/top_p", "must be at least 0.95 when thinking is on"
        if "top_k" in given:
            yield "/top_k", "cannot be given when thinking is on"


def _thinking(body: dict[str, Json], *, interleaved: bool) -> Iterator[Problem]:
    """`interleaved`: thinking between calls, whose budget is one of the whole turn and may exceed max_tokens."""
    thinking = body.get("thinking") or {}
    kind = thinking.get("type", "disabled")
    if kind not in {"enabled", "adaptive", "disabled", "between_tools"}:
        yield "/thinking/type", "unknown type"
    budget = thinking.get("budget_tokens")
    most = 1 << 40 if interleaved else body.get("max_tokens") or 0
    if kind == "enabled" and (not isinstance(budget, int) or not 1024 <= budget < most):
        yield "/thinking/budget_tokens", "at least 1024 and less than max_tokens"
    if kind != "enabled" and budget is not None:
        yield "/thinking/budget_tokens", _EXTRA
    if kind == "enabled" and (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        yield "/tool_choice", "a forced tool cannot be combined with thinking"
    if kind in {"enabled", "adaptive"}:
        yield from _running_loop(body.get("messages") or [])
    for index, stop in enumerate(body.get("stop_sequences") or []):
        if not stop.strip():
            yield f"/stop_sequences/{index}", "must contain something but whitespace"


def _running_loop(messages: list[dict[str, Json]]) -> Iterator[Problem]:
    """With thinking on, the assistant turn of the running tool loop begins with its thinking."""
    if not messages or not any(block.get("type") == "tool_result" for block in _blocks(messages[-1])):
        return
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") != "assistant":
            continue
        blocks = _blocks(messages[index])
        if blocks and blocks[0].get("type") not in {"thinking", "redacted_thinking"}:
            yield f"/messages/{index}/content/0", "expected thinking or redacted_thinking when thinking is on"
        return


def _tools(body: dict[str, Json]) -> Iterator[Problem]:
    names: list[str] = []
    for index, tool in enumerate(body.get("tools") or []):
        at = f"/tools/{index}"
        name = tool.get("name")
        if not isinstance(name, str) or not _NAME(name):
            yield f"{at}/name", "letters, digits, _ and -, at most 128"
        if tool.get("type") in (None, "custom"):
            schema = tool.get("input_schema")
            if not isinstance(schema, dict) or schema.get("type") != "object":
                yield f"{at}/input_schema", "must be a schema of type object"
        names.append(str(name))
    if len(set(names)) != len(names):
        yield "/tools", "tool names must be unique"
    choice = body.get("tool_choice") or {}
    if choice and not names:
        yield "/tool_choice", "only with tools"
    if choice.get("type") == "tool" and choice.get("name") not in names:
        yield "/tool_choice/name", "there is no such tool"


def _marks(body: dict[str, Json]) -> Iterator[Problem]:
    lifetimes = list(_lifetimes(body))
    if len(lifetimes) > 4:
        yield "", f"at most 4 blocks with cache_control, found {len(lifetimes)}"
    short = False
    for at, lifetime in lifetimes:
        if lifetime not in {"5m", "1h"}:
            yield f"{at}/ttl", "must be 5m or 1h"
        if lifetime == "1h" and short:
            yield at, "a longer lifetime must come before a shorter one"
        short = short or lifetime == "5m"


def _lifetimes(body: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """All cache marks in the order of the prompt: tools, system, messages."""
    for top in ("tools", "system", "messages"):
        pending: list[tuple[str, Json]] = [(f"/{top}", body.get(top))]
        while pending:
            at, node = pending.pop()
            if isinstance(node, list):
                pending += [(f"{at}/{index}", item) for index, item in reversed(list(enumerate(node)))]
            elif isinstance(node, dict):
                if isinstance(node.get("cache_control"), dict):
                    yield f"{at}/cache_control", node["cache_control"].get("ttl") or "5m"
                pending.append((f"{at}/content", node.get("content")))
    if isinstance(body.get("cache_control"), dict):
        yield "/cache_control", body["cache_control"].get("ttl") or "5m"


def _system(system: Json) -> Iterator[Problem]:
    for index, block in enumerate(system if isinstance(system, list) else []):
        if not block.get("text"):
            yield f"/system/{index}/text", "text blocks must not be empty"


def _blocks(message: dict[str, Json]) -> list[dict[str, Json]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _message(at: str, message: dict[str, Json], *, last: bool, version: str | None) -> Iterator[Problem]:
    role = message.get("role")
    content = message.get("content")
    if role not in {"user", "assistant", "system"}:
        yield f"{at}/role", "must be user, assistant or system"
    if not isinstance(content, str | list):
        yield f"{at}/content", "must be a string or a list of blocks"
    if not content and not (last and role == "assistant"):
        yield f"{at}/content", "must not be empty"
    blocks = _blocks(message)
    for index, block in enumerate(blocks):
        yield from _block(f"{at}/content/{index}", block, str(role), version)
    final = content if isinstance(content, str) else (blocks[-1].get("text") or "" if blocks else "")
    if last and role == "assistant" and final != final.rstrip():
        yield f"{at}/content", "a final assistant message must not end with whitespace"


def _block(at: str, block: dict[str, Json], role: str, version: str | None) -> Iterator[Problem]:
    kind = str(block.get("type"))
    if role != _OWNERS.get(kind, role):
        yield at, f"{kind} belongs to a message of role {_OWNERS[kind]}"
    if kind in {"tool_use", "server_tool_use"} and not isinstance(block.get("input"), dict):
        yield f"{at}/input", "must be an object"
    if kind == "thinking" and not (isinstance(block.get("thinking"), str) and block.get("signature")):
        yield f"{at}/signature", "thinking and its signature are required"
    if "tw1." in json.dumps([block.get("signature"), block.get("data")]):
        yield at, "the signature is not ours"
    yield from _place(at, block, role, version)
    yield from _call_ids(at, block)
    for where, piece in [
        (at, block),
        *((f"{at}/content/{index}", inner) for index, inner in enumerate(_blocks(block))),
    ]:
        if piece.get("type") == "text" and not piece.get("text"):
            yield f"{where}/text", "text blocks must not be empty"
        yield from _media(where, piece)


def _place(at: str, block: dict[str, Json], role: str, version: str | None) -> Iterator[Problem]:
    if role == "system" and block.get("type") != "text":
        yield at, "a system message holds text only"
    document = role == "assistant" and block.get("type") == "document"
    if version == "2026-10-21" and (document or _cites(role, block)):
        yield at, _EXTRA


def _call_ids(at: str, block: dict[str, Json]) -> Iterator[Problem]:
    name = {"tool_use": "id", "tool_result": "tool_use_id"}.get(str(block.get("type")))
    if name is not None and not _ID(str(block.get(name) or "")):
        yield f"{at}/{name}", "must match ^[a-zA-Z0-9_-]+$"


def _cites(role: str, block: dict[str, Json]) -> bool:
    return role == "user" and block.get("type") == "text" and bool(block.get("citations"))


def _media(at: str, block: dict[str, Json]) -> Iterator[Problem]:
    source = block.get("source")
    if not isinstance(source, dict) or source.get("type") != "base64":
        return
    allowed = _IMAGES if block.get("type") == "image" else {"application/pdf"}
    if source.get("media_type") not in allowed:
        yield f"{at}/source/media_type", f"must be one of {sorted(allowed)}"


def _pairing(messages: list[dict[str, Json]]) -> Iterator[Problem]:
    """Every tool_use is answered in the next turn, results first; consecutive turns of one role count as one."""
    waiting: dict[str, str] = {}
    for at, role, blocks in _turns(messages):
        if role == "user":
            yield from _results(at, blocks, waiting)
        for call_id, where in waiting.items():
            yield where, f"tool_use {call_id!r} has no tool_result in the next message"
        waiting = {}
        for where, block in blocks:
            if block.get("type") == "tool_use" and role == "assistant":
                if str(block.get("id")) in waiting:
                    yield where, "tool_use ids must be unique"
                waiting[str(block.get("id"))] = where
    for call_id, where in waiting.items():
        yield where, f"tool_use {call_id!r} has no tool_result in the next message"


def _results(at: str, blocks: list[tuple[str, dict[str, Json]]], waiting: dict[str, str]) -> Iterator[Problem]:
    spoke = False
    for where, block in blocks:
        if block.get("type") != "tool_result":
            spoke = True
        elif waiting.pop(str(block.get("tool_use_id")), None) is None:
            yield where, "unexpected tool_result: the previous message has no such tool_use"
        elif spoke:
            yield at, "tool_result blocks must come first"


def _turns(messages: list[dict[str, Json]]) -> Iterator[tuple[str, str, list[tuple[str, dict[str, Json]]]]]:
    turn: tuple[str, str, list[tuple[str, dict[str, Json]]]] | None = None
    for index, message in enumerate(messages):
        role = str(message.get("role"))
        at = f"/messages/{index}"
        content = message.get("content")
        plain = [{"type": "text", "text": content}] if isinstance(content, str) else []
        blocks = [(f"{at}/content/{n}", block) for n, block in enumerate(_blocks(message) or plain)]
        if turn is not None and turn[1] == role:
            turn[2].extend(blocks)
            continue
        if turn is not None:
            yield turn
        turn = (at, role, blocks)
    if turn is not None:
        yield turn


def _places_of_system(messages: list[dict[str, Json]]) -> Iterator[Problem]:
    for index, message in enumerate(messages):
        if message.get("role") == "system" and (index == 0 or messages[index - 1].get("role") == "assistant"):
            yield f"/messages/{index}/role", "a system message comes right after a user turn"
