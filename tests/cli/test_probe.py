"""Looking for servers on this machine, against real sockets."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twoapi.cli.probe import probe


@contextmanager
def server(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A base URL of a server that gives one answer to one request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(answer(connection.recv(65536)))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def test_a_server_tells_its_models() -> None:
    heads: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heads.append(head)
        return ok(b'{"object":"list","data":[{"id":"a","object":"model"},{"id":"b"}]}')

    with server(answer) as url:
        assert probe([url], patience=5) == {url: ("a", "b")}
    assert heads[0].startswith(b"GET /v1/models HTTP/1.1\r\n")


def always(answer: bytes) -> Callable[[bytes], bytes]:
    return lambda _: answer


def test_who_is_no_model_server_is_left_out() -> None:
    answers = (
        ok(b"<html>"),
        ok(b'{"data":[{"name":"x"}]}'),
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    )
    for answer in answers:
        with server(always(answer)) as url:
            assert probe([url], patience=5) == {}


def test_a_closed_port_is_left_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    assert probe([url, "http://127.0.0.1:1"], patience=5) == {}


def test_a_silent_server_does_not_hold_up_the_others() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        server(lambda _: ok(b'{"data":[]}')) as url,
    ):
        began = time.monotonic()
        found = probe([f"http://127.0.0.1:{silent.getsockname()[1]}/v1", url], patience=1)
        assert found == {url: ()}
        assert time.monotonic() - began < 3


def test_nobody_to_ask_is_no_wait() -> None:
    assert probe([]) == {}
