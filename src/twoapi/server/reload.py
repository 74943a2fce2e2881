"""A changed configuration comes into force while the worker serves; a broken one is reported and changes nothing."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path

from twoapi.config import ConfigError, Settings
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.worker import Worker

_log = logging.getLogger("twoapi.reload")

# What only a new start brings into force.
_FIXED = ("listen", "store", "secret", "shared")

Stamp = tuple[int, ...] | None


def file_stamp(path: Path) -> Stamp:
    """Changes whenever the file does; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


class Reloader:
    """Watches the configuration of one worker.

    `read` gives the settings anew and may raise ConfigError; it runs in a thread. `stamp` tells cheaply whether they
    may have changed since `loaded`.
    """

    def __init__(self, worker: Worker, read: Callable[[], Settings], stamp: Callable[[], Stamp], loaded: Stamp) -> None:
        self._worker = worker
        self._read = read
        self._stamp = stamp
        self._loaded = loaded
        self._seen = loaded
        self._running: asyncio.Future[Snapshot] | None = None
        self._again = False

    def start(self) -> None:
        """Begins to watch, and to listen to SIGHUP; the worker's loop must be running."""
        self._worker.on_sweep.append(self.look)
        self._worker.loop.add_signal_handler(signal.SIGHUP, self.reload)

    def look(self, now: float) -> None:  # noqa: ARG002  the shape of a sweep's callback
        """Reloads when the file has changed and then held still from one look to the next: it may be half written."""
        stamp = self._stamp()
        settled = stamp == self._seen
        self._seen = stamp
        if settled and stamp != self._loaded:
            self.reload()

    def reload(self) -> None:
        """Reads the configuration now."""
        if self._running is not None:
            self._again = True
            return
        self._loaded = self._stamp()
        self._running = self._worker.loop.run_in_executor(None, self._compile)
        self._running.add_done_callback(self._compiled)

    def _compile(self) -> Snapshot:
        return Snapshot(self._read(), int(time.time()))

    def _compiled(self, done: asyncio.Future[Snapshot]) -> None:
        self._running = None
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._publish(done.result())
        elif isinstance(error, ConfigError):
            problems = "\n  ".join(map(str, error.problems))
            _log.error("the configuration was not reloaded, the one before stays in force:\n  %s", problems)
        else:
            _log.error("the configuration was not reloaded, the one before stays in force", exc_info=error)
        if self._again:
            self._again = False
            self.reload()

    def _publish(self, snapshot: Snapshot) -> None:
        before, after = self._worker.snapshot.settings, snapshot.settings
        if before == after:
            _log.info("the configuration was read again and says the same")
            return
        for name in _FIXED:
            if getattr(before, name) != getattr(after, name):
                _log.warning("a changed %s comes into force when twoapi is started again", name)
        self._worker.publish(snapshot)
        _log.info("the configuration was reloaded: %d upstreams, %d aliases", len(after.upstreams), len(after.models))
