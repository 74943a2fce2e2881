"""A streamed answer of an upstream to events; whatever comes, the events are legal and end in End or Failed."""

import msgspec
from msgspec import Raw

from twoapi.ir import End, Event, Failed, Fault, Finish, Start, UsageUpdate
from twoapi.protocols.base import Restore
from twoapi.protocols.gemini import schema_answer as wire
from twoapi.protocols.gemini.answer_parts import blocked, no_answer
from twoapi.protocols.gemini.decode_response import keep_time, read_answer
from twoapi.protocols.gemini.faults import array_fault, hidden_fault
from twoapi.protocols.gemini.frames import FrameReader
from twoapi.protocols.gemini.grounding import told
from twoapi.protocols.gemini.name import NAME, broken
from twoapi.protocols.gemini.stop import failure
from twoapi.protocols.gemini.stream_candidate import StreamCandidate
from twoapi.protocols.gemini.usage import decode_tier, decode_usage, usage_raw
from twoapi.protocols.times import seconds
from twoapi.wire.errors import WireError
from twoapi.wire.json import encode

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_spoken = msgspec.json.Decoder(wire.SpokenFrame).decode
_MOST_CANDIDATES = 128
_CUT = "the upstream's stream ended in the middle of the answer"


class GeminiStreamDecoder:
    """Decodes one stream. It has no end mark: the connection ends behind a finish reason of every candidate."""

    __slots__ = (
        "_candidates",
        "_done",
        "_extras",
        "_feedback",
        "_id",
        "_reader",
        "_restore",
        "_started",
        "_tier",
        "_usage",
    )

    def __init__(self, restore: Restore) -> None:
        self._reader = FrameReader()
        self._restore = restore
        self._started = False
        self._id = ""
        self._tier: str | None = None
        self._done = False
        self._candidates: dict[int, StreamCandidate] = {}
        self._usage: Raw | None = None
        self._feedback: Raw | None = None
        self._extras: dict[str, Raw] = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        if self._done:
            return events
        try:
            for payload in self._reader.feed(data):
                if self._take(payload, events):
                    break
        except WireError as error:
            self._fail(broken(error.message), events)
        return events

    def close(self) -> list[Event]:
        """The rest, when the connection has ended."""
        events: list[Event] = []
        if self._done:
            return events
        for payload in self._reader.close():
            if self._take(payload, events):
                return events
        self._end(events)
        return events

    def _take(self, payload: bytes, events: list[Event]) -> bool:
        """Adds the events of one frame; True when it was the last."""
        if self._started:
            try:
                frame = _decode_spoken(payload)
            except _BAD:
                pass
            else:
                (found,) = frame.candidates
                state = self._candidates.get(found.index)
                if state is not None:
                    (part,) = found.content.parts
                    self._usage = usage_raw(frame.usage_metadata) or self._usage
                    state.speak(part.text, events, thought=part.thought)
                    return False
        return self._take_any(payload, events)

    def _take_any(self, payload: bytes, events: list[Event]) -> bool:
        if payload == b"[DONE]":  # of servers that speak another protocol too
            self._end(events, marked=True)
            return True
        try:
            answer, odd = read_answer(payload)
            fault = hidden_fault(answer.error)
            if fault is None:
                self._note(answer, odd, events)
                unknown = _by_candidate(odd) if odd else {}
                for number, candidate in enumerate(answer.candidates or ()):
                    fault = fault or self._candidate(number, candidate, unknown.get(str(number), {}), events)
        except WireError as error:
            fault = array_fault(payload)
            fault = fault or broken(f"a frame of the upstream's stream cannot be read: {error.message}")
        if fault is not None:
            self._fail(fault, events)
        return self._done

    def _note(self, answer: wire.Answer, odd: dict[str, Raw], events: list[Event]) -> None:
        """Takes what a frame says of the whole answer."""
        self._usage = usage_raw(answer.usage_metadata) or self._usage
        if told(answer.prompt_feedback):
            self._feedback = answer.prompt_feedback
        if not self._started and (answer.candidates or self._feedback is not None):
            self._start(answer, events)
        if told(answer.model_status):
            self._extras["/modelStatus"] = answer.model_status
        if odd:
            self._extras |= {at: value for at, value in odd.items() if not at.startswith("/candidates/")}

    def _candidate(self, number: int, frame: wire.Candidate, odd: dict[str, Raw], events: list[Event]) -> Fault | None:
        """Adds the events of a candidate; the fault that it ended in."""
        index = number if frame.index is None else frame.index
        state = self._candidates.get(index)
        if state is None:
            if len(self._candidates) == _MOST_CANDIDATES or index < 0:
                return None
            state = self._candidates[index] = StreamCandidate(index, self._id, self._restore)
        fault = failure(frame.finish_reason, frame.finish_message)
        if fault is None:
            state.take(frame, odd, events)
        return fault

    def _start(self, answer: wire.Answer, events: list[Event]) -> None:
        self._started = True
        self._id = answer.response_id or ""
        created = seconds(answer.create_time)
        keep_time(answer.create_time, created, self._extras)
        usage = self._usage
        self._tier = None if usage is None else decode_tier(usage)
        events.append(
            Start(
                id=self._id,
                model=answer.model_version or "",
                created=created,
                usage=None if usage is None else decode_usage(usage),
                tier=self._tier,
                protocol=NAME,
            )
        )

    def _end(self, events: list[Event], *, marked: bool = False) -> None:
        """The stream is over."""
        candidates = sorted(self._candidates.values(), key=lambda one: one.index)
        feedback = self._feedback
        stop = None if candidates or feedback is None else blocked(feedback)
        if not candidates and stop is None:
            self._fail(no_answer(), events)
            return
        if not marked and not all(candidate.word for candidate in candidates):
            self._fail(broken(_CUT), events)
            return
        self._done = True
        self._tell_usage(events)
        extras = self._extras
        try:
            for position, candidate in enumerate(candidates):
                extras |= candidate.finish(events, position)
        except WireError as error:
            self._fail(broken(f"a call of the upstream's stream cannot be read: {error.message}"), events)
            return
        if stop is not None:
            events.append(Finish(0, stop))
        elif feedback is not None:
            extras["/promptFeedback"] = feedback
        tier = None if self._usage is None else decode_tier(self._usage)
        if tier is not None and tier != self._tier:
            extras["/usageMetadata/serviceTier"] = Raw(encode(tier))  # told when the answer had begun
        events.append(End(extras))

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        if self._started:
            self._tell_usage(events)
        events.append(Failed(fault))

    def _tell_usage(self, events: list[Event]) -> None:
        usage = None if self._usage is None else decode_usage(self._usage)
        if usage is not None:
            events.append(UsageUpdate(usage))


def _by_candidate(odd: dict[str, Raw]) -> dict[str, dict[str, Raw]]:
    """What is not known of each candidate of a frame: its number there -> pointer in it -> value."""
    found: dict[str, dict[str, Raw]] = {}
    for pointer, raw in odd.items():
        if pointer.startswith("/candidates/"):
            number, slash, rest = pointer[12:].partition("/")
            found.setdefault(number, {})[slash + rest] = raw
    return found
