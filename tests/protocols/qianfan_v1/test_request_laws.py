"""What any client asks of wenxinworkshop: the vendor takes it, or the refusal names the place."""

import json

import msgspec
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.laws.protocols import few, fewest

from twoapi.conformance import Arrival
from twoapi.ir import FaultError, Loss, Request, ToolCall, ToolResult
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.qianfan_v1 import QianfanV1
from twoapi.protocols.registry import CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.laws.requests import refused_by_path
from twoapi.testing.laws.subject import SECRET, decoded
from twoapi.testing.replies import Json
from twoapi.testing.strategies.payloads import REQUESTS
from twoapi.testing.vendors.qianfan_v1 import VENDOR
from twoapi.wire.json import at_pointer

CODEC = QianfanV1()
SPEED = capabilities_for(load_catalog()["qianfan-v1"], "qianfan-v1", "ERNIE-Speed-8K")
LACKING: tuple[dict[str, Json], ...] = ({}, {"web_search": False, "reasoning_field": None}, {"sampling": False})
able = st.sampled_from([msgspec.structs.replace(SPEED, **lacking) for lacking in LACKING])
from_each = pytest.mark.parametrize("client", CODECS)


def sent(request: Request, capabilities: Capabilities, losses: list[Loss]) -> Arrival:
    """The request as it reaches the vendor."""
    outgoing = CODEC.encode_request(request, "ERNIE-Speed-8K", capabilities, losses).outgoing
    assert SECRET not in outgoing.body
    return Arrival(protocol="qianfan-v1", path=outgoing.path, headers={}, body=json.loads(outgoing.body))


@from_each
@few
@given(data=st.data())
def test_the_vendor_takes_what_goes_out(client: str, data: st.DataObject) -> None:
    body = data.draw(REQUESTS[client]())
    request, capabilities = decoded(CODECS[client], body), data.draw(able)
    before = msgspec.json.encode(request, enc_hook=repr)
    losses: list[Loss] = []
    try:
        arrival = sent(request, capabilities, losses)
    except FaultError as error:
        refused_by_path(error, body)
        return
    note(json.dumps(arrival.body))
    assert VENDOR.takes(arrival.path)
    assert VENDOR.refuses(arrival) == []
    assert VENDOR.streams(arrival) is request.stream
    assert msgspec.json.encode(request, enc_hook=repr) == before, "the request was changed"
    assert {loss.target for loss in losses} <= {"qianfan-v1"}
    asked = VENDOR.read(arrival.body)
    parts = [part for message in request.messages for part in message.parts]
    assert len(asked.of("call")) == sum(isinstance(part, ToolCall) for part in parts)
    assert len(asked.of("result")) == sum(isinstance(part, ToolResult) for part in parts)


@from_each
@fewest
@given(data=st.data())
def test_a_loss_names_a_place_in_the_request(client: str, data: st.DataObject) -> None:
    body = data.draw(REQUESTS[client](unknown=True))
    losses: list[Loss] = []
    try:
        sent(decoded(CODECS[client], body), data.draw(able), losses)
    except FaultError:
        return
    for loss in losses:
        assert loss.detail
        assert at_pointer(body, loss.path) is not None or loss.kind == "synthesized", loss


def test_many_turns_and_calls_are_linear() -> None:
    def prepared(size: int) -> Json:
        messages: list[Json] = []
        for number in range(size):
            call = {"id": f"call_{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            messages += [
                {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "ho"}]},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": f"call_{number}", "content": "ok"},
                {"role": "system", "content": "be brief"},
            ]
        body = json.dumps({"model": "m", "messages": [*messages, {"role": "user", "content": "end"}]}).encode()
        request = decoded(CODECS["openai-chat"], body)
        return lambda: CODEC.encode_request(request, "ERNIE-Speed-8K", SPEED, [])

    is_linear(prepared)
