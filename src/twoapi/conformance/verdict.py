"""What is said of each leaf, and how a gateway's checks are counted and kept."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

Verdict = Literal["right", "declared", "refused", "silent", "wrong"]
# right: there, at its place. declared: lost or changed, and reported with its place. refused: a clear 4xx in the
# client's format, where not all four protocols have the feature. silent: lost without a report. wrong: corrupt, not
# legal in its protocol, a 5xx, a hang, or a normal end of an answer that had none.
VERDICTS: tuple[Verdict, ...] = ("right", "declared", "refused", "silent", "wrong")
GOOD: frozenset[Verdict] = frozenset({"right", "declared", "refused"})


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One leaf of one exchange. `note` says what was found instead."""

    client: str
    upstream: str
    feature: str
    scene: str
    mode: str
    leaf: str
    verdict: Verdict
    note: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of a gateway; `absent` are the pairs that it does not offer, `note` says how it was set up."""

    gateway: str
    version: str
    date: str
    note: str = ""
    absent: list[tuple[str, str]]
    checks: list[Check]


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A leaf that is not right."""

    verdict: Verdict
    scene: str
    leaf: str
    note: str = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A feature of a pair in a mode: how many leaves got which verdict, and each that is not right."""

    client: str
    upstream: str
    feature: str
    mode: str
    counts: dict[Verdict, int]
    found: list[Found] = []


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A result as it is kept in a file."""

    gateway: str
    version: str
    date: str
    note: str = ""
    absent: list[tuple[str, str]]
    cells: list[Cell]


def record(result: Result) -> Record:
    """The result by cells, in the order in which they were played."""
    grouped: dict[tuple[str, str, str, str], list[Check]] = {}
    for check in result.checks:
        grouped.setdefault((check.client, check.upstream, check.feature, check.mode), []).append(check)
    cells = [
        Cell(
            client=client,
            upstream=upstream,
            feature=feature,
            mode=mode,
            counts=dict(sorted(Counter(check.verdict for check in checks).items())),
            found=[
                Found(verdict=one.verdict, scene=one.scene, leaf=one.leaf, note=one.note)
                for one in checks
                if one.verdict != "right"
            ],
        )
        for (client, upstream, feature, mode), checks in grouped.items()
    ]
    return Record(
        gateway=result.gateway,
        version=result.version,
        date=result.date,
        note=result.note,
        absent=result.absent,
        cells=cells,
    )


def written(kept: Record) -> bytes:
    """The record as JSON, a cell a line, so that a difference between two can be read."""
    head = msgspec.json.encode(msgspec.structs.replace(kept, cells=[])).removesuffix(b"]}")
    return head + b"\n" + b",\n".join(map(msgspec.json.encode, kept.cells)) + b"\n]}\n"


def total(cells: Iterable[Cell]) -> Counter[Verdict]:
    """The verdicts of all these cells."""
    counts: Counter[Verdict] = Counter()
    for cell in cells:
        counts.update(cell.counts)
    return counts


def share(counts: Counter[Verdict]) -> float:
    """The part that is right, declared or refused, from 0 to 1; 1 of nothing."""
    return sum(counts[one] for one in GOOD) / (counts.total() or 1) if counts else 1.0
