"""Rows K1-K9: transport, parsing, and requests side by side."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.peers.gateways import (
    ALIASES,
    arguments_of,
    assert_broken,
    assert_complete,
    begun,
    calling,
    documents,
    each_pair,
    in_two_reads,
    said,
    text_of,
)
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_MSG,
    Pair,
    call_block,
    call_more,
    call_start,
    chat_stream,
    end,
    message_stream,
    start,
    text_block,
)

from twoapi.testing.canned import request_body, stream, whole
from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Gate, Reply, raw_reply, sse_reply

WORDS = "héllo 你好 🎉 \u2028 \r\n end"
CHAT_STREAM = chat_stream(
    {"reasoning_content": WORDS},
    {"content": WORDS},
    call_start(0, "c", "f"),
    call_more(0, '{"x":"é'),
    call_more(0, '"}'),
)
MESSAGES_STREAM = message_stream(
    start(), *text_block(0, WORDS, WORDS), *call_block(1, "c", "f", '{"x":"é', '"}'), *end("tool_use")
)
UPSTREAM_STREAMS = [
    (CHAT_TO_CHAT, CHAT_STREAM),
    (MSG_TO_CHAT, CHAT_STREAM),
    (CHAT_TO_MSG, MESSAGES_STREAM),
    (MSG_TO_MSG, MESSAGES_STREAM),
]
each_stream = pytest.mark.parametrize(
    ("pair", "upstream_stream"), UPSTREAM_STREAMS, ids=["chat>chat", "msg>chat", "chat>msg", "msg>msg"]
)


def asks(client: str, upstream: str, **fields) -> dict:
    return {**request_body(client, ALIASES[upstream], stream=True), **fields}


@each_pair
@pytest.mark.parametrize("size", [70_000, 1_200_000, 11_000_000], ids=["64kB", "1MB", "10MB"])
def test_k01_a_line_of_any_length_is_read(running, client, upstream, size):
    word = "x" * size
    running.one.reply(stream(upstream, "a", word, "b"))
    answer = running.post(client, asks(client, upstream))
    assert text_of(client, answer.body) == f"a{word}b"
    assert_complete(client, answer.body)


@pytest.mark.parametrize("client", list(ALIASES))
def test_k01_a_line_beyond_all_bounds_is_an_error_or_relayed_and_what_follows_it_counts(running, client):
    word = "x" * 17_000_000
    for upstream in ALIASES:
        running.one.reply(stream(upstream, "a", word, "b"))
        answer = running.post(client, asks(client, upstream))
        if client == upstream:
            assert text_of(client, answer.body) == f"a{word}b"
            assert_complete(client, answer.body)
        else:
            assert_broken(client, answer.body, "larger than")
    running.gateway.wait(lambda: len(running.gateway.collected.records) == 2)
    assert sorted(record.outcome for record in running.gateway.collected.records) == ["broken", "ok"]


@each_stream
def test_k02_a_document_that_comes_in_many_reads_is_one_document(pair: Pair, upstream_stream: bytes):
    at_once = pair.stream(upstream_stream)
    for size in (1, 2, 3, 5, 7, 11, 13, 64, 255):
        assert pair.stream(upstream_stream, size=size) == at_once


@each_pair
def test_k02_also_through_a_running_gateway(running, client, upstream):
    reply = sse_reply(calling(upstream, '{"x":', '"é"}'))
    running.one.reply(reply, reply.failing(chunk=1), reply.failing(chunk=7))
    answers = [running.post(client, asks(client, upstream)) for _ in range(3)]
    for answer in answers:
        assert arguments_of(client, answer.body) == '{"x":"é"}'
        assert_complete(client, answer.body)


@each_pair
def test_k03_arguments_that_are_no_json_do_not_break_a_stream(running, client, upstream):
    running.one.reply(sse_reply(calling(upstream, '{"x":', "oops")), whole(upstream, "fine"))
    answer = running.post(client, asks(client, upstream))
    assert arguments_of(client, answer.body) == '{"x":oops'
    if client != upstream and client == "anthropic-messages":  # its clients read every call's input as JSON
        assert_broken(client, answer.body, "not a JSON object")
    else:
        assert_complete(client, answer.body)
    assert running.post(client, request_body(client, ALIASES[upstream])).status == 200


def _echo(request: Received) -> Reply:
    """Answers with the last user's words, in pieces."""
    body = request.json()
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    upstream = "anthropic-messages" if request.path.endswith("/messages") else "openai-chat"
    return stream(upstream, *[f"{text} "] * 20).failing(chunk=50)


