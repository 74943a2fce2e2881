"""Streams that go wrong, clients that leave, upstreams that fall silent."""

import json
import socket

import pytest

from twoapi.testing.canned import PATHS, chat_frames, messages_frames, request_body, stream, whole
from twoapi.testing.replies import Gate, sse_reply

PROTOCOLS = list(PATHS)
ALIASES = {"openai-chat": "chat", "anthropic-messages": "messages"}
PAIRS = [(c, u) for c in PROTOCOLS for u in PROTOCOLS]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}_to_{pair[1]}")
def pair(request):
    return request.param


def frames_of(protocol, *texts):
    return chat_frames(*texts) if protocol == "openai-chat" else messages_frames(*texts)


def open_stream(gateway, protocol, alias):
    """A raw socket on which a streaming request has been sent."""
    body = json.dumps(request_body(protocol, alias, stream=True)).encode()
    sock = gateway.connect()
    sock.sendall(
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (PATHS[protocol].encode(), len(body), body)
    )
    return sock


def read_until(sock, mark):
    data = b""
    while mark not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def unchunked(answer):
    """The body of a raw answer in chunks."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body


def ends_normally(protocol, body):
    return b"data: [DONE]" in body if protocol == "openai-chat" else b"event: message_stop" in body


def ends_with_error(protocol, body):
    last = body.rstrip().rsplit(b"\n\n", 1)[-1]
    if protocol == "openai-chat":
        return last.startswith(b'data: {"error":')
    return last.startswith(b"event: error\ndata: ")


def test_events_reach_the_client_as_they_come(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, "alpha", "beta", "gamma").failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.wait_arrivals(1)
        gate.release(3 if upstream == "anthropic-messages" else 2)
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
    bodies = [running.post(client, request_body(client, ALIASES[upstream], stream=True)).body for _ in range(2)]
    assert ends_normally(client, bodies[0])
    assert without_created(bodies[0]) == without_created(bodies[1])


def without_created(body):
    """The data of all frames, without the ids and times that every answer has of its own."""
    frames = []
    for line in body.split(b"\n"):
        if line.startswith(b"data: {"):
            frame = json.loads(line[6:])
            for holder in (frame, frame.get("message", {})):
                holder.pop("created", None)
                holder.pop("id", None)
            frames.append(frame)
    return frames


@pytest.mark.parametrize("cut", ["close", "reset"])
def test_a_truncated_upstream_is_an_error_event_never_a_normal_end(running, pair, cut):
    client, upstream = pair
    reply = stream(upstream, "alpha", "beta")
    size = sum(len(p) for p in reply.pieces[:4]) + 20
    running.one.reply(reply.failing(cut_at=size, cut=cut))
    answer = running.post(client, request_body(client, ALIASES[upstream], stream=True))
    assert answer.status == 200
    assert b"alpha" in answer.body
    assert not ends_normally(client, answer.body)
    assert ends_with_error(client, answer.body), answer.body


def test_a_stream_without_its_end_mark_is_an_error(running, pair):
    client, upstream = pair
    reply = sse_reply(frames_of(upstream, "alpha")[: 2 if upstream == "openai-chat" else 3])
    running.one.reply(reply)
    answer = running.post(client, request_body(client, ALIASES[upstream], stream=True))
    assert not ends_normally(client, answer.body)
    assert ends_with_error(client, answer.body), answer.body


def test_an_error_in_the_middle_of_a_stream_ends_it_with_the_clients_error(running, pair):
    client, upstream = pair
    error = b'data: {"error":{"message":"gone wrong","type":"server_error"}}\n\n'
    if upstream == "anthropic-messages":
        error = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"gone wrong"}}\n\n'
    gate = Gate()
    running.one.reply(sse_reply([*frames_of(upstream, "alpha")[:3], error]).failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.release(3)
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
    gate.release(4)
    read_until(sock, b"word")
    sock.close()
    running.one.wait(lambda fake: len(fake.disconnects) == 1)
    gate.open()


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
        frames = frames_of(upstream, "alpha")[: 2 if upstream == "openai-chat" else 3]
        ready.one.reply(*[sse_reply(frames).failing(hang=what)] * 2)
        answer = ready.post(client, request_body(client, ALIASES[upstream], stream=True))
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
        gate.release(5)
        answer = ready.post(client, request_body(client, ALIASES[upstream], stream=True))
        assert ends_with_error(client, answer.body), answer.body


def test_a_waiting_client_is_kept_awake_and_still_gets_its_answer(bench, pair):
    client, upstream = pair
    gate = Gate()
    with bench("timeouts: {keep_alive: 200ms}") as ready:
        ready.one.reply(stream(upstream, "at last").failing(gate=gate))
        with open_stream(ready.gateway, client, ALIASES[upstream]) as sock:
            head = read_until(sock, b": ")
            while b"keep-alive" not in head and b"event: ping" not in head:
                head += sock.recv(65536)
            gate.open()
            rest = head + read_until(sock, b"0\r\n\r\n")
        assert b"at last" in rest
        assert ends_normally(client, rest)


def test_a_waiting_client_gets_an_error_event_when_nobody_answers(bench, pair):
    client, upstream = pair
    with bench("timeouts: {keep_alive: 200ms, first_byte: 900ms}") as ready:
        ready.one.reply(*[stream(upstream, "x").failing(hang="before_head")] * 2)
        answer = ready.post(client, request_body(client, ALIASES[upstream], stream=True))
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
    body = json.dumps(request_body(client, ALIASES[upstream], stream=True)).encode()
    sock.sendall(
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (PATHS[client].encode(), len(body), body)
    )
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
    answer = running.post(client, request_body(client, ALIASES[upstream], stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert b"all at once" in answer.body
    assert ends_normally(client, answer.body)


def test_upstream_streams_where_a_whole_answer_was_asked_for(running, pair):
    client, upstream = pair
    running.one.reply(stream(upstream, "piece ", "by piece"))
    answer = running.post(client, request_body(client, ALIASES[upstream]))
    assert answer.status == 200
    assert "piece by piece" in json.dumps(answer.json())
