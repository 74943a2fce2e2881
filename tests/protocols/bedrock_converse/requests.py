"""What the tests of requests share: short ways to say one, and what goes out for it."""

import json
from typing import Any

from msgspec import structs

from twoapi import ir
from twoapi.protocols.bedrock_converse.encode_request import encode_request
from twoapi.protocols.capabilities import Capabilities

# A model that takes all there is.
ABLE = Capabilities(top_k_field="/top_k", stop_field="/stop_sequence")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"


def encode(request: ir.Request, able: Capabilities = ABLE, **capabilities: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The upstream's body, and path and kind of each loss."""
    losses: list[ir.Loss] = []
    outgoing = encode_request(request, "m", structs.replace(able, **capabilities), losses).outgoing
    return json.loads(outgoing.body), [(loss.path, loss.kind) for loss in losses]


def asked(*messages: ir.Message, **fields: Any) -> ir.Request:
    """A request as the chat protocol's decoder would give it."""
    placed = [structs.replace(message, at=f"/messages/{i}") for i, message in enumerate(messages)]
    return ir.Request(protocol="openai-chat", model="m", messages=placed, **fields)


def says(role: Any, *parts: ir.Part | str) -> ir.Message:
    made = [ir.Text(text=part) if isinstance(part, str) else part for part in parts]
    return ir.Message(role, [structs.replace(part, at=f"/content/{i}") for i, part in enumerate(made)])


HI = says("user", "hi")


def content(request: ir.Request, able: Capabilities = ABLE, **capabilities: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The content of the last message, and the losses."""
    body, losses = encode(request, able, **capabilities)
    return body["messages"][-1]["content"], losses
