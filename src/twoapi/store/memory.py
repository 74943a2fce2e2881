"""A store that ends with its process: where nothing can be written, and for tests."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from twoapi.store.port import Held, Kept, Turn
from twoapi.store.shelf import Shelf

T = TypeVar("T")
LIMIT = 64 * 1024 * 1024  # bytes; the oldest rows go first


class MemoryStore:
    """A Store in memory. Processes that are forked after it was made agree on its secret, and on nothing else."""

    def __init__(self, clock: Callable[[], float] = time.time, limit: int = LIMIT) -> None:
        self._clock = clock
        self._shelf = Shelf(limit)
        self._holds_state = False
        self._secret = os.urandom(32)
        self._held: dict[tuple[str, str, str], Held] = {}

    def write(self, rows: Sequence[Kept | Turn]) -> "Future[None]":
        """Keeps the rows."""
        self._holds_state = self._holds_state or any(isinstance(row, Kept) for row in rows)
        self._shelf.put(rows, waiting=False)
        return _done(None)

    def recent(self, names: Iterable[str]) -> dict[str, bytes]:
        """All the state there is of these names."""
        now = self._clock()
        rows = (self._shelf.get(("", name), now) for name in names)
        return {row.name: row.data for row in rows if isinstance(row, Kept)}

    def holds_state(self) -> bool:
        """Whether any state was ever written."""
        return self._holds_state

    def find(self, names: Sequence[str]) -> "Future[dict[str, bytes]]":
        """As recent."""
        return _done(self.recent(names))

    def chain(self, tenant: str, turn: str) -> "Future[list[Turn] | None]":
        """The turns that lead to this one."""
        return _done(self._shelf.chain(tenant, turn, self._clock()))

    def forget(self, tenant: str, turn: str) -> "Future[bool]":
        """Deletes a turn."""
        return _done(self._shelf.remove(("t" + tenant, turn)))

    def hold(self, rows: Sequence[Held]) -> "Future[None]":
        """Keeps the rows."""
        self._held.update({(row.tenant, row.id, row.upstream): row for row in rows})
        return _done(None)

    def holders(self, tenant: str, name: str) -> "Future[list[Held]]":
        """What is kept elsewhere under this id."""
        return _done([row for row in self._held.values() if (row.tenant, row.id) == (tenant, name)])

    def held(self, tenant: str, kind: str) -> "Future[list[Held]]":
        """All of a kind, the oldest first."""
        mine = [row for row in self._held.values() if (row.tenant, row.kind) == (tenant, kind)]
        return _done(sorted(mine, key=lambda row: (row.created, row.id, row.upstream)))

    def let_go(self, tenant: str, name: str, upstream: str) -> "Future[bool]":
        """Deletes a row."""
        return _done(self._held.pop((tenant, name, upstream), None) is not None)

    def secrets(self) -> "Future[list[bytes]]":
        """The secret of this store."""
        return _done([self._secret])

    def close(self) -> None:
        """Nothing waits."""


def _done(value: T) -> "Future[T]":
    future: Future[T] = Future()
    future.set_result(value)
    return future
