"""Answers, whole and streamed, to what they mean. A stream has no end mark: it is complete when a reason is told."""

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Citation,
    End,
    Event,
    FaultError,
    Response,
    Start,
    StopReason,
    UrlSource,
    Usage,
    UsageUpdate,
)
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.cited_events import CitedEvents
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.dialects.framed_answer import FramedDecoder, whole_answer
from twoapi.protocols.hunyuan import schema as wire
from twoapi.protocols.hunyuan.faults import hidden_fault
from twoapi.protocols.hunyuan.name import NAME
from twoapi.protocols.hunyuan.stop_tail import StopTail
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.strict import strict

_KINDS: dict[str, StopKind] = {
    "stop": "stop",
    "tool_calls": "tool_use",
    "sensitive": "content_filter",
    "length": "max_tokens",  # not documented here, but at the service's compatible endpoint
}
_LATEST = 1 << 40  # seconds
_MOST_CHOICES = 128
_SEARCH = "/Response/SearchInfo"

_decode_strict = msgspec.json.Decoder(strict(wire.Answer)).decode
_decode_lenient = json.decoder(wire.Answer)
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_search = json.decoder(wire.SearchInfo)
_decode_usage = json.decoder(wire.Usage)


def decode_response(body: bytes, restore: Restore) -> Response:
    """The whole answer; raises FaultError for an error in it and for a body that is none of this vendor."""
    return whole_answer(_Answer(restore), body)


def stream_decoder(restore: Restore) -> FramedDecoder:
    """A decoder for one streamed answer."""
    return FramedDecoder(_Answer(restore))


def _read(payload: bytes | Raw) -> tuple[wire.Answer, dict[str, Raw]]:
    """The answer and the members that it has beside the known ones. Raises WireError."""
    try:
        return _decode_strict(payload), {}
    except _BAD:
        return _decode_lenient(payload), json.unknown_fields(payload, wire.Answer)


class _Choice:
    __slots__ = ("answer", "tail", "word")

    def __init__(self, answer: CitedEvents, tail: StopTail) -> None:
        self.answer = answer
        self.tail = tail
        self.word = ""  # the finish reason, once it is told


