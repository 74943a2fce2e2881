"""What real clients sent goes through a running gateway to upstreams of all four protocols, and is answered."""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, NamedTuple

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from tests.clients.captures import FOLDER, Capture, captures, known_losses, others
from tests.clients.essence import comparable, details, essence, plain_result
from websockets.sync.client import ClientConnection, connect

from twoapi.config import parse
from twoapi.gateway.headers import loss_summary
from twoapi.ir import Loss
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.frames import frames_of
from twoapi.testing.grammars import stream_problems
from twoapi.testing.normal import fold_stream, normal_request
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.scripted_turn import instance

KEY = "client-key"
# A gateway for each kind of upstream, so that the clients' own name of the model can lead to it.
CONFIG = """
listen: 127.0.0.1:0
keys: [{key}]
upstreams:
  vendor: {{provider: {provider}, protocols: {{{protocol}: "{url}"}}, credentials: [upstream-key]}}
models:
  fake-model: {{candidates: [vendor/{model}], retries: 0}}
"""


class Vendor(NamedTuple):
    """A kind of upstream. `limit`: the output limit that is said where the client said none and one is needed."""

    provider: str
    protocol: str
    model: str
    limit: int | None = None


VENDORS = {
    "openai": Vendor("openai", "openai-chat", "gpt-5.1"),
    "openai-compatible": Vendor("openai-compatible", "openai-chat", "qwen3"),
    "openai-responses": Vendor("openai", "openai-responses", "gpt-5.1"),
    "anthropic": Vendor("anthropic", "anthropic-messages", "claude-opus-5-5", 128000),
    "anthropic-compatible": Vendor("anthropic-compatible", "anthropic-messages", "glm-5", 16384),
    "gemini": Vendor("gemini", "gemini", "gemini-3-flash"),
}
JSON_ANSWER = '{"name": "Ada", "age": 36}'
ANSWER = ("I will write the file.", "Finished: ")
# A whole answer and a piece of a stream, as the vendors' own SDKs read them.
TYPES: dict[str, tuple[TypeAdapter[Any], TypeAdapter[Any]]] = {
    "openai-chat": (TypeAdapter(ChatCompletion), TypeAdapter(ChatCompletionChunk)),
    "openai-responses": (TypeAdapter(Response), TypeAdapter(ResponseStreamEvent)),
    "anthropic-messages": (TypeAdapter(Message), TypeAdapter(RawMessageStreamEvent)),
    "gemini": (TypeAdapter(GenerateContentResponse), TypeAdapter(GenerateContentResponse)),
}
# The reason to stop after the last word, and after a call.
ENDS = {
    "openai-chat": ("stop", "tool_calls"),
    "openai-responses": ("completed", "completed"),
    "anthropic-messages": ("end_turn", "tool_use"),
    "gemini": ("STOP", "STOP"),
}


# What the scripted model's answers have, and no client of another protocol can be told.
ANSWER_LOSSES = {("/system_fingerprint", "dropped"), ("/usage", "approximated")}


class Way(NamedTuple):
    """A gateway to an upstream of one kind."""

    name: str
    vendor: Vendor
    gateway: RunningGateway
    upstream: FakeUpstream

    @property
    def protocol(self) -> str:
        """The protocol of the upstream."""
        return self.vendor.protocol


def leans_on(capture: Capture) -> str | None:
    """What only the server that answered before can know of what a request goes on from."""
    if "previous_message_id" in capture.body.get("thread", {}):
        return "thread"
    return "previous" if "previous_response_id" in capture.body else None


def _pairs(*, leaning: bool) -> pytest.MarkDecorator:
    posted = [capture for capture in captures() if not capture.framed]
    pairs = [
        (name, capture)
        for name, vendor in VENDORS.items()
        for capture in posted
        if (leans_on(capture) is not None and vendor.protocol != capture.protocol) is leaning
    ]
    ids = [f"{capture.name}-to-{name}" for name, capture in pairs]
    return pytest.mark.parametrize(("way", "capture"), pairs, indirect=["way"], ids=ids)


each_answered = _pairs(leaning=False)
each_refused = _pairs(leaning=True)


