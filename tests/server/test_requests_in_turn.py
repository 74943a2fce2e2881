"""Requests that follow each other on one connection: each is taken for what it says, not for what the last one said."""

import http.client
import json
import socket
from io import BufferedReader

import pytest
from tests.server.conftest import KEY

from twoapi.testing.running_gateway import RunningGateway

LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
BODY = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "hi"}]}).encode()


def head(line: bytes = LINE, key: str = KEY, length: int = len(BODY), more: bytes = b"") -> bytes:
    return line + b"Host: x\r\nAuthorization: Bearer %b\r\n%bContent-Length: %d\r\n\r\n" % (key.encode(), more, length)


def answer(sock: socket.socket) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(sock)
    response.begin()
    return response.status, response.read()


SAYS = {
    b"/v1/chat/completions?a=b": b'"object":"chat.completion"',
    b"/v1/messages": b'"type":"message"',
    b"/v1/x": b"error",
}


@pytest.mark.parametrize("path", list(SAYS))
def test_another_path_is_another_request(gateway: RunningGateway, path: bytes) -> None:
    with gateway.connect() as sock:
        chat = SAYS[b"/v1/chat/completions?a=b"]
        for line, said in ((LINE, chat), (LINE, chat), (b"POST " + path + b" HTTP/1.1\r\n", SAYS[path]), (LINE, chat)):
            sock.sendall(head(line) + BODY)
            assert said in answer(sock)[1]


def test_the_same_line_with_another_key_is_another_client(gateway: RunningGateway) -> None:
    with gateway.connect() as sock:
        for key, status in ((KEY, 200), (KEY, 200), ("sk-somebody-else-0123456789", 401), (KEY, 200)):
            sock.sendall(head(key=key) + BODY)
            assert answer(sock)[0] == status


def test_an_older_version_closes_as_it_must(gateway: RunningGateway) -> None:
    with gateway.connect() as sock:
        sock.sendall(head() + BODY)
        assert answer(sock)[0] == 200
        sock.sendall(head(LINE.replace(b"1.1", b"1.0")) + BODY)
        assert answer(sock)[0] == 200
        assert sock.recv(1) == b""


def test_two_in_one_read_are_two_whatever_their_lines(gateway: RunningGateway) -> None:
    with gateway.connect() as sock:
        sock.sendall(head() + BODY)
        assert answer(sock)[0] == 200
        other = b"POST /v1/nowhere HTTP/1.1\r\n"
        sock.sendall(head() + BODY + head(other) + BODY + head() + BODY)
        with sock.makefile("rb") as stream:
            found = [_status(stream) for _ in range(3)]
    assert found == [200, 404, 200]


def _status(stream: BufferedReader) -> int:
    status, length = int(stream.readline().split()[1]), 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    stream.read(length)
    return status


def test_a_body_that_begins_like_a_request_is_a_body(gateway: RunningGateway) -> None:
    expects = b"Expect: 100-continue\r\n"  # so that the body comes in a read of its own
    inner = LINE + b"x" * (len(BODY) - len(LINE))
    with gateway.connect() as sock, sock.makefile("rb") as stream:
        for body in (BODY, inner):
            sock.sendall(head(more=expects))
            assert _status(stream) == 100
            # Behind the second a request whose line alone is another one.
            other = head(b"POST /v1/nowhere HTTP/1.1\r\n", more=expects) + BODY if body is inner else b""
            sock.sendall(body + other)
            assert _status(stream) == (400 if body is inner else 200)
        status = 100
        while status == 100:
            status = _status(stream)
        assert status == 404


def test_a_head_in_pieces_is_one_head(gateway: RunningGateway) -> None:
    with gateway.connect() as sock:
        sock.sendall(head() + BODY)
        assert answer(sock)[0] == 200
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole = head() + BODY
        for at in range(0, len(whole), 7):
            sock.send(whole[at : at + 7])
        assert answer(sock)[0] == 200
