"""Every request that any client sends becomes one that the vendor's service model takes, or is refused by its place."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import few, fewest
from tests.protocols.bedrock_converse.oracle import params, problems, serialized

from twoapi.ir import FaultError, Loss
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.laws.requests import refused_by_path
from twoapi.testing.laws.subject import SECRET, decoded
from twoapi.testing.strategies.payloads import REQUESTS
from twoapi.testing.strict_converse import refusal_reasons
from twoapi.wire.json import at_pointer

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]
BEDROCK = load_catalog()["bedrock"]
MODELS = (
    "anthropic.claude-3-haiku-20240307-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "eu.anthropic.claude-opus-4-6-v1:0",
    "anthropic.claude-opus-5-v1:0",
    "us.amazon.nova-pro-v1:0",
    "meta.llama3-8b-instruct-v1:0",
)
each_client = pytest.mark.parametrize("client", CODECS)
capabilities = st.sampled_from(
    [Capabilities(), *(capabilities_for(BEDROCK, "bedrock-converse", model) for model in MODELS)]
)


@each_client
@few
@given(data=st.data(), able=capabilities)
def test_the_vendor_takes_what_goes_out(client: str, data: st.DataObject, able: Capabilities) -> None:
    body = data.draw(REQUESTS[client]())
    request = decoded(CODECS[client], body)
    before = msgspec.json.encode(request.messages, enc_hook=repr)
    losses: list[Loss] = []
    try:
        outgoing = CONVERSE.encode_request(request, "m", able, losses).outgoing
    except FaultError as error:
        refused_by_path(error, body)
        return
    out = json.loads(outgoing.body)
    assert problems(out) == []
    assert refusal_reasons(out) == [], outgoing.body
    assert serialized(params(out))[1] == out
    assert outgoing.path == ("/model/m/converse-stream" if request.stream else "/model/m/converse")
    assert SECRET not in outgoing.body
    assert msgspec.json.encode(request.messages, enc_hook=repr) == before, "the request was changed"
    assert {loss.target for loss in losses} <= {"bedrock-converse"}
    for loss in losses:
        assert loss.detail, loss


@each_client
@fewest
@given(data=st.data(), able=capabilities)
def test_a_loss_names_a_place_in_the_request(client: str, data: st.DataObject, able: Capabilities) -> None:
    body = data.draw(REQUESTS[client](unknown=True))
    losses: list[Loss] = []
    try:
        CONVERSE.encode_request(decoded(CODECS[client], body), "m", able, losses)
    except FaultError:
        return
    for loss in losses:
        assert at_pointer(body, loss.path) is not None or loss.kind == "synthesized", loss


@each_client
@fewest
@given(data=st.data())
def test_more_turns_change_nothing_in_the_earlier_ones(client: str, data: st.DataObject) -> None:
    """So that prompt caches keep working."""
    request = decoded(CODECS[client], data.draw(REQUESTS[client]()))
    more = decoded(CODECS["openai-chat"], _MORE).messages
    request = msgspec.structs.replace(request, cache_auto=None)  # such a mark moves with the end
    longer = msgspec.structs.replace(request, messages=[*request.messages, *more])
    try:
        short, long = (CONVERSE.encode_request(one, "m", Capabilities(), []).outgoing for one in (request, longer))
    except FaultError:
        return
    turns, more_turns = (without_marks(json.loads(one.body)["messages"]) for one in (short, long))
    if turns[-1]["role"] == "user":
        assert more_turns[: len(turns)] == turns
        assert len(more_turns) == len(turns) + 2


_MORE = b'{"model":"m","messages":[{"role":"assistant","content":"and?"},{"role":"user","content":"then it was so"}]}'


def without_marks(turns: Any) -> Any:
    """Without the cache points, of which only the last four are kept."""
    return [{**turn, "content": [block for block in turn["content"] if "cachePoint" not in block]} for turn in turns]


def test_many_turns_and_calls_are_linear() -> None:
    def prepared(size: int) -> Callable[[], object]:
        messages = []
        for number in range(size):
            call = {"id": f"call_{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            messages += [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": f"call_{number}", "content": "ok"},
                {"role": "assistant", "content": "done"},
            ]
        body = json.dumps({"model": "m", "messages": [*messages, {"role": "user", "content": "end"}]}).encode()
        request = decoded(CODECS["openai-chat"], body)
        return lambda: CONVERSE.encode_request(request, "m", Capabilities(), [])

    is_linear(prepared)
