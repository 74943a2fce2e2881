"""Starts a gateway as a child process, and waits until it answers."""

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

_LOOK_SECONDS = 0.2
_END_SECONDS = 10.0


@contextlib.contextmanager
def launched(command: str, base_url: str, patience: float) -> Iterator[None]:
    """The command runs within the block; raises TimeoutError when nothing answers at the base URL in time.

    It runs in a process group of its own, which is ended with the block. Its output is thrown away.
    """
    child = subprocess.Popen(  # noqa: S603  the operator's own command
        shlex.split(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + patience
        while not _answers(base_url):
            if child.poll() is not None:
                raise TimeoutError(f"the gateway ended with code {child.returncode}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing answers at {base_url} within {patience:g} s")
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        _end(child)


def _answers(base_url: str) -> bool:
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_END_SECONDS)
            return
