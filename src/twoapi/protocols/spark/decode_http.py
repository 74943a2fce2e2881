"""Answers over HTTP, whole and streamed."""

import msgspec
from msgspec import Raw

from twoapi.ir import Event, Failed, Fault, FaultError, Response
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.spark import schema as wire
from twoapi.protocols.spark.faults import hidden_fault
from twoapi.protocols.spark.name import HTTP
from twoapi.protocols.spark.telling import Telling
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import Frame, SseReader
from twoapi.wire.strict import strict

_PLACES = "/choices/{}/message"
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_decode_strict = msgspec.json.Decoder(strict(wire.Answer)).decode
_decode_lenient = json.decoder(wire.Answer)


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in it and for a body that is none of this vendor."""
    events: list[Event] = []
    telling = Telling(restore, HTTP, _PLACES)
    try:
        answer, unknown = _read(body)
        fault = hidden_fault(answer, HTTP)
        if fault is None and not answer.choices:
            fault = broken("the upstream's answer has no choices")
        if fault is not None:
            raise FaultError(fault)
        _take(telling, answer, unknown, events)
    except WireError as error:
        raise FaultError(broken(f"the upstream's answer cannot be read: {error.message}")) from None
    telling.end(events)
    return fold(events)


class SparkStreamDecoder:
    """Decodes one stream."""

    __slots__ = ("_done", "_reader", "_telling")

    def __init__(self, restore: Restore) -> None:
        self._reader = SseReader()
        self._telling = Telling(restore, HTTP, _PLACES)
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        if not self._done:
            try:
                self._take_all(self._reader.feed(data), events)
            except WireError as error:
                self._fail(broken(error.message), events)
        return events

    def close(self) -> list[Event]:
        """The rest, when the connection has ended."""
        events: list[Event] = []
        if self._done or not self._take_all(self._reader.close(), events):
            return events
        if self._telling.reasoned:
            self._end(events)
        else:
            self._fail(broken("the upstream's stream ended in the middle of the answer"), events)
        return events

    def _take_all(self, frames: list[Frame], events: list[Event]) -> bool:
        """Adds the events of frames; False when the stream is over."""
        return all(self._take(payload.strip(), events) for _, payload in frames)

    def _take(self, payload: bytes, events: list[Event]) -> bool:
        if payload == b"[DONE]":
            if self._telling.started:
                self._end(events)
            else:
                self._fail(broken("the upstream's stream ended without an answer"), events)
            return False
        try:
            answer, unknown = _read(payload)
            fault = hidden_fault(answer, HTTP)
            if fault is None:
                _take(self._telling, answer, unknown, events)
                return True
        except WireError as error:
            fault = broken(f"a frame of the upstream's stream cannot be read: {error.message}")
        self._fail(fault, events)
        return False

    def _end(self, events: list[Event]) -> None:
        self._done = True
        self._telling.end(events)

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        self._telling.tell_usage(events)
        events.append(Failed(fault))


def _read(payload: bytes) -> tuple[wire.Answer, dict[str, Raw]]:
    """The answer and the members that it has beside the known ones. Raises WireError."""
    try:
        return _decode_strict(payload), {}
    except _BAD:
        return _decode_lenient(payload), json.unknown_fields(payload, wire.Answer)


def _take(telling: Telling, answer: wire.Answer, unknown: dict[str, Raw], events: list[Event]) -> None:
    """Adds the events of a chunk, or of all. Raises WireError."""
    if answer.choices:
        telling.start(answer.id or answer.sid or "", answer.model or "", answer.created, events)
    telling.count(answer.usage)
    telling.note({pointer.replace("/delta/", "/message/"): value for pointer, value in unknown.items()})
    for number, choice in enumerate(answer.choices or ()):
        index = number if choice.index is None else choice.index
        telling.say(index, choice.delta or choice.message, choice.finish_reason, events)
