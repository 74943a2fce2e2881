"""A whole answer as a completion."""

from msgspec import UNSET

from twoapi.ir import Candidate, Loss, Refusal, Response, StopReason, Text, plain
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.operations.completions.choices import (
    Choice,
    Completion,
    Logprobs,
    answer_id,
    finish,
    report_part,
    usage,
)
from twoapi.protocols.operations.completions.request import NAME, Prompted
from twoapi.wire import json


def encode_response(response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
    """The answer as JSON."""
    prefix = echoed(context)
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in response.extras]
    if response.tier is not None:
        losses.append(Loss("/service_tier", "dropped", NAME, "no such field here"))
    return json.encode(
        Completion(
            id=answer_id(context),
            object="text_completion",
            created=context.now if response.created is None else response.created,
            model=response.model or context.request.model,
            choices=[_choice(one, response, prefix, losses) for one in response.candidates],
            system_fingerprint=response.fingerprint or UNSET,
            usage=usage(response.usage) or UNSET,
        )
    )


def echoed(context: AnswerContext) -> str:
    """The prompt where the client wants it before the text; else ""."""
    request = context.request
    if isinstance(request, Prompted) and request.echo:
        (part,) = request.messages[0].parts
        if isinstance(part, Text):
            return plain(part.text)
    return ""


def _choice(candidate: Candidate, response: Response, prefix: str, losses: list[Loss]) -> Choice:
    texts, logprobs, offset = [prefix], None, len(prefix)
    for part in candidate.parts:
        if isinstance(part, Text | Refusal):
            texts.append(plain(part.text))
            if part.logprobs is not None:
                logprobs = logprobs or Logprobs([], [], [], [])
                offset = logprobs.add(part.logprobs, offset)
            if isinstance(part, Refusal):
                losses.append(Loss(part.at, "moved", NAME, "a refusal is told as text"))
            elif part.citations:
                losses.append(Loss(part.at, "dropped", NAME, "a completion has no citations"))
        else:
            report_part(part, losses)
    stop = candidate.stop or StopReason(kind="stop")
    word = finish(stop, response.protocol, candidate.index, losses)
    return Choice("".join(texts), candidate.index, logprobs, word)
