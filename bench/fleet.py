"""The gateways of one run: started, timed, checked, ended."""

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench import processes
from bench.checks import fault_in_answer, fault_in_request
from bench.gateways import CLIENT_KEY, UPSTREAM_KEY, Gateway, Site
from bench.measure import Bench, Target
from bench.scenarios import Cell
from bench.web import fetch
from bench.windows import COUNTS

PATIENCE = 20.0  # seconds for a start
PAUSE = 0.002  # seconds between two tries to connect


class Running(msgspec.Struct, frozen=True):
    """A started gateway and the seconds to its first answer."""

    target: Target
    process: "subprocess.Popen[bytes]"
    first_answer: float


@contextlib.contextmanager
def mock_upstream(folder: Path, core: int) -> Iterator[int]:
    """The port of a mock upstream that runs as long as the block does."""
    port = processes.free_port()
    options = ("--port", str(port), "--counts", str(folder / COUNTS))
    process = processes.start(processes.python("bench.mock_upstream", *options), core, folder / "mock.log")
    try:
        end = time.monotonic() + PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end:
                raise OSError(f"the mock upstream did not start, see {folder / 'mock.log'}")
            time.sleep(PAUSE)
        yield port
    finally:
        processes.stop(process)


def set_pace(mock: int, gap: float) -> None:
    """From now on the mock upstream waits so many milliseconds between the events of a stream."""
    fetch(mock, "GET", f"/_mode?words=60&gap={gap}&delay=0").checked()


def start_gateway(bench: Bench, gateway: Gateway, core: int) -> Running:
    """Start a gateway; returns when it has answered a request."""
    port = processes.free_port()
    command = gateway.command(Site(bench.folder, bench.mock), port)
    log = bench.folder / f"{gateway.name}.log"
    begin = time.monotonic()
    process = processes.start(command, core, log)
    target = Target(port, process.pid)
    cell = Cell(gateway, gateway.routes[0])
    problem = "no answer"
    while time.monotonic() - begin < PATIENCE and process.poll() is None:
        try:
            answer = bench.ask(target, cell)
        except (OSError, http.client.HTTPException):
            time.sleep(PAUSE)
            continue
        if answer.status == 200:
            return Running(target, process, time.monotonic() - begin)
        problem = f"status {answer.status}: {answer.body[:300]!r}"
        time.sleep(PAUSE)
    processes.stop(process)
    last_words = log.read_text("utf-8", "replace").strip()[-600:]
    raise OSError(f"{gateway.name} did not start: {problem}\n{last_words}")


def fault_in(bench: Bench, cell: Cell, target: Target) -> str | None:
    """What is wrong with the way a gateway serves a cell, or None."""
    bench.mode(words=60, gap=0, delay=0)
    for big, stream in ((False, False), (False, True), (True, False)):
        answer = bench.ask(target, cell, big=big, stream=stream)
        if answer.status != 200:
            return f"status {answer.status}: {answer.body[:300]!r}"
        route = cell.route
        if fault := fault_in_answer(route.client, stream=stream, words=60, answer=answer.body):
            return fault
        if target.pid and (fault := _fault_in_upstream_request(bench, route.upstream, big=big)):
            return fault
    return None


def _fault_in_upstream_request(bench: Bench, protocol: str, *, big: bool) -> str | None:
    head, _, body = bench.last_request().partition(b"\r\n\r\n")
    if CLIENT_KEY.encode() in head or UPSTREAM_KEY.encode() not in head:
        return "the upstream did not get its own key, or got the client's"
    return fault_in_request(protocol, big=big, request=body)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/_stat")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
