"""The same bytes go to the running server and to h11: both accept the same requests and refuse the same ones."""

import socket

import h11
import pytest

from twoapi.testing.running_gateway import RunningGateway

BODY = b'{"model":"demo","messages":[{"role":"user","content":"ping"}]}'
CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


def chunked(*pieces: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    return b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces) + b"0\r\n" + trailer + b"\r\n"


SEQUENCES = {
    "content_length": CHAT + LENGTH + b"\r\n" + BODY,
    "chunked_in_one": CHAT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "chunked_in_many": CHAT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY[:1], BODY[1:20], BODY[20:]),
    "chunked_with_extension": CHAT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY, extension=b";a=b"),
    "chunked_with_trailer": CHAT + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY, trailer=b"X-T: 1\r\n"),
    "chunked_upper_case": CHAT + b"transfer-encoding: CHUNKED\r\n\r\n" + chunked(BODY),
    "get_health": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "http_1_0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "header_value_with_spaces": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A:   b c  \r\n\r\n",
    "empty_header_value": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A:\r\n\r\n",
    "two_requests": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2,
    "bad_chunk_size": CHAT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n",
    "chunk_longer_than_said": CHAT + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "two_lengths": CHAT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY,
    "length_not_a_number": CHAT + b"Content-Length: abc\r\n\r\n" + BODY,
    "negative_length": CHAT + b"Content-Length: -1\r\n\r\n" + BODY,
    "space_before_colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n",
    "no_method": b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello \r\n\r\n",
    "no_version": b"GET /healthz\r\nHost: x\r\n\r\n",
    "nul_in_header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "space_in_header_name": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n",
    "unknown_transfer_coding": CHAT + b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
}

# Where the two differ, and why ours is right to.
STRICTER = {
    "chunked_and_length": (
        CHAT + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
        "h11 lets chunked win; a message with both is how requests are smuggled (RFC 9112 6.1)",
    ),
    "obsolete_line_folding": (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n",
        "h11 unfolds; RFC 9112 5.2 lets a server refuse",
    ),
}


@pytest.fixture(scope="module")
def gateway():
    from twoapi.config import parse

    text = "listen: 127.0.0.1:0\nupstreams: {demo: {provider: demo}}\n"
    with RunningGateway(parse(text, "test.yaml", {})) as running:
        yield running


def h11_accepts(data: bytes) -> int:
    """How many whole requests h11 reads; -1 when it refuses."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    connection.receive_data(b"")
    count = 0
    try:
        while True:
            event = connection.next_event()
            if type(event) is h11.EndOfMessage:
                count += 1
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE:
                    return count
                connection.start_next_cycle()
            elif event is h11.NEED_DATA or type(event) is h11.ConnectionClosed:
                return count
    except h11.RemoteProtocolError:
        return -1


def answers(gateway: RunningGateway, data: bytes, step: int, wanted: int) -> list[int]:
    """The status codes that the server answers with, until it closes or has given as many as are wanted."""
    with gateway.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for start in range(0, len(data), step):
                sock.sendall(data[start : start + step])
        except OSError:
            pass  # refused and closed before all was sent: the answer is what counts
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        client.send(h11.EndOfMessage())
        statuses: list[int] = []
        while len(statuses) < wanted or client.their_state is not h11.DONE:
            event = client.next_event()
            if event is h11.NEED_DATA:
                try:
                    client.receive_data(sock.recv(65536))
                except ConnectionResetError:
                    return statuses
            elif type(event) is h11.Response:
                statuses.append(event.status_code)
            elif type(event) is h11.EndOfMessage:
                if client.their_state is not h11.DONE or len(statuses) == wanted:
                    return statuses
                client.start_next_cycle()
                client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
                client.send(h11.EndOfMessage())
            elif type(event) is h11.ConnectionClosed:
                return statuses
        return statuses


@pytest.mark.parametrize("step", [1_000_000, 1], ids=["whole", "byte_by_byte"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_server_and_h11_agree(gateway, name, step):
    data = SEQUENCES[name]
    accepted = h11_accepts(data)
    statuses = answers(gateway, data, step, max(accepted, 1))
    if accepted < 0:
        assert len(statuses) == 1
        assert statuses[0] in (400, 501)
    else:
        assert statuses == [200] * accepted


@pytest.mark.parametrize("name", STRICTER)
def test_server_is_stricter_than_h11_where_that_is_safer(gateway, name):
    data, _why = STRICTER[name]
    assert h11_accepts(data) == 1
    assert answers(gateway, data, 1_000_000, 1) == [400]
