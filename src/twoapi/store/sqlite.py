"""The store on SQLite: one thread writes, in batches, one reads; the event loop never waits for either."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Lock

from twoapi.store import sqlite_sql as sql
from twoapi.store.port import Held, Kept, StoreError, Turn
from twoapi.store.shelf import Shelf
from twoapi.store.threads import DatabaseThread

_RECENT = 16 * 1024 * 1024  # bytes of rows that stay in memory
_DAY = 86_400
_SECRET = 32  # bytes
_TICK = 0.1  # seconds: more than a file system's clock needs to go on


class SqliteStore:
    """A Store in one file, shared by all processes of a machine. Threads start with the first thing to do, so that one
    made before a fork may be used after it. `patience` in seconds: how long others may lock the file.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.time, patience: float = 10.0) -> None:
        self._path = path
        self._clock = clock
        self._patience = patience
        self._shelf = Shelf(_RECENT)
        self._writer = DatabaseThread("twoapi-store-writer", self._open, self._sweep)
        self._reader = DatabaseThread("twoapi-store-reader", self._open)
        self._looker: sqlite3.Connection | None = None  # of the event loop's thread
        self._holds_state = False
        self._empty_at: tuple[int, int] | None = None  # the journal when there was no state
        self._prepared = False
        self._preparing = Lock()

    # --- the port

    def write(self, rows: Sequence[Kept | Turn]) -> "Future[None]":
        """Stores rows; in this process they are seen at once."""
        rows = list(rows)
        self._holds_state = self._holds_state or any(isinstance(row, Kept) for row in rows)
        self._shelf.put(rows, waiting=True)
        future = self._writer.do(lambda connection: _put(connection, rows))
        future.add_done_callback(lambda done: self._shelf.settle(rows, durable=done.exception() is None))
        return future

    def recent(self, names: Iterable[str]) -> dict[str, bytes]:
        """State that is still in memory."""
        now = self._clock()
        rows = (self._shelf.get(("", name), now) for name in names)
        return {row.name: row.data for row in rows if isinstance(row, Kept)}

    def holds_state(self) -> bool:
        """Looks into the file itself until there is some, since another process may have written it just now."""
        if not self._holds_state and self._prepared:
            journal = self._journal()
            if journal is not None and journal == self._empty_at:
                return False
            try:
                if self._looker is None:
                    self._looker = _connect(self._path, 0.0)
                self._holds_state = bool(self._looker.execute(sql.ANY_STATE).fetchone()[0])
            except sqlite3.Error:
                return True  # then it takes a longer way
            # One that has just been written may be written again without a difference that shows.
            settled = journal is not None and journal[0] < (self._clock() - _TICK) * 1e9
            self._empty_at = journal if settled else None
        return self._holds_state

    def _journal(self) -> tuple[int, int] | None:
        """When the write-ahead log was last written, and its length: a look that takes no lock. None: there is none."""
        try:
            found = os.stat(self._path + "-wal")  # noqa: PTH116  a Path costs more than the look
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def find(self, names: Sequence[str]) -> "Future[dict[str, bytes]]":
        """State by name, from memory and from the file."""
        here = self.recent(names)
        missing = [name for name in names if name not in here]
        now = int(self._clock())

        def read(connection: sqlite3.Connection) -> dict[str, bytes]:
            found = dict(here)
            for name in missing:
                row = connection.execute(sql.GET_STATE, {"name": name, "now": now}).fetchone()
                if row is not None:
                    found[name] = row[0]
                    self._shelf.put([Kept(name, row[0], row[1])], waiting=False)
            return found

        return self._reader.do(read)

    def chain(self, tenant: str, turn: str) -> "Future[list[Turn] | None]":
        """The turns that lead to this one; those that are still being written are found in memory."""
        head: list[Turn] = []
        seen: set[str] = set()
        wanted: str | None = turn
        while wanted is not None and wanted not in seen:
            row = self._shelf.get(("t" + tenant, wanted), self._clock())
            if not isinstance(row, Turn):
                break
            seen.add(wanted)
            head.append(row)
            wanted = row.previous
        if wanted is None:
            whole: Future[list[Turn] | None] = Future()
            whole.set_result(head[::-1])
            return whole
        query = {"tenant": tenant, "id": wanted, "now": int(self._clock())}

        def read(connection: sqlite3.Connection) -> list[Turn] | None:
            elders = {row[0]: Turn(tenant, *row) for row in connection.execute(sql.GET_CHAIN, query)}
            return _in_order(head, wanted, elders)

        return self._reader.do(read)

    def forget(self, tenant: str, turn: str) -> "Future[bool]":
        """Deletes a turn, in memory at once."""
        self._shelf.remove(("t" + tenant, turn))
        return self._writer.do(
            lambda connection: connection.execute(sql.DELETE_TURN, {"tenant": tenant, "id": turn}).rowcount > 0
        )

    def hold(self, rows: Sequence[Held]) -> "Future[None]":
        """Stores rows; they are seen when that is done."""
        given = [{name: getattr(row, name) for name in row.__struct_fields__} for row in rows]

        def put(connection: sqlite3.Connection) -> None:
            for row in given:
                connection.execute(sql.PUT_HELD, row)

        return self._writer.do(put)

    def holders(self, tenant: str, name: str) -> "Future[list[Held]]":
        """What is kept elsewhere under this id."""
        asked = {"tenant": tenant, "id": name}
        return self._reader.do(lambda connection: [Held(*row) for row in connection.execute(sql.GET_HELD, asked)])

    def held(self, tenant: str, kind: str) -> "Future[list[Held]]":
        """All of a kind, the oldest first."""
        asked = {"tenant": tenant, "kind": kind}
        return self._reader.do(lambda connection: [Held(*row) for row in connection.execute(sql.LIST_HELD, asked)])

    def let_go(self, tenant: str, name: str, upstream: str) -> "Future[bool]":
        """Deletes a row."""
        which = {"tenant": tenant, "id": name, "upstream": upstream}
        return self._writer.do(lambda connection: connection.execute(sql.DELETE_HELD, which).rowcount > 0)

    def secrets(self) -> "Future[list[bytes]]":
        """The gateway's secrets; makes the first one."""
        return self._writer.do(self._secrets)

    def close(self) -> None:
        """Writes what waits, and ends the threads."""
        self._writer.close()
        self._reader.close()
        if self._looker is not None:
            self._looker.close()
            self._looker = None

    # --- what the threads do

    def _secrets(self, connection: sqlite3.Connection) -> list[bytes]:
        found = [row[0] for row in connection.execute(sql.GET_SECRETS)]
        if not found:
            found = [os.urandom(_SECRET)]
            connection.execute(sql.ADD_SECRETS, {"number": 1, "value": found[0], "created": int(self._clock())})
        return found

    def _open(self) -> sqlite3.Connection:
        with self._preparing:
            if not self._prepared:
                _prepare(self._path, self._patience)
                self._prepared = True
        return _connect(self._path, self._patience)

    def _sweep(self, connection: sqlite3.Connection) -> None:
        now = {"now": int(self._clock())}
        for statement in (sql.SWEEP_STATE, sql.SWEEP_TURNS):
            while connection.execute(statement, now).rowcount > 0:
                connection.execute("COMMIT")  # others get their turn
                connection.execute("BEGIN IMMEDIATE")


