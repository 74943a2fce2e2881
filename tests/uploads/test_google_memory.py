"""200 MB of an upload that could go on elsewhere, through a gateway in a process of its own."""

import hashlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.uploads.google import start
from tests.uploads.site import answered
from tests.uploads.test_memory import GROWTH, PIECE, SERVE, SIZE, resident

CONFIG = """
listen: 127.0.0.1:0
keys: [{{key: one-key, name: one}}]
upstreams:
  lab: {{provider: gemini, base_url: "http://127.0.0.1:{port}", credentials: [upstream-key]}}
"""


class Listening:
    """An upstream that begins an upload, hears it, and keeps no more than what it comes to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

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
        lengths = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
        heard, size, buffer = hashlib.sha256(body), len(body), bytearray(2**20)
        while size < (lengths or [0])[0]:
            count = connection.recv_into(buffer)
            if not count:
                return
            heard.update(memoryview(buffer)[:count])
            size += count
        lines = [b"HTTP/1.1 200 OK", b"content-type: application/json"]
        if b"upload_id=" in head:
            answer = json.dumps({"file": {"name": "files/a", "sha256Hash": heard.hexdigest()}}).encode()
            lines.append(b"x-goog-upload-status: final")
        else:
            answer = b"{}"
            url = f"x-goog-upload-url: http://127.0.0.1:{self.port}/upload/v1beta/files?upload_id=u"
            lines += [b"x-goog-upload-status: active", url.encode()]
        lines += [b"content-length: %d" % len(answer), b"", answer]
        connection.sendall(b"\r\n".join(lines))

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def gateway() -> Iterator[tuple[int, int]]:
    """The port and the process id of a gateway before such an upstream."""
    upstream = Listening()
    command = [sys.executable, "-c", SERVE]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(CONFIG.format(port=upstream.port))
    process.stdin.close()
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
        upstream.close()


def upload(port: int, pid: int, size: int) -> tuple[str, str, int]:
    """What the upstream says, what it should, and the most memory that the gateway had on the way."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/upload/v1beta/files", b"{}", {"x-goog-api-key": "one-key", **start(size)})
    url = answered(connection).headers["x-goog-upload-url"].partition(str(port))[2]
    piece = hashlib.shake_256(b"sound").digest(PIECE)
    expected, most = hashlib.sha256(), 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("POST", url)
    for name, value in (("content-length", size), ("x-goog-upload-offset", 0)):
        connection.putheader(name, str(value))
    connection.putheader("x-goog-upload-command", "upload, finalize")
    connection.endheaders()
    for number in range(size // PIECE):
        connection.send(piece)
        expected.update(piece)
        if number % 10 == 9:
            most = max(most, resident(pid))
    answer = answered(connection)
    assert answer.headers["x-goog-upload-status"] == "final", answer
    return answer.json()["file"]["sha256Hash"], expected.hexdigest(), max(most, resident(pid))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_stays(gateway: tuple[int, int]) -> None:
    port, pid = gateway
    upload(port, pid, 5 * PIECE)  # what is imported and made once
    before = resident(pid)
    told, expected, most = upload(port, pid, SIZE)
    assert told == expected
    assert most - before < GROWTH
