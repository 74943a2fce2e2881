"""Connections are reused, retried, limited, cancelled, paused and closed."""

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest
from tests.transport.scripted import (
    Heard,
    NewLoop,
    Upstream,
    each_loop,
    post,
    read_request,
    run,
    until_closed,
)

from twoapi.transport import Call, Endpoint, Limits, Pool, request_head

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MIB = 1024 * 1024


async def serve_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        writer.write(OK)


def pool_of(upstream: Upstream, **options: object) -> Pool:
    return Pool(upstream.endpoint, loop=asyncio.get_running_loop(), **options)  # type: ignore[arg-type]


@each_loop
def test_requests_one_after_another_share_a_connection(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream)
            for _ in range(20):
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                assert (await heard.ended()).body == b"ok"
            assert upstream.connections == 1
            assert (pool.open_connections, pool.idle_connections) == (1, 1)
            await pool.close()
            assert (pool.open_connections, pool.idle_connections) == (0, 0)

    run(main(), loop)


@each_loop
def test_a_request_sent_from_on_end_uses_the_connection_that_just_became_free(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream)
            second = Heard()

            class First(Heard):
                def on_end(self) -> None:
                    super().on_end()
                    pool.send(post(upstream), b"{}", second)

            pool.send(post(upstream), b"{}", First())
            assert (await second.ended()).body == b"ok"
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
def test_the_newest_idle_connection_is_used_first_and_surplus_ones_are_closed(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream, max_idle=2)
            together = [Heard() for _ in range(5)]
            for heard in together:
                pool.send(post(upstream), b"{}", heard)
            for heard in together:
                await heard.ended()
            await settled(lambda: pool.open_connections == 2)
            assert (upstream.connections, pool.idle_connections) == (5, 2)
            await pool.close()

    run(main(), loop)


