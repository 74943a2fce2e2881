"""One worker process: uvicorn as the frame, the gateway's protocol inside, a drain that ends streams properly."""

import asyncio
import gc
import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn

from twoapi.gateway.worker import Worker
from twoapi.server.api import Api
from twoapi.server.connection import Connection
from twoapi.server.protocol import GatewayProtocol
from twoapi.server.site import Site

_log = logging.getLogger("twoapi.server")
_FLUSH = 0.05  # seconds for the last writes of streams that the drain cut off
BACKLOG = 4096


class GatewayServer(uvicorn.Server):
    """uvicorn with a Worker: opened with the loop, drained with the server."""

    def __init__(self, config: uvicorn.Config, worker: Worker, on_ready: Callable[[], None] | None = None) -> None:
        super().__init__(config)
        self._worker = worker
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._worker.open(loop)
        self._worker.on_sweep.append(self._sweep_connections)
        await super().startup(sockets)
        # Short-lived objects are msgspec structs and tuples; a full collection every few thousand of them is waste.
        gc.collect()
        gc.freeze()
        gc.set_threshold(5000, 20, 50)
        if self._on_ready is not None:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._worker.draining = True
        await super().shutdown(sockets)
        for connection in self._ours():
            connection.interrupt()
        await asyncio.sleep(_FLUSH)
        await self._worker.close()

    def _sweep_connections(self, now: float) -> None:
        for connection in self._ours():
            connection.sweep(now)

    def _ours(self) -> list[Connection]:
        return [one for one in self.server_state.connections if isinstance(one, Connection)]


def make_server(
    worker: Worker,
    drain_seconds: float,
    on_ready: Callable[[], None] | None = None,
    ssl_files: tuple[str, str] | None = None,
) -> GatewayServer:
    """A server for one worker; `await server.serve([socket])` runs it, `server.should_exit = True` stops it."""
    protocol = type("WorkerProtocol", (GatewayProtocol,), {"site": Site(worker)})
    config = uvicorn.Config(
        Api(worker),
        http=protocol,
        ws="none",
        loop="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
        ssl_certfile=ssl_files[0] if ssl_files else None,
        ssl_keyfile=ssl_files[1] if ssl_files else None,
    )
    return GatewayServer(config, worker, on_ready)


def run_worker(
    worker: Worker,
    sockets: list[socket.socket],
    drain_seconds: float,
    on_ready: Callable[[], None] | None = None,
    ssl_files: tuple[str, str] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then stop accepting, let answers finish for `drain_seconds`, end what is left."""
    server = make_server(worker, drain_seconds, on_ready, ssl_files)
    if threading.current_thread() is threading.main_thread():
        # uvicorn raises the signal again after its graceful stop; by then it has been obeyed.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _already_obeyed)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(server.serve(sockets))


def _already_obeyed(number: int, frame: FrameType | None) -> None:
    """Nothing more to do."""


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's loop where it is installed, else the standard one."""
    try:
        import uvloop  # noqa: PLC0415  not on every platform
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound socket; `shared` lets further workers bind the same address. Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.set_inheritable(True)
    return sock
