"""DashScope: the vendor's own SDK reads what the fake says, and a running gateway asks for what only it has."""

import json
from collections.abc import Iterator
from typing import Any

import dashscope
import pytest

from twoapi.config import parse
from twoapi.conformance import Client, Upstream
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import Called, Cited, Fault, Reply, Used
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply as Answer
from twoapi.testing.replies import json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors.dashscope import MEDIA, TEXT, VENDOR, frame

HI: list[Any] = [{"role": "user", "content": "hi"}]
PICTURE: list[Any] = [{"role": "user", "content": [{"image": "https://example.com/a.png"}, {"text": "what?"}]}]
USED = Used(input=61, cached=20, output=17, reasoning=9)
REPLY = Reply(
    reasoning="Let me think about Zürich.",
    text="I look it up 🚀.",
    calls=(Called(id="c1", name="f", arguments='{"city":"Zürich"}'), Called(id="c2", name="g", arguments="{}")),
    cited=Cited(passage="look", url="https://a.example", title="A"),
    stop="tool_use",
    used=USED,
)

# --- The SDK reads what the fake says ---


@pytest.fixture
def vendor() -> Iterator[Upstream]:
    with Upstream(vendors={"dashscope": VENDOR}) as upstream:
        yield upstream


def call(vendor: Upstream, **more: Any) -> Any:
    return dashscope.Generation.call(
        model="qwen-plus",
        messages=HI,
        result_format="message",
        api_key="sk-test",
        base_address=vendor.base("dashscope"),
        **more,
    )


def checked(vendor: Upstream) -> None:
    """What the SDK sends is what the fake takes."""
    arrival = vendor.arrivals[-1]
    assert arrival.path == "/api/v1" + TEXT
    assert VENDOR.refuses(arrival) == []
    assert VENDOR.read(arrival.body).texts("user") == ["hi"]


def test_the_sdk_reads_a_whole_answer(vendor: Upstream) -> None:
    vendor.play(REPLY)
    response = call(vendor)
    checked(vendor)
    assert response.status_code == 200
    choice = response.output.choices[0]
    assert (choice.message.content, choice.finish_reason) == (REPLY.text, "tool_calls")
    assert choice.message.reasoning_content == REPLY.reasoning
    assert [one["function"]["arguments"] for one in choice.message.tool_calls] == ['{"city":"Zürich"}', "{}"]
    assert response.output.search_info["search_results"][0]["url"] == "https://a.example"
    assert (response.usage.input_tokens, response.usage.output_tokens) == (61, 17)
    assert response.request_id


def test_the_sdk_reads_a_stream(vendor: Upstream) -> None:
    vendor.play(REPLY)
    frames = list(call(vendor, stream=True, incremental_output=True))
    checked(vendor)
    messages = [one.output.choices[0].message for one in frames]
    assert "".join(message.content for message in messages) == REPLY.text
    assert "".join(message.get("reasoning_content") or "" for message in messages) == REPLY.reasoning
    arguments = {0: "", 1: ""}
    for message in messages:
        for one in message.get("tool_calls") or []:
            arguments[one["index"]] += one["function"]["arguments"]
    assert arguments == {0: '{"city":"Zürich"}', 1: "{}"}
    assert {one.output.choices[0].finish_reason for one in frames[:-1]} == {"null"}
    assert frames[-1].output.choices[0].finish_reason == "tool_calls"
    counts = [one.usage.output_tokens for one in frames]
    assert counts == sorted(counts)
    assert counts[-1] == 17


def test_the_sdk_reads_an_error(vendor: Upstream) -> None:
    vendor.play(REPLY, Fault(where="before", status=429, message="slow down"))
    response = call(vendor)
    assert (response.status_code, response.code, response.message) == (429, "Throttling.RateQuota", "slow down")


def test_the_sdk_reads_an_error_in_a_stream(vendor: Upstream) -> None:
    vendor.play(REPLY, Fault(where="within", status=500, message="it broke"))
    *_, last = call(vendor, stream=True, incremental_output=True)
    assert (last.code, last.message) == ("InternalError", "it broke")


def test_the_sdk_asks_the_endpoint_for_media(vendor: Upstream) -> None:
    vendor.play(Reply(text="a cat"))
    response: Any = dashscope.MultiModalConversation.call(
        model="qwen-vl-max", messages=PICTURE, api_key="sk-test", base_address=vendor.base("dashscope")
    )
    assert vendor.arrivals[-1].path == "/api/v1" + MEDIA
    assert [piece.kind for piece in VENDOR.read(vendor.arrivals[-1].body).pieces] == ["image", "text"]
    assert response.output.choices[0].message.content == "a cat"


