"""`./dev clients`: real programs do a scripted job through the gateway, offline, before every kind of upstream."""

import fnmatch
import sys
from dataclasses import asdict

import click
import msgspec

from clients.install import InstallError, install
from clients.manners import MANNERS
from clients.program import Program
from clients.programs import PROGRAMS
from clients.report import line, summary, table
from clients.run import UPSTREAMS, Outcome, run_job


@click.command(help=__doc__)
@click.option(
    "--program", "programs", multiple=True, help="A program, or a pattern such as 'openai-*'; all by default."
)
@click.option("--upstream", "upstreams", multiple=True, type=click.Choice(list(UPSTREAMS)), help="All four by default.")
@click.option(
    "--manner",
    "manners",
    multiple=True,
    type=click.Choice([*MANNERS, "all"]),
    default=["strict"],
    help="How the upstream behaves; 'strict' by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON instead of a table.")
@click.option("--keep", is_flag=True, help="Keep the logs of all jobs, not of those alone that failed.")
@click.option("--list", "listed", is_flag=True, help="Print what there is, and do nothing.")
def main(
    *,
    programs: tuple[str, ...],
    upstreams: tuple[str, ...],
    manners: tuple[str, ...],
    as_json: bool,
    keep: bool,
    listed: bool,
) -> None:
    """Run the jobs; exits with 1 when one failed, with 2 when nothing could be run."""
    chosen = _chosen(programs)
    kinds = [name for name in MANNERS if name in manners or "all" in manners]
    if listed:
        for program in chosen:
            print(f"{program.name:22} {program.protocol}")
        for manner in MANNERS.values():
            print(f"{manner.name:22} {manner.title}")
        return
    try:
        for room in dict.fromkeys(program.room for program in chosen):
            install(room)
    except InstallError as error:
        print(f"clients: {error}", file=sys.stderr)
        sys.exit(2)
    outcomes: list[Outcome] = []
    for program in chosen:
        for upstream in upstreams or UPSTREAMS:
            for kind in kinds:
                outcomes.append(run_job(program, upstream, MANNERS[kind], keep=keep))
                print(line(outcomes[-1]), file=sys.stderr, flush=True)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode([asdict(one) for one in outcomes])).decode())
    else:
        print(table(outcomes))
    print(summary(outcomes), file=sys.stderr)
    sys.exit(any(one.problems for one in outcomes))


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
