"""The bytes of an upstream's stream to events, however loosely the upstream keeps the protocol."""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.anthropic_messages import schema
from twoapi.protocols.anthropic_messages.citations import decode_citation
from twoapi.protocols.anthropic_messages.decode_blocks import decode_opaque
from twoapi.protocols.anthropic_messages.envelope import closed
from twoapi.protocols.anthropic_messages.faults import decode_error, upstream_fault
from twoapi.protocols.anthropic_messages.lenient import loosen
from twoapi.protocols.anthropic_messages.response import collect_extras, read_usage
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.anthropic_messages.usage import decode_stop, decode_usage, merge_usage, put_usage_extras
from twoapi.protocols.base import Restore
from twoapi.protocols.call_ids import decode_call_id
from twoapi.protocols.free_text import unwrap_custom
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode, fields, first_byte
from twoapi.wire.sse import Frame, SseReader

_decode_event = msgspec.json.Decoder(schema.StreamEvent).decode
_decode_str = msgspec.json.Decoder(str).decode
_Delta = ir.Delta
_QUOTE = ord('"')
_FRAME_START = b"event: content_block_delta\ndata: "
_TEXT_START = b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":'
_decode_start = decoder(schema.MessageAnswer)


# type of a delta -> type of the block that it belongs to
_HOMES = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
}


