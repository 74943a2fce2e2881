"""Connections to one upstream: kept, reused newest first, dialled when none is free."""

import asyncio
import ssl
from collections import deque

from twoapi.transport.call import Call, Sink
from twoapi.transport.connection import Connection, Limits
from twoapi.transport.dial import Resolver, dial, tls_context
from twoapi.transport.endpoint import Endpoint
from twoapi.transport.errors import TransportError
from twoapi.transport.uploading import Source, StreamedCall, UploadingConnection

RETRY_WINDOW = 5.0  # seconds: an upstream that took longer to close has perhaps worked on the request


class Pool:
    """Sends requests to one endpoint. Belongs to one event loop."""

    def __init__(  # noqa: PLR0913  each has a default
        self,
        endpoint: Endpoint,
        *,
        loop: asyncio.AbstractEventLoop,
        ssl_context: ssl.SSLContext | None = None,
        max_idle: int = 256,
        idle_timeout: float = 60.0,
        max_connections: int | None = None,
        limits: Limits = Limits(),  # noqa: B008  immutable
        resolver: Resolver | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._loop = loop
        self._ssl = (ssl_context or tls_context()) if endpoint.scheme == "https" else None
        self._max_idle = max_idle
        self._idle_timeout = idle_timeout
        self._max_connections = max_connections
        self._limits = limits
        self._resolver = resolver
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._dials: dict[Call, asyncio.Task[None]] = {}
        self._waiting: deque[Call] = deque()
        self._now = loop.time()  # moved by sweep(): ages need no clock of their own per request
        self._is_closed = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def open_connections(self) -> int:
        """Connections that stand, idle ones included."""
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    def send(self, head: bytes, body: bytes, sink: Sink) -> Call:
        """Sends a request: `head` complete with its blank line. Never blocks; the sink is called later."""
        if self._idle:
            connection = self._idle.pop()
            connection.since = self._now
            call = Call(head, body, sink, connection, connected=True)
            connection.start(call)
        else:
            call = Call(head, body, sink, self)
            self._place(call)
        return call

    def send_streamed(self, head: bytes, source: Source | None, sink: Sink, *, chunked: bool = False) -> Call:
        """The same for a body that comes from a source, and an answer of any size, over a connection of their own:
        what was sent is gone, so it must not meet one that has been closed while it lay idle. Beyond max_connections.
        """
        call = StreamedCall(head, b"", sink, self, source=source, chunked=chunked)
        if self._is_closed:
            self._loop.call_soon(self._refuse, call, _unsent("the pool is closed"))
        else:
            self._dials[call] = self._loop.create_task(self._dial(call))
        return call

    def sweep(self, now: float) -> None:
        """Closes connections that were idle too long. `now` is the loop's time; to be called about once a second."""
        self._now = now
        oldest = now - self._idle_timeout
        stale = [connection for connection in self._idle if connection.since < oldest]
        if stale:
            self._idle = [connection for connection in self._idle if connection.since >= oldest]
            for connection in stale:
                connection.close()

    async def close(self) -> None:
        """Ends everything: calls at hand fail. Returns when all sockets are closed."""
        self._is_closed = True
        waiting, self._waiting = self._waiting, deque()
        self._idle.clear()
        dials, self._dials = self._dials, {}
        for task in dials.values():
            task.cancel()
        for connection in list(self._open):
            connection.fail("closed", "the pool was closed")
        for call in [*waiting, *dials]:
            self._refuse(call, _unsent("the pool was closed"))
        await asyncio.gather(*dials.values(), return_exceptions=True)
        if self._open:
            self._emptied = self._loop.create_future()
            await self._emptied

    # --- The call's side, before it has a connection ------------------------------------------

    def drop(self, call: Call) -> None:
        """Gives up waiting or dialling."""
        task = self._dials.pop(call, None)
        if task is not None:
            task.cancel()
            self._next()
        elif call in self._waiting:
            self._waiting.remove(call)

    def hold(self, call: Call) -> None:
        """Nothing yet: the connection looks at the call when it starts."""

    def go_on(self, call: Call) -> None:
        """Nothing yet."""

    # --- The connection's side ----------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """It stands."""
        self._open.add(connection)

    def freed(self, connection: Connection) -> None:
        """Its answer is complete, and it can carry another."""
        if self._waiting:
            connection.since = self._now
            connection.start(self._waiting.popleft())
        elif len(self._idle) < self._max_idle and not self._is_closed:
            connection.since = self._now
            self._idle.append(connection)
        else:
            connection.close()

    def unusable(self, connection: Connection) -> None:
        """It must not be used again, though it still stands."""
        if connection in self._idle:
            self._idle.remove(connection)

    def lost(self, connection: Connection) -> None:
        """It is gone."""
        self._open.discard(connection)
        self.unusable(connection)
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)
        self._next()

    def retry(self, connection: Connection, call: Call) -> bool:
        """Sends a call once more whose reused connection turned out closed; False when it is too late for that."""
        if self._is_closed or self._now - connection.since > RETRY_WINDOW:
            return False
        call.carrier = self
        call.connected = False
        self._place(call)
        return True

    # --- Dialling -----------------------------------------------------------------------------

    def _place(self, call: Call) -> None:
        """Dials for a call, or lets it wait where that would be one connection too many."""
        if self._is_closed:
            self._loop.call_soon(self._refuse, call, _unsent("the pool is closed"))
        elif self._has_room():
            self._dials[call] = self._loop.create_task(self._dial(call))
        else:
            self._waiting.append(call)

    def _has_room(self) -> bool:
        most = self._max_connections
        return most is None or len(self._open) + len(self._dials) < most

    def _next(self) -> None:
        """There may be room for calls that wait."""
        while self._waiting and self._has_room():
            self._place(self._waiting.popleft())

    async def _dial(self, call: Call) -> None:
        connection = (UploadingConnection if isinstance(call, StreamedCall) else Connection)(self, self._limits)
        try:
            await dial(self._loop, self.endpoint, self._ssl, lambda: connection, self._resolver)
        except TransportError as error:
            self._abandon(call, error)
        except asyncio.CancelledError:
            # The loop may have closed the socket without telling the protocol, or tell it that it stands only later.
            connection.abort()
            self._open.discard(connection)
            raise
        else:
            if connection.is_open:
                del self._dials[call]
                connection.since = self._now
                connection.start(call)
            else:
                self._abandon(call, _unsent("the upstream closed the connection at once"))

    def _abandon(self, call: Call, error: TransportError) -> None:
        del self._dials[call]
        self._next()
        self._refuse(call, error)

    def _refuse(self, call: Call, error: TransportError) -> None:
        if not call.is_over:
            call.is_over = True
            call.sink.on_failure(error)


def _unsent(message: str) -> TransportError:
    return TransportError("closed", message, sent=False, received=False)
