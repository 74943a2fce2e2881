"""The graceful stop: what runs may finish, what cannot ends with the client protocol's own error."""

import json
import threading

import pytest

from twoapi.testing.canned import PATHS, request_body, stream
from twoapi.testing.replies import Gate

ALIASES = {"openai-chat": "chat", "anthropic-messages": "messages"}
PAIRS = [(c, u) for c in PATHS for u in PATHS]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}_to_{pair[1]}")
def pair(request):
    return request.param


def open_stream(gateway, protocol, alias):
    body = json.dumps(request_body(protocol, alias, stream=True)).encode()
    sock = gateway.connect()
    sock.settimeout(20)
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (PATHS[protocol].encode(), len(body))
    sock.sendall(head + body)
    return sock


def read_all(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def read_until(sock, mark):
    data = b""
    while mark not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def test_a_stream_that_ends_within_the_drain_ends_normally(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, "alpha", "omega").failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.release(2 if upstream == "openai-chat" else 3)
        body = read_until(sock, b"alpha")
        stopping = threading.Thread(target=running.gateway.stop)
        stopping.start()
        running.gateway.wait(lambda: running.gateway.worker.draining)
        gate.open()
        body += read_all(sock)
        stopping.join()
    assert b"omega" in body
    assert body.endswith(b"0\r\n\r\n")
    assert (b"data: [DONE]" if client == "openai-chat" else b"event: message_stop") in body


def test_a_stream_that_outlasts_the_drain_ends_with_an_error_event(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, "alpha", "omega").failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.release(2 if upstream == "openai-chat" else 3)
        body = read_until(sock, b"alpha")
        running.gateway.stop()
        body += read_all(sock)
        gate.open()
    assert b"omega" not in body
    assert body.endswith(b"0\r\n\r\n")
    assert b"stopping" in body
    assert (b'data: {"error":' if client == "openai-chat" else b"event: error") in body
    assert b"[DONE]" not in body
    assert b"message_stop" not in body


def test_a_request_that_waits_for_its_upstream_is_answered_when_the_drain_ends(running, pair):
    client, upstream = pair
    running.one.reply(stream(upstream, "never").failing(hang="before_head"))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        running.one.wait(lambda fake: len(fake.requests) == 1)
        running.gateway.stop()
        answer = read_all(sock)
    assert answer.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 529 "))
    assert b"stopping" in answer
    assert b"connection: close" in answer


def test_idle_connections_are_closed_at_once(running):
    with running.gateway.connect() as sock:
        sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_until(sock, b'{"status":"ok"}').startswith(b"HTTP/1.1 200 ")
        running.gateway.stop()
        assert read_all(sock) == b""
