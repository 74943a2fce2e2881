"""A client's request to the canonical model."""

from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.gemini import schema_request as wire
from twoapi.protocols.gemini.decode_config import put_config
from twoapi.protocols.gemini.decode_contents import decode_contents
from twoapi.protocols.gemini.decode_tools import decode_tools, put_choice
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.spelling import Loosened, loosen
from twoapi.protocols.gemini.target import COUNT, Target, target_of, wants_events
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming
from twoapi.wire.json import EMPTY, decoder, fields, is_null

_CONFIG = "/generationConfig"
_THINKING = f"{_CONFIG}/thinkingConfig"
_CALLING = "/toolConfig/functionCallingConfig"
PATHS = {
    "messages": "/contents",
    "max_tokens": f"{_CONFIG}/maxOutputTokens",
    "temperature": f"{_CONFIG}/temperature",
    "top_p": f"{_CONFIG}/topP",
    "top_k": f"{_CONFIG}/topK",
    "presence_penalty": f"{_CONFIG}/presencePenalty",
    "frequency_penalty": f"{_CONFIG}/frequencyPenalty",
    "seed": f"{_CONFIG}/seed",
    "stop": f"{_CONFIG}/stopSequences",
    "n": f"{_CONFIG}/candidateCount",
    "logprobs": f"{_CONFIG}/responseLogprobs",
    "top_logprobs": f"{_CONFIG}/logprobs",
    "reasoning": _THINKING,
    "reasoning.effort": f"{_THINKING}/thinkingLevel",
    "reasoning.budget": f"{_THINKING}/thinkingBudget",
    "reasoning.mode": f"{_THINKING}/thinkingBudget",
    "reasoning.show": f"{_THINKING}/includeThoughts",
    "output": f"{_CONFIG}/responseMimeType",
    "output.format": f"{_CONFIG}/responseMimeType",
    "output.schema": f"{_CONFIG}/responseJsonSchema",
    "output.name": f"{_CONFIG}/responseJsonSchema",
    "output.modalities": f"{_CONFIG}/responseModalities",
    "tool_choice": _CALLING,
    "tier": "/serviceTier",
    "metadata": "/labels",
    "safety": "/safetySettings",
    "state.store": "/store",
    "state.cached": "/cachedContent",
}

_decode_strict = msgspec.json.Decoder(wire.GenerateRequest).decode
_decode_loose = msgspec.json.Decoder(wire.GenerateRequest, strict=False).decode  # numbers may be strings
_decode_checked = decoder(wire.GenerateRequest)
_COUNTED = "generateContentRequest"
_unmodelled = attrgetter(*wire.UNMODELLED)
_ABSENT = (EMPTY,) * len(wire.UNMODELLED)
_NOTHING = frozenset((b"", b"null", b"[]"))


def decode_request(incoming: Incoming) -> ir.Request:
    """The whole request; raises FaultError."""
    target = target_of(incoming.path)
    loosened: Loosened | None = None
    prefix = ""
    body = incoming.body
    try:
        if target.method == COUNT:
            body, prefix = _counted(body)
        try:
            given = _decode_strict(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            loosened = loosen(body, wire.GenerateRequest)
            given = _decode_again(loosened.body)
        request = _request(given, target, {} if loosened is None else loosened.extras)
    except WireError as error:
        pointer = error.pointer if loosened is None else loosened.client(error.pointer)
        raise ir.FaultError(
            ir.Fault("invalid_request", error.message, param=prefix + pointer if pointer or prefix else None)
        ) from None
    except UnicodeDecodeError:
        raise ir.FaultError(ir.Fault("invalid_request", "the body is not UTF-8")) from None
    if request.stream:
        request.stream_array = not wants_events(incoming)
    if loosened is not None and loosened.spelled:
        _respell(request, loosened)
    return request


def _counted(body: bytes) -> tuple[bytes, str]:
    """The request whose tokens are to be counted, and its place: a whole one, or only its contents."""
    members = fields(body)
    for name in (_COUNTED, "generate_content_request"):
        inner = members.get(name)
        if inner is not None and not is_null(inner):
            return bytes(inner), f"/{name}"
    return body, ""


def _decode_again(body: bytes) -> wire.GenerateRequest:
    try:
        return _decode_loose(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_checked(body)  # for the error with its place


def _request(given: wire.GenerateRequest, target: Target, extras: dict[str, Raw]) -> ir.Request:
    request = ir.Request(
        protocol=NAME,
        model=target.model,
        messages=decode_contents(given, extras),
        api_version=target.version or None,
        stream=target.stream,
        tier=_said(given.service_tier),
        metadata=given.labels,
        safety=None if bytes(given.safety_settings) in _NOTHING else given.safety_settings,
        extras=extras,
        paths=PATHS,
    )
    if given.store is not None or given.cached_content is not None:
        request.state = ir.State(store=given.store, cached=given.cached_content)
    if _unmodelled(given) != _ABSENT:
        for name, spelled in wire.UNMODELLED.items():
            value = getattr(given, name)
            if value is not EMPTY:
                extras[f"/{spelled}"] = value
    if given.tools is not None:
        request.tools = decode_tools(given.tools, extras)
    if given.tool_config is not None:
        put_choice(request, given.tool_config)
    if given.generation_config is not None:
        put_config(request, given.generation_config)
    return request


def _said(tier: str | None) -> str | None:
    """A tier in lower case; `unspecified` says nothing."""
    word = None if tier is None else tier.lower()
    return None if word in (None, "unspecified", "service_tier_unspecified") else word


def _respell(request: ir.Request, loosened: Loosened) -> None:
    """Pointers as the client spelled what they lead to."""
    request.paths = {name: loosened.client(pointer) for name, pointer in request.paths.items()}
    for message in request.messages:
        base = message.at
        message.at = loosened.client(base)
        for part in message.parts:
            if isinstance(part, ir.ToolResult):
                for inner in part.content:
                    inner.at = loosened.client(base + inner.at)[len(message.at) :]
            part.at = loosened.client(base + part.at)[len(message.at) :]
    for tool in request.tools:
        tool.at = loosened.client(tool.at)
    for pointer in list(request.extras):
        spelled = loosened.client(pointer)
        if spelled != pointer:
            request.extras[spelled] = request.extras.pop(pointer)
