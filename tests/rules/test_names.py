"""Tools of one name in two namespaces, which only one protocol has: each call comes back as the client's own."""

import json
from typing import Any

import pytest

from twoapi.protocols.base import AnswerContext
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.testing.fake_connection import Received
from twoapi.testing.rules.pieces import responses_tool
from twoapi.testing.rules.rule import RESPONSES, incoming
from twoapi.testing.scripted_model import Scenario, ScriptedModel

OTHERS = [name for name in CODECS if name != RESPONSES]


def space(name: str, *tools: Any) -> Any:
    return {"type": "namespace", "name": name, "description": "d", "tools": list(tools)}


@pytest.mark.parametrize("target", OTHERS)
def test_each_call_is_of_the_namespace_that_was_called(target: str):
    patch = {"type": "custom", "name": "patch"}
    asked = {"tools": [space("a", responses_tool(), patch), space("b", responses_tool(), patch)]}
    request = CODECS[RESPONSES].decode_request(incoming(RESPONSES, asked))
    codec = CODECS[target]
    encoded = codec.encode_request(request, "m", Capabilities(), [])

    answered = answer(target, encoded.outgoing.path, encoded.outgoing.body)

    response = codec.decode_response(answered, encoded.restore)
    told = json.loads(CODECS[RESPONSES].encode_response(response, AnswerContext(request, 0, "1"), []))
    calls = [(item["type"], item.get("namespace"), item["name"]) for item in told["output"]]
    kinds = (("function_call", "look"), ("custom_tool_call", "patch"))
    assert calls == [(kind, namespace, name) for namespace in "ab" for kind, name in kinds]


def answer(target: str, path: str, body: bytes) -> bytes:
    """What a model says that calls all tools, as the upstream's whole answer."""
    model = ScriptedModel(Scenario(calls=4))
    reply = model(
        Received(method="POST", path=path, query="", headers={}, header_list=(), body=body, connection=1, number=1)
    )
    return b"".join(reply.pieces)
