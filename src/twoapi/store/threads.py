"""A thread with a database connection of its own: work goes in, futures come out."""

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

from twoapi.store.port import StoreError

T = TypeVar("T")

_log = logging.getLogger("twoapi.store")
_BATCH = 256  # jobs in one transaction at most
_SWEEP = 900.0  # seconds between two sweeps


class _Job:
    """Work for one of the threads, and whom to tell."""

    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], object], future: "Future[object]") -> None:
        self.work = work
        self.future = future


class DatabaseThread:
    """Does what it is given, in order. With a `sweep` it writes: jobs that wait share one transaction, and `sweep` runs
    every now and then. The thread starts with the first job.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        sweep: Callable[[sqlite3.Connection], None] | None = None,
    ) -> None:
        self._name = name
        self._connect = connect
        self._sweep = sweep
        self._next_sweep = 0.0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._starting = Lock()
        self._connection: sqlite3.Connection | None = None

    def do(self, work: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Queues work; its result, or a StoreError, comes with the future."""
        future: Future[T] = Future()
        self._jobs.put(_Job(work, future))  # type: ignore[arg-type]  # a future of whatever the work returns
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return future

    def close(self) -> None:
        """Does what waits, then ends."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            jobs = self._wait()
            goes_on = None not in jobs
            self._serve([job for job in jobs if job is not None])
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait(self) -> list[_Job | None]:
        """The next jobs; [] when it is time to sweep."""
        try:
            jobs = [self._jobs.get(timeout=None if self._sweep is None else _SWEEP)]
        except Empty:
            return []
        with contextlib.suppress(Empty):
            while len(jobs) < _BATCH and jobs[-1] is not None:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _serve(self, jobs: list[_Job]) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            done = (_read if self._sweep is None else _transact)(self._connection, jobs)
        except (sqlite3.OperationalError, StoreError, OSError) as error:
            self._fail(jobs, error)
            return
        except Exception as error:  # noqa: BLE001  the thread must live on, and whoever waits must be told
            if len(jobs) == 1:
                self._fail(jobs, error)
                return
            for job in jobs:  # one of them cannot be done; the others can
                self._serve([job])
            return
        for job, result in zip(jobs, done, strict=True):
            with contextlib.suppress(InvalidStateError):  # nobody waits any more
                job.future.set_result(result)
        self._sweep_in_time(self._connection)

    def _sweep_in_time(self, connection: sqlite3.Connection) -> None:
        now = time.monotonic()
        if self._sweep is not None and now >= self._next_sweep:
            self._next_sweep = now + _SWEEP
            with contextlib.suppress(sqlite3.Error):  # the next one may go better
                _transact(connection, [_Job(self._sweep, Future())])

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        """Tells that it cannot be done, and begins anew with the next job."""
        _log.warning("the store failed: %s", error)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        for job in jobs:
            with contextlib.suppress(InvalidStateError):
                job.future.set_exception(StoreError(str(error)))


def _read(connection: sqlite3.Connection, jobs: list[_Job]) -> list[object]:
    return [job.work(connection) for job in jobs]


def _transact(connection: sqlite3.Connection, jobs: list[_Job]) -> list[object]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = [job.work(connection) for job in jobs]
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return done
