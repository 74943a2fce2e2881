"""A streamed answer of an upstream to events; whatever comes, the events are legal and end in End or Failed."""

import msgspec
from msgspec import Raw

from twoapi.ir import End, Event, Failed, Fault, Start, UsageUpdate
from twoapi.protocols.base import Restore
from twoapi.protocols.hidden_errors import hidden_error, may_hide
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.protocols.openai_chat.answer_parts import seconds
from twoapi.protocols.openai_chat.faults import hidden_fault
from twoapi.protocols.openai_chat.mend_answer import forget_sources, sources, tell_price, usage_beside
from twoapi.protocols.openai_chat.name import NAME, broken
from twoapi.protocols.openai_chat.stop import failure
from twoapi.protocols.openai_chat.stream_choice import StreamChoice, spoken_text
from twoapi.protocols.openai_chat.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import SseReader
from twoapi.wire.strict import strict

_decode_strict = msgspec.json.Decoder(strict(wire.Chunk)).decode
_decode_lenient = msgspec.json.Decoder(wire.Chunk).decode
_decode_text = msgspec.json.Decoder(str).decode
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# A server with fields of its own sends them in every chunk: they are collected from this many chunks, and from
# those that finish a choice or bring usage, where the rarer ones stand.
_CURIOUS = 4
_MOST_CHOICES = 128
# A chunk that calls itself so repeats the whole answer at the end.
_WHOLE = frozenset({"chat.completion", "chat.completion.done"})
# How often the frame of a text chunk is learned; where every chunk is framed anew (padding), it never fits.
_LESSONS = 4


