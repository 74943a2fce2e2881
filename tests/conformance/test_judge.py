"""The judge finds what a bad gateway does, and nothing at a good one."""

import json
from typing import Any

import pytest
from tests.conformance.conftest import Play
from tests.conformance.relay import Relay

from twoapi.conformance import NAMES, Check

Json = Any
each_protocol = pytest.mark.parametrize("protocol", NAMES)


def bad(checks: list[Check]) -> set[tuple[str, str, str]]:
    return {(check.scene, check.leaf, check.verdict) for check in checks if check.verdict != "right"}


@each_protocol
def test_a_faithful_relay_is_right_in_everything_but_what_it_cannot_know(protocol: str, play: Play):
    found = bad(play(protocol))
    # Broken answers go on as they are: a relay that does not look into a stream has no error to tell.
    assert {scene for scene, _, _ in found} <= {"the answer stops short"}


@each_protocol
def test_every_feature_has_checks(protocol: str, play: Play):
    checks = play(protocol, modes=("whole",))
    assert {check.feature for check in checks} == {
        "chat",
        "system",
        "multi-turn",
        "tools",
        "parallel tools",
        "tool results",
        "images",
        "documents",
        "reasoning replay",
        "structured output",
        "citations",
        "stop reasons",
        "usage",
        "truncation",
        "errors",
    }


def without(*path: str | int) -> Any:
    def change(body: Json) -> Json:
        body = json.loads(json.dumps(body))
        held = body
        for name in path[:-1]:
            if isinstance(held, dict) and name not in held:
                return body
            held = held[name]
        if isinstance(held, dict):
            held.pop(path[-1], None)
        return body

    return change


def test_what_does_not_arrive_is_silent(play: Play, relay: Relay):
    relay.request = without("max_completion_tokens")
    assert bad(play("openai-chat", "chat")) == {("chat", "max_tokens", "silent")}


def test_what_does_not_arrive_but_is_reported_is_declared(play: Play, relay: Relay):
    relay.request = without("max_completion_tokens")
    relay.headers = {"twoapi-loss-report": '[{"path": "/max_completion_tokens", "kind": "dropped"}]'}
    assert bad(play("openai-chat", "chat")) == {("chat", "max_tokens", "declared")}


def test_a_report_of_everything_declares_nothing(play: Play, relay: Relay):
    relay.request = without("max_completion_tokens")
    relay.headers = {"twoapi-loss-report": '[{"path": ""}, {"path": "/messages"}, {"path": "/seed"}]'}
    assert bad(play("openai-chat", "chat")) == {("chat", "max_tokens", "silent")}


def test_invented_text_is_wrong(play: Play, relay: Relay):
    def change(body: Json) -> Json:
        return {**body, "messages": [*body["messages"], {"role": "user", "content": "Please continue."}]}

    relay.request = change
    assert ("chat", "no other user text", "wrong") in bad(play("anthropic-messages", "chat"))


def test_what_the_vendor_would_refuse_is_wrong(play: Play, relay: Relay):
    relay.request = lambda body: {**body, "top_secret": 1}
    assert ("chat", "the upstream takes the request", "wrong") in bad(play("openai-responses", "chat"))


def test_swapped_results_are_wrong(play: Play, relay: Relay):
    def change(body: Json) -> Json:
        text = json.dumps(body).replace("c_rome", "c_x").replace("c_paris", "c_rome").replace("c_x", "c_paris")
        swapped = json.loads(text)
        calls = [message for message in swapped["messages"] if message.get("tool_calls")]
        for call in calls[0]["tool_calls"]:
            call["id"] = {"c_rome": "c_paris", "c_paris": "c_rome"}[call["id"]]
        return swapped

    relay.request = change
    found = bad(play("openai-chat", "tool results", modes=("whole",)))
    assert {leaf for _, leaf, verdict in found if verdict == "wrong"} == {"result for Paris", "result for Rome"}


