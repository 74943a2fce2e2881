"""A streamed answer as a stream of completions."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Raw

from twoapi.ir import Delta, Event, Loss, Refusal, Text, Usage
from twoapi.ir.events import Attach, End, Failed, Finish, KeepAlive, PartEnd, PartStart, Start, UsageUpdate
from twoapi.ir.fault import Fault
from twoapi.ir.parts import Citation, Opaque
from twoapi.protocols import openai_errors
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.operations.completions.choices import (
    Choice,
    Completion,
    Logprobs,
    answer_id,
    finish,
    report_part,
    usage,
)
from twoapi.protocols.operations.completions.request import NAME
from twoapi.protocols.operations.completions.response import echoed
from twoapi.wire import json

KEEP_ALIVE = b": keep-alive\n\n"
_BROKEN_OFF = Fault("upstream_error", "the upstream's stream ended in the middle of the answer", whose="upstream")


def error_frame(fault: Fault) -> bytes:
    """The error ending of a stream."""
    body = openai_errors.error_body(fault, NAME).replace(b"\r", b" ").replace(b"\n", b" ")
    return b"data: " + body + b"\n\n"


class CompletionStreamEncoder:
    """Events to chunks, the last of which is followed by [DONE]."""

    __slots__ = (
        "_begun",
        "_context",
        "_created",
        "_done",
        "_fingerprint",
        "_finished",
        "_losses",
        "_model",
        "_offsets",
        "_open",
        "_prefix",
        "_protocol",
        "_usage",
    )

    def __init__(self, context: AnswerContext, losses: list[Loss]) -> None:
        self._context = context
        self._losses = losses
        self._prefix = echoed(context)
        self._open: set[tuple[int, int]] = set()  # texts that are being told
        self._begun: set[int] = set()  # candidates that have said something
        self._finished: set[int] = set()
        self._offsets: dict[int, int] = {}
        self._protocol = ""
        self._model = context.request.model
        self._created = context.now
        self._fingerprint: str | None = None
        self._usage: Usage | None = None
        self._done = False

    def feed(self, events: list[Event]) -> bytes:
        """The chunks of these events."""
        return b"".join([self._one(event) for event in events])

    def close(self) -> bytes:
        """The error ending when no terminal event came."""
        return b"" if self._done else self._one(Failed(_BROKEN_OFF))

    def keep_alive(self) -> bytes:
        """A comment."""
        return b"" if self._done else KEEP_ALIVE

    def _one(self, event: Event) -> bytes:
        if self._done:
            return b""
        method = _METHODS.get(type(event))
        return b"" if method is None else method(self, event)

    def _delta(self, event: Delta) -> bytes:
        if (event.candidate, event.part) not in self._open or event.field != "body":
            return b""
        return self._chunk(Choice(self._before(event.candidate) + event.text, event.candidate))

    def _start(self, event: Start) -> bytes:
        self._protocol = event.protocol
        self._model = event.model or self._model
        self._created = self._created if event.created is None else event.created
        self._fingerprint = event.fingerprint
        self._usage = event.usage
        if event.tier is not None:
            self._losses.append(Loss("/service_tier", "dropped", NAME, "no such field here"))
        return b""

    def _part(self, event: PartStart) -> bytes:
        if isinstance(event.header, Text | Refusal):
            self._open.add((event.candidate, event.part))
            if isinstance(event.header, Refusal):
                self._losses.append(Loss(event.header.at, "moved", NAME, "a refusal is told as text"))
        else:
            report_part(event.header, self._losses)
        return b""

    def _part_end(self, event: PartEnd) -> bytes:
        self._open.discard((event.candidate, event.part))
        return b""

    def _update(self, event: UsageUpdate) -> bytes:
        self._usage = event.usage
        return b""

    def _failed(self, event: Failed) -> bytes:
        self._done = True
        return error_frame(event.fault)

    def _attach(self, event: Attach) -> bytes:
        item = event.item
        if (event.candidate, event.part) not in self._open or isinstance(item, Opaque):
            return b""
        if isinstance(item, Citation):
            self._losses.append(Loss("", "dropped", NAME, "a completion has no citations"))
            return b""
        logprobs = Logprobs([], [], [], [])
        begin = self._offsets.get(event.candidate, len(self._prefix))
        self._offsets[event.candidate] = logprobs.add(item, begin)
        return self._chunk(Choice(self._before(event.candidate), event.candidate, logprobs))

    def _before(self, candidate: int) -> str:
        """The prompt, before the first words of a candidate."""
        if candidate in self._begun:
            return ""
        self._begun.add(candidate)
        return self._prefix

    def _finish(self, event: Finish) -> bytes:
        if event.candidate in self._finished:
            return b""
        self._finished.add(event.candidate)
        word = finish(event.stop, self._protocol, event.candidate, self._losses)
        return self._chunk(Choice(self._before(event.candidate), event.candidate, None, word))

    def _end(self, event: End) -> bytes:
        self._done = True
        self._losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in event.extras]
        out = b""
        if not self._finished:
            out = self._chunk(Choice(self._before(0), 0, None, "stop"))
        if self._context.request.include_usage:
            told = usage(self._usage)
            if told is None:
                self._losses.append(Loss("/usage", "dropped", NAME, "the upstream told no usage"))
            else:
                out += self._frame([], told)
        return out + b"data: [DONE]\n\n"

    def _chunk(self, choice: Choice) -> bytes:
        return self._frame([choice], None)

    def _frame(self, choices: list[Choice], told: Raw | None) -> bytes:
        chunk = Completion(
            id=answer_id(self._context),
            object="text_completion",
            created=self._created,
            model=self._model,
            choices=choices,
            system_fingerprint=self._fingerprint or UNSET,
            usage=told or UNSET,
        )
        return b"data: " + json.encode(chunk) + b"\n\n"


_METHODS: dict[type, Callable[[CompletionStreamEncoder, Any], bytes]] = {
    Delta: CompletionStreamEncoder._delta,  # noqa: SLF001  each takes the type it stands for
    Start: CompletionStreamEncoder._start,  # noqa: SLF001
    PartStart: CompletionStreamEncoder._part,  # noqa: SLF001
    Attach: CompletionStreamEncoder._attach,  # noqa: SLF001
    PartEnd: CompletionStreamEncoder._part_end,  # noqa: SLF001
    UsageUpdate: CompletionStreamEncoder._update,  # noqa: SLF001
    Finish: CompletionStreamEncoder._finish,  # noqa: SLF001
    End: CompletionStreamEncoder._end,  # noqa: SLF001
    Failed: CompletionStreamEncoder._failed,  # noqa: SLF001
    KeepAlive: lambda _encoder, _event: KEEP_ALIVE,
}
