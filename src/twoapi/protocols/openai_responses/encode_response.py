"""A whole answer for a client of this protocol."""

from msgspec import Raw

from twoapi.ir import Candidate, Fault, FaultError, Loss, Part, Refusal, Response, StopReason, ToolCall
from twoapi.protocols.bare_answers import bare_text
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.openai_responses.answer_items import ItemEncoder, runs
from twoapi.protocols.openai_responses.items import mint_id
from twoapi.protocols.openai_responses.name import NAME, broken
from twoapi.protocols.openai_responses.response_object import ResponseObject, encode_tier
from twoapi.protocols.openai_responses.status import BROKEN, CUT_OFF, encode_status
from twoapi.protocols.openai_responses.usage import encode_usage
from twoapi.wire import json

_BARE = (
    b'[{"type":"message","id":%b,"status":"completed","role":"assistant",'
    b'"content":[{"type":"output_text","text":%b,"annotations":[],"logprobs":[]}]}]'
)


def encode_response(response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
    """The answer as JSON; raises FaultError when it cannot be shown as an answer."""
    if response.fault is not None:
        raise FaultError(response.fault)
    candidates = response.candidates
    if len(candidates) > 1:
        losses += [
            Loss(f"/choices/{other.index}", "dropped", NAME, "this protocol has one answer") for other in candidates[1:]
        ]
    first = candidates[0] if candidates else Candidate(0, [])
    protocol = response.protocol
    stop = first.stop or guessed_stop(first.parts)
    status: str = "completed"
    details: dict[str, str] | Raw | None = None
    text = None if protocol == NAME else bare_text(first)
    if text is not None:  # as most answers are
        item_id = mint_id("message", context.id + "_0")
        output: list[object] | Raw = Raw(_BARE % (json.encode(item_id), json.encode(text)))
    else:
        output = _output(first.parts, stop, ItemEncoder(protocol, context, losses))
        fault = failure_of(stop, protocol, said=bool(output))
        if fault is not None:
            raise FaultError(fault)
        status, details = encode_status(stop, protocol, losses)
    shell = ResponseObject(
        context,
        protocol=protocol,
        upstream_id=response.id,
        model=response.model,
        created=response.created,
        echo=response.echo,
    )
    usage = encode_usage(response.usage, same=protocol == NAME, losses=losses)
    tier = encode_tier(response.tier, protocol, losses)
    report_fingerprint(response.fingerprint, losses)
    body = shell.body(status, output, details=details, usage=usage, tier=tier)
    return with_extras(body, response.extras, losses, own=protocol == NAME)


def with_extras(body: bytes, extras: dict[str, Raw], losses: list[Loss], *, own: bool) -> bytes:
    """The response object with what only this protocol has; what has no place in it is reported."""
    if not extras:
        return body
    missing = list(extras)
    if own:
        body, missing = json.insert(body, extras)
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in missing]
    return body


def _output(parts: list[Part], stop: StopReason, items: ItemEncoder) -> list[object]:
    output: list[object] = []
    cut = stop.kind in CUT_OFF
    last = parts[-1] if parts else None
    for run in runs(parts):
        output += items.encode(run, len(output), cut=cut and run[-1] is last)
    refusal = explained_refusal(stop, parts, items.protocol)
    if refusal is not None:
        output += items.encode([refusal], len(output), cut=False)
    return output


def guessed_stop(parts: list[Part]) -> StopReason:
    """The stop reason of an answer that ended properly without saying why."""
    return StopReason(kind="tool_use" if any(isinstance(part, ToolCall) for part in parts) else "stop")


def failure_of(stop: StopReason, protocol: str, *, said: bool) -> Fault | None:
    """The fault that a stop reason amounts to; None for an answer that can be shown."""
    if stop.kind in BROKEN and protocol != NAME:
        return broken(f"the model's answer broke off: {stop.raw or stop.kind}")
    if stop.kind == "context_window" and not said:
        message = "the context window was full before anything was said"
        return Fault("context_length", message, code="context_length_exceeded")
    return None


def explained_refusal(stop: StopReason, parts: list[Part], protocol: str) -> Refusal | None:
    """The words in which another protocol's filter explains itself, which clients look for in a refusal."""
    if protocol == NAME or not stop.detail or stop.kind not in ("content_filter", "refusal"):
        return None
    return None if any(isinstance(part, Refusal) for part in parts) else Refusal(text=stop.detail)


def report_fingerprint(fingerprint: str | None, losses: list[Loss]) -> None:
    """There is no place for it."""
    if fingerprint is not None:
        losses.append(Loss("/system_fingerprint", "dropped", NAME, "no place for a fingerprint"))
