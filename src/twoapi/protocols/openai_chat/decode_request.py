"""A client's request to the canonical one: a strict decode in one scan, a lenient second one when it must be."""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import CacheMark, Output, ReasoningConfig, Request, Sampling, Schema, State
from twoapi.ir.request import Effort
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.decode_messages import decode_messages
from twoapi.protocols.openai_chat.decode_tools import (
    decode_choice,
    decode_deprecated_choice,
    decode_other_tools,
    decode_tools,
)
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming
from twoapi.wire.strict import strict

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_usual = msgspec.json.Decoder(strict(wire.UsualBody)).decode
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
    rest: wire.Body | None = None
    try:
        body: wire.UsualBody = _decode_usual(payload)
    except _BAD:
        rest, extras = _read_all(payload)
        body = rest
    try:
        return _build(body, rest, payload, extras)
    except WireError as error:
        raise refuse(error.message, error.pointer or None) from None


def _read_all(payload: bytes) -> tuple[wire.Body, dict[str, Raw]]:
    try:
        return _decode_strict(payload), {}
    except _BAD:
        return _read_leniently(payload)


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


def _build(body: wire.UsualBody, rest: wire.Body | None, payload: bytes, extras: dict[str, Raw]) -> Request:
    """`rest`: the body when it has members that few have."""
    limit, stop, paths = body.max_completion_tokens, body.stop, _PATHS
    if body.max_tokens is not None:
        if limit is None:
            limit, paths = body.max_tokens, _PATHS_MAX_TOKENS
        else:
            extras["/max_tokens"] = Raw(json.encode(body.max_tokens))
    messages, legacy = decode_messages(body.messages, payload, extras, usual=rest is None)
    request = Request(
        protocol=NAME,
        model=body.model,
        messages=messages,
        parallel=body.parallel_tool_calls,
        sampling=Sampling(
            max_tokens=limit,
            temperature=body.temperature,
            top_p=body.top_p,
            presence_penalty=body.presence_penalty,
            frequency_penalty=body.frequency_penalty,
            seed=body.seed,
            stop=[stop] if type(stop) is str else stop,  # type: ignore[arg-type]  # mypy does not narrow by `type() is`
            n=body.n,
        ),
        cache_key=body.prompt_cache_key,
        metadata=body.metadata,
        tier=body.service_tier,
        stream=body.stream is True,
        legacy_functions=legacy,
        extras=extras,
        paths=paths,
    )
    # Members that most requests do not have cost one look each, those that few have one look together.
    if body.tools or body.tool_choice:
        request.tools = decode_tools(body.tools or [], payload, extras)
        request.tool_choice = None if body.tool_choice is None else decode_choice(body.tool_choice)
    if body.stream_options is not None:
        _decode_stream_options(body.stream_options, request)
    if body.reasoning_effort is not None:
        request.reasoning = _decode_effort(body.reasoning_effort)
    if body.store is not None:
        request.state = State(store=body.store)
    if body.user is not None:
        request.user_id, request.paths = body.user, {**paths, "user_id": "/user"}
    if body.response_format is not None or body.verbosity is not None:
        request.output = _decode_output(body, extras)
    if rest is not None:
        _put_rest(rest, request)
    return request


def _put_rest(body: wire.Body, request: Request) -> None:
    """What few requests have."""
    if body.safety_identifier is not None:
        if body.user is not None:
            request.extras["/user"] = Raw(json.encode(body.user))
        request.user_id = body.safety_identifier
        request.paths = {**request.paths, "user_id": _PATHS["user_id"]}
    request.sampling = replace(
        request.sampling,
        top_k=body.top_k,
        logprobs=body.logprobs,
        top_logprobs=body.top_logprobs,
        logit_bias=_given(body.logit_bias),
    )
    request.output = replace(
        request.output,
        modalities=body.modalities,
        audio=_given(body.audio),
        prediction=_given(body.prediction),
    )
    _put_other_tools(body, request)
    if not json.is_null(body.prompt_cache_options):
        _decode_cache_options(body.prompt_cache_options, request)
    # The vendor's fields that the model does not hold ride along for an upstream of the same protocol.
    for name in ("moderation", "prompt_cache_retention"):
        value: Raw = getattr(body, name)
        if not json.is_null(value):
            request.extras[f"/{name}"] = value


def _put_other_tools(body: wire.Body, request: Request) -> None:
    """The deprecated functions and the vendor's own web search, and the choice among all."""
    searches = not json.is_null(body.web_search_options)
    if body.functions is not None:
        request.paths = {**request.paths, "tools": "/functions", "tool_choice": "/function_call"}
    if not (body.tools or body.tool_choice or body.functions or body.function_call or searches):
        return
    request.tools += decode_other_tools(body)
    if body.tool_choice is not None:
        request.tool_choice = decode_choice(body.tool_choice)
    elif body.function_call is not None:
        request.tool_choice = decode_deprecated_choice(body.function_call)
    if body.functions is not None or body.function_call is not None:
        request.legacy_functions = True


def _decode_stream_options(options: wire.StreamOptions, request: Request) -> None:
    request.include_usage = options.include_usage
    if not json.is_null(options.include_obfuscation):
        request.extras["/stream_options/include_obfuscation"] = options.include_obfuscation


def _decode_effort(word: str) -> ReasoningConfig:
    effort = _EFFORTS.get(word)
    if effort is None:
        raise refuse(f"reasoning_effort {word!r} is not one of {', '.join(_EFFORTS)}", "/reasoning_effort")
    return ReasoningConfig(effort=effort)


_decode_options = json.decoder(strict(wire.CacheOptions))
_OPTION_TTLS = {None: None, "30m": 1800}


def _decode_cache_options(raw: Raw, request: Request) -> None:
    """Implicit mode is the model's automatic mark; everything else this model does not know."""
    try:
        options = _decode_options(raw)
    except WireError:
        options = None
    if options is not None and options.mode == "implicit" and options.ttl in _OPTION_TTLS:
        request.cache_auto = CacheMark(_OPTION_TTLS[options.ttl])
    else:
        request.extras["/prompt_cache_options"] = raw


def _decode_output(body: wire.UsualBody, extras: dict[str, Raw]) -> Output:
    output = Output() if body.response_format is None else _decode_format(body.response_format, extras)
    return output if body.verbosity is None else replace(output, verbosity=body.verbosity)


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


def _given(raw: Raw) -> Raw | None:
    return None if json.is_null(raw) else raw
