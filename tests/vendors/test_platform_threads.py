"""Message threads before services of Claude's protocol that keep none: the gateway keeps them, as before any other."""

import httpx
import pytest
from tests.vendors.clouds import MESSAGES, VERSION, Json, platform, post

from twoapi.testing.canned import whole
from twoapi.testing.running_gateway import RunningGateway

QUESTION = {"role": "user", "content": "hi"}
FLAG = {"anthropic-version": VERSION, "anthropic-beta": "message-threads-2026-08-12"}
REGION = "credentials: [k], options: {region: eu-west-1}"
PLACE = "auth: bearer, credentials: [k], options: {project: p, region: europe-west1}"
WITHOUT = {
    "bedrock": ("anthropic-bedrock", "us.anthropic.claude-opus-4-8-v1:0", REGION),
    "mantle": ("anthropic-bedrock-mantle", "anthropic.claude-opus-4-8", REGION),
    "vertex": ("anthropic-vertex", "claude-opus-4-8", PLACE),
    "foundry": ("anthropic-foundry", "claude-opus-4-8", "credentials: [k]"),
    "an operator's": ("anthropic-compatible", "m-1", "credentials: [k], capabilities: {threads: false}"),
}


def ask(gateway: RunningGateway, thread: Json) -> httpx.Response:
    body = {"model": "conf", "max_tokens": 100, "messages": [QUESTION], "thread": thread}
    return post(gateway, "/v1/messages?beta=true", FLAG, body)


@pytest.mark.parametrize("name", WITHOUT)
def test_a_thread_is_kept_for_a_service_that_keeps_none(name: str) -> None:
    provider, model, settings = WITHOUT[name]
    with platform(provider, MESSAGES, model, settings) as (fake, gateway):
        fake.reply(whole(MESSAGES, "hello"), whole(MESSAGES, "again"))
        first = ask(gateway, {"type": "create"})
        second = ask(gateway, {"type": "continue", "previous_message_id": first.json()["id"]})
    assert (first.status_code, second.status_code) == (200, 200)
    bodies = [request.json() for request in fake.requests]
    assert [body for body in bodies if "thread" in body] == []
    assert [[said["role"] for said in body["messages"]] for body in bodies] == [["user"], ["user", "assistant", "user"]]


@pytest.mark.parametrize("name", WITHOUT)
def test_a_thread_that_nobody_keeps_is_said_so_that_the_client_sends_it_anew(name: str) -> None:
    provider, model, settings = WITHOUT[name]
    with platform(provider, MESSAGES, model, settings) as (fake, gateway):
        answer = ask(gateway, {"type": "continue", "previous_message_id": "msg_none"})
    assert (answer.status_code, answer.json()["error"]["details"]["error_code"]) == (404, "thread_not_found")
    assert fake.requests == []


def test_the_vendors_own_service_keeps_its_threads() -> None:
    with platform("anthropic", MESSAGES, "claude-opus-4-8", "credentials: [k]") as (fake, gateway):
        fake.reply(whole(MESSAGES, "hello"), whole(MESSAGES, "again"))
        for thread in ({"type": "create"}, {"type": "continue", "previous_message_id": "msg_theirs"}):
            ask(gateway, thread)
            assert fake.requests[-1].json()["thread"] == thread
