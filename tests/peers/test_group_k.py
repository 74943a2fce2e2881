"""Rows K1-K10: transport, parsing, and requests side by side."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.gateway.wire import ALIASES
from tests.peers.gateways import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    arguments_of,
    asks,
    assert_broken,
    assert_complete,
    begun,
    calling,
    documents,
    each_pair,
    each_protocol,
    in_two_reads,
    is_error,
    kept_awake,
    post,
    said,
    text_of,
)
from tests.peers.pairs import (
    CHAT_TO_GEM,
    EVERY_PAIR,
    Json,
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
from tests.peers.vendors import gemini_call, gemini_frame, response_stream, response_text

from twoapi.testing.canned import gemini_path, request_body, stream, whole
from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, raw_reply, sse_reply
from twoapi.testing.scripted_requests import (
    ChatRequest,
    GeminiRequest,
    MessagesRequest,
    ResponsesRequest,
    ScriptedRequest,
)
from twoapi.testing.strict import protocol_of

WORDS = "héllo 你好 🎉 \u2028 \r\n end"
STREAMS = {
    CHAT: chat_stream(
        {"reasoning_content": WORDS},
        {"content": WORDS},
        call_start(0, "c", "f"),
        call_more(0, '{"x":"é'),
        call_more(0, '"}'),
    ),
    RESPONSES: b"".join(response_stream(response_text(WORDS, WORDS))),
    MESSAGES: message_stream(
        start(), *text_block(0, WORDS, WORDS), *call_block(1, "c", "f", '{"x":"é', '"}'), *end("tool_use")
    ),
    GEMINI: gemini_frame(WORDS) + gemini_frame(WORDS, gemini_call("f", {"x": "é"})) + gemini_frame(finish="STOP"),
}
each_stream = pytest.mark.parametrize(
    ("pair", "upstream_stream"),
    [(pair, STREAMS[pair.upstream.name]) for pair in EVERY_PAIR],
    ids=[pair.heading for pair in EVERY_PAIR],
)


@each_pair
@pytest.mark.parametrize("size", [70_000, 1_200_000, 11_000_000], ids=["64kB", "1MB", "10MB"])
def test_k01_a_line_of_any_length_is_read(running, client, upstream, size):
    word = "x" * size
    running.one.reply(stream(upstream, "a", word, "b"))
    answer = post(running, asks(client, upstream))
    assert text_of(client, answer.body) == f"a{word}b"
    assert_complete(client, answer.body)


@each_protocol
def test_k01_a_line_beyond_all_bounds_is_an_error_or_relayed_and_what_follows_it_counts(running, client):
    word = "x" * 17_000_000
    for upstream in ALIASES:
        running.one.reply(stream(upstream, "a", word, "b"))
        answer = post(running, asks(client, upstream))
        if client == upstream:
            assert text_of(client, answer.body) == f"a{word}b"
            assert_complete(client, answer.body)
        else:
            assert_broken(client, answer.body, "larger than")
    running.gateway.wait(lambda: len(running.gateway.collected.records) == len(ALIASES))
    outcomes = sorted(record.outcome for record in running.gateway.collected.records)
    assert outcomes == ["broken"] * (len(ALIASES) - 1) + ["ok"]


@each_stream
def test_k02_a_document_that_comes_in_many_reads_is_one_document(pair: Pair, upstream_stream: bytes):
    at_once = pair.stream(upstream_stream)
    for size in (1, 2, 3, 5, 7, 11, 13, 64, 255):
        assert pair.stream(upstream_stream, size=size) == at_once


@each_pair
def test_k02_also_through_a_running_gateway(running, client, upstream):
    reply = sse_reply(calling(upstream, '{"x":', '"é"}'))
    running.one.reply(reply, reply.failing(chunk=1), reply.failing(chunk=7))
    answers = [post(running, asks(client, upstream)) for _ in range(3)]
    for answer in answers:
        assert arguments_of(client, answer.body) == '{"x":"é"}'
        assert_complete(client, answer.body)


@each_pair
def test_k03_arguments_that_are_no_json_do_not_break_a_stream(running, client, upstream):
    if upstream == GEMINI:  # which knows that they are none
        frames = [*begun(GEMINI, "alpha"), gemini_frame(finish="MALFORMED_FUNCTION_CALL")]
        body = in_two_reads(running, asks(client, upstream), sse_reply(frames), 1, b"alpha")
        assert (text_of(client, body), arguments_of(client, body)) == ("alpha", "")
        if client != GEMINI:  # what its own protocol's server sends is relayed as it is
            assert_broken(client, body, "MALFORMED_FUNCTION_CALL")
        return
    running.one.reply(sse_reply(calling(upstream, '{"x":', "oops")), whole(upstream, "fine"))
    answer = post(running, asks(client, upstream))
    if client != upstream and client in (MESSAGES, GEMINI):  # whose clients read every call's input as JSON
        assert arguments_of(client, answer.body) == ("" if client == GEMINI else '{"x":oops')
        assert_broken(client, answer.body, "not a JSON object")
    else:
        assert arguments_of(client, answer.body) == '{"x":oops'
        assert_complete(client, answer.body)
    assert post(running, asks(client, upstream, stream=False)).status == 200


READERS: dict[str, Callable[[Json], ScriptedRequest]] = {
    CHAT: ChatRequest,
    RESPONSES: ResponsesRequest,
    MESSAGES: MessagesRequest,
    GEMINI: GeminiRequest,
}


def _echo(request: Received) -> Reply:
    """Answers with the user's words, in pieces."""
    upstream = protocol_of(request.path)
    text = READERS[upstream](request.json()).asked()
    return stream(upstream, *[f"{text} "] * 20).failing(chunk=50)


