"""Events to a client's stream: one block open at a time, indices without gaps, one terminal."""

from collections.abc import Callable
from typing import ClassVar

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import asdict

from twoapi import ir
from twoapi.protocols.anthropic_messages.answer_blocks import CUT_OFF, MAX_CALL_ID, Wire, broken_call
from twoapi.protocols.anthropic_messages.citations import encode_citation
from twoapi.protocols.anthropic_messages.envelope import native_redacted, native_signature
from twoapi.protocols.anthropic_messages.faults import encode_error, upstream_fault
from twoapi.protocols.anthropic_messages.response import report_absent
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.anthropic_messages.usage import encode_stop, encode_usage, stop_details
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.places import candidate_place
from twoapi.wire.json import encode, fields, is_object

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
_TEXT = _DELTA + b'{"type":"text_delta","text":'
_THINKING = _DELTA + b'{"type":"thinking_delta","thinking":'
_INPUT = _DELTA + b'{"type":"input_json_delta","partial_json":'
_SIGNATURE = _DELTA + b'{"type":"signature_delta","signature":'
_CITATION = _DELTA + b'{"type":"citations_delta","citation":'
_END = b"}}\n\n"
_Delta = ir.Delta
_EXTRA_PLACES = ("context_management", "input_transformations")  # members of the message_delta event itself


def error_frame(fault: ir.Fault, request_id: str | None) -> bytes:
    """The event that ends a stream which cannot go on."""
    return b"event: error\ndata: " + encode_error(fault, request_id) + b"\n\n"


class _Block:
    """A part on its way to the wire. It is opened with its first content, since only that tells its type."""

    __slots__ = ("arguments", "chunk", "ended", "header", "held", "index", "late", "opened", "waiting", "written")

    def __init__(self, header: ir.Part) -> None:
        self.header = header
        self.index = -1  # the block's index once it has one
        self.opened = False
        self.ended = False
        self.written = False
        self.held = False  # its stop waits for the reason to stop, which tells whether broken arguments were cut off
        self.arguments: list[str] = []  # of a call, as far as they are told
        self.chunk = b""  # the beginning of each delta frame
        self.waiting: list[ir.Delta | ir.Attach | ir.PartEnd] = []  # what came while another part was open
        self.late: list[ir.Opaque] = list(header.opaque)  # sealed state, told at the end of the block


