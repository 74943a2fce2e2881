"""A platform's own frames around the events of a stream: they are taken off before the protocol's reader sees it."""

from typing import Literal

import msgspec

from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.eventstream import EventMessage, EventStreamReader
from twoapi.wire.sse import CR, LF, frame


class Frames(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's events within a platform's own frames. `errors`: the protocol's types of errors by the platform's."""

    form: Literal["eventstream"]
    errors: dict[str, str] = msgspec.field(default_factory=dict)


class _Chunk(msgspec.Struct):
    bytes: bytes  # in base64


class _Event(msgspec.Struct):
    type: str = ""


class _Message(msgspec.Struct):
    message: str = ""
    capital: str = msgspec.field(default="", name="Message")


_decode_chunk = json.decoder(_Chunk)
_decode_event = json.decoder(_Event)
_decode_message = json.decoder(_Message)


class Unframer:
    """A platform's stream to server-sent events, as the protocol's own reader takes them."""

    __slots__ = ("_errors", "_reader", "_told")

    def __init__(self, frames: Frames) -> None:
        self._errors = frames.errors
        self._reader = EventStreamReader()
        self._told = False

    def feed(self, data: bytes) -> bytes:
        """The events that these bytes complete; an error event for what is no such stream."""
        out = b"".join([self._event(message) for message in self._reader.feed(data)])
        broken = self._reader.broken
        if broken is not None and not self._told:
            self._told = True
            out += _error("api_error", f"the upstream's stream is broken: {broken.message}", "stream_broken")
        return out

    def _event(self, message: EventMessage) -> bytes:
        kind = message.header(":message-type")
        if kind == "event":
            return _inner(message.payload) if message.header(":event-type") == "chunk" else b""
        if kind == "exception":
            name = message.header(":exception-type")
            return _error(self._errors.get(name, "api_error"), _said(message.payload) or name, name)
        name = message.header(":error-code")
        return _error(self._errors.get(name, "api_error"), message.header(":error-message") or name, name)


def _inner(payload: bytes) -> bytes:
    """The event in a chunk; one line, as an event of a stream is."""
    try:
        data = _decode_chunk(payload).bytes
        name = _decode_event(data).type.encode()
    except WireError as error:
        return _error("api_error", f"a chunk of the upstream's stream cannot be read: {error.message}", "stream_broken")
    if LF in data or CR in data:
        data = data.replace(b"\r", b" ").replace(b"\n", b" ")
    return frame(data, name)


def _said(payload: bytes) -> str:
    try:
        told = _decode_message(payload)
    except WireError:
        return ""
    return told.message or told.capital


def _error(kind: str, message: str, code: str) -> bytes:
    error = {"type": kind, "message": message, "details": {"error_code": code}}
    return frame(json.encode({"type": "error", "error": error}), b"error")