@each_pair
def test_k04_streams_side_by_side_keep_to_their_own_requests(running, client, upstream):
    running.one.handler = _echo

    def ask(number: int) -> str:
        answer = running.post(client, {**request_body(client, ALIASES[upstream], stream=True, text=f"n{number}")})
        assert_complete(client, answer.body)
        return text_of(client, answer.body)

    with ThreadPoolExecutor(12) as pool:
        texts = list(pool.map(ask, range(36)))
    running.one.handler = None
    assert texts == [f"n{number} " * 20 for number in range(36)]


def test_k05_what_is_lost_is_told_to_the_request_that_lost_it(running):
    running.one.handler = lambda _: whole("anthropic-messages")
    asked = request_body("openai-chat", "messages") | {"max_tokens": 9}
    extras: list[dict] = [{}, {"seed": 1}, {"seed": 1, "logprobs": True}, {"reasoning_effort": "minimal"}]
    expected = ["0", "1;dropped=1", "2;dropped=2", "1;approximated=1"]

    def ask(number: int) -> str:
        return running.post("openai-chat", {**asked, **extras[number % 4]}).headers["twoapi-losses"]

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, range(32)))
    running.one.handler = None
    assert told == expected * 8


BROKEN = [
    b"data: {\n\n",
    b"data: []\n\n",
    b"data: null\n\n",
    b"data: " + b"[" * 100_000 + b"\n\n",
    b'data: {"choices":[{"index":1e99}]}\n\n',
    b'data: {"choices":[{"delta":{"content":{"a":1}}}]}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":-1,"delta":{"type":"x"}}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0}\n\n',
    b"\xff\xfe\x00data: \xff\n\n",
]


