"""The vendor's own shapes: what is decoded and encoded again is the same, and the vendor's SDK takes every event."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response as SdkResponse
from tests.protocols.openai_responses.answers import (
    CODEC,
    FIXTURES,
    context,
    documents,
    events_of,
    fixture,
    judged,
    stream_of,
)

from twoapi import ir
from twoapi.ir.assemble import fold, unfold
from twoapi.protocols.base import Restore
from twoapi.testing.laws.streams import comparable
from twoapi.testing.normal import fold_stream, normal_response
from twoapi.testing.strategies.events import legal_events
from twoapi.testing.strategies.responses_answers import responses_answers

STREAMS = sorted(FIXTURES.glob("stream.*.sse"))
PAIRED = [path for path in STREAMS if path.name not in {"stream.error.sse", "stream.failed.sse"}]
ANSWERS = [*sorted(FIXTURES.glob("resp.*.json")), *sorted(FIXTURES.glob("fold.*.json"))]
WHOLES = [path for path in ANSWERS if path.name != "resp.failed.json"]
each_stream = pytest.mark.parametrize("path", PAIRED, ids=lambda path: path.name)


@pytest.mark.parametrize("path", WHOLES, ids=lambda path: path.name)
def test_an_answer_is_encoded_as_it_came(path: Path) -> None:
    losses: list[ir.Loss] = []

    encoded = CODEC.encode_response(CODEC.decode_response(path.read_bytes(), Restore()), context(), losses)

    assert normal_response(CODEC.name, encoded) == normal_response(CODEC.name, path.read_bytes())
    assert losses == []
    SdkResponse.model_validate_json(encoded, strict=True)


@each_stream
def test_a_stream_amounts_to_its_whole_twin(path: Path) -> None:
    twin = fixture(path.name.replace("stream.", "fold.").replace(".sse", ".json"))

    assert comparable(fold(events_of(path.read_bytes()))) == comparable(CODEC.decode_response(twin, Restore()))


@each_stream
def test_a_stream_is_encoded_as_it_came(path: Path) -> None:
    losses: list[ir.Loss] = []

    out = stream_of(events_of(path.read_bytes()), losses=losses)

    assert [event["type"] for event in documents(out)] == [
        event["type"] for event in documents(path.read_bytes()) if "web_search_call" not in event["type"]
    ]
    assert normal_response(CODEC.name, fold_stream(CODEC.name, out)) == normal_response(
        CODEC.name, fold_stream(CODEC.name, path.read_bytes())
    )
    assert losses == []
    judged(out)


@pytest.mark.parametrize("name", ["stream.error.sse", "stream.failed.sse"])
def test_a_failed_stream_fails_again_with_its_error(name: str) -> None:
    events = events_of(fixture(name))

    assert isinstance(events[-1], ir.Failed)
    last = documents(stream_of(events))[-1]
    assert last["type"] == "response.failed"
    told = {"stream.error.sse": ("rate_limit_exceeded", "slow down"), "stream.failed.sse": ("server_error", "boom")}
    assert (last["response"]["error"]["code"], last["response"]["error"]["message"]) == told[name]


def test_a_failed_answer_is_a_fault() -> None:
    with pytest.raises(ir.FaultError) as raised:
        CODEC.decode_response(fixture("resp.failed.json"), Restore())

    assert (raised.value.fault.kind, raised.value.fault.whose) == ("upstream_error", "upstream")
    assert CODEC.inspect(fixture("resp.failed.json")).fault == raised.value.fault


def test_what_no_release_knows_comes_back_to_a_client_of_this_protocol() -> None:
    strange = {
        "x_future": {"a": [1]},
        "output": [
            {"type": "x_item", "id": "x_0", "y": {"z": 2.50}},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "x_member": 1,
                "content": [
                    {"type": "output_text", "text": "a", "annotations": [], "logprobs": [], "x_part": [None]},
                    {"type": "x_content", "w": "v"},
                ],
            },
            {
                "type": "function_call",
                "id": "fc_2",
                "status": "completed",
                "call_id": "c",
                "name": "f",
                "arguments": "{}",
                "caller": {"type": "direct"},
                "async": False,
            },
            {"type": "custom_tool_call_output", "id": "ctco_3", "call_id": "c", "output": "done"},
        ],
    }
    body = json.dumps({**json.loads(fixture("resp.citations.json")), **strange}).encode()
    losses: list[ir.Loss] = []

    whole = CODEC.encode_response(CODEC.decode_response(body, Restore()), context(), losses)
    streamed = stream_of(list(unfold(CODEC.decode_response(body, Restore()))), losses=losses)

    for found in (whole, fold_stream(CODEC.name, streamed)):
        assert normal_response(CODEC.name, found) == normal_response(CODEC.name, body)
    assert losses == []


@given(legal_events())
def test_the_vendors_sdk_takes_every_stream(events: list[ir.Event]) -> None:
    stream = stream_of(events, context(store=False, include=["reasoning.encrypted_content"]))

    response = judged(stream)

    last = documents(stream)[-1]
    if last["type"] == "response.completed":
        assert response is not None
        assert [item.id for item in response.output] == [item["id"] for item in last["response"]["output"]]


@given(st.data())
def test_an_answer_as_a_stream_amounts_to_the_answer(data: Any) -> None:
    body = data.draw(responses_answers())
    response = CODEC.decode_response(body, Restore())

    stream = stream_of(list(unfold(response)))

    judged(stream)
    whole = CODEC.encode_response(CODEC.decode_response(body, Restore()), context(), [])
    assert normal_response(CODEC.name, fold_stream(CODEC.name, stream)) == normal_response(CODEC.name, whole)
