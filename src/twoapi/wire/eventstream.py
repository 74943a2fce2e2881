"""Binary event streams: bytes to messages (application/vnd.amazon.eventstream)."""

import struct
from zlib import crc32

import msgspec

from twoapi.wire.errors import WireError

MAX_MESSAGE = 16 * 1024 * 1024
MAX_HEADERS = 128 * 1024
_PRELUDE = struct.Struct(">III")  # length of all, length of the headers, checksum of these eight bytes
_CHECK = struct.Struct(">I")
_LEAST = _PRELUDE.size + _CHECK.size  # a message without headers and payload
_LENGTH = struct.Struct(">H")
_TRUE, _FALSE, _BYTES, _TEXT, _UUID = 0, 1, 6, 7, 9
# type of a header -> its number on the wire; 8 is a time in milliseconds since the epoch
_NUMBERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i")}
_NUMBERS |= dict.fromkeys((5, 8), struct.Struct(">q"))

HeaderValue = bool | int | bytes | str


class EventMessage(msgspec.Struct, frozen=True):
    """One message. A header that is a time is a number, in milliseconds since the epoch; a UUID is its 16 bytes."""

    headers: dict[str, HeaderValue]
    payload: bytes

    def header(self, name: str) -> str:
        """The text of a header; "" when there is none or it is no text."""
        value = self.headers.get(name, "")
        return value if isinstance(value, str) else ""


class EventStreamReader:
    """Turns any split of a byte stream into messages; linear in time, bounded in memory.

    `broken` says what is wrong once bytes break the format: a checksum, a length. Nothing is read behind them, and the
    messages before them are returned all the same.
    """

    __slots__ = ("_held", "_held_size", "_max", "_wanted", "broken")

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._held: list[bytes] = []
        self._held_size = 0
        self._wanted = _PRELUDE.size  # how many bytes must be there before it is worth looking
        self._max = max_message
        self.broken: WireError | None = None

    def feed(self, data: bytes) -> list[EventMessage]:
        """The messages that these bytes complete."""
        if self.broken is not None or not data:
            return []
        self._held.append(data)
        self._held_size += len(data)
        if self._held_size < self._wanted:
            return []
        held = b"".join(self._held)
        messages: list[EventMessage] = []
        at = 0
        try:
            while (size := self._complete(held, at)) > 0:
                messages.append(_message(held, at, size))
                at += size
        except WireError as error:
            self.broken = error
            at = len(held)
        self._held = [held[at:]] if at < len(held) else []
        self._held_size = len(held) - at
        return messages

    def close(self) -> None:
        """The bytes are over; `broken` is set when they end within a message."""
        if self._held_size and self.broken is None:
            self.broken = WireError("the stream ends within a message")

    def _complete(self, held: bytes, at: int) -> int:
        """The size of the message at `at` when all of it is there, else 0, with what is wanted."""
        there = len(held) - at
        if there < _PRELUDE.size:
            self._wanted = _PRELUDE.size
            return 0
        size, headers, check = _PRELUDE.unpack_from(held, at)
        if crc32(held[at : at + 8]) != check:
            raise WireError("the checksum of a prelude is wrong")
        if size > self._max or headers > MAX_HEADERS:
            raise WireError(f"a message of {size} bytes, {headers} of them headers, is too large")
        if size < _LEAST + headers:
            raise WireError("a message is shorter than its headers")
        self._wanted = size
        return int(size) if there >= size else 0


def _message(held: bytes, at: int, size: int) -> EventMessage:
    end = at + size - _CHECK.size
    if crc32(memoryview(held)[at:end]) != _CHECK.unpack_from(held, end)[0]:
        raise WireError("the checksum of a message is wrong")
    start = at + _PRELUDE.size
    middle = start + _PRELUDE.unpack_from(held, at)[1]
    return EventMessage(_headers(held[start:middle]), held[middle:end])


def _headers(block: bytes) -> dict[str, HeaderValue]:
    found: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(block):
            size = block[at]
            name = block[at + 1 : at + 1 + size].decode()
            kind = block[at + 1 + size]
            value, at = _value(block, at + 2 + size, kind)
            if name in found:
                raise WireError(f"a message has two headers {name!r}")
            found[name] = value
    except (IndexError, struct.error, UnicodeDecodeError):
        raise WireError("the headers of a message cannot be read") from None
    return found


def _value(block: bytes, at: int, kind: int) -> tuple[HeaderValue, int]:
    """The value of a header, and where it ends."""
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    number = _NUMBERS.get(kind)
    if number is not None:
        return int(number.unpack_from(block, at)[0]), at + number.size
    if kind == _UUID:
        size = 16
    elif kind in (_BYTES, _TEXT):
        size = _LENGTH.unpack_from(block, at)[0]
        at += _LENGTH.size
    else:
        raise WireError(f"a header has the unknown type {kind}")
    value = block[at : at + size]
    if len(value) < size:
        raise WireError("the headers of a message cannot be read")
    return value.decode() if kind == _TEXT else value, at + size
