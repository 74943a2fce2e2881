"""Watches a relayed stream: bytes go through, but for the usage chunk that the client did not ask for."""

import re

import msgspec

from twoapi.ir import Fault, Usage
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.protocols.openai_chat.faults import error_frame, hidden_fault
from twoapi.protocols.openai_chat.name import broken
from twoapi.protocols.openai_chat.stop import failure
from twoapi.protocols.openai_chat.stream_encoder import KEEP_ALIVE
from twoapi.protocols.openai_chat.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import SseReader

_decode = msgspec.json.Decoder(wire.Chunk).decode
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_TAIL = 16 * 1024  # of the stream's end is remembered: the finish, usage and end frames stand there
_HELD = 1024 * 1024  # more than this is never held back for one frame
_PATIENCE = 16  # frames that say nothing, after which the answer counts as begun

# None of these can stand inside a JSON string, where quotes and line breaks are escaped.
_DONE = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class ChatTap:
    """The tap of one stream."""

    __slots__ = (
        "_edge",
        "_held",
        "_patience",
        "_reader",
        "_recent",
        "_recent_size",
        "_strip",
        "committed",
        "complete",
        "fault",
        "usage",
    )

    def __init__(self, *, strip: bool) -> None:
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False
        self._strip = strip
        self._reader: SseReader | None = SseReader()  # until the answer has begun
        self._patience = _PATIENCE
        self._held = b""  # of a frame that is not whole yet, when something may have to be stripped
        self._recent: list[bytes] = []
        self._recent_size = 0
        self._edge = b"\n\n"  # the last bytes that went to the client

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client."""
        if self._reader is not None:
            self._watch(self._reader, data)
        self._recent.append(data)
        self._recent_size += len(data)
        if self._recent_size > 4 * _TAIL:
            self._forget()
        # The mark may lie across two reads.
        if b"DONE]" in data or (len(data) < 16 and b"DONE]" in self._tail(32)):
            self._look_for_end()
        elif b'"error"' in data and self.fault is None:
            self._look_for_error(data)
        if self._strip:
            data = self._stripped(data)
        if data:
            self._edge = data[-4:] if len(data) > 3 else (self._edge + data)[-4:]
        return data

    def close(self) -> bytes:
        """What must still be said when the connection has ended."""
        if self._reader is not None:
            self._watch_frames([payload for _, payload in self._reader.close()])
        held, self._held = self._held, b""
        self._look_for_end()
        tail = self._tail(_TAIL)
        if not self.complete and self.fault is None and _FINISHED.search(tail):
            self.complete = True
            self._read_usage(tail)
        if self.complete:
            return self._closed_frame(held)
        if self.fault is None:
            self._look_for_error(tail)
        told = self.fault is not None
        if self.fault is None:
            self.fault = broken("the upstream's stream ended in the middle of the answer")
        if not self.committed:
            return b""
        return self._closed_frame(held) if told else self._closed_frame(held) + error_frame(self.fault)

    def fail(self, fault: Fault) -> bytes:
        """The error ending for a fault of the gateway."""
        self.fault = self.fault or fault
        self._held = b""
        return self._closed_frame(b"") + error_frame(fault)

    def keep_alive(self) -> bytes:
        """A comment, between frames."""
        return KEEP_ALIVE if self._at_boundary() and not self.complete else b""

    def _at_boundary(self) -> bool:
        return self._edge.endswith((b"\n\n", b"\n\r\n", b"\r\r"))

    def _closed_frame(self, held: bytes) -> bytes:
        """The held bytes, and the blank line that keeps a frame behind them apart."""
        if held:
            self._edge = held[-4:]
        return held if self._at_boundary() else held + b"\n\n"

    def _watch(self, reader: SseReader, data: bytes) -> None:
        try:
            self._watch_frames([payload for _, payload in reader.feed(data)])
        except WireError as error:
            self.fault = broken(error.message)
            self._reader = None

    def _watch_frames(self, payloads: list[bytes]) -> None:
        """Until the answer has begun every frame is read: an error in one of them is a reason to fall back."""
        for payload in payloads:
            if payload == b"[DONE]":
                continue
            try:
                chunk = _decode(payload)
            except _BAD:
                self._look_for_error(b"data: " + payload)
                continue
            if chunk.error is not json.EMPTY:
                self.fault = self.fault or hidden_fault(chunk.error)
            self._patience -= 1
            if self.fault is None and (_says_something(chunk) or self._patience <= 0):
                self.fault = _ended_in_failure(chunk)
                self.committed = self.fault is None
            if self.committed or self.fault is not None:
                self._reader = None
                return

    def _look_for_end(self) -> None:
        tail = self._tail(_TAIL)
        if not self.complete and _DONE.search(tail):
            self.complete = True
            self._read_usage(tail)

    def _look_for_error(self, data: bytes) -> None:
        """An `error` member of a chunk; text that only speaks of one does not decode to it."""
        reader = SseReader()
        try:
            frames = reader.feed(data) + reader.close()
        except WireError:
            return
        for _, payload in frames:
            if b'"error"' not in payload:
                continue
            try:
                error = json.fields(payload).get("error")
            except WireError:
                continue
            if error is not None and self.fault is None:
                self.fault = hidden_fault(error)

    def _read_usage(self, tail: bytes) -> None:
        if self.usage is not None or b'"usage"' not in tail:
            return
        reader = SseReader()
        try:
            frames = reader.feed(tail) + reader.close()
        except WireError:
            return
        for _, payload in reversed(frames):
            if b'"usage"' not in payload:
                continue
            try:
                chunk = _decode(payload)
            except _BAD:
                continue
            self.usage = _chunk_usage(chunk)
            if self.usage is not None:
                return

    def _stripped(self, data: bytes) -> bytes:
        """The whole frames of these bytes without the usage chunk; a frame that is not whole waits."""
        if self._held:
            data = self._held + data
        end = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3)
        if end < 3:
            if len(data) > _HELD:
                self._strip, self._held = False, b""
                return data
            self._held = data
            return b""
        self._held = data[end:]
        data = data[:end]
        if b'"choices"' in data and b"[]" in data and _NO_CHOICES.search(data):
            return self._without_usage_chunk(data)
        return data

    def _without_usage_chunk(self, data: bytes) -> bytes:
        kept = []
        for frame in re.split(rb"(?<=\n\n)|(?<=\n\r\n)", data):
            if _NO_CHOICES.search(frame) and self._is_usage_chunk(frame):
                continue
            kept.append(frame)
        return b"".join(kept)

    def _is_usage_chunk(self, frame: bytes) -> bool:
        reader = SseReader()
        for _, payload in reader.feed(frame) + reader.close():
            try:
                chunk = _decode(payload)
            except _BAD:
                continue
            if chunk.choices == [] and chunk.error is json.EMPTY:
                usage = _chunk_usage(chunk)
                self.usage = usage or self.usage
                return usage is not None
        return False

    def _tail(self, size: int) -> bytes:
        """The last bytes of the stream, at least `size` of them when there are."""
        recent, length, number = self._recent, 0, len(self._recent)
        while number > 0 and length < size:
            number -= 1
            length += len(recent[number])
        return b"".join(recent[number:])

    def _forget(self) -> None:
        tail = self._tail(_TAIL)[-_TAIL:]
        self._recent = [tail]
        self._recent_size = len(tail)


def _says_something(chunk: wire.Chunk) -> bool:
    for choice in chunk.choices or ():
        delta = choice.delta or choice.message
        if choice.finish_reason:
            return True
        if delta is not None and (
            delta.content
            or delta.tool_calls
            or delta.reasoning_content
            or delta.reasoning
            or delta.reasoning_details
            or delta.refusal
            or delta.function_call is not None
            or delta.audio is not None
        ):
            return True
    return False


def _ended_in_failure(chunk: wire.Chunk) -> Fault | None:
    for choice in chunk.choices or ():
        if choice.finish_reason:
            fault = failure(choice.finish_reason)
            if fault is not None:
                return fault
    return None


def _chunk_usage(chunk: wire.Chunk) -> Usage | None:
    usage = None if chunk.usage is json.EMPTY else decode_usage(chunk.usage)
    for choice in chunk.choices or ():
        if usage is None and choice.usage is not json.EMPTY:
            usage = decode_usage(choice.usage)
    return usage
