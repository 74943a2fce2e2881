"""A streamed answer for a client of this protocol: templates per choice, so that a delta is one concatenation."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Attach,
    Citation,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    KeepAlive,
    Loss,
    Media,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    Start,
    StopReason,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
)
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.encode_answer import (
    annotations,
    answer_id,
    answer_tier,
    client_call_id,
    reasoning_field,
    report_foreign,
    tokens,
)
from twoapi.protocols.openai_chat.faults import error_frame
from twoapi.protocols.openai_chat.name import NAME, broken
from twoapi.protocols.openai_chat.reasoning import carried, encode_details
from twoapi.protocols.openai_chat.stop import encode_stop, refusal_of, report_stop
from twoapi.protocols.openai_chat.usage import encode_usage
from twoapi.wire import json

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"

_NO_USAGE = b'{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}'

_encode = msgspec.json.Encoder().encode


class _Open:
    """A part that has started: what surrounds each of its deltas, and what must be said when it ends."""

    __slots__ = ("begin", "citations", "end", "header", "length", "opaque", "pieces", "silent", "transcript")

    def __init__(self, header: Text | Refusal | Reasoning | ToolCall | Media, begin: bytes, end: bytes) -> None:
        self.header = header
        self.begin = begin
        self.end = end
        self.transcript = b""  # of audio: what stands before a piece of its words
        self.length = 0  # of a text: its code points so far
        self.citations: list[Citation] = []
        self.opaque: list[Opaque] = []
        self.pieces: list[str] = []  # of reasoning: its text, which a seal repeats
        self.silent = True  # of a call: no arguments have been said


class _Choice:
    """What has been said of one candidate."""

    __slots__ = ("called", "calls", "details", "finished", "index", "length", "open", "refused", "thought")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = 0
        self.called = False
        self.details = 0
        self.length = 0  # code points of content so far
        self.finished = False
        self.refused = False
        self.thought: int | None = None  # the last part of reasoning that had words
        self.open: dict[int, _Open] = {}


class ChatStreamEncoder:
    """Encodes one stream. After an error or the end mark it is silent."""

    __slots__ = (
        "_choices",
        "_context",
        "_done",
        "_foot",
        "_head",
        "_hot",
        "_hot_candidate",
        "_hot_part",
        "_losses",
        "_protocol",
        "_usage",
    )

    def __init__(self, context: AnswerContext, losses: list[Loss]) -> None:
        self._context = context
        self._losses = losses
        self._choices: dict[int, _Choice] = {}
        self._done = False
        self._head = b""  # of every chunk, up to its choices
        # A client that asked for usage gets the key in every chunk.
        self._foot = b'}],"usage":null}\n\n' if context.request.include_usage else b"}]}\n\n"
        self._protocol = ""
        self._usage: Usage | None = None
        self._hot: _Open | None = None  # the text that the last call brought a piece of, and which it is
        self._hot_candidate = self._hot_part = -1

    def feed(self, events: list[Event]) -> bytes:
        """The bytes of these events."""
        # Nearly all calls bring one piece of text, and of the same.
        if len(events) == 1 and type(delta := events[0]) is Delta and not self._done:
            hot = self._hot
            if hot is None or delta.part != self._hot_part or delta.candidate != self._hot_candidate:
                hot = self._open_text(delta)
            if hot is not None:
                text = delta.text
                hot.length += len(text)
                return hot.begin + _encode(text) + hot.end
        self._hot = None
        written: list[bytes] = []
        for event in events:
            if self._done:
                break
            _METHODS[type(event)](self, event, written)
        return written[0] if len(written) == 1 else b"".join(written)

    def _open_text(self, delta: Delta) -> _Open | None:
        """The text that this is a piece of; None when it is of something else."""
        choice = self._choices.get(delta.candidate)
        part = None if choice is None else choice.open.get(delta.part)
        self._hot = None if part is None or type(part.header) is not Text else part
        self._hot_candidate, self._hot_part = delta.candidate, delta.part
        return self._hot

    def close(self) -> bytes:
        """The error ending when no terminal event came."""
        if self._done:
            return b""
        self._done = True
        return error_frame(broken("the upstream's stream ended in the middle of the answer"))

    def keep_alive(self) -> bytes:
        """A comment."""
        return b"" if self._done else KEEP_ALIVE

    def _on_start(self, event: Start, _written: list[bytes]) -> None:
        if not self._head:
            self._protocol = event.protocol
            self._usage = event.usage
            self._begin(event)

    def _begin(self, start: Start) -> None:
        context = self._context
        chunk = out.Completion(
            id=answer_id(start.id, start.protocol, context),
            object="chat.completion.chunk",
            created=context.now if start.created is None else start.created,
            model=start.model or context.request.model,
            choices=[],
            service_tier=answer_tier(start.tier, start.protocol, self._losses),
            system_fingerprint=start.fingerprint,
        )
        plain = msgspec.to_builtins(chunk)
        del plain["choices"]
        self._head = b"data: " + _encode(plain)[:-1] + b',"choices":['

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            if not self._head:
                self._begin(Start(id="", model=""))
            choice = self._choices[index] = _Choice(index)
        return choice

    def _frame(self, index: int, delta: bytes, finish: bytes = b"null", logprobs: bytes = b"null") -> bytes:
        return b'%s{"index":%d,"delta":%s,"logprobs":%s,"finish_reason":%s%s' % (
            self._head,
            index,
            delta,
            logprobs,
            finish,
            self._foot,
        )

    def _said(self, choice: _Choice, delta: out.AnswerMessage, written: list[bytes]) -> None:
        written.append(self._frame(choice.index, _encode(delta)))

    def _greet(self, choice: _Choice, written: list[bytes], *, text: bool) -> None:
        """The role comes first, once."""
        content = b'""' if text else b"null"
        written.append(self._frame(choice.index, b'{"role":"assistant","content":%s,"refusal":null}' % content))

    def _on_part_start(self, event: PartStart, written: list[bytes]) -> None:
        known = event.candidate in self._choices
        choice = self._choice(event.candidate)
        if choice.finished or event.part in choice.open:
            return
        header = event.header
        if not known:
            self._greet(choice, written, text=isinstance(header, Text))
        if isinstance(header, Text):
            self._start_text(choice, event.part, header)
        elif isinstance(header, Reasoning):
            field = reasoning_field(header.at, self._protocol)
            part = self._open(choice, event.part, header, b'{"%s":' % field.encode())
            part.opaque += header.opaque
        elif isinstance(header, Refusal):
            choice.refused = True
            self._open(choice, event.part, header, b'{"refusal":')
        elif isinstance(header, ToolCall):
            self._start_call(choice, event.part, header, written)
        elif isinstance(header, Media) and header.kind == "audio":
            part = self._open(choice, event.part, header, b'{"audio":{"data":', b"}}")
            part.transcript = part.begin.replace(b'{"audio":{"data":', b'{"audio":{"transcript":')
            if header.audio_id is not None:
                self._said(choice, out.AnswerMessage(audio=out.Audio(id=header.audio_id)), written)
        else:
            report_foreign(header.at, type(header).__name__, self._losses)

    def _open(
        self,
        choice: _Choice,
        number: int,
        header: Text | Refusal | Reasoning | ToolCall | Media,
        begin: bytes,
        end: bytes = b"}",
    ) -> _Open:
        before = b'%s{"index":%d,"delta":%s' % (self._head, choice.index, begin)
        after = b'%s,"logprobs":null,"finish_reason":null%s' % (end, self._foot)
        part = choice.open[number] = _Open(header, before, after)
        return part

    def _start_text(self, choice: _Choice, number: int, header: Text) -> None:
        if choice.called:
            self._losses.append(Loss(header.at, "reordered", NAME, "text goes before tool calls"))
        if header.opaque:
            self._report_state(header)
        self._open(choice, number, header, b'{"content":')

    def _start_call(self, choice: _Choice, number: int, call: ToolCall, written: list[bytes]) -> None:
        choice.called = True
        if call.opaque:
            self._report_state(call)
        if self._context.request.legacy_functions and call.kind == "function":
            if choice.calls:
                self._losses.append(Loss(call.at, "dropped", NAME, "the deprecated form holds one call"))
                return
            choice.calls = 1
            head = out.AnswerMessage(function_call=out.Function(name=call.name, arguments=""))
            self._said(choice, head, written)
            self._open(choice, number, call, b'{"function_call":{"arguments":', b"}}")
            return
        index = choice.calls
        choice.calls += 1
        key = "input" if call.kind == "custom" else "arguments"
        function = {"name": call.name, key: ""}
        head_call = {
            "index": index,
            "id": client_call_id(call.id, self._protocol),
            "type": call.kind,
            call.kind: function,
        }
        written.append(self._frame(choice.index, _encode({"tool_calls": [head_call]})))
        begin = b'{"tool_calls":[{"index":%d,"%s":{"%s":' % (index, call.kind.encode(), key.encode())
        self._open(choice, number, call, begin, b"}}]}")

    def _on_delta(self, event: Delta, written: list[bytes]) -> None:
        choice = self._choices.get(event.candidate)
        part = None if choice is None else choice.open.get(event.part)
        if part is None or choice is None:
            return
        text = event.text
        header = type(part.header)
        if header is Text:
            part.length += len(text)
        elif header is ToolCall:
            part.silent = False
        elif header is Reasoning:
            if text and not any(part.pieces) and choice.thought is not None and self._protocol != NAME:
                written.append(part.begin + b'"\\n\\n"' + part.end)  # as a whole answer has it between two pieces
            choice.thought = event.part if text else choice.thought
            part.pieces.append(text)
        elif event.field == "transcript":
            written.append(part.transcript + _encode(text) + part.end)
            return
        written.append(part.begin + _encode(text) + part.end)

    def _on_attach(self, event: Attach, written: list[bytes]) -> None:
        choice = self._choices.get(event.candidate)
        part = None if choice is None else choice.open.get(event.part)
        if part is None or choice is None:
            return
        item = event.item
        if isinstance(item, Citation):
            part.citations.append(item)
        elif isinstance(item, Opaque):
            if isinstance(part.header, Reasoning):
                part.opaque.append(item)
            else:
                self._report_state(part.header)
        else:
            found = tokens(item)
            refusal = isinstance(part.header, Refusal)
            both = out.Logprobs(content=None if refusal else found, refusal=found if refusal else None)
            written.append(self._frame(choice.index, b"{}", logprobs=_encode(both)))

    def _report_state(self, part: Part) -> None:
        if not self._context.kept:
            self._losses.append(Loss(part.at, "reasoning_foreign", NAME, "sealed state has no place in this protocol"))

    def _on_part_end(self, event: PartEnd, written: list[bytes]) -> None:
        choice = self._choices.get(event.candidate)
        if choice is None or event.part not in choice.open:
            return
        if isinstance(event.final, Media) and event.final.expires_at is not None:
            self._said(choice, out.AnswerMessage(audio=out.Audio(expires_at=event.final.expires_at)), written)
        self._end_part(choice, event.part, written)

    def _end_part(self, choice: _Choice, number: int, written: list[bytes]) -> None:
        part = choice.open.pop(number)
        header = part.header
        if isinstance(header, Text):
            if part.citations:
                cited = annotations(part.citations, choice.length, part.length, header.at, self._losses)
                if cited:
                    self._said(choice, out.AnswerMessage(annotations=cited), written)
            choice.length += part.length
        elif isinstance(header, Reasoning):
            text = "".join(part.pieces)
            opaque = carried(tuple(part.opaque), text, self._protocol, self._context.sealer)
            details = encode_details(text, header.form, opaque, choice.details)
            if details:
                choice.details += len(details)
                self._said(choice, out.AnswerMessage(reasoning_details=details), written)
        elif isinstance(header, ToolCall) and part.silent and self._protocol != NAME and header.kind == "function":
            # Clients parse arguments as JSON; the vendor itself never sends none.
            written.append(part.begin + b'"{}"' + part.end)

    def _on_usage(self, event: UsageUpdate, _written: list[bytes]) -> None:
        self._usage = event.usage

    def _on_finish(self, event: Finish, written: list[bytes]) -> None:
        self._finish(event.candidate, event.stop, written)

    def _finish(self, index: int, stop: StopReason, written: list[bytes]) -> None:
        known = index in self._choices
        choice = self._choice(index)
        if choice.finished:
            return
        if not known:
            self._greet(choice, written, text=True)
        for number in list(choice.open):
            self._end_part(choice, number, written)
        choice.finished = True
        words = None if choice.refused else refusal_of(stop, self._protocol)
        if words:
            self._said(choice, out.AnswerMessage(refusal=words), written)
        report_stop(stop, self._protocol, index, self._losses)
        word = encode_stop(stop, self._protocol, legacy=self._context.request.legacy_functions)
        written.append(self._frame(index, b"{}", finish=b'"%s"' % word.encode()))

    def _on_end(self, event: End, written: list[bytes]) -> None:
        if not self._choices:
            self._choice(0)
            self._greet(self._choices[0], written, text=True)
        for index, choice in self._choices.items():
            self._finish(index, StopReason(kind="tool_use" if choice.called else "stop"), written)
        extras = dict(event.extras)
        if self._context.request.include_usage:
            self._usage_chunk(extras, written)
        self._losses += [Loss(pointer, "dropped", NAME, "no such field in a stream") for pointer in extras]
        written.append(DONE)
        self._done = True

    def _usage_chunk(self, extras: dict[str, Raw], written: list[bytes]) -> None:
        """The last chunk; what the upstream said of the whole answer goes along to a client of its protocol."""
        usage = encode_usage(self._usage, self._losses, same=self._protocol == NAME)
        told = _NO_USAGE if usage is None else _encode(usage)
        if usage is None:
            # A client that asked waits for this chunk, and its SDK demands numbers.
            self._losses.append(Loss("/usage", "synthesized", NAME, "the upstream told no usage; sent as zeros"))
        members = b""
        if self._protocol == NAME:
            for pointer in [pointer for pointer in extras if pointer.startswith("/usage/")]:
                del extras[pointer]  # it is there
            for pointer in [pointer for pointer in extras if pointer.count("/") == 1]:
                members += b"," + _encode(json.unescape(pointer[1:])) + b":" + bytes(extras.pop(pointer))
        line = (told + members).replace(b"\n", b" ").replace(b"\r", b" ")
        written.append(self._head + b'],"usage":' + line + b"}\n\n")

    def _on_failed(self, event: Failed, written: list[bytes]) -> None:
        written.append(error_frame(event.fault))
        self._done = True

    def _on_keep_alive(self, _event: KeepAlive, written: list[bytes]) -> None:
        written.append(KEEP_ALIVE)


_METHODS: dict[type, Callable[[ChatStreamEncoder, Event, list[bytes]], None]] = {
    Delta: ChatStreamEncoder._on_delta,  # type: ignore[dict-item]  # noqa: SLF001  each takes the type it stands for
    Start: ChatStreamEncoder._on_start,  # type: ignore[dict-item]  # noqa: SLF001
    PartStart: ChatStreamEncoder._on_part_start,  # type: ignore[dict-item]  # noqa: SLF001
    Attach: ChatStreamEncoder._on_attach,  # type: ignore[dict-item]  # noqa: SLF001
    PartEnd: ChatStreamEncoder._on_part_end,  # type: ignore[dict-item]  # noqa: SLF001
    UsageUpdate: ChatStreamEncoder._on_usage,  # type: ignore[dict-item]  # noqa: SLF001
    Finish: ChatStreamEncoder._on_finish,  # type: ignore[dict-item]  # noqa: SLF001
    End: ChatStreamEncoder._on_end,  # type: ignore[dict-item]  # noqa: SLF001
    Failed: ChatStreamEncoder._on_failed,  # type: ignore[dict-item]  # noqa: SLF001
    KeepAlive: ChatStreamEncoder._on_keep_alive,  # type: ignore[dict-item]  # noqa: SLF001
}
