"""The laws of requests for this protocol: alone, and across to and from the others."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from twoapi.ir import FaultError
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import Codec
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.openai_responses.codec import OpenAIResponses
from twoapi.testing.laws import requests as laws
from twoapi.testing.laws.subject import decoded, encoded
from twoapi.testing.strategies.chat_requests import chat_requests
from twoapi.testing.strategies.messages_requests import messages_requests
from twoapi.testing.strategies.responses_requests import responses_bodies, responses_requests
from twoapi.testing.strict import refusal_reasons

CODEC = OpenAIResponses()
CODECS: tuple[Codec, ...] = (CODEC, OpenAIChat(), AnthropicMessages())
REQUESTS = {
    "openai-chat": chat_requests,
    "openai-responses": responses_requests,
    "anthropic-messages": messages_requests,
}
across = pytest.mark.parametrize(
    ("codec", "other"),
    [(CODEC, CODECS[1]), (CODEC, CODECS[2]), (CODECS[1], CODEC), (CODECS[2], CODEC)],
    ids=lambda codec: codec.name,
)


def drawn(data: st.DataObject, codec: Codec, *, portable: bool = False, unknown: bool = False) -> bytes:
    return data.draw(REQUESTS[codec.name](portable=portable, unknown=unknown))


@given(responses_bodies())
def test_the_vendor_would_take_every_request(body: dict[str, Any]) -> None:
    assert refusal_reasons("openai-responses", body) == []


@given(responses_requests(unknown=True))
def test_a_body_with_unknown_fields_is_refused_for_these_alone(body: bytes) -> None:
    reasons = refusal_reasons("openai-responses", json.loads(body))
    assert {reason for _, reason in reasons} == {"unknown parameter"}


@given(responses_requests())
def test_l1_a_request_to_its_own_protocol_is_the_same(body: bytes) -> None:
    laws.request_identity(CODEC, body)


@given(responses_requests(unknown=True))
def test_l1_unknown_members_come_through(body: bytes) -> None:
    laws.request_identity(CODEC, body)


@across
@given(data=st.data())
def test_l8_nothing_is_lost_in_silence(codec: Codec, other: Codec, data: st.DataObject) -> None:
    event("converted" if laws.round_trip(codec, other, drawn(data, codec)) else "refused")


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


@given(responses_requests())
def test_l12_the_vendor_takes_what_stays_in_its_protocol(body: bytes) -> None:
    assert laws.vendor_accepts(CODEC, CODEC, body)


@across
@given(data=st.data())
def test_l12_calls_and_results_stay_pairs(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.pairing(codec, other, drawn(data, codec))


@across
@given(data=st.data())
def test_l19_nothing_leaks(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.no_leak(codec, other, drawn(data, codec, unknown=True))


@across
@given(data=st.data())
def test_l21_earlier_turns_stay_as_they_were(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.prefix_is_stable(codec, other, drawn(data, codec, portable=True))


@cache
def sdk_types() -> TypeAdapter[Any]:
    """The vendor's own declaration of a request's body."""
    return TypeAdapter(ResponseCreateParamsNonStreaming)


@pytest.mark.parametrize("codec", CODECS[1:], ids=lambda codec: codec.name)
@settings(max_examples=30)  # the vendor's types are slow to check
@given(data=st.data())
def test_the_vendors_sdk_has_a_type_for_what_goes_out(codec: Codec, data: st.DataObject) -> None:
    try:
        body, _, _ = encoded(CODEC, decoded(codec, drawn(data, codec)))
    except FaultError:
        return
    document = json.loads(body)
    document.pop("stream", None)
    for item in document["input"] if isinstance(document.get("input"), list) else []:
        item.setdefault("id", "msg_1")  # which the types want of refusals, and the service does not
    found = sdk_types().validate_python(document)
    assert list(found.get("tools") or []) == (document.get("tools") or [])
