"""Answers over HTTP, whole and streamed."""

import msgspec
from msgspec import Raw

from twoapi.ir import Event, FaultError, Response
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.dialects.framed_answer import FramedDecoder, whole_answer
from twoapi.protocols.spark import schema as wire
from twoapi.protocols.spark.faults import hidden_fault
from twoapi.protocols.spark.name import HTTP
from twoapi.protocols.spark.telling import Telling
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.strict import strict

_PLACES = "/choices/{}/message"
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_decode_strict = msgspec.json.Decoder(strict(wire.Answer)).decode
_decode_lenient = json.decoder(wire.Answer)


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in it and for a body that is none of this vendor."""
    return whole_answer(_Answer(restore, HTTP, _PLACES), body)


def stream_decoder(restore: Restore) -> FramedDecoder:
    """A decoder for one streamed answer."""
    return FramedDecoder(_Answer(restore, HTTP, _PLACES), marked=True)


class _Answer(Telling):
    """Takes the frames of one answer."""

    __slots__ = ()

    is_ended = False  # the mark of the end stands behind the last frame

    def take(self, payload: bytes, events: list[Event], name: bytes = b"") -> None:  # noqa: ARG002  frames have none
        """Adds the events of one frame; raises FaultError for an error in place of an answer, and for what is none."""
        try:
            answer, unknown = _read(payload)
            fault = hidden_fault(answer, HTTP)
            if fault is None:
                self._take(answer, unknown, events)
        except WireError as error:
            fault = broken(f"the upstream's answer cannot be read: {error.message}")
        if fault is not None:
            raise FaultError(fault)

    def _take(self, answer: wire.Answer, unknown: dict[str, Raw], events: list[Event]) -> None:
        """Raises WireError."""
        if answer.choices:
            self.start(answer.id or answer.sid or "", answer.model or "", answer.created, events)
        self.count(answer.usage)
        self.note({pointer.replace("/delta/", "/message/"): value for pointer, value in unknown.items()})
        for number, choice in enumerate(answer.choices or ()):
            index = number if choice.index is None else choice.index
            self.say(index, choice.delta or choice.message, choice.finish_reason, events)


def _read(payload: bytes) -> tuple[wire.Answer, dict[str, Raw]]:
    """The answer and the members that it has beside the known ones. Raises WireError."""
    try:
        return _decode_strict(payload), {}
    except _BAD:
        return _decode_lenient(payload), json.unknown_fields(payload, wire.Answer)
