"""The bytes of an upstream's stream to events."""

import base64
import binascii
from collections.abc import Callable
from typing import ClassVar

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Restore
from twoapi.protocols.bedrock_converse import schema_answer as wire
from twoapi.protocols.bedrock_converse.answer import (
    CONTENT,
    SERVER_TOOL,
    breakdown,
    call_of,
    decode_stop,
    decode_usage,
    image_of,
    is_asked,
    server_call,
    server_result,
)
from twoapi.protocols.bedrock_converse.citations import decode_citation
from twoapi.protocols.bedrock_converse.faults import stream_fault
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.bedrock_converse.state import redacted, signature
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.free_text import unwrap_custom
from twoapi.wire.errors import WireError
from twoapi.wire.eventstream import EventMessage, EventStreamReader
from twoapi.wire.json import EMPTY, decoder, encode, escape, fields, is_null, is_object

_decode_delta = decoder(wire.BlockDelta)
_decode_start = decoder(wire.BlockStart)
_decode_block_stop = decoder(wire.BlockStop)
_decode_stop = decoder(wire.MessageStop)
_decode_metadata = decoder(wire.Metadata)


class _Open:
    """A block that is open on the wire, and the part that it becomes."""

    __slots__ = ("call", "citations", "header", "image", "part", "pieces", "result", "sealed", "signed", "strange")

    def __init__(self, part: int, header: ir.Part) -> None:
        self.part = part
        self.header = header
        self.call: wire.ToolUse | None = None
        self.result = EMPTY  # the beginning of a result of the service's own tool
        self.image: wire.Image | None = None
        self.pieces: list[str] = []  # arguments of a call
        self.sealed: list[str] = []  # base64 of redacted reasoning or of an image, piece by piece
        self.signed: list[str] = []
        self.citations: list[Raw] = []
        self.strange = False  # a citation of an unknown kind is among them


