"""A streamed answer of the upstream to events; whatever comes, the events are legal and end in End or Failed."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Restore
from twoapi.protocols.cohere import schema_answer as wire
from twoapi.protocols.cohere.answer_parts import (
    call_of,
    citations,
    count,
    decode_stop,
    decode_usage,
    failure,
    is_cut,
    is_of_text,
    logprobs,
)
from twoapi.protocols.cohere.name import NAME
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.free_text import unwrap_custom
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import SseReader
from twoapi.wire.strict import strict

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(strict(wire.Event)).decode
_decode_lenient = msgspec.json.Decoder(wire.Event).decode
_encode = msgspec.json.Encoder().encode
_MOST_EXTRAS = 64  # members that nobody knows, of one stream
_MOST_CALLS = 1024


class _Call:
    """A call whose arguments come in pieces."""

    __slots__ = ("header", "part", "pieces")

    def __init__(self, part: int, header: ir.ToolCall) -> None:
        self.part = part
        self.header = header
        self.pieces: list[str] = []


class CohereStreamDecoder:
    """Decodes one stream. A text stays open until the next part begins: what it rests on may come behind it."""

    __slots__ = (
        "_by_index",
        "_calls",
        "_done",
        "_events",
        "_extras",
        "_id",
        "_key",
        "_part",
        "_parts",
        "_reader",
        "_restore",
        "_started",
        "_texts",
    )

    def __init__(self, restore: Restore) -> None:
        self._reader = SseReader()
        self._restore = restore
        self._events: list[ir.Event] = []
        self._extras: dict[str, Raw] = {}
        self._id = ""
        self._started = False
        self._done = False
        self._parts = 0  # how many have started
        self._part = -1  # the one that runs, no call; -1: none does
        self._key: tuple[type[ir.Part], int | None] | None = None  # what it is, and its number in the content
        self._texts: dict[int, int] = {}  # number in the content -> part, of texts
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def feed(self, data: bytes) -> list[ir.Event]:
        """The events that these bytes complete."""
        if self._done:
            return []
        try:
            frames = self._reader.feed(data)
        except WireError as error:
            self._fail(broken(error.message))
            return self._taken()
        for name, payload in frames:
            if self._take(name, payload):
                break
        return self._taken()

    def close(self) -> list[ir.Event]:
        """The rest, when the connection has ended."""
        if self._done:
            return []
        for name, payload in self._reader.close():
            if self._take(name, payload):
                return self._taken()
        self._fail(broken("the upstream's stream ended before its end was told"))
        return self._taken()

    def _taken(self) -> list[ir.Event]:
        events, self._events = self._events, []
        return events

    def _take(self, name: bytes, payload: bytes) -> bool:
        """Adds the events of one frame; True when it was the last."""
        if payload == b"[DONE]":  # nobody needs it here, and some servers send it
            return False
        event = self._read(payload)
        if event is None:
            return True
        kind = event.type or name.decode("latin-1")
        take = _TAKE.get(kind)
        if take is not None:
            if not self._started and kind not in _SILENT:
                self._start("")
            take(self, event)
        elif event.message:
            self._fail(ir.Fault("upstream_error", event.message[:1000], whose="upstream"))
        return self._done

    def _read(self, payload: bytes) -> wire.Event | None:
        try:
            return _decode_strict(payload)
        except _BAD:
            pass
        try:
            event = _decode_lenient(payload)
            unknown = json.unknown_fields(payload, wire.Event)
        except (*_BAD, WireError) as error:
            self._fail(broken(f"an event of the upstream's stream cannot be read: {error}"))
            return None
        for pointer, value in unknown.items():
            if len(self._extras) < _MOST_EXTRAS:
                # Of the message's end, what the whole answer has at its top.
                self._extras[pointer.removeprefix("/delta") or pointer] = value
        return event

    def _start(self, answer_id: str) -> None:
        self._started = True
        self._id = answer_id
        self._events.append(ir.Start(id=answer_id, model="", protocol=NAME))

    def _fail(self, fault: ir.Fault) -> None:
        self._done = True
        self._events.append(ir.Failed(fault))

    # --- the vendor's events

    def _on_message_start(self, event: wire.Event) -> None:
        if not self._started:
            self._start(event.id or "")

    def _on_content(self, event: wire.Event) -> None:
        message = _message(event)
        content = None if message is None else message.content
        if isinstance(content, str):
            self._write(ir.Text, event, content)
        elif isinstance(content, wire.Content):
            if content.thinking:
                self._write(ir.Reasoning, event, content.thinking)
            if content.text:
                self._write(ir.Text, event, content.text)
        if not json.is_null(event.logprobs):
            self._put_logprobs(event.logprobs)

    def _put_logprobs(self, raw: Raw) -> None:
        found = logprobs(raw, one=True)
        if found is not None and self._key is not None and self._key[0] is ir.Text:
            self._events.append(ir.Attach(0, self._part, found))
        elif len(self._extras) < _MOST_EXTRAS:
            self._extras["/logprobs"] = raw

    def _on_tool_plan(self, event: wire.Event) -> None:
        message = _message(event)
        if message is not None and message.tool_plan:
            self._write(ir.Reasoning, None, message.tool_plan)

    def _write(self, kind: type[ir.Text | ir.Reasoning], event: wire.Event | None, text: str) -> None:
        index = None if event is None else count(event.index) or 0
        if self._key != (kind, index):
            self._end_running()
            self._key, self._part = (kind, index), self._parts
            if kind is ir.Text and index is not None:
                self._texts[index] = self._part
            at = "/message/tool_plan" if index is None else f"/message/content/{index}"
            self._begin(kind(at=at))
        self._events.append(ir.Delta(0, self._part, text))

    def _begin(self, header: ir.Part) -> None:
        self._events.append(ir.PartStart(0, self._parts, header))
        self._parts += 1

    def _end_running(self) -> None:
        if self._key is not None:
            self._events.append(ir.PartEnd(0, self._part))
            self._key = None

    def _on_citation(self, event: wire.Event) -> None:
        message = _message(event)
        cited = None if message is None else message.citations
        if not isinstance(cited, wire.Citation):
            return
        index = count(cited.content_index)
        runs = self._key is not None and self._key[0] is ir.Text
        if runs and is_of_text(cited) and (index is None or self._texts.get(index) == self._part):
            self._events += [ir.Attach(0, self._part, citation) for citation in citations(cited)]
        elif len(self._extras) < _MOST_EXTRAS:
            self._extras[f"/message/citations/{count(event.index) or 0}"] = Raw(_encode(cited))

    def _on_call_start(self, event: wire.Event) -> None:
        message = _message(event)
        call = None if message is None else message.tool_calls
        if not isinstance(call, wire.ToolCall):
            return
        if len(self._calls) >= _MOST_CALLS:
            self._fail(broken("the upstream's answer has too many calls"))
            return
        self._end_running()
        made = _Call(self._parts, call_of(call, self._id, len(self._calls), self._restore))
        self._calls.append(made)
        self._by_index[count(event.index) or 0] = made
        self._begin(made.header)
        self._add(made, call)

    def _on_call_delta(self, event: wire.Event) -> None:
        message = _message(event)
        call = None if message is None else message.tool_calls
        if not isinstance(call, wire.ToolCall):
            return
        made = self._by_index.get(count(event.index) or 0)
        if made is None:
            self._fail(broken("the upstream sent arguments without the start of a call"))
            return
        self._add(made, call)

    def _add(self, made: _Call, call: wire.ToolCall) -> None:
        text = "" if call.function is None else call.function.arguments or ""
        if text:
            made.pieces.append(text)
            if made.header.kind == "function":
                self._events.append(ir.Delta(0, made.part, text))

    def _on_message_end(self, event: wire.Event) -> None:
        told = event.delta or wire.Delta()
        usage = decode_usage(told.usage)
        if usage is not None:
            self._events.append(ir.UsageUpdate(usage))
        fault = failure(told.finish_reason, told.error)
        if fault is not None:
            self._fail(fault)
            return
        self._end_running()
        stop = decode_stop(told.finish_reason, called=bool(self._calls))
        for call in self._calls:
            self._end_call(call, stop)
        self._done = True
        self._events += [ir.Finish(0, stop), ir.End(self._extras)]

    def _end_call(self, call: _Call, stop: ir.StopReason) -> None:
        arguments = "".join(call.pieces)
        final = None
        if call.header.kind == "custom":
            if text := unwrap_custom(arguments):
                self._events.append(ir.Delta(0, call.part, text))
        else:
            whole = msgspec.structs.replace(call.header, arguments=arguments)
            if is_cut(whole, stop):
                whole.complete, final = False, whole
        self._events.append(ir.PartEnd(0, call.part, final))

    def _on_nothing(self, event: wire.Event) -> None:
        """An end that says no more than the next beginning."""


def _message(event: wire.Event) -> wire.MessageDelta | None:
    return None if event.delta is None else event.delta.message


_TAKE: dict[str, Callable[[CohereStreamDecoder, wire.Event], None]] = {
    "message-start": CohereStreamDecoder._on_message_start,  # noqa: SLF001  the table of this class
    "content-start": CohereStreamDecoder._on_content,  # noqa: SLF001
    "content-delta": CohereStreamDecoder._on_content,  # noqa: SLF001
    "content-end": CohereStreamDecoder._on_nothing,  # noqa: SLF001
    "citation-start": CohereStreamDecoder._on_citation,  # noqa: SLF001
    "citation-end": CohereStreamDecoder._on_nothing,  # noqa: SLF001
    "tool-plan-delta": CohereStreamDecoder._on_tool_plan,  # noqa: SLF001
    "tool-call-start": CohereStreamDecoder._on_call_start,  # noqa: SLF001
    "tool-call-delta": CohereStreamDecoder._on_call_delta,  # noqa: SLF001
    "tool-call-end": CohereStreamDecoder._on_nothing,  # noqa: SLF001
    "message-end": CohereStreamDecoder._on_message_end,  # noqa: SLF001
    "debug": CohereStreamDecoder._on_nothing,  # noqa: SLF001
}
_SILENT = frozenset(("message-start", "debug"))
