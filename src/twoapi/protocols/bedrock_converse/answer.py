"""What whole answers and streams share: calls, tools of the service, images, token counts, stop reasons."""

from msgspec import Raw

from twoapi import ir
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.bedrock_converse import schema_answer as wire
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.call_ids import decode_call_id
from twoapi.protocols.dialects.encoding import broken
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, at_pointer, encode, fields, string

CONTENT = "/output/message/content"
SERVER_TOOL = "server_tool_use"

_STOPS: dict[str, StopKind] = {
    "end_turn": "stop",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "model_context_window_exceeded": "context_window",
}
# The model broke down: what it said so far is no answer.
_BREAKDOWNS = {
    "malformed_model_output": "the model's output cannot be read",
    "malformed_tool_use": "the model wrote a tool call that cannot be read",
}


def breakdown(reason: str | None) -> ir.Fault | None:
    """The fault that a stop reason tells of; None when it tells of the end of an answer."""
    words = _BREAKDOWNS.get(reason or "")
    return None if words is None else broken(words, reason)


def decode_stop(reason: str, model_fields: Raw, restore: Restore, *, called: bool) -> ir.StopReason:
    """Why the model stopped; a call beats a plain end. `model_fields`: what was asked of the model's own answer."""
    kind = _STOPS.get(reason, "other")
    if called and kind == "stop":
        kind = "tool_use"
    sequence = _sequence(model_fields, restore) if kind == "stop_sequence" else None
    return ir.StopReason(kind=kind, raw=reason, sequence=sequence)


def _sequence(model_fields: Raw, restore: Restore) -> str | None:
    pointer = restore.capabilities.stop_field
    if pointer is None or model_fields is EMPTY:
        return None
    try:
        found = at_pointer(model_fields, pointer)
    except WireError:
        return None
    return None if found is None else string(found) or None


def is_asked(model_fields: Raw, restore: Restore) -> bool:
    """True when the model's own fields hold only what this gateway asked for."""
    pointer = restore.capabilities.stop_field
    try:
        return pointer is not None and [f"/{name}" for name in fields(model_fields)] == [pointer]
    except WireError:
        return False


def decode_usage(usage: wire.Usage) -> ir.Usage:
    """The counts, which are disjoint on the wire too."""
    by_ttl = {detail.ttl: detail.input_tokens for detail in usage.cache_details or ()}
    return ir.Usage(
        input=usage.input_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write=usage.cache_write_input_tokens,
        cache_write_5m=by_ttl.get("5m"),
        cache_write_1h=by_ttl.get("1h"),
        output=usage.output_tokens,
    )


def call_of(call: wire.ToolUse, restore: Restore, at: str) -> ir.ToolCall:
    """The call with the client's name and id, without its arguments."""
    name = restore.names.get(call.name, call.name)
    kind = "custom" if name in restore.custom else "function"
    return ir.ToolCall(
        id=decode_call_id(call.tool_use_id), name=name, kind="custom" if kind == "custom" else "function", at=at
    )


def server_call(call: wire.ToolUse, given: Raw, at: str) -> ir.ServerTool:
    """A call of a tool that the service runs itself."""
    whole = {"toolUseId": call.tool_use_id, "name": call.name, "input": given, "type": SERVER_TOOL}
    raw = Raw(encode({"toolUse": whole}))
    return ir.ServerTool(protocol=NAME, tool=call.name, phase="call", id=call.tool_use_id, raw=raw, at=at)


def server_result(result: Raw, at: str) -> ir.ServerTool:
    """The result of such a call; raises WireError when it is no object."""
    call_id = string(fields(result).get("toolUseId", EMPTY))
    raw = Raw(encode({"toolResult": result}))
    return ir.ServerTool(protocol=NAME, phase="result", id=call_id, raw=raw, at=at)


def image_of(image: wire.Image, data: str, at: str) -> ir.Media:
    """An image that the model made."""
    return ir.Media(kind="image", source=ir.Base64(data), mime=f"image/{image.format}" if image.format else None, at=at)
