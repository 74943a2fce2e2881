"""What is kept of a run: a record in JSON, a job a line, from which the page is made."""

import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from clients.program import ROOT, Program
from clients.run import Outcome

_HERE = Path(__file__).parent


class Ran(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job: how many requests reached the gateway, what it told of losses, whether sealed state came back to the
    upstream, and what went wrong.
    """

    program: str
    upstream: str
    manner: str
    requests: int
    state: bool = False
    losses: list[str] = []
    problems: list[str] = []


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A run: on which commit of the project, on which day, with which packages, and all its jobs."""

    commit: str
    date: str
    packages: dict[str, str]
    jobs: list[Ran]


def record(outcomes: Iterable[Outcome], programs: Iterable[Program], commit: str) -> Record:
    """The outcomes of these programs, run on this commit."""
    return Record(
        commit=commit,
        date=datetime.now(UTC).date().isoformat(),
        packages=packages(programs),
        jobs=[
            Ran(
                program=one.program,
                upstream=one.upstream,
                manner=one.manner,
                requests=one.exchanges,
                state=one.state,
                losses=one.losses,
                problems=one.problems,
            )
            for one in outcomes
        ],
    )


def written(kept: Record) -> bytes:
    """The record as JSON, a job a line, so that a difference between two can be read."""
    head = msgspec.json.encode(msgspec.structs.replace(kept, jobs=[])).removesuffix(b"]}")
    return head + b"\n" + b",\n".join(map(msgspec.json.encode, kept.jobs)) + b"\n]}\n"


def load(file: Path) -> Record:
    """A record that was written."""
    return msgspec.json.decode(file.read_bytes(), type=Record)


def commit() -> str:
    """The commit that is checked out; `-dirty` follows it when files are changed, other than records like this."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)docs")
    return _git("rev-parse", "--short=7", "HEAD") + ("-dirty" if changed else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607


def packages(programs: Iterable[Program]) -> dict[str, str]:
    """The package and version of each program, by its room's lock: npm and PyPI have packages of one name."""
    known = {"node": dict(json.loads((_HERE / "package.json").read_text())["dependencies"])}
    for asked in sorted((_HERE / "requirements").glob("*.in")):
        known[asked.stem] = dict(line.split("==") for line in asked.read_text().split())
    return {one.name: f"{one.package} {known[one.room][one.package]}" for one in programs}
