"""`./dev clients`: real programs do a scripted job through the gateway, offline, before every kind of upstream."""

import fnmatch
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

import click
import msgspec

from clients.install import InstallError, install
from clients.manners import MANNERS
from clients.page import page
from clients.program import Program
from clients.programs import PROGRAMS
from clients.record import commit, load, record, written
from clients.report import line, summary, table
from clients.run import Outcome, run_job
from clients.upstreams import KINDS, UPSTREAMS


@click.command(help=__doc__)
@click.option(
    "--program", "programs", multiple=True, help="A program, or a pattern such as 'openai-*'; all by default."
)
@click.option(
    "--upstream",
    "upstreams",
    multiple=True,
    type=click.Choice(list(UPSTREAMS)),
    help="The four whose protocols clients speak by default.",
)
@click.option(
    "--manner",
    "manners",
    multiple=True,
    type=click.Choice([*MANNERS, "all"]),
    default=["strict"],
    help="How the upstream behaves; 'strict' by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON instead of a table.")
@click.option(
    "--record", "kept", type=click.Path(dir_okay=False, path_type=Path), help="Keep the outcomes in this file."
)
@click.option(
    "--report",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Print the page made from the records in this folder, and do nothing.",
)
@click.option("--keep", is_flag=True, help="Keep the logs of all jobs, not of those alone that failed.")
@click.option("--list", "listed", is_flag=True, help="Print what there is, and do nothing.")
def main(  # noqa: PLR0913  one for each option
    *,
    programs: tuple[str, ...],
    upstreams: tuple[str, ...],
    manners: tuple[str, ...],
    as_json: bool,
    kept: Path | None,
    folder: Path | None,
    keep: bool,
    listed: bool,
) -> None:
    """Run the jobs; exits with 1 when one failed, with 2 when nothing could be run."""
    chosen = _chosen(programs)
    kinds = [MANNERS[name] for name in MANNERS if name in manners or "all" in manners]
    if folder is not None:
        print(page([load(file) for file in sorted(folder.glob("*.json"))]), end="")
        return
    if listed:
        _list(chosen)
        return
    try:
        for room in dict.fromkeys(program.room for program in chosen):
            install(room)
    except InstallError as error:
        print(f"clients: {error}", file=sys.stderr)
        sys.exit(2)
    tree = "" if kept is None else commit()
    outcomes: list[Outcome] = []
    for program, upstream, kind in product(chosen, upstreams or KINDS, kinds):
        outcomes.append(run_job(program, upstream, kind, keep=keep))
        print(line(outcomes[-1]), file=sys.stderr, flush=True)
    if kept is not None:
        kept.write_bytes(written(record(outcomes, chosen, tree)))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode([asdict(one) for one in outcomes])).decode())
    else:
        print(table(outcomes))
    print(summary(outcomes), file=sys.stderr)
    sys.exit(any(one.problems for one in outcomes))


def _list(programs: list[Program]) -> None:
    for program in programs:
        print(f"{program.name:22} {program.protocol}")
    for name, service in UPSTREAMS.items():
        print(f"{name:22} {service.provider}/{service.model}")
    for manner in MANNERS.values():
        print(f"{manner.name:22} {manner.title}")


def _chosen(patterns: tuple[str, ...]) -> list[Program]:
    """The programs that a pattern names, in the order of the table. Exits when a pattern names none."""
    for pattern in patterns:
        if not any(fnmatch.fnmatch(program.name, pattern) for program in PROGRAMS):
            known = ", ".join(program.name for program in PROGRAMS)
            print(f"clients: no program is called {pattern!r}; there are {known}", file=sys.stderr)
            sys.exit(2)
    return [p for p in PROGRAMS if not patterns or any(fnmatch.fnmatch(p.name, pattern) for pattern in patterns)]


if __name__ == "__main__":
    main()
