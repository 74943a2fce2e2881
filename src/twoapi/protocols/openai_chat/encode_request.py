"""The canonical request to this protocol's body, and every loss on the way."""

from typing import TypeVar

import msgspec

from twoapi.ir import Loss, Request
from twoapi.ir.request import NO_OUTPUT, NO_REASONING, NO_STATE
from twoapi.protocols.base import Encoded, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks, encode_ttl
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.cache_marks import MARKED
from twoapi.protocols.openai_chat.encode_messages import MessageEncoder, encode_texts
from twoapi.protocols.openai_chat.encode_reasoning import Members, encode_reasoning
from twoapi.protocols.openai_chat.encode_tools import ToolEncoder
from twoapi.protocols.openai_chat.mend_messages import in_words, mend_messages
from twoapi.protocols.openai_chat.mend_request import mend_request
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.openai_chat.traits import KNOWN, Traits, judge
from twoapi.protocols.openai_limits import Limits
from twoapi.protocols.pairing import pair_results
from twoapi.protocols.strict_schemas import conforms
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire import json
from twoapi.wire.http import Outgoing

PATH = "/chat/completions"

B = TypeVar("B", bound=out.PlainBody)
_ASK_USAGE = out.StreamOptions(include_usage=True)

_MAX_USER = 128  # characters

_TIERS = {
    "auto": "auto",
    "default": "default",
    "standard": "default",
    "standard_only": "default",
    "flex": "flex",
    "scale": "scale",
    "priority": "priority",
    "fast": "fast",
}


