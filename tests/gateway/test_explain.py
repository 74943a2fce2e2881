"""POST /api/explain says what would become of a request, and sends nothing."""

import json
from decimal import Decimal

import pytest
from tests.gateway.wire import ALIASES, PROTOCOLS, path

from twoapi.config import parse
from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.testing.canned import request_body

ENVELOPE = "/api/explain"


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", PROTOCOLS)
def test_every_pair_is_explained_and_nothing_is_sent(running, client, upstream):
    alias = ALIASES[upstream]
    answer = running.post(client, request_body(client, alias), path=ENVELOPE + path(client, alias))
    assert answer.status == 200, answer
    told = answer.json()
    assert (told["protocol"], told["model"], told["stream"]) == (client, alias, False)
    assert told["input_tokens"] > 0
    [choice] = told["candidates"]
    assert choice["why"] == f"the alias {alias} stands for it"
    assert choice["way"] == ("relay" if client == upstream else "convert")
    assert choice["because"] == (None if client == upstream else "protocol")
    assert choice["request"]["url"].startswith(running.one.base_url(upstream))
    assert "hi" in json.dumps(choice["request"]["body"])
    assert "key-a" not in answer.body.decode()
    assert running.one.requests == []


def test_the_candidates_come_in_order_with_what_each_would_lose(running):
    asked = {**request_body("openai-chat", "messages-both"), "seed": 7}
    answer = running.post("openai-chat", {"protocol": "openai-chat", "request": asked}, path=ENVELOPE)
    first, second = answer.json()["candidates"]
    assert first["why"] == "the alias messages-both asks it first"
    assert second["why"] == "the alias messages-both asks it when those before it fail"
    assert {loss["path"]: loss["kind"] for loss in first["losses"]}["/seed"] == "dropped"
    assert first["cost"] is None
    assert not first["rejected"]


def test_sealed_state_is_no_secret_reason(running):
    asked = {**request_body("openai-chat", "chat"), "user": SEAL_PREFIX}
    [choice] = running.post("openai-chat", asked, path=ENVELOPE + path("openai-chat", "chat")).json()["candidates"]
    assert (choice["way"], choice["because"]) == ("convert", "sealed")


def test_a_request_that_only_some_understand_is_explained_for_all(bench):
    text = """
upstreams:
  far: {{provider: gemini-compatible, base_url: "{far}"}}
  near: {{provider: openai-compatible, base_url: "{near}"}}
models: {{either: [far/m-1, near/m-2]}}
"""
    with bench() as ready:
        urls = {"far": ready.one.base_url("gemini"), "near": ready.two.base_url("openai-chat")}
        ready.gateway.publish(parse(text.format(**urls), "other.yaml", {}))
        ready.gateway.wait(lambda: "either" in ready.gateway.worker.snapshot.settings.models)
        asked = {"model": "either", "messages": [{"role": "oracle", "content": "hi"}]}
        answer = ready.post("openai-chat", asked, path=ENVELOPE + path("openai-chat", "either"))
    assert answer.status == 200, answer
    far, near = answer.json()["candidates"]
    assert far["refused"]["param"] == "/messages/0/role"
    assert (near["way"], near["request"]["body"]) == ("relay", {**asked, "model": "m-2"})


def test_what_would_be_refused_is_said_with_its_reason(running):
    asked = {**request_body("openai-chat", "messages"), "n": 2}
    headers = {"twoapi-on-loss": "reject"}
    told = running.post("openai-chat", {"protocol": "openai-chat", "request": asked}, headers, ENVELOPE).json()
    assert told["on_loss"] == "reject"
    assert told["candidates"][0]["refused"]["param"] == "/n"
    asked = {**request_body("openai-chat", "messages"), "seed": 7}
    told = running.post("openai-chat", {"protocol": "openai-chat", "request": asked}, headers, ENVELOPE).json()
    assert told["candidates"][0]["rejected"]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"no json", 400, None),
        ({"protocol": "smoke", "request": {}}, 400, "/protocol"),
        ({"protocol": "openai-chat"}, 400, None),
        ({"protocol": "openai-chat", "request": {"model": "messages"}}, 400, None),
        ({"protocol": "openai-chat", "request": {"model": "nobody", "messages": []}}, 404, "model"),
    ],
)
def test_a_wrong_question_is_an_error(running, body, status, param):
    answer = running.post("openai-chat", body, path=ENVELOPE)
    assert answer.status == status
    assert answer.json()["error"]["message"]
    if param is not None:
        assert answer.json()["error"]["param"] == param


def test_a_key_is_needed_and_errors_have_the_clients_form(bench):
    with bench("keys: [sk-somebody-0123456789]") as ready:
        body = request_body("anthropic-messages", "messages")
        headers = {"anthropic-version": "2023-06-01"}
        answer = ready.post("anthropic-messages", body, headers, f"{ENVELOPE}/v1/messages")
        assert answer.status == 401
        assert answer.json()["error"]["type"] == "authentication_error"
        headers["x-api-key"] = "sk-somebody-0123456789"
        assert ready.post("anthropic-messages", body, headers, f"{ENVELOPE}/v1/messages").status == 200
        assert ready.post("anthropic-messages", body, headers, f"{ENVELOPE}/v1/nothing").status == 404
        assert ready.post("anthropic-messages", body, headers, "/api/other").status == 404


def test_what_a_request_costs_is_estimated(running):
    priced = {**request_body("openai-chat", "priced"), "max_tokens": 1000}
    told = running.post("openai-chat", priced, path=ENVELOPE + "/v1/chat/completions").json()
    tokens, [choice] = told["input_tokens"], told["candidates"]
    assert (Decimal(choice["cost"]["input"]), Decimal(choice["cost"]["at_most"])) == (
        tokens * Decimal("2.5") / 1_000_000,
        (tokens * Decimal("2.5") + 1000 * 10) / 1_000_000,
    )
    unpriced = running.post("openai-chat", request_body("openai-chat", "chat"), path=ENVELOPE + "/v1/chat/completions")
    assert unpriced.json()["candidates"][0]["cost"] is None
