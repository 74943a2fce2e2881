"""A client's request to the canonical one: a strict decode in one scan, a lenient second one when it must be."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from twoapi.ir import CacheMark, Output, ReasoningConfig, Request, Sampling, Schema, State
from twoapi.ir.request import Effort
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.decode_messages import MessageDecoder
from twoapi.protocols.openai_chat.decode_tools import decode_choice, decode_tools
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming
from twoapi.wire.strict import strict

_EMPTY = json.EMPTY
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(strict(wire.Body)).decode
_decode_lenient = json.decoder(wire.Body)

_EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}

# Where the fields of the model stand in the body, when it is not "/" + their name.
_PATHS: dict[str, str] = {
    "max_tokens": "/max_completion_tokens",
    "parallel": "/parallel_tool_calls",
    "reasoning": "/reasoning_effort",
    "reasoning.effort": "/reasoning_effort",
    "output.format": "/response_format",
    "output.schema": "/response_format/json_schema/schema",
    "output.name": "/response_format/json_schema/name",
    "output.description": "/response_format/json_schema/description",
    "output.strict": "/response_format/json_schema/strict",
    "output.verbosity": "/verbosity",
    "output.modalities": "/modalities",
    "output.audio": "/audio",
    "output.prediction": "/prediction",
    "state.store": "/store",
    "cache_key": "/prompt_cache_key",
    "cache_auto": "/prompt_cache_options",
    "user_id": "/safety_identifier",
    "tier": "/service_tier",
    "include_usage": "/stream_options/include_usage",
}
_PATHS_MAX_TOKENS: dict[str, str] = {**_PATHS, "max_tokens": "/max_tokens"}


def decode_request(incoming: Incoming) -> Request:
    """The whole request; raises FaultError on one that breaks the vendor's rules."""
    payload = incoming.body
    extras: dict[str, Raw] = {}
    try:
        body = _decode_strict(payload)
    except _BAD:
        body, extras = _read_leniently(payload)
    try:
        return _build(body, payload, extras)
    except WireError as error:
        raise refuse(error.message, error.pointer or None) from None


def _read_leniently(payload: bytes) -> tuple[wire.Body, dict[str, Raw]]:
    try:
        return _decode_lenient(payload), _without_echoes(json.unknown_fields(payload, wire.Body))
    except WireError as error:
        raise refuse(error.message, error.pointer or None) from None


# Members of compatible vendors that their SDKs send in every request, null when they are not set.
_LEFT_NULL = frozenset({"/thinking", "/repetition_penalty"})


def _without_echoes(unknown: dict[str, Raw]) -> dict[str, Raw]:
    """Without what says nothing: members that vendors' SDKs leave null, and the empty `annotations` that SDKs send back
    with every answer they got.
    """
    return {
        pointer: value
        for pointer, value in unknown.items()
        if not (pointer in _LEFT_NULL and json.is_null(value))
        and not (pointer.endswith("/annotations") and pointer.startswith("/messages/") and bytes(value) == b"[]")
    }


def _build(body: wire.Body, payload: bytes, extras: dict[str, Raw]) -> Request:
    _keep_unmodelled(body, extras)
    decoder = MessageDecoder(payload, extras)
    options, user = body.stream_options, body.user
    if user is not None and body.safety_identifier is not None:
        extras["/user"] = Raw(json.encode(user))
        user = None
    request = Request(
        protocol=NAME,
        model=body.model,
        messages=decoder.decode(body.messages),
        parallel=body.parallel_tool_calls,
        sampling=_decode_sampling(body),
        cache_key=body.prompt_cache_key,
        user_id=body.safety_identifier if user is None else user,
        metadata=body.metadata,
        tier=body.service_tier,
        stream=body.stream is True,
        include_usage=None if options is None else options.include_usage,
        legacy_functions=decoder.legacy,
        extras=extras,
        paths=_PATHS,
    )
    # Members that most requests do not have cost one look each.
    if body.max_completion_tokens is None or body.user is not None or body.functions is not None:
        request.paths = _paths(body)
    if (
        body.tools
        or body.tool_choice
        or body.functions
        or body.function_call
        or (body.web_search_options is not _EMPTY and not json.is_null(body.web_search_options))
    ):
        request.tools = decode_tools(body, payload, extras)
        request.tool_choice = decode_choice(body)
        if body.functions is not None or body.function_call is not None:
            request.legacy_functions = True
    if body.reasoning_effort is not None:
        request.reasoning = _decode_effort(body.reasoning_effort)
    if body.store is not None:
        request.state = State(store=body.store)
    if body.prompt_cache_options is not _EMPTY:
        _decode_cache_options(body.prompt_cache_options, request)
    _decode_output(body, request)
    return request


