"""What real clients sent goes through a running gateway to upstreams of both protocols, and is answered."""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter
from tests.clients.captures import FOLDER, Capture, captures, known_losses
from tests.clients.essence import essence

from twoapi.config import parse
from twoapi.gateway.headers import loss_summary
from twoapi.ir import Loss
from twoapi.protocols.registry import CODECS
from twoapi.protocols.sealing import PLAIN
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.frames import frames_of
from twoapi.testing.grammars import stream_problems
from twoapi.testing.normal import fold_stream, normal_request
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.scripted_turn import instance
from twoapi.wire.http import Incoming

KEY = "client-key"
# A gateway for each kind of upstream, so that the clients' own name of the model can lead to it.
CONFIG = """
listen: 127.0.0.1:0
keys: [{key}]
upstreams:
  vendor: {{provider: {provider}, base_url: "{url}", credentials: [upstream-key]}}
models:
  fake-model: {{candidates: [vendor/{model}], retries: 0}}
"""
# Provider -> protocol, model, and the output limit that is said where the client said none and one is needed.
VENDORS: dict[str, tuple[str, str, int | None]] = {
    "openai": ("openai-chat", "gpt-5.1", None),
    "openai-compatible": ("openai-chat", "qwen3", None),
    "anthropic": ("anthropic-messages", "claude-opus-5-5", 128000),
    "anthropic-compatible": ("anthropic-messages", "glm-5", 16384),
}
JSON_ANSWER = '{"name": "Ada", "age": 36}'
ANSWER = ("I will write the file.", "Finished: ")
TYPES: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    "openai-chat": (TypeAdapter(ChatCompletion), TypeAdapter(ChatCompletionChunk)),
    "anthropic-messages": (TypeAdapter(Message), TypeAdapter(RawMessageStreamEvent)),
}


class Way(NamedTuple):
    """A gateway to an upstream of one kind."""

    provider: str
    protocol: str
    model: str
    limit: int | None
    gateway: RunningGateway
    upstream: FakeUpstream


def leans_on_a_thread(provider: str, capture: Capture) -> bool:
    """True of a request that leans on a thread, which an upstream of another protocol cannot keep."""
    return "thread" in capture.body and VENDORS[provider][0] != capture.protocol


def _pairs(*, threaded: bool) -> pytest.MarkDecorator:
    pairs = [(p, c) for p in VENDORS for c in captures() if leans_on_a_thread(p, c) is threaded]
    ids = [f"{capture.name}-to-{provider}" for provider, capture in pairs]
    return pytest.mark.parametrize(("way", "capture"), pairs, indirect=["way"], ids=ids)


each_answered = _pairs(threaded=False)
each_refused = _pairs(threaded=True)


@contextmanager
def running_way(provider: str) -> Iterator[Way]:
    protocol, model, limit = VENDORS[provider]
    with FakeUpstream(strict=True, key="upstream-key") as upstream:
        text = CONFIG.format(key=KEY, provider=provider, url=upstream.base_url(protocol), model=model)
        with RunningGateway(parse(text, "clients.yaml", {})) as gateway:
            yield Way(provider, protocol, model, limit, gateway, upstream)


@pytest.fixture(scope="module")
def ways() -> Iterator[dict[str, Way]]:
    with ExitStack() as stack:
        yield {provider: stack.enter_context(running_way(provider)) for provider in VENDORS}


@pytest.fixture
def way(request: pytest.FixtureRequest, ways: dict[str, Way]) -> Way:
    return ways[request.param]


def scenario(capture: Capture) -> Scenario:
    """One call, then the last word; JSON where the client wants some."""
    if essence(capture.protocol, capture.body)["schema"] is not None:
        return Scenario(final=JSON_ANSWER)
    return Scenario(calls=1, before=ANSWER[0], final=ANSWER[1] + "{results}", reasoning="Hm.", signature="c2ln")


