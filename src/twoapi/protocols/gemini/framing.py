"""The two forms in which a client reads a stream: server-sent events, and one JSON array."""

from twoapi.ir import Fault
from twoapi.protocols.base import Peek
from twoapi.protocols.gemini.faults import error_body

# The vendor's SDKs take nothing but `data: ` lines and blank ones: no comment, no event name, no end mark.
KEEP_ALIVE = b"\n"


class SseFraming:
    """Frames as events; the end of the stream is the end of the connection."""

    __slots__ = ()

    def frame(self, document: bytes) -> bytes:
        """One frame; `document` is one line."""
        return b"data: " + document + b"\n\n"

    def end(self) -> bytes:
        """What follows the last frame."""
        return b""


class ArrayFraming:
    """Frames as the elements of an array."""

    __slots__ = ("_begun",)

    def __init__(self, *, begun: bool = False) -> None:
        """`begun`: an element has been written already, by somebody else."""
        self._begun = begun

    def frame(self, document: bytes) -> bytes:
        """One element."""
        before = b",\r\n" if self._begun else b"["
        self._begun = True
        return before + document

    def end(self) -> bytes:
        """The closing bracket."""
        return b"]" if self._begun else b"[]"


Framing = SseFraming | ArrayFraming


def stream_fault(fault: Fault, peek: Peek) -> bytes:
    """The error ending of a stream that has not begun."""
    return error_ending(ArrayFraming() if peek.array else SseFraming(), fault)


def error_ending(framing: Framing, fault: Fault) -> bytes:
    """The error as the last frame, and the end."""
    return framing.frame(error_body(fault)) + framing.end()
