"""What any client asks of a vendor's own dialect, its server takes, or the refusal names the place; what that answers,
every client hears."""

import json

import msgspec
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.laws.protocols import few, fewest

from twoapi.conformance import Arrival
from twoapi.conformance.reply import Reply
from twoapi.ir import FaultError, Loss, Message, Request, ToolCall, ToolResult
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.testing.laws import answers, bounds, streams
from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.laws.requests import refused_by_path
from twoapi.testing.laws.subject import SECRET, decoded
from twoapi.testing.replies import Json
from twoapi.testing.strategies.payloads import REQUESTS
from twoapi.testing.strategies.vendor_replies import replies
from twoapi.testing.vendors import VENDORS
from twoapi.wire.json import at_pointer

NAMES = ("cohere", "ollama")
LACKING: tuple[dict[str, Json], ...] = (
    {"images": False},
    {"thinking": (), "strict_tools": False},
    {"thinking_levels": (), "sampling": False, "prefill": False},
    {"max_output": 9, "max_tool_name": 20, "context_size": 8192, "keep_alive": "5m"},
)
able = st.sampled_from((Capabilities(), *(Capabilities(**lacking) for lacking in LACKING)))
to_each = pytest.mark.parametrize("name", NAMES)
from_each = pytest.mark.parametrize("client", CODECS)


def sent(name: str, request: Request, capabilities: Capabilities, losses: list[Loss]) -> Arrival:
    """The request as it reaches the vendor."""
    outgoing = UPSTREAM_CODECS[name].encode_request(request, "m", capabilities, losses).outgoing
    assert SECRET not in outgoing.body
    headers = {"authorization": "Bearer k"}
    return Arrival(protocol=name, path=outgoing.path, headers=headers, body=json.loads(outgoing.body))


@to_each
@from_each
@few
@given(data=st.data())
def test_the_vendor_takes_what_goes_out(name: str, client: str, data: st.DataObject) -> None:
    vendor, body = VENDORS[name].vendor, data.draw(REQUESTS[client]())
    request = decoded(CODECS[client], body)
    before = msgspec.json.encode(request.messages, enc_hook=repr)
    losses: list[Loss] = []
    try:
        arrival = sent(name, request, data.draw(able), losses)
    except FaultError as error:
        refused_by_path(error, body)
        return
    note(json.dumps(arrival.body))
    assert vendor.takes(arrival.path)
    assert vendor.refuses(arrival) == []
    assert vendor.streams(arrival) is request.stream
    assert msgspec.json.encode(request.messages, enc_hook=repr) == before, "the request was changed"
    assert {loss.target for loss in losses} <= {name}
    asked = vendor.read(arrival.body)
    calls = [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    results = [part for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
    assert [piece.id for piece in asked.of("call")] == [part.id for part in calls]
    assert sorted(piece.id for piece in asked.of("result")) == sorted(part.call_id for part in results)


@to_each
@from_each
@fewest
@given(data=st.data())
def test_a_loss_names_a_place_in_the_request(name: str, client: str, data: st.DataObject) -> None:
    body = data.draw(REQUESTS[client](unknown=True))
    losses: list[Loss] = []
    try:
        sent(name, decoded(CODECS[client], body), Capabilities(), losses)
    except FaultError:
        return
    for loss in losses:
        assert loss.detail
        assert at_pointer(body, loss.path) is not None or loss.kind == "synthesized", loss


@to_each
@from_each
@fewest
@given(data=st.data())
def test_more_turns_change_nothing_in_the_earlier_ones(name: str, client: str, data: st.DataObject) -> None:
    request = decoded(CODECS[client], data.draw(REQUESTS[client]()))
    try:
        shorter = sent(name, request, Capabilities(), []).body["messages"]
        more = msgspec.structs.replace(
            request, messages=[*request.messages, *decoded(CODECS["openai-chat"], _MORE).messages]
        )
        longer = sent(name, more, Capabilities(), []).body["messages"]
    except FaultError:
        return
    assert longer[: len(shorter)] == shorter
    assert len(longer) == len(shorter) + 2


_MORE = (
    b'{"model":"m","messages":[{"role":"assistant","content":"and then?"},{"role":"user","content":"then it was so"}]}'
)


@to_each
def test_many_turns_and_calls_are_linear(name: str) -> None:
    codec = UPSTREAM_CODECS[name]

    def prepared(size: int) -> Json:
        messages = []
        for number in range(size):
            call = {"id": f"call_{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            messages += [
                {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "ho"}]},
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": f"call_{number}", "content": "ok"},
                {"role": "assistant", "content": "done"},
            ]
        body = json.dumps({"model": "m", "messages": [*messages, {"role": "user", "content": "end"}]}).encode()
        request = decoded(CODECS["openai-chat"], body)
        return lambda: codec.encode_request(request, "m", Capabilities(), [])

    is_linear(prepared)


@to_each
def test_a_request_is_not_changed_by_being_refused(name: str) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f1"}}]}]}'
    request = decoded(CODECS["openai-chat"], body)
    with pytest.raises(FaultError) as caught:
        sent(name, request, Capabilities(), [])
    refused_by_path(caught.value, body)
    assert request.messages == decoded(CODECS["openai-chat"], body).messages
    assert all(isinstance(message, Message) for message in request.messages)


# --- Answers ---


def body_of(name: str, reply: Reply) -> bytes:
    """The whole answer as the vendor's fake says it, arguments that are JSON text within JSON included."""
    return msgspec.json.encode(VENDORS[name].vendor.say(reply, "m").body)


def stream_of(name: str, reply: Reply) -> bytes:
    """The same, streamed."""
    said = VENDORS[name].vendor.say(reply, "m")
    return b"".join([*said.head, *said.tail])


@to_each
@few
@given(data=st.data())
def test_an_answer_says_the_same_to_every_client(name: str, data: st.DataObject) -> None:
    reply = data.draw(replies(cited=name != "ollama"))
    for client in CODECS.values():
        note(client.name)
        answers.crosses(UPSTREAM_CODECS[name], client, body_of(name, reply))
        streams.crosses(UPSTREAM_CODECS[name], client, body_of(name, reply), stream_of(name, reply))


DEPTH = 10_000
DEEP = (b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, b"[" * DEPTH + b"]" * DEPTH, b"[" * DEPTH)
ANSWERS = {
    "cohere": (
        b'{"x":%b}',
        b'{"message":{"content":%b}}',
        b'{"message":{"content":"x"},"usage":%b}',
        b'{"message":{"content":"x"},"logprobs":%b}',
        b'{"message":{"content":"x","citations":[{"sources":[{"document":%b}]}]}}',
    ),
    "ollama": (
        b'{"x":%b}',
        b'{"done":true,"message":{"content":"x"},"logprobs":%b}',
        b'{"done":true,"message":{"content":"x","tool_calls":[{"function":{"name":"f","arguments":%b}}]}}',
        b'{"error":%b}',
    ),
}


@pytest.mark.parametrize(("name", "form"), [(name, form) for name, forms in ANSWERS.items() for form in forms])
@pytest.mark.parametrize("deep", DEEP, ids=["objects", "arrays", "open"])
def test_a_deep_answer_crashes_nothing(name: str, form: bytes, deep: bytes) -> None:
    codec = UPSTREAM_CODECS[name]
    bounds.deep_answer_is_refused(codec, form % deep)
    assert codec.decode_fault(500, {}, form % deep).http_status == 500
    for frame in (b"data: %b\n\n", b"%b\n"):
        streams.decoder_is_legal(codec, [frame % (form % deep)])
