"""Laws of conversations: results in any order, ids that stay while turns are added."""

import json
from collections.abc import Callable, Iterator

from twoapi.ir import FaultError, Part, Request, ToolResult
from twoapi.protocols.base import Codec
from twoapi.testing.differences import meanings
from twoapi.testing.laws.subject import decoded, encoded
from twoapi.testing.replies import Json

# Where a protocol has its turns, and one turn more.
_MORE: dict[str, tuple[str, Json]] = {
    "openai-chat": ("messages", {"role": "user", "content": "and then?"}),
    "openai-responses": ("input", {"role": "user", "content": "and then?"}),
    "anthropic-messages": ("messages", {"role": "user", "content": "and then?"}),
    "gemini": ("contents", {"role": "user", "parts": [{"text": "and then?"}]}),
}
_IDS = {"tool_call_id", "call_id", "tool_use_id"}


def results_may_come_in_any_order(
    codec: Codec, other: Codec, body: bytes, shuffled: Callable[[list[Part]], list[Part]]
) -> None:
    """L12: in which order results of one turn come changes nothing but their order."""
    try:
        straight, _, _ = encoded(other, decoded(codec, body))
    except FaultError:
        return
    request = decoded(codec, body)
    for places in _turns_of_results(request):
        parts = [request.messages[i].parts[j] for i, j in places]
        for (i, j), part in zip(places, shuffled(parts), strict=True):
            request.messages[i].parts[j] = part
    crossed, _, _ = encoded(other, request)
    one, two = (sorted(meanings(other.name, out)) for out in (straight, crossed))
    # A cache mark on what is left out moves to what stands before it.
    unmarked = [[fact for fact in facts if not fact.startswith('["mark"')] for facts in (one, two)]
    assert unmarked[0] == unmarked[1], f"{straight!r}\n{crossed!r}"


def _turns_of_results(request: Request) -> Iterator[list[tuple[int, int]]]:
    """The places of the results between two turns of the model."""
    places: list[tuple[int, int]] = []
    for i, message in enumerate(request.messages):
        if message.role == "assistant":
            yield places
            places = []
        places += [(i, j) for j, part in enumerate(message.parts) if isinstance(part, ToolResult)]
    yield places


def ids_are_stable(codec: Codec, other: Codec, body: bytes) -> None:
    """L13: the ids of a conversation that has grown are those that it had, here and there, one for each call."""
    document = json.loads(body)
    member, turn = _MORE[codec.name]
    turns = document.get(member)
    if not isinstance(turns, list):
        return
    longer = json.dumps({**document, member: [*turns, turn]}, ensure_ascii=False).encode()
    respelled = json.dumps(document, ensure_ascii=False).encode()
    before, after = decoded(codec, respelled), decoded(codec, longer)
    ids = _results(before)
    assert _results(after)[: len(ids)] == ids, "ids change when a turn is added"
    try:
        one, two = (encoded(other, request)[0] for request in (before, after))
    except FaultError:
        return
    wire, later = list(_wire_ids(json.loads(one))), list(_wire_ids(json.loads(two)))
    assert later[: len(wire)] == wire, "ids on the wire change when a turn is added"
    if wire and codec is not other:  # a client of its own protocol may have left some out
        assert len(set(wire)) == len(set(ids)), f"{ids} are {wire} on the wire"


def _results(request: Request) -> list[str]:
    return [part.call_id for message in request.messages for part in message.parts if isinstance(part, ToolResult)]


def _wire_ids(value: Json) -> Iterator[str]:
    """The ids that results name, in their order."""
    if isinstance(value, list):
        for item in value:
            yield from _wire_ids(item)
    elif isinstance(value, dict):
        if isinstance(value.get("functionResponse"), dict) and "id" in value["functionResponse"]:
            yield value["functionResponse"]["id"]
        if value.get("role") == "tool" or "output" in value or value.get("type") == "tool_result":
            yield from (value[name] for name in _IDS if name in value)
        for name, item in value.items():
            if name in {"messages", "input", "contents", "content", "parts"}:
                yield from _wire_ids(item)
