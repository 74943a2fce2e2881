"""Cohere behind a running gateway: errors, plans, citations and counts, to every client."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from twoapi.config import parse
from twoapi.conformance import NAMES, Client
from twoapi.conformance.answer import Answer
from twoapi.conformance.client import Exchange
from twoapi.conformance.hear import LISTENERS
from twoapi.conformance.history import extend
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import event
from twoapi.conformance.scenes.tools import tools
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Gate, json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway

CONFIG = """
upstreams:
  vendor: {{provider: cohere, protocols: {{cohere: 'http://127.0.0.1:{port}'}}, credentials: [co-key]}}
models:
  conf: {{candidates: [vendor/command-a-reasoning-08-2025], retries: 0}}
"""
BODIES: dict[str, dict[str, Any]] = {
    "openai-chat": {"messages": [{"role": "user", "content": "hi"}]},
    "openai-responses": {"input": [{"role": "user", "content": "hi"}], "store": False},
    "anthropic-messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
each_client = pytest.mark.parametrize("client", NAMES)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def speaker(upstream: FakeUpstream) -> Iterator[Client]:
    with RunningGateway(parse(CONFIG.format(port=upstream.port), "twoapi.yaml", {})) as gateway:
        yield Client(gateway.url, "sk-any", {}, 20)


def ask(speaker: Client, client: str, *, stream: bool = False, body: dict[str, Any] | None = None) -> Exchange:
    return speaker.send(sent(client, "conf", "sk-any", body or BODIES[client], stream=stream))


def whole(message: dict[str, Any], **members: Any) -> dict[str, Any]:
    usage = {"tokens": {"input_tokens": 5.0, "output_tokens": 2.0}}
    return {
        "id": "a1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", **message},
        "usage": usage,
    } | members


def frame(kind: str, message: dict[str, Any], **members: Any) -> bytes:
    return event({"type": kind, "index": 0, "delta": {"message": message}, **members}, kind)


def end(**delta: Any) -> bytes:
    return event({"type": "message-end", "delta": {"finish_reason": "COMPLETE", **delta}}, "message-end")


def heard(client: str, exchange: Exchange, *, stream: bool = False) -> Answer:
    assert exchange.status == 200, exchange.body
    answer = LISTENERS[client].stream(exchange.body) if stream else LISTENERS[client].whole(json.loads(exchange.body))
    assert answer.problems == []
    return answer


def test_the_key_is_a_bearer_token(upstream: FakeUpstream, speaker: Client) -> None:
    upstream.reply(json_reply(whole({"content": [{"type": "text", "text": "Hi"}]})))
    assert heard("openai-chat", ask(speaker, "openai-chat")).text == "Hi"
    request = upstream.requests[-1]
    assert (request.method, request.path) == ("POST", "/v2/chat")
    assert request.headers["authorization"] == "Bearer co-key"


@each_client
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, (400, 400, 400, 400)),
        (401, (502, 502, 502, 502)),
        (402, (502, 502, 502, 502)),
        (403, (502, 502, 502, 502)),
        (404, (404, 404, 404, 404)),
        (422, (422, 422, 400, 400)),
        (429, (429, 429, 429, 429)),
        (498, (502, 502, 502, 502)),
        (499, (499, 499, 499, 499)),
        (500, (500, 500, 500, 500)),
        (501, (502, 502, 502, 502)),
        (503, (503, 503, 529, 503)),
        (504, (504, 504, 504, 504)),
    ],
)
def test_every_error_reaches_every_client(
    upstream: FakeUpstream, speaker: Client, client: str, status: int, expected: tuple[int, ...], *, stream: bool
) -> None:
    upstream.reply(json_reply({"id": "e1", "message": "told-77"}, status=status, headers={"retry-after": "7"}))
    exchange = ask(speaker, client, stream=stream)
    assert exchange.status == expected[NAMES.index(client)]
    told = LISTENERS[client].refusal(json.loads(exchange.body), exchange.status)
    assert told is not None
    # What is wrong between gateway and upstream is not the client's: it is told whom to ask, and no more.
    own = status in (401, 402, 403, 498)
    assert ("told-77" in told) is not own
    assert ("'vendor'" in told) is own
    if status == 429:
        assert exchange.headers.get("retry-after") == "7"


@each_client
@pytest.mark.parametrize("word", ["ERROR", "TIMEOUT"])
def test_a_failure_at_the_end_of_a_stream_is_told(
    upstream: FakeUpstream, speaker: Client, client: str, word: str
) -> None:
    gate = Gate()
    gate.release()
    frames = [frame("content-delta", {"content": {"text": "It is"}}), end(finish_reason=word, error="told-78")]
    upstream.reply(sse_reply(frames).failing(gate=gate))
    exchange = speaker.send(sent(client, "conf", "sk-any", BODIES[client], stream=True), lambda _: gate.open())
    answer = LISTENERS[client].stream(exchange.body)
    assert "told-78" in (answer.error or "")
    assert not answer.ended


@each_client
def test_a_failure_in_a_whole_answer_is_an_error(upstream: FakeUpstream, speaker: Client, client: str) -> None:
    upstream.reply(json_reply(whole({"content": []}, finish_reason="ERROR")))
    exchange = ask(speaker, client)
    assert exchange.status == 502
    assert LISTENERS[client].refusal(json.loads(exchange.body), exchange.status)


CALL = {"id": "get_weather_0", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}


@each_client
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_plan_is_heard_and_its_call_comes_back(
    upstream: FakeUpstream, speaker: Client, client: str, *, stream: bool
) -> None:
    if stream:
        frames = [
            frame("tool-plan-delta", {"tool_plan": "I will "}),
            frame("tool-plan-delta", {"tool_plan": "look."}),
            frame("tool-call-start", {"tool_calls": CALL}),
            event({"type": "tool-call-end", "index": 0}, "tool-call-end"),
            end(finish_reason="TOOL_CALL"),
        ]
        upstream.reply(sse_reply(frames))
    else:
        upstream.reply(
            json_reply(whole({"tool_plan": "I will look.", "tool_calls": [CALL]}, finish_reason="TOOL_CALL"))
        )
    body = {**BODIES[client], "tools": tools(client)}
    answer = heard(client, ask(speaker, client, stream=stream, body=body), stream=stream)
    assert answer.reasoning == "I will look."
    upstream.reply(json_reply(whole({"content": [{"type": "text", "text": "Mild."}]})))
    assert heard(client, ask(speaker, client, body=extend(client, body, answer, "18"))).text == "Mild."
    _, called, result = json.loads(upstream.requests[-1].body)["messages"]
    assert called["tool_calls"] == [CALL]
    assert result == {"role": "tool", "tool_call_id": "get_weather_0", "content": "18"}


@each_client
def test_what_the_answer_cannot_show_is_reported(upstream: FakeUpstream, speaker: Client, client: str) -> None:
    cited = {"start": 0, "end": 1, "text": "I", "sources": [{"type": "tool", "id": "x:0"}], "type": "PLAN"}
    upstream.reply(json_reply(whole({"content": [{"type": "text", "text": "Hi"}], "citations": [cited]}, weather=1)))
    report = ask(speaker, client).report()
    assert {"/message/citations/0", "/weather"} <= set(report)


@each_client
def test_the_template_of_the_prompt_is_counted(upstream: FakeUpstream, speaker: Client, client: str) -> None:
    usage = {
        "billed_units": {"input_tokens": 11.0, "output_tokens": 2.0},
        "tokens": {"input_tokens": 61.0, "output_tokens": 3.0},
        "cached_tokens": 20.0,
    }
    upstream.reply(json_reply(whole({"content": [{"type": "text", "text": "Hi"}]}, usage=usage)))
    used = heard(client, ask(speaker, client)).used
    assert (used["input"], used["output"], used["cached"]) == (61, 3, 20)


def test_reasons_are_told_in_the_clients_words(upstream: FakeUpstream, speaker: Client) -> None:
    words = {
        "MAX_TOKENS": ("length", "incomplete: max_output_tokens", "max_tokens", "MAX_TOKENS"),
        "STOP_SEQUENCE": ("stop", "completed", "stop_sequence", "STOP"),
        "COMPLETE": ("stop", "completed", "end_turn", "STOP"),
    }
    for word, told in words.items():
        for client, expected in zip(NAMES, told, strict=True):
            upstream.reply(sse_reply([frame("content-delta", {"content": {"text": "It"}}), end(finish_reason=word)]))
            assert heard(client, ask(speaker, client, stream=True), stream=True).stop == expected


def test_a_pdf_is_refused_by_its_place(speaker: Client) -> None:
    pdf = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    exchange = ask(speaker, "openai-chat", body={"messages": [{"role": "user", "content": [pdf]}]})
    error = json.loads(exchange.body)["error"]
    assert (exchange.status, error["param"]) == (400, "/messages/0/content/0")
