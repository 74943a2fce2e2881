"""Rows that this process has in memory: those that are not durable yet, and recent state."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from twoapi.store.port import Kept, Turn

Key = tuple[str, str]


def key_of(row: Kept | Turn) -> Key:
    """What a row is found by: tenant and id, or no tenant and the name."""
    return ("", row.name) if isinstance(row, Kept) else ("t" + row.tenant, row.id)


class Shelf:
    """The latest rows, up to `limit` bytes. Rows that are waiting to become durable stay whatever they take.

    Turns leave when they have become durable, since another process may delete them.
    """

    __slots__ = ("_limit", "_lock", "_rows", "_size", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._rows: OrderedDict[Key, Kept | Turn] = OrderedDict()
        self._size = 0
        self._waiting: dict[Key, tuple[Kept | Turn, int]] = {}  # with how many writes wait for it

    def put(self, rows: Iterable[Kept | Turn], *, waiting: bool) -> None:
        """Takes rows; `waiting` ones stay until `settle`."""
        with self._lock:
            for row in rows:
                key = key_of(row)
                self._drop(key)
                if waiting:
                    before = self._waiting.get(key)
                    self._waiting[key] = (row, 1 if before is None else before[1] + 1)
                else:
                    self._add(key, row)

    def settle(self, rows: Iterable[Kept | Turn], *, durable: bool) -> None:
        """These rows wait no more: from now on they may go. What could not be made durable is best kept here."""
        with self._lock:
            for row in rows:
                key = key_of(row)
                newest, count = self._waiting.pop(key, (row, 1))
                if count > 1:
                    self._waiting[key] = (newest, count - 1)
                elif isinstance(newest, Kept) or not durable:
                    self._drop(key)
                    self._add(key, newest)

    def get(self, key: Key, now: float) -> Kept | Turn | None:
        """A row that has not expired."""
        with self._lock:
            waiting = self._waiting.get(key)
            row = self._rows.get(key) if waiting is None else waiting[0]
            if row is None or row.expires <= now:
                return None
            if waiting is None:
                self._rows.move_to_end(key)
            return row

    def remove(self, key: Key) -> bool:
        """Forgets a row; False when it was not here."""
        with self._lock:
            here = key in self._rows or key in self._waiting
            self._waiting.pop(key, None)
            self._drop(key)
            return here

    def chain(self, tenant: str, turn: str, now: float) -> list[Turn] | None:
        """The turns that lead to this one, if all are here."""
        found: list[Turn] = []
        seen: set[str] = set()
        wanted: str | None = turn
        while wanted is not None:
            row = self.get(("t" + tenant, wanted), now)
            if not isinstance(row, Turn) or wanted in seen:
                return None
            seen.add(wanted)
            found.append(row)
            wanted = row.previous
        found.reverse()
        return found

    def _add(self, key: Key, row: Kept | Turn) -> None:
        self._rows[key] = row
        self._size += _size(row)
        while self._size > self._limit and self._rows:
            _, oldest = self._rows.popitem(last=False)
            self._size -= _size(oldest)

    def _drop(self, key: Key) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._size -= _size(row)


def _size(row: Kept | Turn) -> int:
    return 300 + len(row.data if isinstance(row, Kept) else row.body)
