"""The upstreams behind the gateway under test, for vendors that are asked over a websocket."""

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from twoapi.conformance import Upstream, Vendor
from twoapi.conformance.reply import Reply
from twoapi.conformance.vendor import Arrival


class SocketUpstream(Upstream):
    """As Upstream; the answer to a request is what the vendor's frames say, each in a message.

    A fault before the answer is a frame, too; a stream that is cut breaks without a goodbye.
    """

    def __init__(self, patience: float = 3.0, *, vendors: Mapping[str, Vendor]) -> None:
        self.vendors = vendors
        self.patience = patience
        self.play(Reply(text="Ready."))
        self._serving = serve(self._talk, "127.0.0.1", 0, max_size=None)
        self.port: int = self._serving.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serving.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.shutdown()
        self._thread.join()

    def _talk(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            self._answer(connection, connection.recv(timeout=self.patience))

    def _answer(self, connection: ServerConnection, question: str | bytes) -> None:
        assert connection.request is not None  # noqa: S101  there was a handshake
        path, _, query = connection.request.path.partition("?")
        headers = {name.lower(): value for name, value in connection.request.headers.raw_items()}
        vendor = next(
            one for one in self.vendors.values() if path.startswith(one.base) and one.takes(path.removeprefix(one.base))
        )
        body = msgspec.json.decode(question)
        self.arrivals.append(Arrival(protocol=vendor.protocol, path=path, query=query, headers=headers, body=body))
        fault = self.fault
        if fault is not None and fault.where == "before":
            connection.send(msgspec.json.encode(vendor.fail(fault)).decode())
            return
        spoken = vendor.say(self.reply, "conf")
        frames, half = [*spoken.head, *spoken.tail], len(spoken.head) // 2 + 1
        if fault is not None:
            frames = spoken.head[:half]
            if fault.where == "within":
                frames.append(vendor.break_off(fault))
        for number, frame in enumerate(frames):
            if self.hold is not None and number == half and not self.hold.wait(self.patience):
                self.held_in_vain = True
            connection.send(frame.decode())
        if fault is not None and fault.where == "cut":
            connection.socket.shutdown(socket.SHUT_RDWR)
