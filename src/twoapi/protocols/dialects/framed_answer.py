"""Answers of dialects whose frames have the shape of the whole answer, so that this is a stream of one frame."""

from typing import Protocol

from twoapi.ir import Event, Failed, Fault, FaultError, Response
from twoapi.ir.assemble import fold
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.dialects.sse_or_json import SseOrJson
from twoapi.wire.errors import WireError
from twoapi.wire.sse import Frame

_DONE = b"[DONE]"


class FramedAnswer(Protocol):
    """One answer, frame by frame."""

    @property
    def is_started(self) -> bool:
        """True when something of the answer has come."""
        ...

    @property
    def is_ended(self) -> bool:
        """True when a frame has said that it is the last."""
        ...

    @property
    def is_complete(self) -> bool:
        """True when a stream that ends here is no cut."""
        ...

    def take(self, payload: bytes, events: list[Event], name: bytes = b"") -> None:
        """Adds the events of one frame; raises FaultError for an error in place of an answer, and for what is none."""
        ...

    def tell_usage(self, events: list[Event]) -> None:
        """Adds the usage as far as it was told."""
        ...

    def finish(self, events: list[Event]) -> None:
        """Ends the answer, of which something has come."""
        ...


def whole_answer(answer: FramedAnswer, body: bytes) -> Response:
    """The answer in a body; raises FaultError for an error in a 200 and for a body that is none of the protocol."""
    events: list[Event] = []
    answer.take(body, events)
    if not answer.is_started:
        raise FaultError(broken("the upstream's answer has no content"))
    answer.finish(events)
    return fold(events)


class FramedDecoder:
    """Decodes the stream of one answer. Whatever comes, the events are legal and end in End or Failed.

    `marked`: the vendor marks the end. Elsewhere a mark says nothing: servers that are like the vendor may send one.
    """

    __slots__ = ("_answer", "_done", "_marked", "_reader")

    def __init__(self, answer: FramedAnswer, *, marked: bool = False) -> None:
        self._reader = SseOrJson()
        self._answer = answer
        self._marked = marked
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
            self._stop(events, complete=self._answer.is_complete)
        return events

    def _take(self, frames: list[Frame], events: list[Event]) -> None:
        for name, payload in frames:
            if payload.strip() == _DONE:
                if self._marked:
                    self._stop(events, complete=self._answer.is_started)
                    return
                continue
            try:
                self._answer.take(payload, events, name)
            except FaultError as error:
                self._fail(error.fault, events)
                return
            if self._answer.is_ended:
                self._finish(events)
                return

    def _stop(self, events: list[Event], *, complete: bool) -> None:
        """What there is of the answer has come."""
        if complete:
            self._finish(events)
        else:
            where = "in the middle of the answer" if self._answer.is_started else "without an answer"
            self._fail(broken(f"the upstream's stream ended {where}"), events)

    def _finish(self, events: list[Event]) -> None:
        self._done = True
        self._answer.finish(events)

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        if self._answer.is_started:
            self._answer.tell_usage(events)
        events.append(Failed(fault))
