"""An answer as it comes, frame by frame; a whole one is a single frame."""

import msgspec
from msgspec import Raw

from twoapi.ir import End, Event, FaultError, Start, StopReason, TokenLogprob, UsageUpdate
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.dashscope import schema as wire
from twoapi.protocols.dashscope.faults import hidden_fault
from twoapi.protocols.dashscope.name import NAME
from twoapi.protocols.dashscope.usage import decode_usage, unknown_usage
from twoapi.protocols.dialects.cited_events import CitedEvents, Sources
from twoapi.protocols.dialects.encoding import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError

_STOPS: dict[str, StopKind] = {
    "stop": "stop",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filter",
}
_ERROR = b"error"  # the name of an event
_GOES_ON = (None, "", "null")
_NO_FUNCTION = wire.Function()
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MOST_CHOICES = 16
# A server with fields of its own sends them in every frame: they are collected from this many frames, and from those
# that finish a candidate.
_CURIOUS = 4

_decode = msgspec.json.Decoder(wire.Answer).decode
_decode_item = msgspec.json.Decoder(wire.Item).decode
_decode_logprobs = msgspec.json.Decoder(wire.Logprobs).decode


class _Candidate(CitedEvents):
    """One choice. `word` is why it ended, "" while it goes on."""

    __slots__ = ("word",)

    def __init__(self, restore: Restore, answer: str, index: int) -> None:
        super().__init__(restore, answer, f"/output/choices/{index}/message", index)
        self.word = ""


class Answer:
    """Takes the frames of one answer."""

    __slots__ = (
        "_candidates",
        "_cumulative",
        "_curious",
        "_extras",
        "_id",
        "_restore",
        "_sources",
        "_usages",
    )

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self._cumulative = restore.capabilities.cumulative
        self._id: str | None = None
        self._candidates: dict[int, _Candidate] = {}
        self._usages: dict[int, Raw] = {}
        self._sources = Sources("/output/search_info")
        self._extras: dict[str, Raw] = {}
        self._curious = _CURIOUS

    is_ended = False  # no frame says so

    @property
    def is_started(self) -> bool:
        """True when something of the answer has come."""
        return bool(self._candidates)

    @property
    def is_complete(self) -> bool:
        """True when every candidate has told why it ended."""
        return bool(self._candidates) and all(candidate.word for candidate in self._candidates.values())

    def take(self, payload: bytes, events: list[Event], name: bytes = b"") -> None:
        """Adds the events of one frame; raises FaultError for an error in place of an output, and for what is none."""
        try:
            frame = _decode(payload)
        except _BAD as error:
            raise FaultError(broken(f"the upstream's answer cannot be read: {error}")) from None
        output = frame.output
        choices = [] if output is None else _choices(output)
        if name == _ERROR or (frame.code and not choices):
            raise FaultError(hidden_fault(frame, payload))
        if json.first_byte(frame.usage) == 123:
            self._usages[_index(choices)] = frame.usage
        if output is None or not choices:
            return
        if self._id is None:
            self._id = frame.request_id or ""
            events.append(Start(id=self._id, model="", protocol=NAME))
        if not json.is_null(output.search_info):
            self._sources.add(output.search_info)
        for number, choice in enumerate(choices):
            self._choice(number if choice.index is None else choice.index, choice, events)
        self._collect(payload, choices)

    def finish(self, events: list[Event]) -> None:
        """Ends every candidate and the answer."""
        self.tell_usage(events)
        self._extras |= self._sources.left(max(candidate.cited for candidate in self._candidates.values()))
        for candidate in self._candidates.values():
            candidate.finish(_stop(candidate.word), events)
        self._extras |= unknown_usage(self._usages.values())
        events.append(End(self._extras))

    def tell_usage(self, events: list[Event]) -> None:
        """Adds the usage as far as it was told: each frame tells that of the answer so far."""
        usage = decode_usage(self._usages.values())
        if usage is not None:
            events.append(UsageUpdate(usage))

    def _choice(self, index: int, choice: wire.Choice, events: list[Event]) -> None:
        candidate = self._candidates.get(index)
        if candidate is None:
            if len(self._candidates) == _MOST_CHOICES or index < 0:
                return
            candidate = self._candidates[index] = _Candidate(self._restore, f"{self._id}/{index}", index)
        if choice.message is not None:
            self._message(candidate, choice.message, events)
        candidate.cite(self._sources.citations, events)
        if not json.is_null(choice.logprobs):
            self._logprobs(candidate, index, choice.logprobs, events)
        if choice.finish_reason not in _GOES_ON:
            candidate.word = choice.finish_reason or ""

    def _message(self, candidate: _Candidate, message: wire.Message, events: list[Event]) -> None:
        thought, words = message.reasoning_content or "", _words(message.content)
        if self._cumulative:
            thought, words = candidate.news("thought", thought), candidate.news("words", words)
        candidate.think(thought, "reasoning_content", events)
        candidate.say(words, "content", events)
        for number, call in enumerate(message.tool_calls or ()):
            key = number if call.index is None else call.index
            function = call.function or _NO_FUNCTION
            arguments = function.arguments or ""
            if self._cumulative:
                arguments = candidate.news(key, arguments)
            candidate.call(key, call.id or "", function.name or "", arguments, f"tool_calls/{key}", events)

    def _logprobs(self, candidate: _Candidate, index: int, raw: Raw, events: list[Event]) -> None:
        try:
            found = _decode_logprobs(raw).content
        except _BAD:
            found = None
        tokens = _tokens(found or [])
        if not (tokens and candidate.attach(tokens, events)) and (tokens or found is None):
            self._extras[f"/output/choices/{index}/logprobs"] = raw

    def _collect(self, payload: bytes, choices: list[wire.Choice]) -> None:
        if self._curious > 0:
            self._curious -= 1
        elif all(choice.finish_reason in _GOES_ON for choice in choices):
            return
        try:
            unknown = json.unknown_fields(payload, wire.Answer)
        except WireError:
            return  # a name that is not UTF-8 names nothing
        self._extras |= {pointer: value for pointer, value in unknown.items() if not json.is_null(value)}


def _stop(word: str) -> StopReason:
    """Why a candidate ended; a whole answer need not say it."""
    return StopReason(kind=_STOPS.get(word, "other"), raw=word) if word else StopReason(kind="stop")


def _choices(output: wire.Output) -> list[wire.Choice]:
    """The choices; of a model that does not know the format "message", its text as one."""
    if output.choices or output.text is None:
        return output.choices or []
    return [wire.Choice(message=wire.Message(content=output.text), finish_reason=output.finish_reason)]


def _index(choices: list[wire.Choice]) -> int:
    """The candidate whose output a usage counts: where there are several, each comes in frames of its own."""
    return (choices[0].index or 0) if len(choices) == 1 else 0


def _words(content: str | list[Raw] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    words = []
    for raw in content:
        try:
            words.append(_decode_item(raw).text or "")
        except _BAD:
            continue
    return "".join(words)


def _tokens(found: list[wire.TokenLogprob]) -> list[TokenLogprob]:
    return [
        TokenLogprob(
            one.token,
            0.0 if one.logprob is None else one.logprob,
            one.bytes,
            tuple(TokenLogprob(top.token, top.logprob or 0.0, top.bytes) for top in one.top_logprobs or ()),
        )
        for one in found
    ]
