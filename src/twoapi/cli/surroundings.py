"""What doctor looks at on this machine: Python, libraries, clock, port, open files."""

import errno
import importlib.metadata
import resource
import socket
import sys
import time
from collections.abc import Iterator
from typing import Literal

import msgspec

from twoapi.config.settings import Limits
from twoapi.config.values import Address

OTHER_FILES = 256  # that a process has open beside its connections
_OLDEST = (3, 11)
_REQUIRED = ("click", "httptools", "msgspec", "PyYAML", "uvicorn")
_EARLIEST = 1_790_000_000  # 2026-09: no clock that is right says less


class Finding(msgspec.Struct, frozen=True):
    """What doctor found at one place, and what to do about it."""

    check: str
    status: Literal["ok", "warn", "fail"]
    message: str
    mend: str = ""


def examine_python() -> Finding:
    """Whether this Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST:
        return Finding("python", "fail", version, "install Python 3.11 or newer")
    return Finding("python", "ok", version)


def examine_libraries() -> Iterator[Finding]:
    """Whether everything is installed; without uvloop it works, but slower."""
    found = {name: _version(name) for name in _REQUIRED}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        yield Finding(
            "libraries", "fail", f"missing: {', '.join(missing)}", "run `./dev setup`, or install twoapi anew"
        )
    else:
        yield Finding("libraries", "ok", ", ".join(f"{name} {version}" for name, version in found.items()))
    uvloop = _version("uvloop")
    if uvloop is None:
        yield Finding("uvloop", "warn", "not installed: every request costs more", "pip install uvloop")
    else:
        yield Finding("uvloop", "ok", uvloop)


def examine_clock() -> Finding:
    """Whether the clock can be right; certificates are judged by it."""
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < _EARLIEST:
        return Finding("clock", "fail", f"{shown} is in the past", "set the clock: certificates will seem invalid")
    return Finding("clock", "ok", shown)


def examine_port(address: Address) -> Finding:
    """Whether we could listen there now."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address.host, address.port))
            sock.listen(1)
        except OSError as error:
            return Finding("listen", *_unbindable(address, error))
    return Finding("listen", "ok", f"{address} is free")


def _unbindable(address: Address, error: OSError) -> tuple[Literal["warn", "fail"], str, str]:
    if error.errno == errno.EADDRINUSE:
        mend = "if that is not this gateway already running, end it or listen elsewhere: serve --listen HOST:PORT"
        return "warn", f"{address} is taken", mend
    return "fail", f"{address}: {error.strerror}", "choose another address with `listen`"


def examine_files(limits: Limits) -> Finding:
    """Whether as many connections can be open as the limits promise."""
    wanted = limits.connections + limits.streams + OTHER_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return Finding("open files", "ok", f"{wanted} are enough, {'unlimited' if hard < 0 else hard} may be open")
    return Finding(
        "open files",
        "warn",
        f"{hard} may be open; limits.connections and limits.streams may need {wanted}",
        f"raise the hard limit to {wanted} (`ulimit -Hn`, LimitNOFILE=), or lower the limits",
    )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