@pytest.mark.parametrize(
    ("protocol", "said", "instead", "leaf"),
    [
        ("openai-chat", b"call_confP", b"call_confR", "number of calls"),
        ("openai-chat", b'"index":1', b'"index":2', "call 1"),
        ("openai-responses", b'"sequence_number":3', b'"sequence_number":7', "the answer is legal"),
        ("openai-responses", b"event: response.created", b"event: response.begun", "the answer is legal"),
        ("anthropic-messages", b"event: content_block_delta", b"event: content", "the answer is legal"),
        ("anthropic-messages", b'"stop_reason":"tool_use"', b'"stop_reason":"end_turn"', "stop reason tool_use"),
        ("gemini", b"data: ", b"data:", "the answer is legal"),
        ("gemini", b'"city":"Rome"', b'"city":"Roma"', "call 1"),
    ],
)
def test_a_stream_that_is_not_as_it_was_is_wrong(
    protocol: str, said: bytes, instead: bytes, leaf: str, play: Play, relay: Relay
):
    relay.answer = lambda data: data.replace(said, instead)
    assert leaf in {leaf for _, leaf, _ in bad(play(protocol, "parallel tools", modes=("stream",)))}


def test_a_normal_end_of_a_broken_answer_is_wrong(play: Play, relay: Relay):
    finish = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [finish]}
    ending = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(chunk).encode()

    def end(data: bytes) -> bytes:
        return data + ending

    relay.answer = end
    checks = play("openai-chat", "truncation", modes=("stream",))
    assert [check.note for check in checks if check.scene == "the answer stops short"] == ["it ends normally"]


def test_a_refusal_of_what_all_have_is_wrong_and_of_the_rest_refused(play: Play, relay: Relay):
    def refuse(body: Json) -> tuple[int, Json] | None:
        text = json.dumps(body)
        if "images.example" in text or "Turn two." in text:
            return 400, {"error": {"message": "not here", "type": "invalid_request_error", "param": None, "code": None}}
        return None

    relay.refuse = refuse
    checks = play("openai-chat", "images", "multi-turn", modes=("whole",))
    assert {check.verdict for check in checks if check.scene == "image by URL"} == {"refused"}
    assert {check.verdict for check in checks if check.scene == "multi-turn"} == {"wrong"}


def test_a_refusal_in_another_format_is_wrong(play: Play, relay: Relay):
    relay.refuse = lambda body: (400, {"detail": "no"}) if "images.example" in json.dumps(body) else None
    checks = play("openai-chat", "images", modes=("whole",))
    assert {check.verdict for check in checks if check.scene == "image by URL"} == {"wrong"}


def test_a_lost_signature_is_silent(play: Play, relay: Relay):
    def change(body: Json) -> Json:
        text = json.dumps(body).replace("c3RhdGUtb25lLVhYMQ==", "ZHVtbXk=")
        return json.loads(text)

    relay.request = change
    found = bad(play("anthropic-messages", "reasoning replay", modes=("whole",)))
    assert {(leaf, verdict) for _, leaf, verdict in found} == {
        ("turn 2: state 1", "silent"),
        ("turn 3: state 1", "silent"),
    }


def test_an_answer_that_comes_only_at_its_end_is_wrong(play: Play, relay: Relay):
    held: list[bytes] = []

    def hold(data: bytes) -> bytes:
        held.append(data)
        if b"[DONE]" not in data:
            return b""
        whole = b"".join(held)
        held.clear()
        return whole

    relay.answer = hold
    found = bad(play("openai-chat", "chat", modes=("stream",)))
    assert ("chat", "the answer arrives as it is made", "wrong") in found


def test_a_pair_that_is_refused_as_such_is_not_offered(relay: Relay, play: Play):
    relay.refuse = lambda body: (404, {"error": {"message": "no such path"}})
    with pytest.raises(AssertionError, match=r"openai-chat.*== \[\]"):
        play("openai-chat", "chat")