class ChatStreamDecoder:
    """Decodes one stream. Finish events wait for the end mark: what comes after a finish reason still counts."""

    __slots__ = (
        "_capabilities",
        "_choices",
        "_curious",
        "_done",
        "_extras",
        "_foot",
        "_frame_foot",
        "_frame_head",
        "_head",
        "_keeps",
        "_lenient",
        "_lessons",
        "_reader",
        "_ready",
        "_repeated",
        "_restore",
        "_spoken",
        "_started",
        "_usage",
    )

    def __init__(self, restore: Restore) -> None:
        self._reader = SseReader()
        self._restore = restore
        self._capabilities = restore.capabilities
        self._keeps = restore.capabilities.reasoning_details
        self._repeated = False  # the chunk at hand repeats the whole answer
        self._started: tuple[str, int | None] | None = None  # id and time of the answer
        self._done = False
        self._lenient = False
        self._curious = _CURIOUS
        self._choices: dict[int, StreamChoice] = {}
        self._usage: Raw | None = None
        self._lessons = _LESSONS
        self._head = b""  # of a chunk that is all text: what stands before the text
        self._foot = b""  # and behind it
        self._frame_head = self._frame_foot = b""  # the same for the whole frame
        self._ready = False  # the next read may be such a frame: nothing of another is held
        self._spoken = 0  # the choice that it belongs to
        self._extras: dict[str, Raw] = {}

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        # Nearly all reads are one frame that differs from the one before in its text alone.
        head, foot = self._frame_head, self._frame_foot
        if self._ready and data[: len(head)] == head and data[-len(foot) :] == foot:
            spelled = data[len(head) : -len(foot)]
            if spelled[:1] == b'"' == spelled[-1:]:  # a line end could only stand outside of the quotes
                try:
                    text = _decode_text(spelled)
                except _BAD:
                    pass
                else:
                    self._choices[self._spoken].text(text, events)
                    return events
        if not self._done:
            self._feed_frames(data, events)
        return events

    def _feed_frames(self, data: bytes, events: list[Event]) -> None:
        self._ready = False
        try:
            frames = self._reader.feed(data)
        except WireError as error:
            self._fail(broken(error.message), events)
            return
        head = self._head
        for _, payload in frames:
            # Where a read brings many frames, each is still compared before it is parsed.
            if head and payload.startswith(head) and payload.endswith(self._foot):
                try:
                    text = _decode_text(payload[len(head) : -len(self._foot)])
                except _BAD:
                    pass
                else:
                    self._choices[self._spoken].text(text, events)
                    continue
            if self._take(payload, events):
                return
            head = self._head
        self._ready = head != b"" and data.endswith(b"\n\n")

    def close(self) -> list[Event]:
        """The rest, when the connection has ended."""
        events: list[Event] = []
        self._ready = False
        if self._done:
            return events
        for _, payload in self._reader.close():
            if self._take(payload, events):
                return events
        self._end(events, marked=False)
        return events

    def _take(self, payload: bytes, events: list[Event]) -> bool:
        """Adds the events of one frame; True when it was the last."""
        if payload == b"[DONE]":
            self._end(events, marked=True)
            return True
        chunk = self._read(payload, events)
        if chunk is None:
            return True
        if chunk.error is not json.EMPTY or self._capabilities.hidden_error is not None:
            fault = self._fault_in(payload, chunk)
            if fault is not None:
                self._fail(fault, events)
                return True
        if chunk.usage is not json.EMPTY and json.first_byte(chunk.usage) == 123:
            self._usage = chunk.usage
        choices = chunk.choices
        if choices:
            if self._started is None:
                self._start(chunk, events)
            else:
                self._repeated = chunk.object in _WHOLE
            for number, choice in enumerate(choices):
                self._choice(number, choice, events, self._entries(payload, number) if self._keeps else None)
            if self._lessons and len(choices) == 1:
                self._learn(payload, chunk)
        return self._done

    def _fault_in(self, payload: bytes, chunk: wire.Chunk) -> Fault | None:
        """The error that a chunk tells, at the vendor's place or at this server's."""
        fault = None if chunk.error is json.EMPTY else hidden_fault(chunk.error)
        hidden = self._capabilities.hidden_error
        if fault is None and hidden is not None and may_hide(payload, hidden):
            return hidden_error(payload, hidden)
        return fault

    def _read(self, payload: bytes, events: list[Event]) -> wire.Chunk | None:
        """The chunk of a frame; None when it is none and the stream has failed."""
        if not self._lenient:
            try:
                return _decode_strict(payload)
            except _BAD:
                self._lenient = True
        try:
            chunk = _decode_lenient(payload)
        except _BAD as error:
            self._fail_unread(payload, error, events)
            return None
        self._collect(payload, chunk)
        return chunk

    def _learn(self, payload: bytes, chunk: wire.Chunk) -> None:
        """Remembers what surrounds the text of a chunk that holds nothing else."""
        choice = chunk.choices[0] if chunk.choices else None
        text = None if choice is None else spoken_text(choice)
        if choice is None or text is None or not json.is_null(chunk.usage):
            return
        index = 0 if choice.index is None else choice.index
        if index not in self._choices:
            return
        self._lessons -= 1
        key = b'"content":'
        at = payload.find(key) + len(key)
        if payload[at : at + 1] == b" ":
            at += 1
        spelled = json.encode(text)
        if payload.count(key) == 1 and payload.startswith(spelled, at):
            self._head, self._foot = payload[:at], payload[at + len(spelled) :]
            self._frame_head, self._frame_foot = b"data: " + self._head, self._foot + b"\n\n"
            self._spoken = index

    def _entries(self, payload: bytes, number: int) -> list[Raw] | None:
        """The verbatim entries of reasoning in a choice of a chunk, where they must be kept."""
        if b'"reasoning_details"' not in payload:
            return None
        raw = json.at_pointer(payload, f"/choices/{number}/delta/reasoning_details")
        return json.items(raw) if raw is not None and json.first_byte(raw) == 91 else None

    def _choice(self, number: int, choice: wire.ChunkChoice, events: list[Event], entries: list[Raw] | None) -> None:
        index = number if choice.index is None else choice.index
        state = self._choices.get(index)
        if state is None:
            if len(self._choices) == _MOST_CHOICES or index < 0:
                return
            state = self._choices[index] = StreamChoice(index, self._started or ("", None), self._restore)
        if choice.usage is not json.EMPTY and json.first_byte(choice.usage) == 123:
            self._usage = choice.usage
        if self._done:
            return
        if choice.delta is None and choice.message is not None and self._repeated:
            choice.message = None  # it has been said in pieces
        state.take(choice, events, entries)
        if choice.finish_reason:
            fault = failure(choice.finish_reason)
            if fault is not None:
                self._fail(fault, events)

    def _start(self, chunk: wire.Chunk, events: list[Event]) -> None:
        answer_id = "" if chunk.id is None else str(chunk.id)
        created = seconds(chunk.created)
        self._started = (answer_id, created)
        events.append(
            Start(
                id=answer_id,
                model=chunk.model or "",
                created=created,
                tier=chunk.service_tier,
                fingerprint=chunk.system_fingerprint,
                protocol=NAME,
            )
        )

    def _end(self, events: list[Event], *, marked: bool) -> None:
        """The stream is over, with its end mark or without."""
        choices = self._choices.values()
        if not choices:
            self._fail(broken("the upstream's stream ended without an answer"), events)
            return
        if not marked and not all(choice.word for choice in choices):
            self._fail(broken("the upstream's stream ended in the middle of the answer"), events)
            return
        self._done = True
        self._tell_usage(events)
        cited = sources(self._extras, self._capabilities)
        for choice in choices:
            choice.finish_text(events)
            if cited and choice.cite(cited, events):
                forget_sources(self._extras, self._capabilities)
            choice.finish(events)
            if choice.stray_logprobs is not None:
                self._extras[f"/choices/{choice.index}/logprobs"] = choice.stray_logprobs
            for number, stray in enumerate(choice.strays):
                self._extras[f"/choices/{choice.index}/message/content/{number}"] = stray
        events.append(End(self._extras))

    def _fail(self, fault: Fault, events: list[Event]) -> None:
        self._done = True
        if self._started is not None:
            self._tell_usage(events)
        events.append(Failed(fault))

    def _fail_unread(self, payload: bytes, error: Exception, events: list[Event]) -> None:
        """A frame that is no chunk: an error of another shape, or broken."""
        try:
            members = json.fields(payload)
        except WireError:
            self._fail(broken("the upstream's stream holds a frame that is not a JSON object"), events)
            return
        fault = hidden_fault(members["error"]) if "error" in members else None
        self._fail(fault or broken(f"a chunk of the upstream's stream cannot be read: {error}"), events)

    def _tell_usage(self, events: list[Event]) -> None:
        usage = None if self._usage is None else decode_usage(self._usage, self._capabilities)
        if usage is None and self._capabilities.usage_at is not None:
            usage = usage_beside(self._extras, self._capabilities)
        if usage is not None:
            if usage.cost is not None:
                tell_price(usage, self._extras, self._capabilities)
            events.append(UsageUpdate(usage))

    def _collect(self, payload: bytes, chunk: wire.Chunk) -> None:
        if self._curious > 0:
            self._curious -= 1
        elif chunk.choices and chunk.usage is json.EMPTY and not chunk.choices[0].finish_reason:
            return
        try:
            unknown = json.unknown_fields(payload, wire.Chunk)
        except WireError:
            return  # a name that is not UTF-8 names nothing
        for pointer, value in unknown.items():
            if self._keeps and "/reasoning_details/" in pointer:
                continue  # with its whole entry
            self._extras[_whole_pointer(pointer, chunk)] = value


def _whole_pointer(pointer: str, chunk: wire.Chunk) -> str:
    """Where a field of a chunk stands in the whole answer."""
    tokens = pointer.split("/")
    if len(tokens) > 3 and tokens[1] == "choices" and chunk.choices:
        index = chunk.choices[int(tokens[2])].index
        if index is not None:
            tokens[2] = str(index)
        if tokens[3] == "delta":
            tokens[3] = "message"
    return "/".join(tokens)
