"""The judge: what one exchange says of each leaf of its scene."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from twoapi.conformance.answer import Answer
from twoapi.conformance.asked import all_texts
from twoapi.conformance.client import Exchange
from twoapi.conformance.hear import LISTENERS
from twoapi.conformance.places import Mark, covers, places
from twoapi.conformance.reply import Fault
from twoapi.conformance.scenes import ALTERED, Hear, Sight, Want
from twoapi.conformance.vendor import Arrival, Vendor
from twoapi.conformance.verdict import Verdict

Json = Any  # a parsed JSON document

# A leaf's name, what is said of it, and what was found instead.
Finding = tuple[str, Verdict, str]

UNREADABLE = (LookupError, TypeError, AttributeError, ValueError, msgspec.MsgspecError)
_MAX_NOTE = 240


def legal(vendor: Vendor, arrival: Arrival) -> Finding:
    """Whether the vendor would take the request, by its documented rules."""
    problems = [f"{pointer or '/'}: {reason}" for pointer, reason in vendor.refuses(arrival)]
    return ("the upstream takes the request", "wrong" if problems else "right", _joined(problems))


def request_findings(
    vendor: Vendor, arrival: Arrival, wants: list[Want], body: Json, report: list[str]
) -> Iterator[Finding]:
    """What of the client's `body` reached the upstream."""
    try:
        asked = vendor.read(arrival.body)
        asked.raw = all_texts(arrival.body)
    except UNREADABLE as error:
        yield from ((want.name, "wrong", f"the request cannot be read: {error!r}") for want in wants)
        return
    for want in wants:
        yield _found(want.name, partial(want.see, asked), declared=_declared(body, want.at, report))


def hear(client: str, exchange: Exchange, *, stream: bool) -> Answer:
    """The answer as the client reads it; one that it cannot read has a problem and nothing else."""
    listener = LISTENERS[client]
    kind = exchange.headers.get("content-type", "")
    try:
        if not stream:
            return listener.whole(msgspec.json.decode(exchange.body))
        answer = listener.stream(exchange.body)
    except UNREADABLE as error:
        return Answer(problems=[f"the answer cannot be read: {error!r}"])
    if not kind.startswith("text/event-stream"):
        answer.problems.append(f"content-type {kind!r} of a stream")
    return answer


def answer_findings(
    client: str, answer: Answer, hears: list[Hear], said: list[Json], report: list[str]
) -> Iterator[Finding]:
    """What of the upstream's answer reached the client; `said` is that answer, whole or by its events."""
    yield ("the answer is legal", "wrong" if answer.problems else "right", _joined(answer.problems))
    if not answer.ended:
        yield ("the answer ends", "wrong", answer.error or "it does not")
    for one in hears:
        declared = any(_declared(event, one.at, report) for event in said)
        yield _found(one.name, partial(one.see, answer, client), declared=declared)


def refusal(client: str, exchange: Exchange) -> str | None:
    """The message of an error in the client's format; None when it is not in that."""
    try:
        return LISTENERS[client].refusal(msgspec.json.decode(exchange.body), exchange.status)
    except UNREADABLE:
        return None


def fault_findings(client: str, exchange: Exchange, fault: Fault, *, stream: bool) -> Iterator[Finding]:
    """What the client learns of a failure."""
    if exchange.status >= 400 or (fault.where == "before" and not stream):
        yield from _http_error(client, exchange, fault)
        return
    if not stream:
        broken = bool(exchange.broken)
        yield ("an error is told", "right" if broken else "wrong", "" if broken else f"status {exchange.status}")
        return
    answer = hear(client, exchange, stream=True)
    told = answer.error is not None or (fault.where != "within" and bool(exchange.broken))
    normal = "it ends normally" if answer.ended else "it just stops"
    yield ("an error is told", "right" if told and not answer.ended else "wrong", "" if told else normal)
    if fault.where == "before":
        yield ("status", "wrong", f"it is {exchange.status}")
    if fault.message:
        kept = fault.message in (answer.error or "")
        yield ("message", "right" if kept else "silent", "" if kept else f"it is {answer.error!r}")


def _http_error(client: str, exchange: Exchange, fault: Fault) -> Iterator[Finding]:
    if exchange.broken:
        yield ("an error is told", "wrong", exchange.broken)
        return
    message = refusal(client, exchange)
    legal = message is not None and exchange.status >= 400
    found = f"{exchange.status} {exchange.body[:120].decode('utf-8', 'replace')}"
    yield ("an error is told", "right" if legal else "wrong", "" if legal else found)
    if fault.where != "before":
        return
    same = exchange.status == fault.status or (fault.status not in (400, 429) and exchange.status >= 500)
    yield ("status", "right" if same else "wrong", "" if same else f"it is {exchange.status}")
    if fault.status in (400, 429):
        kept = fault.message in (message or "")
        yield ("message", "right" if kept else "silent", "" if kept else f"it is {message!r}")
    if fault.retry_after:
        after = exchange.headers.get("retry-after") or (
            "7" if b'"retryDelay":"7' in exchange.body.replace(b" ", b"") else ""
        )
        kept = after == fault.retry_after
        yield ("retry-after", "right" if kept else "silent", "" if kept else f"it is {after!r}")


def applies(body: Json, marks: tuple[Mark, ...]) -> bool:
    """Whether a leaf is in this body."""
    return not marks or any(places(body, mark) for mark in marks)


def _declared(body: Json, marks: tuple[Mark, ...], report: list[str]) -> bool:
    if not report:
        return False
    return any(covers(path, place) for mark in marks for place in places(body, mark) for path in report)


def _found(name: str, see: Callable[[], Sight], *, declared: bool) -> Finding:
    try:
        sight = see()
    except UNREADABLE as error:
        sight = f"it cannot be read: {error!r}"
    if sight is True:
        return (name, "right", "")
    note = sight[:_MAX_NOTE] if isinstance(sight, str) else ""
    if declared:
        return (name, "declared", note)
    return (name, "wrong" if note and not note.startswith(ALTERED) else "silent", note)


def _joined(problems: list[str]) -> str:
    return "; ".join(dict.fromkeys(problems))[:_MAX_NOTE]
