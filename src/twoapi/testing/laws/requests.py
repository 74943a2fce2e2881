"""Laws of requests: identity, the round trip and its report, idempotence, pairing, no leak."""

import json

from twoapi.ir import FaultError, Loss, Message, Reasoning, Request, Tool, ToolCall, ToolResult, plain
from twoapi.protocols.base import Codec
from twoapi.testing.differences import differences, reordered
from twoapi.testing.documented import pointers_outside
from twoapi.testing.laws.subject import SECRET, clients_names, decoded, encoded, same
from twoapi.testing.normal import normal_request
from twoapi.testing.normal_gemini import spelled_pointer
from twoapi.testing.replies import Json
from twoapi.testing.strict import refusal_reasons

# A loss on the way back is told by the place in the middle; where that came from.
_HOW_MUCH = ("/reasoning_effort", "/reasoning", "/thinking", "/output_config", "/generationConfig/thinkingConfig")
# What changes with a member that is reported: how much to reason says how to.
_FOLLOWS = {"/thinking": "/thinking/type"}
# What the way back says by itself: of a schema that it is strict, of an answer that nobody keeps it; and what says
# nothing when it is false.
_SAID_AGAIN = ("/json_schema/strict", "/format/strict", "/store", "/background", "/defer_loading")
# Kinds of loss that say that something is not there any more.
GONE = {"dropped", "unsupported"}


def request_identity(codec: Codec, body: bytes) -> None:
    """L1: a request that goes to its own protocol says the same, unknown members included, and loses nothing."""
    out, _, losses = encoded(codec, decoded(codec, body))
    same(normal_request(codec.name, out), normal_request(codec.name, body), "the request")
    assert losses == [], f"losses without a reason: {losses}"


def round_trip(codec: Codec, other: Codec, body: bytes) -> bool:
    """L8: what is not the same after the way there and back is covered by a Loss, and a Loss that says "gone" is true.

    False when the request was refused, which must name the place.
    """
    request = decoded(codec, body)
    try:
        there, headers, losses = encoded(other, request)
    except FaultError as error:
        refused_by_path(error, body)
        return False
    middle = _restored(decoded(other, there, headers), clients_names(other, request))
    back, _, later = encoded(codec, middle)
    gone, new = differences(codec.name, body, back)
    paths = [loss.path for loss in losses]
    paths += [place for loss in later if loss.path.startswith(_HOW_MUCH) for place in _HOW_MUCH]
    paths += [loss.path for loss in later if loss.path.startswith("/tools/")]  # tools keep their places
    paths += [_FOLLOWS[parent] for path in paths if (parent := path.rpartition("/")[0]) in _FOLLOWS]
    paths += _reasoning_lost_later(request, middle, later)
    paths += [
        request.where(name)
        for name in {**request.paths, **middle.paths}
        for loss in later
        if loss.path == middle.where(name)
    ]
    paths += ["/tool_choice"] if any(path.startswith("/tools/") for path in paths) else []
    paths += [spelled for path in paths if (spelled := _OLDER.get(path, _canonical(codec, path))) != path]
    document = json.loads(body)
    for at in gone:
        assert _is_told(at, paths, document), (
            f"{at} is lost in silence\nreported: {losses}\nlater: {later}\nthere: {there!r}\nback: {back!r}"
        )
    kinds = {loss.kind for loss in [*losses, *later]}
    told = {_area(loss.path) for loss in [*losses, *later]}
    assert kinds - {"info"} or told.issuperset(map(_area, new)), (
        f"{new} was invented in silence\nthere: {there!r}\nback: {back!r}"
    )
    assert "reordered" in kinds or not reordered(codec.name, body, back), "results change places in silence"
    for loss in losses:
        newer = _OLDER.get(loss.path, _canonical(codec, loss.path))
        _true_loss(loss, loss.path if loss.path in gone else newer, gone, document)  # both names may be there
    return True


