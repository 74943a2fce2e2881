"""One candidate of a streamed answer: which part runs, and what its frames add."""

from msgspec import Raw

from twoapi.ir import (
    Attach,
    Base64,
    Delta,
    Event,
    Finish,
    Media,
    Part,
    PartEnd,
    PartStart,
    Reasoning,
    Text,
    ToolCall,
    plain,
)
from twoapi.protocols.base import Restore
from twoapi.protocols.gemini import parts as parts_wire
from twoapi.protocols.gemini import schema_answer as wire
from twoapi.protocols.gemini.answer_parts import answer_part, cite, made_call_id
from twoapi.protocols.gemini.grounding import told
from twoapi.protocols.gemini.logprobs import joined, read_logprobs, says_more
from twoapi.protocols.gemini.partial_call import PartialCall, is_partial
from twoapi.protocols.gemini.stop import decode_stop, guess_stop
from twoapi.wire.json import EMPTY, encode, is_null


class StreamCandidate:
    """The state of one candidate."""

    __slots__ = (
        "_answer",
        "_at",
        "_calls",
        "_extras",
        "_grounding",
        "_kept",
        "_logprobs",
        "_partial",
        "_parts",
        "_pieces",
        "_restore",
        "_running",
        "_sources",
        "_texts",
        "_tokens",
        "index",
        "message",
        "word",
    )

    def __init__(self, index: int, answer: str, restore: Restore) -> None:
        self.index = index
        self.word = ""  # the finish reason, once it is told
        self.message: str | None = None
        self._answer = answer
        self._restore = restore
        self._at = f"/candidates/{index}/content/parts/"
        self._parts: list[Part] = []  # the headers of all parts that have started
        self._running: Text | Reasoning | None = None  # the last one, while it may go on
        self._pieces: list[str] = []  # of the text that runs
        self._calls = 0
        self._partial: PartialCall | None = None  # whose arguments are still coming
        self._texts: list[tuple[int, str]] = []  # those that have ended
        self._grounding = EMPTY
        self._sources: list[Raw] = []
        self._logprobs: list[Raw] = []
        self._tokens = True  # all of them have found their text
        self._kept: dict[str, Raw] = {}  # what is not modelled: the last one counts
        self._extras: dict[str, Raw] = {}  # what is not known of parts

    def take(self, frame: wire.Candidate, odd: dict[str, Raw], events: list[Event]) -> None:
        """Adds the events of one frame. `odd`: what is not known of it, by pointer in it. Raises WireError."""
        if frame.finish_reason:
            self.word = frame.finish_reason
        if frame.finish_message is not None:
            self.message = frame.finish_message
        if frame.content is not None:
            parts = parts_wire.listed(frame.content.parts)
            for part in parts:
                self._part(part, events)
            if odd:
                self._keep(odd, len(parts))
        self._metadata(frame, events)

    def _keep(self, odd: dict[str, Raw], parts: int) -> None:
        """Keeps what is not known, of a part by its number in the whole answer."""
        for pointer, value in odd.items():
            head, _, rest = pointer.removeprefix("/content/parts/").partition("/")
            if pointer.startswith("/content/parts/") and head.isdecimal():
                number = max(len(self._parts) - parts + int(head), 0)
                self._extras[f"{self._at}{number}/{rest}"] = value
            else:
                self._extras[f"/candidates/{self.index}{pointer}"] = value

    def finish(self, events: list[Event], position: int) -> dict[str, Raw]:
        """Ends the candidate; what the events do not say, by pointer in the whole answer. Raises WireError."""
        if self._partial is not None:
            self._cut_call(self._partial, events)
        at = f"/candidates/{position}"
        extras = {at + pointer.removeprefix(f"/candidates/{self.index}"): raw for pointer, raw in self._extras.items()}
        extras |= {f"{at}/{name}": raw for name, raw in self._kept.items()}
        extras |= self._cite(at, events)
        extras |= self._logprobs_left(at)
        self._end_running(events)
        if self.word:
            stop = decode_stop(self.word, self.message, self._parts)
        else:
            stop = guess_stop(self._parts)
            if self.message is not None:
                extras[at + "/finishMessage"] = Raw(encode(self.message))
        events.append(Finish(self.index, stop))
        return extras

    def _part(self, part: parts_wire.Part, events: list[Event]) -> None:
        call = part.function_call
        if call is not None and (is_partial(call) or self._partial is not None):
            partial = self._partial
            if partial is not None and call.name and partial.name:
                self._whole(partial.whole(), events)  # another one begins
                partial = None
            if partial is None and not is_partial(call):
                self._partial = None
                self._whole(part, events)
                return
            self._partial = partial or PartialCall()
            if self._partial.add(part, call):
                return
            part, self._partial = self._partial.whole(), None
        self._whole(part, events)

    def _whole(self, part: parts_wire.Part, events: list[Event]) -> None:
        made = answer_part(part, f"{self._at}{len(self._parts)}", self._restore, self._extras)
        if isinstance(made, Text | Reasoning):
            self._text(made, events)
            return
        self._end_running(events)
        if isinstance(made, ToolCall):
            made.id = made.id or made_call_id(self._answer, self.index, self._calls)
            self._calls += 1
            arguments, made.arguments = made.arguments, ""
            self._say(made, arguments, "body", events)
        elif isinstance(made, Media) and isinstance(made.source, Base64):
            data, made.source = made.source.data, Base64("")
            self._say(made, data, "data", events)
        else:
            number = self._start(made, events)
            events.append(PartEnd(self.index, number))

    def _cut_call(self, partial: PartialCall, events: list[Event]) -> None:
        """A call that never became whole."""
        made = answer_part(partial.whole(), f"{self._at}{len(self._parts)}", self._restore, self._extras)
        if isinstance(made, ToolCall):
            made.id = made.id or made_call_id(self._answer, self.index, self._calls)
            made.complete = False
            self._end_running(events)
            number = self._start(ToolCall(id=made.id, name=made.name, kind=made.kind, at=made.at), events)
            events.append(PartEnd(self.index, number, made))

    def speak(self, text: str, events: list[Event], *, thought: bool) -> None:
        """Adds words, as nearly all frames bring them and nothing else."""
        if not text:
            return
        kind = Reasoning if thought else Text
        if type(self._running) is not kind:
            self._end_running(events)
            at = f"{self._at}{len(self._parts)}"
            self._running = Reasoning(form="summary", at=at) if thought else Text(at=at)
            self._start(self._running, events)
        if kind is Text:
            self._pieces.append(text)
        events.append(Delta(self.index, len(self._parts) - 1, text))

    def _text(self, made: Text | Reasoning, events: list[Event]) -> None:
        text = plain(made.text)
        sealed, made.opaque, made.text = made.opaque, (), ""
        if not text and not sealed:
            return
        if type(self._running) is not type(made):
            self._end_running(events)
            self._start(made, events)
            self._running = made
        number = len(self._parts) - 1
        if text:
            if type(made) is Text:
                self._pieces.append(text)
            events.append(Delta(self.index, number, text))
        if sealed:
            events += [Attach(self.index, number, seal) for seal in sealed]
            self._end_running(events)

    def _say(self, made: ToolCall | Media, body: str, field: str, events: list[Event]) -> None:
        """A part that comes whole."""
        sealed, made.opaque = made.opaque, ()
        number = self._start(made, events)
        if body:
            events.append(Delta(self.index, number, body, "data" if field == "data" else "body"))
        events += [Attach(self.index, number, seal) for seal in sealed]
        events.append(PartEnd(self.index, number))

    def _start(self, header: Part, events: list[Event]) -> int:
        number = len(self._parts)
        self._parts.append(header)
        events.append(PartStart(self.index, number, header))
        return number

    def _end_running(self, events: list[Event]) -> None:
        if self._running is None:
            return
        number = len(self._parts) - 1
        if type(self._running) is Text:
            self._texts.append((number, "".join(self._pieces)))
            self._pieces.clear()
        self._running = None
        events.append(PartEnd(self.index, number))

    def _metadata(self, frame: wire.Candidate, events: list[Event]) -> None:
        if frame.grounding_metadata is not EMPTY and told(frame.grounding_metadata):
            self._grounding = frame.grounding_metadata
        if frame.citation_metadata is not EMPTY and told(frame.citation_metadata):
            self._sources.append(frame.citation_metadata)
        if frame.logprobs_result is not EMPTY and told(frame.logprobs_result):
            self._logprobs.append(frame.logprobs_result)
            tokens = read_logprobs(frame.logprobs_result)
            if tokens and type(self._running) is Text:
                events.append(Attach(self.index, len(self._parts) - 1, tokens))
                self._tokens = self._tokens and not says_more(frame.logprobs_result, tokens)
            else:
                self._tokens = False
        for name, spelled in wire.UNMODELLED.items():
            value: Raw = getattr(frame, name)
            if value is not EMPTY and not is_null(value):
                self._kept[spelled] = value

    def _cite(self, at: str, events: list[Event]) -> dict[str, Raw]:
        """Attaches the citations of the text that still runs; the texts before it cannot be told of any more."""
        if self._grounding is EMPTY and not self._sources:
            return {}
        last = len(self._parts) - 1 if type(self._running) is Text else -1
        texts = [*self._texts, (last, "".join(self._pieces))] if last >= 0 else self._texts
        sources = joined(self._sources) or EMPTY
        cited, extras = cite(texts, self._grounding, sources, at)
        for number, citation in cited:
            if number == last:
                events.append(Attach(self.index, number, citation))
        if any(number != last for number, _ in cited):
            for name, raw in (("groundingMetadata", self._grounding), ("citationMetadata", sources)):
                if raw is not EMPTY:
                    extras = {pointer: value for pointer, value in extras.items() if name not in pointer}
                    extras[f"{at}/{name}"] = raw
        return extras

    def _logprobs_left(self, at: str) -> dict[str, Raw]:
        raw = None if self._tokens else joined(self._logprobs)
        return {} if raw is None else {at + "/logprobsResult": raw}
