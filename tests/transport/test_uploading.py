"""Bodies that come from a source: over the pool and through a proxy alike."""

import asyncio

import pytest
from tests.transport.scripted import Heard, NewLoop, Upstream, each_loop, run
from tests.transport.test_proxied import Proxy

from twoapi.transport.call import Call
from twoapi.transport.endpoint import open_head
from twoapi.transport.pool import Pool
from twoapi.transport.proxied import ProxiedPool
from twoapi.transport.uploading import Drain

PIECES = [bytes([number]) * 70_000 for number in range(64)]
BODY = b"".join(PIECES)
AnyPool = Pool | ProxiedPool
each_kind = pytest.mark.parametrize("kind", ["pool", "proxied"])
each_framing = pytest.mark.parametrize("chunked", [True, False])


class Pieces:
    """A source of pieces. It notes how many it has given away, and when it was stopped."""

    def __init__(self, pieces: list[bytes], *, ends: bool = True) -> None:
        self.given = 0
        self.is_paused = False
        self.begun = asyncio.Event()
        self.paused = asyncio.Event()
        self.stopped = asyncio.Event()
        self._pieces = pieces
        self._ends = ends
        self._drain: Drain | None = None

    def flow_to(self, drain: Drain) -> None:
        self._drain = drain
        self.resume()
        self.begun.set()

    def pause(self) -> None:
        self.is_paused = True
        self.paused.set()

    def resume(self) -> None:
        self.is_paused = False
        while self._drain is not None and not self.is_paused and self.given < len(self._pieces):
            self.given += 1
            self._drain.write(self._pieces[self.given - 1])
        if self.given == len(self._pieces) and self._ends and self._drain is not None:
            drain, self._drain = self._drain, None
            drain.end()

    def stop(self) -> None:
        self._drain = None
        self.stopped.set()


def made(kind: str, upstream: Upstream, proxy: Proxy | None) -> AnyPool:
    loop = asyncio.get_running_loop()
    if kind == "pool":
        return Pool(upstream.endpoint, loop=loop)
    return ProxiedPool(upstream.endpoint, loop=loop, proxy=None if proxy is None else proxy.url)


def send(pool: AnyPool, source: Pieces, heard: Heard, *, chunked: bool) -> Call:
    framing = b"transfer-encoding: chunked\r\n\r\n" if chunked else b"content-length: %d\r\n\r\n" % len(BODY)
    head = open_head(pool.endpoint, "POST", "/upload") + framing
    return pool.send_streamed(head, source, heard, chunked=chunked)


async def read_body(reader: asyncio.StreamReader, *, chunked: bool) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert (b"transfer-encoding: chunked" in head) == chunked
    assert (b"content-length: %d\r\n" % len(BODY) in head) != chunked
    if not chunked:
        return await reader.readexactly(len(BODY))
    body: list[bytes] = []
    while size := int(await reader.readline(), 16):
        body.append(await reader.readexactly(size))
        assert await reader.readexactly(2) == b"\r\n"
    assert await reader.readexactly(2) == b"\r\n"
    return b"".join(body)


@each_loop
@each_kind
@each_framing
def test_all_of_it_arrives(loop: NewLoop, kind: str, *, chunked: bool) -> None:
    bodies: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(await read_body(reader, chunked=chunked))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool, heard = made(kind, upstream, None), Heard()
            send(pool, Pieces(PIECES), heard, chunked=chunked)
            await heard.over.wait()
            assert (heard.status, heard.pieces) == (200, [b"ok"])
            assert pool.idle_connections == 0
            await pool.close()

    run(main(), loop)
    assert bodies == [BODY]


@each_loop
def test_a_proxy_takes_it_too(loop: NewLoop) -> None:
    bodies: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(await read_body(reader, chunked=False))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()

    async def main() -> None:
        proxy = Proxy()
        async with Upstream(script) as upstream, proxy.server:
            pool, heard = made("proxied", upstream, proxy), Heard()
            send(pool, Pieces(PIECES), heard, chunked=False)
            await heard.over.wait()
            assert heard.status == 200
            await pool.close()
        assert len(proxy.asked) == 1

    run(main(), loop)
    assert bodies == [BODY]


@each_loop
@each_kind
def test_an_upstream_that_does_not_read_pauses_the_source(loop: NewLoop, kind: str) -> None:
    async def main() -> None:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            begun.set()
            await goes_on.wait()
            assert len(await read_body(reader, chunked=True)) == 8 * len(BODY)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()

        async with Upstream(script) as upstream:
            pool, heard, source = made(kind, upstream, None), Heard(), Pieces(PIECES * 8)
            send(pool, source, heard, chunked=True)
            await begun.wait()
            await source.paused.wait()
            assert source.given < len(PIECES) * 8
            goes_on.set()
            await heard.over.wait()
            assert (heard.status, source.given) == (204, len(PIECES) * 8)
            await pool.close()

    run(main(), loop)


@each_loop
@each_kind
def test_an_early_answer_stops_the_source(loop: NewLoop, kind: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        await reader.read(1)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool, heard, source = made(kind, upstream, None), Heard(), Pieces(PIECES[:1], ends=False)
            send(pool, source, heard, chunked=False)
            await heard.over.wait()
            assert (heard.status, heard.pieces, heard.error) == (413, [b"no"], None)
            await source.stopped.wait()
            await pool.close()

    run(main(), loop)


@each_loop
@each_kind
def test_a_call_that_is_cancelled_stops_the_source(loop: NewLoop, kind: str) -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                pass
            gone.set()

        async with Upstream(script) as upstream:
            pool, heard, source = made(kind, upstream, None), Heard(), Pieces(PIECES[:1], ends=False)
            call = send(pool, source, heard, chunked=False)
            await source.begun.wait()
            call.cancel()
            await source.stopped.wait()
            await gone.wait()
            assert not heard.status
            await pool.close()

    run(main(), loop)