class ConverseStreamDecoder:
    """Decodes one streamed answer. Its end is held back until the usage has come, which is told after the stop."""

    __slots__ = (
        "_called",
        "_done",
        "_events",
        "_extras",
        "_model_fields",
        "_next",
        "_open",
        "_reader",
        "_reason",
        "_restore",
        "_started",
    )

    def __init__(self, restore: Restore) -> None:
        self._reader = EventStreamReader()
        self._restore = restore
        self._events: list[ir.Event] = []
        self._open: dict[int, _Open] = {}
        self._next = 0
        self._started = False
        self._done = False
        self._called = False
        self._reason: str | None = None  # once the stop has come
        self._model_fields = EMPTY
        self._extras: dict[str, Raw] = {}

    def feed(self, data: bytes) -> list[ir.Event]:
        """The events that these bytes complete."""
        if self._done:
            return []
        for message in self._reader.feed(data):
            if not self._done:
                self._read(message)
        self._check_reader()
        return self._taken()

    def close(self) -> list[ir.Event]:
        """What is left when the connection ended: an answer whose stop reason came is complete."""
        if self._done:
            return []
        self._reader.close()
        self._check_reader()
        if self._reason is not None:
            self._end()
        else:
            self._fail(broken("the upstream's stream ended before the answer did", "stream_truncated"))
        return self._taken()

    def _taken(self) -> list[ir.Event]:
        events, self._events = self._events, []
        return events

    def _check_reader(self) -> None:
        problem = self._reader.broken
        if problem is not None:
            self._fail(broken(f"the upstream's stream is broken: {problem.message}"))

    def _read(self, message: EventMessage) -> None:
        fault = stream_fault(message)
        if fault is not None:
            self._fail(fault)
            return
        handler = self._handlers.get(message.header(":event-type"))
        if handler is None:
            return  # of a later release
        try:
            self._ensure_started()
            handler(self, message.payload)
        except WireError as error:
            self._fail(broken(f"the upstream's stream is broken: {error.message}"))

    # --- one method per event

    def _on_message_start(self, _: bytes) -> None:
        """It says nothing but that the answer begins."""

    def _on_block_start(self, payload: bytes) -> None:
        event = _decode_start(payload)
        start = event.start
        if start is None:
            return
        if start.tool_use is not None:
            self._begin_call(event.content_block_index, start.tool_use)
        elif start.image is not None:
            opened = self._begin(event.content_block_index, image_of(start.image, "", self._at()))
            opened.image = start.image
        elif start.tool_result is not EMPTY:
            header = server_result(start.tool_result, self._at())
            self._begin(event.content_block_index, header).result = start.tool_result

    def _on_block_delta(self, payload: bytes) -> None:
        event = _decode_delta(payload)
        index, delta = event.content_block_index, event.delta
        if delta is None:
            return
        if delta.text is not None:
            self._write(self._block(index, ir.Text), delta.text)
        elif delta.reasoning_content is not None:
            self._on_reasoning(index, delta.reasoning_content)
        elif delta.tool_use is not None:
            self._on_input(index, delta.tool_use.input)
        elif delta.citation is not EMPTY:
            self._on_citation(index, delta.citation)
        else:
            self._on_rest(index, delta, payload)

    def _on_reasoning(self, index: int, delta: wire.ReasoningDelta) -> None:
        hidden = delta.redacted_content is not None
        opened = self._block(index, ir.Reasoning, hidden=hidden)
        if delta.redacted_content is not None:
            opened.sealed.append(delta.redacted_content)
        elif delta.signature is not None:
            opened.signed.append(delta.signature)
        elif delta.text is not None:
            self._write(opened, delta.text)

    def _on_input(self, index: int, text: str) -> None:
        opened = self._open.get(index)
        if opened is None or opened.call is None:
            self._fail(broken("the upstream sent a call's input without the start of a call"))
            return
        opened.pieces.append(text)
        header = opened.header
        if isinstance(header, ir.ToolCall) and header.kind == "function":
            self._write(opened, text)

    def _on_citation(self, index: int, raw: Raw) -> None:
        opened = self._block(index, ir.Text)
        opened.citations.append(raw)
        citation = decode_citation(raw)
        if citation is None:
            opened.strange = True
        else:
            self._events.append(ir.Attach(0, opened.part, citation))

    def _on_rest(self, index: int, delta: wire.Delta, payload: bytes) -> None:
        """Of images and of results of the service's own tools, whose blocks have begun; all else is not known."""
        opened = self._open.get(index)
        if delta.image is not None:
            if opened is not None and opened.image is not None and delta.image.source is not None:
                opened.sealed.append(delta.image.source.bytes)
        elif delta.tool_result is not None:
            if opened is not None and opened.result is not EMPTY:
                opened.pieces += [bytes(one).decode("utf-8", "replace") for one in delta.tool_result]
        else:
            strange = fields(fields(payload)["delta"])
            self._extras |= {f"{CONTENT}/{index}/{escape(name)}": raw for name, raw in strange.items()}

    def _on_block_stop(self, payload: bytes) -> None:
        self._close_block(_decode_block_stop(payload).content_block_index)

    def _on_message_stop(self, payload: bytes) -> None:
        event = _decode_stop(payload)
        fault = breakdown(event.stop_reason)
        if fault is not None:
            self._fail(fault)
            return
        self._reason = event.stop_reason or ""
        self._model_fields = event.additional_model_response_fields
        if not is_null(self._model_fields) and not is_asked(self._model_fields, self._restore):
            self._extras["/additionalModelResponseFields"] = self._model_fields

    def _on_metadata(self, payload: bytes) -> None:
        event = _decode_metadata(payload)
        for name, value in (
            ("metrics", event.metrics),
            ("trace", event.trace),
            ("performanceConfig", event.performance_config),
            ("serviceTier", event.service_tier),  # told when the answer has long begun
        ):
            if not is_null(value):
                self._extras[f"/{name}"] = value
        if event.usage is not None:
            self._events.append(ir.UsageUpdate(decode_usage(event.usage)))
        if self._reason is not None:
            self._end()

    # --- parts

    def _ensure_started(self) -> None:
        if not self._started:
            self._started = True
            self._events.append(ir.Start(id="", model="", protocol=NAME))

    def _at(self) -> str:
        return f"{CONTENT}/{self._next}"

    def _begin(self, index: int, header: ir.Part) -> _Open:
        self._close_block(index)
        opened = self._open[index] = _Open(self._next, header)
        self._next += 1
        self._events.append(ir.PartStart(0, opened.part, header))
        return opened

    def _begin_call(self, index: int, call: wire.ToolUse) -> None:
        if call.type == SERVER_TOOL:
            opened = self._begin(index, server_call(call, Raw(b"{}"), self._at()))
        else:
            self._called = True
            opened = self._begin(index, call_of(call, self._restore, self._at()))
        opened.call = call

    def _block(self, index: int, kind: type[ir.Text | ir.Reasoning], *, hidden: bool = False) -> _Open:
        """The open block of this kind; text and reasoning begin without being announced."""
        opened = self._open.get(index)
        if opened is not None and type(opened.header) is kind:
            return opened
        if kind is ir.Text:
            return self._begin(index, ir.Text(at=self._at()))
        return self._begin(index, ir.Reasoning(form="hidden" if hidden else "full", at=self._at()))

    def _write(self, opened: _Open, text: str) -> None:
        if text:
            self._events.append(ir.Delta(0, opened.part, text))

    def _close_block(self, index: int) -> None:
        opened = self._open.pop(index, None)
        if opened is None:
            return
        final: ir.Part | None = None
        if opened.call is not None:
            final = self._close_call(opened, opened.call)
        elif opened.image is not None:
            data = _joined(opened.sealed)
            if data:
                self._events.append(ir.Delta(0, opened.part, data, "data"))
        elif opened.result is not EMPTY:
            content = Raw(f"[{','.join(opened.pieces)}]".encode())
            final = server_result(Raw(encode({**fields(opened.result), "content": content})), opened.header.at)
        if type(opened.header) is ir.Reasoning:
            self._seal(opened)
        if opened.strange:
            self._extras[f"{opened.header.at}/citationsContent/citations"] = Raw(encode(opened.citations))
        self._events.append(ir.PartEnd(0, opened.part, final))

    def _close_call(self, opened: _Open, call: wire.ToolUse) -> ir.Part | None:
        """A call without any arguments has `{}`."""
        text = "".join(opened.pieces)
        header = opened.header
        if not isinstance(header, ir.ToolCall):
            return server_call(call, Raw(text) if is_object(text) else Raw(b"{}"), header.at)
        if header.kind == "custom":
            self._write(opened, unwrap_custom(text))
        elif not text:
            self._write(opened, "{}")
        return None

    def _seal(self, opened: _Open) -> None:
        if opened.sealed:
            self._events.append(ir.Attach(0, opened.part, redacted(_joined(opened.sealed))))
        if opened.signed and (signed := "".join(opened.signed)):
            self._events.append(ir.Attach(0, opened.part, signature(signed)))

    def _end(self) -> None:
        if self._done:
            return
        try:
            for index in list(self._open):
                self._close_block(index)
        except WireError as error:
            self._fail(broken(f"the upstream's stream is broken: {error.message}"))
            return
        self._events.append(
            ir.Finish(0, decode_stop(self._reason or "", self._model_fields, self._restore, called=self._called))
        )
        self._events.append(ir.End(self._extras))
        self._done = True

    def _fail(self, fault: ir.Fault) -> None:
        if not self._done:
            self._events.append(ir.Failed(fault))
            self._done = True

    _handlers: ClassVar[dict[str, Callable[["ConverseStreamDecoder", bytes], None]]] = {
        "messageStart": _on_message_start,
        "contentBlockStart": _on_block_start,
        "contentBlockDelta": _on_block_delta,
        "contentBlockStop": _on_block_stop,
        "messageStop": _on_message_stop,
        "metadata": _on_metadata,
    }


def _joined(pieces: list[str]) -> str:
    """Base64 that came in pieces, each of which may have its own padding."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode()
    except (binascii.Error, ValueError):
        return "".join(pieces)
