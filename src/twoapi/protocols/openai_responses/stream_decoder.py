"""The bytes of an upstream's stream to events, however loosely the upstream keeps the protocol."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    Part,
    Reasoning,
    Refusal,
    Start,
    Text,
    ToolCall,
    UsageUpdate,
)
from twoapi.protocols.base import Restore
from twoapi.protocols.call_ids import decode_call_id
from twoapi.protocols.openai_responses.answer import Answer, read_answer
from twoapi.protocols.openai_responses.faults import event_fault
from twoapi.protocols.openai_responses.name import NAME, broken
from twoapi.protocols.openai_responses.output import OutputDecoder
from twoapi.protocols.openai_responses.schema_events import ItemHead, PartHead, StreamEvent, TextDelta
from twoapi.protocols.openai_responses.status import decode_stop
from twoapi.protocols.openai_responses.stream_items import (
    CALLS,
    OpenItem,
    OpenPart,
    PartWriter,
    header_of,
    places,
)
from twoapi.protocols.openai_responses.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import Frame, SseReader

_decode_event = msgspec.json.Decoder(StreamEvent).decode
_decode_delta = msgspec.json.Decoder(TextDelta).decode
_TEXT_DELTA = b"response.output_text.delta"
_Delta = Delta
_decode_head = json.decoder(ItemHead)
_decode_part = json.decoder(PartHead)
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_STATUSES = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
# Events that only say that a tool of the vendor's is at work; its item says the rest.
_AT_WORK = "_call"


class ResponsesStreamDecoder:
    """Decodes one streamed answer."""

    __slots__ = (
        "_by_id",
        "_by_index",
        "_decoder",
        "_done",
        "_extras",
        "_hot",
        "_hot_key",
        "_items",
        "_orphans",
        "_reader",
        "_restore",
        "_started",
        "_tier",
        "_writer",
    )

    def __init__(self, restore: Restore) -> None:
        self._reader = SseReader()
        self._restore = restore
        self._extras: dict[str, Raw] = {}
        self._decoder = OutputDecoder(self._extras, restore)
        self._writer = PartWriter()
        self._items: list[OpenItem] = []  # in the order in which they began
        self._by_id: dict[str, OpenItem] = {}
        self._by_index: dict[int, OpenItem] = {}
        self._orphans: set[object] = set()  # items that were given arguments and have not begun
        self._hot: OpenPart | None = None  # the text that the last delta belonged to
        self._hot_key: tuple[object, object, object] = (None, None, None)
        self._started = False
        self._tier: str | None = None
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        if self._done:
            return []
        try:
            frames = self._reader.feed(data)
        except WireError as error:
            self._fail(broken(error.message))
            return self._writer.taken()
        for frame in frames:
            # Nearly all frames: more of the open text.
            if frame[0] == _TEXT_DELTA and (hot := self._hot) is not None and not hot.ended:
                try:
                    told = _decode_delta(frame[1])
                except _BAD:
                    told = None
                if told is not None and (told.item_id, told.output_index, told.content_index) == self._hot_key:
                    if text := told.delta:
                        hot.said += len(text)
                        self._writer.events.append(_Delta(0, hot.number, text))
                    if len(told.logprobs) > 2:
                        self._writer.weigh(hot, told.logprobs)
                    continue
            self._read(frame)
        return self._writer.taken()

    def close(self) -> list[Event]:
        """What is left when the connection ended: without its terminal event an answer is not complete."""
        if self._done:
            return []
        for frame in self._reader.close():
            self._read(frame)
        self._fail(broken("the upstream's stream ended before the answer did", code="stream_truncated"))
        return self._writer.taken()

    def _read(self, frame: Frame) -> None:
        if self._done:
            return
        name, data = frame
        try:
            event = _decode_event(data)
        except _BAD:
            self._read_broken(name, data)
            return
        kind = event.type or name.decode("latin-1")
        handler = self._handlers.get(kind)
        try:
            if handler is not None:
                handler(self, event)
            elif kind == "error" or not json.is_null(event.error):
                self._fail(event_fault(data))
            elif kind in _STATUSES:
                self._on_terminal(event, _STATUSES[kind])
            elif _AT_WORK in kind:
                self._writer.events.append(KeepAlive())
        except (WireError, UnicodeDecodeError) as error:
            self._fail(broken(f"the upstream's stream is broken: {error}"))

    def _read_broken(self, name: bytes, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            return
        if name == b"error":
            self._fail(event_fault(data))
            return
        self._fail(broken("the upstream's stream holds a frame that is not an event"))

    # --- the answer

    def _on_lifecycle(self, event: StreamEvent) -> None:
        if not self._started and not json.is_null(event.response):
            self._start(read_answer(event.response))

    def _start(self, answer: Answer | None = None) -> None:
        if self._started:
            return
        self._started = True
        self._tier = None if answer is None else answer.tier
        start = Start(id="", model="", protocol=NAME)
        if answer is not None:
            start.id, start.model, start.created = answer.id, answer.model, answer.created
            start.tier, start.echo = answer.tier, answer.echo
        self._writer.events.append(start)

    def _on_terminal(self, event: StreamEvent, status: str) -> None:
        answer = read_answer(event.response)
        self._start(answer)
        usage = decode_usage(answer.usage)
        fault = answer.fault()
        if fault is None and status == "failed":
            fault = broken("the upstream's answer failed without saying why", code="server_error")
        if fault is None and answer.output:
            self._complete_from(answer.output)
        if fault is None and self._orphans and not self._writer.called:
            fault = broken("the upstream sent the arguments of a call that never began")
        if usage is not None:
            self._writer.events.append(UsageUpdate(usage))
        if fault is not None:
            self._fail(fault)
            return
        writer = self._writer
        writer.end_all(self._items)
        self._extras |= answer.rest
        if answer.tier != self._tier and answer.tier is not None:
            self._extras["/service_tier"] = Raw(json.encode(answer.tier))  # only now it is known which one it was
        stop = decode_stop(answer.status or status, answer.details, called=writer.called, refused=writer.refused)
        writer.events += (Finish(0, stop), End(self._extras))
        self._done = True

    def _complete_from(self, output: list[Raw]) -> None:
        """The items as the terminal event repeats them: only what is new of them counts."""
        heads = [_decode_head(raw) for raw in output]
        known = {id(found): found for head in heads if (found := self._same(head)) is not None}
        spare: dict[str, list[OpenItem]] = {}
        for item in reversed(self._items):
            if id(item) not in known:
                spare.setdefault(item.kind, []).append(item)
        for index, (raw, head) in enumerate(zip(output, heads, strict=True)):
            found = self._same(head)
            if found is None and (left := spare.get(head.type or "message")):
                found = left.pop()  # its id changed on the way
            if found is None:
                found = self._begin(index, head)
            if not found.done:
                self._complete(found, raw)

    def _same(self, head: ItemHead) -> OpenItem | None:
        """The item that has this id, or this call's."""
        found = self._by_id.get(head.id or "")
        if found is None and head.call_id:
            found = self._by_id.get(head.call_id)
        return found if found is not None and found.kind == (head.type or "message") else None

    # --- items

    def _on_added(self, event: StreamEvent) -> None:
        if json.is_null(event.item):
            return
        self._start()
        head = _decode_head(event.item)
        found = self._same(head)
        if found is not None and not found.done:
            return  # said twice
        item = self._begin(event.output_index, head)
        if item.kind in CALLS:
            self._open_call(item, head)
        elif item.kind not in ("message", "reasoning", "compaction"):
            self._open_whole(item, event.item)

    def _open_whole(self, item: OpenItem, raw: Raw) -> None:
        """An item that is kept as it is; its end brings it again."""
        try:
            parts = self._decoder.decode(raw, item.index)
        except WireError:
            return  # nothing of it has been said yet
        for part in parts[:1]:
            self._writer.open(item, ("content", 0), part)

    def _begin(self, index: object, head: ItemHead | None, kind: str = "message") -> OpenItem:
        place = index if type(index) is int and index >= 0 else len(self._items)
        item = OpenItem(place, kind if head is None else head.type or kind, head)
        self._items.append(item)
        self._by_index[place] = item
        for name in (item.id, item.call_id):
            if name:
                self._by_id[name] = item
                self._orphans.discard(name)
        self._orphans.discard(place)
        return item

    def _open_call(self, item: OpenItem, head: ItemHead) -> None:
        if not head.name:
            return  # its end will tell
        call = ToolCall(
            id=decode_call_id(head.call_id or head.id or ""),
            name=head.name,
            kind="custom" if item.kind == "custom_tool_call" else "function",
            namespace=head.namespace,
            at=f"/output/{item.index}",
            item=item.mark(),
        )
        self._decoder.restore_call(call)
        if call.name in self._restore.custom and call.kind == "function":
            call.kind, item.held = "custom", True
        self._writer.open(item, ("call", 0), call)

    def _on_done(self, event: StreamEvent) -> None:
        if json.is_null(event.item):
            return
        self._start()
        head = _decode_head(event.item)
        item = self._same(head) or self._at(event, head.type or "message")
        if item is None:
            item = self._begin(event.output_index, head)
        elif item.done:
            return
        item.id, item.call_id = head.id or item.id, head.call_id or item.call_id
        for name in (head.id, head.call_id):
            if name:
                self._by_id[name] = item
        self._complete(item, event.item)

    def _complete(self, item: OpenItem, raw: Raw) -> None:
        """An item as it is in the end."""
        writer, item.done = self._writer, True
        parts = self._decoder.decode(raw, item.index)
        for place, part in zip(places(item.kind, parts), parts, strict=True):
            opened = item.parts.get(place)
            if opened is not None and opened.kind is type(part):
                writer.settle(opened, part)
            elif isinstance(part, Reasoning) and not part.text and item.parts:
                last = item.last
                if last is not None and not last.attached and not last.ended:
                    writer.seal(last, part)
            else:
                writer.settle(self._reopened(item, place, part), part)
        writer.end_all((item,))

    def _reopened(self, item: OpenItem, place: tuple[str, int], part: Part) -> OpenPart:
        if place in item.parts:  # it was said to be of another type
            self._writer.end(item.parts[place])
            place = ("other", len(item.parts))
        return self._writer.open(item, place, header_of(part))

    # --- parts

    def _at(self, event: StreamEvent, kind: str) -> OpenItem | None:
        """The item of this type that an event is about."""
        named = event.item_id
        found = self._by_id.get(named) if type(named) is str else None
        if found is None and type(event.output_index) is int:
            found = self._by_index.get(event.output_index)
        return found if found is not None and found.kind == kind else None

    def _text_part(
        self, event: StreamEvent, place: tuple[str, Any], kind: type[Text | Refusal | Reasoning]
    ) -> OpenPart:
        """The part of an event, begun if it has not been."""
        wanted = "reasoning" if kind is Reasoning else "message"
        number = place[1] if type(place[1]) is int else 0
        item = self._at(event, wanted)
        opened = None if item is None else item.parts.get((place[0], number))
        if item is None or (item.done and opened is None):
            self._start()
            index = event.output_index
            item = self._begin(None if type(index) is int and index in self._by_index else index, None, wanted)
            if type(event.item_id) is str:
                item.id = event.item_id
                self._by_id[event.item_id] = item
        if opened is not None and opened.kind is not kind:
            self._writer.end(opened)
            number, opened = len(item.parts), None
        return opened or self._writer.open_text(item, (place[0], number), kind)

    def _on_text(self, event: StreamEvent) -> None:
        key = (event.item_id, event.output_index, event.content_index)
        opened = self._hot
        if opened is None or key != self._hot_key or opened.ended:
            opened = self._text_part(event, ("content", event.content_index), Text)
            self._hot, self._hot_key = opened, key
        if type(event.delta) is str:
            self._writer.say(opened, event.delta)
        if event.logprobs is not json.EMPTY:
            self._writer.weigh(opened, event.logprobs)

    def _on_text_done(self, event: StreamEvent) -> None:
        if type(event.text) is str:
            self._writer.complete(self._text_part(event, ("content", event.content_index), Text), event.text)

    def _on_refusal(self, event: StreamEvent) -> None:
        opened = self._text_part(event, ("content", event.content_index), Refusal)
        if type(event.delta) is str:
            self._writer.say(opened, event.delta)
        elif type(event.refusal) is str:
            self._writer.complete(opened, event.refusal)

    def _on_reasoning(self, event: StreamEvent) -> None:
        self._reason(event, ("content", event.content_index))

    def _on_summary(self, event: StreamEvent) -> None:
        self._reason(event, ("summary", event.summary_index))

    def _reason(self, event: StreamEvent, place: tuple[str, Any]) -> None:
        opened = self._text_part(event, place, Reasoning)
        if type(event.delta) is str:
            self._writer.say(opened, event.delta)
        elif type(event.text) is str:
            self._writer.complete(opened, event.text)

    def _on_part_added(self, event: StreamEvent) -> None:
        found = None if json.is_null(event.part) else self._kind_of_part(_decode_part(event.part))
        if found is not None:
            self._text_part(event, ("content", event.content_index), found)

    def _kind_of_part(self, head: PartHead) -> type[Text | Refusal | Reasoning] | None:
        return {"output_text": Text, "refusal": Refusal, "reasoning_text": Reasoning}.get(head.type or "")  # type: ignore[return-value]  # one of these

    def _on_part_done(self, event: StreamEvent) -> None:
        head = None if json.is_null(event.part) else _decode_part(event.part)
        found = None if head is None else self._kind_of_part(head)
        if head is not None and found is not None:
            self._writer.finish(self._text_part(event, ("content", event.content_index), found), head)

    def _on_annotation(self, event: StreamEvent) -> None:
        if not json.is_null(event.annotation):
            self._writer.cite(self._text_part(event, ("content", event.content_index), Text), event.annotation)

    def _on_arguments(self, event: StreamEvent) -> None:
        item = self._at(event, "function_call")
        whole = event.arguments
        if item is None:
            item, whole = self._at(event, "custom_tool_call"), event.input
        opened = None if item is None else item.parts.get(("call", 0))
        if opened is None or item is None:
            place = event.output_index if type(event.output_index) is int else None
            self._orphans.add(event.item_id if type(event.item_id) is str else place)
        elif not item.held:
            if type(event.delta) is str:
                self._writer.say(opened, event.delta)
            elif type(whole) is str:
                self._writer.complete(opened, whole)

    def _fail(self, fault: Fault) -> None:
        if not self._done:
            self._done = True
            self._hot = None
            self._writer.events.append(Failed(fault))

    _handlers: ClassVar[dict[str, Callable[["ResponsesStreamDecoder", StreamEvent], None]]] = {
        "response.output_text.delta": _on_text,
        "response.function_call_arguments.delta": _on_arguments,
        "response.custom_tool_call_input.delta": _on_arguments,
        "response.reasoning_summary_text.delta": _on_summary,
        "response.reasoning_text.delta": _on_reasoning,
        "response.refusal.delta": _on_refusal,
        "response.created": _on_lifecycle,
        "response.queued": _on_lifecycle,
        "response.in_progress": _on_lifecycle,
        "response.output_item.added": _on_added,
        "response.output_item.done": _on_done,
        "response.content_part.added": _on_part_added,
        "response.content_part.done": _on_part_done,
        "response.output_text.done": _on_text_done,
        "response.output_text.annotation.added": _on_annotation,
        "response.refusal.done": _on_refusal,
        "response.reasoning_text.done": _on_reasoning,
        "response.reasoning_summary_part.added": _on_summary,
        "response.reasoning_summary_text.done": _on_summary,
        "response.function_call_arguments.done": _on_arguments,
        "response.custom_tool_call_input.done": _on_arguments,
    }
