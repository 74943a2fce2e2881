"""Pieces of a completion that its whole form and its streamed form share."""

import msgspec
from msgspec import UNSET, Raw, UnsetType

from twoapi.ir import Loss, Part, StopReason, TokenLogprob, Usage
from twoapi.ir.response import StopKind
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.operations.completions.request import NAME
from twoapi.protocols.places import stop_places

_WORDS: dict[StopKind, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "context_window": "length",
    "content_filter": "content_filter",
    "recitation": "content_filter",
    "refusal": "content_filter",
}


class Logprobs(msgspec.Struct):
    """Log probabilities in the vendor's old form, of tokens that begin at `text_offset` of the text."""

    tokens: list[str] = []
    token_logprobs: list[float] = []
    top_logprobs: list[dict[str, float]] = []
    text_offset: list[int] = []

    def add(self, tokens: list[TokenLogprob], offset: int) -> int:
        """More tokens, the first of which begins at `offset`; where the next one would begin."""
        for one in tokens:
            self.tokens.append(one.token)
            self.token_logprobs.append(one.logprob)
            self.top_logprobs.append({other.token: other.logprob for other in one.top})
            self.text_offset.append(offset)
            offset += len(one.token)
        return offset


class Choice(msgspec.Struct):
    """One text."""

    text: str
    index: int
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct, kw_only=True):
    """The answer's object, whole or a piece of a stream."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    system_fingerprint: str | UnsetType = UNSET
    usage: Raw | UnsetType = UNSET


def answer_id(context: AnswerContext) -> str:
    """The id of an answer, which its upstream knew by another."""
    return "cmpl-" + context.id


def finish(stop: StopReason, protocol: str, index: int, losses: list[Loss]) -> str:
    """The vendor's word for why the text ends; what it leaves out is reported."""
    at = stop_places(protocol, index)
    word = _WORDS.get(stop.kind)
    if word is None:
        losses.append(Loss(at.reason, "approximated", NAME, f"{stop.kind} ends as stop"))
    if stop.details is not None:
        losses.append(Loss(at.details, "dropped", NAME, "no place for the kind of a refusal"))
    if stop.sequence is not None:
        losses.append(Loss(at.sequence, "dropped", NAME, "no place for the stop string that matched"))
    return word or "stop"


def report_part(part: Part, losses: list[Loss]) -> None:
    """A part of the answer that is no text."""
    losses.append(Loss(part.at, "dropped", NAME, f"a completion is text: no place for {type(part).__name__}"))


def usage(told: Usage | None) -> Raw | None:
    """The usage object; None when the upstream told nothing."""
    if told is None or (told.input is None and told.output is None):
        return None
    prompt, completion = told.total_input, told.total_output
    counts = b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}'
    return Raw(counts % (prompt, completion, prompt + completion))
