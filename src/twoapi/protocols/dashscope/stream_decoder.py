"""A streamed answer of an upstream to events; whatever comes, the events are legal and end in End or Failed."""

from twoapi.ir import Event, Failed, Fault, FaultError
from twoapi.protocols.base import Restore
from twoapi.protocols.dashscope.answer import Answer
from twoapi.protocols.dialect import broken
from twoapi.protocols.sse_or_json import SseOrJson
from twoapi.wire.errors import WireError
from twoapi.wire.sse import Frame

_ERROR = b"error"
_DONE = b"[DONE]"  # not of the vendor; servers that are like it may end so


class DashScopeStreamDecoder:
    """Decodes one stream. There is no end mark: it is complete when it ends after every candidate's finish reason."""

    __slots__ = ("_answer", "_done", "_reader")

    def __init__(self, restore: Restore) -> None:
        self._reader = SseOrJson()
        self._answer = Answer(restore)
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        if not self._done:
            try:
                frames = self._reader.feed(data)
            except WireError as error:
                self._fail(broken(error.message), events)
                return events
            self._take(frames, events)
        return events

    def close(self) -> list[Event]:
        """The rest, when the connection has ended."""
        events: list[Event] = []
        if not self._done:
            self._take(self._reader.close(), events)
        if not self._done:
            self._end(events)
        return events

    def _take(self, frames: list[Frame], events: list[Event]) -> None:
        for name, payload in frames:
            if payload == _DONE:
                continue
            try:
                self._answer.take(payload, events, is_error=name == _ERROR)
            except FaultError as error:
                self._fail(error.fault, events)
                return

    def _end(self, events: list[Event]) -> None:
        if self._answer.is_complete:
            self._done = True
            self._answer.finish(events)
        elif self._answer.is_started:
            self._fail(broken("the upstream's stream ended in the middle of the answer"), events)
        else:
            self._fail(broken("the upstream's stream ended without an answer"), events)

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        if self._answer.is_started:
            self._answer.tell_usage(events)
        events.append(Failed(fault))
