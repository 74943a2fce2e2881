"""One choice of a streamed answer: which parts are open, and what its deltas mean."""

import msgspec
from msgspec import Raw

from twoapi.ir import (
    Attach,
    Base64,
    Citation,
    Delta,
    Event,
    Finish,
    Media,
    Opaque,
    Part,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from twoapi.protocols.base import Restore
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.protocols.openai_chat.answer_parts import (
    arguments_text,
    call_header,
    citations,
    content_pieces,
    cut_calls,
    logprobs,
    made_call_id,
)
from twoapi.protocols.openai_chat.entries import OWN, Entries
from twoapi.protocols.openai_chat.reasoning import decode_seals, detail_text
from twoapi.protocols.openai_chat.schema import ReasoningDetail
from twoapi.protocols.openai_chat.stop import decode_stop, guess_stop
from twoapi.protocols.openai_chat.think_tags import Pieces, ThinkSplitter
from twoapi.wire import json


class _Call:
    """A tool call whose fragments come in any order among others'."""

    __slots__ = ("header", "number", "part", "pieces", "wire_id")

    def __init__(self, number: int, wire_id: str, header: ToolCall) -> None:
        self.number = number
        self.wire_id = wire_id
        self.header = header
        self.part = -1  # until its name is known
        self.pieces: list[str] = []


class StreamChoice:
    """The state of one candidate."""

    __slots__ = (
        "_answer",
        "_at",
        "_audio",
        "_audio_data",
        "_audio_part",
        "_by_index",
        "_calls",
        "_deprecated",
        "_entries",
        "_kind",
        "_part",
        "_parts",
        "_restore",
        "_splitter",
        "_told",
        "index",
        "stray_logprobs",
        "strays",
        "word",
    )

    def __init__(self, index: int, answer: tuple[str, int | None], restore: Restore) -> None:
        self.index = index
        self.word = ""  # the finish reason, once it is told
        self.stray_logprobs: Raw | None = None
        self.strays: list[Raw] = []  # of content, what is neither text nor reasoning
        capabilities = restore.capabilities
        tags = capabilities.think_tags
        self._splitter = None if tags is None else ThinkSplitter(implied=tags == "closing")
        self._entries = Entries(repeats=capabilities.cumulative_details)
        self._answer = answer
        self._at = f"/choices/{index}/message"
        self._restore = restore
        self._parts: list[Part] = []  # the headers of all parts that have started
        self._kind: type[Part] | None = None  # of the part that runs: text, reasoning or refusal
        self._part = -1  # its number
        self._told = False  # reasoning has come as plain text
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._deprecated: _Call | None = None
        self._audio: Media | None = None
        self._audio_part = -1
        self._audio_data: list[str] = []

    def take(self, choice: wire.ChunkChoice, events: list[Event], entries: list[Raw] | None = None) -> None:
        """Adds the events of one delta. `entries`: its reasoning_details verbatim, where they must come back so."""
        if choice.finish_reason:
            self.word = choice.finish_reason
        delta = choice.delta or choice.message
        if delta is None:
            return
        if entries is not None:
            delta.reasoning_details = None
            self._take_thoughts(delta, events)
            self._take_entries(entries, events)
            delta.reasoning_content = delta.reasoning = None
        if type(delta.content) is str and delta.content and spoken_text(choice) is not None:
            self.text(delta.content, events)
            return
        self._take_thoughts(delta, events)
        self._take_words(delta, events)
        if choice.logprobs is not json.EMPTY:
            self._logprobs(choice.logprobs, events)
        if delta.annotations:
            self._annotations(delta.annotations, events)
        self._take_calls(delta, events)
        if delta.audio is not None:
            self._take_audio(delta.audio, events)

    def _take_calls(self, delta: wire.Message, events: list[Event]) -> None:
        for call in delta.tool_calls or ():
            self._call(call, events)
        if delta.function_call is not None:
            self._function_call(delta.function_call, events)

    def text(self, text: str, events: list[Event]) -> None:
        """Adds more of the visible text."""
        if self._splitter is not None:
            self._split(self._splitter.feed(text), events)
        elif text:
            if self._kind is not Text:
                self._open(Text, "content", events)
            events.append(Delta(self.index, self._part, text))

    def _split(self, pieces: Pieces, events: list[Event]) -> None:
        for thought, piece in pieces:
            self._run(Reasoning if thought else Text, "content", piece, events)

    def _take_entries(self, entries: list[Raw], events: list[Event]) -> None:
        """Entries of reasoning that are kept; their text counts only where it is told nowhere else."""
        for entry in entries:
            text = self._entries.add(entry)
            if self._told:
                text = ""
            if text or self._kind is not Reasoning:
                self._run(Reasoning, "reasoning_details", text, events)

    def _take_thoughts(self, delta: wire.Message, events: list[Event]) -> None:
        thought = delta.reasoning_content or delta.reasoning
        if thought:
            self._told = True
            field = "reasoning_content" if delta.reasoning_content else "reasoning"
            self._run(Reasoning, field, thought, events)
        for detail in delta.reasoning_details or ():
            self._detail(detail, events)

    def _take_words(self, delta: wire.Message, events: list[Event]) -> None:
        content = delta.content
        if isinstance(content, str):
            self.text(content, events)
        elif content is not None:
            self._take_pieces(content, events)
        if delta.refusal:
            self._run(Refusal, "refusal", delta.refusal, events)

    def _take_pieces(self, content: list[Raw], events: list[Event]) -> None:
        """A delta in the form of a list."""
        for piece in content_pieces(content):
            if piece.stray is not None:
                self.strays.append(piece.stray)
            elif piece.thought:
                if piece.text or piece.seal is None or self._kind is not Reasoning:
                    self._run(Reasoning, "content", piece.text, events)
                if piece.seal is not None:
                    events.append(Attach(self.index, self._part, Opaque("signature", piece.seal, OWN)))
            else:
                self._run(Text, "content", piece.text, events)

    def cite(self, cited: list[Citation], events: list[Event]) -> bool:
        """Says what the text that runs rests on; False when none does."""
        if self._kind is not Text:
            return False
        events += [Attach(self.index, self._part, citation) for citation in cited]
        return True

    def finish_text(self, events: list[Event]) -> None:
        """Adds what was held back in search of a tag."""
        if self._splitter is not None:
            self._split(self._splitter.close(), events)

    def finish(self, events: list[Event]) -> None:
        """Ends the open parts and the candidate."""
        self._end_running(events)
        for call in self._calls:
            if call.part < 0:
                self._start_call(call, events)
        misleads = not self._restore.capabilities.relayed
        stop = decode_stop(self.word, self._parts, misleads=misleads) if self.word else guess_stop(self._parts)
        for call in self._calls:
            whole = msgspec.structs.replace(call.header, arguments="".join(call.pieces))
            cut_calls([whole], stop.kind)
            events.append(PartEnd(self.index, call.part, None if whole.complete else whole))
        if self._audio is not None:
            events.append(PartEnd(self.index, self._audio_part, self._whole_audio(self._audio)))
        events.append(Finish(self.index, stop))

    def _run(self, kind: type[Text | Reasoning | Refusal], field: str, text: str, events: list[Event]) -> None:
        if self._kind is not kind:
            self._open(kind, field, events)
        if text:
            events.append(Delta(self.index, self._part, text))

    def _open(self, kind: type[Text | Reasoning | Refusal], field: str, events: list[Event]) -> None:
        self._end_running(events)
        self._kind = kind
        self._part = self._start(kind(at=f"{self._at}/{field}"), events)

    def _start(self, header: Part, events: list[Event]) -> int:
        number = len(self._parts)
        self._parts.append(header)
        events.append(PartStart(self.index, number, header))
        return number

    def _end_running(self, events: list[Event]) -> None:
        if self._kind is Reasoning:
            events += [Attach(self.index, self._part, seal) for seal in self._entries.take()]
        if self._kind is not None:
            events.append(PartEnd(self.index, self._part))
            self._kind = None

    def _detail(self, detail: ReasoningDetail, events: list[Event]) -> None:
        """Sealed state goes to the reasoning that runs; its text counts only where it is told nowhere else."""
        seals = decode_seals(detail)
        if detail.data is not None:
            self._end_running(events)
            number = self._start(Reasoning(form="hidden", opaque=seals, at=self._at + "/reasoning_details"), events)
            events.append(PartEnd(self.index, number))
            return
        text = "" if self._told else detail_text(detail)
        if text or (seals and self._kind is not Reasoning):
            self._run(Reasoning, "reasoning_details", text, events)
        events += [Attach(self.index, self._part, seal) for seal in seals]

    def _logprobs(self, raw: Raw, events: list[Event]) -> None:
        if json.is_null(raw):
            return
        content, refusal = logprobs(raw)
        tokens = content if self._kind is Text else refusal if self._kind is Refusal else None
        if tokens:
            events.append(Attach(self.index, self._part, tokens))
        elif content or refusal or (content is None and refusal is None):
            self.stray_logprobs = raw

    def _annotations(self, annotations: list[wire.Annotation], events: list[Event]) -> None:
        if self._kind is Text:
            events += [Attach(self.index, self._part, citation) for citation in citations(annotations)]

    def _call(self, wire_call: wire.ToolCall, events: list[Event]) -> None:
        call = self._known_call(wire_call)
        if call is None:
            call = self._new_call(wire_call)
            if wire_call.index is not None:
                self._by_index[wire_call.index] = call
        text = ""
        if wire_call.custom is not None:
            text = wire_call.custom.input or ""
        elif wire_call.function is not None:
            text = arguments_text(wire_call.function.arguments)
        self._add(call, text, events)

    def _known_call(self, wire_call: wire.ToolCall) -> _Call | None:
        """The call that a delta goes on with: by index, else by id, else the last one when it names no other."""
        wire_id = wire_call.id
        if wire_call.index is not None:
            known = self._by_index.get(wire_call.index)
            # Some servers number every call 0: another id is another call.
            other = known is not None and wire_id and known.wire_id and wire_id != known.wire_id
            return None if other else self._named(known, wire_call)
        if wire_id:
            known = next((call for call in self._calls if call.wire_id == wire_id), None)
            return self._named(known, wire_call)
        named = wire_call.function is not None and wire_call.function.name
        return None if named or not self._calls else self._calls[-1]

    def _named(self, known: _Call | None, wire_call: wire.ToolCall) -> _Call | None:
        """The same call; a name or an id that comes late is noted."""
        if known is not None and known.part < 0:
            header = call_header(wire_call, wire_call.id or known.header.id, known.header.at, self._restore)
            known.wire_id = wire_call.id or known.wire_id
            known.header = header if header.name else known.header
        return known

    def _new_call(self, wire_call: wire.ToolCall) -> _Call:
        number = len(self._calls)
        call_id = wire_call.id or made_call_id(*self._answer, self.index, number)
        header = call_header(wire_call, call_id, f"{self._at}/tool_calls/{number}", self._restore)
        call = _Call(number, wire_call.id or "", header)
        self._calls.append(call)
        return call

    def _function_call(self, wire_call: wire.FunctionCall, events: list[Event]) -> None:
        """The deprecated form: one call, without an id."""
        call = self._deprecated
        if call is None:
            header = ToolCall(id=made_call_id(*self._answer, self.index, 0), at=self._at + "/function_call")
            call = self._deprecated = _Call(len(self._calls), "", header)
            self._calls.append(call)
        if wire_call.name and call.part < 0:
            call.header.name = self._restore.names.get(wire_call.name, wire_call.name)
        self._add(call, arguments_text(wire_call.arguments), events)

    def _add(self, call: _Call, text: str, events: list[Event]) -> None:
        if text:
            call.pieces.append(text)
        if call.part >= 0:
            if text:
                events.append(Delta(self.index, call.part, text))
        elif call.header.name:
            self._start_call(call, events)

    def _start_call(self, call: _Call, events: list[Event]) -> None:
        self._end_running(events)
        call.part = self._start(call.header, events)
        if call.pieces:
            events.append(Delta(self.index, call.part, "".join(call.pieces)))

    def _take_audio(self, audio: wire.Audio, events: list[Event]) -> None:
        media = self._audio
        if media is None:
            self._end_running(events)
            media = self._audio = Media(kind="audio", source=Base64(""), audio_id=audio.id, at=self._at + "/audio")
            self._audio_part = self._start(
                Media(kind="audio", source=Base64(""), audio_id=audio.id, at=media.at), events
            )
        if audio.id is not None:
            media.audio_id = audio.id
        if audio.expires_at is not None:
            media.expires_at = audio.expires_at
        if audio.data:
            self._audio_data.append(audio.data)
            events.append(Delta(self.index, self._audio_part, audio.data, "data"))
        if audio.transcript:
            media.transcript = (media.transcript or "") + audio.transcript
            events.append(Delta(self.index, self._audio_part, audio.transcript, "transcript"))

    def _whole_audio(self, media: Media) -> Media:
        """The wire tells when audio expires last of all, so the part is given whole when it ends."""
        media.source = Base64("".join(self._audio_data))
        return media


def spoken_text(choice: wire.ChunkChoice) -> str | None:
    """The text of a chunk that brings nothing but text; None for any other."""
    delta = choice.delta
    if (
        delta is None
        or choice.finish_reason
        or choice.usage is not json.EMPTY
        or not (choice.logprobs is json.EMPTY or json.is_null(choice.logprobs))
        or delta.tool_calls
        or delta.reasoning_content
        or delta.reasoning
        or delta.reasoning_details
        or delta.refusal
        or delta.annotations
        or delta.function_call is not None
        or delta.audio is not None
    ):
        return None
    return delta.content if isinstance(delta.content, str) and delta.content else None