@each_loop
def test_the_request_arrives_as_it_was_sent_small_or_large(loop: NewLoop) -> None:
    arrived: list[tuple[bytes, bytes]] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            arrived.append(await read_request(reader))
            writer.write(OK)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            sent = []
            for size in (0, 1, 32 * 1024, 32 * 1024 + 1, 3 * MIB):
                body = b"x" * size
                heard = Heard()
                pool.send(post(upstream, body), body, heard)
                await heard.ended()
                sent.append((post(upstream, body), body))
            assert arrived == sent
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_was_closed_while_idle_costs_a_retry_not_a_failure(loop: NewLoop, *, reset: bool) -> None:
    """The upstream reads the second request and closes without an answer, as one that gave up the connection."""
    heads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader))[0])
        writer.write(OK)
        await reader.read(1)
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            for count in (1, 2, 3):
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                assert (await heard.ended()).error is None
                assert heard.body == b"ok"
                assert upstream.connections == count
            assert heads == [post(upstream)] * 3
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_fresh_connection_that_is_closed_is_a_failure(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Heard()
            pool.send(post(upstream), b"{}", heard)
            assert (await heard.ended()).failure() == ("closed", True, False)
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_reused_connection_that_is_closed_after_the_first_byte_is_a_failure(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        writer.write(b"H")

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            first, second = Heard(), Heard()
            pool.send(post(upstream), b"{}", first)
            await first.ended()
            pool.send(post(upstream), b"{}", second)
            assert (await second.ended()).failure() == ("closed", True, True)
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_reused_connection_that_is_closed_much_later_is_a_failure(loop: NewLoop) -> None:
    """The upstream may have worked on the request all that time: it is not asked twice."""
    may_close = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        await may_close.wait()

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            first, second = Heard(), Heard()
            pool.send(post(upstream), b"{}", first)
            await first.ended()
            pool.send(post(upstream), b"{}", second)
            pool.sweep(asyncio.get_running_loop().time() + 6)
            may_close.set()
            assert (await second.ended()).failure() == ("closed", True, False)
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
def test_an_idle_connection_that_the_upstream_closes_is_forgotten(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Heard()
            pool.send(post(upstream), b"{}", heard)
            await heard.ended()
            await settled(lambda: pool.open_connections == 0)
            assert pool.idle_connections == 0
            await pool.close()

    run(main(), loop)


@each_loop
@pytest.mark.parametrize("stray", [OK, b"garbage", b"\r\n", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
def test_bytes_on_an_idle_connection_never_become_the_next_answer(loop: NewLoop, stray: bytes) -> None:
    speak = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await speak.wait()
        writer.write(stray)
        assert await until_closed(reader)

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Heard()
            pool.send(post(upstream), b"{}", heard)
            await heard.ended()
            speak.set()
            await settled(lambda: pool.open_connections == 0)
            assert pool.idle_connections == 0
            await pool.close()

    run(main(), loop)


@each_loop
def test_sweep_closes_what_was_idle_too_long(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream, idle_timeout=10.0)
            heard = Heard()
            pool.send(post(upstream), b"{}", heard)
            await heard.ended()
            now = asyncio.get_running_loop().time()
            pool.sweep(now + 9)
            assert pool.idle_connections == 1
            pool.sweep(now + 11)
            assert pool.idle_connections == 0
            await settled(lambda: pool.open_connections == 0)
            await pool.close()

    run(main(), loop)


@each_loop
def test_more_requests_than_connections_wait_for_their_turn(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream, max_connections=2)
            together = [Heard() for _ in range(9)]
            calls = [pool.send(post(upstream), b"{}", heard) for heard in together]
            calls[5].cancel()  # while it waits
            calls[0].cancel()  # while it is dialled for
            for index, heard in enumerate(together):
                if index not in (0, 5):
                    assert (await heard.ended()).body == b"ok"
            assert upstream.connections <= 3  # the cancelled dial may have got through
            assert pool.open_connections <= 2
            assert not together[0].over.is_set()
            assert not together[5].over.is_set()
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_waiting_request_gets_its_turn_when_a_connection_closes(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream, max_connections=1)
            together = [Heard() for _ in range(3)]
            for heard in together:
                pool.send(post(upstream), b"{}", heard)
            for heard in together:
                assert (await heard.ended()).body == b"ok"
            assert upstream.connections == 3
            await pool.close()

    run(main(), loop)


@each_loop
@pytest.mark.parametrize("when", ["before the head", "in the body", "in on_head", "in on_data"])
def test_cancel_closes_the_upstream_socket(loop: NewLoop, when: str) -> None:
    closed = asyncio.Event()
    asked = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        asked.set()
        if when != "before the head":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        assert await until_closed(reader)
        closed.set()

    class Leaving(Heard):
        call: Call

        def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
            super().on_head(status, headers)
            if when == "in on_head":
                self.call.cancel()

        def on_data(self, data: bytes) -> None:
            super().on_data(data)
            if when == "in on_data":
                self.call.cancel()

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Leaving()
            call = heard.call = pool.send(post(upstream), b"{}", heard)
            connected = [call.connected]
            await asked.wait()
            connected.append(call.connected)
            assert connected == [False, True]
            while when == "in the body" and not heard.pieces:
                await heard.more()
            if when in ("in the body", "before the head"):
                call.cancel()
            await closed.wait()
            assert not heard.over.is_set()
            assert heard.pieces == ([] if when in ("before the head", "in on_head") else [b"hello"])
            await settled(lambda: pool.open_connections == 0)
            await pool.close()

    run(main(), loop)


@each_loop
def test_cancel_while_dialling_opens_nothing(loop: NewLoop) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:  # the kernel accepts, nobody answers
            endpoint = Endpoint.parse(f"http://127.0.0.1:{listening.getsockname()[1]}")
            pool = Pool(endpoint, loop=asyncio.get_running_loop())
            for turns in range(8):  # in each phase of the dial
                heard = Heard()
                call = pool.send(request_head(endpoint, "GET", "/"), b"", heard)
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                call.cancel()
                await settled(lambda: pool.open_connections == 0)
                assert not heard.over.is_set()
            await pool.close()

    run(main(), loop)


@each_loop
def test_cancel_pause_and_resume_after_the_end_touch_nobody_else(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream)
            first, second = Heard(), Heard()
            over = pool.send(post(upstream), b"{}", first)
            await first.ended()
            pool.send(post(upstream), b"{}", second)
            over.pause()
            over.resume()
            over.cancel()
            assert (await second.ended()).body == b"ok"
            assert upstream.connections == 1
            await pool.close()

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
        await read_request(reader)
        writer.write(OK)

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
            call.pause()
            held = -1
            while held != written:  # until the server's socket is full, too
                held = written
                for _ in range(2000):
                    await asyncio.sleep(0)
            assert heard.received < MIB
            assert written < size
            call.resume()
            await heard.ended()
            assert (heard.received, heard.error) == (size, None)
            again = Heard()
            pool.send(post(upstream), b"{}", again)
            assert (await again.ended()).body == b"ok"
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_call_that_is_paused_when_its_answer_ends_leaves_a_usable_connection(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream)

            class Pausing(Heard):
                def on_data(self, data: bytes) -> None:
                    super().on_data(data)
                    call.pause()

            for _ in range(3):
                heard = Pausing()
                call = pool.send(post(upstream), b"{}", heard)
                assert (await heard.ended()).body == b"ok"
            assert upstream.connections == 1
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_call_may_be_paused_before_it_is_connected(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(serve_ok) as upstream:
            pool = pool_of(upstream)
            heard = Heard()
            call = pool.send(post(upstream), b"{}", heard)
            call.pause()
            await settled(lambda: call.connected)
            for _ in range(50):
                await asyncio.sleep(0)
            assert heard.status == 0
            call.resume()
            assert (await heard.ended()).body == b"ok"
            await pool.close()

    run(main(), loop)


@each_loop
def test_an_answer_before_the_request_is_sent_is_delivered_and_the_connection_closed(loop: NewLoop) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await done.wait()

    done = asyncio.Event()

    async def main() -> None:
        async with Upstream(script) as upstream:
            pool = pool_of(upstream)
            heard = Heard()
            body = b"x" * (32 * MIB)
            pool.send(post(upstream, body), body, heard)
            await heard.ended()
            assert (heard.status, heard.body, heard.error) == (413, b"big", None)
            await settled(lambda: pool.open_connections == 0)
            done.set()
            await pool.close()

    run(main(), loop)


@each_loop
def test_limits_hold_for_bodies_of_any_framing(loop: NewLoop) -> None:
    wires = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n" + b"x" * 3000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"400\r\n%b\r\n" % (b"x" * 1024) * 3,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 500,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;" + b"x" * 3000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100,
    ]

    async def main() -> None:
        for wire in wires:

            async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: bytes = wire) -> None:
                await read_request(reader)
                writer.write(wire)
                assert await until_closed(reader)

            async with Upstream(script) as upstream:
                pool = pool_of(upstream, limits=Limits(head=1024, body=2048))
                heard = Heard()
                pool.send(post(upstream), b"{}", heard)
                assert (await heard.ended()).failure() == ("too_large", True, True)
                assert len(heard.body) <= 2048
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
            pool = pool_of(upstream, max_connections=2)
            streaming, dialling, waiting, late = Heard(), Heard(), Heard(), Heard()
            pool.send(post(upstream), b"{}", streaming)
            await streaming.more()
            pool.send(post(upstream), b"{}", dialling)
            pool.send(post(upstream), b"{}", waiting)
            await pool.close()
            assert streaming.failure() == ("closed", True, True)
            assert dialling.failure() == waiting.failure() == ("closed", False, False)
            pool.send(post(upstream), b"{}", late)
            assert (await late.ended()).failure() == ("closed", False, False)
            await pool.close()

    run(main(), loop)


async def settled(is_so: Callable[[], bool]) -> None:
    """Until a condition holds that the loop brings about."""
    for _ in range(100_000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came about")
