"""The results as a table for a terminal, and as a page for people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from twoapi.conformance.protocols import NAMES, TITLES
from twoapi.conformance.scenes import MODES, SCENES
from twoapi.conformance.verdict import VERDICTS, Cell, Record, Verdict, share, total

_FEATURES = tuple(dict.fromkeys(scene.feature for scene in SCENES))
_OURS = "twoapi"
_INTRO = """\
# Compatibility

How gateways carry requests and answers between the four protocols, measured from outside by `twoapi conformance`: its
own clients, its own upstreams, one leaf after the other, whole and streamed. This page is made from the files in
`data/conformance/` by `twoapi conformance --report docs/data/conformance`; it is never typed.

**right**: there, at its place. **declared**: lost or changed, and reported with its place in the answer.
**refused**: a clear 4xx in the client's format, for what not all four protocols have. **silent**: lost without a word.
**wrong**: corrupt, not legal in its protocol, a 5xx, a hang, or a normal end of an answer that had none. The share is
the part that is right, declared or refused.
"""


def rows(record: Record) -> list[list[str]]:
    """A line per pair, for a terminal."""
    told = [["client", "upstream", "share", *VERDICTS]]
    for client, upstream in _pairs(record):
        if (client, upstream) in record.absent:
            told.append([client, upstream, "not offered", *("" for _ in VERDICTS)])
            continue
        counts = total(_of(record, client, upstream))
        told.append([client, upstream, percent(counts), *(str(counts[one]) for one in VERDICTS)])
    counts = total(record.cells)
    return [*told, ["all", "", percent(counts), *(str(counts[one]) for one in VERDICTS)]]


def page(records: Sequence[Record]) -> str:
    """The page: all gateways, then each by pairs and by features, and what ours does not carry as it was."""
    ordered = sorted(records, key=lambda one: (one.gateway != _OURS, one.gateway))
    lines = [_INTRO, *_summary(ordered)]
    for one in ordered:
        lines += _gateway(one)
        lines += _losses(one) if one.gateway == _OURS else []
    return "\n".join(lines).rstrip() + "\n"


def percent(counts: Counter[Verdict]) -> str:
    """The share, cut, so that only all is 100 %."""
    return f"{int(share(counts) * 1000) / 10:g} %"


def _summary(records: Sequence[Record]) -> Iterator[str]:
    yield "| gateway | pairs | modes | share | " + " | ".join(VERDICTS) + " | measured |"
    yield "|---|---|---|---|" + "---|" * len(VERDICTS) + "---|"
    for one in records:
        counts = total(one.cells)
        pairs = len({(cell.client, cell.upstream) for cell in one.cells})
        numbers = " | ".join(str(counts[verdict]) for verdict in VERDICTS)
        modes = ", ".join(mode for mode in MODES if any(cell.mode == mode for cell in one.cells))
        yield f"| {one.gateway} {one.version} | {pairs} | {modes} | {percent(counts)} | {numbers} | {one.date} |"
    yield ""


def _gateway(record: Record) -> Iterator[str]:
    yield f"## {record.gateway} {record.version}"
    yield ""
    if record.note:
        yield record.note
        yield ""
    yield "Share, and how many leaves are lost in silence or wrong, by client (down) and upstream (across):"
    yield ""
    yield "| | " + " | ".join(TITLES[name] for name in NAMES) + " |"
    yield "|---|" + "---|" * len(NAMES)
    for client in NAMES:
        yield f"| **{TITLES[client]}** | " + " | ".join(_square(record, client, upstream) for upstream in NAMES) + " |"
    yield ""
    yield "By feature, all pairs:"
    yield ""
    yield "| feature | share | " + " | ".join(VERDICTS) + " |"
    yield "|---|---|" + "---|" * len(VERDICTS)
    for feature in _FEATURES:
        counts = total(cell for cell in record.cells if cell.feature == feature)
        if counts:
            yield f"| {feature} | {percent(counts)} | " + " | ".join(str(counts[one]) for one in VERDICTS) + " |"
    yield ""


def _square(record: Record, client: str, upstream: str) -> str:
    counts = total(_of(record, client, upstream))
    if not counts:
        return "not offered" if (client, upstream) in record.absent else "not measured"
    bad = ", ".join(f"{counts[one]} {one}" for one in ("silent", "wrong") if counts[one])
    return percent(counts) + (f": {bad}" if bad else "")


def _losses(record: Record) -> Iterator[str]:
    """Every leaf that is not right, with the pairs that have it."""
    pairs: dict[tuple[Verdict, str, str], list[tuple[str, str]]] = {}
    for cell in record.cells:
        for one in cell.found:
            seen = pairs.setdefault((one.verdict, one.scene, one.leaf), [])
            if (cell.client, cell.upstream) not in seen:
                seen.append((cell.client, cell.upstream))
    if not pairs:
        return
    yield "Every leaf that is not right, and from which client to which upstream:"
    yield ""
    yield "| verdict | scene | leaf | pairs |"
    yield "|---|---|---|---|"
    for (verdict, scene, leaf), seen in sorted(pairs.items(), key=lambda item: VERDICTS.index(item[0][0])):
        ways = "; ".join(f"{TITLES[client]} to {TITLES[upstream]}" for client, upstream in seen)
        yield f"| {verdict} | {scene} | {leaf} | {ways} |"
    yield ""


def _pairs(record: Record) -> list[tuple[str, str]]:
    known = {(cell.client, cell.upstream) for cell in record.cells} | set(record.absent)
    return sorted(known, key=lambda pair: (NAMES.index(pair[0]), NAMES.index(pair[1])))


def _of(record: Record, client: str, upstream: str) -> Iterable[Cell]:
    return (cell for cell in record.cells if (cell.client, cell.upstream) == (client, upstream))
