"""200 MB through a gateway in a process of its own, whose memory is looked at on the way."""

import hashlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.uploads.site import KEY, form, read_answer, request_head

SIZE, PIECE = 200 * 10**6, 10**6
CONTENT = 300  # pieces
GROWTH = 4 * 2**20  # bytes; a few buffers are less than one
SERVE = """
import asyncio, sys
from twoapi.config import parse
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.worker import Worker
from twoapi.server.run import listen, run_worker
worker = Worker(Snapshot(parse(sys.stdin.read(), "twoapi.yaml", {})))
sock = listen("127.0.0.1", 0, shared=False)
run_worker(worker, [sock], 1.0, lambda: print(sock.getsockname()[1], flush=True))
"""
CONFIG = """
listen: 127.0.0.1:0
keys: [{{key: {key}, name: team}}]
upstreams:
  lab:
    provider: openai-compatible
    base_url: "http://127.0.0.1:{port}/v1"
    credentials: [upstream-key]
    operations: {{files: [openai]}}
"""


class Listening:
    """An upstream that hears a form of any size, and keeps no more than what it comes to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        if not head:
            return
        if head.startswith(b"GET "):
            self._tell(connection)
            return
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        heard, size, buffer = hashlib.sha256(body), len(body), bytearray(2**20)
        while size < length:
            count = connection.recv_into(buffer)
            if not count:
                return
            heard.update(memoryview(buffer)[:count])
            size += count
        answer = json.dumps({"text": heard.hexdigest(), "id": "file-1", "created_at": 1}).encode()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer)
        )

    def _tell(self, connection: socket.socket) -> None:
        """A content that is larger than any answer that is held."""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        connection.sendall(head % (CONTENT * PIECE))
        piece = bytes(PIECE)
        for _ in range(CONTENT):
            connection.sendall(piece)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def upstream() -> Iterator[Listening]:
    found = Listening()
    yield found
    found.close()


@contextmanager
def serving(upstream: Listening, before: str = "") -> Iterator[tuple[int, int]]:
    """The port and the process id of a gateway that does something else before."""
    command = [sys.executable, "-c", before + SERVE]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(CONFIG.format(key=KEY, port=upstream.port))
    process.stdin.close()
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture
def gateway(upstream: Listening) -> Iterator[tuple[int, int]]:
    with serving(upstream) as found:
        yield found


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def transcribe(port: int, pid: int, *, model_first: bool, size: int) -> tuple[str, str, int]:
    """What the upstream says, what it should, and the most memory that the gateway had on the way."""
    model: tuple[str, str | bytes] = ("model", "lab/w-1")
    file: tuple[str, str | bytes] = ("file", b"@")
    start, end = form(*((model, file) if model_first else (file, model))).split(b"@", 1)
    piece = hashlib.shake_256(b"sound").digest(PIECE)
    expected = hashlib.sha256(start.replace(b"lab/w-1", b"w-1"))
    most = 0
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(
            request_head("/v1/audio/transcriptions", f"content-length: {len(start) + size + len(end)}") + start
        )
        for number in range(size // PIECE):
            client.sendall(piece)
            expected.update(piece)
            if number % 10 == 9:
                most = max(most, resident(pid))
        client.sendall(end)
        expected.update(end.replace(b"lab/w-1", b"w-1"))
        answer = read_answer(client)
    assert answer.status == 200, answer
    text: str = answer.json()["text"]
    return text, expected.hexdigest(), max(most, resident(pid))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("model_first", [True, False])
def test_memory_stays(gateway: tuple[int, int], *, model_first: bool) -> None:
    port, pid = gateway
    transcribe(port, pid, model_first=model_first, size=5 * PIECE)  # what is imported and made once
    before = resident(pid)
    text, expected, most = transcribe(port, pid, model_first=model_first, size=SIZE)
    assert text == expected
    assert most - before < GROWTH


def read_content(port: int, pid: int) -> tuple[int, int]:
    """The length of a content, and the most memory that the gateway had on the way."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/v1/files/file-1/content", headers={"authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    assert response.status == 200
    size = most = 0
    while data := response.read(PIECE):
        size += len(data)
        if size % (10 * PIECE) == 0:
            most = max(most, resident(pid))
    connection.close()
    return size, most


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_stays_while_a_content_is_read(gateway: tuple[int, int]) -> None:
    port, pid = gateway
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        body = form(("purpose", "user_data"), ("file", b"x"))
        client.sendall(request_head("/v1/files", f"content-length: {len(body)}") + body)
        assert read_answer(client).json()["id"] == "file-1"
    read_content(port, pid)  # what is made once
    before = resident(pid)
    size, most = read_content(port, pid)
    assert size == CONTENT * PIECE
    assert most - before < GROWTH


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_form_that_cannot_be_stored(upstream: Listening) -> None:
    body = form(("file", bytes(5 * PIECE)), ("model", "lab/w-1"))
    few = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({PIECE}, {PIECE}))\n"
    with serving(upstream, few) as (port, _), socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(request_head("/v1/audio/transcriptions", f"content-length: {len(body)}") + body)
        answer = read_answer(client)
    assert (answer.status, "cannot be stored" in answer.message()) == (503, True)
