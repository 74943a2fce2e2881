"""`./dev bench`: twoapi against nginx and a plain Python proxy, on one core, on loopback, in one interleaved run."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from bench import fleet, instructions, processes, recording, report
from bench.gateways import DIRECT, GATEWAYS, Gateway
from bench.goals import judge
from bench.measure import Bench, MeasureError, Target, measure
from bench.results import Figure, Sample, figures_of
from bench.scenarios import SCENARIOS, Cell, Scenario

START = "start"
QUICK = ("start", "json", "burst", "paced", "big", "rate-4000")
BUSY = 0.5  # load average above which figures are noisy


class Plan(msgspec.Struct, frozen=True):
    """What one run does."""

    gateways: tuple[Gateway, ...]
    scenarios: tuple[str, ...]
    rounds: int
    seconds: int
    gateway_core: int
    load_core: int


class Run:
    """One run: what is up, and what has been measured."""

    def __init__(self, plan: Plan, bench: Bench) -> None:
        self.plan = plan
        self.bench = bench
        self.targets: dict[str, Target] = {}
        self.samples: list[Sample] = []
        self.problems: list[str] = []

    def start(self, processes_to_end: contextlib.ExitStack) -> None:
        """Start every gateway, as often as its start is timed, and check what it answers."""
        for gateway in self.plan.gateways:
            if gateway == DIRECT:
                self.targets[DIRECT.name] = Target(self.bench.mock, 0)
                continue
            if missing := gateway.missing():
                self.complain(missing)
                continue
            try:
                running = self.start_one(gateway)
            except OSError as error:
                self.complain(str(error))
                continue
            processes_to_end.callback(processes.stop, running.process)
            self.targets[gateway.name] = running.target
            self.warm_up(gateway, running)

    def start_one(self, gateway: Gateway) -> fleet.Running:
        """The last of several starts, each from nothing."""
        for number in range(min(3, self.plan.rounds) - 1):
            running = self.time_start(gateway, number + 1)
            processes.stop(running.process)
        return self.time_start(gateway, 0)

    def time_start(self, gateway: Gateway, number: int) -> fleet.Running:
        running = fleet.start_gateway(self.bench, gateway, self.plan.gateway_core)
        self.keep(START, gateway.name, number, {"first_answer_s": running.first_answer})
        return running

    def warm_up(self, gateway: Gateway, running: fleet.Running) -> None:
        """Check every way through a gateway, let it serve some requests of each kind, and weigh it."""
        for route in gateway.routes:
            cell = Cell(gateway, route)
            if fault := fleet.fault_in(self.bench, cell, running.target):
                self.complain(f"{cell.label}: {fault}")
                del self.targets[gateway.name]
                return
            for _ in range(50):
                self.bench.ask(running.target, cell, stream=True)
                self.bench.ask(running.target, cell)
        self.keep(START, gateway.name, 0, {"pss_mb": processes.pss_megabytes(running.target.pid)})
        say(f"{gateway.name}: first answer after {running.first_answer:.2f} s, answers are right")

    def measure(self) -> None:
        """Every scenario; each round visits each cell once, every other round in the opposite order."""
        for name in self.plan.scenarios:
            if name == START:
                continue
            scenario = SCENARIOS[name]
            cells = [cell for cell in scenario.cells if cell.gateway.name in self.targets]
            for number in range(max(1, int(self.plan.rounds * scenario.share))):
                for cell in cells if number % 2 == 0 else reversed(cells):
                    self.measure_cell(scenario, cell, number)
            show(name, figures_of(self.samples))

    def measure_cell(self, scenario: Scenario, cell: Cell, number: int) -> None:
        begin = time.monotonic()
        try:
            values = measure(self.bench, scenario, cell, self.targets[cell.gateway.name])
        except (MeasureError, RuntimeError, OSError, msgspec.MsgspecError) as error:
            self.complain(f"{scenario.name}: {cell.label}: {error}")
            return
        self.keep(scenario.name, cell.label, number, values)
        main = values[scenario.metric]
        say(f"{scenario.name} {number + 1}: {cell.label} {report.number(main)} ({time.monotonic() - begin:.1f} s)")

    def weigh(self) -> None:
        """The memory of every gateway after all that load."""
        for name, target in self.targets.items():
            if target.pid:
                self.keep(START, name, 0, {"pss_end_mb": processes.pss_megabytes(target.pid)})

    def keep(self, scenario: str, cell: str, number: int, values: dict[str, float]) -> None:
        self.samples.append(Sample(scenario, cell, number, values))

    def complain(self, problem: str) -> None:
        self.problems.append(problem)
        say(f"PROBLEM: {problem}")


@click.command(help=__doc__)
@click.option("-g", "--gateways", default=",".join(GATEWAYS), help="Which gateways.", show_default=True)
@click.option("-s", "--scenarios", default="", help=f"Which of: {START}, {', '.join(SCENARIOS)}. [default: all]")
@click.option(
    "-r", "--rounds", type=click.IntRange(1), help="Rounds; the slower scenarios take fewer.  [default: 9, quick 3]"
)
@click.option("-t", "--seconds", type=click.IntRange(1), default=1, help="Seconds of one measurement.  [default: 1]")
@click.option("--quick", is_flag=True, help=f"About 90 seconds: {', '.join(QUICK)}.")
@click.option("--gateway-core", default=1, show_default=True, help="The core of the gateway under test.")
@click.option("--load-core", default=0, show_default=True, help="The core of the load and the mock upstream.")
@click.option("--nice", default=0, show_default=True, help="Priority of everything; a negative one needs root.")
@click.option("--record", is_flag=True, help="Write bench/recorded.json: what later runs are compared with.")
@click.option("--report", "only_report", is_flag=True, help="Write the recorded figures into docs/performance.md.")
@click.option("--instructions", "only_count", is_flag=True, help="Count instructions instead: the same every time.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write all samples of this run.")
def main(  # noqa: PLR0913  one parameter per option
    *,
    gateways: str,
    scenarios: str,
    rounds: int | None,
    seconds: int,
    quick: bool,
    gateway_core: int,
    load_core: int,
    nice: int,
    record: bool,
    only_report: bool,
    only_count: bool,
    out: Path | None,
) -> None:
    if only_report:
        write_report()
        return
    if only_count:
        count_instructions(load_core)
        return
    everything = (START, *SCENARIOS)
    chosen = tuple(scenarios.split(",")) if scenarios else QUICK if quick else everything
    if unknown := (set(chosen) - set(everything)) | (set(gateways.split(",")) - set(GATEWAYS)):
        raise click.UsageError(f"unknown: {', '.join(sorted(unknown))}")
    plan = Plan(
        gateways=tuple(GATEWAYS[name] for name in gateways.split(",")),
        scenarios=chosen,
        rounds=rounds or (3 if quick else 9),
        seconds=seconds,
        gateway_core=gateway_core,
        load_core=load_core,
    )
    if record and (set(everything) - set(chosen) or set(GATEWAYS) - set(gateways.split(","))):
        raise click.UsageError("--record needs every gateway and every scenario")
    machine = recording.this_machine()
    explain(plan, machine)
    os.nice(nice)
    run = carry_out(plan)
    sys.exit(conclude(plan, run, machine, out=out, record=record))


def explain(plan: Plan, machine: recording.Machine) -> None:
    """Say what makes the figures of this run less good than they could be, or impossible."""
    if not Path("/proc/self/smaps_rollup").exists() or shutil.which("taskset") is None:
        raise click.ClickException("the benchmark needs Linux and taskset (Debian: util-linux)")
    cores = os.sched_getaffinity(0)
    if {plan.gateway_core, plan.load_core} - cores:
        raise click.ClickException(f"this machine has the cores {sorted(cores)}: see --gateway-core and --load-core")
    if plan.gateway_core == plan.load_core:
        say("gateway and load share a core: figures are rough")
    if shutil.which("wrk") is None:
        say("wrk is not installed (Debian: apt-get install wrk): our own, slower load takes its place")
    if machine.load_average > BUSY:
        say(f"the machine is busy (load average {machine.load_average}): figures are noisy, ratios less so")


def carry_out(plan: Plan) -> Run:
    """Start everything, measure, end everything."""
    os.sched_setaffinity(0, {plan.load_core})
    with run_folder() as folder, fleet.mock_upstream(folder, plan.load_core) as mock:
        run = Run(plan, Bench(folder, plan.gateway_core, plan.load_core, mock, plan.seconds))
        with contextlib.ExitStack() as processes_to_end:
            run.start(processes_to_end)
            run.measure()
            run.weigh()
    return run


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for configurations, bodies and logs."""
    with tempfile.TemporaryDirectory(prefix="twoapi-bench-") as name:
        yield Path(name)


