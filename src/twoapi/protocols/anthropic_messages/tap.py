"""Watching a relayed stream: usage, the end mark and errors, with the bytes left as they are."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.anthropic_messages import schema
from twoapi.protocols.anthropic_messages.faults import decode_error, upstream_fault
from twoapi.protocols.anthropic_messages.response import read_usage
from twoapi.protocols.anthropic_messages.stream_encoder import PING, error_frame
from twoapi.protocols.anthropic_messages.usage import decode_usage, merge_usage
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode
from twoapi.wire.sse import Frame, SseReader


class _Message(msgspec.Struct):
    usage: Raw = EMPTY


class _Delta(msgspec.Struct):
    stop_reason: str | None = None


class _Watched(msgspec.Struct):
    type: str = ""
    message: _Message | None = None
    delta: _Delta | None = None
    usage: Raw = EMPTY
    error: Raw = EMPTY


_decode = decoder(_Watched)
_CONTENT = b"event: content_block_delta\n"
_BLANK = (b"\n\n", b"\r\n\r\n", b"\r\r")
_HELD = 1024 * 1024  # bytes of a frame that is not whole yet; a larger one is passed in pieces


class AnthropicStreamTap:
    """Watches one relayed stream."""

    __slots__ = (
        "_cut",
        "_held",
        "_inside",
        "_lost",
        "_nameless",
        "_reader",
        "_tail",
        "_usage",
        "committed",
        "complete",
        "fault",
        "usage",
    )

    def __init__(self) -> None:
        self.usage: ir.Usage | None = None
        self.fault: ir.Fault | None = None
        self.committed = False
        self.complete = False
        self._usage = schema.Usage()
        self._reader: SseReader | None = SseReader()
        self._inside = False  # the bytes so far end inside a frame
        self._held = b""  # of that frame: an error may have to take its place, and half a frame helps no client
        self._cut = False  # the client has been given a part of it all the same
        self._lost = False  # inside an event that is too large to be read
        self._nameless = False  # events come without their names, by which the vendor's own SDKs go
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        """The same bytes, by whole frames. Those without a word of interest are not looked into."""
        if self.committed and not self._inside and not self._nameless:
            if data.startswith(_CONTENT) and data.find(b"\n\n") == len(data) - 2:
                return data  # one frame of content: what most reads bring
            if data.find(b"message_") < 0 and data.find(b"error") < 0 and data.endswith(b"\n\n"):
                return data
        self._look(data)
        passed = self._whole_frames(data)
        return _named(passed) if self._nameless else passed

    def close(self) -> bytes:
        """The protocol's error ending when the stream was cut, in place of a half frame."""
        if self._reader is not None:
            for frame in self._reader.close():
                self._watch(frame)
        self._reader = None
        if self.complete or self.fault is not None:
            return self._held + b"\n\n" if self._inside and self.committed else b""
        fault = upstream_fault("the upstream's stream ended before the answer did", "stream_truncated")
        return self.fail(fault)

    def fail(self, fault: ir.Fault) -> bytes:
        """The protocol's error ending, after a blank line when the client's bytes end inside a frame."""
        self.fault = fault
        if not self.committed:
            return b""
        return (b"\n\n" if self._cut else b"") + error_frame(fault, fault.request_id)

    def keep_alive(self) -> bytes:
        """A ping between frames, once there is content."""
        return PING if self.committed and not self._cut and not self.complete and self.fault is None else b""

    def _whole_frames(self, data: bytes) -> bytes:
        """What of these bytes and the held ones ends with a frame; the rest waits."""
        data = self._held + data
        if self._inside:
            end = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3, data.rfind(b"\r\r") + 2)
            if end > 2:
                self._cut = False
            elif len(data) > _HELD:
                self._cut, end = True, len(data)
            else:
                end = 0
            self._held = data[end:]
            return data[:end]
        self._held, self._cut = b"", False
        return data

    def _look(self, data: bytes) -> None:
        if not data:
            return
        before = self._tail
        behind = self._behind_lost(before + data) if self._lost else data
        self._tail = (before + data[-4:])[-4:]  # a blank line may lie across the seam
        self._inside = not self._tail.endswith(_BLANK)
        if self._reader is None:
            return
        try:
            for frame in self._reader.feed(behind):
                self._watch(frame)
        except WireError:
            # It is relayed unread; what comes behind it, perhaps in the same read, is read again.
            self._reader = SseReader()
            for frame in self._reader.feed(self._behind_lost(before + data)):
                self._watch(frame)

    def _behind_lost(self, data: bytes) -> bytes:
        """What stands behind an event that is too large to be read."""
        _, blank, behind = data.replace(b"\r", b"").partition(b"\n\n")
        self._lost = not blank
        return behind

    def _watch(self, frame: Frame) -> None:
        name, data = frame
        if not name and data.startswith(b"{"):
            self._nameless = True
        if b"content_block" in name or data.startswith(b'{"type":"content_block_'):
            self.committed = True
            return
        try:
            event = _decode(data)
        except WireError:
            if name == b"error":
                self.fault = decode_error(Raw(encode(data.decode("utf-8", "replace"))), "upstream_error")
            return
        kind = event.type or name.decode("latin-1")
        if kind == "message_start":
            self._count(EMPTY if event.message is None else event.message.usage)
        elif kind == "message_delta":
            self.committed = True
            self._count(event.usage)
            if event.delta is not None and event.delta.stop_reason is not None:
                self.complete = True
        elif kind == "message_stop":
            self.committed = self.complete = True
        elif kind == "error" or event.error is not EMPTY:
            self.fault = decode_error(event.error, "upstream_error")

    def _count(self, raw: Raw) -> None:
        usage = None if raw is EMPTY else read_usage(raw)
        if usage is not None:
            merge_usage(self._usage, usage)
            self.usage = decode_usage(self._usage)


def _named(frames: bytes) -> bytes:
    """Whole frames, each with its name."""
    lines: list[bytes] = []
    named = False
    for line in frames.splitlines(keepends=True):
        text = line.rstrip(b"\r\n")
        if text.startswith(b"data:") and not named and (kind := _kind(text)):
            lines += [b"event: ", kind, line.removeprefix(text)]
        named = bool(text) and (named or text.startswith((b"event:", b"data:")))
        lines.append(line)
    return b"".join(lines)


def _kind(text: bytes) -> bytes:
    try:
        return _decode(text[5:]).type.encode()
    except WireError:
        return b""  # no event of this protocol
