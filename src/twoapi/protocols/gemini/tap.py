"""Watches a relayed stream: frames go through as they are, and its last ones tell how it ended."""

from contextlib import suppress

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, Usage
from twoapi.protocols.gemini.answer_parts import blocked
from twoapi.protocols.gemini.faults import array_fault, hidden_fault, one_line
from twoapi.protocols.gemini.frames import FrameReader
from twoapi.protocols.gemini.framing import KEEP_ALIVE, ArrayFraming, Framing, SseFraming, error_ending
from twoapi.protocols.gemini.name import broken
from twoapi.protocols.gemini.stop import failure
from twoapi.protocols.gemini.usage import decode_usage
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder

_BLANK = (b"\n\n", b"\n\r\n", b"\r\r")
_TAIL = 64 * 1024  # of a stream that cannot be read is remembered: its last frame
_DONE = b"[DONE]"
_CUT = "the upstream's stream ended in the middle of the answer"


class _Candidate(msgspec.Struct, rename="camel", gc=False):
    content: Raw = EMPTY
    finish_reason: str | None = None
    finish_message: str | None = None


class _Watched(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: Raw = EMPTY
    usage_metadata: Raw = EMPTY
    error: Raw = EMPTY


_decode = decoder(_Watched)


class GeminiTap:
    """The tap of one stream.

    Only whole frames are passed, so that an error can take the place of half a one. Comments are left out, and `data:`
    is followed by a space: the vendor's own clients fail without. The elements of an array are joined anew.
    """

    __slots__ = (
        "_array",
        "_framing",
        "_held",
        "_last",
        "_reader",
        "_seam",
        "_tail",
        "committed",
        "complete",
        "fault",
        "usage",
    )

    def __init__(self, *, array: bool) -> None:
        """`array`: the client reads an array of frames."""
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False
        self._array = array
        self._framing: Framing = ArrayFraming() if array else SseFraming()
        self._reader: FrameReader | None = FrameReader()  # while the stream can be read
        self._held: list[bytes] = []  # of a frame that is not whole yet
        self._seam = b""  # the last bytes of that
        self._last = b""  # the last frame that was not looked into
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client."""
        reader = self._reader
        if reader is None:
            self._tail = (self._tail + data)[-_TAIL:]
            return data
        try:
            payloads = reader.feed(data)
        except WireError as error:
            return self._give_up(error, data)
        for payload in payloads:
            self._watch(payload)
        if reader.array or self._array:
            return b"".join([self._framing.frame(payload) for payload in payloads if payload != _DONE])
        return self._whole_frames(data)

    def close(self) -> bytes:
        """What must still be said when the connection has ended."""
        passed = b""
        for payload in () if self._reader is None else self._reader.close():
            if self._look(payload):
                passed += self._framing.frame(one_line(payload))
        self._read_usage(self._last)
        self._held.clear()
        if self._reader is None and b'"finishReason"' in self._tail:
            self.complete = True
        told = self.complete or self.fault is not None
        if self.fault is None and not self.complete:
            self.fault = broken(_CUT)
        if not (self.committed or self.complete):
            return b""
        if self.fault is None or told:
            return passed + self._framing.end()
        return passed + error_ending(self._framing, self.fault)

    def fail(self, fault: Fault) -> bytes:
        """The error ending for a fault of the gateway."""
        self.fault = self.fault or fault
        self._held.clear()
        return error_ending(self._framing, fault)

    def keep_alive(self) -> bytes:
        """A blank line, between frames."""
        return b"" if self.complete or self.fault is not None or self._reader is None else KEEP_ALIVE

    def _watch(self, payload: bytes) -> None:
        """Looks into a frame when it may say more than words."""
        if (
            self.committed
            and b'"finishReason"' not in payload
            and b'"error"' not in payload
            and b'"promptFeedback"' not in payload
        ):
            self._last = payload
        else:
            self._look(payload)

    def _look(self, payload: bytes) -> bool:
        """Takes what a frame tells; False for what is no frame."""
        if payload == _DONE:
            return False
        try:
            frame = _decode(payload)
        except WireError:
            fault = array_fault(payload)
            self.fault = self.fault or fault
            return fault is not None
        self.fault = self.fault or hidden_fault(frame.error)
        for candidate in frame.candidates or ():
            fault = failure(candidate.finish_reason, candidate.finish_message)
            if fault is not None and not self.committed:
                self.fault = self.fault or fault
            elif candidate.content is not EMPTY or candidate.finish_reason:
                self.committed = self.fault is None
            self.complete = self.complete or bool(candidate.finish_reason and self.fault is None)
        if blocked(frame.prompt_feedback) is not None:
            self.committed = self.complete = True
        self._count(frame.usage_metadata)
        return True

    def _read_usage(self, payload: bytes) -> None:
        """The usage of a frame that has not been looked into."""
        if b'"usageMetadata"' in payload:
            with suppress(WireError):
                self._count(_decode(payload).usage_metadata)

    def _count(self, raw: Raw) -> None:
        self._last = b""
        self.usage = (None if raw is EMPTY else decode_usage(raw)) or self.usage

    def _give_up(self, error: WireError, data: bytes) -> bytes:
        """From here on the stream goes through unread, or not at all when nothing has been said yet."""
        self._reader = None
        if not self.committed:
            self.fault = self.fault or broken(error.message)
        held = b"".join(self._held) + data
        self._held.clear()
        self._tail = held[-_TAIL:]
        return held

    def _whole_frames(self, data: bytes) -> bytes:
        """What of these bytes and the held ones ends with a frame; the rest waits."""
        if not self._held and data.endswith(_BLANK):
            return _mended(data)
        seen = self._seam + data  # a blank line may lie across the seam
        cut = max(seen.rfind(blank) + len(blank) if blank in seen else 0 for blank in _BLANK) - len(self._seam)
        if cut <= 0:
            self._held.append(data)
            self._seam = seen[-3:]
            return b""
        passed = b"".join((*self._held, data[:cut]))
        self._held = [data[cut:]] if cut < len(data) else []
        self._seam = data[cut:][-3:]
        return _mended(passed)


def _mended(frames: bytes) -> bytes:
    """Whole frames without the lines that are comments, and with the space that every client waits for."""
    if frames[:6] == b"data:{" or frames.find(b"\ndata:{") >= 0 or frames.find(b"\rdata:{") >= 0:
        lines = (b"data: " + line[5:] if line[:6] == b"data:{" else line for line in frames.splitlines(keepends=True))
        frames = b"".join(lines)
    if frames[:1] != b":" and frames.find(b"\n:") < 0 and frames.find(b"\r:") < 0:
        return frames
    return b"".join(line for line in frames.splitlines(keepends=True) if line[:1] != b":")
