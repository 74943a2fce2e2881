"""A whole gateway on a real loopback socket, in a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from twoapi.config.settings import Settings
from twoapi.gateway.record import Record
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.state import State
from twoapi.gateway.worker import Worker
from twoapi.server.run import GatewayServer, listen, loop_factory, make_server

_START_SECONDS = 20.0
_LOOK_SECONDS = 0.01


class Collected:
    """A sink that keeps every record."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, records: list[Record]) -> None:
        """Keep these."""
        self.records += records


class RunningGateway:
    """`with RunningGateway(settings) as gateway:` serves on `gateway.url` until the block ends."""

    def __init__(self, settings: Settings, drain_seconds: float = 1.0, state: State | None = None) -> None:
        self.collected = Collected()
        self.worker = Worker(Snapshot(settings), [self.collected], state)
        self._socket = listen("127.0.0.1", 0, shared=False)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._ready = threading.Event()
        self._server: GatewayServer = make_server(self.worker, drain_seconds, self._ready.set)
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("the gateway did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Drains and ends, as SIGTERM would."""
        self._server.should_exit = True
        self._thread.join(_START_SECONDS)

    @property
    def connections(self) -> set[object]:
        """The client connections that stand; to be looked at by `wait`."""
        return set(self._server.server_state.connections)

    def publish(self, settings: Settings) -> None:
        """Puts another configuration in force."""
        self.worker.loop.call_soon_threadsafe(self.worker.publish, Snapshot(settings))

    def wait(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Block until the condition holds, looked at in the gateway's own loop; raises TimeoutError."""
        met = threading.Event()

        def look() -> None:
            if condition():
                met.set()
            else:
                self.worker.loop.call_later(_LOOK_SECONDS, look)

        self.worker.loop.call_soon_threadsafe(look)
        if not met.wait(timeout):
            raise TimeoutError(f"the condition did not hold within {timeout} s")

    def connect(self) -> socket.socket:
        """A raw connection, for bytes that no client library would send."""
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(self._server.serve([self._socket]))
