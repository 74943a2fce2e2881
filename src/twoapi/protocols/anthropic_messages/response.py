"""Whole answers, both ways."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.ir import Candidate, Response, Text
from twoapi.protocols.anthropic_messages import schema
from twoapi.protocols.anthropic_messages import schema_out as out
from twoapi.protocols.anthropic_messages.answer_blocks import encode_parts
from twoapi.protocols.anthropic_messages.decode_blocks import decode_blocks
from twoapi.protocols.anthropic_messages.faults import decode_error, upstream_fault
from twoapi.protocols.anthropic_messages.lenient import loosen
from twoapi.protocols.anthropic_messages.schema import NAME, TextBlock
from twoapi.protocols.anthropic_messages.usage import (
    decode_stop,
    decode_usage,
    encode_stop,
    encode_usage,
    put_usage_extras,
    stop_details,
)
from twoapi.protocols.base import AnswerContext, Inspection, Restore
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.free_text import unwrap_custom
from twoapi.protocols.places import candidate_place, stop_places
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, NO_TEXT, decoder, encode, fields, insert, is_null

_decode_strict = msgspec.json.Decoder(schema.MessageAnswer).decode
_decode_checked = decoder(schema.MessageAnswer)
_OTHER = ir.StopReason(kind="other")


class _Inspected(msgspec.Struct):
    type: str | None = None
    usage: Raw = EMPTY
    error: Raw = EMPTY
    content: list[Raw] | None = None


_decode_inspected = decoder(_Inspected)
_decode_usage = msgspec.json.Decoder(schema.Usage).decode
_decode_usage_checked = decoder(schema.Usage)


def decode_response(body: bytes, restore: Restore) -> ir.Response:
    """The whole answer; raises FaultError for an error hidden in a 200 and for a broken body."""
    extras: dict[str, Raw] = {}
    try:
        try:
            wire = _decode_strict(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            wire, extras = _decode_loosened(body)
        return _response(wire, extras, restore)
    except (WireError, UnicodeDecodeError) as error:
        raise ir.FaultError(upstream_fault(f"the upstream's answer is not a message: {error}")) from None


def _decode_loosened(body: bytes) -> tuple[schema.MessageAnswer, dict[str, Raw]]:
    hidden = fields(body).get("error")
    if hidden is not None and bytes(hidden) != b"null":
        raise ir.FaultError(decode_error(hidden, "upstream_error"))
    body, extras = loosen(body, schema.MessageAnswer)
    return _decode_checked(body), extras


def _response(wire: schema.MessageAnswer, extras: dict[str, Raw], restore: Restore) -> ir.Response:
    content, called = wire.content, False
    parts: list[ir.Part]
    if (
        len(content) == 1
        and type(block := content[0]) is TextBlock
        and block.text < NO_TEXT
        and not block.citations
        and block.cache_control is None
    ):
        parts = [Text(text=block.text, at="/content/0")]  # as in most answers
    else:
        parts = decode_blocks(content, "", "/content", extras)
        called = restore_calls(parts, restore)
    stop, usage = None, wire.usage
    if wire.stop_reason is not None:
        stop = decode_stop(wire.stop_reason, wire.stop_sequence, wire.stop_details, called=called)
    collect_extras(wire, extras)
    return Response(
        protocol=NAME,
        id=wire.id or "",
        model=wire.model or "",
        candidates=[Candidate(0, parts, stop)],
        usage=None if usage is None else decode_usage(usage),
        tier=None if usage is None else usage.service_tier,
        extras=extras,
    )


def collect_extras(wire: schema.MessageAnswer, extras: dict[str, Raw]) -> None:
    """Puts what the canonical model does not hold into extras."""
    # Looked at one by one, because nearly all answers have none of them.
    if (
        wire.container is not EMPTY
        or wire.context_management is not EMPTY
        or wire.diagnostics is not EMPTY
        or wire.input_transformations is not EMPTY
    ):
        for name in schema.ANSWER_UNMODELLED:
            value = getattr(wire, name)
            if not is_null(value):
                extras[f"/{name}"] = value
    usage = wire.usage
    if usage is not None and (
        usage.inference_geo is not EMPTY or usage.speed is not EMPTY or usage.iterations is not EMPTY
    ):
        put_usage_extras(usage, extras)


def restore_calls(parts: Sequence[ir.Part], restore: Restore) -> bool:
    """Gives calls the client's names back, free text to custom tools; True when there is any call."""
    called = False
    for part in parts:
        if type(part) is ir.ToolCall:
            called = True
            part.name = restore.names.get(part.name, part.name)
            part.id = restore.call_ids.get(part.id, part.id)
            if part.name in restore.custom:
                part.kind = "custom"
                part.arguments = unwrap_custom(part.arguments)
    return called


