"""Events to a client's stream: items in the order in which they begin, and a terminal event that holds everything."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Attach,
    Citation,
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    Loss,
    Opaque,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    ServerTool,
    Start,
    StopReason,
    Text,
    ToolCall,
    Unknown,
    Usage,
    UsageUpdate,
    plain,
)
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.answer_items import ItemEncoder, delta_logprobs, in_message, joins
from twoapi.protocols.openai_responses.encode_items import own_state
from twoapi.protocols.openai_responses.encode_response import (
    explained_refusal,
    failure_of,
    guessed_stop,
    report_fingerprint,
    with_extras,
)
from twoapi.protocols.openai_responses.faults import failed_error
from twoapi.protocols.openai_responses.name import NAME, broken
from twoapi.protocols.openai_responses.response_object import ResponseObject, encode_tier
from twoapi.protocols.openai_responses.status import CUT_OFF, encode_status
from twoapi.protocols.openai_responses.stream_frames import (
    Frames,
    OutItem,
    OutPart,
    Wire,
    annotation_event,
    call_ending,
    item_beginning,
    part_ending,
    part_opening,
    prepare_deltas,
)
from twoapi.protocols.openai_responses.usage import encode_usage
from twoapi.wire.json import encode
from twoapi.wire.sse import comment

KEEP_ALIVE = comment()
_Delta = Delta
_NO_PART = OutPart(Text())


class ResponsesStreamEncoder:
    """Encodes one streamed answer."""

    __slots__ = (
        "_context",
        "_done",
        "_frames",
        "_hot",
        "_hot_number",
        "_items",
        "_last",
        "_losses",
        "_maker",
        "_open",
        "_parts",
        "_shell",
        "_start",
        "_stop",
        "_usage",
    )

    def __init__(self, context: AnswerContext, losses: list[Loss]) -> None:
        self._context = context
        self._losses = losses
        self._frames = Frames()
        self._maker = ItemEncoder("", context, losses)
        self._start = Start(id="", model="")
        self._shell: ResponseObject | None = None  # once the stream has begun
        self._items: list[OutItem] = []
        self._open: list[OutItem] = []  # those that are not done
        self._parts: dict[int, OutPart] = {}
        self._last: OutPart | None = None  # the part that began last
        self._hot = _NO_PART  # what the last event was more of
        self._hot_number = -1
        self._stop: StopReason | None = None
        self._usage: Usage | None = None
        self._done = False

    def feed(self, events: list[Event]) -> bytes:
        """The bytes of these events."""
        if len(events) == 1:  # most often more of an open text
            event = events[0]
            if (
                type(event) is _Delta
                and event.part == self._hot_number
                and event.text
                and not event.candidate
                and event.field == "body"
            ):
                return self._say(self._hot, event.text)
        self._hot_number = -1
        encoders = self._encoders
        out = b"".join([encoders[type(event)](self, event) for event in events if not self._done])
        if self._done or type(events[-1] if events else None) is not _Delta:
            self._hot_number = -1
        return out

    def close(self) -> bytes:
        """The failed ending of a stream which nothing else ended."""
        return b"" if self._done else self._fail(broken("the answer broke off", code="stream_truncated"))

    def keep_alive(self) -> bytes:
        """A comment."""
        return b"" if self._done else KEEP_ALIVE

    # --- one method per event

    def _on_start(self, event: Start) -> bytes:
        if self._shell is not None:
            return b""
        self._start = event
        self._usage = event.usage
        self._maker = ItemEncoder(event.protocol, self._context, self._losses)
        return self._begun()

    def _begun(self) -> bytes:
        """The first two events, unless the stream has begun."""
        if self._shell is not None:
            return b""
        start = self._start
        shell = self._shell = ResponseObject(
            self._context,
            protocol=start.protocol,
            upstream_id=start.id,
            model=start.model,
            created=start.created,
            echo=start.echo,
        )
        report_fingerprint(start.fingerprint, self._losses)
        members: Wire = {"response": Raw(shell.body("in_progress", []))}
        event = self._frames.event
        return event("response.created", members) + event("response.in_progress", members)

    def _on_delta(self, event: Delta) -> bytes:
        if event.candidate:
            return self._skip(event.candidate)
        part = self._parts.get(event.part)
        text = event.text
        if part is None or part.ended or not text or event.field != "body":
            return b""
        opening = b""
        if part.item is None and type(part.header) is Reasoning:
            opening = self._open_reasoning(part)
        if part.begin:
            self._hot, self._hot_number = part, event.part
        return opening + self._say(part, text)

    def _say(self, part: OutPart, text: str) -> bytes:
        if not part.begin or not text:
            return b""
        part.pieces.append(text)
        frames = self._frames
        number = frames.number
        frames.number = number + 1
        return part.begin + encode(text) + part.end % number

    def _on_part_start(self, event: PartStart) -> bytes:
        if event.candidate:
            return self._skip(event.candidate)
        opening = self._begun()
        if event.part in self._parts:
            return opening
        before, header = self._last, event.header
        part = self._parts[event.part] = self._last = OutPart(header)
        if isinstance(header, Reasoning):
            if header.text or (self._maker.own and header.form != "hidden"):
                opening += self._open_reasoning(part, before)
                return opening + self._say(part, plain(header.text))
        elif in_message(header):
            opening += self._open_in_message(part, before)
            if isinstance(header, Text | Refusal):
                opening += self._say(part, plain(header.text))
        elif isinstance(header, ToolCall):
            opening += self._carry(part, header.opaque) + self._open_call(part, header)
            opening += self._say(part, header.arguments)
        else:
            opening += self._open_whole(part)
        return opening

    def _on_attach(self, event: Attach) -> bytes:
        if event.candidate:
            return self._skip(event.candidate)
        part = self._parts.get(event.part)
        if part is None or part.ended:
            return b""
        item = event.item
        if isinstance(item, Opaque):
            part.state.append(item)
            return b""
        if type(part.header) is not Text or part.item is None:
            self._maker.lose(part.header.at, "dropped", "citations and log probabilities of what is no text")
            return b""
        if isinstance(item, Citation):
            return self._cite(part, item)
        part.tokens += item
        members = {**part.place, "delta": "", "logprobs": delta_logprobs(item)}
        return self._frames.event("response.output_text.delta", members) if item else b""

    def _cite(self, part: OutPart, citation: Citation) -> bytes:
        """A citation of a span at once; one of the whole text, and all behind it, when the text is complete."""
        if part.waiting or ((citation.start is None or citation.end is None) and citation.raw is None):
            part.waiting.append(citation)
            return b""
        found = self._maker.annotation(citation, 0, part.header.at)
        return b"" if found is None else annotation_event(self._frames, part, found)

    def _on_part_end(self, event: PartEnd) -> bytes:
        if event.candidate:
            return self._skip(event.candidate)
        part = self._parts.get(event.part)
        if part is None or part.ended:
            return b""
        part.final = event.final
        return self._end_part(part)

    def _on_usage(self, event: UsageUpdate) -> bytes:
        self._usage = event.usage
        return b""

    def _on_finish(self, event: Finish) -> bytes:
        if event.candidate:
            return self._skip(event.candidate)
        self._stop = event.stop
        return b""

    def _on_end(self, event: End) -> bytes:
        out = self._begun()
        for part in self._parts.values():
            if not part.ended:
                out += self._end_part(part)
        parts = [part.header for part in self._parts.values()]
        stop = self._stop or guessed_stop(parts)
        protocol = self._start.protocol
        fault = failure_of(stop, protocol, said=bool(self._items))
        if fault is not None:
            return out + self._fail(fault)
        cut = stop.kind in CUT_OFF
        refusal = explained_refusal(stop, parts, protocol)
        out += self._close_items(cut=cut)
        if refusal is not None:
            part = OutPart(Refusal())
            out += self._open_in_message(part, None) + self._say(part, plain(refusal.text))
            out += self._end_part(part) + self._close_items(cut=False)
        status, details = encode_status(stop, protocol, self._losses)
        return out + self._terminal(status, event, details)

    def _terminal(self, status: str, end: End, details: object) -> bytes:
        shell, own = self._shell, self._start.protocol == NAME
        assert shell is not None  # noqa: S101  the stream has begun
        usage = encode_usage(self._usage, same=own, losses=self._losses)
        tier = encode_tier(self._start.tier, self._start.protocol, self._losses)
        output: list[object] = [item.written for item in self._items]
        body = shell.body(status, output, details=details, usage=usage, tier=tier)
        body = with_extras(body, end.extras, self._losses, own=own)
        self._done = True
        kind = "response.incomplete" if status == "incomplete" else "response.completed"
        return self._frames.event(kind, {"response": Raw(body)})

    def _on_failed(self, event: Failed) -> bytes:
        return self._fail(event.fault)

    def _on_keep_alive(self, _: KeepAlive) -> bytes:
        return KEEP_ALIVE

    def _fail(self, fault: Fault) -> bytes:
        """The failed ending, with what has been said until then."""
        out = self._begun()
        self._done = True
        shell = self._shell
        assert shell is not None  # noqa: S101  the stream has begun
        own = self._start.protocol == NAME
        output = [item.written if item.done else self._written(item, cut=True) for item in self._items]
        usage = None if self._usage is None else encode_usage(self._usage, same=own, losses=[])
        body = shell.body("failed", output, error=failed_error(fault), usage=usage)
        return out + self._frames.event("response.failed", {"response": Raw(body)})

    def _skip(self, candidate: int) -> bytes:
        self._maker.lose(f"/choices/{candidate}", "dropped", "this protocol has one answer")
        return b""

    # --- items

    def _new_item(self, part: OutPart, kind: str, item: wire.WrittenItem | None) -> bytes:
        """Begins an item with this part; those whose parts have all ended are done then."""
        out = self._close_items(cut=False)
        index = len(self._items)
        whole = part.whole()
        if kind == "reasoning" and isinstance(whole, Reasoning):
            item_id = self._maker.reasoning_id(whole, index)
        else:
            item_id = self._maker.item_id(kind, part.header, index)
        made = OutItem(index, kind, item_id)
        made.parts.append(part)
        part.item = made
        self._items.append(made)
        self._open.append(made)
        begun: object = item
        if item is None:
            begun = item_beginning(self._maker, made, part.header)
        return out + self._frames.event("response.output_item.added", {"output_index": index, "item": begun})

    def _open_in_message(self, part: OutPart, before: OutPart | None) -> bytes:
        header, item = part.header, None if before is None else before.item
        out = self._carry(part, header.opaque)
        if before is None or item is None or out or item.done or not joins(before.header, header):
            out += self._new_item(part, "message", None)
        else:
            item.parts.append(part)
            part.item = item
        assert part.item is not None  # noqa: S101  one of the two
        part.place = part.item.place("content_index")
        if isinstance(header, Unknown):
            return out + self._frames.event("response.content_part.added", {**part.place, "part": header.raw})
        return out + self._open_part(part, "text" if isinstance(header, Text) else "refusal")

    def _open_part(self, part: OutPart, kind: str) -> bytes:
        prepare_deltas(part, kind)
        return part_opening(self._frames, part, kind)

    def _open_reasoning(self, part: OutPart, before: OutPart | None = None) -> bytes:
        header, item = part.header, None if before is None else before.item
        assert isinstance(header, Reasoning)  # noqa: S101  its callers look
        out = b""
        if before is None or item is None or item.done or not joins(before.header, header):
            out = self._new_item(part, "reasoning", None)
        else:
            item.parts.append(part)
            part.item = item
        assert part.item is not None  # noqa: S101  one of the two
        full = self._maker.own and header.form == "full"
        if header.form == "hidden":
            part.header = msgspec.structs.replace(header, form="summary")  # it is not, after all
        part.place = part.item.place("content_index" if full else "summary_index")
        return out + self._open_part(part, "reasoning" if full else "summary")

    def _open_sealed(self, part: OutPart) -> bytes:
        """The item of reasoning without a word; nothing for that of another protocol which has no state either."""
        whole = part.whole()
        assert isinstance(whole, Reasoning)  # noqa: S101  its caller looks
        if self._maker.is_empty(whole):
            return b""
        made = None
        if own_state([whole], "compaction") is not None and self._maker.own:
            made = self._maker.reasoning([whole], self._maker.reasoning_id(whole, len(self._items)))
        return self._new_item(part, "reasoning", made)

    def _open_call(self, part: OutPart, header: ToolCall) -> bytes:
        kind = "custom_tool_call" if header.kind == "custom" else "function_call"
        out = self._new_item(part, kind, None)
        assert part.item is not None  # noqa: S101  just made
        part.place = part.item.where()
        prepare_deltas(part, kind)
        return out

    def _open_whole(self, part: OutPart) -> bytes:
        raw = self._maker.whole(part.header, len(self._items))
        return b"" if raw is None else self._new_item(part, "whole", raw)

    def _carry(self, part: OutPart, state: tuple[Opaque, ...] | list[Opaque]) -> bytes:
        """An item of its own for the state of a part that has no place for it."""
        out = b""
        for carrier in self._maker.carriers(state, part.header, len(self._items)):
            out += self._close_items(cut=False)
            item = OutItem(len(self._items), "carrier", "")
            item.written, item.done = Raw(encode(carrier)), True
            self._items.append(item)
            members: Wire = {"output_index": item.index, "item": item.written}
            out += self._frames.event("response.output_item.added", members)
            out += self._frames.event("response.output_item.done", members)
        return out

    def _end_part(self, part: OutPart) -> bytes:
        part.ended = True
        header, item = part.header, part.item
        if item is None:
            return self._open_sealed(part) if isinstance(header, Reasoning) else b""
        if isinstance(header, Reasoning):
            return self._end_reasoning(part)
        if isinstance(header, ToolCall):
            return self._end_call(part, item, header) + self._carry(part, part.state)
        if in_message(header):
            return self._end_in_message(part) + self._carry(part, part.state)
        if part.final is not None and isinstance(part.final, ServerTool | Unknown):
            part.header = part.final
        return b""

    def _end_reasoning(self, part: OutPart) -> bytes:
        if not part.begin:
            return b""
        kind = "reasoning" if "content_index" in part.place else "summary"
        text = part.text()
        whole = {"type": "reasoning_text" if kind == "reasoning" else "summary_text", "text": text}
        return part_ending(self._frames, part, kind, text, whole)

    def _end_call(self, part: OutPart, item: OutItem, header: ToolCall) -> bytes:
        out = b""
        if item.kind == "function_call" and not part.pieces and not self._maker.own:
            out = self._say(part, "{}")
        return out + call_ending(self._frames, part, item.kind, self._maker.name(header)[0], part.text())

    def _end_in_message(self, part: OutPart) -> bytes:
        header, text = part.header, part.text()
        out = b""
        if isinstance(header, Text):
            for citation in (*part.waiting, *header.citations):
                found = self._maker.annotation(citation, len(text), header.at)
                if found is not None:
                    out += annotation_event(self._frames, part, found)
            part.waiting.clear()
            if header.logprobs:
                part.tokens += header.logprobs
            final = part.final
            if isinstance(final, Text) and final.logprobs and len(final.logprobs) == len(part.tokens):
                part.tokens = final.logprobs  # with their bytes
            return out + part_ending(self._frames, part, "text", text, self._content(part))
        if isinstance(header, Refusal):
            return part_ending(self._frames, part, "refusal", text, self._content(part))
        return self._frames.event("response.content_part.done", {**part.place, "part": self._content(part)})

    def _content(self, part: OutPart) -> object:
        """A part of a message, as far as it has been said."""
        written = self._maker.content(part.said())
        if isinstance(written, wire.WrittenText):
            written.annotations = list(part.cited)
        return written

    def _close_items(self, *, cut: bool) -> bytes:
        """Items in which nothing more is said are done. `cut`: the last one was cut off."""
        if not self._open:
            return b""
        out, still_open = b"", []
        for item in self._open:
            if not item.ended:
                still_open.append(item)
                continue
            item.written = Raw(encode(self._written(item, cut=cut and item is self._items[-1])))
            item.done = True
            members: Wire = {"output_index": item.index, "item": item.written}
            out += self._frames.event("response.output_item.done", members)
        self._open = still_open
        return out

    def _written(self, item: OutItem, *, cut: bool) -> Any:  # noqa: ANN401  any written item
        """The item, whole or as far as it has been said."""
        maker, parts = self._maker, [part.said() for part in item.parts]
        first = parts[0]
        if item.kind == "message":
            message = maker.message(parts, item.id, "incomplete" if cut else "completed")
            message.content = [self._content(part) for part in item.parts]  # type: ignore[misc]  # each a written part
            return message
        if item.kind == "reasoning":
            return maker.reasoning(parts, item.id)
        if isinstance(first, ToolCall):
            return maker.call(first, item.index, cut=cut)
        return maker.whole(first, item.index)

    _encoders: ClassVar[dict[type, Callable[..., bytes]]] = {
        Start: _on_start,
        PartStart: _on_part_start,
        Delta: _on_delta,
        Attach: _on_attach,
        PartEnd: _on_part_end,
        UsageUpdate: _on_usage,
        Finish: _on_finish,
        End: _on_end,
        Failed: _on_failed,
        KeepAlive: _on_keep_alive,
    }
