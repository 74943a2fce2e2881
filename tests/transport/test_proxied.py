"""Through a real forward proxy on a socket, answers are told as the fast pool tells them."""

import asyncio
import contextlib
import gzip
import sys

import pytest
from tests.transport.answers import GZIP, PLAIN, sized
from tests.transport.scripted import Heard, NewLoop, Upstream, each_loop, post, read_request, run, until_closed
from tests.transport.test_tls import FILES, named, serve_ok, server_context, trusting

from twoapi.transport import Endpoint, Limits
from twoapi.transport.proxied import ProxiedPool

MIB = 1024 * 1024


class Proxy:
    """A forward proxy: CONNECT for TLS, whole URLs for the rest; it may want a password."""

    def __init__(self, credentials: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self._credentials = credentials
        self.server = Upstream(self._script)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def _script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.partition(b"\r\n")[0]
        self.asked.append(line)
        method, target, _ = line.split(b" ")
        if self._credentials and b"\r\nproxy-authorization: basic " + self._credentials not in head.lower():
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        authority = target if method == b"CONNECT" else target.split(b"/")[2]
        host, _, port = authority.decode().rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        try:
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                there_writer.write(head.replace(b"http://" + authority, b"", 1))
            await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))
        finally:
            there_writer.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    if writer.can_write_eof():
        with contextlib.suppress(OSError):
            writer.write_eof()


def pool_of(upstream: Upstream, proxy: Proxy | None = None, limits: Limits | None = None) -> ProxiedPool:
    return ProxiedPool(
        upstream.endpoint,
        loop=asyncio.get_running_loop(),
        proxy=None if proxy is None else proxy.url,
        limits=limits or Limits(),
    )


@each_loop
def test_a_request_goes_through_the_proxy_as_it_is(loop: NewLoop) -> None:
    heads: list[tuple[bytes, bytes]] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await read_request(reader))
            writer.write(sized(GZIP, b"Content-Encoding: gzip", b"X-A: 1", b"X-A: 2"))

    async def main() -> None:
        proxy = Proxy()
        async with Upstream(script) as upstream, proxy.server:
            pool = pool_of(upstream, proxy)
            for _ in range(3):
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                await heard.ended()
                assert (heard.error, heard.status, heard.body) == (None, 200, PLAIN)
                assert heard.headers == [(b"x-a", b"1"), (b"x-a", b"2")]
            await pool.close()
            assert proxy.asked == [b"POST http://127.0.0.1:%d/v1/x HTTP/1.1" % upstream.port]
        wanted = post(upstream).split(b"\r\n")
        for head, body in heads:
            assert sorted(head.lower().split(b"\r\n")[1:]) == sorted(line.lower() for line in wanted[1:])
            assert body == b"{}"

    run(main(), loop)


@each_loop
def test_tls_goes_through_a_tunnel_and_the_certificate_is_checked(loop: NewLoop) -> None:
    async def main() -> None:
        proxy = Proxy()
        async with Upstream(serve_ok, ssl=server_context()) as upstream, proxy.server:
            for name, outcome in (("upstream.test", None), ("other.test", ("tls", False, False))):
                pool = ProxiedPool(
                    named(upstream, name),
                    loop=asyncio.get_running_loop(),
                    proxy=proxy.url,
                    ssl_context=trusting(),
                )
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                await heard.ended()
                assert (heard.failure() if heard.error else None) == outcome
                assert proxy.asked.pop() == b"CONNECT 127.0.0.1:%d HTTP/1.1" % upstream.port
                await pool.close()

    run(main(), loop)


@each_loop
def test_a_client_certificate_is_shown(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok, ssl=server_context(wants_client_certificate=True)) as upstream:
            context = trusting()
            context.load_cert_chain(FILES / "client.pem")
            pool = ProxiedPool(named(upstream), loop=asyncio.get_running_loop(), ssl_context=context)
            heard = Heard()
            pool.send(post(upstream), b"{}", heard)
            assert (await heard.ended()).body == b"ok"
            await pool.close()

    run(main(), loop)