def _decode_sampling(body: wire.Body) -> Sampling:
    stop, limit, bias = body.stop, body.max_completion_tokens, body.logit_bias
    return Sampling(
        max_tokens=body.max_tokens if limit is None else limit,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        seed=body.seed,
        stop=[stop] if type(stop) is str else stop,  # type: ignore[arg-type]  # mypy does not narrow by `type() is`
        n=body.n,
        logprobs=body.logprobs,
        top_logprobs=body.top_logprobs,
        logit_bias=None if bias is _EMPTY else _given(bias),
    )


def _paths(body: wire.Body) -> Mapping[str, str]:
    paths = _PATHS
    if body.max_tokens is not None and body.max_completion_tokens is None:
        paths = _PATHS_MAX_TOKENS
    if body.user is not None and body.safety_identifier is None:
        paths = {**paths, "user_id": "/user"}
    if body.functions is not None:
        paths = {**paths, "tools": "/functions", "tool_choice": "/function_call"}
    return paths


def _decode_effort(word: str) -> ReasoningConfig:
    effort = _EFFORTS.get(word)
    if effort is None:
        raise refuse(f"reasoning_effort {word!r} is not one of {', '.join(_EFFORTS)}", "/reasoning_effort")
    return ReasoningConfig(effort=effort)


_decode_options = json.decoder(strict(wire.CacheOptions))
_OPTION_TTLS = {None: None, "30m": 1800}


def _decode_cache_options(raw: Raw, request: Request) -> None:
    """Implicit mode is the model's automatic mark; everything else this model does not know."""
    if json.is_null(raw):
        return
    try:
        options = _decode_options(raw)
    except WireError:
        options = None
    if options is not None and options.mode == "implicit" and options.ttl in _OPTION_TTLS:
        request.cache_auto = CacheMark(_OPTION_TTLS[options.ttl])
    else:
        request.extras["/prompt_cache_options"] = raw


def _decode_output(body: wire.Body, request: Request) -> None:
    form = body.response_format
    if form is not None:
        request.output = _decode_format(form, request.extras)
    elif (
        body.verbosity is None
        and body.modalities is None
        and body.audio is json.EMPTY
        and body.prediction is json.EMPTY
    ):
        return
    request.output = msgspec.structs.replace(
        request.output,
        verbosity=body.verbosity,
        modalities=body.modalities,
        audio=_given(body.audio),
        prediction=_given(body.prediction),
    )


def _decode_format(form: wire.ResponseFormat, extras: dict[str, Raw]) -> Output:
    match form.type:
        case "text":
            return Output(format="text")
        case "json_object":
            return Output(format="json_object")
        case "json_schema":
            schema = form.json_schema
            if schema is None:
                raise refuse("json_schema is required", "/response_format/json_schema")
            return Output(
                format="json_schema",
                schema=None if json.is_null(schema.schema) else Schema(schema.schema),
                name=schema.name,
                description=schema.description,
                strict=schema.strict,
            )
        case other:
            for pointer in [p for p in extras if p.startswith("/response_format/")]:
                del extras[pointer]
            raise refuse(f"response_format of type {other!r} is not known", "/response_format/type")


def _keep_unmodelled(body: wire.Body, extras: dict[str, Raw]) -> None:
    """The vendor's fields that the model does not hold ride along for an upstream of the same protocol."""
    if body.moderation is not _EMPTY and not json.is_null(body.moderation):
        extras["/moderation"] = body.moderation
    if body.prompt_cache_retention is not _EMPTY and not json.is_null(body.prompt_cache_retention):
        extras["/prompt_cache_retention"] = body.prompt_cache_retention
    if body.max_tokens is not None and body.max_completion_tokens is not None:
        extras["/max_tokens"] = Raw(json.encode(body.max_tokens))
    options = body.stream_options
    if options is not None and not json.is_null(options.include_obfuscation):
        extras["/stream_options/include_obfuscation"] = options.include_obfuscation


def _given(raw: Raw) -> Raw | None:
    return None if json.is_null(raw) else raw
