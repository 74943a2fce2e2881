"""The parts of one candidate of a stream for a client, in order, one after another."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.ir import (
    Attach,
    Base64,
    Citation,
    Delta,
    Fault,
    Media,
    Opaque,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    StopReason,
    Text,
    TokenLogprob,
    ToolCall,
    plain,
)
from twoapi.protocols.gemini import parts as wire
from twoapi.protocols.gemini.encode_answer import CUT_OFF, Answer, PartWriter, broken_call
from twoapi.protocols.gemini.encode_response import blocked_prompt, metadata
from twoapi.protocols.gemini.faults import one_line
from twoapi.protocols.gemini.grounding import Cited
from twoapi.protocols.gemini.stop import broke_off, encode_stop, report_stop
from twoapi.wire.json import encode

Wire = wire.Wire
_KINDS: dict[type, type] = {Text: Text, Refusal: Text, Reasoning: Reasoning}


class _Open:
    """A part that has started and has not been said to its end."""

    __slots__ = ("base", "citations", "ended", "final", "folded", "header", "length", "opaque", "pieces", "transcript")

    def __init__(self, header: ir.Part) -> None:
        self.header = header
        self.pieces: list[str] = _body(header)  # what waits to be said
        self.transcript: list[str] = []  # of a sound
        self.length = 0  # code points said
        self.folded = -1  # the part that a reader adds its words to
        self.base = 0  # code points of it that others said before
        self.ended = False
        self.final: ir.Part | None = None
        self.opaque: list[Opaque] = list(header.opaque)
        self.citations: list[Citation] = list(header.citations) if isinstance(header, Text) else []


def _body(header: ir.Part) -> list[str]:
    """What a header holds already: decoders leave it empty."""
    body = ""
    if isinstance(header, Text | Refusal | Reasoning):
        body = plain(header.text)
    elif isinstance(header, ToolCall):
        body = header.arguments
    elif isinstance(header, Media) and isinstance(header.source, Base64):
        body = header.source.data
    return [body] if body else []


class CandidateStream:
    """One candidate. Of parts that are open at the same time the first is said as it comes, the others wait."""

    __slots__ = (
        "_answer",
        "_broken",
        "_called",
        "_cited",
        "_folded",
        "_kind",
        "_length",
        "_open",
        "_refused",
        "_stop",
        "_text",
        "_texts",
        "_tokens",
        "_writer",
        "index",
    )

    def __init__(self, answer: Answer, index: int) -> None:
        self.index = index
        self._answer = answer
        self._writer = PartWriter(answer, index)
        self._open: dict[int, _Open] = {}  # in the order of their starts
        self._called = self._refused = False
        self._broken = False  # a call's arguments are no JSON object
        self._stop: StopReason | None = None  # once it has finished
        # What a reader puts together again: pieces of the same kind are one part.
        self._folded = 0  # parts so far
        self._kind: type | None = None  # of the last one, while more of it may come
        self._text: list[str] = []  # its words
        self._length = 0  # code points of them
        self._texts: dict[int, str] = {}  # the texts before it that are cited
        self._cited: Cited = []
        self._tokens: list[TokenLogprob] = []

    def start(self, event: PartStart) -> list[bytes]:
        """The parts that can be said now, as on the wire."""
        if self._stop is not None or event.part in self._open:
            return []
        self._open[event.part] = _Open(event.header)
        return self._advance()

    def delta(self, event: Delta) -> bytes | None:
        """The words of a delta as a part; None when they wait, or belong to nothing."""
        part = self._open.get(event.part)
        if part is None or not event.text:
            return None
        if event.field == "transcript":
            part.transcript.append(event.text)
            return None
        if type(part.header) in _KINDS and part is next(iter(self._open.values())):
            return self._words(part, event.text)
        part.pieces.append(event.text)
        return None

    def attach(self, event: Attach) -> None:
        """Keeps what belongs to an open part until it ends."""
        part = self._open.get(event.part)
        if part is None:
            return
        if isinstance(event.item, Opaque):
            part.opaque.append(event.item)
        elif isinstance(event.item, Citation):
            part.citations.append(event.item)
        else:
            self._tokens += event.item

    def end(self, event: PartEnd) -> list[bytes]:
        """The parts that can be said now, as on the wire."""
        part = self._open.get(event.part)
        if part is None:
            return []
        part.ended, part.final = True, event.final
        return self._advance()

    def finish(self, stop: StopReason | None) -> tuple[list[bytes], Fault | None]:
        """The parts that are left, and the fault of an answer that cannot be shown as one."""
        if self._stop is not None:
            return [], None
        said = self._advance(to_end=True)
        self._stop = stop or StopReason(kind="tool_use" if self._called else "stop")
        fault = broke_off(self._stop)
        if self._broken and self._stop.kind in CUT_OFF:
            self._answer.lose("", "dropped", "a tool call that was cut off")
        elif self._broken:
            fault = broken_call()
        report_stop(self._stop, self._answer.upstream, self.index, self._answer.losses)
        return said, fault

    def blocked(self) -> Raw | None:
        """What the vendor said of a prompt that it refused, when this is the answer to one."""
        stop = self._stop
        return None if stop is None or self._folded else blocked_prompt(stop, same=self._answer.same)

    def ending(self, at: str, extras: dict[str, Raw]) -> Wire:
        """The candidate in the last frame; `at` is its place there."""
        stop = self._stop or StopReason(kind="stop")
        made: Wire = {"content": {"parts": [{"text": ""}], "role": "model"}}
        made["finishReason"] = encode_stop(stop, self._answer.upstream, refused=self._refused)
        if stop.detail is not None:
            made["finishMessage"] = stop.detail
        made["index"] = self.index
        if self._kind is Text:
            self._texts[self._folded - 1] = "".join(self._text)
        texts = [(number, self._texts[number]) for number in sorted({number for number, _ in self._cited})]
        return made | metadata(self._answer, self._cited, texts, self._tokens, at, extras)

    def _advance(self, *, to_end: bool = False) -> list[bytes]:
        """Says what has waited of the parts that have come to the front."""
        said: list[bytes] = []
        while self._open:
            number, part = next(iter(self._open.items()))
            if type(part.header) in _KINDS and part.pieces:
                said.append(self._words(part, "".join(part.pieces)))
                part.pieces.clear()
            if not (part.ended or to_end):
                break
            del self._open[number]
            made = self._complete(part)
            if made is not None:
                said.append(one_line(encode(made)))
        return said

    def _words(self, part: _Open, text: str) -> bytes:
        """Words as a part of the wire."""
        kind = _KINDS[type(part.header)]
        if part.folded < 0:
            if self._kind is not kind:
                self._fold(kind)
            part.folded, part.base = self._folded - 1, self._length
        part.length += len(text)
        if kind is Text:
            self._text.append(text)
            self._length += len(text)
            return b'{"text":%b}' % encode(text)
        return b'{"text":%b,"thought":true}' % encode(text)

    def _fold(self, kind: type | None) -> None:
        """Another part begins for the reader."""
        if self._kind is Text:
            self._texts[self._folded - 1] = "".join(self._text)
        self._text.clear()
        self._length = 0
        self._kind = kind
        self._folded += 1

    def _complete(self, part: _Open) -> Wire | None:
        """What is left to be said of a part that has ended."""
        header, final = part.header, part.final
        if isinstance(header, Text | Refusal | Reasoning):
            return self._complete_words(part)
        whole = header if final is None or type(final) is not type(header) else final
        body = "".join(part.pieces)
        if isinstance(whole, ToolCall):
            return self._complete_call(part, whole, body if whole is header else whole.arguments)
        if isinstance(whole, Media) and isinstance(whole.source, Base64):
            data = body or whole.source.data
            words = "".join(part.transcript) or whole.transcript
            whole = msgspec.structs.replace(whole, source=Base64(data), transcript=words)
        made = self._writer.other(whole)
        if made is not None:
            self._fold(None)
        return made

    def _complete_call(self, part: _Open, call: ToolCall, arguments: str) -> Wire | None:
        self._called = True
        opaque = tuple(part.opaque) or call.opaque
        made = None
        if call.complete:
            made = self._writer.call(msgspec.structs.replace(call, arguments=arguments, opaque=opaque))
            self._broken = self._broken or made is None
        else:
            self._answer.lose(call.at, "dropped", "a tool call that was cut off")
        if made is not None:
            self._fold(None)
        return made

    def _complete_words(self, part: _Open) -> Wire | None:
        """The signature of words that have been said, as a part without words behind them."""
        header = part.header
        self._refused = self._refused or isinstance(header, Refusal)
        if part.citations:
            self._cite(part)
        opaque = tuple(part.opaque)
        thought = isinstance(header, Reasoning)
        signature = None
        if isinstance(header, Reasoning):
            if opaque or part.length:
                signature = self._writer.thought(header, opaque)
        elif opaque:
            signature = self._writer.signature(msgspec.structs.replace(header, opaque=opaque))
        if signature is None:
            return None
        if part.folded < 0:
            self._fold(None)
        elif self._kind is Text:
            self._texts[part.folded] = "".join(self._text)
        self._kind = None
        return wire.write_text("", signature, thought=thought)

    def _cite(self, part: _Open) -> None:
        """Moves citations to the part that a reader puts the words together to."""
        if part.folded < 0:
            self._answer.lose(part.header.at, "dropped", "a citation of no words")
            return
        for one in part.citations:
            start = part.base + (one.start or 0)
            end = part.base + (part.length if one.end is None else one.end)
            self._cited.append((part.folded, msgspec.structs.replace(one, start=start, end=end)))
