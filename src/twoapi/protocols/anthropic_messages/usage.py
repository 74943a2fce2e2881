"""Token counts and stop reasons, both ways."""

import msgspec
from msgspec import UNSET, Raw

from twoapi import ir
from twoapi.ir.response import StopKind
from twoapi.protocols.anthropic_messages import schema
from twoapi.protocols.anthropic_messages import schema_out as out
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder

# stop_reason -> kind. `refusal` is the verdict of a classifier, as content_filter is elsewhere.
_KINDS: dict[str, StopKind] = {
    "end_turn": "stop",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "pause_turn": "pause",
    "refusal": "content_filter",
    "model_context_window_exceeded": "context_window",
    "compaction": "compaction",
}
_WORDS = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "content_filter": "refusal",
    "recitation": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "compaction": "compaction",
}
_STOPS = {word: ir.StopReason(kind=kind, raw=word) for word, kind in _KINDS.items()}  # of answers without calls
_Usage = ir.Usage
_TIERS = {"standard": "standard", "priority": "priority", "batch": "batch", "default": "standard"}


def decode_usage(wire: schema.Usage) -> ir.Usage:
    """Disjoint counts; thinking is taken out of the output when the upstream told it."""
    split = wire.cache_creation
    details = wire.output_tokens_details
    if split is None and details is None and wire.server_tool_use is None:  # as most are
        return _Usage(
            input=wire.input_tokens,
            cache_read=wire.cache_read_input_tokens,
            cache_write=wire.cache_creation_input_tokens,
            output=wire.output_tokens,
        )
    reasoning = None if details is None else details.thinking_tokens
    output = wire.output_tokens
    if output is not None and reasoning is not None:
        reasoning = min(reasoning, output)
        output -= reasoning
    tools = wire.server_tool_use
    return ir.Usage(
        input=wire.input_tokens,
        cache_read=wire.cache_read_input_tokens,
        cache_write=wire.cache_creation_input_tokens,
        cache_write_5m=None if split is None else split.ephemeral_5m_input_tokens,
        cache_write_1h=None if split is None else split.ephemeral_1h_input_tokens,
        output=output,
        reasoning=reasoning,
        server_tools=None if tools is None else {k: v for k, v in tools.items() if v is not None},
    )


def encode_usage(usage: ir.Usage | None, tier: str | None = None) -> out.Usage:
    """The usage object; the two totals are always there, because clients fail without them."""
    if usage is None:
        usage = _Usage()
    reasoning = usage.reasoning
    wire = out.Usage(
        input_tokens=(usage.input or 0) + (usage.tool_prompt or 0),
        cache_creation_input_tokens=usage.cache_write,
        cache_read_input_tokens=usage.cache_read,
        output_tokens=(usage.output or 0) + (reasoning or 0),
        output_tokens_details=UNSET if reasoning is None else out.OutputDetails(reasoning),
        service_tier=UNSET if tier is None else _TIERS.get(tier, UNSET),
    )
    if usage.cache_write_5m is not None or usage.cache_write_1h is not None:
        wire.cache_creation = out.CacheCreation(usage.cache_write_5m or 0, usage.cache_write_1h or 0)
    if usage.server_tools:
        wire.server_tool_use = usage.server_tools
    return wire


def merge_usage(old: schema.Usage, new: schema.Usage) -> None:
    """Puts what `new` says over `old`, field by field: counts in a stream are cumulative, never added."""
    for name in schema.Usage.__struct_fields__:
        value = getattr(new, name)
        if value is not None and value is not EMPTY:
            setattr(old, name, value)


def put_usage_extras(wire: schema.Usage, extras: dict[str, Raw]) -> None:
    """Puts what the canonical usage does not hold into extras."""
    for name in schema.USAGE_UNMODELLED:
        value = getattr(wire, name)
        if value is not EMPTY:
            extras[f"/usage/{name}"] = value


def decode_stop(reason: str, sequence: str | None, details: Raw, *, called: bool) -> ir.StopReason:
    """Why the model stopped. A complete tool call (`called`) beats a plain end."""
    if details is EMPTY and sequence is None and not called:
        known = _STOPS.get(reason)
        if known is not None:
            return known
    kind = _KINDS.get(reason, "other")
    if called and kind == "stop":
        kind = "tool_use"
    kept = None if details is EMPTY or bytes(details) == b"null" else details
    return ir.StopReason(
        kind=kind,
        raw=reason,
        sequence=sequence,
        detail=None if kept is None else _explanation(kept),
        details=kept,
    )


class _Details(msgspec.Struct):
    explanation: str | None = None


_decode_details = decoder(_Details)


def _explanation(details: Raw) -> str | None:
    """The words for people in a stop's details."""
    try:
        return _decode_details(details).explanation
    except WireError:
        return None


def encode_stop(stop: ir.StopReason, *, native: bool, called: bool, refused: bool) -> str:
    """The wire's word. An unknown one goes back to a client of the same protocol."""
    if stop.kind == "stop":
        return "tool_use" if called else "refusal" if refused else "end_turn"
    if stop.kind == "other" and native and stop.raw:
        return stop.raw
    return _WORDS.get(stop.kind, "end_turn")


def stop_details(stop: ir.StopReason, word: str, *, native: bool) -> object:
    """The `stop_details` member, None when the wire has none."""
    if native and stop.details is not None:
        return stop.details
    return {"type": "refusal", "category": None, "explanation": None} if word == "refusal" and not native else None