class _Answer:
    """Takes the frames of one answer. `is_started`: something of it has come."""

    __slots__ = ("_choices", "_extras", "_id", "_restore", "_search", "_usage", "is_started")

    is_ended = False  # no frame says that it is the last

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self.is_started = False
        self._id = ""
        self._usage: Raw | None = None
        self._choices: dict[int, _Choice] = {}
        self._extras: dict[str, Raw] = {}
        self._search: Raw | None = None

    @property
    def is_complete(self) -> bool:
        """True when each choice has told why it ended."""
        return bool(self._choices) and all(choice.word for choice in self._choices.values())

    def take(self, payload: bytes, events: list[Event], name: bytes = b"") -> None:  # noqa: ARG002  frames have none
        """Adds the events of one frame; raises FaultError for an error in place of an answer, and for what is none."""
        try:
            answer, unknown = _read(payload)
            if not json.is_null(answer.response):  # around a whole answer, and around an error in a stream, if any
                answer, unknown = _read(answer.response)
        except WireError as error:
            raise FaultError(broken(f"the upstream's answer cannot be read: {error.message}")) from None
        fault = hidden_fault(answer)
        if fault is not None:
            raise FaultError(fault)
        self._take(answer, unknown, events)

    def _take(self, answer: wire.Answer, unknown: dict[str, Raw], events: list[Event]) -> None:
        """Adds the events of a frame; `unknown` are members that it has and the vendor does not document."""
        if not self.is_started and answer.choices:
            self._start(answer, events)
        if json.first_byte(answer.usage) == 123:
            self._usage = answer.usage  # it counts all that there has been
        if not json.is_null(answer.note):
            self._extras["/Response/Note"] = answer.note
        for pointer, value in unknown.items():
            if not json.is_null(value):
                self._extras["/Response" + pointer.replace("/Delta/", "/Message/")] = value
        if not json.is_null(answer.search_info):
            self._search = answer.search_info
        for number, choice in enumerate(answer.choices or ()):
            self._choice(number if choice.index is None else choice.index, choice, events)

    def finish(self, events: list[Event]) -> None:
        """Adds the end of a complete answer."""
        cited = [] if self._search is None else self._cited(self._search)
        for choice in self._choices.values():
            _finish(choice, cited, events)
            if self._search is not None and choice.answer.cited < len(cited):
                self._extras[_SEARCH] = self._search
        self.tell_usage(events)
        events.append(End(self._extras))

    def _cited(self, search: Raw) -> list[Citation]:
        """The pages that the search has found; what else it tells is kept aside."""
        try:
            pages = _decode_search(search).search_results or []
        except WireError:
            self._extras[_SEARCH] = search
            return []
        for pointer, value in json.unknown_fields(search, wire.SearchInfo).items():
            if not json.is_null(value):
                self._extras[_SEARCH + pointer] = value
        # Where in the text a page is cited is told by marks of the vendor's own, if at all.
        return [Citation(UrlSource(page.url, page.title or None)) for page in pages if page.url]

    def tell_usage(self, events: list[Event]) -> None:
        """Adds the usage, if it was told."""
        usage = None if self._usage is None or not self.is_started else _usage(self._usage)
        if usage is not None:
            events.append(UsageUpdate(usage))

    def _start(self, answer: wire.Answer, events: list[Event]) -> None:
        self.is_started = True
        self._id = answer.id or answer.request_id or ""
        created = answer.created if answer.created is not None and 0 <= answer.created < _LATEST else None
        events.append(Start(id=self._id, model="", created=created, protocol=NAME))

    def _choice(self, index: int, choice: wire.Choice, events: list[Event]) -> None:
        state = self._choices.get(index)
        if state is None:
            if len(self._choices) == _MOST_CHOICES or index < 0:
                return
            at = f"/Response/Choices/{index}/Message"
            state = _Choice(CitedEvents(self._restore, self._id, at, index), StopTail(self._restore.stop))
            self._choices[index] = state
        message = choice.delta or choice.message
        if message is not None:
            _speak(state, message, events)
        state.word = choice.finish_reason or state.word


def _speak(state: _Choice, message: wire.Message, events: list[Event]) -> None:
    answer = state.answer
    if message.reasoning_content:
        answer.think(message.reasoning_content, "ReasoningContent", events)
    if message.content:
        answer.say(state.tail.feed(message.content), "Content", events)
    for number, call in enumerate(message.tool_calls or ()):
        answer.say(state.tail.flush(), "Content", events)
        key = number if call.index is None else call.index
        function = call.function or wire.FunctionCall()
        name, arguments = function.name or "", function.arguments or ""
        answer.call(key, call.id or "", name, arguments, f"ToolCalls/{key}", events)


def _finish(choice: _Choice, cited: list[Citation], events: list[Event]) -> None:
    kind, sequence = _KINDS.get(choice.word, "other") if choice.word else "stop", None
    if kind == "stop":
        rest, sequence = choice.tail.finish()
        if sequence is not None:
            kind = "stop_sequence"
    else:
        rest = choice.tail.flush()
    choice.answer.say(rest, "Content", events)
    choice.answer.cite(cited, events)
    choice.answer.finish(StopReason(kind=kind, raw=choice.word or None, sequence=sequence), events)


def _usage(raw: Raw) -> Usage | None:
    try:
        found = _decode_usage(raw)
    except WireError:
        return None
    cached = None if found.prompt_tokens_details is None else found.prompt_tokens_details.cached_tokens
    prompt = found.prompt_tokens
    # An upstream whose cached tokens exceed its prompt does not count them in it.
    estimated = prompt is not None and cached is not None and cached > prompt
    if prompt is not None and cached is not None and not estimated:
        prompt -= cached
    return Usage(input=prompt, cache_read=cached, output=found.completion_tokens, estimated=estimated, raw=raw)
