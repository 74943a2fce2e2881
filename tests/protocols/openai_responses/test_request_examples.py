"""The reference's request and what real clients sent: decoded, encoded again, and sent to other protocols."""

import json
from pathlib import Path
from typing import Any

import pytest

from twoapi.ir import FaultError, Loss, Request
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.members import peek_members
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.openai_responses.decode_request import decode_request
from twoapi.protocols.openai_responses.encode_request import encode_request
from twoapi.protocols.openai_responses.relay import relay_request
from twoapi.testing.documented import pointers_outside
from twoapi.testing.normal import normal_request
from twoapi.testing.strict import refusal_reasons
from twoapi.wire.http import Incoming

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openai-responses"
CLIENTS = FIXTURES.parent / "clients"


def asked(path: Path) -> bool:
    """True of what a client of this protocol sent, in a request or in a frame of a websocket."""
    found = json.loads(path.read_text("utf-8"))
    return bool(found["path"].endswith("/responses")) and found["body"] is not None


CAPTURES = sorted(filter(asked, CLIENTS.glob("*/*.json")))
EXAMPLE = json.loads((FIXTURES / "req.full.json").read_text("utf-8"))
SAME = {"type", "generate", "client_metadata"}  # what clients send beside what is documented
# What only a server with a memory can answer, and a first frame that says nothing yet.
NEEDS_MORE = {f"codex_websocket-0.169.0/0{number}" for number in (1, 2, 3)} | {"openai_responses_prev_id-3.52.0/01"}


def body_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["body"]
    return found


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def decoded(body: Any) -> Request:
    return decode_request(Incoming("/v1/responses", {}, json.dumps(body).encode()))


def again(body: Any) -> tuple[dict[str, Any], list[Loss]]:
    losses: list[Loss] = []
    encoded = encode_request(decoded(body), body["model"], Capabilities(), losses)
    return json.loads(encoded.outgoing.body), losses


def test_the_example_has_every_shape_that_it_should() -> None:
    assert refusal_reasons("openai-responses", EXAMPLE) == []
    assert {item.get("type") for item in EXAMPLE["input"]} >= {"reasoning", "custom_tool_call", "function_call_output"}


@pytest.mark.parametrize("body", [EXAMPLE, *map(body_of, CAPTURES)], ids=["example", *map(name_of, CAPTURES)])
def test_a_request_is_encoded_as_it_came(body: dict[str, Any]) -> None:
    back, losses = again(body)

    assert normal_request("openai-responses", back) == normal_request("openai-responses", body)
    assert losses == []


@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_what_clients_send_is_documented_but_for_what_is_known(path: Path) -> None:
    outside = {pointer.split("/")[1] for pointer in pointers_outside("openai-responses", body_of(path))}

    assert outside <= SAME


@pytest.mark.parametrize("codec", [OpenAIChat(), AnthropicMessages()], ids=lambda codec: codec.name)
@pytest.mark.parametrize("path", [path for path in CAPTURES if not NEEDS_MORE & {name_of(path)}], ids=name_of)
def test_what_clients_send_goes_to_other_protocols(path: Path, codec: OpenAIChat | AnthropicMessages) -> None:
    body, losses = body_of(path), list[Loss]()

    outgoing = codec.encode_request(decoded(body), "up", Capabilities(), losses).outgoing

    headers = {name.decode().lower(): value.decode() for name, value in outgoing.headers}
    assert refusal_reasons(codec.name, json.loads(outgoing.body), headers) == []
    arrived = _strings(json.loads(outgoing.body))
    for text in _texts(body):
        assert text in arrived


def _strings(value: Any) -> set[str]:
    if isinstance(value, dict | list):
        return {text for item in (value.values() if isinstance(value, dict) else value) for text in _strings(item)}
    return {value} if isinstance(value, str) else set()


def _texts(body: dict[str, Any]) -> list[str]:
    """What must arrive, however it is cut: the user's words, the calls and their results."""
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    contents = [item["content"] for item in items if item.get("role") == "user"]
    texts = [content if isinstance(content, str) else content[0]["text"] for content in contents]
    return texts + [str(item["call_id"]) for item in items if item.get("call_id")]


@pytest.mark.parametrize("path", [path for path in CAPTURES if "previous_response_id" in body_of(path)], ids=name_of)
def test_what_an_upstream_without_memory_cannot_know_is_refused(path: Path) -> None:
    with pytest.raises(FaultError) as caught:
        OpenAIChat().encode_request(decoded(body_of(path)), "up", Capabilities(), [])

    assert caught.value.fault.param == "/previous_response_id"


def test_the_example_is_reported_piece_by_piece_to_a_chat_upstream() -> None:
    losses: list[Loss] = []

    OpenAIChat().encode_request(decoded(EXAMPLE), "up", Capabilities(), losses)

    assert {loss.path: loss.kind for loss in losses} == {
        "/tools/3": "unsupported",
        "/tools/4": "unsupported",
        "/input/2": "dropped",
        "/input/7/output/1": "emulated",
        "/reasoning/summary": "info",
        "/truncation": "dropped",
        "/input/3/phase": "dropped",
        "/tools/2/description": "dropped",
        "/top_logprobs": "dropped",
    }


@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_a_relayed_request_is_the_clients_own_but_for_the_model(path: Path) -> None:
    payload = path.read_bytes().partition(b'"body":')[2].strip().removesuffix(b"}").strip()
    incoming = Incoming("/v1/responses", {}, payload)
    peek = peek_members(incoming)

    outgoing = relay_request(incoming, peek, "another-model", Capabilities())

    assert outgoing.path == "/responses"
    assert outgoing.body == payload.replace(b'"fake-model"', b'"another-model"', 1)
    assert relay_request(incoming, peek, peek.model, Capabilities()).body == payload
