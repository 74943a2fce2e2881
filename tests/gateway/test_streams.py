"""Streams that go wrong, clients that leave, upstreams that fall silent."""

import json
import socket

import pytest
from tests.gateway.wire import (
    ALIASES,
    PAIRS,
    SPEAKS,
    ends_normally,
    ends_with_error,
    error_frame,
    frames,
    read_until,
    streaming_request,
    unchunked,
)

from twoapi.testing.canned import request_body, stream, whole
from twoapi.testing.replies import Gate, sse_reply


def open_stream(gateway, protocol, alias):
    """A raw socket on which a streaming request has been sent."""
    sock = gateway.connect()
    sock.sendall(streaming_request(protocol, alias))
    return sock


def test_events_reach_the_client_as_they_come(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, "alpha", "beta", "gamma").failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.wait_arrivals(1)
        gate.release(SPEAKS[upstream])
        seen = read_until(sock, b"alpha")
        assert b"beta" not in seen
        gate.release(1)
        assert b"gamma" not in read_until(sock, b"beta")
        gate.open()
        read_until(sock, b"0\r\n\r\n")


@pytest.mark.parametrize("chunk", [1, 7, 1_000_000])
def test_any_split_of_the_upstream_stream_gives_the_same_answer(running, pair, chunk):
    client, upstream = pair
    running.one.reply(
        stream(upstream, "héllo ", "wörld 你好"), stream(upstream, "héllo ", "wörld 你好").failing(chunk=chunk)
    )
    bodies = [running.ask(client, ALIASES[upstream], stream=True).body for _ in range(2)]
    assert ends_normally(client, bodies[0])
    assert without_created(bodies[0]) == without_created(bodies[1])


_OWN = {"created", "created_at", "completed_at", "id", "item_id", "responseId", "createTime"}


def without_created(body):
    """The data of all frames, without the ids and times that every answer has of its own."""
    return [_same(json.loads(line[6:])) for line in body.split(b"\n") if line.startswith(b"data: {")]


