"""Watches a relayed stream: bytes go through, but for the usage chunk that the client did not ask for."""

import re

import msgspec

from twoapi.ir import Fault, Usage
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.protocols.openai_chat.faults import error_frame, hidden_fault
from twoapi.protocols.openai_chat.mend_answer import usage_in
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
_BRACE = ord("}")
_LAST = 128  # bytes of a read hold its end mark, if it has one
_NEAR = 2048  # bytes of a read hold its usage chunk, if it has one
_HELD = 1024 * 1024  # more than this is never held back for one frame
_PATIENCE = 16  # frames that say nothing, after which the answer counts as begun

_BOUNDARIES = (b"\n\n", b"\n\r\n", b"\r\r")
# Neither can stand inside a JSON string, where quotes are escaped. Too slow for every read: a plain search comes first.
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"[^"]')
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class ChatTap:
    """The tap of one stream.

    Every read of every relayed stream passes here, so nothing is searched but the last bytes of a read; what the end
    of the stream tells is read from a short tail, once.
    """

    __slots__ = (
        "_capabilities",
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

    def __init__(self, capabilities: Capabilities = USUAL, *, strip: bool) -> None:
        self._capabilities = capabilities
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

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client."""
        if self._reader is not None:
            self._watch(data)
        self._recent.append(data)
        size = self._recent_size = self._recent_size + len(data)
        if size > 2 * _TAIL:
            self._forget()
        passed = self._stripped(data) if self._strip else data
        # Nearly all reads end with an event that is an object. The mark may lie across two reads, the second one short.
        if len(data) < 16:
            if self._tail(32).find(b"DONE]") >= 0:
                self._look_for_end()
        elif data[-3] != _BRACE and data.rfind(b"DONE]", -_LAST) >= 0:
            self._look_for_end()
        return passed

    def close(self) -> bytes:
        """What must still be said when the connection has ended."""
        if self._reader is not None:
            self._watch_frames([payload for _, payload in self._reader.close()])
        held, self._held = self._held, b""
        self._look_for_end()
        if not self.complete:
            tail = self._tail(_TAIL)
            self._look_for_error(tail)
            if self.fault is None and _FINISHED.search(tail):
                self.complete = True
                self._read_usage(tail)
        if self.complete:
            return self._closed_frame(held)
        told = self.fault is not None
        if self.fault is None:
            self.fault = broken("the upstream's stream ended in the middle of the answer")
        if not self.committed:
            return b""
        if told:
            return self._closed_frame(held)
        # Half a frame is of no use to a client; the error takes its place.
        return self._closed_frame(held if _payloads_read(held) else b"") + error_frame(self.fault)

    def fail(self, fault: Fault) -> bytes:
        """The error ending for a fault of the gateway."""
        self._look_for_error(self._tail(_TAIL))
        self.fault = self.fault or fault
        self._held = b""
        return self._closed_frame(b"") + error_frame(fault)

    def keep_alive(self) -> bytes:
        """A comment, between frames."""
        return KEEP_ALIVE if not self.complete and self._at_boundary() else b""

    def _at_boundary(self) -> bool:
        # While something may have to be stripped, only whole frames are passed.
        return self._strip or not self._recent_size or self._tail(4).endswith(_BOUNDARIES)

    def _closed_frame(self, held: bytes) -> bytes:
        """The held bytes, and the blank line that keeps a frame behind them apart."""
        whole = held.endswith(_BOUNDARIES) if held else self._at_boundary()
        return held if whole else held + b"\n\n"

    def _watch(self, data: bytes) -> None:
        """Reads the frames up to the first that says something; a read may hold many more."""
        at = 0
        while self._reader is not None and at < len(data):
            end = data.find(b"\n\n", at) + 2
            if end < 2:
                end = len(data)
            try:
                self._watch_frames([payload for _, payload in self._reader.feed(data[at:end])])
            except WireError as error:
                self.fault = broken(error.message)
                self._reader = None
            at = end

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
        if self.complete:
            return
        tail = self._tail(_TAIL)
        if _ends(tail):
            self.complete = True
            # Some servers send an error and then the end mark, as if all were well.
            self._look_for_error(tail[-2 * _NEAR :])
            self._read_usage(tail)

    def _look_for_error(self, data: bytes) -> None:
        """An `error` member of a chunk; text that only speaks of one does not decode to it."""
        if self.fault is not None or b'"error"' not in data:
            return
        for payload in payloads(data):
            if b'"error"' not in payload:
                continue
            try:
                error = json.fields(payload).get("error")
            except WireError:
                continue
            if error is not None and self.fault is None:
                self.fault = hidden_fault(error)

    def _read_usage(self, tail: bytes) -> None:
        """The usage of the last frame that tells one: nearly always the one before the end mark, on one line."""
        at = len(tail)
        while self.usage is None and (at := tail.rfind(b'"usage"', 0, at)) >= 0:
            if tail[at + 7 : at + 16].lstrip(b": \t").startswith(b"n"):
                continue  # null, as in every chunk before the last
            begin = max(tail.rfind(b"\n", 0, at), tail.rfind(b"\r", 0, at)) + 1
            line = tail[begin : tail.find(b"\n", at)] if b"\n" in tail[at:] else tail[begin:]
            try:
                payload = line[5:].rstrip(b"\r")
                self.usage = self._chunk_usage(payload, _decode(payload))
            except _BAD:
                self._read_usage_anywhere(tail)
                return

    def _read_usage_anywhere(self, tail: bytes) -> None:
        """The same, frame by frame: a document may span several data lines."""
        for payload in reversed(payloads(tail)):
            if b'"usage"' not in payload:
                continue
            try:
                chunk = _decode(payload)
            except _BAD:
                continue
            self.usage = self._chunk_usage(payload, chunk)
            if self.usage is not None:
                return

    def _chunk_usage(self, payload: bytes, chunk: wire.Chunk) -> Usage | None:
        capabilities = self._capabilities
        usage = None if chunk.usage is json.EMPTY else decode_usage(chunk.usage, capabilities)
        for choice in chunk.choices or ():
            if usage is None and choice.usage is not json.EMPTY:
                usage = decode_usage(choice.usage, capabilities)
        if usage is None and capabilities.usage_at is not None:
            usage = usage_in(payload, capabilities.usage_at, capabilities)
        return usage

    def _stripped(self, data: bytes) -> bytes:
        """The whole frames of these bytes without the usage chunk; a frame that is not whole waits."""
        if self._held or not data.endswith(b"\n\n"):
            data = self._whole_frames(data)
        if data.rfind(b"[]", -_NEAR) >= 0:
            found = _NO_CHOICES.search(data, max(0, len(data) - _NEAR))
            if found is not None:
                return self._without_usage_chunk(data, found.start())
        return data

    def _whole_frames(self, data: bytes) -> bytes:
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
        return data[:end]

    def _without_usage_chunk(self, data: bytes, at: int) -> bytes:
        """The bytes without usage chunks, the first of which may have its `choices` at `at`."""
        lf, crlf = data.rfind(b"\n\n", 0, at), data.rfind(b"\n\r\n", 0, at)
        begin = lf + 2 if lf > crlf else crlf + 3 if crlf >= 0 else 0
        kept = [data[:begin]]
        for frame in re.split(rb"(?<=\n\n)|(?<=\n\r\n)", data[begin:]):
            if _NO_CHOICES.search(frame) and self._is_usage_chunk(frame):
                continue
            kept.append(frame)
        return b"".join(kept)

    def _is_usage_chunk(self, frame: bytes) -> bool:
        for payload in payloads(frame):
            try:
                chunk = _decode(payload)
            except _BAD:
                continue
            if chunk.choices == [] and chunk.error is json.EMPTY:
                usage = self._chunk_usage(payload, chunk)
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


def _ends(tail: bytes) -> bool:
    """True when the end mark stands at the beginning of a line."""
    at = len(tail)
    while (at := tail.rfind(b"[DONE]", 0, at)) >= 0:
        before = tail[max(0, at - 7) : at].removesuffix(b" ")
        if before == b"data:" or before.endswith((b"\ndata:", b"\rdata:")):
            return True
    return False


def payloads(data: bytes) -> list[bytes]:
    """The data of the frames in a piece of a stream, the last one also when it is not whole."""
    reader = SseReader()
    try:
        return [payload for _, payload in (*reader.feed(data), *reader.close())]
    except WireError:
        return []


def _payloads_read(held: bytes) -> bool:
    """True when what stands in these bytes is whole, though no blank line ends it."""
    try:
        for payload in payloads(held):
            json.fields(payload)
    except WireError:
        return False
    return True


def _says_something(chunk: wire.Chunk) -> bool:
    for choice in chunk.choices or ():
        delta = choice.delta or choice.message
        if choice.finish_reason or choice.text:
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
