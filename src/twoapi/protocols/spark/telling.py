"""The events of an answer, whose pieces both dialects have alike."""

from msgspec import Raw

from twoapi.ir import End, Event, Start, StopReason, Usage, UsageUpdate
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.answer_events import AnswerEvents
from twoapi.protocols.spark import schema as wire
from twoapi.wire import json
from twoapi.wire.errors import WireError

_KINDS: dict[str, StopKind] = {
    "stop": "stop",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "content_filter",
}
_LATEST = 1 << 40  # seconds
_MOST_CANDIDATES = 128

_decode_usage = json.decoder(wire.Usage)
_decode_call = json.decoder(wire.ToolCall)


class _Candidate:
    __slots__ = ("answer", "word")

    def __init__(self, answer: AnswerEvents) -> None:
        self.answer = answer
        self.word = ""  # the finish reason, if it is told


class Telling:
    """One answer. `places`: the JSON pointer of a candidate's message, with `{}` for its number."""

    __slots__ = ("_candidates", "_id", "_places", "_protocol", "_restore", "_usage", "extras", "is_started")

    def __init__(self, restore: Restore, protocol: str, places: str) -> None:
        self._restore = restore
        self._protocol = protocol
        self._places = places
        self._id = ""
        self._usage: Raw | None = None
        self._candidates: dict[int, _Candidate] = {}
        self.is_started = False  # something of the answer has come
        self.extras: dict[str, Raw] = {}

    @property
    def is_complete(self) -> bool:
        """True when each candidate has told why it ended."""
        return self.is_started and all(candidate.word for candidate in self._candidates.values())

    def start(self, answer_id: str, model: str, created: int | None, events: list[Event]) -> None:
        """Begins the answer, once."""
        if self.is_started:
            return
        self.is_started = True
        self._id = answer_id
        known = created if created is not None and 0 <= created < _LATEST else None
        events.append(Start(id=answer_id, model=model, created=known, protocol=self._protocol))

    def count(self, usage: Raw) -> None:
        """Notes the usage; the last one holds."""
        if json.first_byte(usage) == 123:
            self._usage = usage

    def note(self, unknown: dict[str, Raw]) -> None:
        """Keeps members that the vendor does not document."""
        self.extras |= {pointer: value for pointer, value in unknown.items() if not json.is_null(value)}

    def say(self, index: int, said: wire.Said | None, word: str | None, events: list[Event]) -> None:
        """Adds a piece of a candidate. Raises WireError for a call that is none."""
        candidate = self._candidates.get(index)
        if candidate is None:
            if len(self._candidates) == _MOST_CANDIDATES or index < 0:
                return
            answer = AnswerEvents(self._restore, self._id, self._places.format(index), index)
            candidate = self._candidates[index] = _Candidate(answer)
        candidate.word = word or candidate.word
        if said is not None and not _say(candidate.answer, said, events):
            self.extras[self._places.format(index) + "/tool_calls"] = said.tool_calls

    def finish(self, events: list[Event]) -> None:
        """Adds the end of a complete answer; a reason that is not told follows from what was said."""
        for candidate in self._candidates.values():
            kind = _KINDS.get(candidate.word, "other") if candidate.word else "stop"
            candidate.answer.finish(StopReason(kind=kind, raw=candidate.word or None), events)
        self.tell_usage(events)
        events.append(End(self.extras))

    def tell_usage(self, events: list[Event]) -> None:
        """Adds the usage, if it was told."""
        usage = None if self._usage is None or not self.is_started else _usage(self._usage)
        if usage is not None:
            events.append(UsageUpdate(usage))


def _say(answer: AnswerEvents, said: wire.Said, events: list[Event]) -> bool:
    """False when there are calls of the vendor's own tools, which nobody can answer."""
    answer.think(said.reasoning_content or "", "reasoning_content", events)
    answer.say(said.content or "", "content", events)
    own = True
    for number, call in enumerate(_calls(said.tool_calls)):
        place = number if call.index is None else call.index
        if call.type in (None, "", "function"):
            _call(answer, place, call.id or "", call.function, f"tool_calls/{place}", events)
        else:
            own = False
    single = said.function_call
    if single is not None:
        # One with a name is another call; what comes without goes on with the last.
        key = f"function_call/{answer.calls if single.name else max(0, answer.calls - 1)}"
        _call(answer, key, "", single, "function_call", events)
    return own


def _calls(raw: Raw) -> list[wire.ToolCall]:
    """The calls: a list, or the one that stands there itself."""
    if json.is_null(raw):
        return []
    listed = json.items(raw) if json.first_byte(raw) == 91 else [raw]
    return [_decode_call(one) for one in listed]


def _call(
    answer: AnswerEvents, key: object, call_id: str, call: wire.FunctionCall | None, place: str, events: list[Event]
) -> None:
    if call is None:
        return
    arguments = ""
    if not json.is_null(call.arguments):
        text = json.first_byte(call.arguments) == 34
        arguments = json.string(call.arguments) if text else bytes(call.arguments).decode("utf-8", "replace")
    answer.call(key, call_id, call.name or "", arguments, place, events)


def _usage(raw: Raw) -> Usage | None:
    try:
        found = _decode_usage(raw)
    except WireError:
        return None
    return Usage(input=found.prompt_tokens, output=found.completion_tokens, raw=raw)
