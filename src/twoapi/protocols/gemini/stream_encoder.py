"""A streamed answer for a client of this protocol: words as they come, calls when they are whole."""

from collections.abc import Callable

from msgspec import Raw

from twoapi.ir import (
    Attach,
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    Loss,
    PartEnd,
    PartStart,
    Start,
    StopReason,
    Usage,
    UsageUpdate,
)
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.gemini.encode_answer import Answer, usage_path
from twoapi.protocols.gemini.encode_response import put_extras
from twoapi.protocols.gemini.faults import one_line
from twoapi.protocols.gemini.framing import KEEP_ALIVE, ArrayFraming, Framing, SseFraming, error_ending
from twoapi.protocols.gemini.name import NAME, broken
from twoapi.protocols.gemini.stream_parts import CandidateStream
from twoapi.protocols.gemini.usage import encode_usage
from twoapi.wire.json import encode

_CUT = "the upstream's stream ended in the middle of the answer"


class GeminiStreamEncoder:
    """Encodes one stream. After the last frame or an error it is silent.

    What the end of an answer tells (finish reasons, usage, citations) goes in one last frame with words in it, though
    none are said: the vendor's SDKs forget an answer of which a frame has no content.
    """

    __slots__ = ("_answer", "_candidates", "_context", "_done", "_foot", "_framing", "_losses", "_tier", "_usage")

    def __init__(self, context: AnswerContext, losses: list[Loss]) -> None:
        self._context = context
        self._losses = losses
        self._framing: Framing = ArrayFraming() if context.request.stream_array else SseFraming()
        self._answer: Answer | None = None
        self._candidates: dict[int, CandidateStream] = {}
        self._done = False
        self._foot = b""  # of every frame, behind its candidates
        self._tier: str | None = None
        self._usage: Usage | None = None

    def feed(self, events: list[Event]) -> bytes:
        """The bytes of these events."""
        written: list[bytes] = []
        for event in events:
            if self._done:
                break
            if type(event) is Delta:
                candidate = self._candidates.get(event.candidate)
                words = None if candidate is None else candidate.delta(event)
                if words is not None:
                    self._say(event.candidate, words, written)
            else:
                _METHODS[type(event)](self, event, written)
        return written[0] if len(written) == 1 else b"".join(written)

    def close(self) -> bytes:
        """The error ending when no terminal event came."""
        written: list[bytes] = []
        if not self._done:
            self._fail(broken(_CUT), written)
        return b"".join(written)

    def keep_alive(self) -> bytes:
        """A blank line."""
        return b"" if self._done else KEEP_ALIVE

    def _begin(self, start: Start) -> Answer:
        answer = self._answer
        if answer is None:
            answer = self._answer = Answer(start, self._context, self._losses)
            self._usage, self._tier = start.usage, start.tier
            self._foot = b"]," + encode(answer.members())[1:]
        return answer

    def _on_start(self, event: Start, _written: list[bytes]) -> None:
        self._begin(event)

    def _say(self, index: int, part: bytes, written: list[bytes]) -> None:
        document = b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d}%b' % (part, index, self._foot)
        written.append(self._framing.frame(document))

    def _candidate(self, index: int) -> CandidateStream:
        candidate = self._candidates.get(index)
        if candidate is None:
            answer = self._begin(Start(id="", model=""))
            candidate = self._candidates[index] = CandidateStream(answer, index)
        return candidate

    def _on_part_start(self, event: PartStart, written: list[bytes]) -> None:
        for part in self._candidate(event.candidate).start(event):
            self._say(event.candidate, part, written)

    def _on_attach(self, event: Attach, _written: list[bytes]) -> None:
        candidate = self._candidates.get(event.candidate)
        if candidate is not None:
            candidate.attach(event)

    def _on_part_end(self, event: PartEnd, written: list[bytes]) -> None:
        candidate = self._candidates.get(event.candidate)
        if candidate is not None:
            for part in candidate.end(event):
                self._say(event.candidate, part, written)

    def _on_usage(self, event: UsageUpdate, _written: list[bytes]) -> None:
        self._usage = event.usage

    def _on_finish(self, event: Finish, written: list[bytes]) -> None:
        self._finish(self._candidate(event.candidate), event.stop, written)

    def _finish(self, candidate: CandidateStream, stop: StopReason | None, written: list[bytes]) -> None:
        said, fault = candidate.finish(stop)
        for part in said:
            self._say(candidate.index, part, written)
        if fault is not None:
            self._fail(fault, written)

    def _on_end(self, event: End, written: list[bytes]) -> None:
        if not self._candidates:
            self._candidate(0)
        for candidate in self._candidates.values():
            if not self._done:
                self._finish(candidate, None, written)
        if not self._done:
            self._last_frame(event.extras, written)
            self._done = True

    def _last_frame(self, extras: dict[str, Raw], written: list[bytes]) -> None:
        answer = self._begin(Start(id="", model=""))
        candidates = sorted(self._candidates.values(), key=lambda one: one.index)
        losses, same = self._losses, answer.same
        # A part that has been said cannot be added to.
        late = [pointer for pointer in extras if "/content/" in pointer]
        losses += [Loss(pointer, "dropped", NAME, "no such field in a stream") for pointer in late]
        kept = {pointer: value for pointer, value in extras.items() if pointer not in late}
        document: dict[str, object] = {}
        feedback = candidates[0].blocked() if len(candidates) == 1 else None
        if feedback is not None:
            document["promptFeedback"] = feedback
        else:
            document["candidates"] = [
                candidate.ending(f"/candidates/{number}", kept) for number, candidate in enumerate(candidates)
            ]
        usage = encode_usage(self._usage, self._tier, losses, same=same, at=usage_path(answer.upstream))
        if usage is not None:
            document["usageMetadata"] = usage
        body = put_extras(encode(document | answer.members()), kept, losses, same=same)
        written.append(self._framing.frame(one_line(body)) + self._framing.end())

    def _on_failed(self, event: Failed, written: list[bytes]) -> None:
        self._fail(event.fault, written)

    def _fail(self, fault: Fault, written: list[bytes]) -> None:
        self._done = True
        written.append(error_ending(self._framing, fault))

    def _on_keep_alive(self, _event: KeepAlive, written: list[bytes]) -> None:
        written.append(KEEP_ALIVE)


_METHODS: dict[type, Callable[[GeminiStreamEncoder, Event, list[bytes]], None]] = {
    Start: GeminiStreamEncoder._on_start,  # type: ignore[dict-item]  # noqa: SLF001  each takes the type it stands for
    PartStart: GeminiStreamEncoder._on_part_start,  # type: ignore[dict-item]  # noqa: SLF001
    Attach: GeminiStreamEncoder._on_attach,  # type: ignore[dict-item]  # noqa: SLF001
    PartEnd: GeminiStreamEncoder._on_part_end,  # type: ignore[dict-item]  # noqa: SLF001
    UsageUpdate: GeminiStreamEncoder._on_usage,  # type: ignore[dict-item]  # noqa: SLF001
    Finish: GeminiStreamEncoder._on_finish,  # type: ignore[dict-item]  # noqa: SLF001
    End: GeminiStreamEncoder._on_end,  # type: ignore[dict-item]  # noqa: SLF001
    Failed: GeminiStreamEncoder._on_failed,  # type: ignore[dict-item]  # noqa: SLF001
    KeepAlive: GeminiStreamEncoder._on_keep_alive,  # type: ignore[dict-item]  # noqa: SLF001
}
