"""Questions over a websocket, to a real server on a socket."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest
from tests.transport.scripted import Heard, NewLoop, Script, Upstream, each_loop, run
from tests.transport.test_tls import server_context, trusting
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from twoapi.transport import Endpoint, Limits, request_head
from twoapi.transport.socket import SocketPool

Talk = Callable[[ServerConnection], Awaitable[None]]
QUESTION = '{"text":"Grüße 你好 🚀"}'.encode()


def is_last(message: bytes) -> bool:
    return b'"last"' in message


def place_of(server: Server | Upstream, scheme: str = "ws") -> Endpoint:
    port = server.port if isinstance(server, Upstream) else server.sockets[0].getsockname()[1]
    return Endpoint.parse(f"{scheme}://127.0.0.1:{port}/base")


def pool_of(endpoint: Endpoint, limits: Limits | None = None) -> SocketPool:
    return SocketPool(endpoint, loop=asyncio.get_running_loop(), is_last=is_last, limits=limits or Limits())


def ask(pool: SocketPool, heard: Heard, body: bytes = QUESTION) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-own", b"1")]
    pool.send(request_head(pool.endpoint, "POST", "/v1/chat?sign=a%3D", headers, len(body)), body, heard)


def converse(talk: Talk, check: Callable[[SocketPool, Heard], Awaitable[None]], loop: NewLoop) -> None:
    """One question to a server that talks so."""

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0) as server:
            pool, heard = pool_of(place_of(server)), Heard()
            ask(pool, heard)
            await heard.ended()
            await check(pool, heard)
            await pool.close()
            assert pool.open_connections == 0

    run(main(), loop)


def closed_with(code: int) -> Talk:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"n":1}')
        await connection.close(code)

    return talk


@each_loop
def test_a_question_and_its_answer(loop: NewLoop) -> None:
    asked: list[Request | None] = []
    questions: list[str | bytes] = []

    async def talk(connection: ServerConnection) -> None:
        asked.append(connection.request)
        questions.append(await connection.recv())
        await connection.send('{\n  "n": "你好"\r\n}')
        await connection.send(['{"n"', ":2}"])  # in several frames
        await connection.send(b'{"last":true}')
        await connection.send('{"too":"late"}')
        with contextlib.suppress(ConnectionClosed):
            await connection.recv()

    async def check(pool: SocketPool, heard: Heard) -> None:
        assert (heard.error, heard.status) == (None, 200)
        assert heard.headers == [(b"content-type", b"text/event-stream")]
        lines = heard.body.split(b"\n")
        assert [json.loads(line) for line in lines[:-1]] == [{"n": "你好"}, {"n": 2}, {"last": True}]
        assert lines[-1] == b""
        assert pool.idle_connections == 0

    converse(talk, check, loop)
    assert questions == [QUESTION.decode()]  # one text message
    (request,) = asked
    assert request is not None
    assert request.path == "/base/v1/chat?sign=a%3D"
    assert request.headers["x-own"] == "1"
    assert "content-type" not in request.headers
    assert "content-length" not in request.headers


@each_loop
@pytest.mark.parametrize("code", [1000, 1001])
def test_a_goodbye_ends_the_answer_and_its_reader_says_whether_it_is_whole(loop: NewLoop, code: int) -> None:
    async def check(pool: SocketPool, heard: Heard) -> None:
        assert (heard.error, heard.status, heard.body) == (None, 200, b'{"n":1}\n')

    converse(closed_with(code), check, loop)


@each_loop
@pytest.mark.parametrize("code", [1011, 1008, 4000])
def test_a_goodbye_for_a_reason_is_a_failure(loop: NewLoop, code: int) -> None:
    async def check(pool: SocketPool, heard: Heard) -> None:
        assert heard.failure() == ("closed", True, True)
        assert heard.error is not None
        assert str(code) in heard.error.message

    converse(closed_with(code), check, loop)


@each_loop
def test_a_goodbye_before_any_answer_is_a_failure(loop: NewLoop) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()

    async def check(pool: SocketPool, heard: Heard) -> None:
        assert heard.failure() == ("closed", True, True)
        assert heard.status == 0

    converse(talk, check, loop)


@each_loop
def test_a_connection_that_breaks_is_a_failure(loop: NewLoop) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"n":1}')
        connection.transport.abort()

    async def check(pool: SocketPool, heard: Heard) -> None:
        assert heard.failure() == ("closed", True, True)

    converse(talk, check, loop)


@each_loop
def test_what_an_upstream_says_instead_of_a_websocket_is_the_answer(loop: NewLoop) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(403, '{"message":"HMAC signature cannot be verified"}')
        response.headers["X-Id"] = "7"
        return response

    async def talk(connection: ServerConnection) -> None:
        """Nobody comes here."""

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0, process_request=refuse) as server:
            pool, heard = pool_of(place_of(server)), Heard()
            ask(pool, heard)
            await heard.ended()
            assert (heard.error, heard.status) == (None, 403)
            assert heard.body == b'{"message":"HMAC signature cannot be verified"}'
            assert (b"x-id", b"7") in heard.headers
            await pool.close()

    run(main(), loop)


def answering(data: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)

    return script


@each_loop
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n", "protocol"),
        (b"HTTP/1.1 101 X\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n", "protocol"),
        (b"nonsense\r\n\r\n", "protocol"),
        (b"", "closed"),
    ],
)
def test_a_wrong_handshake_is_a_failure(loop: NewLoop, data: bytes, kind: str) -> None:
    async def main() -> None:
        async with Upstream(answering(data)) as upstream:
            pool, heard = pool_of(place_of(upstream)), Heard()
            ask(pool, heard)
            await heard.ended()
            assert heard.error is not None
            assert heard.error.kind == kind
            await pool.close()

    run(main(), loop)


@each_loop
def test_a_refusal_without_a_length_ends_with_the_connection(loop: NewLoop) -> None:
    async def main() -> None:
        async with Upstream(answering(b"HTTP/1.1 401 X\r\ncontent-type: text/plain\r\n\r\nno such key")) as upstream:
            pool, heard = pool_of(place_of(upstream)), Heard()
            ask(pool, heard)
            await heard.ended()
            assert (heard.error, heard.status, heard.body) == (None, 401, b"no such key")
            await pool.close()

    run(main(), loop)


@each_loop
def test_an_upstream_that_asks_whether_we_are_there_is_answered(loop: NewLoop) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await (await connection.ping())
        await connection.send('{"last":1}')
        await connection.wait_closed()

    async def check(pool: SocketPool, heard: Heard) -> None:
        assert (heard.error, heard.body) == (None, b'{"last":1}\n')

    converse(talk, check, loop)


@each_loop
def test_answers_are_bounded(loop: NewLoop) -> None:
    async def talk(connection: ServerConnection) -> None:
        size = int(json.loads(await connection.recv())["size"])
        with contextlib.suppress(ConnectionClosed):
            for _ in range(3):
                await connection.send("x" * size)
            await connection.recv()

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0) as server:
            pool = pool_of(place_of(server), Limits(body=1000))
            for size, status in ((2000, 0), (400, 200)):  # one message, all of them
                heard = Heard()
                ask(pool, heard, b'{"size":%d}' % size)
                await heard.ended()
                assert heard.failure() == ("too_large", True, True)
                assert heard.status == status
            await pool.close()

    run(main(), loop)


@each_loop
def test_nobody_there(loop: NewLoop) -> None:
    async def main() -> None:
        async with serve(closed_with(1000), "127.0.0.1", 0) as server:
            endpoint = place_of(server)
        pool, heard = pool_of(endpoint), Heard()
        ask(pool, heard)
        await heard.ended()
        assert heard.failure() == ("refused", False, False)
        await pool.close()
        late = Heard()
        ask(pool, late)
        await late.ended()
        assert late.failure() == ("closed", False, False)

    run(main(), loop)


@each_loop
def test_cancelled_before_and_after_it_is_connected(loop: NewLoop) -> None:
    gone = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"n":1}')
        await connection.wait_closed()
        gone.set()

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0) as server:
            pool = pool_of(place_of(server))
            head = request_head(pool.endpoint, "POST", "/", [], len(QUESTION))
            for turns in range(8):  # in each phase of the dial
                never = Heard()
                early = pool.send(head, QUESTION, never)
                for _ in range(turns):
                    await asyncio.sleep(0)
                early.cancel()
                assert never.status == 0
            heard = Heard()
            call = pool.send(head, QUESTION, heard)
            await heard.more()
            while not heard.pieces:
                await heard.more()
            call.cancel()
            await asyncio.wait_for(gone.wait(), 10)
            await pool.close()
            assert heard.pieces == [b'{"n":1}\n']
            assert not heard.over.is_set()

    run(main(), loop)


@each_loop
def test_a_pause_holds_the_upstream_back(loop: NewLoop) -> None:
    sent = 0

    async def talk(connection: ServerConnection) -> None:
        nonlocal sent
        await connection.recv()
        for _ in range(400):
            await connection.send("x" * 65536)
            sent += 1
        await connection.send('{"last":1}')
        await connection.wait_closed()

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0) as server:
            pool, heard = pool_of(place_of(server)), Heard()
            call = pool.send(request_head(pool.endpoint, "POST", "/", [], len(QUESTION)), QUESTION, heard)
            await heard.more()
            call.pause()
            before = -1
            while sent != before:  # until nothing goes out any more
                before = sent
                for _ in range(2000):
                    await asyncio.sleep(0)
            assert before < 400
            call.resume()
            await heard.ended()
            assert (heard.error, len(heard.body)) == (None, 400 * 65537 + 11)
            await pool.close()

    run(main(), loop)


@each_loop
def test_over_tls(loop: NewLoop) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"last":1}')
        await connection.wait_closed()

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0, ssl=server_context()) as server:
            port = server.sockets[0].getsockname()[1]
            for name, outcome in (("upstream.test", None), ("other.test", ("tls", False, False))):
                endpoint = Endpoint("wss", "127.0.0.1", port, "", name)
                pool = SocketPool(endpoint, loop=asyncio.get_running_loop(), is_last=is_last, ssl_context=trusting())
                heard = Heard()
                ask(pool, heard)
                await heard.ended()
                assert (heard.failure() if heard.error else None) == outcome
                await pool.close()

    run(main(), loop)


@each_loop
def test_an_upstream_that_does_not_say_goodbye_is_not_waited_for(loop: NewLoop) -> None:
    """The end is told at once; closing the pool does not wait either."""

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.pause_reading()  # it hears no goodbye
        await connection.send('{"last":1}')
        await connection.wait_closed()

    async def main() -> None:
        async with serve(talk, "127.0.0.1", 0, close_timeout=0.1) as server:
            pool, heard = pool_of(place_of(server)), Heard()
            ask(pool, heard)
            await heard.ended()
            assert heard.error is None
            assert pool.open_connections == 1
            await asyncio.wait_for(pool.close(), 2)
            for connection in server.connections:
                connection.transport.abort()

    run(main(), loop)
