"""One measurement: put a load on one gateway and read what it cost."""

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from bench import processes
from bench.load import Outcome
from bench.mock_upstream import Stat
from bench.scenarios import Cell, Scenario
from bench.web import Answer, fetch
from bench.windows import COUNTS, EVENTS, REQUESTS, Windows, shared

SETTLE = 0.3  # seconds for streams to open fully, or to go away
MOST_CONNECTIONS = 0.05  # new upstream connections per request: more means that keep-alive is broken


class MeasureError(Exception):
    """The gateway did something that makes its figures worthless."""


class Target(msgspec.Struct, frozen=True):
    """A running gateway."""

    port: int
    pid: int  # 0 for the mock upstream itself, which is not measured


class Bench(msgspec.Struct, frozen=True):
    """Where measuring takes place, and for how long."""

    folder: Path
    gateway_core: int
    load_core: int
    mock: int
    seconds: int

    def mode(self, **settings: float) -> None:
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        fetch(self.mock, "GET", f"/_mode?{query}").checked()

    def stat(self) -> Stat:
        return msgspec.json.decode(fetch(self.mock, "GET", "/_stat").checked(), type=Stat)

    def last_request(self) -> bytes:
        return fetch(self.mock, "GET", "/_last").checked()

    def counter(self, scenario: Scenario) -> Callable[[], int]:
        """How many requests, or events of streams, the mock upstream has answered or sent, read without asking it."""
        counts, what = shared(self.folder / COUNTS), EVENTS if scenario.stream else REQUESTS
        return lambda: counts[what]

    def body_file(self, cell: Cell, scenario: Scenario) -> Path:
        size = "big" if scenario.big else "small"
        path = self.folder / f"{cell.route.name}-{size}-{'stream' if scenario.stream else 'whole'}.json"
        if not path.exists():
            path.write_bytes(cell.route.body(big=scenario.big, stream=scenario.stream))
        return path

    def ask(self, target: Target, cell: Cell, *, big: bool = False, stream: bool = False) -> Answer:
        body = cell.route.body(big=big, stream=stream)
        headers = {"Content-Type": "application/json", **cell.route.headers}
        return fetch(target.port, "POST", cell.route.path(stream=stream), body, headers)


def measure(bench: Bench, scenario: Scenario, cell: Cell, target: Target) -> dict[str, float]:
    """The values of one cell in one round."""
    bench.mode(words=scenario.words, gap=scenario.gap, delay=scenario.delay)
    kinds: Mapping[str, Callable[[Bench, Scenario, Cell, Target], dict[str, float]]] = {
        "closed": measure_closed,
        "paced": measure_paced,
        "rate": measure_rate,
        "held": measure_held,
    }
    return kinds[scenario.kind](bench, scenario, cell, target)


def measure_closed(bench: Bench, scenario: Scenario, cell: Cell, target: Target) -> dict[str, float]:
    """CPU per request, or per event of the upstream, requests per second, and who else used the core."""
    before, busy, cpu = bench.stat(), processes.core_seconds(bench.gateway_core), processes.cpu_seconds(target.pid)
    begin, windows = time.monotonic(), Windows()
    with windows.watch(target.pid, bench.counter(scenario)):
        outcome = closed_load(bench, scenario, cell, target)
    wall, cpu = time.monotonic() - begin, processes.cpu_seconds(target.pid) - cpu
    after, busy = bench.stat(), processes.core_seconds(bench.gateway_core) - busy
    check_load(outcome, cell)
    asked, opened = after.requests - before.requests, after.connections - before.connections
    if opened > scenario.count + MOST_CONNECTIONS * asked:
        raise MeasureError(f"{cell.label} opened {opened} connections for {asked} requests: keep-alive is broken")
    values = {
        "cpu_us": cpu / outcome.requests * 1e6,
        "per_second": outcome.requests / outcome.seconds,
        "others_percent": max(0.0, busy - cpu) / wall * 100,
        **windows.figures,
    }
    if scenario.stream:
        values["event_us"] = cpu / max(1, after.events - before.events) * 1e6
    return values


def measure_paced(bench: Bench, scenario: Scenario, cell: Cell, target: Target) -> dict[str, float]:
    """CPU per event while nothing but events passes."""
    seconds = bench.seconds * scenario.stretch
    load = start_streams(bench, scenario, cell, target, seconds + 4 * SETTLE)
    try:
        wait_for_streams(bench, scenario, cell)
        before, cpu, windows = bench.stat(), processes.cpu_seconds(target.pid), Windows()
        with windows.watch(target.pid, bench.counter(scenario)):
            time.sleep(seconds)
        cpu = processes.cpu_seconds(target.pid) - cpu
        sent = bench.stat().events - before.events
    finally:
        outcome = end_streams(bench, cell, load)
    if outcome.events < sent * 0.9:
        raise MeasureError(f"{cell.label} passed on {outcome.events} events of {sent}")
    return {"event_us": cpu / max(1, sent) * 1e6, **windows.figures}


