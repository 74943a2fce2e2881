"""Ollama behind a running gateway: errors, lines in any state, calls without ids, counts that are not told."""

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
from twoapi.conformance.scenes.tools import tools
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Gate, Reply, json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway

CONFIG = """
upstreams:
  local: {{provider: ollama, protocols: {{ollama: 'http://127.0.0.1:{port}'}}, capabilities: {{context_size: 32768}}}}
models:
  conf: {{candidates: ['local/qwen3:8b'], retries: 0}}
"""
BODIES: dict[str, dict[str, Any]] = {
    "openai-chat": {"messages": [{"role": "user", "content": "hi"}]},
    "openai-responses": {"input": [{"role": "user", "content": "hi"}], "store": False},
    "anthropic-messages": {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
CREATED = {"model": "qwen3:8b", "created_at": "2026-11-21T10:00:00.1Z"}
DONE = {"done": True, "done_reason": "stop", "eval_count": 3}
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


def lines(*said: dict[str, Any]) -> Reply:
    """A stream of these lines."""
    pieces = [json.dumps(one if "error" in one else {**CREATED, **one}).encode() + b"\n" for one in said]
    return sse_reply(pieces).having(content_type="application/x-ndjson")


def message(content: str = "", **more: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **more}, "done": False}


def whole(content: str = "", **more: Any) -> Reply:
    return json_reply({**CREATED, **message(content, **more), **DONE})


def heard(client: str, exchange: Exchange, *, stream: bool) -> Answer:
    assert exchange.status == 200, exchange.body
    answer = LISTENERS[client].stream(exchange.body) if stream else LISTENERS[client].whole(json.loads(exchange.body))
    assert answer.problems == []
    return answer


def test_no_key_is_needed_and_none_is_sent(upstream: FakeUpstream, speaker: Client) -> None:
    upstream.reply(whole("Hi"))
    assert heard("openai-chat", ask(speaker, "openai-chat"), stream=False).text == "Hi"
    request = upstream.requests[-1]
    assert (request.method, request.path) == ("POST", "/api/chat")
    assert "authorization" not in request.headers
    body = json.loads(request.body)
    assert (body["model"], body["stream"], body["truncate"]) == ("qwen3:8b", False, False)
    assert body["options"] == {"num_ctx": 32768}


@each_client
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, 400), (401, 502), (402, 502), (404, 404), (413, 413), (429, 429), (500, 500), (502, 502)],
)
def test_every_error_reaches_every_client(
    upstream: FakeUpstream, speaker: Client, client: str, status: int, expected: int, *, stream: bool
) -> None:
    upstream.reply(json_reply({"error": "told-77", "signin_url": "https://ollama.com/connect"}, status=status))
    exchange = ask(speaker, client, stream=stream)
    assert exchange.status == expected
    told = LISTENERS[client].refusal(json.loads(exchange.body), exchange.status)
    assert told is not None
    # What is wrong between gateway and upstream is not the client's: it is told whom to ask, and no more.
    assert ("told-77" in told) is (status not in (401, 402))
    assert ("'local'" in told) is (status in (401, 402))


@each_client
def test_an_error_within_a_stream_ends_it(upstream: FakeUpstream, speaker: Client, client: str) -> None:
    gate = Gate()
    gate.release()
    upstream.reply(lines(message("It is"), {"error": "told-78"}).failing(gate=gate))
    # The client has heard the beginning before the rest comes.
    exchange = speaker.send(sent(client, "conf", "sk-any", BODIES[client], stream=True), lambda _: gate.open())
    answer = LISTENERS[client].stream(exchange.body)
    assert "told-78" in (answer.error or "")
    assert not answer.ended


@each_client
def test_an_error_before_all_else_has_its_status(upstream: FakeUpstream, speaker: Client, client: str) -> None:
    upstream.reply(lines({"error": "told-79"}))
    exchange = ask(speaker, client, stream=True)
    assert exchange.status == 502
    assert b"told-79" in exchange.body


@each_client
def test_a_stream_without_its_last_line_is_not_complete(upstream: FakeUpstream, speaker: Client, client: str) -> None:
    upstream.reply(lines(message("It is")))
    answer = LISTENERS[client].stream(ask(speaker, client, stream=True).body)
    assert answer.error
    assert not answer.ended


@each_client
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_calls_without_ids_make_a_loop(upstream: FakeUpstream, speaker: Client, client: str, *, stream: bool) -> None:
    calls = [{"function": {"name": "get_weather", "arguments": {"city": city}}} for city in ("Paris", "Rome")]
    called = [message(tool_calls=calls), {**message(), **DONE}]
    upstream.reply(lines(*called) if stream else whole(tool_calls=calls))
    body = {**BODIES[client], "tools": tools(client)}
    answer = heard(client, ask(speaker, client, stream=stream, body=body), stream=stream)
    assert [json.loads(call.arguments) for call in answer.calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert len({call.id for call in answer.calls}) == 2
    upstream.reply(whole("Both are mild."))
    ask(speaker, client, body=extend(client, body, answer, "18"))
    asked, first, second = json.loads(upstream.requests[-1].body)["messages"][1:]
    assert asked["tool_calls"] == calls
    assert first == second == {"role": "tool", "content": "18", "tool_name": "get_weather"}


@each_client
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_count_that_is_not_told_is_told_as_nothing(
    upstream: FakeUpstream, speaker: Client, client: str, *, stream: bool
) -> None:
    upstream.reply(lines(message("Hi"), {**message(), **DONE}) if stream else whole("Hi"))
    exchange = ask(speaker, client, stream=stream)
    answer = heard(client, exchange, stream=stream)
    assert answer.used.get("output") == 3
    assert not answer.used.get("input")
    # Where clients demand a number, the one that stands there is reported.
    assert ("/usage" in exchange.report()) is (client != "gemini")


def test_the_length_is_told_in_the_clients_words(upstream: FakeUpstream, speaker: Client) -> None:
    for client, word in (
        ("openai-chat", "length"),
        ("openai-responses", "incomplete: max_output_tokens"),
        ("anthropic-messages", "max_tokens"),
        ("gemini", "MAX_TOKENS"),
    ):
        upstream.reply(lines(message("It"), {**message(), **DONE, "done_reason": "length"}))
        assert heard(client, ask(speaker, client, stream=True), stream=True).stop == word


def test_a_pdf_is_refused_by_its_place(speaker: Client) -> None:
    pdf = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    body = {"messages": [{"role": "user", "content": [pdf]}]}
    exchange = ask(speaker, "openai-chat", body=body)
    error = json.loads(exchange.body)["error"]
    assert (exchange.status, error["param"]) == (400, "/messages/0/content/0")
