"""Faults of upstreams, and what clients of each path are told of them."""

import pytest
from tests.operations.lab import KEY, UPSTREAM_KEY, Lab

from twoapi.testing.replies import (
    Reply,
    error_reply,
    hanging_reply,
    hidden_error_reply,
    html_reply,
    json_reply,
    malformed_json_reply,
)
from twoapi.testing.services.truth import vector

# path -> a body for a model
ASKED: dict[str, dict[str, object]] = {
    "/v1/embeddings": {"input": "a"},
    "/openai/v1/embeddings": {"input": "a"},
    "/v1/moderations": {"input": "a"},
    "/v1/completions": {"prompt": "a"},
    "/v1/images/generations": {"prompt": "a"},
    "/v1/audio/speech": {"input": "a", "voice": "v"},
    "/v1/rerank": {"query": "a", "documents": ["a"]},
    "/v2/rerank": {"query": "a", "documents": ["a"]},
    "/v2/embed": {"texts": ["a"], "input_type": "search_query"},
}
GOOGLE = {"content": {"parts": [{"text": "a"}]}}
FAULTS = {
    "hidden error": hidden_error_reply("openai-chat"),
    "malformed": malformed_json_reply(),
    "another object": json_reply({"answer": 42}),
    "a list": json_reply([]),
    "cut": json_reply({"data": [], "results": [], "choices": []}).failing(cut_at=5),
    "500": error_reply("openai-chat", 500),
    "503": html_reply(503),
    "empty": Reply(),
}
each_path = pytest.mark.parametrize("path", ASKED)


def message_of(path: str, answer) -> str:
    """The words of an error in the format of the path's clients."""
    body = answer.json()
    if path.startswith("/v2/"):
        assert set(body) == {"message", "id"}
        return body["message"]
    if ":" in path:
        assert set(body["error"]) >= {"code", "message", "status"}
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]["message"]


@each_path
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_upstream_is_answered_in_the_clients_format(lab: Lab, path: str, fault: str) -> None:
    lab.upstream.reply(FAULTS[fault])
    answer = lab.call(path, {"model": "once", **ASKED[path]})
    if path.endswith("/speech") and fault in ("another object", "a list", "cut", "empty"):
        return  # what JSON means there is the vendor's affair
    assert answer.status >= 500, answer
    assert message_of(path, answer)
    assert answer.headers["twoapi-attempts"] == "1"


def test_a_failure_leaves_a_record(lab: Lab) -> None:
    lab.upstream.reply(error_reply("openai-chat", 500))
    lab.call("/v1/embeddings", {"model": "once", "input": "a"})
    record = lab.record()
    assert (record.operation, record.outcome, record.usage, record.attempts) == ("embeddings", "failed", None, 1)


@each_path
def test_the_gateways_own_refusals(lab: Lab, path: str) -> None:
    unknown = lab.call(path, {"model": "none/x", **ASKED[path]})
    assert (unknown.status, "none/x" in message_of(path, unknown)) == (404, True)
    keyless = lab.call(path, {"model": "once"}, {"authorization": "Bearer nobody"})
    assert (keyless.status, "key" in message_of(path, keyless)) == (401, True)
    broken = lab.call(path, b'{"model": ')
    assert (broken.status, bool(message_of(path, broken))) == (400, True)


def test_google_clients_read_their_own_errors(lab: Lab) -> None:
    path = "/v1beta/models/once:embedContent"
    lab.upstream.reply(error_reply("openai-chat", 429, "slow down", retry_after="7"))
    answer = lab.call(path, GOOGLE)
    assert (answer.status, message_of(path, answer)) == (429, "slow down")
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_next_candidate_answers_in_its_own_shape(lab: Lab, status: int) -> None:
    lab.upstream.reply(error_reply("openai-chat", status))
    answer = lab.call("/v1/embeddings", {"model": "either", "input": ["a"]})
    assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "2")
    assert answer.headers["twoapi-upstream"] == "gemini/m-1"
    assert [one["embedding"] for one in answer.json()["data"]] == [vector("a")]