class _BlockStart(msgspec.Struct):
    """The members of `content_block` that are read; which are there follows from the type."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: Raw = EMPTY
    citations: list[Raw] | None = None
    caller: Raw = EMPTY
    toolset_name: Raw = EMPTY


_decode_block = decoder(_BlockStart)


class _Open:
    """A block that is open on the wire, and the part that it becomes."""

    __slots__ = ("arguments", "citations", "custom", "kind", "part", "raw", "strange", "written")

    def __init__(self, part: int, kind: str) -> None:
        self.part = part
        self.kind = kind  # the type of the block; "opaque" when it is not modelled
        self.written = False  # a call: arguments have come
        self.custom = False  # a call of a free-text tool: its text is unwrapped at the end
        self.arguments: list[str] = []
        self.raw = EMPTY  # an opaque block's own object, or a call's input in its start
        self.citations: list[Raw] = []
        self.strange = False  # a citation of an unknown type is among them


class AnthropicStreamDecoder:
    """Decodes one streamed answer."""

    __slots__ = (
        "_called",
        "_done",
        "_events",
        "_extras",
        "_frame_start",
        "_next",
        "_open",
        "_reader",
        "_restore",
        "_started",
        "_stop",
        "_text_part",
        "_text_start",
        "_usage",
    )

    def __init__(self, restore: Restore) -> None:
        self._reader = SseReader()
        self._restore = restore
        self._events: list[ir.Event] = []
        self._open: dict[int, _Open] = {}
        self._next = 0
        self._started = False
        self._done = False
        self._text_start = b""  # what a delta of the open text begins with; empty when none is open
        self._frame_start = b""  # the same for the next read, when that may be one frame: nothing of another is held
        self._text_part = -1
        self._called = False
        self._stop: schema.StreamDelta | None = None
        self._usage = schema.Usage()
        self._extras: dict[str, Raw] = {}

    def feed(self, data: bytes) -> list[ir.Event]:
        """The events that these bytes complete."""
        # Nearly all reads are one frame with more of the open text.
        start = self._frame_start
        if start and data[: len(start)] == start and data[-4:] == b"}}\n\n" and data[-5] == _QUOTE:
            try:
                return [_Delta(0, self._text_part, _decode_str(data[len(start) - 1 : -4]))]
            except (msgspec.DecodeError, UnicodeDecodeError):
                pass
        return self._feed(data)

    def _feed(self, data: bytes) -> list[ir.Event]:
        if self._done:
            return []
        try:
            frames = self._reader.feed(data)
        except WireError as error:
            self._fail(upstream_fault(error.message))
            return self._taken()
        for frame in frames:
            said = frame[1]
            # More of the open text, spelled as the vendor does (with spaces at the end, sometimes).
            if self._text_start and said.startswith(self._text_start):
                end = said.rfind(b'"') + 1
                if said[end:] == b"}}" or said[end:].replace(b" ", b"") == b"}}":
                    try:
                        text = _decode_str(said[len(self._text_start) : end])
                    except (msgspec.DecodeError, UnicodeDecodeError):
                        text = None
                    if text is not None:
                        self._events.append(_Delta(0, self._text_part, text))
                        continue
            if not self._done:
                self._read(frame)
        self._frame_start = self._next_start() if data.endswith(b"\n\n") else b""
        events, self._events = self._events, []
        return events

    def _next_start(self) -> bytes:
        return b'%b%b"' % (_FRAME_START, self._text_start) if self._text_start and not self._done else b""

    def close(self) -> list[ir.Event]:
        """What is left when the connection ended: an answer whose stop reason came is complete."""
        if self._done:
            return []
        for frame in self._reader.close():
            self._read(frame)
        if self._stop is not None:
            self._end()
        else:
            self._fail(upstream_fault("the upstream's stream ended before the answer did", "stream_truncated"))
        return self._taken()

    def _taken(self) -> list[ir.Event]:
        events, self._events = self._events, []
        return events

    def _read(self, frame: Frame) -> None:
        try:
            event = _decode_event(frame[1])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._read_broken(frame)
            return
        kind = event.type
        if kind == "content_block_delta":
            self._on_delta(event)
            return
        handler = self._handlers.get(kind or frame[0].decode("latin-1"))
        try:
            if handler is not None:
                handler(self, event)
            elif event.error is not EMPTY:
                self._on_error(event)
        except (WireError, UnicodeDecodeError) as error:
            self._fail(upstream_fault(f"the upstream's stream is broken: {error}"))

    def _read_broken(self, frame: Frame) -> None:
        """A frame that is no event: fatal unless it can be left out (a foreign end mark, an unknown event's)."""
        if frame[1].strip() == b"[DONE]":
            return
        if frame[0] == b"error":
            self._fail(decode_error(Raw(encode(frame[1].decode("utf-8", "replace"))), "upstream_error"))
            return
        self._fail(upstream_fault("the upstream's stream holds a frame that is not an event"))

    # --- one method per event

    def _on_message_start(self, event: schema.StreamEvent) -> None:
        try:
            message = _decode_start(event.message)
        except WireError:
            members = fields(event.message)
            members.setdefault("content", Raw(b"[]"))
            body, extras = loosen(encode(members), schema.MessageAnswer)
            self._extras |= {pointer: raw for pointer, raw in extras.items() if not pointer.startswith("/content")}
            message = _decode_start(body)
        if message.usage is not None:
            merge_usage(self._usage, message.usage)
        collect_extras(message, self._extras)
        if self._started:
            if message.usage is not None:
                self._events.append(ir.UsageUpdate(decode_usage(self._usage)))
            return
        self._started = True
        usage = None if message.usage is None else decode_usage(self._usage)
        tier = self._usage.service_tier
        self._events.append(
            ir.Start(id=message.id or "", model=message.model or "", usage=usage, tier=tier, protocol=NAME)
        )

    def _on_block_start(self, event: schema.StreamEvent) -> None:
        self._ensure_started()
        self._close_block(event.index)
        block = _decode_block(event.content_block)
        opened = self._open_part(event.index, block.type)
        starter = self._starters.get(block.type)
        if starter is None:
            opened.kind = "opaque"
            opened.raw = event.content_block
            header = decode_opaque(event.content_block, f"/content/{opened.part}")
            self._events.append(ir.PartStart(0, opened.part, header))
            return
        starter(self, opened, block)

    def _start_text(self, opened: _Open, block: _BlockStart) -> None:
        self._begin(opened, ir.Text(at=f"/content/{opened.part}"))
        for citation in block.citations or ():
            self._cite(opened, citation)
        self._write(opened, block.text)

    def _start_thinking(self, opened: _Open, block: _BlockStart) -> None:
        self._begin(opened, ir.Reasoning(at=f"/content/{opened.part}"))
        self._write(opened, block.thinking)
        if block.signature:
            self._events.append(ir.Attach(0, opened.part, closed("signature", block.signature)))

    def _start_redacted(self, opened: _Open, block: _BlockStart) -> None:
        sealed = closed("redacted", block.data)
        self._begin(opened, ir.Reasoning(form="hidden", at=f"/content/{opened.part}", opaque=(sealed,)))

    def _start_call(self, opened: _Open, block: _BlockStart) -> None:
        name = self._restore.names.get(block.name, block.name)
        opened.custom = name in self._restore.custom
        opened.raw = block.input
        self._called = True
        at = f"/content/{opened.part}"
        if block.caller is not EMPTY:
            self._extras[f"{at}/caller"] = block.caller
        if block.toolset_name is not EMPTY:
            self._extras[f"{at}/toolset_name"] = block.toolset_name
        call_id = decode_call_id(self._restore.call_ids.get(block.id, block.id))
        kind = "custom" if opened.custom else "function"
        self._begin(
            opened, ir.ToolCall(id=call_id, name=name, kind="custom" if kind == "custom" else "function", at=at)
        )

    def _on_delta(self, event: schema.StreamEvent) -> None:
        delta = event.delta
        if delta is None:
            return
        opened = self._open.get(event.index)
        kind = delta.type
        if opened is not None:
            if kind == "text_delta" and opened.kind == "text":
                self._events.append(ir.Delta(0, opened.part, delta.text))
                return
            if kind == "input_json_delta" and opened.kind in ("tool_use", "opaque"):
                self._on_input(opened, delta.partial_json)
                return
        home = _HOMES.get(kind)
        if home is None:
            if opened is not None and kind == "compaction_delta" and opened.kind == "opaque":
                opened.raw = Raw(encode({**fields(opened.raw), "content": delta.content}))
            return
        if opened is None or opened.kind != home:
            opened = self._reopen(event.index, home)
        if opened is not None:
            self._put(opened, delta)

    def _put(self, opened: _Open, delta: schema.StreamDelta) -> None:
        if delta.type == "citations_delta":
            self._cite(opened, delta.citation)
        elif delta.type == "signature_delta":
            if delta.signature:
                self._events.append(ir.Attach(0, opened.part, closed("signature", delta.signature)))
        else:
            self._write(opened, delta.text or delta.thinking)

    def _on_input(self, opened: _Open, text: str) -> None:
        if not text:
            return
        opened.written = True
        if opened.custom or opened.kind == "opaque":
            opened.arguments.append(text)
        else:
            self._events.append(ir.Delta(0, opened.part, text))

    def _reopen(self, index: int, kind: str) -> _Open | None:
        """A delta whose block was not opened, or is of another type: text and thinking get a block of their own."""
        if kind == "tool_use":
            self._fail(upstream_fault("the upstream sent tool input without the start of a call"))
            return None
        self._ensure_started()
        self._close_block(index)
        opened = self._open_part(index, kind)
        self._starters[kind](self, opened, _BlockStart(kind))
        return opened

    def _on_block_stop(self, event: schema.StreamEvent) -> None:
        self._close_block(event.index)

    def _on_message_delta(self, event: schema.StreamEvent) -> None:
        self._ensure_started()
        delta = event.delta
        if delta is not None:
            if delta.stop_reason is not None:
                self._stop = delta
            if delta.container is not EMPTY and bytes(delta.container) != b"null":
                self._extras["/container"] = delta.container
        for name in ("context_management", "input_transformations"):
            value = getattr(event, name)
            if value is not EMPTY and bytes(value) != b"null":
                self._extras[f"/{name}"] = value
        usage = None if event.usage is EMPTY else read_usage(event.usage)
        if usage is not None:
            merge_usage(self._usage, usage)
            put_usage_extras(usage, self._extras)
            self._events.append(ir.UsageUpdate(decode_usage(self._usage)))

    def _on_message_stop(self, _: schema.StreamEvent) -> None:
        self._ensure_started()
        self._end()

    def _on_ping(self, _: schema.StreamEvent) -> None:
        self._events.append(ir.KeepAlive())

    def _on_error(self, event: schema.StreamEvent) -> None:
        self._fail(decode_error(event.error, "upstream_error"))

    # --- parts

    def _ensure_started(self) -> None:
        if not self._started:
            self._started = True
            self._events.append(ir.Start(id="", model="", protocol=NAME))

    def _open_part(self, index: int, kind: str) -> _Open:
        opened = self._open[index] = _Open(self._next, kind)
        self._next += 1
        if kind == "text":
            self._text_start, self._text_part = _TEXT_START % index, opened.part
        return opened

    def _begin(self, opened: _Open, header: ir.Part) -> None:
        self._events.append(ir.PartStart(0, opened.part, header))

    def _write(self, opened: _Open, text: str) -> None:
        if text:
            self._events.append(ir.Delta(0, opened.part, text))

    def _cite(self, opened: _Open, raw: Raw) -> None:
        opened.citations.append(raw)
        citation = decode_citation(raw)
        if citation is None:
            opened.strange = True
        else:
            self._events.append(ir.Attach(0, opened.part, citation))

    def _close_block(self, index: int) -> None:
        opened = self._open.pop(index, None)
        if opened is None:
            return
        if opened.part == self._text_part:
            self._text_start = b""
        if opened.strange:
            self._extras[f"/content/{opened.part}/citations"] = Raw(encode(opened.citations))
        final: ir.Part | None = None
        if opened.kind == "opaque":
            final = _whole(opened)
        elif opened.kind == "tool_use":
            self._close_call(opened)
        self._events.append(ir.PartEnd(0, opened.part, final))

    def _close_call(self, opened: _Open) -> None:
        """Arguments may stand in the start of the block alone; a call without any has `{}`."""
        start = opened.raw
        text = "".join(opened.arguments)
        if not opened.written:
            text = bytes(start).decode() if start is not EMPTY and first_byte(start) == 123 else "{}"
        if opened.custom:
            self._write(opened, unwrap_custom(text))
        elif not opened.written:
            self._write(opened, text)

    def _end(self) -> None:
        if self._done:
            return
        for index in list(self._open):
            self._close_block(index)
        delta = self._stop
        if delta is not None and delta.stop_reason is not None:
            stop = decode_stop(delta.stop_reason, delta.stop_sequence, delta.stop_details, called=self._called)
        else:
            stop = ir.StopReason(kind="tool_use" if self._called else "stop")
        self._events.append(ir.Finish(0, stop))
        self._events.append(ir.End(self._extras))
        self._done = True
        self._text_start = b""

    def _fail(self, fault: ir.Fault) -> None:
        if self._done:
            return
        self._events.append(ir.Failed(fault))
        self._done = True
        self._text_start = b""

    _handlers: ClassVar[dict[str, Callable[["AnthropicStreamDecoder", schema.StreamEvent], None]]] = {
        "message_start": _on_message_start,
        "content_block_start": _on_block_start,
        "content_block_stop": _on_block_stop,
        "message_delta": _on_message_delta,
        "message_stop": _on_message_stop,
        "ping": _on_ping,
        "error": _on_error,
    }
    _starters: ClassVar[dict[str, Callable[["AnthropicStreamDecoder", _Open, _BlockStart], None]]] = {
        "text": _start_text,
        "thinking": _start_thinking,
        "redacted_thinking": _start_redacted,
        "tool_use": _start_call,
    }


def _whole(opened: _Open) -> ir.Part | None:
    """An opaque block as the whole answer would show it."""
    raw = opened.raw
    if opened.written:
        text = "".join(opened.arguments).encode()
        try:
            fields(text)
        except WireError:
            return None
        raw = Raw(encode({**fields(raw), "input": Raw(text)}))
    return decode_opaque(raw, f"/content/{opened.part}")