def encode_request(request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
    """The upstream request; raises FaultError for what this protocol must refuse."""
    traits = KNOWN.get(id(capabilities)) or judge(capabilities)
    if request.state is not NO_STATE:
        _refuse_state(request, losses)  # first: without what the other server keeps, the rest need not make sense
    body: out.PlainBody
    full: out.Body | None = None
    members: Members = {}
    if traits.deviates or _says_more(request):
        body = full = _begin(out.Body, request, model, traits, losses)
        _encode_plain_members(request, full, losses)
    else:
        body = _begin(out.PlainBody, request, model, traits, losses)
    encoder = None if full is None else _encode_tools(request, full, traits, losses)
    restore = _encode_texts(request, body, encoder, traits, losses) if capabilities.prefill else None
    if restore is None:
        restore = _encode_messages(request, body, encoder, traits, losses)
    sampling = request.sampling
    if sampling.top_k is not None or sampling.stop is not None or not capabilities.sampling:
        _encode_sampling(request, body, capabilities, losses)
    if full is not None:
        members = _encode_more(request, full, capabilities, losses)
    if request.stream:
        body.stream = True
        body.stream_options = _ASK_USAGE if capabilities.stream_usage else None
    path = PATH
    if full is not None and traits.deviates:
        mend_messages(request, full, capabilities, losses)
        path = mend_request(request, full, members, capabilities, losses) or PATH
    payload = json.encode(body)
    if members:
        payload = payload[:-1] + b"," + json.encode(members)[1:]
    if request.extras:
        payload = _encode_extras(request, payload, losses)
    return Encoded(Outgoing(path, payload), restore)


def _says_more(request: Request) -> bool:
    """True when the request says anything that `out.PlainBody` has no place for."""
    sampling = request.sampling
    if (  # noqa: SIM103  as the condition of an `if` it costs a third less than as a value
        request.tools
        or request.tool_choice is not None
        or request.parallel is not None
        or request.reasoning is not NO_REASONING
        or request.output is not NO_OUTPUT
        or request.state is not NO_STATE
        or request.cache_key is not None
        or request.cache_auto is not None
        or request.user_id is not None
        or request.metadata is not None
        or request.tier is not None
        or request.safety is not None
        or sampling.presence_penalty is not None
        or sampling.frequency_penalty is not None
        or sampling.seed is not None
        or sampling.n is not None
        or sampling.logprobs is not None
        or sampling.top_logprobs is not None
        or sampling.logit_bias is not None
    ):
        return True
    return False


def _begin(kind: type[B], request: Request, model: str, traits: Traits, losses: list[Loss]) -> B:
    """The body with what nearly all requests say."""
    sampling, capabilities = request.sampling, traits.capabilities
    limit, taken, old = sampling.max_tokens, capabilities.sampling, traits.old_limit
    if request.protocol == NAME:
        old = old or request.where("max_tokens") == "/max_tokens"  # the client's own spelling
    else:
        if request.tools or request.tool_choice is not None:
            check_tools(request)
        if limit is not None:
            most = capabilities.max_output
            if limit < 1 or (most is not None and limit > most):
                limit = Limits(request, NAME, losses).output(limit, 1, capabilities)
    return kind(
        model=model,
        messages=[],
        max_completion_tokens=None if old else limit,
        max_tokens=limit if old else None,
        temperature=sampling.temperature if taken else None,
        top_p=sampling.top_p if taken else None,
    )


def _encode_plain_members(request: Request, body: out.Body, losses: list[Loss]) -> None:
    """What is only moved, as long as other protocols' clients stay within what this vendor takes."""
    sampling, metadata = request.sampling, request.metadata
    body.presence_penalty, body.frequency_penalty = sampling.presence_penalty, sampling.frequency_penalty
    body.seed, body.n = sampling.seed, sampling.n
    body.logprobs, body.top_logprobs = sampling.logprobs, sampling.top_logprobs
    body.logit_bias = sampling.logit_bias
    body.metadata, body.prompt_cache_key = metadata, request.cache_key
    body.store = request.state.store
    if request.protocol == NAME:
        return
    if metadata is not None:
        body.metadata = Limits(request, NAME, losses).metadata(metadata)
    if sampling.top_logprobs is not None and not sampling.logprobs:
        body.top_logprobs = None
        losses.append(Loss(request.where("top_logprobs"), "dropped", NAME, "no number of logprobs without logprobs"))
    if sampling.n is not None and sampling.n < 1:
        body.n = None
        losses.append(Loss(request.where("n"), "dropped", NAME, "at least one answer"))


def _encode_tools(request: Request, body: out.Body, traits: Traits, losses: list[Loss]) -> MessageEncoder | None:
    """Declares the tools; the encoder of the messages, which goes on with their names and cache marks, if there are."""
    if not request.tools and request.tool_choice is None and request.parallel is None:
        return None
    encoder = MessageEncoder(request, traits, losses)
    ToolEncoder(request, traits.capabilities, losses, encoder.marks, encoder.name).encode(body)
    return encoder


def _encode_texts(
    request: Request, body: out.PlainBody, encoder: MessageEncoder | None, traits: Traits, losses: list[Loss]
) -> Restore | None:
    """Puts messages that are nothing but texts into the body; None, and nothing said of them, when there are others."""
    same, told = request.protocol == NAME, len(losses)
    marks = None if encoder is None else encoder.marks
    if marks is None and traits.cache_marks:
        marks = CacheMarks(MARKED, losses, enabled=True, same=same)
    if marks is not None and marks.pending is not None:
        return None  # the mark of a tool waits for the first part that can hold it
    if encode_texts(iter(request.messages), body.messages, request, traits, losses, marks) is not None:
        del losses[told:]
        if marks is not None:
            marks.placed.clear()
        return None
    if not body.messages and not same:
        raise refuse("at least one message is needed", request.where("messages"))
    if marks is not None:
        marks.finish()
    return traits.unchanged[same] if encoder is None else encoder.restore()


def _encode_messages(
    request: Request, body: out.PlainBody, encoder: MessageEncoder | None, traits: Traits, losses: list[Loss]
) -> Restore:
    """Puts any messages into the body; what is to be changed back in the answer."""
    messages, same, capabilities = request.messages, request.protocol == NAME, traits.capabilities
    if encoder is None:
        encoder = MessageEncoder(request, traits, losses)
    if not capabilities.tools:
        messages = in_words(messages, losses)
    if not same:
        messages = pair_results(messages, losses, NAME)
        if not capabilities.prefill and messages and messages[-1].role == "assistant":
            losses.append(Loss(messages[-1].at, "unsupported", NAME, "a last assistant turn is not gone on from"))
    try:
        body.messages = encoder.encode(messages)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse(f"a text of the messages is not a valid JSON string: {error}", None) from None
    if not body.messages and not same:
        raise refuse("at least one message is needed", request.where("messages"))
    encoder.marks.finish()
    return encoder.restore()


def _encode_more(request: Request, body: out.Body, capabilities: Capabilities, losses: list[Loss]) -> Members:
    """What few requests say; members that the vendor's body does not have come back."""
    members: Members = {}
    if request.reasoning != NO_REASONING:
        members = encode_reasoning(request, capabilities, losses)
        effort = members.pop("reasoning_effort", None)
        body.reasoning_effort = effort if isinstance(effort, str) else None
    if request.output != NO_OUTPUT:
        _encode_output(request, body, losses)
    _encode_rest(request, body, capabilities, losses)
    return members


def _encode_sampling(request: Request, body: out.PlainBody, capabilities: Capabilities, losses: list[Loss]) -> None:
    sampling = request.sampling
    if not capabilities.sampling:
        losses += [
            Loss(request.where(name), "dropped", NAME, "this model takes no sampling parameters")
            for name, value in (("temperature", sampling.temperature), ("top_p", sampling.top_p))
            if value is not None
        ]
    if sampling.top_k is not None:
        if request.protocol == NAME or capabilities.top_k:
            body.top_k = sampling.top_k
        else:
            losses.append(Loss(request.where("top_k"), "dropped", NAME, "no top_k here"))
    if sampling.stop is not None:
        _encode_stop(request, sampling.stop, body, capabilities, losses)


def _encode_stop(
    request: Request, stop: list[str], body: out.PlainBody, capabilities: Capabilities, losses: list[Loss]
) -> None:
    body.stop = stop[: capabilities.max_stop] or None
    losses += [
        Loss(f"{request.where('stop')}/{number}", "dropped", NAME, f"at most {capabilities.max_stop} stop strings")
        for number in range(capabilities.max_stop, len(stop))
    ]


def _modalities(request: Request, losses: list[Loss]) -> list[str] | None:
    """Only clients of this protocol can say all that spoken answers need."""
    asked = request.output.modalities
    if asked is None or request.protocol == NAME or asked == ["text"]:
        return asked
    losses.append(Loss(request.where("output.modalities"), "unsupported", NAME, "answers are text here"))
    return None


def _encode_output(request: Request, body: out.Body, losses: list[Loss]) -> None:
    output = request.output
    body.verbosity, body.modalities = output.verbosity, _modalities(request, losses)
    body.audio, body.prediction = output.audio, output.prediction
    if output.format is None:
        return
    form = out.ResponseFormat(type=output.format)
    if output.format == "json_schema":
        same, strict = request.protocol == NAME, output.strict
        if not same and strict is not False and output.schema is not None:
            fits = conforms(output.schema)
            if strict and not fits:
                detail = "the schema is outside the strict subset"
                losses.append(Loss(request.where("output.strict"), "approximated", NAME, detail))
            strict = fits or None
        form.json_schema = out.JsonSchema(
            name=output.name or "response" if same else Limits(request, NAME, losses).schema_name(),
            description=output.description,
            schema=None if output.schema is None else output.schema.raw,
            strict=strict,
        )
    body.response_format = form


def _refuse_state(request: Request, losses: list[Loss]) -> None:
    state = request.state
    if state.thread is not None:
        raise refuse("threads cannot be kept by this upstream", "/thread", "thread_unsupported_request")
    if state.previous is not None:
        raise refuse("this upstream keeps no earlier responses", request.where("state.previous"))
    if state.conversation is not None:
        raise refuse("this upstream keeps no conversations", request.where("state.conversation"))
    if state.cached is not None:
        raise refuse("this upstream does not hold this content", request.where("state.cached"))
    if state.background:
        losses.append(Loss(request.where("state.background"), "unsupported", NAME, "no background answers"))


def _encode_user(request: Request, body: out.Body, losses: list[Loss]) -> None:
    if request.user_id is None:
        return
    same = request.protocol == NAME
    if same and request.where("user_id") == "/user":
        body.user = request.user_id
    elif len(request.user_id) > _MAX_USER and not same:
        losses.append(Loss(request.where("user_id"), "dropped", NAME, f"at most {_MAX_USER} characters"))
    else:
        body.safety_identifier = request.user_id


def _encode_rest(request: Request, body: out.Body, capabilities: Capabilities, losses: list[Loss]) -> None:
    same = request.protocol == NAME
    _encode_user(request, body, losses)
    if request.tier is not None:
        body.service_tier = request.tier if same else _TIERS.get(request.tier)
        if body.service_tier is None:
            losses.append(Loss(request.where("tier"), "dropped", NAME, "no such service tier"))
    if request.safety is not None:
        losses.append(Loss(request.where("safety"), "dropped", NAME, "no safety settings"))
    mark = request.cache_auto
    if mark is not None:
        if capabilities.cache_marks:
            path = request.where("cache_auto")
            ttl = None if mark.ttl is None else encode_ttl(min(mark.ttl, 1800), path, losses, NAME)
            if mark.ttl is not None and mark.ttl > 1800:
                losses.append(Loss(path, "approximated", NAME, "30 minutes is the longest automatic lifetime"))
            body.prompt_cache_options = out.CacheOptions(mode="implicit", ttl=ttl)
        else:
            losses.append(Loss(request.where("cache_auto"), "dropped", NAME, "no automatic cache marks"))


def _encode_extras(request: Request, payload: bytes, losses: list[Loss]) -> bytes:
    missing = list(request.extras)
    if request.protocol == NAME:
        payload, missing = json.insert(payload, request.extras)
    losses += [Loss(pointer, "dropped", NAME, "no such field here") for pointer in missing]
    return payload
