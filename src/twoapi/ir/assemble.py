"""Events to Response (fold) and Response to events (unfold)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from twoapi.ir.events import (
    Attach,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    PartEnd,
    PartStart,
    Start,
    UsageUpdate,
)
from twoapi.ir.parts import Base64, Citation, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, plain
from twoapi.ir.response import Candidate, Response


class Assembler:
    """Folds a stream of events into the Response that the same answer would have been without streaming."""

    __slots__ = ("_bodies", "_candidates", "response")

    def __init__(self) -> None:
        self.response = Response(protocol="", id="", model="", candidates=[])
        self._candidates: dict[int, Candidate] = {}
        self._bodies: dict[tuple[int, int, str], list[str]] = {}

    def feed(self, event: Event) -> None:
        """Take one event. KeepAlive changes nothing."""
        take = _TAKE.get(type(event))
        if take is not None:
            take(self, event)

    def _delta(self, event: Delta) -> None:
        self._bodies.setdefault((event.candidate, event.part, event.field), []).append(event.text)

    def _part_start(self, event: PartStart) -> None:
        self._candidate(event.candidate).parts.append(msgspec.structs.replace(event.header))

    def _part_end(self, event: PartEnd) -> None:
        if event.final is not None:
            self._replace(event.candidate, event.part, event.final)

    def _attach(self, event: Attach) -> None:
        _attach(self._candidate(event.candidate).parts[event.part], event)

    def _start(self, event: Start) -> None:
        response = self.response
        response.id, response.model, response.created = event.id, event.model, event.created
        response.tier, response.fingerprint = event.tier, event.fingerprint
        response.protocol = event.protocol
        response.usage = event.usage
        response.echo = event.echo

    def _usage(self, event: UsageUpdate) -> None:
        self.response.usage = event.usage

    def _finish(self, event: Finish) -> None:
        self._candidate(event.candidate).stop = event.stop

    def _end(self, event: End) -> None:
        self.response.extras = dict(event.extras)

    def _failed(self, event: Failed) -> None:
        self.response.fault = event.fault

    def close(self) -> Response:
        """The Response as far as it was told."""
        for (candidate, part, field), pieces in self._bodies.items():
            _fill(self._candidates[candidate].parts[part], field, "".join(pieces))
        self._bodies.clear()
        self.response.candidates = [self._candidates[i] for i in sorted(self._candidates)]
        return self.response

    def _candidate(self, index: int) -> Candidate:
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = Candidate(index, [])
        return found

    def _replace(self, candidate: int, part: int, final: Part) -> None:
        for field in ("body", "data", "transcript"):
            self._bodies.pop((candidate, part, field), None)
        self._candidates[candidate].parts[part] = final


_TAKE: dict[type, Callable[[Assembler, Any], None]] = {
    Delta: Assembler._delta,  # noqa: SLF001  the table belongs to the class
    PartStart: Assembler._part_start,  # noqa: SLF001
    PartEnd: Assembler._part_end,  # noqa: SLF001
    Attach: Assembler._attach,  # noqa: SLF001
    Start: Assembler._start,  # noqa: SLF001
    UsageUpdate: Assembler._usage,  # noqa: SLF001
    Finish: Assembler._finish,  # noqa: SLF001
    End: Assembler._end,  # noqa: SLF001
    Failed: Assembler._failed,  # noqa: SLF001
}


def fold(events: Iterable[Event]) -> Response:
    """The Response that a list of events amounts to."""
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.close()


def unfold(response: Response) -> Iterator[Event]:
    """The shortest legal list of events that folds to this Response."""
    yield Start(
        id=response.id,
        model=response.model,
        created=response.created,
        usage=response.usage,
        tier=response.tier,
        fingerprint=response.fingerprint,
        protocol=response.protocol,
        echo=response.echo,
    )
    for candidate in response.candidates:
        for number, part in enumerate(candidate.parts):
            yield from _unfold_part(candidate.index, number, part)
        if candidate.stop is not None:
            yield Finish(candidate.index, candidate.stop)
    if response.fault is not None:
        yield Failed(response.fault)
        return
    yield End(dict(response.extras))


def _unfold_part(candidate: int, number: int, part: Part) -> Iterator[Event]:
    body = ""
    header: Part = msgspec.structs.replace(part)
    attached: list[object] = []
    if isinstance(header, ToolCall):
        body, header.arguments = header.arguments, ""
    elif isinstance(header, Text | Refusal | Reasoning):
        body, header.text = plain(header.text), ""
        if isinstance(header, Text):
            attached += header.citations
            header.citations = []
        if not isinstance(header, Reasoning) and header.logprobs is not None:
            attached.append(header.logprobs)
            header.logprobs = None
        attached += header.opaque
        header.opaque = ()
    yield PartStart(candidate, number, header)
    if body:
        yield Delta(candidate, number, body)
    for item in attached:
        yield Attach(candidate, number, item)  # type: ignore[arg-type]  # built from the three types above
    yield PartEnd(candidate, number)


def _attach(part: Part, event: Attach) -> None:
    item = event.item
    if isinstance(item, Opaque):
        part.opaque = (*part.opaque, item)
    elif isinstance(item, Citation):
        if isinstance(part, Text):
            part.citations = [*part.citations, item]
    elif isinstance(part, Text | Refusal):
        part.logprobs = [*(part.logprobs or ()), *item]


def _fill(part: Part, field: str, body: str) -> None:
    if isinstance(part, ToolCall):
        part.arguments += body
    elif isinstance(part, Text | Refusal | Reasoning):
        part.text = plain(part.text) + body
    elif isinstance(part, Media):
        if field == "transcript":
            part.transcript = (part.transcript or "") + body
        else:
            before = part.source.data if isinstance(part.source, Base64) else ""
            part.source = Base64(before + body)
