"""The canonical request to this protocol's body, and every loss on the way."""

from operator import attrgetter

import msgspec

from twoapi.ir import Loss, Output, ReasoningConfig, Request, State
from twoapi.protocols.base import Encoded, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks, encode_ttl
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.cache_marks import MARKED
from twoapi.protocols.openai_chat.encode_messages import MessageEncoder
from twoapi.protocols.openai_chat.encode_reasoning import Members, encode_reasoning
from twoapi.protocols.openai_chat.encode_tools import ToolEncoder
from twoapi.protocols.openai_chat.mend_messages import in_words, mend_messages
from twoapi.protocols.openai_chat.mend_request import USUAL, deviations, mend_request
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.openai_limits import Limits
from twoapi.protocols.pairing import pair_results
from twoapi.protocols.strict_schemas import conforms
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire import json
from twoapi.wire.http import Outgoing

PATH = "/chat/completions"

# What most requests have: one comparison each instead of a look at every member. Nothing changes these.
_NO_STATE = State()
_NO_REASONING = ReasoningConfig()
_NO_OUTPUT = Output()
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
_rest = attrgetter("user_id", "tier", "safety", "cache_auto")
_NO_REST = (None,) * 4


def encode_request(  # noqa: C901, PLR0912  one look for each group of members that most requests do not have
    request: Request, model: str, capabilities: Capabilities, losses: list[Loss]
) -> Encoded:
    """The upstream request; raises FaultError for what this protocol must refuse."""
    same = request.protocol == NAME
    if request.state != _NO_STATE:
        _refuse_state(request, losses)  # first: without what the other server keeps, the rest need not make sense
    marks = CacheMarks(MARKED, losses, capabilities.cache_marks, same)
    encoder = MessageEncoder(request, capabilities, losses, marks)
    body = _begin(request, model, capabilities)
    if not same:
        _fit(request, body, capabilities, losses)
    body.store = request.state.store
    if request.tools or request.tool_choice is not None or request.parallel is not None:
        ToolEncoder(request, capabilities, losses, marks, encoder.name).encode(body)
    messages = request.messages if capabilities.tools else in_words(request.messages, losses)
    messages = messages if same else pair_results(messages, losses, NAME)
    if not same and not capabilities.prefill and messages and messages[-1].role == "assistant":
        losses.append(Loss(messages[-1].at, "unsupported", NAME, "a last assistant turn is not gone on from"))
    try:
        body.messages = [*encoder.encode(messages)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refuse(f"a text of the messages is not a valid JSON string: {error}", None) from None
    if not body.messages and not same:
        raise refuse("at least one message is needed", request.where("messages"))
    if marks.placed or marks.pending is not None:
        marks.finish()
    sampling = request.sampling
    if sampling.top_k is not None or sampling.stop is not None or not capabilities.sampling:
        _encode_sampling(request, body, capabilities, losses)
    members: Members = {}
    if request.reasoning != _NO_REASONING:
        members = _encode_reasoning(request, body, capabilities, losses)
    if request.output != _NO_OUTPUT:
        _encode_output(request, body, losses)
    if _rest(request) != _NO_REST:
        _encode_rest(request, body, capabilities, losses)
    if request.stream:
        body.stream = True
        body.stream_options = _ASK_USAGE if capabilities.stream_usage else None
    restore = Restore(names=encoder.names.changed, call_ids=encoder.call_ids, capabilities=capabilities)
    return Encoded(_outgoing(request, body, members, capabilities, losses), restore)


def _outgoing(
    request: Request, body: out.Body, members: Members, capabilities: Capabilities, losses: list[Loss]
) -> Outgoing:
    """The body in this server's own form, with what it does not hold."""
    path = PATH
    if deviations(capabilities) != USUAL:
        mend_messages(request, body, capabilities, losses)
        path = mend_request(request, body, members, capabilities, losses) or PATH
    payload = json.encode(body)
    if members:
        payload = payload[:-1] + b"," + json.encode(members)[1:]
    if request.extras:
        payload = _encode_extras(request, payload, losses)
    return Outgoing(path, payload)


def _begin(request: Request, model: str, capabilities: Capabilities) -> out.Body:
    """The body with all that is only moved. One call: setting the members one by one would cost more than the rest."""
    sampling = request.sampling
    taken, limit = capabilities.sampling, sampling.max_tokens
    old = False
    if limit is not None:
        field = capabilities.max_tokens_field
        if field == "max_completion_tokens" and request.protocol == NAME:
            field = request.where("max_tokens")[1:]  # the client's own spelling
        old = field == "max_tokens"
    return out.Body(
        model=model,
        messages=[],
        max_tokens=limit if old else None,
        max_completion_tokens=None if old else limit,
        temperature=sampling.temperature if taken else None,
        top_p=sampling.top_p if taken else None,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        seed=sampling.seed,
        n=sampling.n,
        logprobs=sampling.logprobs,
        top_logprobs=sampling.top_logprobs,
        logit_bias=sampling.logit_bias,
        metadata=request.metadata,
        prompt_cache_key=request.cache_key,
    )


def _fit(request: Request, body: out.Body, capabilities: Capabilities, losses: list[Loss]) -> None:
    """Values of other protocols' clients that are outside what this vendor takes."""
    if request.tools or request.tool_choice is not None:
        check_tools(request)
    sampling = request.sampling
    limit, most = sampling.max_tokens, capabilities.max_output
    if limit is not None and (limit < 1 or (most is not None and limit > most)):
        limit = Limits(request, NAME, losses).output(limit, 1, capabilities)
        if body.max_tokens is None:
            body.max_completion_tokens = limit
        else:
            body.max_tokens = limit
    if request.metadata is not None:
        body.metadata = Limits(request, NAME, losses).metadata(request.metadata)
    if sampling.top_logprobs is not None and not sampling.logprobs:
        body.top_logprobs = None
        losses.append(Loss(request.where("top_logprobs"), "dropped", NAME, "no number of logprobs without logprobs"))
    if sampling.n is not None and sampling.n < 1:
        body.n = None
        losses.append(Loss(request.where("n"), "dropped", NAME, "at least one answer"))


def _encode_sampling(request: Request, body: out.Body, capabilities: Capabilities, losses: list[Loss]) -> None:
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
    request: Request, stop: list[str], body: out.Body, capabilities: Capabilities, losses: list[Loss]
) -> None:
    body.stop = stop[: capabilities.max_stop] or None
    losses += [
        Loss(f"{request.where('stop')}/{number}", "dropped", NAME, f"at most {capabilities.max_stop} stop strings")
        for number in range(capabilities.max_stop, len(stop))
    ]


def _encode_reasoning(request: Request, body: out.Body, capabilities: Capabilities, losses: list[Loss]) -> Members:
    members = encode_reasoning(request, capabilities, losses)
    effort = members.pop("reasoning_effort", None)
    body.reasoning_effort = effort if isinstance(effort, str) else None
    return members


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
