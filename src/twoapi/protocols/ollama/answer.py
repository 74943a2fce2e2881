"""An answer to events, line by line; a whole answer is one line."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.free_text import unwrap_custom
from twoapi.protocols.ollama import schema_answer as wire
from twoapi.protocols.ollama.call_ids import made_id
from twoapi.protocols.ollama.faults import hidden_fault
from twoapi.protocols.ollama.name import NAME
from twoapi.protocols.times import seconds
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.strict import strict

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(strict(wire.Line)).decode
_decode_lenient = json.decoder(wire.Line)
_decode_logprobs = msgspec.json.Decoder(list[wire.TokenLogprob]).decode
_STOPS: dict[str, StopKind] = {"stop": "stop", "length": "max_tokens"}
_COUNTERS = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)
_MOST_EXTRAS = 64  # members that nobody knows, of one answer
_MOST_CALLS = 1024


class Answer:
    """Takes the lines of one answer. `done`: the terminal event has been given."""

    __slots__ = ("_calls", "_extras", "_part", "_restore", "_running", "_seed", "_started", "done")

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self._extras: dict[str, Raw] = {}
        self._started = False
        self._part = -1  # the last one that has started
        self._running: type[ir.Part] | None = None  # what it is, while it is open
        self._seed = ""  # tells this answer from others
        self._calls = 0
        self.done = False

    def take(self, line: bytes, events: list[ir.Event]) -> None:
        """Adds the events of one line."""
        told = self._read(line, events)
        if told is None:
            return
        fault = hidden_fault(told.error)
        if fault is not None:
            self.fail(fault, events)
            return
        if not self._started:
            self._start(told, events)
        if told.message is not None:
            self._message(told, told.message, events)
        if told.done and not self.done:
            self._end(told, events)

    def fail(self, fault: ir.Fault, events: list[ir.Event]) -> None:
        """Adds the end of an answer that broke off."""
        self.done = True
        events.append(ir.Failed(fault))

    def _read(self, line: bytes, events: list[ir.Event]) -> wire.Line | None:
        try:
            return _decode_strict(line)
        except _BAD:
            pass
        try:
            told, unknown = _decode_lenient(line), json.unknown_fields(line, wire.Line)
        except WireError as error:
            self.fail(broken(f"the upstream's answer cannot be read: {error.message}"), events)
            return None
        for pointer, value in unknown.items():
            if len(self._extras) < _MOST_EXTRAS:
                self._extras[pointer] = value
        return told

    def _start(self, told: wire.Line, events: list[ir.Event]) -> None:
        self._started = True
        self._seed = told.created_at or ""
        events.append(ir.Start(id="", model=told.model or "", created=seconds(told.created_at), protocol=NAME))

    def _message(self, told: wire.Line, message: wire.Message, events: list[ir.Event]) -> None:
        if message.thinking:
            self._say(ir.Reasoning, message.thinking, "thinking", events)
        if message.content:
            self._say(ir.Text, message.content, "content", events)
        if not json.is_null(told.logprobs):
            self._logprobs(told.logprobs, events)
        for call in message.tool_calls or ():
            if self._calls >= _MOST_CALLS:
                self.fail(broken("the upstream's answer has too many calls"), events)
                return
            self._call(call, events)

    def _say(self, kind: type[ir.Text | ir.Reasoning], text: str, field: str, events: list[ir.Event]) -> None:
        if self._running is not kind:
            self._begin(kind(at=f"/message/{field}"), events)
            self._running = kind
        events.append(ir.Delta(0, self._part, text))

    def _begin(self, header: ir.Part, events: list[ir.Event]) -> None:
        self._end_running(events)
        self._part += 1
        events.append(ir.PartStart(0, self._part, header))

    def _end_running(self, events: list[ir.Event]) -> None:
        if self._running is not None:
            self._running = None
            events.append(ir.PartEnd(0, self._part))

    def _logprobs(self, raw: Raw, events: list[ir.Event]) -> None:
        tokens = _tokens(raw)
        if tokens and self._running is ir.Text:
            events.append(ir.Attach(0, self._part, tokens))
        elif bytes(raw) != b"[]" and len(self._extras) < _MOST_EXTRAS:
            self._extras["/logprobs"] = raw

    def _call(self, call: wire.ToolCall, events: list[ir.Event]) -> None:
        """A call, which comes whole."""
        function = call.function or wire.Function()
        name = self._restore.names.get(function.name or "", function.name or "")
        arguments = arguments_text(function.arguments)
        header = ir.ToolCall(
            id=call.id or made_id(self._seed, self._calls), name=name, at=f"/message/tool_calls/{self._calls}"
        )
        if name in self._restore.custom:
            header.kind = "custom"
            arguments = unwrap_custom(arguments)
        self._calls += 1
        self._begin(header, events)
        if arguments:
            events.append(ir.Delta(0, self._part, arguments))
        events.append(ir.PartEnd(0, self._part))

    def _end(self, told: wire.Line, events: list[ir.Event]) -> None:
        self._end_running(events)
        usage = usage_of(told)
        if usage is not None:
            events.append(ir.UsageUpdate(usage))
        word = told.done_reason
        kind = _STOPS.get(word, "other") if word else "stop"
        if self._calls and kind != "max_tokens":
            kind = "tool_use"  # the vendor says "stop"
        self.done = True
        events += [ir.Finish(0, ir.StopReason(kind=kind, raw=word)), ir.End(self._extras)]


def usage_of(told: wire.Line) -> ir.Usage | None:
    """The counters of the last line. The prompt's is left out where all of it was cached: then it is not known."""
    counters = {name: value for name in _COUNTERS if (value := getattr(told, name)) is not None}
    if not counters:
        return None
    return ir.Usage(input=told.prompt_eval_count, output=told.eval_count, raw=Raw(json.encode(counters)))


def arguments_text(arguments: Raw) -> str:
    """The arguments as compact JSON text; those that a server gives as a string, as they are."""
    if json.is_null(arguments):
        return ""
    if json.first_byte(arguments) == 34:
        return json.string(arguments)
    text = bytes(arguments).decode("utf-8", "replace")
    return msgspec.json.format(text, indent=-1) if " " in text or "\n" in text else text


def _tokens(raw: Raw) -> list[ir.TokenLogprob] | None:
    try:
        found = _decode_logprobs(raw)
    except _BAD:
        return None
    return [
        ir.TokenLogprob(
            one.token,
            one.logprob,
            one.bytes,
            tuple(ir.TokenLogprob(top.token, top.logprob, top.bytes) for top in one.top_logprobs or ()),
        )
        for one in found
    ]
