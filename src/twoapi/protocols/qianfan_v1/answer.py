"""An answer as it comes, frame by frame; a whole one is a single frame."""

import msgspec
from msgspec import Raw

from twoapi.ir import End, Event, FaultError, Start, StopReason, Usage, UsageUpdate
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.cited_events import CitedEvents, Sources
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.qianfan_v1 import schema as wire
from twoapi.protocols.qianfan_v1.faults import hidden_fault
from twoapi.protocols.qianfan_v1.name import NAME
from twoapi.wire import json
from twoapi.wire.errors import WireError

_STOPS: dict[str, StopKind] = {
    "normal": "stop",
    "stop": "stop_sequence",  # what is no stop string ends as normal
    "length": "max_tokens",
    "content_filter": "content_filter",
    "function_call": "tool_use",
}
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_GOOD = (None, 0, "0", "")
# Members of a server's own come in every frame: they are collected from this many frames, and from the last one.
_CURIOUS = 4
_CALL = "function_call"

_decode = msgspec.json.Decoder(wire.Answer).decode
_decode_usage = msgspec.json.Decoder(wire.Usage).decode


class Answer:
    """Takes the frames of one answer. `is_ended`: one has said that it is the last."""

    __slots__ = (
        "_candidate",
        "_curious",
        "_extras",
        "_restore",
        "_sources",
        "_truncated",
        "_usage",
        "_word",
        "is_ended",
    )

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self._candidate: CitedEvents | None = None
        self._curious = _CURIOUS
        self._sources = Sources("/search_info")
        self._usage = json.EMPTY
        self._word = ""
        self._truncated = False
        self._extras: dict[str, Raw] = {}
        self.is_ended = False

    is_complete = False  # before a frame has said so

    @property
    def is_started(self) -> bool:
        """True when something of the answer has come."""
        return self._candidate is not None

    def take(self, payload: bytes, events: list[Event], name: bytes = b"") -> None:  # noqa: ARG002  frames have none
        """Adds the events of one frame; raises FaultError for an error in place of a result, and for what is none."""
        try:
            frame = _decode(payload)
        except _BAD as error:
            raise FaultError(broken(f"the upstream's answer cannot be read: {error}")) from None
        if frame.error_code not in _GOOD:
            raise FaultError(hidden_fault(frame, payload))
        if json.first_byte(frame.usage) == 123:
            self._usage = frame.usage
        if frame.result is None and frame.function_call is None and not frame.is_end:
            return
        candidate = self._candidate
        if candidate is None:
            answer = frame.id or ""
            events.append(Start(id=answer, model="", created=frame.created, protocol=NAME))
            candidate = self._candidate = CitedEvents(self._restore, answer, "")
        if not json.is_null(frame.search_info):
            self._sources.add(frame.search_info)
        candidate.say(frame.result or "", "result", events)
        candidate.cite(self._sources.citations, events)
        if frame.function_call is not None:
            _call(candidate, frame.function_call, events)
        self._word = frame.finish_reason or self._word
        self._truncated = frame.is_truncated or self._truncated
        self.is_ended = frame.is_end or self.is_ended
        self._collect(payload, frame)

    def finish(self, events: list[Event]) -> None:
        """Ends the answer."""
        assert self._candidate is not None  # noqa: S101  it has started
        self.tell_usage(events)
        self._extras |= self._sources.left(self._candidate.cited)
        self._candidate.finish(self._stop(), events)
        events.append(End(self._extras))

    def tell_usage(self, events: list[Event]) -> None:
        """Adds the usage as far as it was told: each frame tells that of the answer so far."""
        if self._usage is json.EMPTY:
            return
        try:
            found = _decode_usage(self._usage)
        except _BAD:
            return
        events.append(UsageUpdate(Usage(input=found.prompt_tokens, output=found.completion_tokens)))

    def _stop(self) -> StopReason:
        """Why it ended; older models only say whether they were cut."""
        if self._word:
            return StopReason(kind=_STOPS.get(self._word, "other"), raw=self._word)
        return StopReason(kind="max_tokens" if self._truncated else "stop")

    def _collect(self, payload: bytes, frame: wire.Answer) -> None:
        """What the model has no place for: that the vendor would not go on with this conversation, and what is new."""
        if frame.need_clear_history:
            self._extras["/need_clear_history"] = Raw(b"true")
            if frame.ban_round is not None:
                self._extras["/ban_round"] = Raw(b"%d" % frame.ban_round)
        if frame.flag:
            self._extras["/flag"] = Raw(b"%d" % frame.flag)
        if self._curious <= 0 and not frame.is_end:
            return
        self._curious -= 1
        try:
            unknown = json.unknown_fields(payload, wire.Answer)
            if frame.usage is not json.EMPTY and not json.is_null(frame.usage):
                told = json.unknown_fields(frame.usage, wire.Usage)
                unknown |= {"/usage" + pointer: value for pointer, value in told.items()}
        except WireError:
            return  # a name that is not UTF-8 names nothing
        self._extras |= {pointer: value for pointer, value in unknown.items() if not json.is_null(value)}


def _call(candidate: CitedEvents, call: wire.FunctionCall, events: list[Event]) -> None:
    """The only call of an answer; frames may repeat it."""
    candidate.think(candidate.news("thoughts", call.thoughts or ""), "function_call/thoughts", events)
    arguments = candidate.news("arguments", call.arguments or "")
    candidate.call(_CALL, "", call.name or "", arguments, "function_call", events)
