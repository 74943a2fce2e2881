"""What the tests of requests share: short ways to say one, and what goes out for it."""

import json
from typing import Any

from msgspec import structs

from twoapi import ir
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.gemini.decode_request import decode_request
from twoapi.protocols.gemini.encode_request import encode_request
from twoapi.wire.http import Incoming

PATH = "/v1beta/models/gemini-3-pro:generateContent"
HI: dict[str, Any] = {"role": "user", "parts": [{"text": "hi"}]}


def decode(body: dict[str, Any], path: str = PATH, query: str = "") -> ir.Request:
    return decode_request(Incoming(path, {}, json.dumps(body).encode(), query))


def said(**members: Any) -> dict[str, Any]:
    return {"contents": [HI], **members}


def encode(request: ir.Request, **capabilities: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The upstream's body, and path and kind of each loss."""
    losses: list[ir.Loss] = []
    encoded = encode_request(request, request.model, Capabilities(**capabilities), losses)
    return json.loads(encoded.outgoing.body), [(loss.path, loss.kind) for loss in losses]


def foreign(*messages: ir.Message, **fields: Any) -> ir.Request:
    """A request as the chat protocol's decoder would give it."""
    placed = [structs.replace(message, at=f"/messages/{i}") for i, message in enumerate(messages)]
    return ir.Request(protocol="openai-chat", model="m", messages=placed, **fields)


def says(role: Any, *parts: ir.Part | str) -> ir.Message:
    return ir.Message(role, [ir.Text(text=part, at="/content") if isinstance(part, str) else part for part in parts])


def call(call_id: str = "c1", name: str = "f", arguments: str = "{}", **members: Any) -> ir.ToolCall:
    return ir.ToolCall(id=call_id, name=name, arguments=arguments, at=f"/tool_calls/{call_id}", **members)


def result(call_id: str = "c1", text: str = "ok", **members: Any) -> ir.ToolResult:
    return ir.ToolResult(call_id=call_id, content=[ir.Text(text=text)], **members)
