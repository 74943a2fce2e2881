"""A client's request to the canonical one: a strict decode in one scan, a lenient second one when it must be."""

from collections.abc import Callable
from operator import attrgetter
from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir import CacheMark, Message, Output, ReasoningConfig, Request, Sampling, Schema, State, Text
from twoapi.ir.request import Effort
from twoapi.protocols.openai_responses import schema_request as wire
from twoapi.protocols.openai_responses.decode_input import INPUT, decode_items, decode_known_items
from twoapi.protocols.openai_responses.decode_tools import decode_choice, decode_known_tools, decode_tools
from twoapi.protocols.openai_responses.known_items import UnusualError
from twoapi.protocols.openai_responses.lenient import lenient
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming

SEALED = "reasoning.encrypted_content"  # an entry of include
LOGPROBS = "message.output_text.logprobs"
INSTRUCTIONS = "/instructions"

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_AnyBody = wire.PlainBody | wire.KnownBody | wire.Body
_decode_plain = msgspec.json.Decoder(wire.PlainBody).decode
_decode_known = msgspec.json.Decoder(wire.KnownBody).decode
_decode_strict = msgspec.json.Decoder(wire.Body).decode
_decode_lenient = json.decoder(lenient(wire.Body))
_QUICK: tuple[Callable[[bytes], wire.PlainBody | wire.KnownBody], ...] = (_decode_plain, _decode_known)
_unmodelled = attrgetter(*wire.UNMODELLED)
_NOTHING = (json.EMPTY,) * len(wire.UNMODELLED)
_state = attrgetter("store", "previous_response_id", "background", "conversation")
_NO_STATE = (None,) * 4
_options = attrgetter("tool_choice", "user", "reasoning", "text", "include", "top_logprobs", "prompt_cache_options")
_NO_OPTIONS = (json.EMPTY, *(None,) * 5, json.EMPTY)
_decode_options = json.decoder(wire.CacheOptions)
_TTLS = {None: None, "30m": 1800, "12h": 43200}

_EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
_SUMMARIES = frozenset({"auto", "concise", "detailed"})
_FORMATS: dict[str, Literal["text", "json_object", "json_schema"]] = {
    "text": "text",
    "json_object": "json_object",
    "json_schema": "json_schema",
}

# Where the fields of the model stand in the body, when it is not "/" + their name.
_PATHS: dict[str, str] = {
    "max_tokens": "/max_output_tokens",
    "parallel": "/parallel_tool_calls",
    "reasoning.effort": "/reasoning/effort",
    "reasoning.show": "/reasoning/summary",
    "reasoning.detail": "/reasoning/summary",
    "reasoning.mode": "/reasoning",
    "reasoning.budget": "/reasoning",
    "output.format": "/text/format",
    "output.schema": "/text/format/schema",
    "output.name": "/text/format/name",
    "output.description": "/text/format/description",
    "output.strict": "/text/format/strict",
    "output.verbosity": "/text/verbosity",
    "state.store": "/store",
    "state.background": "/background",
    "state.previous": "/previous_response_id",
    "state.conversation": "/conversation",
    "cache_key": "/prompt_cache_key",
    "cache_auto": "/prompt_cache_options",
    "user_id": "/safety_identifier",
    "tier": "/service_tier",
}


def decode_request(incoming: Incoming) -> Request:
    """The whole request; raises FaultError on one that breaks the vendor's rules."""
    payload = incoming.body
    for decode in _QUICK:
        try:
            return _build(decode(payload), {})
        except _BAD:
            continue
        except (WireError, UnusualError):
            break  # the errors are those of the second reading
    return _decode_any(payload)


def _decode_any(payload: bytes) -> Request:
    """A request with items and tools of any kind, and with members that are not known."""
    extras: dict[str, Raw] = {}
    try:
        body = _decode_strict(payload)
    except _BAD:
        try:
            body = _decode_lenient(payload)
            extras = json.unknown_fields(payload, wire.Body)
        except WireError as error:
            raise refuse(error.message, error.pointer or None) from None
    try:
        return _build(body, extras)
    except WireError as error:
        raise refuse(error.message, error.pointer or None) from None


def _build(body: _AnyBody, extras: dict[str, Raw]) -> Request:
    unmodelled = _unmodelled(body)
    if unmodelled != _NOTHING:
        for name, value in zip(wire.UNMODELLED, unmodelled, strict=True):
            if not json.is_null(value):
                extras["/" + name] = value
    request = Request(
        protocol=NAME,
        model=body.model,
        messages=_decode_messages(body, extras),
        parallel=body.parallel_tool_calls,
        sampling=Sampling(max_tokens=body.max_output_tokens, temperature=body.temperature, top_p=body.top_p),
        cache_key=body.prompt_cache_key,
        user_id=body.safety_identifier,
        metadata=body.metadata,
        tier=body.service_tier,
        stream=body.stream is True,
        extras=extras,
        paths=_PATHS,
    )
    if body.tools is not None:
        if isinstance(body, wire.PlainBody):
            request.tools = decode_known_tools(body.tools, extras)
        else:
            request.tools = decode_tools(body.tools, extras)
    if _state(body) != _NO_STATE:
        _decode_state(body, request)
    if _options(body) != _NO_OPTIONS:
        _decode_settings(body, request)
    return request


