"""What one connection remembers of its own conversation, whatever is stored: a turn may go on from the one before."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultError, StopReason, Usage
from twoapi.ir.assemble import unfold
from twoapi.ir.response import Candidate, Response
from twoapi.protocols.base import AnswerContext, Codec
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming

_NONE, _TRUE = Raw(b"[]"), Raw(b"true")
_KEPT = 4  # answers from which a client may go on: the last one, or an earlier one after a failure
_TOLD = ("type", "stream", "generate", "input", "previous_response_id")  # of a message, what is not the request's own


class Turn(msgspec.Struct):
    """One message of the client's as a request. `items`: all that was said up to it. `warm_up`: nobody is asked."""

    body: bytes
    items: list[Raw]
    warm_up: bool


class Conversation:
    """The last turns of one connection. `limit`: the most bytes that a request may grow to."""

    __slots__ = ("_limit", "_turns")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._turns: dict[str, list[Raw]] = {}

    def turn(self, message: bytes | str) -> Turn:
        """The request in a `response.create` message, with what it goes on from. Raises FaultError."""
        try:
            given = json.fields(message.encode() if isinstance(message, str) else message)
        except WireError as error:
            raise FaultError(Fault("invalid_request", f"a message must be a JSON object: {error}")) from None
        kind = json.string(given.get("type", _NONE))
        if kind != "response.create":
            raise FaultError(
                Fault("invalid_request", f"a message of type {kind[:100]!r} is not taken here", param="/type")
            )
        items = self._items(given)
        body: dict[str, object] = {name: value for name, value in given.items() if name not in _TOLD}
        previous = given.get("previous_response_id")
        known = self._turns.get("" if previous is None else json.string(previous))
        if known is not None:
            items = [*known, *items]
        elif previous is not None:
            body["previous_response_id"] = previous  # of another connection: the store or the upstream may know it
        if items or "input" in given:
            body["input"] = items
        body["stream"] = _TRUE
        encoded = json.encode(body)
        if len(encoded) > self._limit:
            raise FaultError(Fault("too_large", f"the conversation is larger than {self._limit} bytes"))
        return Turn(encoded, items, bytes(given.get("generate", _TRUE)) == b"false")

    def remember(self, turn: Turn, answer: Mapping[str, Raw]) -> None:
        """Keeps a turn under the id of its complete answer."""
        name, output = json.string(answer.get("id", _NONE)), answer.get("output", _NONE)
        if name:
            self._turns[name] = [*turn.items, *_own(json.items(output))]
            while len(self._turns) > _KEPT:
                del self._turns[next(iter(self._turns))]

    @staticmethod
    def _items(given: Mapping[str, Raw]) -> list[Raw]:
        said = given.get("input", _NONE)
        if json.first_byte(said) == 34:
            return [Raw(json.encode({"type": "message", "role": "user", "content": said}))]
        if json.is_null(said):
            return []
        try:
            return _own(json.items(said))
        except WireError:
            raise FaultError(Fault("invalid_request", "input must be text or a list", param="/input")) from None


def _own(items: list[Raw]) -> list[Raw]:
    """The items without the message that they came in, which would stay in memory with them."""
    return [item.copy() for item in items]


def answered_by_nobody(codec: Codec, incoming: Incoming, now: int, answer_id: str) -> bytes:
    """The stream of an empty answer, for a client that only warms its connection up. Raises FaultError."""
    request = codec.decode_request(incoming)
    empty = Response(
        protocol=codec.name,
        id="",
        model=request.model,
        candidates=[Candidate(0, [], StopReason(kind="stop"))],
        usage=Usage(input=0, output=0),
    )
    encoder = codec.stream_encoder(AnswerContext(request, now, answer_id), [])
    return encoder.feed(list(unfold(empty))) + encoder.close()
