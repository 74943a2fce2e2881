"""Processes that are pinned to a core: start them, read what they cost, end them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLOCK_OF_A_PROCESS = 2  # CPUCLOCK_SCHED: utime + stime of all threads, in nanoseconds


def start(command: list[str], core: int, log: Path) -> "subprocess.Popen[bytes]":
    """A process that runs on one core and writes its output to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # to be ended as a whole; a session of its own would make `nice` void
        )


def run(command: list[str], core: int, environment: Mapping[str, str] | None = None) -> str:
    """The standard output of a command that runs on one core."""
    ended = subprocess.run(
        ["taskset", "-c", str(core), *command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{command[0]} ended with {ended.returncode}: {ended.stderr.strip()[-400:]}")
    return ended.stdout


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our own modules."""
    return [sys.executable, "-m", module, *arguments]


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its children; kills what has not gone after 5 seconds."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants.

    The CPU clock of a process is utime + stime without their rounding to ticks of 10 ms.
    """
    return clock_seconds(clocks(pid))


def clocks(pid: int) -> list[int]:
    """The CPU clocks of a process and its living descendants."""
    return [(~one << 3) | CLOCK_OF_A_PROCESS for one in family(pid)]


def clock_seconds(found: list[int]) -> float:
    """What the clocks say together; one whose process has ended says nothing."""
    total = 0.0
    for clock in found:
        with contextlib.suppress(OSError):
            total += time.clock_gettime(clock)
    return total


def core_seconds(core: int) -> float:
    """How long a core has been busy, with whatever: user, nice, system, interrupts, and time stolen by the host."""
    for line in Path("/proc/stat").read_text("ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, ticks[:8])
            return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
    raise OSError(f"there is no core {core}")


def pss_megabytes(pid: int) -> float:
    """Proportional set size of a process and its living descendants."""
    kilobytes = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text("ascii").splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