@each_loop
@pytest.mark.parametrize(
    ("wire", "failure", "body"),
    [
        (b"", ("closed", True, False), b""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", ("closed", True, True), b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", ("closed", True, True), b"hello"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", ("protocol", True, False), b""),
        (sized(b"x" * 5000), ("too_large", True, True), b""),
        (sized(gzip.compress(b"x" * 5000), b"Content-Encoding: gzip"), ("too_large", True, True), b""),
        (sized(GZIP[:-9], b"Content-Encoding: gzip"), ("protocol", True, True), PLAIN),
        (sized(b"x", b"Content-Encoding: squeeze"), ("protocol", True, True), b""),
    ],
    ids=["nothing", "short", "cut chunks", "not HTTP", "too large", "bomb", "cut gzip", "unknown coding"],
)
def test_failures_are_told_as_the_fast_pool_tells_them(
    loop: NewLoop, wire: bytes, failure: tuple[str, bool, bool], body: bytes
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(wire)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream, limits=Limits(body=4096))
            heard = Heard()
            pool.send(post(upstream), b"{}", heard)
            await heard.ended()
            assert heard.failure() == failure
            assert body.startswith(heard.body)
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_proxy_that_refuses_or_is_not_there_is_named_without_its_password(loop: NewLoop) -> None:
    async def main() -> None:
        proxy = Proxy(credentials=b"dTpw")  # another password
        async with Upstream(serve_ok, ssl=server_context()) as upstream, proxy.server:
            for url, message in (
                (proxy.url.replace("//", "//user:pw-secret@"), "the proxy answered 407"),
                ("http://user:pw-secret@127.0.0.1:9", "the proxy cannot be reached"),
            ):
                pool = ProxiedPool(named(upstream), loop=asyncio.get_running_loop(), proxy=url, ssl_context=trusting())
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                assert (await heard.ended()).failure() == ("refused", False, False)
                assert str(heard.error) == message
                await pool.close()

    run(main(), loop)


@each_loop
def test_a_connection_that_was_closed_while_idle_costs_a_retry_not_a_failure(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(sized(b"ok"))
        await reader.read(1)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            for count in (1, 2, 3):
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                assert (await heard.ended()).error is None
                assert upstream.connections == count
            await pool.close()

    run(main(), loop)


@each_loop
@pytest.mark.parametrize("when", ["dialling", "waiting", "streaming"])
def test_cancel_closes_the_upstream_socket(loop: NewLoop, when: str) -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        if when == "streaming":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        assert await until_closed(reader)
        closed.set()

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Heard()
            call = pool.send(post(upstream), b"{}", heard)
            if when != "dialling":
                await asked.wait()
                assert call.connected
                while when == "streaming" and not heard.pieces:
                    await heard.more()
            call.cancel()
            if when != "dialling":
                await closed.wait()
            assert not heard.over.is_set()
            await pool.close()
            assert not heard.over.is_set()
            assert pool.open_connections == 0

    run(main(), loop)


@each_loop
def test_a_paused_call_holds_little_and_goes_on_when_resumed(loop: NewLoop) -> None:
    size = 64 * MIB
    written = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        piece = b"x" * (256 * 1024)
        for _ in range(size // len(piece)):
            writer.write(piece)
            await writer.drain()
            written += len(piece)

    class Counting(Heard):
        received = 0

        def on_data(self, data: bytes) -> None:
            self.received += len(data)
            self.news.set()

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Counting()
            call = pool.send(post(upstream), b"{}", heard)
            await heard.more()
            call.pause()
            held = -1
            while held != written:
                held = written
                for _ in range(2000):
                    await asyncio.sleep(0)
            assert heard.received < MIB
            assert written < size
            call.resume()
            await heard.ended()
            assert (heard.received, heard.error) == (size, None)
            await pool.close()

    run(main(), loop)


@each_loop
def test_closing_the_pool_fails_every_call_once(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await until_closed(reader)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            streaming, dialling, late = Heard(), Heard(), Heard()
            pool.send(post(upstream), b"{}", streaming)
            while not streaming.pieces:
                await streaming.more()
            pool.send(post(upstream), b"{}", dialling)
            await pool.close()
            assert streaming.failure() == ("closed", True, True)
            assert dialling.failure() == ("closed", False, False)
            pool.send(post(upstream), b"{}", late)
            assert (await late.ended()).failure() == ("closed", False, False)

    run(main(), loop)


@pytest.mark.parametrize("proxy", ["https://host:1", "socks5://host:1", "host:1", "http://"])
def test_a_proxy_of_another_kind_is_refused(proxy: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=r"^a proxy must be given as http://host:port$"):
            ProxiedPool(Endpoint.parse("http://host"), loop=asyncio.get_running_loop(), proxy=proxy)

    run(main(), asyncio.new_event_loop)


def test_aiohttp_is_loaded_only_when_such_a_pool_is_made() -> None:
    import subprocess

    code = "import sys, twoapi.transport, twoapi.transport.proxied; sys.exit('aiohttp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
