"""The items of an upstream's stream while they are open, and the parts that they become."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Attach,
    Delta,
    Event,
    Item,
    Part,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
)
from twoapi.protocols.openai_responses.items import decode_annotations, decode_logprobs
from twoapi.protocols.openai_responses.output import phase_of
from twoapi.protocols.openai_responses.schema_events import ItemHead, PartHead
from twoapi.wire import json
from twoapi.wire.errors import WireError

# The place of a part in its item: the list that it stands in, and its number there.
Place = tuple[str, int]
CALLS = ("function_call", "custom_tool_call")


class OpenPart:
    """A part that has begun. What has been said of it is counted, so that a repetition adds only what is new."""

    __slots__ = ("attached", "cited", "ended", "final", "header", "kind", "number", "said", "tokens")

    def __init__(self, number: int, header: Part) -> None:
        self.number = number
        self.header = header
        self.kind = type(header)
        self.final: Part | None = None  # as the part's own last event has it
        self.said = 0  # characters
        self.cited = 0
        self.tokens = False  # log probabilities have come
        self.attached = False  # sealed state has
        self.ended = False


class OpenItem:
    """An item that has begun."""

    __slots__ = ("call_id", "done", "held", "id", "index", "kind", "last", "parts", "phase")

    def __init__(self, index: int, kind: str, head: ItemHead | None = None) -> None:
        self.index = index
        self.kind = kind
        self.id = None if head is None else head.id
        self.call_id = None if head is None else head.call_id
        self.phase = None if head is None else head.phase
        self.parts: dict[Place, OpenPart] = {}
        self.last: OpenPart | None = None  # the only one that may be open
        self.held = False  # a call whose arguments wait for its end: they are another's free text
        self.done = False

    def mark(self) -> Item:
        """What the parts of this item have in common."""
        return Item(self.index, self.id, None, self.phase)


class PartWriter:
    """Turns what is said of items into events. Parts are numbered in the order in which they begin."""

    __slots__ = ("_next", "called", "events", "refused")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.called = False
        self.refused = False
        self._next = 0

    def taken(self) -> list[Event]:
        """The events since the last time."""
        events, self.events = self.events, []
        return events

    def open(self, item: OpenItem, place: Place, header: Part) -> OpenPart:
        """Begins a part; `header` has no body. The earlier texts of its message are complete then."""
        if item.last is not None:
            self.end(item.last)
        opened = item.last = item.parts[place] = OpenPart(self._next, header)
        self._next += 1
        if isinstance(header, ToolCall):
            self.called = True
        elif isinstance(header, Refusal):
            self.refused = True
        opened.attached = bool(header.opaque)
        self.events.append(PartStart(0, opened.number, header))
        return opened

    def open_text(self, item: OpenItem, place: Place, kind: type[Text | Refusal | Reasoning]) -> OpenPart:
        """Begins a part of a message or of reasoning."""
        mark = item.mark()
        header: Part
        if kind is Reasoning:
            form: Literal["summary", "full"] = "summary" if place[0] == "summary" else "full"
            header = Reasoning(form=form, at=f"/output/{item.index}", item=mark)
        else:
            header = kind(at=f"/output/{item.index}/content/{place[1]}", item=mark)
            if item.phase:
                header.opaque = (phase_of(item.phase),)
        return self.open(item, place, header)

    def say(self, opened: OpenPart, text: str) -> None:
        """More of the body."""
        if text and not opened.ended:
            opened.said += len(text)
            self.events.append(Delta(0, opened.number, text))

    def complete(self, opened: OpenPart, text: str) -> None:
        """The body as a whole: what of it has not been said."""
        if len(text) > opened.said:
            self.say(opened, text[opened.said :])

    def cite(self, opened: OpenPart, raw: Raw) -> None:
        """One annotation; one that cannot be read waits for the whole part."""
        if opened.ended:
            return
        try:
            citations = decode_annotations(Raw(b"[" + bytes(raw) + b"]"))
        except WireError:
            return
        opened.cited += 1
        self.events.append(Attach(0, opened.number, citations[0]))

    def weigh(self, opened: OpenPart, raw: Raw) -> None:
        """Log probabilities of a delta."""
        if opened.ended or json.is_null(raw) or len(raw) <= 2:
            return
        try:
            tokens = decode_logprobs(raw)
        except WireError:
            return
        self._weigh(opened, tokens)

    def _weigh(self, opened: OpenPart, tokens: list[TokenLogprob]) -> None:
        if tokens:
            opened.tokens = True
            self.events.append(Attach(0, opened.number, tokens))

    def finish(self, opened: OpenPart, head: PartHead) -> None:
        """A part as its own last event repeats it; it ends with its item, which may say more."""
        text = (head.refusal if opened.kind is Refusal else head.text) or ""
        self.complete(opened, text)
        header = opened.header
        if opened.ended or not isinstance(header, Text):
            return
        for raw in () if json.is_null(head.annotations) else json.items(head.annotations)[opened.cited :]:
            self.cite(opened, raw)
        tokens = None if json.is_null(head.logprobs) else decode_logprobs(head.logprobs) or None
        if not opened.tokens:
            self._weigh(opened, tokens or [])
        cited = [] if json.is_null(head.annotations) else decode_annotations(head.annotations)
        if len(text) >= opened.said:
            opened.final = msgspec.structs.replace(header, text=text, citations=cited, logprobs=tokens)

    def settle(self, opened: OpenPart, part: Part) -> None:
        """Ends a part that the wire has repeated whole: first what has not been said of it."""
        if opened.ended:
            return
        body = ""
        if isinstance(part, Text | Refusal | Reasoning):
            body = str(part.text)
        elif isinstance(part, ToolCall):
            body = part.arguments
        self.complete(opened, body)
        if isinstance(part, Text):
            for citation in part.citations[opened.cited :]:
                self.events.append(Attach(0, opened.number, citation))
            if not opened.tokens:
                self._weigh(opened, part.logprobs or [])
        if not opened.attached:
            self.seal(opened, part)
        # Some servers repeat an item without what they have said of it.
        self.end(opened, part if len(body) >= opened.said else None)

    def seal(self, opened: OpenPart, part: Part) -> None:
        """Attaches the sealed state of a whole part."""
        for opaque in part.opaque:
            opened.attached = True
            self.events.append(Attach(0, opened.number, opaque))

    def end(self, opened: OpenPart, final: Part | None = None) -> None:
        """Ends a part, once."""
        if not opened.ended:
            opened.ended = True
            self.events.append(PartEnd(0, opened.number, final or opened.final))

    def end_all(self, items: Iterable[OpenItem]) -> None:
        """Ends whatever is open."""
        for item in items:
            if item.last is not None:
                self.end(item.last)


def places(kind: str, parts: list[Part]) -> list[Place]:
    """Where each part of a whole item stands in it."""
    found: list[Place] = []
    counts: dict[str, int] = {}
    for part in parts:
        member = "content"
        if isinstance(part, Reasoning) and part.form != "full":
            member = "summary"
        elif kind in CALLS:
            member = "call"
        number = counts.get(member, 0)
        counts[member] = number + 1
        found.append((member, number))
    return found


def header_of(part: Part) -> Part:
    """A whole part as it begins: without its body and what is attached to it."""
    header: Part = msgspec.structs.replace(part)
    if isinstance(header, ToolCall):
        header.arguments = ""
    elif isinstance(header, Text | Refusal | Reasoning):
        header.text = ""
        if isinstance(header, Text):
            header.citations = []
        if not isinstance(header, Reasoning):
            header.logprobs = None
    return header
