"""Calls from web pages: whose pages may, what their browsers are told, and what an open gateway refuses."""

import pytest
from tests.server.front import Front, running_front

from twoapi.config import ConfigError, parse
from twoapi.testing.canned import request_body, stream, whole
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway

ALLOW = "access-control-allow-origin"
PAGE = "https://app.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
BODY = request_body("openai-chat", "openai-chat")
LOCAL = ["http://localhost:3000", "http://127.0.0.1", "https://localhost", "http://[::1]:5173"]
FOREIGN = ["https://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80", "null", ""]


def test_pages_of_this_machine_may_call_unless_something_else_is_said(front):
    for origin in LOCAL:
        front.upstream.reply(whole("openai-chat"))
        answer = front.call("POST", "/v1/chat/completions", BODY, {"origin": origin})
        assert (answer.status, answer.headers[ALLOW], answer.headers["vary"]) == (200, origin, "origin")


@pytest.mark.parametrize("origin", FOREIGN)
def test_other_pages_cannot_read_the_answer(front, origin):
    front.upstream.reply(whole("openai-chat"))
    answer = front.call("POST", "/v1/chat/completions", BODY, {"origin": origin})
    assert (answer.status, ALLOW in answer.headers) == (200, False)
    asked = front.call("OPTIONS", "/v1/chat/completions", headers={"origin": origin, **PREFLIGHT}, key=None)
    assert (asked.status, ALLOW in asked.headers) == (405, False)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1beta/models/m:generateContent", "/v1/models", "/nowhere"])
def test_a_browser_that_asks_first_is_answered_without_a_key(front, path):
    sent = {"origin": LOCAL[0], **PREFLIGHT, "access-control-request-private-network": "true"}
    asked = front.call("OPTIONS", path, headers=sent, key=None)
    assert (asked.status, asked.body) == (200, b"")
    assert asked.headers[ALLOW] == LOCAL[0]
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "DELETE" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-private-network"] == "true"
    del sent["access-control-request-private-network"]
    assert "access-control-allow-private-network" not in front.call("OPTIONS", path, headers=sent).headers


def test_streams_errors_and_lists_are_readable_too(front):
    page = {"origin": LOCAL[0]}
    front.upstream.reply(stream("openai-chat", "a"))
    streamed = front.call("POST", "/v1/chat/completions", {**BODY, "stream": True}, page)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    answers = [
        streamed,
        front.call("POST", "/v1/chat/completions", b"[", page),
        front.call("POST", "/v1/chat/completions", BODY, page, key="wrong"),
        front.call("GET", "/v1/models", headers=page),
        front.call("POST", "/v1/messages/count_tokens", request_body("anthropic-messages", "demo"), page),
    ]
    assert [answer.status for answer in answers] == [200, 400, 401, 200, 200]
    assert {answer.headers[ALLOW] for answer in answers} == {LOCAL[0]}
    assert {answer.headers["access-control-expose-headers"] for answer in answers} == {"*"}


def test_who_is_no_page_is_told_nothing(front):
    assert ALLOW not in front.call("GET", "/v1/models").headers
    assert front.call("OPTIONS", "/v1/models").status == 405


@pytest.mark.parametrize(
    ("setting", "allowed", "refused"),
    [
        (f"[{PAGE}, 'chrome-extension://abc']", [PAGE, "chrome-extension://abc"], [*FOREIGN, *LOCAL, PAGE + ".x"]),
        ("['*']", [PAGE, *LOCAL, "null"], []),
        ("[]", [], [PAGE, *LOCAL]),
    ],
)
def test_the_operator_lists_whose_pages_may(setting, allowed, refused):
    with running_front(f"origins: {setting}") as front:
        for origin in allowed:
            assert front.call("GET", "/v1/models", headers={"origin": origin}).headers[ALLOW] == origin
        for origin in refused:
            assert ALLOW not in front.call("GET", "/v1/models", headers={"origin": origin}).headers


def test_a_gateway_without_keys_serves_no_foreign_page():
    text = "listen: 127.0.0.1:0\nupstreams: {demo: {provider: demo}}"
    with FakeUpstream() as upstream, RunningGateway(parse(text, "open.yaml", {})) as gateway:
        front = Front(gateway, upstream)
        body = request_body("openai-chat", "demo")
        # A form's content type needs no preflight.
        sent = {"origin": "https://evil.example", "content-type": "text/plain"}
        answer = front.call("POST", "/v1/chat/completions", body, sent, key=None)
        assert (answer.status, b"origins" in answer.body) == (403, True)
        for origin in (*LOCAL, "vscode-webview://x", "file://"):
            served = front.call("POST", "/v1/chat/completions", body, {"origin": origin}, key=None)
            assert served.status == 200


@pytest.mark.parametrize("origin", ["app.example", "https://app.example/", "https://", "https://a.example/path", "**"])
def test_what_is_no_origin_is_told_when_the_configuration_is_read(origin):
    with pytest.raises(ConfigError, match=r"origins\.0: expected a scheme, a host"):
        parse(f"origins: ['{origin}']", "test.yaml", {})