@contextmanager
def running_way(name: str) -> Iterator[Way]:
    vendor = VENDORS[name]
    with FakeUpstream(strict=True, key="upstream-key") as upstream:
        text = CONFIG.format(key=KEY, url=upstream.base_url(vendor.protocol), **vendor._asdict())
        with RunningGateway(parse(text, "clients.yaml", {})) as gateway:
            yield Way(name, vendor, gateway, upstream)


@pytest.fixture(scope="module")
def ways() -> Iterator[dict[str, Way]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running_way(name)) for name in VENDORS}


@pytest.fixture
def way(request: pytest.FixtureRequest, ways: dict[str, Way]) -> Way:
    return ways[request.param]


def scenario(capture: Capture) -> Scenario:
    """One call, then the last word; JSON where the client wants some."""
    if wants_json(capture):
        return Scenario(final=JSON_ANSWER)
    return Scenario(calls=1, before=ANSWER[0], final=ANSWER[1] + "{results}", reasoning="Hm.", signature="c2ln")


def wants_json(capture: Capture) -> bool:
    return details(capture.protocol, capture.body)["schema"] is not None


def post(way: Way, capture: Capture) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The recorded request, byte for byte but for the key."""
    if capture.protocol and capture.body is not None:
        way.upstream.handler = ScriptedModel(scenario(capture))
    way.upstream.requests.clear()
    way.upstream.refusals.clear()
    connection = http.client.HTTPConnection("127.0.0.1", way.gateway.port, timeout=20)
    target = f"{capture.path}?{capture.query}" if capture.query else capture.path
    body = None if capture.body is None else json.dumps(capture.body).encode()
    connection.request(capture.method, target, body, with_key(capture.headers))
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, response.headers, answer


def with_key(headers: dict[str, str]) -> dict[str, str]:
    keys = {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "x-goog-api-key": KEY}
    return {name: keys.get(name, value) for name, value in headers.items()}


@each_refused
def test_a_request_that_goes_on_from_what_nobody_knows_is_refused_as_clients_understand_it(way, capture):
    status, _, body = post(way, capture)
    assert way.upstream.requests == []
    error = json.loads(body)["error"]
    assert status == 404
    if leans_on(capture) == "thread":
        assert error["details"] == {"error_code": "thread_not_found"}
    else:
        assert error["code"] == "previous_response_not_found"


@each_answered
def test_a_request_reaches_the_upstream_with_all_it_says(way, capture):
    status, _, body = post(way, capture)
    assert way.upstream.refusals == []
    assert status == 200, body
    (received,) = way.upstream.requests
    if way.protocol == capture.protocol:
        assert received.json() == relayed(way, capture)
        return
    both = {way.protocol, capture.protocol}
    said, heard = (
        comparable(essence(protocol, body), both)
        for protocol, body in ((capture.protocol, capture.body), (way.protocol, received.json()))
    )
    if said["limit"] is None:
        said["limit"] = way.vendor.limit
    assert heard == said
    assert streamed(way.protocol, received) is capture.stream


def streamed(protocol: str, received: Received) -> bool:
    if protocol == "gemini":
        return received.path.partition("?")[0].endswith(":streamGenerateContent")
    return bool(received.json().get("stream"))


def relayed(way: Way, capture: Capture) -> dict[str, Any]:
    """The client's own request with what must be another."""
    if way.protocol == "gemini":  # its model stands in the path
        return capture.body
    body = {**capture.body, "model": way.vendor.model}
    if capture.stream and way.protocol == "openai-chat":
        body["stream_options"] = {"include_usage": True}
    return body


@each_answered
@pytest.mark.parametrize("as_recorded", [True, False], ids=["as_recorded", "the_other_way"])
def test_the_answer_is_one_that_the_client_understands(way, capture, as_recorded):
    capture = capture if as_recorded else the_other_way(capture)
    _, headers, body = post(way, capture)
    whole, part = TYPES[capture.protocol]
    more: Literal["ignore"] | None = "ignore" if capture.protocol == "gemini" else None  # as its SDK reads it
    if capture.stream:
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        include_usage = bool((capture.body.get("stream_options") or {}).get("include_usage"))
        body = body.replace(b"\r\n", b"\n")  # as the upstream's frames end, which are relayed
        assert stream_problems(capture.protocol, body, include_usage=include_usage) == []
        for _, data in frames_of(body):
            if data not in {"[DONE]", '{"type":"ping"}'}:  # the SDKs take these away before they parse
                part.validate_json(data, extra=more)
        answer = fold_stream(capture.protocol, body)
    else:
        assert headers["content-type"] == "application/json"
        answer = json.loads(body)
    whole.validate_python(answer, extra=more)
    text, calls, end = expected(capture)
    told = spoken(capture.protocol, answer)
    assert told[1:] == (calls, end)
    relayed = way.protocol == capture.protocol == "gemini"  # the model itself looks into an object that is a result
    assert told[0].startswith(ANSWER[1]) if relayed and text.startswith(ANSWER[1]) else told[0] == text


