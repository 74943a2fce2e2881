"""The events of an answer in a dialect, whole or streamed: its words, thoughts and calls, told piece by piece."""

import base64
import hashlib

from msgspec.structs import replace

from twoapi.ir import Delta, Event, Finish, Part, PartEnd, PartStart, Reasoning, StopReason, Text, ToolCall
from twoapi.protocols.base import Restore
from twoapi.protocols.free_text import unwrap_custom
from twoapi.wire.json import is_object

_CUTS = frozenset(("max_tokens", "context_window", "content_filter"))


class _Call:
    __slots__ = ("header", "part", "pieces")

    def __init__(self, header: ToolCall) -> None:
        self.header = header
        self.part = -1  # until its name is known
        self.pieces: list[str] = []


class AnswerEvents:
    """One candidate of an answer. `at` is the JSON pointer of its message, `answer` what tells it from other answers:
    calls that come without an id are named after it.
    """

    __slots__ = ("_answer", "_at", "_calls", "_candidate", "_parts", "_restore", "_running")

    def __init__(self, restore: Restore, answer: str, at: str, candidate: int = 0) -> None:
        self._restore = restore
        self._answer = answer
        self._at = at
        self._candidate = candidate
        self._parts = 0
        self._running: type[Part] | None = None  # text or reasoning, whose part is the last one
        self._calls: dict[object, _Call] = {}

    def think(self, text: str, field: str, events: list[Event]) -> None:
        """Adds words of reasoning, which stand in this member of the message."""
        self._say(Reasoning, text, field, events)

    def say(self, text: str, field: str, events: list[Event]) -> None:
        """Adds words."""
        self._say(Text, text, field, events)

    def call(self, key: object, call_id: str, name: str, arguments: str, place: str, events: list[Event]) -> None:
        """Adds a piece of the call with this key, any of it perhaps empty; id and name count where they come first."""
        call = self._calls.get(key)
        if call is None:
            made = call_id or made_call_id(self._answer, len(self._calls))
            call = self._calls[key] = _Call(ToolCall(id=made, at=f"{self._at}/{place}"))
        if arguments:
            call.pieces.append(arguments)
        if call.part < 0:
            if name:
                self._start_call(call, name, events)
        elif arguments and call.header.kind == "function":
            events.append(Delta(self._candidate, call.part, arguments))

    @property
    def calls(self) -> int:
        """How many calls have begun."""
        return len(self._calls)

    def finish(self, stop: StopReason, events: list[Event]) -> None:
        """Ends all parts and the candidate; a stop that is none of a cut becomes that of a call where there is one."""
        if self._calls and stop.kind in ("stop", "other"):
            stop = replace(stop, kind="tool_use")
        self._end_running(events)
        for call in self._calls.values():
            if call.part < 0:
                self._start_call(call, "", events)
            header, text, final = call.header, "".join(call.pieces), None
            if header.kind == "custom":
                text = unwrap_custom(text)
                if text:
                    events.append(Delta(self._candidate, call.part, text))
            elif stop.kind in _CUTS and not is_object(text):
                final = replace(header, arguments=text, complete=False)
            events.append(PartEnd(self._candidate, call.part, final))
        self._calls.clear()
        events.append(Finish(self._candidate, stop))

    def _say(self, kind: type[Text | Reasoning], text: str, field: str, events: list[Event]) -> None:
        if not text:
            return
        if self._running is not kind:
            self._end_running(events)
            self._running = kind
            self._start(kind(at=f"{self._at}/{field}"), events)
        events.append(Delta(self._candidate, self._parts - 1, text))

    def _start_call(self, call: _Call, name: str, events: list[Event]) -> None:
        self._end_running(events)
        client = self._restore.names.get(name, name)
        call.header.name = client
        if client in self._restore.custom:
            call.header.kind = "custom"
        call.part = self._start(call.header, events)
        if call.pieces and call.header.kind == "function":
            events.append(Delta(self._candidate, call.part, "".join(call.pieces)))

    def _start(self, header: Part, events: list[Event]) -> int:
        number = self._parts
        self._parts += 1
        events.append(PartStart(self._candidate, number, header))
        return number

    def _end_running(self, events: list[Event]) -> None:
        if self._running is not None:
            events.append(PartEnd(self._candidate, self._parts - 1))
            self._running = None


def made_call_id(answer: str, number: int) -> str:
    """An id for a call that came without one: the same for the same call of the same answer."""
    digest = hashlib.sha256(f"{answer}/{number}".encode("utf-8", "surrogatepass")).digest()
    return "call_" + base64.b32encode(digest)[:24].decode().lower()
