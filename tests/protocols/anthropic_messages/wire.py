"""What the tests of this protocol share: short ways to say a request, an answer, a stream."""

import json
from pathlib import Path
from typing import Any

from msgspec import Raw, structs

from twoapi import ir
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.wire.http import Incoming

CODEC = AnthropicMessages()
FIXTURES = Path(__file__).parents[2] / "fixtures" / "anthropic"
NEW = {b"anthropic-version": b"2026-10-21"}
OLD = {b"anthropic-version": b"2023-06-01"}


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def compact(document: bytes) -> bytes:
    return json.dumps(json.loads(document), separators=(",", ":"), ensure_ascii=False).encode()


def norm(value: Any) -> Any:
    """A document without members that are null: absent and null mean the same here."""
    if isinstance(value, dict):
        return {name: norm(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [norm(member) for member in value]
    return value


def decode(body: dict[str, Any], headers: dict[bytes, bytes] = NEW) -> ir.Request:
    return CODEC.decode_request(Incoming("/v1/messages", headers, json.dumps(body).encode()))


def encode(request: ir.Request, **capabilities: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The upstream's body, and path and kind of each loss."""
    losses: list[ir.Loss] = []
    encoded = CODEC.encode_request(request, request.model, Capabilities(**capabilities), losses)
    return json.loads(encoded.outgoing.body), [(loss.path, loss.kind) for loss in losses]


def foreign(*messages: ir.Message, **fields: Any) -> ir.Request:
    """A request as the chat protocol's decoder would give it."""
    placed = [structs.replace(message, at=f"/messages/{i}") for i, message in enumerate(messages)]
    return ir.Request(protocol="openai-chat", model="m", messages=placed, **fields)


def says(role: Any, *parts: ir.Part | str) -> ir.Message:
    return ir.Message(role, [ir.Text(text=part, at="/content") if isinstance(part, str) else part for part in parts])


def context(request: ir.Request | None = None) -> AnswerContext:
    return AnswerContext(request or foreign(says("user", "hi")), 0, "x")


def events_of(stream: bytes, restore: Restore | None = None) -> list[ir.Event]:
    decoder = CODEC.stream_decoder(restore or Restore())
    return decoder.feed(stream) + decoder.close()


def stream_of(events: list[ir.Event], losses: list[ir.Loss] | None = None) -> bytes:
    encoder = CODEC.stream_encoder(context(), [] if losses is None else losses)
    return encoder.feed(events) + encoder.close()


def frames(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream; fails when a frame lacks its event line or the two names differ."""
    found = []
    for block in stream.decode().split("\n\n"):
        if not block:
            continue
        event, data = block.split("\n")
        document = json.loads(data.removeprefix("data: "))
        assert event == f"event: {document['type']}"
        found.append(document)
    return found


def settled(value: Any) -> Any:
    """A value of the model with all its JSON read, so that two spellings of the same compare equal."""
    if isinstance(value, Raw):
        return norm(json.loads(bytes(value)))
    if isinstance(value, list | tuple):
        return [settled(member) for member in value]
    if isinstance(value, dict):
        return {name: settled(member) for name, member in value.items()}
    if hasattr(value, "__struct_fields__"):
        return {"": type(value).__name__} | {name: settled(getattr(value, name)) for name in value.__struct_fields__}
    return value