def _reasoning_lost_later(request: Request, middle: Request, later: list[Loss]) -> list[str]:
    """Where the reasoning stood that the way back reports, when the whole of it had come through."""
    places = [[message.at + part.at for message, part in _reasonings(one)] for one in (request, middle)]
    lost = {loss.path for loss in later}
    if len(places[0]) != len(places[1]):
        worded = [message.at + part.at for message, part in _reasonings(request) if plain(part.text)]
        places[0] = worded if len(worded) == len(places[1]) else []
    return [before for before, after in zip(*places, strict=False) if after in lost]


def _reasonings(request: Request) -> list[tuple[Message, Reasoning]]:
    return [(message, part) for message in request.messages for part in message.parts if isinstance(part, Reasoning)]


def _area(pointer: str) -> str:
    """What a member is about, in any protocol: a round trip does not tell more of where something comes from."""
    top = pointer.split("/")[1] if pointer else ""
    return next((area for area, tops in _AREAS.items() if top in tops), "the rest")


_AREAS = {
    "the conversation": {"messages", "system", "input", "instructions", "contents", "systemInstruction"},
    "tools": {"tools", "tool_choice", "toolConfig", "parallel_tool_calls"},
}


def refused_by_path(error: FaultError, body: bytes) -> None:
    """A refusal is the client's 400 and names the member of the client's own body."""
    fault = error.fault
    assert fault.kind == "invalid_request", f"refused as {fault.kind}: {fault.message}"
    assert fault.http_status == 400
    assert fault.param, f"the refusal names no place: {fault.message}"
    assert _exists(json.loads(body), fault.param), f"there is no {fault.param} in the request: {fault.message}"


# Older names of members, and those that the canonical form has.
_OLDER = {"/user": "/safety_identifier", "/max_tokens": "/max_completion_tokens"}


def _canonical(codec: Codec, pointer: str) -> str:
    """A pointer as the canonical form of its protocol spells it."""
    return spelled_pointer(pointer) if codec.name == "gemini" else pointer


def _true_loss(loss: Loss, path: str, gone: list[str], document: Json) -> None:
    if loss.kind == "synthesized":
        return
    assert _exists(document, loss.path), f"a loss at {loss.path}, which is not in the request: {loss}"
    if _at(document, loss.path) is None:
        return  # a null that is gone makes no difference that could be seen
    if loss.kind in GONE and not loss.path.endswith(_SAID_AGAIN) and not _automatic(document, loss.path):
        assert any(_covers(path, at) or _covers(at, path) or _is_text_in(path, at) for at in gone), (
            f"nothing was lost there: {loss}"
        )


def _is_text_in(path: str, at: str) -> bool:
    """True when texts differ at `at`, where those of one speaker are compared as a whole, and this is a part of it."""
    return at.endswith("/content") and path.startswith(at.removesuffix("content"))


def _is_told(at: str, paths: list[str], document: Json) -> bool:
    """True when these say that what was at `at` is gone, or that all entries of a list there are."""
    value = _at(document, at)
    if any(_covers(path, at) or _is_text_in(path, at) for path in paths) or (
        at.startswith("/include/") and value == _GRANTED
    ):
        return True
    return (
        isinstance(value, list)
        and bool(value)
        and all(_is_told(f"{at}/{i}", paths, document) for i in range(len(value)))
    )


# A wish that the gateway grants whatever the upstream speaks: it seals by itself what was thought.
_GRANTED = "reasoning.encrypted_content"


def idempotence(codec: Codec, other: Codec, body: bytes) -> None:
    """L10: what has once gone through a protocol goes through it again unchanged, and loses nothing more."""
    try:
        once, headers, _ = encoded(other, decoded(codec, body))
    except FaultError:
        return
    twice, _, losses = encoded(other, decoded(other, once, headers))
    same(normal_request(other.name, twice), normal_request(other.name, once), "the second encoding")
    assert losses == [], f"new losses: {losses}"


