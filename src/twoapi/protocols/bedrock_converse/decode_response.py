"""A whole answer of the upstream."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Restore
from twoapi.protocols.bedrock_converse import schema_answer as wire
from twoapi.protocols.bedrock_converse.answer import (
    CONTENT,
    SERVER_TOOL,
    breakdown,
    call_of,
    decode_stop,
    decode_usage,
    image_of,
    is_asked,
    server_call,
    server_result,
)
from twoapi.protocols.bedrock_converse.citations import decode_citation
from twoapi.protocols.bedrock_converse.faults import told_message
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.bedrock_converse.state import redacted, signature
from twoapi.protocols.dialects.encoding import broken
from twoapi.protocols.free_text import unwrap_custom
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode, first_byte, is_null, unknown_fields
from twoapi.wire.strict import strict

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(strict(wire.Answer)).decode
_decode_lenient = decoder(wire.Answer)
_OBJECT = 123


def decode_response(body: bytes, restore: Restore) -> ir.Response:
    """The whole answer; raises FaultError (whose="upstream") for an error hidden in a 200 and for a broken body."""
    extras: dict[str, Raw] = {}
    try:
        try:
            answer: wire.Answer = _decode_strict(body)
        except _BAD:
            answer, extras = _decode_lenient(body), unknown_fields(body, wire.Answer)
        if answer.output is None or answer.output.message is None:
            raise ir.FaultError(broken(told_message(body) or "the upstream's answer holds no message"))
        parts = _parts(answer.output.message, restore, extras)
    except WireError as error:
        raise ir.FaultError(broken(f"the upstream's answer cannot be read: {error.message}")) from None
    return _response(answer, parts, extras, restore)


def _response(answer: wire.Answer, parts: list[ir.Part], extras: dict[str, Raw], restore: Restore) -> ir.Response:
    fault = breakdown(answer.stop_reason)
    if fault is not None:
        raise ir.FaultError(fault)
    stop, model_fields = None, answer.additional_model_response_fields
    if answer.stop_reason is not None:
        called = any(isinstance(part, ir.ToolCall) for part in parts)
        stop = decode_stop(answer.stop_reason, model_fields, restore, called=called)
    for name, spelled in wire.UNMODELLED.items():
        value: Raw = getattr(answer, name)
        if not is_null(value) and not (value is model_fields and is_asked(value, restore)):
            extras[f"/{spelled}"] = value
    return ir.Response(
        protocol=NAME,
        id="",
        model="",
        candidates=[ir.Candidate(0, parts, stop)],
        usage=None if answer.usage is None else decode_usage(answer.usage),
        tier=None if answer.service_tier is None else answer.service_tier.type,
        extras=extras,
    )


def _parts(message: wire.Message, restore: Restore, extras: dict[str, Raw]) -> list[ir.Part]:
    """The parts of the blocks; those of unknown kinds are in the extras."""
    made = [_part(block, f"{CONTENT}/{i}", restore, extras) for i, block in enumerate(message.content)]
    return [part for part in made if part is not None]


def _part(block: wire.Block, at: str, restore: Restore, extras: dict[str, Raw]) -> ir.Part | None:
    made: ir.Part | None = None
    if block.text is not None:
        made = ir.Text(text=block.text, at=at)
    elif block.tool_use is not None:
        made = _call(block.tool_use, at, restore)
    elif block.reasoning_content is not None:
        made = _reasoning(block.reasoning_content, at)
    elif block.citations_content is not None:
        made = _cited(block.citations_content, at, extras)
    elif block.image is not None:
        made = image_of(block.image, "" if block.image.source is None else block.image.source.bytes, at)
    elif block.tool_result is not EMPTY:
        made = server_result(block.tool_result, at)
    return made


def _call(call: wire.ToolUse, at: str, restore: Restore) -> ir.Part:
    given = call.input if first_byte(call.input) == _OBJECT else Raw(b"{}")
    if call.type == SERVER_TOOL:
        return server_call(call, given, at)
    made = call_of(call, restore, at)
    text = bytes(given).decode("utf-8", "replace")
    made.arguments = unwrap_custom(text) if made.kind == "custom" else text
    return made


def _reasoning(content: wire.ReasoningContent, at: str) -> ir.Part:
    if content.redacted_content is not None:
        return ir.Reasoning(form="hidden", opaque=(redacted(content.redacted_content),), at=at)
    said = content.reasoning_text or wire.ReasoningText()
    return ir.Reasoning(text=said.text, opaque=(signature(said.signature),) if said.signature else (), at=at)


def _cited(content: wire.CitationsContent, at: str, extras: dict[str, Raw]) -> ir.Part:
    found = [decode_citation(raw) for raw in content.citations]
    if None in found:
        extras[f"{at}/citationsContent/citations"] = Raw(encode(content.citations))
    text = "".join(piece.text for piece in content.content)
    return ir.Text(text=text, citations=[one for one in found if one is not None], at=at)