def conclude(plan: Plan, run: Run, machine: recording.Machine, *, out: Path | None, record: bool) -> int:
    """Show the verdicts, write what was asked for; returns the exit code."""
    figures = figures_of(run.samples)
    earlier = recording.recorded()
    show(START, figures)
    verdicts = judge(figures, earlier.figures if earlier else [], set(plan.scenarios))
    if any(gateway.name == "twoapi" for gateway in plan.gateways) and verdicts:
        since = f" (drift since {earlier.date})" if earlier else ""
        click.echo(f"\n## Goals{since}\n{report.as_text(report.verdict_table(verdicts))}")
    else:
        verdicts = []
    for problem in run.problems:
        click.echo(f"PROBLEM: {problem}")
    if out:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(run.samples), indent=1))
    if record and not run.problems:
        recording.write(recording.new_recording(figures, machine, plan.rounds, plan.seconds))
        say(f"recorded in {recording.PATH.relative_to(processes.ROOT)}")
    return 1 if run.problems or not all(verdict.kept for verdict in verdicts) else 0


def count_instructions(core: int) -> None:
    """Show what a request costs where noise cannot reach."""
    if missing := instructions.missing():
        raise click.ClickException(missing)
    with run_folder() as folder:
        click.echo(instructions.table(folder, core))


def write_report() -> None:
    """Write the recorded figures into the document."""
    earlier = recording.recorded()
    if earlier is None:
        raise click.ClickException("nothing is recorded yet: run ./dev bench --record")
    verdicts = judge(earlier.figures, [], {START, *SCENARIOS})
    part = report.document_part(earlier, verdicts)
    report.DOCUMENT.write_text(report.with_figures(report.DOCUMENT.read_text("utf-8"), part), "utf-8")


def show(scenario: str, figures: list[Figure]) -> None:
    if rows := report.scenario_table(scenario, figures):
        click.echo(f"\n## {report.title_of(scenario)}\n{report.as_text(rows)}\n")


def say(text: str) -> None:
    click.echo(f"# {text}", err=True)


if __name__ == "__main__":
    main()