# --- Through a gateway ---

CONFIG = """
upstreams:
  vendor:
    provider: dashscope
    protocols: {{dashscope: 'http://127.0.0.1:{port}/api/v1'}}
    credentials: [sk-vendor]
models:
  plus: {{candidates: [vendor/qwen-plus], retries: 0}}
  only-streams: {{candidates: [vendor/qwq-plus], retries: 0}}
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def url(upstream: FakeUpstream) -> Iterator[str]:
    with RunningGateway(parse(CONFIG.format(port=upstream.port), "twoapi.yaml", {})) as gateway:
        yield gateway.url


class Front:
    """The gateway and the vendor behind it."""

    def __init__(self, upstream: FakeUpstream, url: str) -> None:
        self.upstream = upstream
        self._client = Client(url, "sk-any", {}, 20)

    def ask(self, reply: Answer, *, stream: bool = False, model: str = "plus") -> Exchange:
        """The exchange of a client for whom the vendor has this reply."""
        self.upstream.reply(reply)
        return self._client.send(sent("openai-chat", model, "sk-any", {"messages": HI}, stream=stream), None)


@pytest.fixture
def front(upstream: FakeUpstream, url: str) -> Front:
    return Front(upstream, url)


def said(text: str, finish: str = "null") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"output": {"choices": [{"message": message, "finish_reason": finish}]}, "request_id": "r1"}


def test_the_key_is_a_bearer_and_the_stream_a_header(front: Front) -> None:
    exchange = front.ask(sse_reply([frame(1, said("Hi")), frame(2, said("", "stop"))]), stream=True)
    assert exchange.status == 200
    assert b"[DONE]" in exchange.body
    request = front.upstream.requests[-1]
    assert request.path == "/api/v1" + TEXT
    assert request.headers["authorization"] == "Bearer sk-vendor"
    assert request.headers["x-dashscope-sse"] == "enable"
    assert "stream" not in request.json()


def test_a_model_that_only_streams_gives_a_whole_answer(front: Front) -> None:
    exchange = front.ask(sse_reply([frame(1, said("Hi ")), frame(2, said("you", "stop"))]), model="only-streams")
    assert front.upstream.requests[-1].headers["x-dashscope-sse"] == "enable"
    assert json.loads(exchange.body)["choices"][0]["message"]["content"] == "Hi you"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (200, "InvalidParameter", 400),
        (400, "InvalidParameter", 400),
        (400, "DataInspectionFailed", 400),
        (400, "Arrearage", 502),  # the operator's account: no client can pay for it
        (401, "InvalidApiKey", 502),
        (404, "ModelNotFound", 404),
        (429, "Throttling.AllocationQuota", 429),
        (503, "ModelServingError", 503),
    ],
)
def test_an_error_is_one_of_its_kind(upstream: FakeUpstream, status: int, code: str, expected: int) -> None:
    told = json_reply({"code": code, "message": "told", "request_id": "r1"}, status=status)
    # A gateway of its own: what it learns of a key must not be known to other tests.
    with RunningGateway(parse(CONFIG.format(port=upstream.port), "twoapi.yaml", {})) as gateway:
        exchange = Front(upstream, gateway.url).ask(told, stream=status == 200)
    assert exchange.status == expected
    assert json.loads(exchange.body)["error"]["message"]


def test_the_length_of_a_prompt_has_no_code_but_words(front: Front) -> None:
    told = {"code": "InvalidParameter", "message": "Range of input length should be [1, 30720]"}
    exchange = front.ask(json_reply(told, status=400))
    assert json.loads(exchange.body)["error"]["code"] == "context_length_exceeded"


def test_an_error_in_a_stream_ends_it_as_one(front: Front) -> None:
    broken = frame(2, {"code": "InternalError.Algo", "message": "told"}, "error", 500)
    exchange = front.ask(sse_reply([frame(1, said("It is")), broken]), stream=True)
    assert b'"message":"told"' in exchange.body
    assert b"[DONE]" not in exchange.body


def test_a_stream_that_stops_without_a_reason_is_cut(front: Front) -> None:
    exchange = front.ask(sse_reply([frame(1, said("It is"))]), stream=True)
    assert b"[DONE]" not in exchange.body
    assert b'"error"' in exchange.body
