"""Several credentials and several candidates: who is asked next, and when nobody is."""

from contextlib import contextmanager

import pytest
from tests.gateway.wire import ALIASES, SPEAKS, error_frame, frames

from twoapi.config import parse
from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.testing.canned import request_body, stream, whole
from twoapi.testing.replies import (
    error_reply,
    hidden_error_reply,
    html_reply,
    json_reply,
    malformed_json_reply,
    sse_reply,
)


def keys(fake):
    return [
        r.headers.get("authorization", "").removeprefix("Bearer ")
        or r.headers.get("x-api-key")
        or r.headers["x-goog-api-key"]
        for r in fake.requests
    ]


def test_credentials_take_turns(running, pair):
    client, upstream = pair
    running.one.reply(*[whole(upstream)] * 4)
    for _ in range(4):
        assert running.ask(client, ALIASES[upstream]).status == 200
    assert sorted(keys(running.one)) == ["key-a", "key-a", "key-b", "key-b"]
    assert running.one.connections == 1


def test_a_rate_limited_credential_hands_over_to_the_next(running, pair):
    client, upstream = pair
    running.one.reply(error_reply(upstream, 429, retry_after="7"), whole(upstream, "second"))
    answer = running.ask(client, ALIASES[upstream])
    assert answer.status == 200
    assert b"second" in answer.body
    assert len(set(keys(running.one))) == 2
    assert answer.headers["twoapi-attempts"] == "2"


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", ["refused", "500", "529", "html", "hidden", "malformed"])
def test_the_next_candidate_answers(running, pair, fault, streaming):
    client, upstream = pair
    first = {
        "500": error_reply(upstream, 500),
        "529": error_reply(upstream, 529),
        "html": html_reply(502),
        "hidden": hidden_error_reply(upstream),
        "malformed": malformed_json_reply(),
    }
    if fault == "refused":
        running.one.refuse()
    else:
        running.one.reply(*[first[fault]] * 2)
    running.two.reply(stream(upstream, "from two") if streaming else whole(upstream, "from two"))
    answer = running.ask(client, ALIASES[upstream] + "-both", stream=streaming)
    assert answer.status == 200, answer
    assert b"from two" in answer.body
    assert answer.headers["twoapi-upstream"] == f"{ALIASES[upstream]}2/m-2"
    asked = running.two.requests[0]
    assert ("m-2" in asked.path) if upstream == "gemini" else (asked.json()["model"] == "m-2")


@pytest.mark.parametrize("body", [{"message": "gone wrong"}, {}], ids=["words", "nothing"])
def test_a_200_without_an_answer_is_none_though_it_is_relayed(running, pair, body):
    client, upstream = pair
    running.one.reply(json_reply(body))
    running.two.reply(whole(upstream, "from two"))
    answer = running.ask(client, ALIASES[upstream] + "-both")
    assert answer.status == 200, answer
    assert b"from two" in answer.body


def test_an_error_hidden_in_the_first_frame_of_a_stream_falls_back(running, pair):
    client, upstream = pair
    running.one.reply(*[sse_reply([error_frame(upstream, "busy", overloaded=True)])] * 2)
    running.two.reply(stream(upstream, "from two"))
    answer = running.ask(client, ALIASES[upstream] + "-both", stream=True)
    assert answer.status == 200
    assert b"from two" in answer.body
    assert b"busy" not in answer.body


def test_a_stream_that_dies_before_it_says_anything_falls_back(running, pair):
    client, upstream = pair
    running.one.reply(*[sse_reply(frames[upstream]("x")[: min(1, SPEAKS[upstream] - 1)])] * 2)
    running.two.reply(stream(upstream, "from two"))
    answer = running.ask(client, ALIASES[upstream] + "-both", stream=True)
    assert answer.status == 200
    assert b"from two" in answer.body


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_the_clients_own_mistake_is_not_tried_elsewhere(running, pair, status):
    client, upstream = pair
    running.one.reply(error_reply(upstream, status, "your mistake"))
    answer = running.ask(client, ALIASES[upstream] + "-both")
    assert answer.status in (status, 400)
    assert "your mistake" in answer.json()["error"]["message"]
    assert len(running.one.requests) == 1
    assert running.two.requests == []


