"""The laws of requests for this protocol: alone, and across to and from the others."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.gemini.requests import HI, PATH
from tests.providers.schema_check import problems

from twoapi.ir import FaultError
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import Codec
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.gemini.schema_dialect import to_json_schema
from twoapi.protocols.gemini.schema_reduced import to_schema
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.openai_responses import OpenAIResponses
from twoapi.testing.laws import requests as laws
from twoapi.testing.laws.bounds import deep_request_is_refused, is_linear
from twoapi.testing.laws.subject import PATH as AT
from twoapi.testing.laws.subject import decoded, encoded
from twoapi.testing.strategies.gemini_requests import own_schemas
from twoapi.testing.strategies.values import json_values, schemas
from twoapi.testing.strict import refusal_reasons
from twoapi.testing.strict_gemini import schema_problems
from twoapi.wire.http import Incoming

CODEC = Gemini()
OTHERS: tuple[Codec, ...] = (OpenAIChat(), OpenAIResponses(), AnthropicMessages())
CLIENTS = sorted(
    file
    for file in (Path(__file__).parents[2] / "fixtures" / "clients").glob("*/*.json")
    if ":" in json.loads(file.read_text("utf-8"))["path"]
)
each_capture = pytest.mark.parametrize("file", CLIENTS, ids=lambda file: f"{file.parent.name}/{file.stem}")


# --- Schemas -------------------------------------------------------------------------------------


@given(schemas(), st.dictionaries(st.sampled_from(("a", "next", "k")), json_values, max_size=2), st.data())
def test_l17_what_is_valid_stays_valid(schema: dict[str, Any], value: dict[str, Any], data: st.DataObject) -> None:
    names = list(schema["properties"])
    instance = {**value, **{name: data.draw(json_values) for name in names}}
    lost: list[str] = []

    reduced = to_schema(json.dumps(schema).encode(), lambda at, _: lost.append(at))
    again = json.loads(bytes(to_json_schema(raw(reduced))))

    assert list(schema_problems("", reduced)) == []
    if not problems(instance, schema):
        assert problems(instance, again) == [] or lost


@given(own_schemas)
def test_l17_the_vendors_own_schema_comes_back(schema: dict[str, Any]) -> None:
    lost: list[str] = []

    again = to_schema(bytes(to_json_schema(raw(schema))), lambda at, _: lost.append(at))

    assert list(schema_problems("", again)) == []
    assert lost == [] or all(at.rpartition("/")[2] in {"example", "examples"} for at in lost)


def raw(value: Any) -> Any:
    return msgspec.Raw(json.dumps(value).encode())


# --- Bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["contents", "tools", "generationConfig", "x_new"])
def test_l20_depth_is_refused_or_carried(member: str) -> None:
    deep = b"[" * 10_000 + b"]" * 10_000
    deep_request_is_refused(CODEC, b'{"contents":[{"parts":[{"text":"x"}]}],"%b":%b}' % (member.encode(), deep))


def test_l20_a_deep_schema_is_refused() -> None:
    schema = b'{"items":' * 5000 + b"{}" + b"}" * 5000
    body = b'{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":%b}]}]}'
    with pytest.raises(FaultError):
        decoded(CODEC, body % schema)


@pytest.mark.parametrize("spelling", ["functionCall", "function_call"])
def test_l20_decoding_is_linear(spelling: str) -> None:
    def prepare(count: int) -> Any:
        turn = [
            {"role": "model", "parts": [{spelling: {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]},
        ]
        body = json.dumps({"contents": [HI, *turn * count]}).encode()
        return lambda: CODEC.decode_request(Incoming(PATH, {}, body))

    is_linear(prepare)


# --- What real clients send ----------------------------------------------------------------------


@each_capture
def test_what_a_client_sent_comes_back_and_crosses(file: Path) -> None:
    found = json.loads(file.read_text("utf-8"))
    body = json.dumps(found["body"], ensure_ascii=False).encode()
    headers = {AT: f"{found['path']}?{found['query']}".replace("countTokens", "generateContent")}

    laws.request_identity(CODEC, body)
    for other in OTHERS:
        assert laws.round_trip(CODEC, other, body)
        out, sent, _ = encoded(other, decoded(CODEC, body, headers))
        assert refusal_reasons(other.name, json.loads(out), sent) == []