def encode_response(response: ir.Response, context: AnswerContext, losses: list[ir.Loss]) -> bytes:
    """The whole answer; raises FaultError when it cannot be shown as an answer."""
    if response.fault is not None:
        raise ir.FaultError(response.fault)
    candidates = response.candidates
    if len(candidates) > 1:
        losses += [
            ir.Loss(candidate_place(response.protocol, other.index), "dropped", NAME, "this protocol has one answer")
            for other in candidates[1:]
        ]
    first = candidates[0] if candidates else ir.Candidate(0, [])
    native = response.protocol == NAME
    stop = first.stop or _OTHER
    usual = stop.kind == "stop"  # as most are
    if not usual and stop.kind in ("malformed_call", "cancelled"):
        raise ir.FaultError(upstream_fault(f"the model's answer broke off: {stop.raw or stop.kind}"))
    blocks, called, refused = encode_parts(first.parts, stop, response.protocol, context, losses)
    plain = usual and not called and not refused
    word = "end_turn" if plain else encode_stop(stop, native=native, called=called, refused=refused)
    if stop.kind == "pause" and not native:
        losses.append(ir.Loss(stop_places(response.protocol).reason, "info", NAME, "the answer pauses"))
    usage = response.usage
    body = out.Message(
        id=response.id if native and response.id else f"msg_{context.id}",
        model=response.model or context.request.model,
        content=blocks,
        stop_reason=None if first.stop is None and native else word,
        usage=encode_usage(usage, response.tier),
    )
    if not plain or stop.details is not None:
        details = stop_details(stop, word, native=native)
        if details is not None:
            body.stop_details = details
        if word == "stop_sequence":
            body.stop_sequence = stop.sequence
    if usage is None or usage.input is None or usage.output is None:
        report_absent(usage, losses)
    payload = encode(body)
    return _put_extras(payload, response, losses) if response.extras else payload


def report_absent(usage: ir.Usage | None, losses: list[ir.Loss]) -> None:
    """Zeros stand for counts that the upstream did not tell."""
    if usage is None or usage.input is None or usage.output is None:
        losses.append(ir.Loss("/usage", "info", NAME, "the upstream did not tell its token counts: shown as 0"))


def _put_extras(payload: bytes, response: ir.Response, losses: list[ir.Loss]) -> bytes:
    if response.protocol == NAME:
        payload, missing = insert(payload, response.extras)
    else:
        missing = list(response.extras)
    losses += [ir.Loss(pointer, "dropped", NAME, "unknown to this protocol") for pointer in missing]
    return payload


def inspect(body: bytes, capabilities: Capabilities = USUAL) -> Inspection:  # noqa: ARG001  nothing is declared for this protocol
    """Usage and hidden error of a relayed answer."""
    try:
        wire = _decode_inspected(body)
    except WireError:
        return Inspection(fault=upstream_fault("the upstream's answer is not JSON"))
    if wire.error is not EMPTY and bytes(wire.error) != b"null":
        return Inspection(fault=decode_error(wire.error, "upstream_error"))
    if wire.content is None:
        return Inspection(fault=upstream_fault("the upstream's answer is not a message: it has no content"))
    usage = None if wire.usage is EMPTY else read_usage(wire.usage)
    return Inspection(usage=None if usage is None else decode_usage(usage))


def read_usage(raw: Raw) -> schema.Usage | None:
    """A usage object, unknown members left out; None when it is none."""
    try:
        return _decode_usage(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            return _decode_usage_checked(loosen(raw, schema.Usage)[0])
        except WireError:
            return None
