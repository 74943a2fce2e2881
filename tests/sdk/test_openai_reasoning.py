"""Reasoning for a client that has no place for it in its protocol: extension fields, and the way back."""

from typing import Any

import pytest
from tests.sdk.openai_client import HOWS, ask, results, said, turn

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SIGNATURE = "c2lnbmF0dXJlIG9mIHRoZSB2ZW5kb3I="

each_way = pytest.mark.parametrize("how", HOWS)


@each_way
def test_reasoning_is_shown(lab, upstream, how):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE, final="Done.")
    answer = said(ask(lab, how, model=upstream))
    assert (answer["reasoning"], answer["content"]) == ("Let me think.", "Done.")


@each_way
def test_sealed_reasoning_comes_back_to_its_maker_unchanged(lab, how):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE, redacted="cmVkYWN0ZWQ=", calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    fields = {"model": "messages", "tools": [TOOL], "reasoning_effort": "high"}
    called = ask(lab, how, messages=[question], **fields)
    details = (called.choices[0].message.model_extra or {})["reasoning_details"]
    message = {**turn(called), "reasoning_details": details}
    answered = ask(lab, how, messages=[question, message, *results(called, "seen")], **fields)
    assert answered.choices[0].message.content == "seen"
    first, second = lab.sent()
    assert first["thinking"] == second["thinking"] == {"type": "adaptive"}
    assert second["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Let me think.", "signature": SIGNATURE},
        {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
    ]


@each_way
def test_a_client_that_forgets_the_reasoning_does_not_lose_it(lab, how):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE, redacted="cmVkYWN0ZWQ=", calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    fields = {"model": "messages", "tools": [TOOL], "reasoning_effort": "high"}
    called = ask(lab, how, messages=[question], **fields)
    answered = ask(lab, how, messages=[question, turn(called), *results(called, "seen")], **fields)
    assert answered.choices[0].message.content == "seen"
    first, second = lab.sent()
    assert first["thinking"] == second["thinking"] == {"type": "adaptive"}
    assert second["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Let me think.", "signature": SIGNATURE},
        {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
    ]


def test_a_client_that_changes_the_turn_goes_on_without(lab):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE, calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    fields = {"model": "messages", "tools": [TOOL], "reasoning_effort": "high"}
    called = ask(lab, "create", messages=[question], **fields)
    changed = turn(called)
    changed["tool_calls"][0]["function"]["arguments"] = '{"other":1}'
    answered = ask(lab, "create", messages=[question, changed, *results(called, "seen")], **fields)
    assert answered.choices[0].message.content == "seen"
    assert lab.sent()[1].get("thinking", {"type": "disabled"}) == {"type": "disabled"}


def test_reasoning_of_one_upstream_is_withheld_from_another(lab):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE)
    answer = ask(lab, "create", model="messages")
    details = (answer.choices[0].message.model_extra or {})["reasoning_details"]
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Done.", "reasoning_content": "Let me think.", "reasoning_details": details},
        {"role": "user", "content": "more"},
    ]
    ask(lab, "create", model="chat", messages=history)
    assert lab.sent()[1]["messages"][1] == {"role": "assistant", "content": "Done."}


def test_reasoning_is_replayed_where_the_upstream_takes_it(lab):
    lab.plays(reasoning="Let me think.")
    answer: Any = ask(lab, "create", model="chat-replaying-reasoning").choices[0].message
    assert answer.reasoning_content == "Let me think."


@pytest.mark.parametrize(
    ("effort", "thinking", "config"),
    [
        ("none", {"type": "disabled"}, None),
        ("minimal", {"type": "adaptive"}, {"effort": "low"}),
        ("low", {"type": "adaptive"}, {"effort": "low"}),
        ("medium", {"type": "adaptive"}, {"effort": "medium"}),
        ("high", {"type": "adaptive"}, {"effort": "high"}),
        ("xhigh", {"type": "adaptive"}, {"effort": "xhigh"}),
        ("max", {"type": "adaptive"}, {"effort": "max"}),
    ],
)
def test_effort_is_told_in_the_other_protocol(lab, effort, thinking, config):
    ask(lab, "create", model="messages", reasoning_effort=effort)
    (sent,) = lab.sent()
    assert (sent.get("thinking"), sent.get("output_config")) == (thinking, config)


def test_effort_becomes_a_budget_where_only_budgets_are_taken(lab):
    ask(lab, "create", model="messages-with-budgets", reasoning_effort="medium", max_completion_tokens=20000)
    (sent,) = lab.sent()
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 8192}


def test_effort_stays_in_its_own_protocol(lab):
    ask(lab, "create", model="chat", reasoning_effort="high")
    (sent,) = lab.sent()
    assert sent["reasoning_effort"] == "high"
