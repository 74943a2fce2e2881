"""What passes between a program and the gateway, kept as it is."""

import contextlib
import re
import socket
import threading
from types import TracebackType
from typing import Self

_STATUS = re.compile(rb"(?:\A|\r\n|\n|\})HTTP/1\.1 (\d\d\d)[^\r\n]*\r\n")
_READ = 1 << 16


class Tap:
    """`with Tap(port) as tap:` listens on `tap.url`, passes every byte on to the port, and back, and keeps them."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.sent: list[bytearray] = []
        self.received: list[bytearray] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="tap", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            ends = [self._listener, *self._open]
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    @property
    def statuses(self) -> list[int]:
        """The status of every answer of the gateway, connection by connection."""
        return [int(found) for data in self.received for found in _STATUS.findall(data)]

    def transcript(self) -> bytes:
        """Everything, in the order of the connections."""
        parts: list[bytes] = []
        for number, (sent, received) in enumerate(zip(self.sent, self.received, strict=True)):
            parts += [b"\n>>> %d\n" % number, bytes(sent), b"\n<<< %d\n" % number, bytes(received)]
        return b"".join(parts)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                gateway = socket.create_connection(self._target)
            except OSError:
                return
            sent, received = bytearray(), bytearray()
            with self._lock:
                self._open |= {client, gateway}
                self.sent.append(sent)
                self.received.append(received)
            for source, target, kept in ((client, gateway, sent), (gateway, client, received)):
                threading.Thread(target=_pump, args=(source, target, kept), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_READ):
            kept += data
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