@each_pair
def test_k06_no_answer_of_an_upstream_ends_the_process(running, client, upstream):
    for number, broken in enumerate(BROKEN):
        for before in ([], begun(upstream, "a")):
            running.one._replies.clear()
            running.one.reply(*[sse_reply([*before, broken])] * 2)
            answer = running.post(client, asks(client, upstream))
            assert answer.status in (200, 502), number
            assert "[DONE]" not in answer.body.decode("utf-8", "replace")
    running.one._replies.clear()
    running.one.reply(*[raw_reply(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n")] * 2)
    assert running.post(client, asks(client, upstream)).status == 502
    running.one._replies.clear()
    running.one.reply(stream(upstream, "alive"))
    assert text_of(client, running.post(client, asks(client, upstream)).body) == "alive"


@pytest.mark.parametrize("client", list(ALIASES))
def test_k07_a_long_silence_in_a_stream_is_bridged(bench, client):
    gate = Gate()
    sign = b": keep-alive\n\n" if client == "openai-chat" else b"event: ping\n"
    other = "openai-chat" if client == "anthropic-messages" else "anthropic-messages"
    with bench("timeouts: {keep_alive: 60ms}") as ready:
        ready.one.reply(sse_reply(said(other, "alpha", "beta")).failing(gate=gate))
        body = json.dumps(asks(client, other)).encode()
        path = "/v1/chat/completions" if client == "openai-chat" else "/v1/messages"
        with ready.gateway.connect() as sock:
            sock.sendall(f"POST {path} HTTP/1.0\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            gate.release(len(begun(other, "alpha")))
            seen = b""
            while seen.partition(b"alpha")[2].count(sign) < 2:
                piece = sock.recv(65536)
                assert piece
                seen += piece
            gate.open()
            while piece := sock.recv(65536):
                seen += piece
    stream_body = seen.partition(b"\r\n\r\n")[2]
    assert text_of(client, stream_body) == "alphabeta"
    assert_complete(client, stream_body)


@pytest.mark.parametrize("client", list(ALIASES))
def test_k08_neither_a_large_body_nor_a_compressed_one_gets_in(bench, client):
    with bench("limits: {body: 64KiB}") as ready:
        large = ready.post(client, request_body(client, "chat", text="x" * 70_000))
        bomb = gzip.compress(json.dumps(request_body(client, "chat", text="x" * 9_000_000)).encode())
        packed = ready.post(client, bomb, {"content-encoding": "gzip"})
        assert (large.status, packed.status) == (413, 415)
        kind = {"openai-chat": "invalid_request_error", "anthropic-messages": "request_too_large"}[client]
        assert large.json()["error"]["type"] == kind
        assert packed.json()["error"]["message"]
        assert ready.one.requests == []


@each_pair
def test_k08_nor_does_an_upstreams_compressed_answer_grow_without_bound(running, client, upstream):
    bomb = whole(upstream, "x" * 40_000_000).failing(gzip=True)
    running.one.reply(whole(upstream, "small").failing(gzip=True), bomb, bomb)
    assert b"small" in running.post(client, request_body(client, ALIASES[upstream])).body
    answer = running.post(client, request_body(client, ALIASES[upstream]))
    assert answer.status == 502
    assert answer.json()["error"]["message"]


def _as_lines(stream_bytes: bytes, line_end: bytes) -> bytes:
    return stream_bytes.replace(b"\n", line_end)


def _over_lines(stream_bytes: bytes) -> bytes:
    """Each document over two data lines, cut behind a comma between members."""
    return b"".join(frame.replace(b', "', b',\ndata: "', 1) + b"\n\n" for frame in stream_bytes.split(b"\n\n") if frame)


FRAMINGS = {
    "crlf": lambda s: _as_lines(s, b"\r\n"),
    "cr": lambda s: _as_lines(s, b"\r"),
    "no_space": lambda s: s.replace(b"data: ", b"data:").replace(b"event: ", b"event:"),
    "several_lines": _over_lines,
    "bom": lambda s: b"\xef\xbb\xbf" + s,
    "comments": lambda s: b": hello\n\n" + s.replace(b"\n\n", b"\n\n: still here\n\nretry: 10\n\n"),
    "ids": lambda s: s.replace(b"data: ", b"id: 1\ndata: "),
}


@each_stream
@pytest.mark.parametrize("framing", FRAMINGS)
def test_k09_every_legal_framing_says_the_same_however_it_is_cut(pair: Pair, upstream_stream: bytes, framing):
    plain = pair.stream(upstream_stream)
    framed = FRAMINGS[framing](upstream_stream)
    for size in (None, 1, 3, 17):
        assert pair.stream(framed, size=size) == plain


@each_pair
@pytest.mark.parametrize("framing", FRAMINGS)
def test_k09_also_where_it_is_relayed(running, client, upstream, framing):
    framed = FRAMINGS[framing](b"".join(said(upstream, "héllo ", "你好")))
    running.one.reply(sse_reply([framed]), sse_reply([framed]).failing(chunk=3))
    for _ in range(2):
        answer = running.post(client, asks(client, upstream))
        assert text_of(client, answer.body) == "héllo 你好"
        assert_complete(client, answer.body)


@each_pair
def test_k09_half_a_letter_at_the_end_of_a_stream_is_no_answer(running, client, upstream):
    frames = begun(upstream, "alpha")
    half = sse_reply([*frames, b"data: \xe4\xbd"])
    body = in_two_reads(running, client, asks(client, upstream), half, len(frames), b"alpha")
    last = documents(body)[-1]
    assert "error" in last
