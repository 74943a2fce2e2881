"""Requests of clients as chat-compatible vendors get them, by what the catalogue declares."""

import json
from pathlib import Path
from typing import Any

from twoapi.ir import Loss
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.opening import open_sealed
from twoapi.protocols.registry import CODECS
from twoapi.protocols.sealing import PLAIN
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.canned import PATHS
from twoapi.wire.http import Incoming

Json = Any  # a parsed JSON document

CATALOG = load_catalog()
CAPTURES = Path(__file__).parents[1] / "captures"
CHAT, MESSAGES, RESPONSES = "openai-chat", "anthropic-messages", "openai-responses"
CODEC = CODECS[CHAT]

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "get_weather", "description": "d", "input_schema": WEATHER}
OTHER = {"name": "get_time", "description": "d", "input_schema": WEATHER}
HI = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Rome"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_01", "content": "sunny"}
LOOP = [HI, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}]
ARGUMENTS = '{"city": "Rome"}'
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": ""}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}}


def declared(name: str, model: str) -> Capabilities:
    """What the catalogue says of a model."""
    return capabilities_for(CATALOG[name], CHAT, model)


def encoded(name: str, model: str, client: str, asked: Json) -> tuple[Encoded, list[Loss]]:
    """A client's request as this vendor gets it, and what is reported."""
    small: dict[str, Json] = {"model": "m"}
    if client == MESSAGES:
        small |= {"max_tokens": 100, "messages": [HI]}
    elif client == CHAT:
        small |= {"messages": [HI]}
    else:
        small |= {"input": "hi"}
    body = json.dumps({**small, **asked}).encode()
    request = CODECS[client].decode_request(Incoming(PATHS[client], {}, body))
    losses = open_sealed(request, PLAIN)
    return CODEC.encode_request(request, model, declared(name, model), losses), losses


def sent(name: str, model: str, client: str, asked: Json) -> tuple[Json, set[tuple[str, str]]]:
    """The body, and path and kind of each loss."""
    out, losses = encoded(name, model, client, asked)
    return json.loads(out.outgoing.body), {(loss.path, loss.kind) for loss in losses}
