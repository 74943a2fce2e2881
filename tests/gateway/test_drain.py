"""The graceful stop: what runs may finish, what cannot ends with the client protocol's own error."""

import threading

from tests.gateway.wire import (
    ALIASES,
    SPEAKS,
    ends_normally,
    ends_with_error,
    read_all,
    read_until,
    streaming_request,
    unchunked,
)

from twoapi.testing.canned import stream
from twoapi.testing.replies import Gate


def open_stream(gateway, protocol, alias):
    sock = gateway.connect()
    sock.settimeout(20)
    sock.sendall(streaming_request(protocol, alias))
    return sock


def test_a_stream_that_ends_within_the_drain_ends_normally(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, "alpha", "omega").failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.release(SPEAKS[upstream])
        body = read_until(sock, b"alpha")
        stopping = threading.Thread(target=running.gateway.stop)
        stopping.start()
        running.gateway.wait(lambda: running.gateway.worker.draining)
        gate.open()
        body += read_all(sock)
        stopping.join()
    assert b"omega" in body
    assert body.endswith(b"0\r\n\r\n")
    assert ends_normally(client, unchunked(body))


def test_a_stream_that_outlasts_the_drain_ends_with_an_error_event(running, pair):
    client, upstream = pair
    gate = Gate()
    running.one.reply(stream(upstream, "alpha", "omega").failing(gate=gate))
    with open_stream(running.gateway, client, ALIASES[upstream]) as sock:
        gate.release(SPEAKS[upstream])
        body = read_until(sock, b"alpha")
        running.gateway.stop()
        body += read_all(sock)
        gate.open()
    assert b"omega" not in body
    assert body.endswith(b"0\r\n\r\n")
    assert b"stopping" in body
    assert ends_with_error(client, unchunked(body))
    assert not ends_normally(client, unchunked(body))


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
