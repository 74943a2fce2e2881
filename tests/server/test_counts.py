"""How many tokens a request holds: the upstream's word where it has one, else an estimate that says so."""

from typing import Any

import pytest
from tests.server.front import KEY, Front

from twoapi.testing.canned import request_body
from twoapi.testing.replies import error_reply, hanging_reply, html_reply, json_reply

CLIENTS = ("anthropic-messages", "openai-responses", "gemini")
ANSWERS: dict[str, dict[str, Any]] = {
    "anthropic-messages": {"input_tokens": 42},
    "openai-responses": {"object": "response.input_tokens", "input_tokens": 42},
    "gemini": {"totalTokens": 42},
}
MEMBERS = {"anthropic-messages": "input_tokens", "openai-responses": "input_tokens", "gemini": "totalTokens"}
SENT = {
    "anthropic-messages": "/v1/messages/count_tokens",
    "openai-responses": "/v1/responses/input_tokens",
    "gemini": "/v1beta/models/m-1:countTokens",
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = {
    "anthropic-messages": [{"name": "look", "input_schema": SCHEMA}],
    "openai-responses": [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}],
    "gemini": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}],
}


def path_of(client, model):
    return f"/v1beta/models/{model}:countTokens" if client == "gemini" else SENT[client]


def body_of(client, model, *, tools=False, text="hi"):
    body = request_body(client, model, text=text)
    body.pop("max_tokens", None)
    if tools:
        body["tools"] = TOOLS[client]
    if tools and client == "gemini":
        return {"generateContentRequest": {"model": f"models/{model}", **body}}
    return body


def ask(front: Front, client, model, **more):
    return front.call("POST", path_of(client, model), body_of(client, model, **more))


@pytest.mark.parametrize("upstream", CLIENTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_upstreams_count_comes_back_in_the_clients_shape(front, client, upstream):
    front.upstream.reply(json_reply(ANSWERS[upstream]))
    answer = ask(front, client, upstream, tools=True)
    assert (answer.status, answer.json()) == (200, ANSWERS[client])
    assert "twoapi-estimated" not in answer.headers
    assert (answer.headers["twoapi-losses"] == "relay") == (client == upstream)
    (request,) = front.upstream.requests
    assert request.path == SENT[upstream]
    assert b"city" in request.body
    sent = request.json()
    assert not {"max_tokens", "stream", "max_output_tokens", "store"} & set(sent)
    if upstream == "gemini":
        assert sent["generateContentRequest"]["model"] == "models/m-1"
    else:
        assert sent["model"] == "m-1"


@pytest.mark.parametrize("model", ["openai-chat", "demo"])
@pytest.mark.parametrize("client", CLIENTS)
def test_where_nobody_counts_it_is_an_estimate_and_says_so(front, client, model):
    short, tooled, long = (ask(front, client, model, **more) for more in ({}, {"tools": True}, {"text": "word " * 400}))
    assert [one.headers["twoapi-estimated"] for one in (short, tooled, long)] == ["1", "1", "1"]
    counts = [one.json()[MEMBERS[client]] for one in (short, tooled, long)]
    assert 0 < counts[0] < counts[1] < counts[2]
    assert set(short.json()) == set(ANSWERS[client])
    assert 450 < counts[2] < 550
    assert front.upstream.requests == []


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_of_the_protocol_that_cannot_count_is_not_the_clients_error(front, client, status):
    front.upstream.reply(html_reply(status))
    answer = ask(front, client, "anthropic-messages")
    assert (answer.status, answer.headers["twoapi-estimated"]) == (200, "1")
    assert answer.headers["twoapi-attempts"] == "1"


@pytest.mark.parametrize("client", CLIENTS)
def test_an_upstream_that_is_said_not_to_count_is_not_asked(front, client):
    answer = ask(front, client, "silent")
    assert (answer.status, answer.headers["twoapi-estimated"]) == (200, "1")
    assert front.upstream.requests == []


@pytest.mark.parametrize("client", CLIENTS)
def test_errors_come_in_the_clients_format(front, client):
    front.upstream.reply(error_reply("anthropic-messages", 400, "messages: too many"))
    answer = ask(front, client, "anthropic-messages")
    assert answer.status == 400
    assert "too many" in answer.json()["error"]["message"]
    front.upstream.reply(error_reply("anthropic-messages", 401, f"bad key {KEY}"))
    answer = ask(front, client, "anthropic-messages")
    assert answer.status in (500, 502)
    assert KEY.encode() not in answer.body
    front.upstream.reply(json_reply({"tokens": 3}))
    assert ask(front, client, "anthropic-messages").status in (500, 502)
    assert front.call("POST", path_of(client, "none"), body_of(client, "none")).status == 404
    assert front.call("POST", path_of(client, "demo"), b"[").status == 400
    assert front.call("POST", path_of(client, "demo"), body_of(client, "demo"), key="wrong").status == 401


@pytest.mark.parametrize("client", CLIENTS)
def test_the_next_candidate_counts_when_the_first_is_down(front, client):
    front.upstream.reply(error_reply("anthropic-messages", 529, "overloaded"), json_reply(ANSWERS["gemini"]))
    answer = ask(front, client, "two")
    assert (answer.json(), answer.headers["twoapi-attempts"]) == (ANSWERS[client], "2")
    assert [request.path for request in front.upstream.requests] == [
        SENT["anthropic-messages"],
        # A relay goes to the version that the client asked for.
        SENT["gemini"],
    ]


def test_what_is_asked_of_the_same_protocol_is_relayed_with_its_flags(front):
    front.upstream.reply(json_reply({"input_tokens": 7, "context_management": {"original_input_tokens": 9}}))
    body = {**body_of("anthropic-messages", "anthropic-messages"), "future_field": {"a": 1}}
    answer = front.call("POST", "/v1/messages/count_tokens?beta=true", body, {"anthropic-beta": "x-1"})
    assert answer.json()["context_management"] == {"original_input_tokens": 9}
    (request,) = front.upstream.requests
    assert (request.path, request.query) == ("/v1/messages/count_tokens", "beta=true")
    assert (request.headers["anthropic-beta"], request.json()["future_field"]) == ("x-1", {"a": 1})


def test_counts_leave_records_and_no_usage(front):
    front.gateway.wait(lambda: not front.gateway.worker.records)
    front.gateway.collected.records.clear()
    ask(front, "gemini", "demo")
    front.gateway.wait(lambda: bool(front.gateway.collected.records))
    (record,) = front.gateway.collected.records
    assert (record.protocol, record.model, record.status, record.usage) == ("gemini", "demo", 200, None)
    assert front.gateway.worker.running == 0


def test_a_client_that_leaves_lets_go_of_the_upstream(front):
    front.upstream.reply(hanging_reply())
    body = b'{"model":"anthropic-messages","messages":[{"role":"user","content":"hi"}]}'
    with front.gateway.connect() as sock:
        sock.sendall(
            b"POST /v1/messages/count_tokens HTTP/1.1\r\nhost: x\r\nx-api-key: %s\r\ncontent-length: %d\r\n\r\n%s"
            % (KEY.encode(), len(body), body)
        )
        front.upstream.wait(lambda upstream: len(upstream.requests) == 1)
        before = len(front.upstream.disconnects)
    front.upstream.wait(lambda upstream: len(upstream.disconnects) > before)
    front.gateway.wait(lambda: front.gateway.worker.running == 0)
