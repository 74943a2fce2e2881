"""A streamed answer of the upstream to events; whatever comes, the events are legal and end in End or Failed."""

from twoapi.ir import Event
from twoapi.protocols.base import Restore
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.ollama.answer import Answer
from twoapi.wire.errors import WireError
from twoapi.wire.ndjson import NdjsonReader


class OllamaStreamDecoder:
    """Decodes one stream. An error in it is a line of its own, behind which nothing comes."""

    __slots__ = ("_answer", "_reader")

    def __init__(self, restore: Restore) -> None:
        self._reader = NdjsonReader()
        self._answer = Answer(restore)

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        if self._answer.done:
            return events
        try:
            lines = self._reader.feed(data)
        except WireError as error:
            self._answer.fail(broken(error.message), events)
            return events
        self._take(lines, events)
        return events

    def close(self) -> list[Event]:
        """The rest, when the connection has ended."""
        events: list[Event] = []
        if self._answer.done:
            return events
        self._take(self._reader.close(), events)
        if not self._answer.done:
            self._answer.fail(broken("the upstream's stream ended before its end was told"), events)
        return events

    def _take(self, lines: list[bytes], events: list[Event]) -> None:
        for line in lines:
            self._answer.take(line, events)
            if self._answer.done:
                return