def test_only_failures_in_a_row_speak_against_a_candidate(lab: Lab) -> None:
    asked = ("/v1/embeddings", {"model": "either", "input": ["a"]})
    for fails in (True, True, False, True, True, False):
        if fails:
            lab.upstream.reply(error_reply("openai-chat", 500))
        answer = lab.call(*asked)
        assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "2" if fails else "1")
    for attempts in ("2", "2", "2", "1"):
        if attempts == "2":
            lab.upstream.reply(error_reply("openai-chat", 500))
        answer = lab.call(*asked)
        assert (answer.headers["twoapi-attempts"], answer.headers["twoapi-upstream"]) == (attempts, "gemini/m-1")


def test_a_candidate_that_cannot_carry_it_is_passed_over(lab: Lab) -> None:
    lab.upstream.reply(error_reply("openai-chat", 503))
    answer = lab.call("/v1/embeddings", {"model": "either", "input": [[1, 2]]})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "/input/0")  # the last word
    assert len(lab.upstream.requests) == 1


def test_a_refused_credential_is_followed_by_the_next_one(lab: Lab) -> None:
    for _ in range(3):
        answer = lab.call("/v1/embeddings", {"model": "two-keys/m-1", "input": ["a"]})
        assert answer.status == 200
    sent = [request.headers["authorization"] for request in lab.upstream.requests]
    assert sent.count("Bearer wrong-key") >= 1
    assert sent.count("Bearer upstream-key") == 3


def test_an_upstreams_credential_is_never_told(lab: Lab) -> None:
    lab.upstream.reply(error_reply("openai-chat", 401, f"bad key {UPSTREAM_KEY}"))
    answer = lab.call("/v1/embeddings", {"model": "once", "input": ["a"]})
    assert answer.status == 502
    assert UPSTREAM_KEY.encode() not in answer.body
    assert KEY.encode() not in lab.upstream.requests[0].body


@pytest.mark.parametrize("model", ["bedrock/titan-embed/..", "gemini/../x", "vertex/.."])
def test_a_name_that_would_lead_elsewhere_is_no_model(lab: Lab, model: str) -> None:
    answer = lab.call("/v1/embeddings", {"model": model, "input": ["a"]})
    assert (answer.status, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert lab.upstream.requests == []


def test_the_words_of_another_vendor_are_not_taken_for_the_clients_own(lab: Lab) -> None:
    error = {"code": 400, "message": "no such size", "status": "INVALID_ARGUMENT", "details": []}
    lab.upstream.reply(json_reply({"error": error}))
    answer = lab.call("/v1/embeddings", {"model": "gemini/m-1", "input": ["a"]})
    assert (answer.status, message_of("/v1/embeddings", answer)) == (400, "no such size")


def test_an_upstream_that_does_not_offer_it(lab: Lab) -> None:
    for model in ("nothing/m-1", "demo/demo"):
        answer = lab.call("/v1/embeddings", {"model": model, "input": ["a"]})
        assert (answer.status, answer.json()["error"]["code"]) == (400, "operation_not_supported")
    assert lab.upstream.requests == []


def test_nothing_is_sent_that_would_lose_what_must_not_be_lost(lab: Lab) -> None:
    body = {"model": "kept", "input": ["a"], "user": "u"}
    refused = lab.call("/v1/embeddings", body)
    assert (refused.status, refused.json()["error"]["code"]) == (400, "conversion_loss")
    assert lab.upstream.requests == []
    assert lab.call("/v1/embeddings", body, {"twoapi-on-loss": "allow"}).status == 200


def test_a_client_that_leaves_lets_go_of_the_upstream(lab: Lab) -> None:
    lab.upstream.reply(hanging_reply())
    body = b'{"model":"once","input":"a"}'
    with lab.gateway.connect() as sock:
        sock.sendall(
            b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-length: %d\r\n\r\n%s"
            % (KEY.encode(), len(body), body)
        )
        lab.upstream.wait(lambda upstream: len(upstream.requests) == 1)
        before = len(lab.upstream.disconnects)
    lab.upstream.wait(lambda upstream: len(upstream.disconnects) > before)
    assert lab.record().outcome == "cancelled"


def test_lists_of_models_stay_as_they_are(lab: Lab) -> None:
    names = [model.id for model in lab.lenient.models.list()]
    assert "either" in names
    assert not [name for name in names if "embedding" in name]
