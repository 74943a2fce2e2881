"""A whole answer for a client of this protocol."""

from msgspec import Raw

from twoapi import ir
from twoapi.ir import Candidate, FaultError, Loss, Response, StopReason, TokenLogprob, plain
from twoapi.protocols.bare_answers import bare_text
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.gemini import parts as wire
from twoapi.protocols.gemini.encode_answer import CUT_OFF, Answer, PartWriter, broken_call, usage_path
from twoapi.protocols.gemini.grounding import Cited, Texts, sources_raw, write_citations
from twoapi.protocols.gemini.logprobs import write_logprobs
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.stop import broke_off, encode_stop, guess_stop, refused, report_stop
from twoapi.protocols.gemini.usage import encode_usage
from twoapi.wire import json

Wire = wire.Wire
_BARE = b'[{"content":{"parts":[{"text":%b}],"role":"model"},"finishReason":"STOP","index":%d}]'


def encode_response(response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
    """The answer as JSON; raises FaultError when it cannot be shown as an answer."""
    if response.fault is not None:
        raise FaultError(response.fault)
    answer = Answer(response, context, losses)
    same = answer.same
    document: Wire = {}
    candidates = response.candidates
    only = candidates[0].stop if len(candidates) == 1 and not candidates[0].parts else None
    feedback = None if only is None else blocked_prompt(only, same=same)
    words = bare_text(candidates[0]) if len(candidates) == 1 and not same else None
    if words is not None:  # as most answers are
        document["candidates"] = Raw(_BARE % (json.encode(words), candidates[0].index))
    elif feedback is not None:
        document["promptFeedback"] = feedback
    else:
        document["candidates"] = [
            _CandidateWriter(answer, candidate, f"/candidates/{number}", response.extras).write()
            for number, candidate in enumerate(candidates)
        ]
    usage = encode_usage(response.usage, response.tier, losses, same=same, at=usage_path(response.protocol))
    if usage is not None:
        document["usageMetadata"] = usage
    return put_extras(json.encode(document | answer.members()), response.extras, losses, same=same)


def blocked_prompt(stop: StopReason, *, same: bool) -> Raw | None:
    """What this protocol's own vendor said of a prompt that it refused, which is then all of the answer."""
    return stop.details if same and stop.kind == "content_filter" else None


def put_extras(body: bytes, extras: dict[str, Raw], losses: list[Loss], *, same: bool) -> bytes:
    """The document with what the canonical model does not hold, for a client of the same protocol."""
    if not extras:
        return body
    missing = list(extras)
    if same:
        body, missing = json.insert(body, extras)
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in missing]
    return body


class _CandidateWriter:
    """Writes one candidate."""

    __slots__ = ("_answer", "_at", "_candidate", "_cited", "_extras", "_parts", "_stop", "_texts", "_tokens", "_writer")

    def __init__(self, answer: Answer, candidate: Candidate, at: str, extras: dict[str, Raw]) -> None:
        self._answer = answer
        self._candidate = candidate
        self._at = at
        self._extras = extras
        self._writer = PartWriter(answer, candidate.index)
        self._stop = candidate.stop or guess_stop(candidate.parts)
        self._parts: list[Wire | Raw] = []
        self._texts: Texts = []
        self._cited: Cited = []
        self._tokens: list[TokenLogprob] = []

    def write(self) -> Wire:
        """Raises FaultError for an answer that broke off."""
        fault = broke_off(self._stop)
        if fault is not None:
            raise FaultError(fault)
        for part in self._candidate.parts:
            self._part(part)
        made: Wire = {}
        if self._parts:
            made["content"] = {"parts": self._parts, "role": "model"}
        made |= self._ending()
        made["index"] = self._candidate.index
        return made | self._metadata()

    def _part(self, part: ir.Part) -> None:
        if isinstance(part, ir.Text | ir.Refusal):
            self._text(part)
        elif isinstance(part, ir.Reasoning):
            text = plain(part.text)
            if self._answer.same or text or part.opaque:
                signature = self._writer.thought(part, part.opaque)
                self._parts.append(wire.write_text(text, signature, thought=True))
        elif isinstance(part, ir.ToolCall):
            self._call(part)
        else:
            made = self._writer.other(part)
            if made is not None:
                self._parts.append(made)

    def _text(self, part: ir.Text | ir.Refusal) -> None:
        number, text = len(self._parts), plain(part.text)
        if isinstance(part, ir.Text) and part.citations:
            self._texts.append((number, text))
            self._cited += [(number, citation) for citation in part.citations]
        self._tokens += part.logprobs or ()
        self._parts.append(wire.write_text(text, self._writer.signature(part)))

    def _call(self, call: ir.ToolCall) -> None:
        made = self._writer.call(call) if call.complete else None
        if made is not None:
            self._parts.append(made)
        elif not call.complete or self._stop.kind in CUT_OFF:
            self._answer.lose(call.at, "dropped", "a tool call that was cut off")
        else:
            raise FaultError(broken_call())

    def _ending(self) -> Wire:
        answer, given, stop = self._answer, self._candidate.stop, self._stop
        if given is None and answer.same:
            return {}
        report_stop(stop, answer.upstream, self._candidate.index, answer.losses)
        ending: Wire = {"finishReason": encode_stop(stop, answer.upstream, refused=refused(self._candidate.parts))}
        if stop.detail is not None:
            ending["finishMessage"] = stop.detail
        return ending

    def _metadata(self) -> Wire:
        return metadata(self._answer, self._cited, self._texts, self._tokens, self._at, self._extras)


def metadata(
    answer: Answer, cited: Cited, texts: Texts, tokens: list[TokenLogprob], at: str, extras: dict[str, Raw]
) -> Wire:
    """Grounding, sources and log probabilities of a candidate; an empty object where extras will be put into one."""
    made: Wire = {}
    whole = answer.same and at + "/groundingMetadata" in extras  # kept as it was
    if whole:
        cited = [one for one in cited if one[1].raw is not None]
    if cited:
        grounding, recited = write_citations(cited, texts, answer.losses, "", same=answer.same)
        if grounding is not None:
            made["groundingMetadata"] = grounding
        if recited:
            made["citationMetadata"] = sources_raw(recited)
    if answer.same and not whole and "groundingMetadata" not in made:
        inside = at + "/groundingMetadata/"
        if extras and any(pointer.startswith(inside) for pointer in extras):
            made["groundingMetadata"] = {}
    if tokens:
        made["logprobsResult"] = write_logprobs(tokens)
    return made