def _put(connection: sqlite3.Connection, rows: Sequence[Kept | Turn]) -> None:
    for row in rows:
        if isinstance(row, Kept):
            connection.execute(sql.PUT_STATE, {"name": row.name, "data": row.data, "expires": row.expires})
            continue
        fields = {name: getattr(row, name) for name in row.__struct_fields__}
        connection.execute(sql.PUT_TURN, fields)
        if row.previous is not None:
            touched = {"tenant": row.tenant, "id": row.previous, "until": row.expires, "floor": row.expires - _DAY}
            connection.execute(sql.TOUCH_CHAIN, touched)


def _in_order(head: list[Turn], wanted: str | None, elders: dict[str, Turn]) -> list[Turn] | None:
    """A whole chain, from its beginning. `head` runs back from its end to the turn behind `wanted`, the others are in
    `elders`. None when one was deleted or has expired.
    """
    chain = list(head)
    while wanted is not None:
        turn = elders.pop(wanted, None)
        if turn is None:
            return None
        chain.append(turn)
        wanted = turn.previous
    chain.reverse()
    return chain


def _connect(path: str, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(path: str, patience: float) -> None:
    """Makes the file, or brings it to the schema of this release, in a process whose memory is not kept."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it holds secrets; SQLite's other files follow it
    connection = _connect(path, patience)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        if _version(connection) == sql.HEAD:
            return
    finally:
        connection.close()
    command = [sys.executable, "-m", "twoapi.store.migrate", f"sqlite:///{path}"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  our own module
    if ended.returncode:
        reason = ended.stderr.strip().rpartition("\n")[2]
        raise StoreError(f"{path} cannot be brought to the schema of this release: {reason}")


def _version(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute(sql.GET_VERSION).fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        return None
    return None if row is None else row[0]
