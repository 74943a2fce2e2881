"""One try against one upstream: the transport's sink, and what the exchange sees of the answer."""

import asyncio

from twoapi.config.settings import Timeouts
from twoapi.gateway.port import ClientPort
from twoapi.gateway.way import Pump, Way
from twoapi.ir import Fault, FaultKind
from twoapi.transport.call import Call
from twoapi.transport.errors import TransportError

_JSON = b"application/json"
_SSE = b"text/event-stream"


class Attempt:
    """Collects a whole answer, or feeds a streamed one through a pump, until the exchange lets it flow to the client.

    `decided` returns when there is something to decide on: a whole answer, a stream's first piece, or a failure.
    """

    __slots__ = (
        "_loop",
        "_waiter",
        "body",
        "call",
        "content_type",
        "ended",
        "failure",
        "failure_kind",
        "headers",
        "held",
        "last_data",
        "last_write",
        "port",
        "pump",
        "silent",
        "started",
        "status",
        "timeouts",
        "wants_stream",
        "way",
    )

    def __init__(self, way: Way, wants_stream: bool, timeouts: Timeouts, loop: asyncio.AbstractEventLoop) -> None:  # noqa: FBT001
        self.way = way
        self.wants_stream = wants_stream
        self.timeouts = timeouts
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.call: Call | None = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.content_type = b""
        self.body: list[bytes] = []
        self.pump: Pump | None = None
        self.held: list[bytes] = []  # a stream's bytes for the client, before the exchange lets it flow
        self.port: ClientPort | None = None
        self.ended = False
        self.silent = False  # a stream's client has waited long enough to need a sign of life
        self.failure: Fault | None = None
        self.failure_kind = ""  # the transport's word for it, finer than the fault's
        self.started = self.last_data = self.last_write = loop.time()

    # what the exchange asks

    async def decided(self) -> None:
        """Returns when the exchange can decide; at once when it already can."""
        while not self._decidable():
            await self._wait()

    async def completed(self) -> None:
        """Returns when the answer has ended or failed."""
        while not self.ended:
            await self._wait()

    def flow_to(self, port: ClientPort) -> None:
        """From now on bytes go to the client as they come; what was held goes first. The port must have started."""
        self.port = port
        held = self.held
        if held:
            self.held = []
            port.write(held[0] if len(held) == 1 else b"".join(held))
        if not self.ended and self.call is not None:
            port.set_flow(self.call)

    def fail(self, fault: Fault) -> None:
        """Ends the attempt from outside: a timeout, a drain."""
        if self.ended:
            return
        if self.call is not None:
            self.call.cancel()
        self.failure = fault
        self.ended = True
        self._wake()

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        if not self.ended:
            self.ended = True
            if self.call is not None:
                self.call.cancel()

    def sweep(self, now: float) -> None:
        """Checks the deadlines and keeps a silent stream's client awake; called a few times a second."""
        limit = self.timeouts
        if limit.total and now - self.started > limit.total:
            self.fail(_timeout("the upstream did not finish", limit.total))
        elif self.status:
            if limit.idle and now - self.last_data > limit.idle:
                self.fail(_timeout("the upstream fell silent", limit.idle))
        elif limit.first_byte and now - self.started > limit.first_byte:
            self.fail(_timeout("the upstream sent no answer", limit.first_byte))
        elif limit.connect and now - self.started > limit.connect and self.call is not None and not self.call.connected:
            self.fail(_timeout("the upstream could not be connected", limit.connect))
        if self.wants_stream and limit.keep_alive and now - self.last_write > limit.keep_alive and not self.ended:
            self._stay_awake(now)

    # what the transport says

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The answer's status and headers."""
        self.status = status
        self.headers = headers
        for name, value in headers:
            if name == b"content-type":
                self.content_type = value.lower()
        if self.wants_stream and 200 <= status < 300 and not self.content_type.startswith(_JSON):
            self.pump = self.way.pump()

    def on_data(self, data: bytes) -> None:
        """More of the body."""
        self.last_data = self._loop.time()
        pump = self.pump
        if pump is None:
            self.body.append(data)
            return
        out = pump.feed(data)
        if self.port is not None:
            if out:
                self.last_write = self.last_data
                self.port.write(out)
            return
        if out:
            self.held.append(out)
        if pump.committed or pump.fault is not None:
            self._wake()

    def on_end(self) -> None:
        """The body is complete."""
        self.ended = True
        if self.pump is not None:
            out = self.pump.close()
            if out:
                if self.port is not None:
                    self.port.write(out)
                else:
                    self.held.append(out)
        self._wake()

    def on_failure(self, error: TransportError) -> None:
        """The connection failed, before or in the answer."""
        kind: FaultKind = "timeout" if error.kind == "timeout" else "upstream_error"
        self.failure_kind = error.kind
        self.failure = Fault(kind, f"the connection to the upstream failed: {error.message}", whose="upstream")
        self.ended = True
        self._wake()

    @property
    def is_stream(self) -> bool:
        """True when a stream was asked for and one came."""
        return self.pump is not None

    @property
    def looks_like_stream(self) -> bool:
        """True when the whole body that was collected is in fact an event stream."""
        return self.content_type.startswith(_SSE)

    def whole_body(self) -> bytes:
        """All that was collected."""
        body = self.body
        return body[0] if len(body) == 1 else b"".join(body)

    def _stay_awake(self, now: float) -> None:
        self.last_write = now
        if self.port is None:
            self.silent = True  # the exchange owns the port until the answer flows
            self._wake()
        elif self.pump is not None and (sign := self.pump.keep_alive()):
            self.port.write(sign)

    def _decidable(self) -> bool:
        if self.ended or self.silent:
            return True
        pump = self.pump
        return pump is not None and (pump.committed or pump.fault is not None)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _timeout(what: str, seconds: float) -> Fault:
    return Fault("timeout", f"{what} within {seconds:g} seconds", whose="upstream")
