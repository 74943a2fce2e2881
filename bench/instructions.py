"""How many instructions the gateway executes for a request: the same figure every time, however busy the machine is.

Of user code alone: the kernel's part, about the same for every gateway, and waiting for memory are not in it. So it
says which change made the gateway dearer, and by how much, but not how it compares with another one.
"""

import contextlib
import http.client
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench import fleet, processes, report
from bench.gateways import TWOAPI, Route, Site

PATIENCE = 120.0  # seconds for a start: everything takes fifty times as long
GAP = 12  # milliseconds between the events of a stream, so that each comes alone


class Kind(msgspec.Struct, frozen=True):
    """What is asked how often, before anything is counted and while it is."""

    title: str
    warm: int
    counted: int
    big: bool = False
    stream: bool = False


KINDS = (
    Kind("1.2 KB", 60, 200),
    Kind("216 KB", 20, 10, big=True),
    Kind("events one by one", 8, 4, stream=True),
)


class Counted(msgspec.Struct):
    """A gateway whose instructions are counted from outside."""

    process: "subprocess.Popen[bytes]"
    connection: http.client.HTTPConnection
    dumps: Path
    taken: int = 0

    def ask(self, route: Route, kind: Kind) -> None:
        body = route.body(big=kind.big, stream=kind.stream)
        headers = {"Content-Type": "application/json", **route.headers}
        self.connection.request("POST", route.path(stream=kind.stream), body, headers)
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{route.name}: status {answer.status}: {said[:300]!r}")

    def count(self, route: Route, kind: Kind) -> float:
        """Instructions of one request."""
        for _ in range(kind.warm):
            self.ask(route, kind)
        self.tell("--zero")
        self.tell("--instr=on")
        for _ in range(kind.counted):
            self.ask(route, kind)
        self.tell("--instr=off")
        self.tell("--dump")
        self.taken += 1
        return total(self.dumps.with_name(f"{self.dumps.name}.{self.taken}").read_text("ascii")) / kind.counted

    def tell(self, what: str) -> None:
        subprocess.run(["callgrind_control", what, str(self.process.pid)], check=True, capture_output=True)


def total(dump: str) -> int:
    """All instructions of a dump."""
    for line in reversed(dump.splitlines()):
        name, _, value = line.partition(": ")
        if name == "totals":
            return int(value)
    raise ValueError("the dump has no totals")


def missing() -> str:
    """What must be installed for this, or nothing."""
    return "" if shutil.which("callgrind_control") else "instructions are counted by valgrind (Debian: valgrind)"


@contextlib.contextmanager
def counted_gateway(folder: Path, mock: int, core: int) -> Iterator[Counted]:
    """The gateway under the counter, when it listens."""
    port, dumps = processes.free_port(), folder / "instructions"
    counter = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={dumps}"]
    process = processes.start([*counter, *TWOAPI.command(Site(folder, mock), port)], core, folder / "counted.log")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        end = time.monotonic() + PATIENCE
        while connection.sock is None:
            try:
                connection.connect()
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(fleet.PAUSE)
        yield Counted(process, connection, dumps)
        connection.close()
    finally:
        processes.stop(process)


def table(folder: Path, core: int) -> str:
    """Thousands of instructions for every way through the gateway, by what is asked."""
    with fleet.mock_upstream(folder, core) as mock, counted_gateway(folder, mock, core) as gateway:
        rows = [["thousand instructions", *(kind.title for kind in KINDS)]]
        for route in TWOAPI.routes:
            row = [f"twoapi {route.name}"]
            for kind in KINDS:
                fleet.set_pace(mock, GAP if kind.stream else 0)
                row.append(f"{gateway.count(route, kind) / 1000:,.0f}".replace(",", " "))
            rows.append(row)
    return report.as_text(rows)
