"""A streamed answer of an upstream to events; whatever comes, the events are legal and end in End or Failed."""

from twoapi.ir import Event, Failed, Fault, FaultError
from twoapi.protocols.base import Restore
from twoapi.protocols.dialect import broken
from twoapi.protocols.qianfan_v1.answer import Answer
from twoapi.protocols.sse_or_json import SseOrJson
from twoapi.wire.errors import WireError
from twoapi.wire.sse import Frame


class QianfanStreamDecoder:
    """Decodes one stream. Its last frame says so."""

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
            where = "in the middle of the answer" if self._answer.is_started else "without an answer"
            self._fail(broken(f"the upstream's stream ended {where}"), events)
        return events

    def _take(self, frames: list[Frame], events: list[Event]) -> None:
        for _, payload in frames:
            try:
                self._answer.take(payload, events)
            except FaultError as error:
                self._fail(error.fault, events)
                return
            if self._answer.is_ended:
                self._done = True
                self._answer.finish(events)
                return

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        if self._answer.is_started:
            self._answer.tell_usage(events)
        events.append(Failed(fault))
