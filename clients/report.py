"""What the runner prints."""

from collections.abc import Iterable

from clients.run import Outcome
from clients.upstreams import UPSTREAMS


def line(outcome: Outcome) -> str:
    """One job, as soon as it is done."""
    word = "FAIL" if outcome.problems else "ok"
    about = f"{outcome.program:20} {outcome.upstream:18} {outcome.manner:7}"
    told = f"  {word:4}  {about} {outcome.seconds:5.1f} s  {outcome.exchanges} requests, {len(outcome.losses)} losses"
    state = ", state came back" if outcome.state else ""
    return "\n".join([told + state, *(f"        {problem}" for problem in outcome.problems)])


def table(outcomes: list[Outcome]) -> str:
    """Programs by upstreams; of several manners a cell says how many went well."""
    kinds = [kind for kind in UPSTREAMS if any(one.upstream == kind for one in outcomes)]
    names = list(dict.fromkeys(one.program for one in outcomes))
    rows = [f"{'program':20}" + "".join(f"{kind:>20}" for kind in kinds)]
    for name in names:
        cells = [[one for one in outcomes if (one.program, one.upstream) == (name, kind)] for kind in kinds]
        rows.append(f"{name:20}" + "".join(f"{_cell(cell):>20}" for cell in cells))
    return "\n".join(rows)


def _cell(outcomes: list[Outcome]) -> str:
    good = sum(not one.problems for one in outcomes)
    if len(outcomes) == 1:
        return "ok" if good else "FAIL"
    return f"{good} of {len(outcomes)}"


def summary(outcomes: list[Outcome]) -> str:
    """The last line: how many went well, and where the logs of the others lie."""
    failed = [one for one in outcomes if one.problems]
    told = f"{len(outcomes) - len(failed)} of {len(outcomes)} jobs went well"
    return "\n".join([told, *_folders(failed)])


def _folders(failed: Iterable[Outcome]) -> list[str]:
    return [f"  logs: {one.folder}" for one in failed]
