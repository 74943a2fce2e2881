"""Items of a client's stream while they are open: what each event of theirs looks like."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from twoapi.ir import Citation, Opaque, Part, Reasoning, Refusal, Text, TokenLogprob, ToolCall
from twoapi.protocols.openai_responses.answer_items import Annotation, ItemEncoder, delta_logprobs
from twoapi.wire.json import encode
from twoapi.wire.sse import CR, LF

Wire = dict[str, object]


class Frames:
    """Writes events with one running number."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0

    def event(self, kind: str, members: Mapping[str, object]) -> bytes:
        """One event."""
        number, self.number = self.number, self.number + 1
        data = encode({"type": kind, "sequence_number": number, **members})
        if LF in data or CR in data:  # of verbatim values: between tokens they mean nothing
            data = data.replace(b"\r", b" ").replace(b"\n", b" ")
        return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


class OutPart:
    """A part on its way to the client, and what it has said so far."""

    __slots__ = (
        "begin",
        "cited",
        "end",
        "ended",
        "final",
        "header",
        "item",
        "pieces",
        "place",
        "state",
        "tokens",
        "waiting",
    )

    def __init__(self, header: Part) -> None:
        self.header = header
        self.item: OutItem | None = None  # until the part is on the wire
        self.place: Wire = {}  # the members that tell where it stands
        self.begin = b""  # of each delta's event, up to its text
        self.end = b""  # and behind its text, with a place for the number
        self.pieces: list[str] = []
        self.cited: list[Annotation] = []
        self.waiting: list[Citation] = []  # of a text whose length they need
        self.tokens: list[TokenLogprob] = []
        self.state: list[Opaque] = []
        self.ended = False
        self.final: Part | None = None

    def whole(self) -> Part:
        """The part as it is now: header, body, and what was attached."""
        header = self.header
        part = msgspec.structs.replace(header)
        body = self.text()
        if isinstance(part, ToolCall):
            part.arguments = body
            if isinstance(self.final, ToolCall):
                part.complete = self.final.complete
        elif isinstance(part, Text | Refusal | Reasoning):
            part.text = body
        part.opaque = (*part.opaque, *self.state)
        if self.final is not None:
            part.item = self.final.item
        return part

    def said(self) -> Any:  # noqa: ANN401  a part of the header's type
        """The same, without citations: the client has been told of each already."""
        whole = self.whole()
        if isinstance(whole, Text):
            whole.citations, whole.logprobs = [], self.tokens or None
        return whole

    def text(self) -> str:
        """All that has been said, with what the header said itself."""
        return "".join(self.pieces)


class OutItem:
    """An item on its way to the client."""

    __slots__ = ("counts", "done", "id", "index", "kind", "parts", "written")

    def __init__(self, index: int, kind: str, item_id: str) -> None:
        self.index = index
        self.kind = kind
        self.id = item_id
        self.parts: list[OutPart] = []
        self.counts: dict[str, int] = {}  # how many parts there are in each list of the item
        self.done = False
        self.written = Raw(b"null")  # the whole item, once it is done

    @property
    def ended(self) -> bool:
        """True when nothing more is said in any of its parts."""
        return all(part.ended for part in self.parts)

    def where(self) -> Wire:
        """The members that tell which item an event is about."""
        return {"item_id": self.id, "output_index": self.index}

    def place(self, member: str) -> Wire:
        """The same for the next part of one of the item's lists: "content_index" or "summary_index"."""
        number = self.counts.get(member, 0)
        self.counts[member] = number + 1
        return {"item_id": self.id, "output_index": self.index, member: number}


def item_beginning(maker: ItemEncoder, item: OutItem, header: Part) -> Wire:
    """An item before anything has been said in it."""
    begun: Wire = {"id": item.id, "type": item.kind}
    if item.kind == "message":
        begun |= {"status": "in_progress", "role": "assistant", "content": []}
        if maker.own and header.item is not None and header.item.phase:
            begun["phase"] = header.item.phase
    elif item.kind == "reasoning":
        begun["summary"] = []
    elif isinstance(header, ToolCall):
        name, namespace = maker.name(header)
        begun |= {"status": "in_progress", "call_id": maker.call_id(header), "name": name}
        begun["input" if item.kind == "custom_tool_call" else "arguments"] = ""
        if namespace is not None:
            begun["namespace"] = namespace
    return begun


_DELTAS = {
    "text": "response.output_text.delta",
    "refusal": "response.refusal.delta",
    "summary": "response.reasoning_summary_text.delta",
    "reasoning": "response.reasoning_text.delta",
    "function_call": "response.function_call_arguments.delta",
    "custom_tool_call": "response.custom_tool_call_input.delta",
}


def prepare_deltas(part: OutPart, kind: str) -> None:
    """Everything of a part's deltas but their text and number."""
    name = _DELTAS[kind]
    members = encode({"type": name, **part.place})[:-1]
    part.begin = b"event: " + name.encode() + b"\ndata: " + members + b',"delta":'
    part.end = (b',"logprobs":[]' if kind == "text" else b"") + b',"sequence_number":%d}\n\n'


def part_opening(frames: Frames, part: OutPart, kind: str) -> bytes:
    """The event that begins a part of a message or of reasoning."""
    if kind == "summary":
        members: Wire = {**part.place, "part": {"type": "summary_text", "text": ""}}
        return frames.event("response.reasoning_summary_part.added", members)
    opened: object = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    if kind == "refusal":
        opened = {"type": "refusal", "refusal": ""}
    elif kind == "reasoning":
        opened = {"type": "reasoning_text", "text": ""}
    return frames.event("response.content_part.added", {**part.place, "part": opened})


def part_ending(frames: Frames, part: OutPart, kind: str, text: str, whole: object) -> bytes:
    """The events that end a part; `whole` is the part as its item will have it."""
    place = part.place
    if kind == "summary":
        said = frames.event("response.reasoning_summary_text.done", {**place, "text": text})
        return said + frames.event("response.reasoning_summary_part.done", {**place, "part": whole})
    if kind == "text":
        said = frames.event(
            "response.output_text.done", {**place, "text": text, "logprobs": delta_logprobs(part.tokens)}
        )
    elif kind == "refusal":
        said = frames.event("response.refusal.done", {**place, "refusal": text})
    else:
        said = frames.event("response.reasoning_text.done", {**place, "text": text})
    return said + frames.event("response.content_part.done", {**place, "part": whole})


def call_ending(frames: Frames, part: OutPart, kind: str, name: str, text: str) -> bytes:
    """The event that repeats the whole body of a call."""
    if kind == "custom_tool_call":
        return frames.event("response.custom_tool_call_input.done", {**part.place, "input": text})
    return frames.event("response.function_call_arguments.done", {**part.place, "name": name, "arguments": text})


def annotation_event(frames: Frames, part: OutPart, found: Annotation | Raw) -> bytes:
    """The event of one annotation."""
    members: Wire = {**part.place, "annotation_index": len(part.cited), "annotation": found}
    part.cited.append(found)
    return frames.event("response.output_text.annotation.added", members)