def test_the_last_rate_limit_reaches_the_client_with_its_wait(running, pair):
    client, upstream = pair
    running.one.reply(*[error_reply(upstream, 429, retry_after="7")] * 2)
    answer = running.ask(client, ALIASES[upstream])
    assert answer.status == 429
    assert answer.headers["retry-after"] == "7"


def test_a_refused_credential_of_ours_is_a_502_that_names_the_place_and_not_the_value(running, pair):
    client, upstream = pair
    running.one.reply(*[error_reply(upstream, 401, "bad key key-a")] * 2)
    answer = running.ask(client, ALIASES[upstream])
    assert answer.status == 502
    message = answer.json()["error"]["message"]
    assert f"{ALIASES[upstream]}1" in message
    assert "credentials." in message
    assert "key-a" not in answer.body.decode()
    assert "key-b" not in answer.body.decode()


def test_what_one_candidates_protocol_cannot_carry_the_next_one_answers(bench):
    with bench() as ready:
        text = """
upstreams:
  claude: {{provider: anthropic-compatible, base_url: "{claude}"}}
  gpt: {{provider: openai-compatible, base_url: "{gpt}"}}
models: {{either: [claude/m-1, gpt/m-2]}}
"""
        urls = {"claude": ready.one.base_url("anthropic-messages"), "gpt": ready.one.base_url("openai-chat")}
        ready.gateway.publish(parse(text.format(**urls), "other.yaml", {}))
        ready.gateway.wait(lambda: "either" in ready.gateway.worker.snapshot.settings.models)
        ready.one.reply(whole("openai-chat", "from chat"))
        answer = ready.post("openai-chat", {**request_body("openai-chat", "either"), "n": 2})
    assert answer.status == 200, answer
    assert answer.headers["twoapi-upstream"] == "gpt/m-2"
    assert [request.path for request in ready.one.requests] == ["/v1/chat/completions"]


def test_wrong_connection_settings_hand_over_and_leave_nothing_behind(bench):
    with bench() as ready:
        text = """
upstreams:
  far: {{provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", client_cert: /nowhere/cert.pem}}
  near: {{provider: openai-compatible, base_url: "{url}"}}
models: {{either: [far/m-1, near/m-2]}}
"""
        ready.gateway.publish(parse(text.format(url=ready.one.base_url("openai-chat")), "other.yaml", {}))
        ready.gateway.wait(lambda: "either" in ready.gateway.worker.snapshot.settings.models)
        ready.one.reply(whole("openai-chat", "from near"))
        answer = ready.post("openai-chat", request_body("openai-chat", "either"))
        assert answer.status == 200, answer
        assert answer.headers["twoapi-upstream"] == "near/m-2"
        ready.gateway.wait(lambda: not ready.gateway.worker.active)


@pytest.mark.parametrize("client", ["openai-chat", "openai-responses", "anthropic-messages"])
def test_a_large_request_that_fell_back_to_its_own_protocol_arrives_whole(bench, client):
    """It was decoded at once, for the first candidate: what a relay needs of it had not been looked at."""
    foreign = "gemini"
    with bench() as ready:
        text = """
upstreams:
  far: {{provider: gemini-compatible, base_url: "{far}"}}
  near: {{provider: {provider}, base_url: "{near}"}}
models: {{either: {{candidates: [far/m-1, near/m-2], retries: 0}}}}
"""
        provider = {
            "openai-chat": "openai-compatible",
            "openai-responses": "openai-responses-compatible",
            "anthropic-messages": "anthropic-compatible",
        }[client]
        urls = {"far": ready.one.base_url(foreign), "near": ready.two.base_url(client)}
        ready.gateway.publish(parse(text.format(provider=provider, **urls), "other.yaml", {}))
        ready.gateway.wait(lambda: "either" in ready.gateway.worker.snapshot.settings.models)
        asked = request_body(client, "either", text="word " * 4000)
        for _ in range(2):  # the second time it is known that the first candidate converts
            ready.one.reply(error_reply(foreign, 500))
            ready.two.reply(whole(client, "from near"))
            answer = ready.post(client, asked)
            assert answer.status == 200, answer
            assert ready.two.requests[-1].json() == {**asked, "model": "m-2"}