def the_other_way(capture: Capture) -> Capture:
    """The same request for a stream where a whole answer was wanted, and the reverse."""
    if capture.protocol == "gemini":
        before = capture.path.rpartition(":")[0]
        if capture.stream:
            return capture._replace(path=f"{before}:generateContent", query="")
        return capture._replace(path=f"{before}:streamGenerateContent", query="alt=sse")
    body = {name: value for name, value in capture.body.items() if name not in {"stream", "stream_options"}}
    return capture._replace(body=body if capture.stream else {**body, "stream": True})


def words(texts: list[str]) -> str:
    """What was said, with a result that is JSON in one spelling."""
    text = "".join(texts)
    told = text.removeprefix(ANSWER[1])
    return ANSWER[1] + plain_result(told) if told != text else text


Spoken = tuple[str, list[tuple[str, Any]], str]


def spoken(protocol: str, answer: Any) -> Spoken:
    """Text, calls and the reason to stop."""
    match protocol:
        case "openai-chat":
            choice = answer["choices"][0]
            calls = [call["function"] for call in choice["message"].get("tool_calls") or []]
            told = [(call["name"], json.loads(call["arguments"])) for call in calls]
            return words([choice["message"]["content"]]), told, choice["finish_reason"]
        case "openai-responses":
            parts = [part for item in answer["output"] if item["type"] == "message" for part in item["content"]]
            made = [item for item in answer["output"] if item["type"] == "function_call"]
            told = [(call["name"], json.loads(call["arguments"])) for call in made]
            return words([part["text"] for part in parts]), told, answer["status"]
        case "gemini":
            candidate = answer["candidates"][0]
            parts = candidate["content"]["parts"]
            told = [
                (part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part
            ]
            texts = [part["text"] for part in parts if "text" in part and not part.get("thought")]
            return words(texts), told, candidate["finishReason"]
        case _:
            blocks = answer["content"]
            told = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
            return words([block["text"] for block in blocks if block["type"] == "text"]), told, answer["stop_reason"]


def expected(capture: Capture) -> Spoken:
    """What the scripted model says to this request; of what came before only it knows nothing."""
    said, ends = details(capture.protocol, capture.body), ENDS[capture.protocol]
    if said["schema"] is not None:
        return JSON_ANSWER, [], ends[0]
    results = [plain_result(one[-1]) for one in said["said"] if one[0] == "result"]
    if leans_on(capture) == "thread":
        results = [""]
    if results and leans_on(capture) != "previous":
        return ANSWER[1] + ", ".join(results), [], ends[0]
    name, _, schema, _ = said["tools"][0]
    return ANSWER[0], [(name, instance(schema))], ends[1]


@each_answered
def test_nothing_is_lost_but_what_is_known(way, capture):
    assert lost(way, capture) == known_losses().get(capture.name, {}).get(way.name, [])


def lost(way: Way, capture: Capture) -> list[dict[str, str]]:
    """What the client is told that its request lost."""
    status, headers, _ = post(way, capture._replace(headers={**capture.headers, "twoapi-report": "full"}))
    assert status == 200
    if way.protocol == capture.protocol:
        assert headers["twoapi-losses"] == "relay"
        return []
    report = [Loss(**one) for one in json.loads(headers.get("twoapi-loss-report", "[]"))]
    assert headers["twoapi-losses"] == loss_summary(report).decode()
    assert {loss.target for loss in report} <= {way.protocol, capture.protocol}
    asked = [loss for loss in report if loss.target == way.protocol]
    answered = {(loss.path, loss.kind) for loss in report if loss.target == capture.protocol}
    assert answered <= ANSWER_LOSSES
    return [{"path": loss.path, "kind": loss.kind, "detail": loss.detail} for loss in asked]


@pytest.mark.parametrize("way", list(VENDORS), indirect=True)
def test_a_run_over_a_websocket_goes_on_from_what_was_answered(way):
    way.upstream.handler = ScriptedModel(Scenario(calls=1, before=ANSWER[0], final=ANSWER[1] + "{results}"))
    way.upstream.refusals.clear()
    hello, *frames = [one for one in [*others(), *captures()] if one.name.startswith("codex_websocket")]
    dropped = ("upgrade", "sec-websocket-version", "sec-websocket-key", "sec-websocket-extensions")
    headers = {name: value for name, value in with_key(hello.headers).items() if name not in dropped}
    answers: list[Any] = []
    with connect(f"ws://127.0.0.1:{way.gateway.port}{hello.path}", additional_headers=headers) as socket:
        for frame in frames:
            body = {**frame.body}
            if answers:
                body["previous_response_id"] = answers[-1]["id"]
                made = [item["call_id"] for item in answers[-1]["output"] if item["type"] == "function_call"]
                body["input"] = [
                    {**item, "call_id": made.pop()} if item["type"] == "function_call_output" else item
                    for item in body["input"]
                ]
            socket.send(json.dumps(body))
            answers.append(last_event(socket)["response"])
    assert way.upstream.refusals == []
    assert [len(spoken("openai-responses", answer)[1]) for answer in answers] == [0, 1, 0]
    assert spoken("openai-responses", answers[-1])[0].startswith(ANSWER[1])


def last_event(socket: ClientConnection) -> Any:
    while True:
        event = json.loads(socket.recv(timeout=20))
        assert event["type"] != "error", event
        if event["type"] in ("response.completed", "response.failed", "response.incomplete"):
            return event


@pytest.mark.parametrize("way", list(VENDORS), indirect=True)
@pytest.mark.parametrize("capture", [one for one in others() if "upgrade" not in one.headers], ids=lambda one: one.name)
def test_lists_and_counts_are_answered_in_the_clients_shape(way, capture):
    way.upstream.handler = ScriptedModel(Scenario())
    status, _, body = post(way, capture)
    assert (status, way.upstream.refusals) == (200, [])
    answer = json.loads(body)
    if capture.method == "POST":
        (count,) = (answer[name] for name in ("input_tokens", "totalTokens") if name in answer)
        assert count > 0
    elif "x-goog-api-key" in capture.headers:
        assert [model["name"] for model in answer["models"]] == ["models/fake-model"]
    else:
        assert [model["id"] for model in answer["data"]] == ["fake-model"]


@pytest.mark.parametrize("way", ["anthropic"], indirect=True)
def test_a_turn_that_another_upstream_thought_goes_on_without_that_thinking_and_with_all_else(way):
    recorded = next(capture for capture in captures() if capture.name == "claude_code-2.1.329/01")
    body = json.loads(json.dumps(recorded.body))
    thinking = body["messages"][2]["content"][0]
    thinking["signature"] = PLAIN.seal((), "openai-chat")
    status, headers, _ = post(way, recorded._replace(body=body))
    assert (status, way.upstream.refusals) == (200, [])
    kinds = {kind.partition("=")[0] for kind in headers["twoapi-losses"].split(";")[1:]}
    assert kinds == {"reasoning_foreign", "synthesized"}
    (received,) = way.upstream.requests
    body["messages"][2]["content"].remove(thinking)
    body |= {"model": way.vendor.model, "thinking": {"type": "disabled"}}
    assert normal_request(way.protocol, received.body) == normal_request(way.protocol, body)
    assert received.headers["anthropic-beta"] == recorded.headers["anthropic-beta"]


def test_every_known_loss_belongs_to_a_capture():
    assert known_losses().keys() <= {capture.name for capture in captures()}


def test_the_captures_name_no_private_place():
    known = r"json-schema\.org|127\.0\.0\.1|example\.com|another\.com|\\"
    places = re.compile(rf"/(?:home|root|work|tmp|Users|var)/|https?://(?!{known})[^\"\s]+|Bearer")
    for file in FOLDER.glob("*/*.json"):
        assert places.findall(file.read_text("utf-8")) == [], file
