"""Answers over a websocket: messages of JSON, one on a line, until one with status 2."""

import msgspec
from msgspec import Raw

from twoapi.ir import Event, Failed, Fault, FaultError, Response
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.spark import schema as wire
from twoapi.protocols.spark.faults import coded_fault
from twoapi.protocols.spark.name import SOCKET
from twoapi.protocols.spark.telling import Telling
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import MAX_EVENT
from twoapi.wire.strict import strict

_PLACES = "/payload/choices/text/{}"
_LAST = 2  # the status of the last frame; 0 is the first's, 1 of those between
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Head(msgspec.Struct):
    code: int | str | None = None
    status: int | None = None


class _Headed(msgspec.Struct):
    header: _Head | None = None


_decode_headed = msgspec.json.Decoder(_Headed).decode
_decode_strict = msgspec.json.Decoder(strict(wire.AnswerFrame)).decode
_decode_lenient = json.decoder(wire.AnswerFrame)


def is_last(message: bytes) -> bool:
    """True for the message behind which none comes: the last one, or an error."""
    try:
        header = _decode_headed(message).header
    except _BAD:
        return True  # the rest could not be read either
    return header is not None and (header.status == _LAST or header.code not in (None, 0, "0", ""))


def decode_frames(body: bytes, restore: Restore) -> Response:
    """The whole answer from all its messages; raises FaultError."""
    decoder = SparkSocketDecoder(restore)
    response = fold([*decoder.feed(body), *decoder.close()])
    if response.fault is not None:
        raise FaultError(response.fault)
    return response


class SparkSocketDecoder:
    """Decodes one answer."""

    __slots__ = ("_done", "_held", "_size", "_telling")

    def __init__(self, restore: Restore) -> None:
        self._held: list[bytes] = []  # of a line that is not whole yet
        self._size = 0
        self._telling = Telling(restore, SOCKET, _PLACES)
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        *whole, rest = data.split(b"\n")
        for line in whole:
            if self._done:
                return events
            self._held.append(line)
            self._take(b"".join(self._held), events)
            self._held.clear()
            self._size = 0
        self._hold(rest, events)
        return events

    def close(self) -> list[Event]:
        """The rest, when the connection has ended."""
        events: list[Event] = []
        if not self._done:
            self._take(b"".join(self._held), events)
        if not self._done:
            self._fail(broken("the upstream closed the websocket in the middle of its answer"), events)
        return events

    def _hold(self, rest: bytes, events: list[Event]) -> None:
        if self._done:
            return
        self._held.append(rest)
        self._size += len(rest)
        if self._size > MAX_EVENT:
            self._fail(broken(f"a message of the upstream is larger than {MAX_EVENT} bytes"), events)

    def _take(self, line: bytes, events: list[Event]) -> None:
        if not line.strip():
            return
        try:
            frame, unknown = _read(line)
            header = frame.header or wire.FrameHead()
            fault = coded_fault(header.code, header.message, header.sid, SOCKET)
            if fault is not None:
                self._fail(fault, events)
            elif self._say(frame, header, unknown, events):
                self._done = True
                self._telling.finish(events)
        except WireError as error:
            self._fail(broken(f"a message of the upstream cannot be read: {error.message}"), events)

    def _say(
        self, frame: wire.AnswerFrame, header: wire.FrameHead, unknown: dict[str, Raw], events: list[Event]
    ) -> bool:
        """Adds the events of a frame; True when it is the last. Raises WireError."""
        payload = frame.payload or wire.FramePayload()
        choices = payload.choices or wire.FrameChoices()
        telling = self._telling
        if payload.choices is not None:
            telling.start(header.sid or "", "", None, events)
            telling.say(0, None, None, events)
        if payload.usage is not None:
            telling.count(payload.usage.text)
        telling.note(unknown)
        for said in choices.text or ():
            telling.say(0, said, None, events)  # their index counts the pieces, not the answers
        return telling.is_started and _LAST in (header.status, choices.status)

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        self._telling.tell_usage(events)
        events.append(Failed(fault))


def _read(line: bytes) -> tuple[wire.AnswerFrame, dict[str, Raw]]:
    """The frame and the members that it has beside the known ones. Raises WireError."""
    try:
        return _decode_strict(line), {}
    except _BAD:
        return _decode_lenient(line), json.unknown_fields(line, wire.AnswerFrame)
