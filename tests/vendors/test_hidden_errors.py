"""Errors that chat-compatible vendors hide in good answers, relayed and converted by a running gateway."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from twoapi.config import parse
from twoapi.conformance import Client
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Gate, Reply, json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway

Json = Any  # a parsed JSON document

CONFIG = """
upstreams:
  minimax: {{provider: minimax, base_url: "{url}", credentials: [key-a, key-b]}}
  openrouter: {{provider: openrouter, base_url: "{url}", credentials: [key-a, key-b]}}
  zhipu: {{provider: zhipu, base_url: "{url}", credentials: [key-a, key-b]}}
  groq: {{provider: groq, base_url: "{url}", credentials: [key-a]}}
  xai: {{provider: xai, base_url: "{url}", credentials: [key-a]}}
models:
  minimax: {{candidates: [minimax/MiniMax-M2], retries: 0}}
  openrouter: {{candidates: [openrouter/m], retries: 0}}
  zhipu: {{candidates: [zhipu/glm-4.6], retries: 0}}
  zhipu-twice: {{candidates: [zhipu/glm-4.6], retries: 1}}
  groq: {{candidates: [groq/m], retries: 0}}
  xai: {{candidates: [xai/grok-4], retries: 0}}
"""
HI = [{"role": "user", "content": "hi"}]
ASKED: dict[str, Json] = {
    "openai-chat": {"messages": HI},
    "anthropic-messages": {"messages": HI, "max_tokens": 100},
}
clients = pytest.mark.parametrize("client", ASKED)
forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


class Bench(NamedTuple):
    gateway: RunningGateway
    upstream: FakeUpstream

    def ask(self, client: str, model: str, *replies: Reply, stream: bool = False, headers: Json = None) -> Exchange:
        self.upstream.requests.clear()
        self.upstream.reply(*replies)
        return Client(self.gateway.url, "sk-any", headers or {}, 20).send(
            sent(client, model, "sk-any", ASKED[client], stream=stream)
        )

    def ask_slowly(self, client: str, model: str, first: bytes, *rest: bytes) -> Exchange:
        """A stream whose `rest` comes when the client has heard of the first piece."""
        gate = Gate()
        gate.release()
        self.upstream.reply(sse_reply([first, *rest]).failing(gate=gate))
        asked = sent(client, model, "sk-any", ASKED[client], stream=True)
        heard = lambda body: gate.open() if b"It is" in body else None  # noqa: E731
        return Client(self.gateway.url, "sk-any", {}, 20).send(asked, heard)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with FakeUpstream() as upstream:
        text = CONFIG.format(url=upstream.base_url())
        with RunningGateway(parse(text, "twoapi.yaml", {})) as gateway:
            yield Bench(gateway, upstream)


def base(code: int) -> Json:
    return {"status_code": code, "status_msg": "told" if code else ""}


def whole(text: str = "It is.", **more: Json) -> Json:
    message = {"role": "assistant", "content": text}
    return {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **more,
    }


def frame(delta: Json, finish: str | None = None, **more: Json) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    about = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**about, "choices": [choice], **more}).encode() + b"\n\n"


def spoken(text: str, **more: Json) -> list[bytes]:
    return [frame({"content": text}, **more), frame({}, "stop", **more), b"data: [DONE]\n\n"]


def good(text: str, *, stream: bool) -> Reply:
    return sse_reply(spoken(text, base_resp=base(0))) if stream else json_reply(whole(text, base_resp=base(0)))


@clients
@forms
@pytest.mark.parametrize("framed", [False, True], ids=["json", "frame"])
def test_an_error_in_a_200_is_a_reason_to_ask_with_the_next_credential(
    bench: Bench,
    client: str,
    stream: bool,  # noqa: FBT001
    framed: bool,  # noqa: FBT001
) -> None:
    hidden = {"id": "a", "choices": None, "base_resp": base(1002)}
    first = sse_reply([b"data: " + json.dumps(hidden).encode() + b"\n\n"]) if framed else json_reply(hidden)
    exchange = bench.ask(client, "minimax", first, good("It is.", stream=stream), stream=stream)
    assert exchange.status == 200
    assert b"It is." in exchange.body
    assert b"told" not in exchange.body
    assert len({request.headers["authorization"] for request in bench.upstream.requests}) == 2


@clients
@forms
@pytest.mark.parametrize(
    ("code", "status", "asked"),
    [(1002, 429, 2), (1004, 502, 2), (1008, 502, 2), (1026, 400, 1), (2013, 400, 1), (1000, 502, 1), (1001, 504, 1)],
)
def test_an_error_in_a_200_has_the_status_of_its_kind(
    bench: Bench,
    client: str,
    stream: bool,  # noqa: FBT001
    code: int,
    status: int,
    asked: int,
) -> None:
    reply = json_reply({"id": "a", "choices": None, "base_resp": base(code)})
    exchange = bench.ask(client, "minimax", *[reply] * asked, stream=stream)
    assert exchange.status == status
    assert json.loads(exchange.body)["error"]["message"]
    assert len(bench.upstream.requests) == asked


@clients
@pytest.mark.parametrize("chunk", [None, 1, 29])
def test_an_error_in_the_middle_of_a_stream_ends_it_as_one(bench: Bench, client: str, chunk: int | None) -> None:
    data = b"".join(spoken("nothing", base_resp=base(1027)))
    pieces = [data] if chunk is None else [data[i : i + chunk] for i in range(0, len(data), chunk)]
    exchange = bench.ask_slowly(client, "minimax", frame({"content": "It is"}, base_resp=base(0)), *pieces)
    assert exchange.status == 200
    assert b"It is" in exchange.body
    assert b"told" in exchange.body
    for word in (b"nothing", b"[DONE]", b"message_stop"):
        assert word not in exchange.body


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1002, "rate_limit_error"), (1026, "invalid_request_error"), (1004, "api_error"), (1000, "api_error")],
)
def test_an_error_in_the_middle_of_a_stream_has_the_kind_that_the_provider_means(
    bench: Bench, code: int, kind: str
) -> None:
    data = b"".join(spoken("nothing", base_resp=base(code)))
    exchange = bench.ask_slowly("anthropic-messages", "minimax", frame({"content": "It is"}, base_resp=base(0)), data)
    (event,) = [line for line in exchange.body.split(b"\n") if line.startswith(b'data: {"type":"error"')]
    error = json.loads(event[6:])["error"]
    assert error["type"] == kind
    assert ("told" in error["message"]) == (code != 1004)  # of the gateway's own credential clients hear nothing


@pytest.mark.parametrize("chunk", [None, 1, 29])
def test_a_relayed_stream_without_an_error_passes_as_it_is(bench: Bench, chunk: int | None) -> None:
    last = frame({}, "stop", base_resp=base(0))
    usage = json.dumps({**whole(base_resp=base(0)), "choices": []}).encode()
    data = b"".join([frame({"content": "It is."}), last, b"data: " + usage + b"\n\n", b"data: [DONE]\n\n"])
    pieces = [data] if chunk is None else [data[i : i + chunk] for i in range(0, len(data), chunk)]
    exchange = bench.ask("openai-chat", "minimax", sse_reply(pieces), stream=True)
    assert exchange.body == data


def test_a_relayed_answer_without_an_error_passes_as_it_is(bench: Bench) -> None:
    body = whole("It is.", base_resp=base(0))
    assert json.loads(bench.ask("openai-chat", "minimax", json_reply(body)).body) == body


@clients
def test_a_stream_that_ends_within_a_frame_is_broken(bench: Bench, client: str) -> None:
    data = frame({"content": "It is"}) + b'data: {"id":"a","base_resp":{"status_'
    exchange = bench.ask(client, "minimax", sse_reply([data]), stream=True)
    assert b"It is" in exchange.body
    assert b"error" in exchange.body
    assert b"[DONE]" not in exchange.body


@clients
@forms
def test_an_answer_that_ends_in_a_failure_is_asked_for_again(bench: Bench, client: str, stream: bool) -> None:  # noqa: FBT001
    choice = {"index": 0, "message": {"role": "assistant", "content": "It"}, "finish_reason": "network_error"}
    first = json_reply({**whole(), "choices": [choice]})
    if stream:
        first = sse_reply([frame({"role": "assistant"}), frame({}, "network_error"), b"data: [DONE]\n\n"])
    exchange = bench.ask(client, "zhipu-twice", first, good("It is.", stream=stream), stream=stream)
    assert exchange.status == 200
    assert b"It is." in exchange.body
    assert b"network_error" not in exchange.body


@clients
def test_a_stream_that_ends_in_a_failure_ends_in_an_error(bench: Bench, client: str) -> None:
    frames = [frame({"content": "It is"}), frame({}, "network_error"), b"data: [DONE]\n\n"]
    exchange = bench.ask_slowly(client, "zhipu", *frames)
    assert b"It is" in exchange.body
    assert b'"error"' in exchange.body
    for word in (b"[DONE]", b"message_stop"):
        assert word not in exchange.body


def test_a_word_for_a_failure_in_the_text_is_text(bench: Bench) -> None:
    frames = [frame({"content": 'It is "network_error"'}), frame({}, "stop"), b"data: [DONE]\n\n"]
    assert bench.ask("openai-chat", "zhipu", sse_reply(frames), stream=True).body == b"".join(frames)


# --- errors of a router, in a 200 and after the start


@clients
@forms
@pytest.mark.parametrize(("code", "status", "asked"), [(402, 502, 2), (429, 429, 2), (502, 502, 1), (503, 503, 1)])
def test_a_routers_error_in_a_200_has_the_status_of_its_kind(
    bench: Bench,
    client: str,
    stream: bool,  # noqa: FBT001
    code: int,
    status: int,
    asked: int,
) -> None:
    error = {"error": {"code": code, "message": "told", "metadata": {"provider_name": "p"}}}
    data = b": OPENROUTER PROCESSING\n\ndata: " + json.dumps({**error, "id": "a", "choices": []}).encode() + b"\n\n"
    reply = sse_reply([data]) if stream else json_reply(error)
    exchange = bench.ask(client, "openrouter", *[reply] * asked, stream=stream)
    # A client of Messages knows another status for one that is overloaded.
    assert exchange.status == (529 if (client, code) == ("anthropic-messages", 503) else status)
    assert len(bench.upstream.requests) == asked


@clients
def test_a_routers_error_after_the_start_ends_the_stream_as_one(bench: Bench, client: str) -> None:
    error = {"code": 502, "message": "told"}
    frames = [frame({"content": "It is"}), frame({"content": ""}, "error", error=error), b"data: [DONE]\n\n"]
    exchange = bench.ask_slowly(client, "openrouter", *frames)
    assert b"It is" in exchange.body
    assert b"told" in exchange.body
    assert b"message_stop" not in exchange.body


# --- what else a gateway must know of a vendor


@clients
def test_arrears_with_the_status_of_a_rate_limit_are_not_waited_for(bench: Bench, client: str) -> None:
    arrears = json_reply({"error": {"code": "1113", "message": "no balance"}}, status=429)
    exchange = bench.ask(client, "zhipu", arrears, arrears)
    assert exchange.status == 502
    assert b"has no quota left" in exchange.body
    assert "retry-after" not in exchange.headers


def test_the_usage_beside_the_chunks_of_a_relayed_stream_is_recorded(bench: Bench) -> None:
    usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    frames = [frame({"content": "hi"}), frame({}, "stop", x_groq={"usage": usage}), b"data: [DONE]\n\n"]
    bench.ask("openai-chat", "groq", sse_reply(frames), stream=True)
    bench.gateway.wait(lambda: any(record.upstream == "groq" for record in bench.gateway.collected.records))
    (record,) = [record for record in bench.gateway.collected.records if record.upstream == "groq"]
    assert record.usage is not None
    assert (record.usage.input, record.usage.output) == (30, 20)


@forms
@pytest.mark.parametrize("word", ["", "stop"])
def test_a_call_ends_as_a_call_for_clients_of_the_same_protocol_too(bench: Bench, stream: bool, word: str) -> None:  # noqa: FBT001
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "num_sources_used": 0}
    choice = {"index": 0, "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "finish_reason": word}
    reply = json_reply({**whole(usage=usage), "choices": [choice], "x": 1})
    if stream:
        frames = [frame({"tool_calls": [{"index": 0, **call}]}), frame({}, word, usage=usage), b"data: [DONE]\n\n"]
        reply = sse_reply(frames)
    body = bench.ask("openai-chat", "xai", reply, stream=stream).body
    assert b'"finish_reason":"tool_calls"' in body
    assert b'"num_sources_used": 0' in body or b'"num_sources_used":0' in body
    assert stream or json.loads(body)["x"] == 1


@clients
def test_headers_that_are_for_the_upstream_reach_it_and_no_other(bench: Bench, client: str) -> None:
    headers = {"http-referer": "https://a.example", "x-title": "A", "x-other": "b"}
    for model, passed in (("openrouter", {"http-referer", "x-title"}), ("minimax", set[str]())):
        bench.ask(client, model, json_reply(whole(base_resp=base(0))), headers=headers)
        (request,) = bench.upstream.requests
        assert set(headers) & set(request.headers) == passed