def _same(value):
    if isinstance(value, dict):
        return {name: _same(member) for name, member in value.items() if name not in _OWN}
    return [_same(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("cut", ["close", "reset"])
def test_a_truncated_upstream_is_an_error_event_never_a_normal_end(running, pair, cut):
    client, upstream = pair
    reply = stream(upstream, "alpha", "beta")
    size = sum(map(len, reply.pieces[: SPEAKS[upstream]])) + 20
    running.one.reply(reply.failing(cut_at=size, cut=cut))
    answer = running.ask(client, ALIASES[upstream], stream=True)
    assert answer.status == 200
    assert b"alpha" in answer.body
    assert not ends_normally(client, answer.body)
    assert ends_with_error(client, answer.body), answer.body


def test_a_stream_without_its_end_mark_is_an_error(running, pair):
    client, upstream = pair
    reply = sse_reply(frames[upstream]("alpha")[: SPEAKS[upstream]])
    running.one.reply(reply)
    answer = running.ask(client, ALIASES[upstream], stream=True)
    assert not ends_normally(client, answer.body)
    assert ends_with_error(client, answer.body), answer.body


def test_an_error_in_the_middle_of_a_stream_ends_it_with_the_clients_error(running, pair):
    client, upstream = pair
    gate = Gate()
    said = frames[upstream]("alpha")[: SPEAKS[upstream]]
    running.one.reply(sse_reply([*said, error_frame(upstream)]).failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.release(SPEAKS[upstream])
        body = read_until(sock, b"alpha")
        gate.open()
        body += read_until(sock, b"0\r\n\r\n")
    body = unchunked(body)
    assert b"gone wrong" in body
    assert not ends_normally(client, body)
    assert ends_with_error(client, body), body


def test_a_client_that_leaves_stops_the_upstream(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, *["word "] * 50).failing(gate=gate))
    sock = open_stream(running.gateway, client, ALIASES[upstream])
    gate.wait_arrivals(1)
    gate.release(SPEAKS[upstream] + 1)
    read_until(sock, b"word")
    sock.close()
    running.one.wait(lambda fake: len(fake.disconnects) == 1)
    gate.open()


ENDING = [pair for pair in PAIRS if pair != ("openai-responses", "gemini")]  # Gemini's streams have no last event


@pytest.mark.parametrize("pair", ENDING)
def test_a_client_that_leaves_behind_the_last_event_has_had_its_answer(running, pair):
    """As Codex does; the upstream's last bytes, which say nothing more, often come later."""
    client, upstream = pair
    running.one.reply(stream(upstream, "word").failing(hang="after_body"))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        data = b""
        while not ends_normally(client, data):
            piece = sock.recv(65536)
            assert piece, data
            data += piece
    running.one.wait(lambda fake: len(fake.disconnects) == 1)
    records = running.gateway.collected.records
    running.gateway.wait(lambda: len(records) == 1)
    (record,) = records
    assert record.outcome == "ok"
    assert record.usage is not None
    assert record.usage.output


def test_a_client_that_leaves_before_the_answer_stops_the_upstream(running):
    gate = Gate()
    running.one.reply(whole("openai-chat").failing(hang="before_head"))
    body = json.dumps(request_body("openai-chat", "chat")).encode()
    sock = running.gateway.connect()
    sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    running.one.wait(lambda fake: len(fake.requests) == 1)
    sock.close()
    running.one.wait(lambda fake: len(fake.disconnects) == 1)
    gate.open()


@pytest.mark.parametrize("what", ["before_head", "after_head", "after_body"])
def test_a_silent_upstream_times_out_in_the_clients_format(bench, pair, what):
    client, upstream = pair
    with bench("timeouts: {first_byte: 300ms, idle: 300ms}") as ready:
        said = frames[upstream]("alpha")[: SPEAKS[upstream]]
        ready.one.reply(*[sse_reply(said).failing(hang=what)] * 2)
        answer = ready.ask(client, ALIASES[upstream], stream=True)
        if what == "after_body":
            assert answer.status == 200
            assert b"alpha" in answer.body
            assert ends_with_error(client, answer.body), answer.body
        else:
            assert answer.status == 504
        ready.one.wait(lambda fake: fake.disconnects != [])


def test_a_total_timeout_ends_an_endless_stream(bench, pair):
    client, upstream = pair
    gate = Gate()
    with bench("timeouts: {total: 500ms}") as ready:
        ready.one.reply(stream(upstream, *["word "] * 20).failing(gate=gate))
        gate.release(SPEAKS[upstream] + 2)
        answer = ready.ask(client, ALIASES[upstream], stream=True)
        assert ends_with_error(client, answer.body), answer.body


def test_a_waiting_client_is_kept_awake_and_still_gets_its_answer(bench, pair):
    client, upstream = pair
    gate = Gate()
    with bench("timeouts: {keep_alive: 200ms}") as ready:
        ready.one.reply(stream(upstream, "at last").failing(gate=gate))
        with open_stream(ready.gateway, client, ALIASES[upstream]) as sock:
            head = read_until(sock, b"\r\n\r\n")
            while not head.partition(b"\r\n\r\n")[2]:  # whatever this client's sign of life is
                head += sock.recv(65536)
            gate.open()
            rest = head + read_until(sock, b"0\r\n\r\n")
        assert b"at last" in rest
        assert ends_normally(client, rest)


def test_a_waiting_client_gets_an_error_event_when_nobody_answers(bench, pair):
    client, upstream = pair
    with bench("timeouts: {keep_alive: 200ms, first_byte: 900ms}") as ready:
        ready.one.reply(*[stream(upstream, "x").failing(hang="before_head")] * 2)
        answer = ready.ask(client, ALIASES[upstream], stream=True)
        assert answer.status == 200
        assert ends_with_error(client, answer.body), answer.body


def test_a_client_that_does_not_read_pauses_the_upstream(running, pair):
    client, upstream = pair
    word = "x" * 20_000
    running.one.reply(stream(upstream, *[word] * 1500))
    with running.gateway.connect() as probe:
        probe.close()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", running.gateway.port))
    sock.sendall(streaming_request(client, ALIASES[upstream]))
    read_until(sock, b"xxxx")
    worker = running.gateway.worker
    running.gateway.wait(lambda: any(a.call is not None and a.call.is_paused for a in worker.active))
    data = b""
    while not data.endswith(b"0\r\n\r\n"):
        piece = sock.recv(1 << 20)
        assert piece
        data = data[-16:] + piece
    sock.close()


def test_upstream_answers_whole_where_a_stream_was_asked_for(running, pair):
    client, upstream = pair
    running.one.reply(whole(upstream, "all at once"))
    answer = running.ask(client, ALIASES[upstream], stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert b"all at once" in answer.body
    assert ends_normally(client, answer.body)


def test_upstream_streams_where_a_whole_answer_was_asked_for(running, pair):
    client, upstream = pair
    running.one.reply(stream(upstream, "piece ", "by piece"))
    answer = running.ask(client, ALIASES[upstream])
    assert answer.status == 200
    assert "piece by piece" in json.dumps(answer.json())
