"""An upstream on a real loopback socket that does what a test tells it to, faults included."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Self

from twoapi.testing.closing import close_server
from twoapi.testing.fake_connection import FakeConnection, Received
from twoapi.testing.replies import Reply, error_reply
from twoapi.testing.strict import Refusal, check_request, protocol_of

Handler = Callable[[Received], Reply]

# What the vendor's own SDK takes as its base URL.
BASE_PATHS = {"openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "", "gemini": ""}


class FakeUpstream:
    """A server for any path, in a thread of its own, so that blocking tests and other processes can use it.

    It answers with the replies given by `reply`, in order, then by `handler`. With `strict` a request that the vendor
    of the path's protocol would refuse is answered with the vendor's error, and noted in `refusals`. Everything that
    comes in is in `requests`; `disconnects` are requests whose client left before the end of the answer.

        with FakeUpstream() as fake:
            fake.reply(json_reply({...}))
            call(fake.base_url("openai-chat"))
            assert fake.requests[0].json()["model"] == "m"
    """

    def __init__(
        self,
        handler: Handler | None = None,
        *,
        strict: bool = False,
        key: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.handler = handler
        self.strict = strict
        self.key = key
        self.requests: list[Received] = []
        self.disconnects: list[Received] = []
        self.refusals: list[Refusal] = []
        self.connections = 0
        self.open_connections = 0
        self._tls = tls
        self._replies: deque[Reply] = deque()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-upstream", daemon=True)
        self._server: asyncio.Server | None = None
        self._alive: set[FakeConnection] = set()
        self.port = 0

    # --- The script ---

    def reply(self, *replies: Reply) -> None:
        """Queue answers for the next requests."""
        with self._changed:
            self._replies.extend(replies)

    def base_url(self, protocol: str = "openai-chat") -> str:
        """What the vendor's SDK would be given."""
        return f"{self.root}{BASE_PATHS[protocol]}"

    @property
    def root(self) -> str:
        """Where it listens, without a path."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def refuse(self) -> None:
        """Close the port and every connection: from now on connecting fails."""
        self._run(self._close_port())

    def accept(self) -> None:
        """Open the same port again."""
        self._run(self._open_port())

    # --- Waiting without sleeping ---

    def wait(self, condition: Callable[["FakeUpstream"], bool], timeout: float = 10.0) -> None:
        """Block until the condition holds; raises TimeoutError. For tests outside an event loop."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise TimeoutError(
                    f"not within {timeout} s: {len(self.requests)} requests, {len(self.disconnects)} disconnects, "
                    f"{self.connections} connections, {self.open_connections} open"
                )

    async def until(self, condition: Callable[["FakeUpstream"], bool], timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """As wait, for tests inside an event loop."""
        await asyncio.to_thread(self.wait, condition, timeout)

    # --- The connections' side ---

    def opened(self, connection: FakeConnection) -> int:
        """A connection came; its number."""
        with self._changed:
            self._alive.add(connection)
            self.connections += 1
            self.open_connections += 1
            self._changed.notify_all()
            return self.connections

    def closed(self, connection: FakeConnection, unfinished: Received | None) -> None:
        """A connection is gone; `unfinished` is the request that it did not hear the end of."""
        with self._changed:
            self._alive.discard(connection)
            self.open_connections -= 1
            if unfinished is not None:
                self.disconnects.append(unfinished)
            self._changed.notify_all()

    def answer(self, request: Received) -> Reply:
        """The reply to a request, which is recorded."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            refusal = check_request(request, self.key) if self.strict else None
            if refusal is not None:
                self.refusals.append(refusal)
                return refusal.reply()
            if self._replies:
                return self._replies.popleft()
        if self.handler is None:
            message = f"the fake upstream has no reply left for {request.method} {request.path}"
            return error_reply(protocol_of(request.path), 500, message)
        return self.handler(request)

    # --- Life ---

    def start(self) -> Self:
        """Listen on a free port of the loopback address."""
        self._thread.start()
        self._run(self._open_port())
        return self

    def stop(self) -> None:
        """Close everything; open connections are cut."""
        self._run(self._close_port())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open_port(self) -> None:
        if self._server is not None:
            return
        listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self.port = listener.getsockname()[1]
        self._server = await self._loop.create_server(lambda: FakeConnection(self), sock=listener, ssl=self._tls)

    async def _close_port(self) -> None:
        if self._server is not None:
            await close_server(self._server)
            self._server = None
        working = [task for connection in list(self._alive) if (task := connection.abort()) is not None]
        for task in working:
            with contextlib.suppress(asyncio.CancelledError):
                await task


def closed_port() -> int:
    """A port of the loopback address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
