"""Traps 122 to 124: errors of upstreams, and keys of clients, through a running gateway."""

import pytest
from tests.peers.gateways import asks, each_pair, each_protocol, post
from tests.traps.conversion import CHAT, GEMINI, MESSAGES, RESPONSES, Json

from twoapi.testing.canned import whole
from twoapi.testing.replies import error_reply, json_reply

RATE_LIMITS: dict[str, dict[str, Json]] = {
    CHAT: {"type": "requests", "code": "rate_limit_exceeded"},
    RESPONSES: {"type": "requests", "code": "rate_limit_exceeded"},
    MESSAGES: {"type": "rate_limit_error"},
    GEMINI: {"code": 429, "status": "RESOURCE_EXHAUSTED"},
}


@each_pair
def test_122_a_rate_limit_keeps_its_status_and_its_wait(running, client, upstream):
    running.two.reply(error_reply(upstream, 429, "slow down", retry_after="7"))

    answer = post(running, asks(client, upstream, "2/m-2", stream=False))

    error = answer.json()["error"]
    assert (answer.status, answer.headers["retry-after"], error["message"]) == (429, "7", "slow down")
    assert {name: error[name] for name in RATE_LIMITS[client]} == RATE_LIMITS[client]


@each_protocol
def test_122_a_wait_that_only_a_body_tells_is_in_the_header_too(running, client):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"}
    error = {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": [retry]}
    running.two.reply(json_reply({"error": error}, 429))

    answer = post(running, asks(client, GEMINI, "2/m-2", stream=False))

    assert (answer.status, answer.headers["retry-after"]) == (429, "13")
    if client == GEMINI:
        assert answer.json() == {"error": error}


@pytest.mark.parametrize(
    ("client", "status", "error"),
    [
        (CHAT, 503, {"message": "busy", "type": "server_error", "param": None, "code": "overloaded"}),
        (RESPONSES, 503, {"message": "busy", "type": "server_error", "param": None, "code": "overloaded"}),
        (MESSAGES, 529, {"type": "overloaded_error", "message": "busy"}),
        (GEMINI, 503, {"code": 503, "message": "busy", "status": "UNAVAILABLE"}),
    ],
)
def test_123_an_overloaded_upstream_is_told_in_the_clients_own_status(running, client, status, error):
    running.one.handler = lambda _: error_reply(MESSAGES, 529, "busy")

    answer = post(running, asks(client, MESSAGES, stream=False))

    assert (answer.status, answer.json()["error"]) == (status, error)


KEYS = {
    "bearer": ({"authorization": "Bearer the-key"}, ""),
    "x-api-key": ({"x-api-key": "the-key"}, ""),
    "x-goog-api-key": ({"x-goog-api-key": "the-key"}, ""),
    "query": ({}, "?key=the-key"),
}


@each_pair
def test_124_a_client_key_is_taken_from_everywhere_and_never_sent_on(bench, client, upstream):
    asked = asks(client, upstream, stream=False)
    with bench("keys: [the-key]") as ready:
        ready.one.reply(*[whole(upstream)] * len(KEYS))
        for headers, query in KEYS.values():
            assert ready.post(client, asked.body, headers, asked.path + query).status == 200
        assert post(ready, asked).status == 401
        wrong = post(ready, asked, {"x-api-key": "another"})
        sent = [f"{r.path}?{r.query} {r.header_list} {r.body.decode()}" for r in ready.one.requests]

    assert len(sent) == len(KEYS)
    assert [request for request in sent if "the-key" in request] == []
    assert wrong.status == 401
    assert "another" not in wrong.body.decode()