def vendor_accepts(codec: Codec, other: Codec, body: bytes) -> bool:
    """L12, L19: what goes out keeps the rules of the target's vendor, pairing and documented members included."""
    try:
        out, headers, _ = encoded(other, decoded(codec, body))
    except FaultError as error:
        refused_by_path(error, body)
        return False
    reasons = refusal_reasons(other.name, json.loads(out), headers)
    assert reasons == [], f"the vendor would refuse: {reasons}\nin {out.decode()}"
    return True


def pairing(codec: Codec, other: Codec, body: bytes) -> None:
    """L12: calls and results come through with their ids and in pairs."""
    request = decoded(codec, body)
    try:
        out, headers, _ = encoded(other, request)
    except FaultError:
        return
    arrived = _restored(decoded(other, out, headers), clients_names(other, request))
    assert _calls(arrived) == _calls(request), "the calls are others"
    assert sorted(_results(arrived)) == sorted(_results(request)), "the results are others"


def no_leak(codec: Codec, other: Codec, body: bytes) -> None:
    """L19: nothing that the target does not document, no envelope and no credential of the client goes out."""
    try:
        out, headers, _ = encoded(other, decoded(codec, body))
    except FaultError:
        return
    outside = pointers_outside(other.name, json.loads(out))
    assert outside == [], f"undocumented members {outside} in {out.decode()}"
    assert SECRET not in out, "the client's key goes out"
    assert SECRET.decode() not in repr(headers), "the client's key goes out"
    assert b"tw1." not in out or b"tw1." in body, "an envelope goes out"  # words may look like the beginning of one


def prefix_is_stable(codec: Codec, other: Codec, body: bytes) -> None:
    """L21: more turns change nothing in what the earlier turns are encoded to, so that prompt caches keep working."""
    request = decoded(codec, body)
    try:
        longer = _turns(encoded(other, request)[0])
    except FaultError:
        return
    cut = _last_user(request)
    if cut == 0:
        return
    head = Request(**{**_members(request), "messages": request.messages[:cut]})
    try:
        shorter = _turns(encoded(other, head)[0])
    except FaultError:
        return
    same(longer[: len(shorter) - 1], shorter[:-1], "the earlier turns")


def _turns(body: bytes) -> list[Json]:
    document = json.loads(body)
    return list(document.get("messages") or document.get("input") or document.get("contents") or [])


def _restored(request: Request, names: dict[str, str]) -> Request:
    """The request with the client's own names of tools, as an answer would name them."""
    tools: list[Tool | ToolCall | ToolResult] = [*request.tools]
    for message in request.messages:
        tools += [part for part in message.parts if isinstance(part, ToolCall | ToolResult)]
    for tool in tools:
        tool.name = names.get(tool.name or "", tool.name)
    choice = request.tool_choice
    if choice is not None:
        choice.names = [names.get(name, name) for name in choice.names]
    return request


def _members(request: Request) -> dict[str, Json]:
    return {name: getattr(request, name) for name in request.__struct_fields__}


def _last_user(request: Request) -> int:
    """Behind the last user message but one that answers no call."""
    places = [index + 1 for index, message in enumerate(request.messages[:-1]) if message.role == "user"]
    return places[-1] if places else 0


def _calls(request: Request) -> list[tuple[str, str]]:
    return [
        (part.id, f"{part.namespace}__{part.name}" if part.namespace else part.name)
        for message in request.messages
        for part in message.parts
        if isinstance(part, ToolCall)
    ]


def _results(request: Request) -> list[str]:
    return [part.call_id for message in request.messages for part in _of(message) if isinstance(part, ToolResult)]


def _of(message: Message) -> list[Json]:
    return list(message.parts)


def _covers(path: str, at: str) -> bool:
    return at == path or at.startswith(path + "/") or path == ""


def _exists(document: Json, pointer: str) -> bool:
    return _at(document, pointer) is not _NOTHING


def _automatic(document: Json, pointer: str) -> bool:
    """True for an image whose detail is the one that is meant without a word."""
    node = _at(document, pointer)
    return isinstance(node, dict) and node.get("detail") == "auto"


_NOTHING = object()


def _at(document: Json, pointer: str) -> Json:
    node = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return _NOTHING
    return node