BOTH = """
upstreams:
  far: {{provider: {far}, base_url: "{one}"}}
  near: {{provider: {near}, base_url: "{two}"}}
models: {{either: {{candidates: [far/m-1, near/m-2], retries: 0}}}}
"""
PROVIDERS = {
    "openai-chat": "openai-compatible",
    "openai-responses": "openai-responses-compatible",
    "anthropic-messages": "anthropic-compatible",
    "gemini": "gemini-compatible",
}


@pytest.fixture
def between(bench):
    """A gateway whose model `either` is answered by two upstreams of these protocols."""

    @contextmanager
    def make(far, near):
        with bench() as ready:
            urls = {"one": ready.one.base_url(far), "two": ready.two.base_url(near)}
            text = BOTH.format(far=PROVIDERS[far], near=PROVIDERS[near], **urls)
            ready.gateway.publish(parse(text, "other.yaml", {}))
            ready.gateway.wait(lambda: "either" in ready.gateway.worker.snapshot.settings.models)
            yield ready

    return make


@pytest.mark.parametrize("text", ["hi", "word " * 4000], ids=["small", "large"])
def test_what_only_the_upstream_of_its_protocol_understands_reaches_it(between, text):
    """The gateway cannot decode the request, whatever its length, so it cannot convert it for the first."""
    asked = {"model": "either", "messages": [{"role": "oracle", "content": text}]}
    with between("gemini", "openai-chat") as ready:
        for _ in range(2):  # the second time it is known that the first candidate converts
            ready.two.reply(whole("openai-chat", "from near"))
            answer = ready.post("openai-chat", asked)
            assert answer.status == 200, answer
            assert ready.two.requests[-1].json() == {**asked, "model": "m-2"}
        assert ready.one.requests == []


def test_state_that_one_upstream_refuses_is_still_for_the_next(between):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmF0dXJl"}
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [thought]}]
    asked = {**request_body("anthropic-messages", "either"), "messages": [*turns, {"role": "user", "content": "so?"}]}
    with between("anthropic-messages", "anthropic-messages") as ready:
        refusal = error_reply("anthropic-messages", 400, "Invalid `signature` in `thinking` block")
        ready.one.reply(refusal, error_reply("anthropic-messages", 500))
        ready.two.reply(whole("anthropic-messages", "from near"))
        answer = ready.post("anthropic-messages", asked)
        assert answer.headers["twoapi-attempts"] == "3"
        assert b"signature" not in ready.one.requests[1].body
        assert ready.two.requests[0].json() == {**asked, "model": "m-2"}


def test_what_one_candidate_would_lose_is_not_told_of_anothers_failure(between):
    asked = {**request_body("openai-chat", "either"), "seed": 7}
    with between("anthropic-messages", "openai-chat") as ready:
        ready.two.reply(error_reply("openai-chat", 500))
        answer = ready.post("openai-chat", asked, {"twoapi-on-loss": "reject"})
    assert answer.status == 500
    assert "twoapi-losses" not in answer.headers


def test_sealed_state_goes_nowhere_though_the_turn_it_belongs_to_is_unknown(running):
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEAL_PREFIX + "b3BhcXVl"}
    asked = {"model": "responses", "previous_response_id": "resp_elsewhere", "input": [thought]}
    running.one.reply(whole("openai-responses"))
    answer = running.post("openai-responses", asked)
    assert [request.body for request in running.one.requests] == []
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "previous_response_not_found"
