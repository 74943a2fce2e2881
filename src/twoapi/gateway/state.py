"""What a worker keeps beyond a request: the keys that seal state, and the store behind them."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from twoapi.ir import Origin
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.protocols.envelopes import SealingKeys
from twoapi.store.memory import MemoryStore
from twoapi.store.port import Kept, Store, StoreError, Turn
from twoapi.transport.endpoint import Endpoint

_log = logging.getLogger("twoapi.state")
LIFETIME = 30 * 86_400  # seconds for which state and turns are kept
_PATIENCE = 2.0  # seconds for which the end of an answer waits for its turn to be durable
_RETRY = 5.0  # seconds until a store that failed is asked for its secrets again
_MEMO = 4096


class State:
    """One worker's way to sealed state and kept turns. `secret` seals before the store's own ones."""

    __slots__ = (
        "_absent",
        "_is_closed",
        "_keys",
        "_loading",
        "_origins",
        "_secret",
        "_secrets",
        "is_loaded",
        "loop",
        "store",
    )

    loop: asyncio.AbstractEventLoop  # from `open` on

    def __init__(self, store: Store | None = None, secret: bytes | None = None) -> None:
        self.store: Store = MemoryStore() if store is None else store
        self._secret = secret
        self._secrets: list[bytes] | None = None
        self.is_loaded = False  # `keys` can be asked for
        self._keys: SealingKeys | None = None
        self._loading: asyncio.Future[None] | None = None
        self._is_closed = False
        self._origins: dict[tuple[Candidate, Credential], Origin] = {}
        self._absent: dict[str, None] = {}

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Binds to the loop and begins to read the secrets."""
        self.loop = loop
        self._loading = loop.create_future()
        self._load()

    def close(self) -> None:
        """Writes what is waiting."""
        self._is_closed = True
        self.store.close()

    async def load(self) -> None:
        """Waits until `keys` can be asked for."""
        if self._loading is not None and self._secrets is None:
            await asyncio.shield(self._loading)

    @property
    def keys(self) -> SealingKeys:
        """The keys that seal; made when first asked for."""
        keys = self._keys
        if keys is None:
            own = [] if self._secret is None else [self._secret]
            keys = self._keys = SealingKeys([*own, *(self._secrets or ())])
        return keys

    def origin(self, candidate: Candidate, credential: Credential) -> Origin:
        """Who a candidate is, for state that it makes: its server, and its account as a tag."""
        found = self._origins.get((candidate, credential))
        if found is None:
            endpoint = Endpoint.parse(candidate.base_url)
            server = f"{endpoint.host}:{endpoint.port}"
            said = credential.account
            account = self.keys.name("account", *said) if said else None
            found = Origin(candidate.protocol, server, candidate.model, account)
            if len(self._origins) >= _MEMO:
                self._origins.clear()
            self._origins[candidate, credential] = found
        return found

    def now(self) -> int:
        """Seconds since the epoch."""
        return int(time.time())

    # --- state by name

    def recent(self, names: Sequence[str]) -> dict[str, bytes] | None:
        """State by name, when it is known without asking the store: what is in memory, and what is nowhere."""
        found = self.store.recent(names)
        if all(name in found or name in self._absent for name in names):
            return found
        return None

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        """State by name. What is not there now will never be: a client has a turn only after its state is durable."""
        try:
            found = await asyncio.wrap_future(self.store.find(names), loop=self.loop)
        except StoreError as error:
            _log.warning("sealed state cannot be read: %s", error)
            return self.store.recent(names)
        for name in names:
            if name not in found:
                if len(self._absent) >= _MEMO:
                    self._absent.clear()
                self._absent[name] = None
        return found

    async def chain(self, tenant: str, turn: str) -> list[Turn] | None:
        """The turns that lead to this one; raises StoreError."""
        return await asyncio.wrap_future(self.store.chain(tenant, turn), loop=self.loop)

    # --- what an answer leaves behind

    def save(self, rows: Sequence[Kept | Turn], then: Callable[[], None]) -> None:
        """Stores rows and calls `then` in the loop, once, when they are durable or it has taken too long."""
        for row in rows:
            if isinstance(row, Kept):
                self._absent.pop(row.name, None)
        waiting = [then]

        def go_on() -> None:
            if waiting:
                timer.cancel()
                waiting.pop()()

        timer = self.loop.call_later(_PATIENCE, go_on)
        self.store.write(rows).add_done_callback(lambda _: self._tell(go_on))

    def _tell(self, step: Callable[[], None]) -> None:
        """Runs a step in the loop, called from any thread; not at all once the loop has ended."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(step)

    def _load(self) -> None:
        if not self._is_closed:
            self.store.secrets().add_done_callback(lambda done: self._tell(lambda: self._loaded(done)))

    def _loaded(self, done: "Future[list[bytes]]") -> None:
        try:
            found = done.result()
        except StoreError as error:
            if self._secrets is None:
                if self._secret is None:
                    _log.error("the store has no secret (%s): state that is sealed now ends with this process", error)
                self._secrets = [os.urandom(32)]
            self.loop.call_later(_RETRY, self._load)
        else:
            self._secrets = [*found, *(self._secrets or ())]
            self._keys = None
            self._origins.clear()
        self.is_loaded = True
        if self._loading is not None and not self._loading.done():
            self._loading.set_result(None)
