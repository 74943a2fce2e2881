"""The fake upstream: each fault as a client on a plain socket sees it."""

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from twoapi.testing.fake_upstream import FakeUpstream, closed_port
from twoapi.testing.replies import (
    Gate,
    Reply,
    error_reply,
    hanging_reply,
    hidden_error_reply,
    html_reply,
    json_reply,
    malformed_json_reply,
    raw_reply,
    sse_reply,
)

FRAMES = (b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n")
CHAT = "/v1/chat/completions"


OPEN: list[http.client.HTTPConnection] = []


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as started:
        yield started
        while OPEN:
            OPEN.pop().close()


def connected(fake: FakeUpstream) -> http.client.HTTPConnection:
    OPEN.append(http.client.HTTPConnection("127.0.0.1", fake.port, timeout=10))
    return OPEN[-1]


def asked(client: http.client.HTTPConnection, path: str = CHAT, body: bytes = b"{}") -> http.client.HTTPResponse:
    client.request("POST", path, body, {"authorization": "Bearer k"})
    return client.getresponse()


def test_requests_are_recorded(fake: FakeUpstream) -> None:
    fake.reply(json_reply({"a": 1}), json_reply({"b": 2}))
    client = connected(fake)
    assert json.loads(asked(client, "/x?a=1&b=", b'{"q": 1}').read()) == {"a": 1}
    assert json.loads(asked(client).read()) == {"b": 2}
    client.close()
    first, second = fake.requests
    assert (first.method, first.path, first.arguments, first.json()) == ("POST", "/x", {"a": "1", "b": ""}, {"q": 1})
    assert first.headers["authorization"] == "Bearer k"
    assert (first.connection, first.number, second.connection, second.number) == (1, 1, 1, 2)
    fake.wait(lambda seen: seen.open_connections == 0)
    assert fake.disconnects == []


def test_a_chunked_request_is_read(fake: FakeUpstream) -> None:
    fake.reply(json_reply({}))
    client = connected(fake)
    client.request("POST", CHAT, iter([b"ab", b"c"]), encode_chunked=True, headers={"transfer-encoding": "chunked"})
    assert client.getresponse().status == 200
    client.close()
    assert fake.requests[0].body == b"abc"


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("http_version", ["1.1", "1.0"])
@pytest.mark.parametrize("chunk", [None, 1])
def test_every_framing_carries_the_body(fake: FakeUpstream, framing: str, http_version: str, chunk: int | None) -> None:
    fake.reply(sse_reply(FRAMES).having(framing=framing, http=http_version).failing(chunk=chunk))
    answer = asked(connected(fake))
    assert answer.read() == b"".join(FRAMES)
    answer.close()


@pytest.mark.parametrize("cut", ["close", "reset"])
def test_an_answer_is_cut(fake: FakeUpstream, cut: str) -> None:
    fake.reply(json_reply({"a": "b" * 100}).failing(cut_at=10, cut=cut))
    client = connected(fake)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        asked(client).read()
    client.close()
    assert fake.disconnects == []


def test_a_gate_holds_each_piece(fake: FakeUpstream) -> None:
    gate = Gate()
    fake.reply(sse_reply(FRAMES).failing(gate=gate))
    answer = asked(connected(fake))
    gate.wait_arrivals(1)
    gate.release()
    assert answer.read(9) == FRAMES[0]
    gate.wait_arrivals(2)
    assert gate.arrivals == 2
    gate.open()
    assert answer.read() == FRAMES[1] + FRAMES[2]
    answer.close()


def test_a_client_that_leaves_is_noticed(fake: FakeUpstream) -> None:
    fake.reply(sse_reply(FRAMES).failing(gate=Gate()), hanging_reply(), json_reply({}).failing(hang="after_body"))
    for number in range(3):
        client = connected(fake)
        client.request("POST", CHAT, b"%d" % number)
        fake.wait(lambda seen, wanted=number + 1: len(seen.requests) == wanted)  # type: ignore[misc]
        client.close()
        fake.wait(lambda seen, wanted=number + 1: len(seen.disconnects) == wanted)  # type: ignore[misc]
    assert [request.body for request in fake.disconnects] == [b"0", b"1", b"2"]


def test_a_closed_port_refuses_and_opens_again(fake: FakeUpstream) -> None:
    fake.reply(json_reply({}))
    fake.refuse()
    with pytest.raises(ConnectionRefusedError):
        asked(connected(fake))
    fake.accept()
    assert asked(connected(fake)).status == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port()), timeout=10)


@pytest.mark.parametrize(
    ("reply", "status", "content_type", "body"),
    [
        (error_reply("openai-chat", 429, retry_after="7"), 429, "application/json", b"rate_limit_exceeded"),
        (error_reply("anthropic-messages", 529), 529, "application/json", b"overloaded_error"),
        (hidden_error_reply("openai-chat"), 200, "application/json", b'"error"'),
        (html_reply(), 502, "text/html", b"Bad Gateway"),
        (malformed_json_reply(), 200, "application/json", b'"mess'),
        (json_reply({}).having(content_type="text/plain"), 200, "text/plain", b"{}"),
        (raw_reply(b"HTTP/1.1 418 Short\r\ncontent-type: x/y\r\n\r\nhi"), 418, "x/y", b"hi"),
    ],
)
def test_errors_look_like_the_real_ones(
    fake: FakeUpstream, reply: Reply, status: int, content_type: str, body: bytes
) -> None:
    fake.reply(reply)
    answer = asked(connected(fake))
    assert (answer.status, answer.headers["content-type"]) == (status, content_type)
    assert answer.headers["retry-after"] == ("7" if status == 429 else None)
    assert body in answer.read()


def test_a_body_is_compressed(fake: FakeUpstream) -> None:
    fake.reply(json_reply({"a": 1}).failing(gzip=True))
    answer = asked(connected(fake))
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.read()) == b'{"a": 1}'


def test_ends_are_left_out_and_doubled() -> None:
    reply = sse_reply(b"".join(FRAMES))
    assert reply.pieces == FRAMES
    assert reply.without_end().body == FRAMES[0] + FRAMES[1]
    assert reply.ending_twice().body == b"".join(FRAMES) + FRAMES[2]


def test_a_script_that_is_over_is_an_error_and_so_is_a_broken_handler(fake: FakeUpstream) -> None:
    assert b"no reply left" in asked(connected(fake)).read()

    def broken(_: object) -> Reply:
        raise KeyError("oops")

    fake.handler = broken
    assert b"oops" in asked(connected(fake)).read()


def test_many_clients_are_served_at_once(fake: FakeUpstream) -> None:
    fake.handler = lambda request: json_reply({"body": request.body.decode()})
    answers: list[bytes] = []

    def ask(number: int) -> None:
        answers.append(asked(connected(fake), body=b"%d" % number).read())

    clients = [threading.Thread(target=ask, args=[number]) for number in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(10)
    assert sorted(int(json.loads(answer)["body"]) for answer in answers) == list(range(20))
    assert fake.connections == 20
