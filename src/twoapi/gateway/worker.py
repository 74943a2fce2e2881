"""Everything one worker process holds: the snapshot in force, the upstream pools, what is running, the sweep."""

import asyncio
import itertools
import os
import ssl
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from twoapi.config.settings import Limits
from twoapi.gateway.attempt import Attempt
from twoapi.gateway.fetch import Fetcher
from twoapi.gateway.record import Record, Sink
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.state import State
from twoapi.ir import Fault, FaultError
from twoapi.policy.cooldown import Cooldowns
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate, Plan
from twoapi.protocols.registry import SOCKET_CODECS
from twoapi.transport.dial import tls_context
from twoapi.transport.endpoint import Endpoint
from twoapi.transport.pool import Pool
from twoapi.transport.proxied import ProxiedPool
from twoapi.transport.tokens import Tokens

if TYPE_CHECKING:
    from twoapi.transport.socket import SocketPool

AnyPool: TypeAlias = "Pool | ProxiedPool | SocketPool"
SWEEP_INTERVAL = 0.25  # seconds; one timer checks every deadline of the worker


class Counters:
    """What this worker has done since it started."""

    def __init__(self) -> None:
        self.requests = 0
        self.exchanges = 0
        self.failures = 0


class Worker:
    """The mutable state of one process; there is no other in the data plane."""

    loop: asyncio.AbstractEventLoop  # from `open` on
    time: Callable[[], float]  # the loop's
    tokens: Tokens
    fetcher: Fetcher

    def __init__(self, snapshot: Snapshot, sinks: Iterable[Sink] = (), state: State | None = None) -> None:
        self.snapshot = snapshot
        self.state = State() if state is None else state
        self.limits: Limits = snapshot.limits
        self.counters = Counters()
        self.cooldowns = Cooldowns()
        self.sinks = list(sinks)
        self.active: set[Attempt] = set()
        self.running = 0
        self.converted: dict[str, str] = {}  # by client protocol the last model whose request was
        self.draining = False
        self.records: list[Record] = []
        self.on_sweep: list[Callable[[float], None]] = []  # called with the loop's time about once a second
        self.pools: dict[tuple[object, ...], AnyPool] = {}
        self.ids = map(f"req_{os.urandom(8).hex()}%x".__mod__, itertools.count(1))  # unique across workers and restarts
        self._timer: asyncio.TimerHandle | None = None
        self._sweeps = 0
        self.now = int(time.time())  # seconds since the epoch, as the last sweep saw them

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Binds the worker to its loop and starts the sweep."""
        self.loop = loop
        self.time = loop.time
        self.tokens = Tokens(loop)
        self.fetcher = Fetcher(loop)
        self.state.open(loop)
        self._timer = loop.call_later(SWEEP_INTERVAL, self._sweep)

    async def close(self) -> None:
        """Stops the sweep, closes the pools and hands over the last records."""
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        await self.tokens.close()
        await self.fetcher.close()
        for pool in self.pools.values():
            await pool.close()
        self.pools.clear()
        await self.loop.run_in_executor(None, self.state.close)

    def order(self, plan: Plan) -> tuple[Candidate, ...]:
        """The candidates of a plan in the order in which this request tries them."""
        order = plan.order(self.counters.exchanges)
        return self.cooldowns.order(order, self.time()) if self.cooldowns.places else order

    def credentials(self, candidate: Candidate) -> tuple[Credential, ...]:
        """All credentials of a candidate, likewise."""
        turn = candidate.credential_turn()
        return self.cooldowns.turn(candidate, turn, self.time()) if self.cooldowns.places else turn

    def publish(self, snapshot: Snapshot) -> None:
        """Puts a new configuration in force; what is running keeps its own."""
        self.snapshot = snapshot
        self.limits = snapshot.limits
        self.tokens.forgive()
        self.cooldowns.forgive()

    def open_pool(self, candidate: Candidate) -> AnyPool:
        """The connections to a candidate's endpoint, shared by all candidates with the same connection settings.

        Raises FaultError when they cannot be made.
        """
        try:
            pool = self.pools[candidate.connection] = _pool(candidate, self.loop)
        except (OSError, ValueError, ImportError) as error:
            message = f"the connection settings of the upstream {candidate.upstream!r} are wrong: {error}"
            raise FaultError(Fault("upstream_error", message, whose="gateway")) from None
        return pool

    def _sweep(self) -> None:
        loop = self.loop
        now = loop.time()
        self.now = int(time.time())
        for attempt in tuple(self.active):
            attempt.sweep(now)
        self._sweeps += 1
        if self._sweeps % 4 == 0:
            for pool in self.pools.values():
                pool.sweep(now)
            self.tokens.sweep()
            for callback in self.on_sweep:
                callback(now)
        if self.records:
            self._flush()
        self._timer = loop.call_later(SWEEP_INTERVAL, self._sweep)

    def _flush(self) -> None:
        records, self.records = self.records, []
        if records:
            for sink in self.sinks:
                sink.write(records)


def _pool(candidate: Candidate, loop: asyncio.AbstractEventLoop) -> AnyPool:
    endpoint, codec = Endpoint.parse(candidate.base_url), SOCKET_CODECS.get(candidate.protocol)
    context = None
    if candidate.client_cert is not None:
        context = ssl.create_default_context(cafile=candidate.ca)
        context.load_cert_chain(candidate.client_cert)
    elif endpoint.scheme in ("https", "wss"):
        context = tls_context(candidate.ca)
    if (codec is None) == (endpoint.scheme in ("ws", "wss")):
        raise ValueError(f"{candidate.protocol} is {'not ' if codec is None else ''}spoken over a websocket")
    if codec is not None:
        if candidate.proxy is not None:
            raise ValueError("a websocket cannot be led through a proxy")
        return _socket_pool()(endpoint, loop=loop, is_last=codec.is_last, ssl_context=context)
    if candidate.proxy is not None:
        return ProxiedPool(endpoint, loop=loop, proxy=str(candidate.proxy), ssl_context=context)
    return Pool(endpoint, loop=loop, ssl_context=context)


def _socket_pool() -> "type[SocketPool]":
    try:
        from twoapi.transport.socket import SocketPool  # noqa: PLC0415  an extra, and few upstreams want it
    except ImportError:
        raise ImportError("it needs websockets: install twoapi[websocket]") from None
    return SocketPool
