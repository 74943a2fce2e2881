"""The laws of requests for this protocol: alone, and across to and from the others."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.protocols.gemini.requests import HI, PATH
from tests.providers.schema_check import problems

from twoapi.ir import FaultError, ToolCall
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import Codec
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.gemini.schema_dialect import to_json_schema
from twoapi.protocols.gemini.schema_reduced import to_schema
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.testing.laws import requests as laws
from twoapi.testing.laws.bounds import deep_request_is_refused, is_linear
from twoapi.testing.laws.subject import PATH as AT
from twoapi.testing.laws.subject import decoded, encoded
from twoapi.testing.strategies.chat_requests import chat_requests
from twoapi.testing.strategies.gemini_requests import gemini_bodies, gemini_requests, own_schemas, snake_requests
from twoapi.testing.strategies.messages_requests import messages_requests
from twoapi.testing.strategies.values import json_values, schemas
from twoapi.testing.strict import refusal_reasons
from twoapi.testing.strict_gemini import schema_problems
from twoapi.wire.http import Incoming

CODEC = Gemini()
OTHERS: tuple[Codec, ...] = (OpenAIChat(), AnthropicMessages())
REQUESTS = {"openai-chat": chat_requests, "anthropic-messages": messages_requests, "gemini": gemini_requests}
CLIENTS = sorted(
    file
    for file in (Path(__file__).parents[2] / "fixtures" / "clients").glob("*/*.json")
    if ":" in json.loads(file.read_text("utf-8"))["path"]
)
across = pytest.mark.parametrize(
    ("codec", "other"),
    [pair for other in OTHERS for pair in ((CODEC, other), (other, CODEC))],
    ids=lambda codec: codec.name,
)
each_capture = pytest.mark.parametrize("file", CLIENTS, ids=lambda file: f"{file.parent.name}/{file.stem}")


def drawn(data: st.DataObject, codec: Codec, *, portable: bool = False, unknown: bool = False) -> bytes:
    return data.draw(REQUESTS[codec.name](portable=portable, unknown=unknown))


@given(gemini_bodies())
def test_the_vendor_would_take_every_request(body: dict[str, Any]) -> None:
    assert refusal_reasons("gemini", body) == []


@given(gemini_requests(unknown=True))
def test_l1_a_request_to_its_own_protocol_is_the_same(body: bytes) -> None:
    laws.request_identity(CODEC, body)


@given(snake_requests())
def test_l1_in_either_spelling(body: bytes) -> None:
    laws.request_identity(CODEC, body)


@given(gemini_requests())
def test_l12_the_vendor_takes_what_stays_in_its_protocol(body: bytes) -> None:
    laws.vendor_accepts(CODEC, CODEC, body)


@across
@given(data=st.data())
def test_l8_nothing_is_lost_in_silence(codec: Codec, other: Codec, data: st.DataObject) -> None:
    event("converted" if laws.round_trip(codec, other, drawn(data, codec)) else "refused")


@given(snake_requests())
def test_l8_losses_are_told_in_the_clients_spelling(body: bytes) -> None:
    laws.round_trip(CODEC, OTHERS[0], body)


@across
@given(data=st.data())
def test_l8_what_both_have_is_never_refused(codec: Codec, other: Codec, data: st.DataObject) -> None:
    assert laws.round_trip(codec, other, drawn(data, codec, portable=True))


@across
@given(data=st.data())
def test_l8_unknown_members_are_reported(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.round_trip(codec, other, drawn(data, codec, portable=True, unknown=True))


@across
@given(data=st.data())
def test_l10_the_second_time_changes_nothing(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.idempotence(codec, other, drawn(data, codec))


@across
@given(data=st.data())
def test_l12_the_vendor_takes_what_goes_out(codec: Codec, other: Codec, data: st.DataObject) -> None:
    event("converted" if laws.vendor_accepts(codec, other, drawn(data, codec)) else "refused")


@across
@given(data=st.data())
def test_l12_calls_and_results_stay_pairs(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.pairing(codec, other, drawn(data, codec))


@given(gemini_requests())
def test_l13_ids_are_one_to_one_and_stable_over_turns(body: bytes) -> None:
    document = json.loads(body)
    longer = {**document, "contents": [*document["contents"], HI]}
    ids = [part.id for message in decoded(CODEC, body).messages for part in message.parts if isinstance(part, ToolCall)]

    again = decoded(CODEC, json.dumps(longer).encode())

    missing = [call_id for call_id in ids if call_id.startswith("call_") and len(call_id) == 29]
    assert len(set(missing)) == len(missing)
    if b"  " not in body:  # arguments keep their spelling, and ids are made of it
        later = decoded(CODEC, json.dumps(json.loads(body)).encode())
        assert [len(message.parts) for message in later.messages] == [
            len(message.parts) for message in again.messages[:-1]
        ]


@across
@given(data=st.data())
def test_l19_nothing_leaks(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.no_leak(codec, other, drawn(data, codec, unknown=True))


@across
@given(data=st.data())
def test_l21_earlier_turns_stay_as_they_were(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.prefix_is_stable(codec, other, drawn(data, codec, portable=True))


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
        if b'"text": ""' not in body:  # an empty text is dropped where it is refused, and nothing is missed
            assert laws.round_trip(CODEC, other, body)
        out, sent, _ = encoded(other, decoded(CODEC, body, headers))
        assert refusal_reasons(other.name, json.loads(out), sent) == []
