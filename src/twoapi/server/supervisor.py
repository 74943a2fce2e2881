"""Several workers on one port: forked after import, each with a socket of its own, restarted when one dies."""

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

from twoapi.server.run import BACKLOG, listen

_log = logging.getLogger("twoapi.supervisor")
_RESTART_PAUSE = 0.5  # seconds; a worker that dies at once must not turn into a busy loop


class Supervisor:
    """Keeps `count` worker processes running until it is told to stop."""

    def __init__(self, host: str, port: int, count: int, work: Callable[[socket.socket], None]) -> None:
        self._work = work
        self._sockets = [listen(host, port, shared=True) for _ in range(count)]
        # A socket that listens but belongs to a dead worker would swallow connections: the parent holds each one
        # open, so they wait in its backlog until the next worker takes it over.
        for sock in self._sockets:
            sock.listen(BACKLOG)
        self._children: dict[int, int] = {}
        self._stopping = False

    def run(self, started: Callable[[], None]) -> int:
        """Serve until SIGTERM or SIGINT; `started` is called when all workers run and signals are obeyed.

        Returns 0 when every worker ended cleanly, else 1.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._forward)
        gc.collect()
        gc.freeze()
        for slot in range(len(self._sockets)):
            self._fork(slot)
        started()
        failed = False
        while self._children:
            try:
                pid, status = os.wait()
            except InterruptedError:
                continue
            except ChildProcessError:
                break
            if pid in self._children:
                failed |= self._ended(pid, status)
        return int(failed)

    def _ended(self, pid: int, status: int) -> bool:
        """A worker is gone: start it again, unless all are to go. True when it failed."""
        slot = self._children.pop(pid)
        if self._stopping:
            return status != 0
        _log.error("worker %d (pid %d) ended with status %d; starting it again", slot, pid, status)
        time.sleep(_RESTART_PAUSE)
        self._fork(slot)
        return False

    def _fork(self, slot: int) -> None:
        pid = os.fork()
        if pid:
            self._children[pid] = slot
            if self._stopping:
                os.kill(pid, signal.SIGTERM)
            return
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the worker listens to it
            for other, sock in enumerate(self._sockets):
                if other != slot:
                    sock.close()
            self._work(self._sockets[slot])
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001  the outermost frame of the process
            _log.exception("worker %d failed", slot)
        finally:
            os._exit(code)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  a signal handler's shape
        self._stopping = True
        # Connections that no worker has accepted yet are refused from here on.
        for sock in self._sockets:
            sock.close()
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)

    def _forward(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        for pid in self._children:
            os.kill(pid, number)
