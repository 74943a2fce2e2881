"""Upstreams that play exact bytes on a loopback socket, and a sink that writes down what it hears."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self

import pytest
import uvloop

from twoapi.testing.closing import close_server
from twoapi.transport import Endpoint, TransportError, request_head

Headers = list[tuple[bytes, bytes]]
NewLoop = Callable[[], asyncio.AbstractEventLoop]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

each_loop = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


def run(main: Coroutine[Any, Any, None], loop: NewLoop) -> None:
    """Runs a test; fails it when the loop logged an error or a task was left over."""
    logged: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
        await asyncio.wait_for(main, 30)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(watched())
    assert logged == []


class Heard:
    """A sink that keeps everything, and checks that it is called in a legal order."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.pieces: list[bytes] = []
        self.error: TransportError | None = None
        self.over = asyncio.Event()
        self.news = asyncio.Event()

    def on_head(self, status: int, headers: Headers) -> None:
        assert self.status == 0
        assert not self.over.is_set()
        self.status = status
        self.headers = headers
        self.news.set()

    def on_data(self, data: bytes) -> None:
        assert self.status
        assert data
        assert not self.over.is_set()
        self.pieces.append(data)
        self.news.set()

    def on_end(self) -> None:
        assert self.status
        assert not self.over.is_set()
        self.over.set()
        self.news.set()

    def on_failure(self, error: TransportError) -> None:
        assert not self.over.is_set()
        self.error = error
        self.over.set()
        self.news.set()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    async def ended(self) -> Self:
        await self.over.wait()
        return self

    async def more(self) -> Self:
        """Until the next callback."""
        self.news.clear()
        await self.news.wait()
        return self

    def failure(self) -> tuple[str, bool, bool]:
        assert self.error is not None
        return self.error.kind, self.error.sent, self.error.received


class Upstream:
    """A server that runs one script per connection and counts them."""

    def __init__(self, script: Script, **listen: Any) -> None:
        self._script = script
        self._listen = listen
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, **self._listen)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await close_server(self._server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint.parse(f"http://127.0.0.1:{self.port}")

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has left
        finally:
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """A request's head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head, await reader.readexactly(length)


async def until_closed(reader: asyncio.StreamReader) -> bool:
    """Waits for the client's end of the connection; True when nothing more came before it."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def write_split(writer: asyncio.StreamWriter, wire: bytes, *, bytewise: bool) -> None:
    """Writes at once, or byte by byte (long ones in 2000 pieces)."""
    size = max(1, len(wire) // 2000) if bytewise else len(wire) or 1
    for piece in [wire[i : i + size] for i in range(0, len(wire), size)]:
        writer.write(piece)
        await writer.drain()
        if bytewise:
            await asyncio.sleep(0)  # lets the client, on the same loop, read this byte alone


def post(upstream: Upstream, body: bytes = b"{}", method: str = "POST") -> bytes:
    return request_head(upstream.endpoint, method, "/v1/x", [(b"content-type", b"application/json")], len(body))