def measure_held(bench: Bench, scenario: Scenario, cell: Cell, target: Target) -> dict[str, float]:
    """Growth of memory per open stream, in kB of 1000 bytes."""
    before = processes.pss_megabytes(target.pid)
    load = start_streams(bench, scenario, cell, target, 6 * SETTLE)
    try:
        wait_for_streams(bench, scenario, cell)
        grown = processes.pss_megabytes(target.pid) - before
    finally:
        end_streams(bench, cell, load)
    return {"stream_kb": grown * 1.048576e3 / scenario.count}


def measure_rate(bench: Bench, scenario: Scenario, cell: Cell, target: Target) -> dict[str, float]:
    """Latency of whole answers, or of a stream's first byte, in an open loop."""
    outcome = run_load(bench, scenario, cell, target, "rate", "--rate", str(scenario.rate))
    check_load(outcome, cell)
    if scenario.stream:
        return {"first_p50_us": outcome.first_p50, "first_p99_us": outcome.first_p99}
    return {"p50_us": outcome.p50, "p99_us": outcome.p99}


def closed_load(bench: Bench, scenario: Scenario, cell: Cell, target: Target) -> Outcome:
    """As many requests as go through, by wrk where it is installed."""
    if shutil.which("wrk") is None:
        return run_load(bench, scenario, cell, target, "closed", "--count", str(scenario.count))
    options = [
        "-t1",
        f"-c{scenario.count}",
        f"-d{bench.seconds * scenario.stretch}s",
        "--timeout",
        "30s",
        "-s",
        "bench/wrk.lua",
    ]
    environment = {
        "BODY": str(bench.body_file(cell, scenario)),
        "HEADERS": "|".join(f"{name}: {value}" for name, value in cell.route.headers.items()),
    }
    output = processes.run(["wrk", *options, url_of(scenario, cell, target)], bench.load_core, environment)
    return msgspec.json.decode(output.splitlines()[-1], type=Outcome)


def run_load(bench: Bench, scenario: Scenario, cell: Cell, target: Target, mode: str, *options: str) -> Outcome:
    """Our own load, until it ends."""
    command = load_command(bench, scenario, cell, target, mode)
    seconds = str(bench.seconds * scenario.stretch)
    output = processes.run([*command, "--seconds", seconds, *options], bench.load_core)
    return msgspec.json.decode(output, type=Outcome)


def load_command(bench: Bench, scenario: Scenario, cell: Cell, target: Target, mode: str) -> list[str]:
    options = ["--url", url_of(scenario, cell, target), "--body", str(bench.body_file(cell, scenario))]
    for name, value in cell.route.headers.items():
        options += ["--header", f"{name}: {value}"]
    return processes.python("bench.load", mode, *options)


def start_streams(
    bench: Bench, scenario: Scenario, cell: Cell, target: Target, seconds: float
) -> "subprocess.Popen[str]":
    """Our own load, holding streams open for a while."""
    command = load_command(bench, scenario, cell, target, "streams")
    options = ["--count", str(scenario.count), "--seconds", str(seconds)]
    pinned = ["taskset", "-c", str(bench.load_core), *command, *options]
    return subprocess.Popen(pinned, cwd=processes.ROOT, stdout=subprocess.PIPE, text=True)


def wait_for_streams(bench: Bench, scenario: Scenario, cell: Cell) -> None:
    """Return when all streams of the scenario are open."""
    for _ in range(100):
        if bench.stat().open >= scenario.count:
            time.sleep(SETTLE)
            return
        time.sleep(0.1)
    raise MeasureError(f"{cell.label}: only {bench.stat().open} of {scenario.count} streams opened")


def end_streams(bench: Bench, cell: Cell, load: "subprocess.Popen[str]") -> Outcome:
    """What the load saw; the gateway must let go of the upstream when its client has left."""
    output = load.communicate(timeout=60)[0]
    if not cell.gateway.lets_go:
        fetch(bench.mock, "GET", "/_drop").checked()
    for _ in range(50):
        if bench.stat().open == 0:
            break
        time.sleep(0.1)
    else:
        fetch(bench.mock, "GET", "/_drop").checked()
        raise MeasureError(f"{cell.label} keeps {bench.stat().open} upstream streams open after its clients have left")
    outcome = msgspec.json.decode(output, type=Outcome)
    check_load(outcome, cell)
    return outcome


def check_load(outcome: Outcome, cell: Cell) -> None:
    """Figures count only when every request was answered well."""
    if outcome.bad or not outcome.requests:
        raise MeasureError(f"{cell.label}: {outcome.bad} bad answers, {outcome.requests} good ones")


def url_of(scenario: Scenario, cell: Cell, target: Target) -> str:
    return f"http://127.0.0.1:{target.port}{cell.route.path(stream=scenario.stream)}"