def post(way: Way, capture: Capture) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The recorded request, byte for byte but for the key."""
    way.upstream.handler = ScriptedModel(scenario(capture))
    way.upstream.requests.clear()
    way.upstream.refusals.clear()
    headers = {
        name: {"authorization": f"Bearer {KEY}", "x-api-key": KEY}.get(name, value)
        for name, value in capture.headers.items()
    }
    connection = http.client.HTTPConnection("127.0.0.1", way.gateway.port, timeout=20)
    target = f"{capture.path}?{capture.query}" if capture.query else capture.path
    connection.request("POST", target, json.dumps(capture.body).encode(), headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, response.headers, body


@each_refused
def test_a_thread_is_refused_in_the_way_that_clients_understand(way, capture):
    status, _, body = post(way, capture)
    assert status == 400
    details = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
    assert json.loads(body)["error"]["details"] == details
    assert way.upstream.requests == []


@each_answered
def test_a_request_reaches_the_upstream_with_all_it_says(way, capture):
    status, _, body = post(way, capture)
    assert way.upstream.refusals == []
    assert status == 200, body
    (received,) = way.upstream.requests
    said, heard = essence(capture.protocol, capture.body), essence(way.protocol, received.json())
    if said["limit"] is None:
        said["limit"] = way.limit
    assert heard == said
    if way.protocol == capture.protocol:
        relayed = {**capture.body, "model": way.model}
        if capture.body.get("stream") and way.protocol == "openai-chat":
            relayed["stream_options"] = {"include_usage": True}
        assert received.json() == relayed


@each_answered
@pytest.mark.parametrize("as_recorded", [True, False], ids=["as_recorded", "the_other_way"])
def test_the_answer_is_one_that_the_client_understands(way, capture, as_recorded):
    capture = capture if as_recorded else the_other_way(capture)
    _, headers, body = post(way, capture)
    whole, part = TYPES[capture.protocol]
    if capture.body.get("stream"):
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        include_usage = bool((capture.body.get("stream_options") or {}).get("include_usage"))
        assert stream_problems(capture.protocol, body, include_usage=include_usage) == []
        for _, data in frames_of(body):
            if data not in {"[DONE]", '{"type":"ping"}'}:  # the SDKs take these away before they parse
                part.validate_json(data)
        answer = fold_stream(capture.protocol, body)
    else:
        assert headers["content-type"] == "application/json"
        answer = json.loads(body)
    whole.validate_python(answer)
    assert spoken(capture.protocol, answer) == expected(capture)


def the_other_way(capture: Capture) -> Capture:
    """The same request for a stream where a whole answer was wanted, and the reverse."""
    body = {name: value for name, value in capture.body.items() if name not in {"stream", "stream_options"}}
    return capture._replace(body=body if capture.body.get("stream") else {**body, "stream": True})


def spoken(protocol: str, answer: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """Text, calls and the reason to stop."""
    if protocol == "openai-chat":
        choice = answer["choices"][0]
        calls = [call["function"] for call in choice["message"].get("tool_calls") or []]
        return (
            choice["message"]["content"],
            [(call["name"], json.loads(call["arguments"])) for call in calls],
            choice["finish_reason"],
        )
    blocks = answer["content"]
    return (
        "".join(block["text"] for block in blocks if block["type"] == "text"),
        [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"],
        answer["stop_reason"],
    )


def expected(capture: Capture) -> tuple[str, list[tuple[str, Any]], str]:
    """What the scripted model says to this request."""
    said = essence(capture.protocol, capture.body)
    ends = {"openai-chat": ("stop", "tool_calls"), "anthropic-messages": ("end_turn", "tool_use")}[capture.protocol]
    if said["schema"] is not None:
        return JSON_ANSWER, [], ends[0]
    results = [one[2] for one in said["said"] if one[0] == "result"]
    if "previous_message_id" in capture.body.get("thread", {}):
        results = [""]  # the scripted model keeps no threads: it does not know what was called
    if results:
        return ANSWER[1] + ", ".join(results), [], ends[0]
    name, _, schema, _ = said["tools"][0]
    return ANSWER[0], [(name, instance(schema))], ends[1]


@each_answered
def test_nothing_is_lost_but_what_is_known(way, capture):
    status, headers, _ = post(way, capture)
    assert status == 200
    if way.protocol == capture.protocol:
        assert headers["twoapi-losses"] == "relay"
        return
    losses = converted(capture, way.provider)
    assert [as_told(loss) for loss in losses] == known_losses().get(capture.name, {}).get(way.provider, [])
    assert headers["twoapi-losses"] == loss_summary(losses).decode()


def converted(capture: Capture, provider: str) -> list[Loss]:
    """What the conversion of the request alone loses."""
    incoming = Incoming(
        path=capture.path,
        query=capture.query,
        headers={name.encode(): value.encode() for name, value in capture.headers.items()},
        body=json.dumps(capture.body).encode(),
    )
    target, model, _ = VENDORS[provider]
    capabilities = capabilities_for(load_catalog()[provider], target, model)
    losses: list[Loss] = []
    CODECS[target].encode_request(CODECS[capture.protocol].decode_request(incoming), model, capabilities, losses)
    return losses


def as_told(loss: Loss) -> dict[str, str]:
    return {"path": loss.path, "kind": loss.kind, "detail": loss.detail}


@pytest.mark.parametrize("way", ["anthropic"], indirect=True)
def test_a_turn_that_another_upstream_thought_goes_on_without_that_thinking_and_with_all_else(way):
    recorded = next(capture for capture in captures() if capture.name == "claude_code-2.1.329/01")
    body = json.loads(json.dumps(recorded.body))
    thinking = body["messages"][2]["content"][0]
    thinking["signature"] = PLAIN.seal((), "openai-chat")
    status, headers, _ = post(way, recorded._replace(body=body))
    assert (status, way.upstream.refusals) == (200, [])
    assert headers["twoapi-losses"] == "2;reasoning_foreign=1;synthesized=1"
    (received,) = way.upstream.requests
    body["messages"][2]["content"].remove(thinking)
    body |= {"model": way.model, "thinking": {"type": "disabled"}}
    assert normal_request(way.protocol, received.body) == normal_request(way.protocol, body)
    assert received.headers["anthropic-beta"] == recorded.headers["anthropic-beta"]


def test_every_known_loss_belongs_to_a_capture():
    assert known_losses().keys() <= {capture.name for capture in captures()}


def test_the_captures_name_no_private_place():
    places = re.compile(r"/(?:home|root|work|tmp|Users|var)/|https?://(?!json-schema\.org|127\.0\.0\.1)[^\"\s]+|Bearer")
    for file in FOLDER.glob("*/*.json"):
        assert places.findall(file.read_text("utf-8")) == [], file
