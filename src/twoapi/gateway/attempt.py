"""One try against one upstream: the transport's sink, and what the exchange sees of the answer."""

from typing import Protocol

import msgspec

from twoapi.config.settings import Timeouts
from twoapi.gateway.port import ClientPort
from twoapi.gateway.way import Pump, Way
from twoapi.ir import Fault, FaultKind
from twoapi.transport.call import Call
from twoapi.transport.errors import TransportError

_JSON = b"application/json"
_SSE = b"text/event-stream"


class Listener(Protocol):
    """The exchange, as an attempt sees it."""

    def decided(self, attempt: "Attempt") -> None:
        """There is something to decide on: a whole answer, a stream's first piece, or a failure. Once."""
        ...

    def ended(self, attempt: "Attempt") -> None:
        """A stream that flows to the client is over, well or not. Once."""
        ...

    def silent(self, attempt: "Attempt") -> None:
        """A stream's client has waited long enough to need a sign of life."""
        ...


class Attempt(msgspec.Struct, eq=False):
    """Collects a whole answer, or feeds a streamed one through a pump and, when it may flow, to the client."""

    listener: Listener
    way: Way
    timeouts: Timeouts
    started: float  # the loop's time
    wants_stream: bool
    wants_array: bool = False  # the stream comes as one JSON array
    call: Call | None = None
    status: int = 0
    headers: list[tuple[bytes, bytes]] = []
    body: list[bytes] = []  # of a whole answer
    held: list[bytes] = []  # a stream's bytes for the client, before the exchange lets it flow
    pump: Pump | None = None
    port: ClientPort | None = None  # where a stream flows to, once it may
    is_over: bool = False
    is_decided: bool = False
    looks_like_stream: bool = False  # whatever was asked for, an event stream comes
    failure: Fault | None = None
    failure_kind: str = ""  # the transport's word for it, finer than the fault's
    is_fresh: bool = False  # bytes have come since the last sweep, which gives them its time
    last_data: float = 0.0  # 0 before the first
    last_write: float = 0.0

    # --- what the exchange asks

    def flow_to(self, port: ClientPort) -> None:
        """From now on bytes go to the client as they come; what was held goes first. The port must have started."""
        self.port = port
        if self.held:
            held, self.held = self.held, []
            port.write(held[0] if len(held) == 1 else b"".join(held))
        if not self.is_over and self.call is not None:
            port.set_flow(self.call)

    def fail(self, fault: Fault) -> None:
        """Ends the attempt from outside: a timeout."""
        if not self.is_over:
            if self.call is not None:
                self.call.cancel()
            self.failure = fault
            self.failure_kind = fault.kind
            self._end()

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        if not self.is_over:
            self.is_over = self.is_decided = True
            if self.call is not None:
                self.call.cancel()

    def release(self) -> None:
        """Lets go of what refers back to it: an exchange must be freed at once, not by the next garbage collection."""
        self.call = None
        if self.port is not None:
            self.port = None

    def sweep(self, now: float) -> None:
        """Checks the deadlines and keeps a silent stream's client awake; called a few times a second."""
        limit = self.timeouts
        if self.is_fresh:
            self.is_fresh = False
            self.last_data = now
            if self.port is not None:
                self.last_write = now
        if limit.total and now - self.started > limit.total:
            self.fail(_timeout("the upstream did not finish", limit.total))
        elif self.status:
            if limit.idle and now - (self.last_data or self.started) > limit.idle:
                self.fail(_timeout("the upstream fell silent", limit.idle))
        elif limit.first_byte and now - self.started > limit.first_byte:
            self.fail(_timeout("the upstream sent no answer", limit.first_byte))
        elif limit.connect and now - self.started > limit.connect and self.call is not None and not self.call.connected:
            self.fail(_timeout("the upstream could not be connected", limit.connect))
        if (
            self.wants_stream
            and limit.keep_alive
            and now - (self.last_write or self.started) > limit.keep_alive
            and not self.is_over
        ):
            self._stay_awake(now)

    # --- what the transport says

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The answer's status and headers."""
        self.status = status
        self.headers = headers
        content_type = b""
        for name, value in headers:
            if name == b"content-type":
                content_type = value
                break
        if content_type != _JSON or self.wants_array:
            content_type = content_type.lower()
            self.looks_like_stream = content_type.startswith(_SSE)
            if self.wants_stream and 200 <= status < 300 and (self.wants_array or not content_type.startswith(_JSON)):
                self.pump = self.way.pump()

    def on_data(self, data: bytes) -> None:
        """More of the body."""
        if not self.is_fresh:
            self.is_fresh = True
        pump = self.pump
        if pump is None:
            self.body.append(data)
            return
        out = pump.feed(data)
        port = self.port
        if port is not None:
            if out:
                port.write(out)
            return
        if out:
            self.held.append(out)
        if pump.committed or pump.fault is not None:
            self._decide()

    def on_end(self) -> None:
        """The body is complete."""
        if self.pump is not None:
            out = self.pump.close()
            if out:
                if self.port is not None:
                    self.port.write(out)
                else:
                    self.held.append(out)
        self.is_over = True
        if self.port is not None:
            self.listener.ended(self)
        elif not self.is_decided:
            self.listener.decided(self)  # nothing comes after an end

    def on_failure(self, error: TransportError) -> None:
        """The connection failed, before or in the answer."""
        kind: FaultKind = "timeout" if error.kind == "timeout" else "upstream_error"
        self.failure_kind = error.kind
        self.failure = Fault(kind, f"the connection to the upstream failed: {error.message}", whose="upstream")
        self._end()

    def whole_body(self) -> bytes:
        """All that was collected."""
        body = self.body
        return body[0] if len(body) == 1 else b"".join(body)

    def _stay_awake(self, now: float) -> None:
        self.last_write = now
        if self.port is None:
            self.listener.silent(self)
        elif self.pump is not None and (sign := self.pump.keep_alive()):
            self.port.write(sign)

    def _decide(self) -> None:
        if not self.is_decided:
            self.is_decided = True
            self.listener.decided(self)

    def _end(self) -> None:
        self.is_over = True
        if self.port is not None:
            self.listener.ended(self)
        else:
            self._decide()


def _timeout(what: str, seconds: float) -> Fault:
    return Fault("timeout", f"{what} within {seconds:g} seconds", whose="upstream")
