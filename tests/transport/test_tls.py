"""Certificates are checked against the configured authority and name; failures say so."""

import asyncio
import ssl
from pathlib import Path

import msgspec
from tests.transport.scripted import Heard, NewLoop, Upstream, each_loop, post, read_request, run, until_closed

from twoapi.transport import Endpoint, Pool, tls_context

FILES = Path(__file__).parent / "tls"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def server_context(*, wants_client_certificate: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FILES / "server.pem")
    if wants_client_certificate:
        context.load_verify_locations(FILES / "authority.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def trusting() -> ssl.SSLContext:
    return tls_context(str(FILES / "authority.pem"))


def named(upstream: Upstream, server_name: str = "upstream.test") -> Endpoint:
    plain = upstream.endpoint
    return msgspec.structs.replace(plain, scheme="https", server_name=server_name)


async def serve_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        writer.write(OK)


async def one(pool: Pool, upstream: Upstream, body: bytes = b"{}") -> Heard:
    heard = Heard()
    pool.send(post(upstream, body), body, heard)
    return await heard.ended()


@each_loop
def test_a_connection_with_tls_is_reused_and_carries_large_bodies(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok, ssl=server_context()) as upstream:
            pool = Pool(named(upstream), loop=asyncio.get_running_loop(), ssl_context=trusting())
            for body in (b"{}", b"x" * 200_000, b"{}"):
                heard = await one(pool, upstream, body)
                assert (heard.error, heard.body) == (None, b"ok")
            assert upstream.connections == 1
            await pool.close()
            assert pool.open_connections == 0

    run(main(), loop)


@each_loop
def test_the_address_itself_may_be_the_name(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok, ssl=server_context()) as upstream:
            endpoint = Endpoint.parse(f"https://127.0.0.1:{upstream.port}")
            pool = Pool(endpoint, loop=asyncio.get_running_loop(), ssl_context=trusting())
            assert (await one(pool, upstream)).body == b"ok"
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_certificate_for_another_name_or_of_an_unknown_authority_is_refused(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok, ssl=server_context()) as upstream:
            pool = Pool(named(upstream, "other.test"), loop=asyncio.get_running_loop(), ssl_context=trusting())
            heard = await one(pool, upstream)
            assert heard.failure() == ("tls", False, False)
            assert "certificate not accepted" in str(heard.error)
            await pool.close()
            pool = Pool(named(upstream), loop=asyncio.get_running_loop())
            assert (await one(pool, upstream)).failure() == ("tls", False, False)
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_server_that_does_not_speak_tls_is_a_tls_failure(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = Pool(named(upstream), loop=asyncio.get_running_loop(), ssl_context=trusting())
            assert (await one(pool, upstream)).failure() == ("tls", False, False)
            await pool.close()

    run(main(), loop)


@each_loop
def test_an_answer_until_close_ends_with_the_connection(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async def main() -> None:
        async with Upstream(script, ssl=server_context()) as upstream:
            pool = Pool(named(upstream), loop=asyncio.get_running_loop(), ssl_context=trusting())
            heard = await one(pool, upstream)
            assert (heard.error, heard.body) == (None, b"all of it")
            await pool.close()

    run(main(), loop)


@each_loop
def test_cancel_closes_a_connection_with_tls(loop: NewLoop) -> None:
    closed = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        assert await until_closed(reader)
        closed.set()

    async def main() -> None:
        async with Upstream(script, ssl=server_context()) as upstream:
            pool = Pool(named(upstream), loop=asyncio.get_running_loop(), ssl_context=trusting())
            heard = Heard()
            call = pool.send(post(upstream), b"{}", heard)
            while not heard.pieces:
                await heard.more()
            call.cancel()
            await closed.wait()
            assert not heard.over.is_set()
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_client_certificate_is_shown_when_the_context_has_one(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok, ssl=server_context(wants_client_certificate=True)) as upstream:
            context = trusting()
            context.load_cert_chain(FILES / "client.pem")
            pool = Pool(named(upstream), loop=asyncio.get_running_loop(), ssl_context=context)
            assert (await one(pool, upstream)).body == b"ok"
            await pool.close()

    run(main(), loop)