class AnthropicStreamEncoder:
    """Encodes one streamed answer."""

    __slots__ = (
        "_called",
        "_context",
        "_current",
        "_done",
        "_hot",
        "_hot_chunk",
        "_losses",
        "_next",
        "_parts",
        "_protocol",
        "_queue",
        "_refused",
        "_reported",
        "_started",
        "_stop",
        "_tier",
        "_usage",
    )

    def __init__(self, context: AnswerContext, losses: list[ir.Loss]) -> None:
        self._context = context
        self._losses = losses
        self._parts: dict[int, _Block] = {}
        self._queue: list[_Block] = []
        self._current: _Block | None = None
        self._next = 0
        self._started = False
        self._done = False
        self._hot = -1  # the part that streams text now, once its block is open
        self._hot_chunk = b""
        self._called = False
        self._refused = False
        self._reported: set[str] = set()
        self._protocol = ""
        self._stop: ir.StopReason | None = None
        self._usage: ir.Usage | None = None
        self._tier: str | None = None

    def feed(self, events: list[ir.Event]) -> bytes:
        """The bytes of these events."""
        if len(events) == 1:  # most often more of the open text
            event = events[0]
            if type(event) is _Delta and event.part == self._hot and not event.candidate:
                return self._hot_chunk + encode(event.text) + _END
        encoders = self._encoders
        out = [made for event in events if not self._done and (made := encoders[type(event)](self, event))]
        return out[0] if len(out) == 1 else b"".join(out)

    def close(self) -> bytes:
        """The error that ends a stream which nothing else ended."""
        if self._done:
            return b""
        return self._fail(upstream_fault("the answer broke off", "stream_truncated"))

    def keep_alive(self) -> bytes:
        """A ping, once the message has begun."""
        return PING if self._started and not self._done else b""

    # --- one method per event

    def _on_start(self, event: ir.Start) -> bytes:
        if self._started:
            return b""
        self._protocol = event.protocol
        self._tier = event.tier
        self._usage = event.usage
        native = event.protocol == NAME and event.id
        return self._begin(event.id if native else f"msg_{self._context.id}", event.model)

    def _begin(self, message_id: str, model: str) -> bytes:
        self._started = True
        message: Wire = {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": model or self._context.request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": encode_usage(self._usage, self._tier),
        }
        return b"event: message_start\ndata: " + encode({"type": "message_start", "message": message}) + b"\n\n"

    def _on_delta(self, event: ir.Delta) -> bytes:
        if event.candidate:
            return self._skip_candidate(event.candidate)
        block = self._parts.get(event.part)
        if block is None or block.ended:
            return b""
        if block is not self._current:
            block.waiting.append(event)
            return b""
        if block.opened and block.chunk and type(block.header) is not ir.ToolCall:
            self._hot, self._hot_chunk = event.part, block.chunk
            return block.chunk + encode(event.text) + _END
        return self._write(block, event)

    def _on_part_start(self, event: ir.PartStart) -> bytes:
        if event.candidate:
            return self._skip_candidate(event.candidate)
        opening = b"" if self._started else self._begin(f"msg_{self._context.id}", "")
        if event.part in self._parts:
            return opening
        block = self._parts[event.part] = _Block(event.header)
        if self._current is None:
            self._current = block
            return opening + self._start_body(block)
        self._queue.append(block)
        return opening

    def _start_body(self, block: _Block) -> bytes:
        """What the header itself already says."""
        header = block.header
        if type(header) is ir.ToolCall:
            return self._open_call(block, header)
        if isinstance(header, ir.Text | ir.Refusal | ir.Reasoning) and header.text:
            return self._write(block, ir.Delta(0, 0, ir.plain(header.text)))
        return b""

    def _on_attach(self, event: ir.Attach) -> bytes:
        if event.candidate:
            return self._skip_candidate(event.candidate)
        block = self._parts.get(event.part)
        if block is None or block.ended:
            return b""
        if block is not self._current:
            block.waiting.append(event)
            return b""
        return self._attach(block, event)

    def _on_part_end(self, event: ir.PartEnd) -> bytes:
        if event.candidate:
            return self._skip_candidate(event.candidate)
        block = self._parts.get(event.part)
        if block is None or block.ended:
            return b""
        block.ended = True
        self._hot = -1
        if block is not self._current:
            block.waiting.append(event)
            return b""
        ended = self._end_block(block, event)
        return ended if block.held else ended + self._go_on()

    def _on_usage(self, event: ir.UsageUpdate) -> bytes:
        self._usage = event.usage
        return b""

    def _on_finish(self, event: ir.Finish) -> bytes:
        if event.candidate:
            return self._skip_candidate(event.candidate)
        self._stop = event.stop
        return b""

    def _on_end(self, event: ir.End) -> bytes:
        out = b"" if self._started else self._begin(f"msg_{self._context.id}", "")
        stop = self._stop or ir.StopReason(kind="other")
        out += self._flush(stop.kind in CUT_OFF)
        if self._current is not None:
            return out + self._fail(broken_call())
        if stop.kind in ("malformed_call", "cancelled"):
            return out + self._fail(upstream_fault(f"the model's answer broke off: {stop.raw or stop.kind}"))
        self._done = True
        return out + self._message_delta(stop, event.extras) + _STOP

    def _message_delta(self, stop: ir.StopReason, extras: dict[str, Raw]) -> bytes:
        native = self._protocol == NAME
        word = encode_stop(stop, native=native, called=self._called, refused=self._refused)
        delta: Wire = {"stop_reason": word, "stop_sequence": stop.sequence if word == "stop_sequence" else None}
        details = stop_details(stop, word, native=native)
        if details is not None:
            delta["stop_details"] = details
        usage = {name: value for name, value in asdict(encode_usage(self._usage)).items() if value is not UNSET}
        report_absent(self._usage, self._losses)
        event: Wire = {"type": "message_delta", "delta": delta, "usage": usage}
        for pointer, value in extras.items():
            head, _, rest = pointer[1:].partition("/")
            if native and head == "usage" and rest and "/" not in rest:
                usage[rest] = value
            elif native and not rest and head in _EXTRA_PLACES:
                event[head] = value
            elif native and head == "container" and not rest:
                delta[head] = value
            else:
                self._losses.append(ir.Loss(pointer, "dropped", NAME, "has no place in a stream"))
        return b"event: message_delta\ndata: " + encode(event) + b"\n\n"

    def _on_failed(self, event: ir.Failed) -> bytes:
        return self._fail(event.fault)

    def _on_keep_alive(self, _: ir.KeepAlive) -> bytes:
        return self.keep_alive()

    def _fail(self, fault: ir.Fault) -> bytes:
        self._done = True
        self._hot = -1
        return error_frame(fault, self._context.id)

    def _skip_candidate(self, candidate: int) -> bytes:
        key = candidate_place(self._protocol, candidate)
        if key not in self._reported:
            self._reported.add(key)
            self._losses.append(ir.Loss(key, "dropped", NAME, "this protocol has one answer"))
        return b""

    # --- blocks

    def _go_on(self) -> bytes:
        """Brings the parts that waited: each whole one, then the first that is still open."""
        out = []
        self._current = None
        while self._queue:
            block = self._queue.pop(0)
            self._current = block
            out.append(self._start_body(block))
            out.append(self._replay(block))
            if not block.ended or block.held:
                break
            self._current = None
        return b"".join(out)

    def _replay(self, block: _Block) -> bytes:
        out = []
        for event in block.waiting:
            if isinstance(event, ir.Delta):
                out.append(self._write(block, event))
            elif isinstance(event, ir.Attach):
                out.append(self._attach(block, event))
            else:
                out.append(self._end_block(block, event))
        block.waiting.clear()
        return b"".join(out)

    def _flush(self, cut_off: bool) -> bytes:  # noqa: FBT001
        """Ends whatever part was never ended. Stops at a call with broken arguments that were not cut off."""
        self._hot = -1
        out: list[bytes] = []
        while self._current is not None:
            block = self._current
            block.ended = True
            out.append(self._end_block(block, ir.PartEnd(0, 0), cut_off=cut_off))
            if block.held and not cut_off:
                break
            out.append(self._go_on())
        return b"".join(out)

    def _write(self, block: _Block, event: ir.Delta) -> bytes:
        if not event.text or event.field != "body":
            return b""
        header = block.header
        opening = b""
        if not block.opened:
            opening = self._open_for(block)
            if not block.opened:
                return opening
        if type(header) is ir.ToolCall and header.kind == "custom":
            # {"input":"..."} in pieces: the text's JSON spelling without its quotes.
            start = "" if block.written else '{"input":"'
            block.written = True
            return opening + block.chunk + encode(start + encode(event.text)[1:-1].decode()) + _END
        if type(header) is ir.ToolCall:
            block.arguments.append(event.text)
        block.written = True
        return opening + block.chunk + encode(event.text) + _END

    def _open_for(self, block: _Block) -> bytes:
        """Opens the block of a part that has text."""
        header = block.header
        if type(header) is ir.Reasoning:
            return self._open(block, {"type": "thinking", "thinking": "", "signature": ""}, _THINKING)
        if type(header) is ir.Refusal:
            self._refused = True
            return self._open(block, {"type": "text", "text": ""}, _TEXT)
        if type(header) is ir.Text:
            return self._open(block, {"type": "text", "text": ""}, _TEXT)
        return b""

    def _open_call(self, block: _Block, header: ir.ToolCall) -> bytes:
        self._called = True
        call_id = encode_call_id(header.id, MAX_CALL_ID)
        wire: Wire = {"type": "tool_use", "id": call_id, "name": header.name, "input": {}}
        out = self._open(block, wire, _INPUT)
        return out + self._write(block, ir.Delta(0, 0, header.arguments))

    def _open(self, block: _Block, wire: object, chunk: bytes) -> bytes:
        block.index = self._next
        self._next += 1
        block.opened = True
        block.chunk = chunk % block.index if chunk else b""
        event = {"type": "content_block_start", "index": block.index, "content_block": wire}
        return b"event: content_block_start\ndata: " + encode(event) + b"\n\n"

    def _attach(self, block: _Block, event: ir.Attach) -> bytes:
        item = event.item
        if isinstance(item, ir.Opaque):
            block.late.append(item)
            return b""
        if isinstance(item, ir.Citation) and type(block.header) is ir.Text:
            opening = b"" if block.opened else self._open_for(block)
            if item.start is not None or item.end is not None:
                self._report("approximated", block, "a citation of a span holds for the whole block")
            return opening + _CITATION % block.index + encode(encode_citation(item)) + _END
        self._report("dropped", block, "log probabilities")
        return b""

    def _end_block(self, block: _Block, event: ir.PartEnd, *, cut_off: bool = False) -> bytes:
        header = block.header
        if type(header) is ir.ToolCall and not cut_off and self._is_broken(block, header):
            block.held = True
            return b""
        out = b""
        if type(header) is ir.ToolCall:
            out = self._end_call(block, header)
        elif type(header) is ir.Reasoning:
            out = self._end_reasoning(block, header)
        elif isinstance(header, ir.ServerTool | ir.Unknown) and header.protocol == NAME:
            final = event.final
            out = self._whole_block(block, final.raw if isinstance(final, ir.ServerTool | ir.Unknown) else header.raw)
        elif not isinstance(header, ir.Text | ir.Refusal):
            self._report("dropped", block, f"{type(header).__name__} in an answer")
        if block.late and type(header) is not ir.Reasoning and not self._context.kept:
            self._report("reasoning_foreign", block, "sealed state has no place here")
        if type(header) is ir.Text:
            for citation in header.citations:
                out += self._attach(block, ir.Attach(0, 0, citation))
        self._current = None
        if not block.opened:
            return out
        return out + b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % block.index

    def _is_broken(self, block: _Block, header: ir.ToolCall) -> bool:
        """True for arguments that are no object, which clients would mend or run with nothing."""
        return (
            block.written
            and header.kind == "function"
            and self._protocol != NAME
            and not is_object("".join(block.arguments))
        )

    def _end_call(self, block: _Block, header: ir.ToolCall) -> bytes:
        if header.kind == "custom":
            rest = '"}' if block.written else '{"input":""}'
        elif block.written:
            return b""
        else:
            rest = "{}"
        return block.chunk + encode(rest) + _END

    def _end_reasoning(self, block: _Block, header: ir.Reasoning) -> bytes:
        """The signature comes once, at the end; sealed reasoning without text is a block of its own kind."""
        sealed = msgspec.structs.replace(header, opaque=tuple(block.late))
        redacted = native_redacted(sealed)
        if redacted is not None and not block.opened:
            return self._open(block, {"type": "redacted_thinking", "data": redacted}, b"")
        signature = native_signature(sealed)
        if signature is None:
            if not block.opened and not block.late:
                return b""
            signature = "" if self._protocol == NAME else self._context.sealer.seal(sealed.opaque, self._protocol)
        opening = b"" if block.opened else self._open_for(block)
        return opening + (_SIGNATURE % block.index + encode(signature) + _END if signature else b"")

    def _whole_block(self, block: _Block, raw: Raw) -> bytes:
        """A block of the vendor's own: its input goes as a delta, as on the real service."""
        members = fields(raw)
        given = members.get("input")
        if given is None or "tool_use_id" in members:
            return self._open(block, raw, b"")
        out = self._open(block, {**members, "input": {}}, _INPUT)
        return out + block.chunk + encode(bytes(given).decode()) + _END

    def _report(self, kind: ir.LossKind, block: _Block, detail: str) -> None:
        path = block.header.at
        if f"{path} {detail}" not in self._reported:
            self._reported.add(f"{path} {detail}")
            self._losses.append(ir.Loss(path, kind, NAME, detail))

    _encoders: ClassVar[dict[type, Callable[..., bytes]]] = {
        ir.Start: _on_start,
        ir.PartStart: _on_part_start,
        ir.Delta: _on_delta,
        ir.Attach: _on_attach,
        ir.PartEnd: _on_part_end,
        ir.UsageUpdate: _on_usage,
        ir.Finish: _on_finish,
        ir.End: _on_end,
        ir.Failed: _on_failed,
        ir.KeepAlive: _on_keep_alive,
    }