@each_pair
def test_k04_streams_side_by_side_keep_to_their_own_requests(running, client, upstream):
    running.one.handler = _echo

    def ask(number: int) -> str:
        answer = post(running, asks(client, upstream, text=f"n{number}"))
        assert_complete(client, answer.body)
        return text_of(client, answer.body)

    with ThreadPoolExecutor(12) as pool:
        texts = list(pool.map(ask, range(36)))
    running.one.handler = None
    assert texts == [f"n{number} " * 20 for number in range(36)]


def test_k05_what_is_lost_is_told_to_the_request_that_lost_it(running):
    running.one.handler = lambda _: whole(MESSAGES)
    asked = request_body(CHAT, "messages") | {"max_tokens": 9}
    extras: list[dict] = [{}, {"seed": 1}, {"seed": 1, "logprobs": True}, {"reasoning_effort": "minimal"}]
    expected = ["0", "1;dropped=1", "2;dropped=2", "1;approximated=1"]

    def ask(number: int) -> str:
        return running.post(CHAT, {**asked, **extras[number % 4]}).headers["twoapi-losses"]

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
            answer = post(running, asks(client, upstream))
            assert answer.status in (200, 502), number
            assert "[DONE]" not in answer.body.decode("utf-8", "replace")
    running.one._replies.clear()
    running.one.reply(*[raw_reply(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n")] * 2)
    assert post(running, asks(client, upstream)).status == 502
    running.one._replies.clear()
    running.one.reply(stream(upstream, "alive"))
    assert text_of(client, post(running, asks(client, upstream)).body) == "alive"


@each_protocol
def test_k07_a_long_silence_in_a_stream_is_bridged(bench, client):
    other = CHAT if client == MESSAGES else MESSAGES
    with bench("timeouts: {keep_alive: 60ms}") as ready:
        body = kept_awake(ready, asks(client, other), other, signs=2)
    assert text_of(client, body) == "alphabeta"
    assert_complete(client, body)


TOO_LARGE = {
    CHAT: "invalid_request_error",
    RESPONSES: "invalid_request_error",
    MESSAGES: "request_too_large",
    GEMINI: "INVALID_ARGUMENT",
}


@each_protocol
def test_k08_neither_a_large_body_nor_a_compressed_one_gets_in(bench, client):
    with bench("limits: {body: 64KiB}") as ready:
        small = asks(client, CHAT, text="x" * 60_000, stream=False)
        bomb = gzip.compress(json.dumps(asks(client, CHAT, text="x" * 9_000_000).body).encode())
        assert len(bomb) < 64 * 1024
        large = post(ready, asks(client, CHAT, text="x" * 70_000, stream=False))
        packed = ready.post(client, bomb, {"content-encoding": "gzip"}, small.path)
        assert ready.one.requests == []
        for refused in (large, packed):
            assert refused.status == 413
            error = refused.json()["error"]
            assert (error["status"] if client == GEMINI else error["type"]) == TOO_LARGE[client]
            assert error["message"]
        ready.one.reply(whole(CHAT, "in"))
        packed = gzip.compress(json.dumps(small.body).encode())
        assert b'in"' in ready.post(client, packed, {"content-encoding": "gzip"}, small.path).body


@each_pair
def test_k08_nor_does_an_upstreams_compressed_answer_grow_without_bound(running, client, upstream):
    bomb = whole(upstream, "x" * 40_000_000).failing(gzip=True)
    running.one.reply(whole(upstream, "small").failing(gzip=True), bomb, bomb)
    assert b"small" in post(running, asks(client, upstream, stream=False)).body
    answer = post(running, asks(client, upstream, stream=False))
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
        answer = post(running, asks(client, upstream))
        assert text_of(client, answer.body) == "héllo 你好"
        assert_complete(client, answer.body)


@each_pair
def test_k09_half_a_letter_at_the_end_of_a_stream_is_no_answer(running, client, upstream):
    frames = begun(upstream, "alpha")
    half = sse_reply([*frames, b"data: \xe4\xbd"])
    body = in_two_reads(running, asks(client, upstream), half, len(frames), b"alpha")
    last = documents(body)[-1]
    assert is_error(last)


def array_of(frames: list[bytes]) -> list[bytes]:
    """The same answers as the elements of one array, as the vendor sends them."""
    documents = [frame.removeprefix(b"data: ").rstrip() for frame in frames]
    return [b"[" + documents[0], *(b",\r\n" + document for document in documents[1:]), b"]"]


@pytest.mark.parametrize("framing", ["its own", "events"])
@pytest.mark.parametrize("upstream", ALIASES)
def test_k10_a_client_that_asks_for_no_events_gets_an_array(running, upstream, framing):
    frames = said(upstream, "alpha", "beta")
    reply = sse_reply(frames)
    if upstream == GEMINI and framing == "its own":  # it is asked in the same way
        reply = sse_reply(array_of(frames)).having(content_type="application/json")
    running.one.reply(reply)
    path = gemini_path(ALIASES[upstream], stream=True).partition("?")[0]
    answer = running.post(GEMINI, asks(GEMINI, upstream).body, None, path)
    assert answer.headers["content-type"].startswith("application/json")
    answers: list[Json] = json.loads(answer.body)
    parts = [part for one in answers for part in one["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts) == "alphabeta"
    assert answers[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("size", [None, 1, 7])
def test_k10_an_upstream_that_sends_an_array_is_read_as_it_comes(size):
    stream = b"".join(array_of(said(GEMINI, "héllo ", "你好")))
    frames, losses = CHAT_TO_GEM.stream(stream, size=size)
    assert "".join(frame["choices"][0]["delta"].get("content") or "" for frame in frames[:-1]) == "héllo 你好"
    assert frames[-2]["choices"][0]["finish_reason"] == "stop"
    assert losses == []


def test_k10_an_array_that_breaks_off_is_no_answer():
    frames, _ = CHAT_TO_GEM.stream(b"".join(array_of(said(GEMINI, "alpha", "beta"))[:1]))
    assert "error" in frames[-1]
    assert [frame for frame in frames[:-1] if frame["choices"][0]["finish_reason"]] == []
