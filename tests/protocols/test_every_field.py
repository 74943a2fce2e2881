"""Whatever single thing a request says reaches the upstream or is told as a loss: no encoder overlooks a field.

Encoders look for the rare fields together, in lists of their own; a field that is new to the model must get into them.
"""

from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import fields

from twoapi import ir
from twoapi.ir import FaultError, Loss
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import UPSTREAM_CODECS

# A value of every field that says something; a field without one here fails the first test.
SAID: dict[type, dict[str, Any]] = {
    ir.Request: {
        "tools": [ir.Tool(name="f", schema=ir.Schema(Raw(b'{"type":"object"}')))],
        "tool_choice": ir.ToolChoice(mode="none"),
        "parallel": False,
        "cache_key": "key",
        "cache_auto": ir.CacheMark(),
        "user_id": "user-1",
        "metadata": {"a": "b"},
        "tier": "flex",
        "safety": Raw(b'[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]'),
        "extras": {"/unknown": Raw(b"1")},
    },
    ir.Sampling: {
        "max_tokens": 17,
        "temperature": 0.25,
        "top_p": 0.5,
        "top_k": 3,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "seed": 7,
        "stop": ["END"],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": Raw(b'{"1":2}'),
    },
    ir.ReasoningConfig: {
        "effort": "high",
        "budget": 2048,
        "mode": "adaptive",
        "show": "summary",
        "detail": "concise",
    },
    ir.Output: {
        "format": "json_object",
        "schema": ir.Schema(Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')),
        "name": "answer",
        "description": "what it is",
        "strict": True,
        "verbosity": "low",
        "modalities": ["audio"],
        "audio": Raw(b'{"voice":"alloy","format":"wav"}'),
        "prediction": Raw(b'{"type":"content","content":"x"}'),
    },
    ir.State: {
        "store": True,
        "previous": "resp_1",
        "conversation": "conv_1",
        "background": True,
        "thread": "create",
        "cached": "cachedContents/1",
    },
}
# Of a request these say who asks, how it was spelled and how the answer shall come, or hold the structs above.
ABOUT = {"protocol", "model", "messages", "api_version", "betas", "sampling", "reasoning", "output", "state", "paths"}
ABOUT |= {"stream", "include_usage", "legacy_functions", "stream_array", "sealed"}
TOOLS = {"tools": SAID[ir.Request]["tools"]}
FORMAT = {"format": "json_schema", "schema": ir.Schema(Raw(b'{"type":"object"}'))}
# What a field means nothing without.
BESIDE: dict[str, dict[str, Any]] = {
    "tool_choice": TOOLS,
    "parallel": TOOLS,
    "detail": {"show": "summary", "effort": "high"},
    **dict.fromkeys(("schema", "name", "description", "strict"), FORMAT),
}
HOLDERS: dict[type, str] = {
    ir.Sampling: "sampling",
    ir.ReasoningConfig: "reasoning",
    ir.Output: "output",
    ir.State: "state",
}
CASES = [(kind, name) for kind, said in SAID.items() for name in said]


def test_every_field_of_a_request_is_here() -> None:
    for kind, said in SAID.items():
        assert {field.name for field in fields(kind)} - ABOUT == set(said), kind


def encoded(protocol: str, **said: Any) -> tuple[object, list[Loss]]:
    """What becomes of a request with one word and this: what is sent, or the refusal, and the losses."""
    text = ir.Message("user", [ir.Text(text="hi", at="/content")], "/messages/0", plain_content=True)
    request = ir.Request(protocol="another", model="m", messages=[text])
    for name, value in said.items():
        setattr(request, name, value)
    losses: list[Loss] = []
    try:
        made = UPSTREAM_CODECS[protocol].encode_request(request, "m", Capabilities(), losses)
    except FaultError as error:
        return error.fault, losses
    return (made.outgoing.path, made.outgoing.body, made.outgoing.headers), losses


@pytest.mark.parametrize("protocol", UPSTREAM_CODECS)
@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda it: it if isinstance(it, str) else it.__name__)
def test_what_a_request_says_is_sent_or_told(protocol: str, kind: type, name: str) -> None:
    beside = BESIDE.get(name, {})
    told = {**beside, name: SAID[kind][name]}
    if kind is not ir.Request:
        beside, told = ({HOLDERS[kind]: kind(**said)} for said in (beside, told))
    found = encoded(protocol, **told)
    if found == encoded(protocol, **beside):
        # It may be lost as one thing with what it means nothing without.
        assert name in BESIDE
        assert len(found[1]) > len(encoded(protocol)[1])
