"""Every answer is read by our pool, by aiohttp and by h11: they agree, or the table says why we do not."""

import asyncio
import zlib

import aiohttp
import h11
import pytest
from tests.transport.answers import ANSWERS, UNLIKE, Answer, Peer
from tests.transport.scripted import (
    Headers,
    Heard,
    NewLoop,
    Upstream,
    each_loop,
    post,
    read_request,
    run,
    until_closed,
    write_split,
)

from twoapi.transport import Pool

Outcome = tuple[int, Headers, bytes] | None  # None: failed
CODED = (b"content-encoding", b"content-length")
SECOND = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond"

each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
each_split = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])


def test_names_are_unique_and_differences_are_of_listed_answers() -> None:
    names = [answer.name for answer in ANSWERS]
    assert len(set(names)) == len(names)
    assert set(UNLIKE) <= set(names)


@each_loop
@each_split
@each_answer
def test_we_read_an_answer_as_the_table_says(answer: Answer, *, bytewise: bool, loop: NewLoop) -> None:
    run(_we_read(answer, bytewise=bytewise), loop)


async def _we_read(answer: Answer, *, bytewise: bool) -> None:
    async with played(answer, bytewise=bytewise) as upstream:
        heard, pool = await ours(upstream, answer)
        assert made_of(heard) == answer.expected
        if isinstance(answer.expected, str):
            assert heard.failure()[1] is True
        assert (pool.open_connections, pool.idle_connections) == ((1, 1) if answer.reusable else (0, 0))
        if answer.reusable:
            again = Heard()
            pool.send(post(upstream), b"{}", again)
            assert made_of(await again.ended()) == (200, b"second")
            assert upstream.connections == 1
        await pool.close()


@pytest.mark.parametrize("peer", ["aiohttp", "h11"])
@each_answer
def test_peers_read_it_as_we_do(answer: Answer, peer: Peer) -> None:
    outcomes: list[Outcome] = []

    async def both() -> None:
        async with played(answer, bytewise=False) as upstream:
            heard, pool = await ours(upstream, answer)
            await pool.close()
            outcomes.append(None if heard.error else (heard.status, sorted(heard.headers), heard.body))
            outcomes.append(await by_aiohttp(upstream, answer) if peer == "aiohttp" else by_h11(answer))

    run(both(), asyncio.new_event_loop)
    peers, reason = UNLIKE.get(answer.name, ((), ""))
    if peer in peers:
        assert outcomes[0] != outcomes[1], f"they agree now, so this is no longer so: {reason}"
    else:
        assert outcomes[0] == outcomes[1]


def played(answer: Answer, *, bytewise: bool) -> Upstream:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await write_split(writer, answer.wire, bytewise=bytewise)
        if answer.closes:
            return
        if answer.reusable:
            await read_request(reader)
            writer.write(SECOND)
        await until_closed(reader)

    return Upstream(script)


async def ours(upstream: Upstream, answer: Answer) -> tuple[Heard, Pool]:
    pool = Pool(upstream.endpoint, loop=asyncio.get_running_loop())
    heard = Heard()
    pool.send(post(upstream, method=answer.method), b"{}", heard)
    await heard.ended()
    for _ in range(20):  # what comes behind the answer, and the closing, take some turns of the loop
        await asyncio.sleep(0)
    return heard, pool


def made_of(heard: Heard) -> tuple[int, bytes] | str:
    return heard.error.kind if heard.error else (heard.status, heard.body)


async def by_aiohttp(upstream: Upstream, answer: Answer) -> Outcome:
    url = f"http://127.0.0.1:{upstream.port}/v1/x"
    async with aiohttp.ClientSession(headers={"accept-encoding": "identity"}) as session:
        try:
            async with session.request(answer.method, url, data=b"{}", allow_redirects=False) as response:
                body = await response.read()
                headers = [(name.lower(), value) for name, value in response.raw_headers]
                return response.status, _decoded(headers), body
        except (aiohttp.ClientError, ConnectionError):
            return None


def by_h11(answer: Answer) -> Outcome:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=answer.method, target="/", headers=[("host", "x"), ("content-length", "2")]))
    connection.send(h11.Data(data=b"{}"))
    connection.send(h11.EndOfMessage())
    status, headers, body = 0, [], b""
    try:
        connection.receive_data(answer.wire)
        if answer.closes:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            match event:
                case h11.Response():
                    status, headers = event.status_code, list(event.headers)
                case h11.Data():
                    body += bytes(event.data)
                case h11.EndOfMessage():
                    return status, _decoded(headers), _undone(dict(headers).get(b"content-encoding", b""), body)
                case h11.InformationalResponse():
                    pass
                case _:
                    return None
    except (h11.RemoteProtocolError, zlib.error):
        return None


def _decoded(headers: Headers) -> Headers:
    is_coded = any(name == b"content-encoding" and value.lower() != b"identity" for name, value in headers)
    return sorted(header for header in headers if not (is_coded and header[0] in CODED))


def _undone(coding: bytes, body: bytes) -> bytes:
    """h11 leaves content codings to its user; zlib is the oracle."""
    match coding.lower():
        case b"gzip":
            return zlib.decompress(body, wbits=31) if body else body
        case b"deflate":
            return zlib.decompress(body, wbits=15 if body[0] == 0x78 else -15)
        case _:
            return body
