"""Streams that are passed on as they come: bytes of any kind, and the events of operations that have some."""

from twoapi.ir import Fault, Usage
from twoapi.protocols import openai_errors
from twoapi.protocols.operations import json_bodies
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import SseReader

_EMPTY = Fault("upstream_error", "the upstream's answer is empty", whose="upstream")
_CUT = Fault("upstream_error", "the upstream's stream ended in the middle of an event", whose="upstream")
_LONGEST_FIRST = 1 << 20  # bytes within which the first event must end, or the stream counts as begun


class BytePump:
    """Bytes as they come. Nothing in them says that they are all: their framing does."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False

    def feed(self, data: bytes) -> bytes:
        """The same bytes."""
        self.committed = True
        return data

    def close(self) -> bytes:
        """The end; without any byte it is a fault."""
        self.complete = self.committed
        self.fault = None if self.committed else _EMPTY
        return b""

    def fail(self, fault: Fault) -> bytes:
        """Nothing: there is no way to say it in the bytes."""
        self.fault = self.fault or fault
        return b""

    def keep_alive(self) -> bytes:
        """Nothing, for the same reason."""
        return b""


class EventPump:
    """Server-sent events as they come. An error in the first of them is a reason to ask somebody else; the usage stands
    in the last one that has any.
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False
        self._reader = SseReader()
        self._seen = 0
        self._broken = False
        self._last = b""

    def feed(self, data: bytes) -> bytes:
        """The same bytes."""
        self._seen += len(data)
        self._last = (self._last + data)[-4:]
        if not self._broken:
            try:
                self._look([payload for _, payload in self._reader.feed(data)])
            except WireError:
                self._broken = True  # it goes through all the same; only nothing can be read of it any more
        if self.fault is None and (self._broken or self._seen > _LONGEST_FIRST):
            self.committed = True
        return data

    def close(self) -> bytes:
        """The upstream has ended: b"", or the error ending of a stream that was cut."""
        if not self._broken:
            try:
                rest = [payload for _, payload in self._reader.close()]
            except WireError:
                rest = []
            self._look(rest)
        if self.fault is None and not self.committed:
            self.fault = _EMPTY
        elif self.fault is None and not self._is_between():
            self.fault = _CUT
            return b"\n\n" + _frame(_CUT)
        self.complete = self.fault is None
        return b""

    def fail(self, fault: Fault) -> bytes:
        """The error ending for a fault of the gateway."""
        self.fault = self.fault or fault
        return (b"" if self._is_between() else b"\n\n") + _frame(fault)

    def keep_alive(self) -> bytes:
        """A comment, between events."""
        return b": keep-alive\n\n" if self._is_between() else b""

    def _is_between(self) -> bool:
        return not self._seen or self._last.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))

    def _look(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            if b'"error"' in payload or b'"usage"' in payload:
                self._read(payload)
            if self.fault is None:
                self.committed = True

    def _read(self, payload: bytes) -> None:
        try:
            members = json.fields(payload)
        except WireError:
            return
        fault = openai_errors.hidden_fault(members.get("error", json.EMPTY), json_bodies.PROTOCOL)
        self.fault = self.fault or fault
        if "usage" in members and not json.is_null(members["usage"]):
            self.usage = json_bodies.usage(members["usage"]) or self.usage


def _frame(fault: Fault) -> bytes:
    body = openai_errors.error_body(fault, json_bodies.PROTOCOL).replace(b"\r", b" ").replace(b"\n", b" ")
    return b"event: error\ndata: " + body + b"\n\n"