def _decode_settings(body: wire.Settings, request: Request) -> None:
    """The settings that few requests have."""
    request.tool_choice = decode_choice(body.tool_choice, request.extras)
    if body.user is not None:
        if body.safety_identifier is None:
            request.user_id, request.paths = body.user, {**_PATHS, "user_id": "/user"}
        else:
            request.extras["/user"] = Raw(json.encode(body.user))
    if body.reasoning is not None:
        _decode_reasoning(body.reasoning, request)
    if body.text is not None:
        request.output = _decode_text(body.text)
    if body.include is not None or body.top_logprobs is not None:
        _decode_include(body, request)
    if not json.is_null(body.prompt_cache_options):
        _decode_cache_options(body.prompt_cache_options, request)


def _decode_messages(body: _AnyBody, extras: dict[str, Raw]) -> list[Message]:
    messages: list[Message] = []
    said = body.instructions
    if said is not json.EMPTY and (kind := json.first_byte(said)) != 110:  # null
        if kind != 34:
            raise refuse("instructions must be a string", INSTRUCTIONS)
        messages.append(Message("system", [Text(text=said)], INSTRUCTIONS, plain_content=True))
    if isinstance(body, wire.Body):
        _decode_any_input(body, extras, messages)
    elif isinstance(body.input, str):
        messages.append(Message("user", [Text(text=body.input)], INPUT, plain_content=True))
    elif body.input is not None:
        decode_known_items(body.input, extras, messages)
    else:
        _check_absent(body)
    return messages


def _decode_any_input(body: wire.Body, extras: dict[str, Raw], messages: list[Message]) -> None:
    kind = json.first_byte(body.input)
    if json.is_null(body.input):
        _check_absent(body)
    elif kind == 34:
        messages.append(Message("user", [Text(text=body.input)], INPUT, plain_content=True))
    elif kind == 91:
        decode_items(json.items(body.input), extras, messages)
    else:
        raise refuse("input must be a string or a list of items", INPUT)


def _check_absent(body: wire.Settings) -> None:
    if body.prompt is json.EMPTY and body.previous_response_id is None and body.conversation is None:
        raise refuse("input is required", INPUT)


def _decode_reasoning(reasoning: wire.Reasoning, request: Request) -> None:
    effort, summary = reasoning.effort, reasoning.summary
    if effort is not None and effort not in _EFFORTS:
        raise refuse(f"effort {effort!r} is not one of {', '.join(_EFFORTS)}", "/reasoning/effort")
    if summary is not None and summary not in _SUMMARIES:
        raise refuse(f"summary {summary!r} is not auto, concise or detailed", "/reasoning/summary")
    request.reasoning = ReasoningConfig(
        effort=None if effort is None else _EFFORTS[effort],
        show=None if summary is None else "summary",
        detail=None if summary == "auto" else summary,
    )
    for name in ("context", "mode", "generate_summary"):
        value: Raw = getattr(reasoning, name)
        if not json.is_null(value):
            request.extras[f"/reasoning/{name}"] = value


def _decode_text(text: wire.TextConfig) -> Output:
    form = text.format
    if form is None:
        return Output(verbosity=text.verbosity)
    kind = _FORMATS.get(form.type)
    if kind is None:
        raise refuse(f"a format of type {form.type!r} is not known", "/text/format/type")
    if kind != "json_schema":
        return Output(format=kind, verbosity=text.verbosity)
    if json.is_null(form.schema):
        raise refuse("schema is required", "/text/format/schema")
    return Output(
        format=kind,
        schema=Schema(form.schema),
        name=form.name,
        description=form.description,
        strict=form.strict,
        verbosity=text.verbosity,
    )


def _decode_include(body: wire.Settings, request: Request) -> None:
    replace = msgspec.structs.replace
    asks_logprobs = False
    for number, entry in enumerate(body.include or ()):
        if entry == SEALED:
            request.reasoning = replace(request.reasoning, sealed=True)
        elif entry == LOGPROBS:
            asks_logprobs = True
            request.paths = {**request.paths, "logprobs": f"/include/{number}"}
        else:
            request.extras[f"/include/{number}"] = Raw(json.encode(entry))
    if body.include == []:
        request.reasoning = replace(request.reasoning, sealed=False)
    if asks_logprobs:
        request.sampling = replace(request.sampling, logprobs=True, top_logprobs=body.top_logprobs)
    elif body.top_logprobs is not None:  # without the entry of include it shows nothing
        request.extras["/top_logprobs"] = Raw(json.encode(body.top_logprobs))


def _decode_state(body: wire.Settings, request: Request) -> None:
    previous, conversation = body.previous_response_id, body.conversation
    if isinstance(conversation, wire.Conversation):
        conversation = conversation.id
        request.paths = {**request.paths, "state.conversation": "/conversation/id"}
    if previous is not None and conversation is not None:
        raise refuse("previous_response_id and conversation exclude each other", "/previous_response_id")
    request.state = State(store=body.store, previous=previous, conversation=conversation, background=body.background)


def _decode_cache_options(raw: Raw, request: Request) -> None:
    """Implicit mode is the model's automatic mark; everything else this model does not know."""
    try:
        options = _decode_options(raw)
    except WireError:
        options = None
    if options is not None and options.mode == "implicit" and options.ttl in _TTLS:
        request.cache_auto = CacheMark(_TTLS[options.ttl])
    else:
        request.extras["/prompt_cache_options"] = raw
