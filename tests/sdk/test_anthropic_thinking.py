"""Thinking for a client that sends it back: signatures of its own vendor, seals of the gateway, and neither abroad."""

from typing import Any

import pytest
from tests.sdk.anthropic_client import HOWS, ask, results, said

from twoapi.ir import ENVELOPE_PREFIX

TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
SIGNATURE = "c2lnbmF0dXJlIG9mIHRoZSB2ZW5kb3I="
REDACTED = "cmVkYWN0ZWQ="

each_way = pytest.mark.parametrize("how", HOWS)
each_kind = pytest.mark.parametrize(
    "thinking",
    [{"type": "adaptive"}, {"type": "enabled", "budget_tokens": 2000}],
    ids=["adaptive", "enabled"],
)


@each_way
@each_kind
def test_thinking_is_shown_and_comes_back_unchanged_to_its_maker(lab, how, thinking):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE, redacted=REDACTED, calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    fields = {"model": "messages", "tools": [TOOL], "thinking": thinking}
    called = ask(lab, how, messages=[question], **fields)
    assert said(called)["content"] == [
        ("thinking", "Let me think.", SIGNATURE),
        ("redacted_thinking", REDACTED),
        ("call", "look", {}),
    ]
    history = [question, {"role": "assistant", "content": called.content}, results(called, "seen")]
    answered = ask(lab, how, messages=history, **fields)
    assert said(answered)["content"][-1] == ("text", "seen")
    first, second = lab.sent()
    assert first["thinking"] == second["thinking"] == thinking
    assert second["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Let me think.", "signature": SIGNATURE},
        {"type": "redacted_thinking", "data": REDACTED},
    ]


def test_the_helper_tells_thinking_its_seal_and_text_in_order(lab, upstream):
    lab.plays(reasoning="Hm, hm.", signature=SIGNATURE, final="Done.", piece=4)
    question: Any = {"model": upstream, "max_tokens": 4096, "messages": [{"role": "user", "content": "hi"}]}
    with lab.anthropic.messages.stream(**question, thinking={"type": "adaptive"}) as events:
        kinds = [
            event.type for event in events if event.type in {"thinking", "signature", "text", "content_block_stop"}
        ]
    assert kinds == [
        *["thinking"] * 2,
        "signature",
        "content_block_stop",
        *["text"] * 2,
        "content_block_stop",
    ]


@each_way
def test_the_other_protocols_reasoning_is_shown_as_sealed_thinking(lab, how):
    lab.plays(reasoning="Let me think.", final="Done.")
    thought, text = ask(lab, how, model="chat", thinking={"type": "adaptive"}).content
    assert (thought.type, thought.thinking, text.text) == ("thinking", "Let me think.", "Done.")
    assert thought.signature.startswith(ENVELOPE_PREFIX)


@each_way
@pytest.mark.parametrize("model", ["chat", "messages", "messages-with-budgets"])
def test_a_seal_of_the_gateway_reaches_no_upstream(lab, how, model):
    lab.plays(reasoning="Let me think.", calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    fields = {"tools": [TOOL], "thinking": {"type": "enabled", "budget_tokens": 2000}}
    called = ask(lab, how, model="chat", messages=[question], **fields)
    history = [question, {"role": "assistant", "content": called.content}, results(called, "seen")]
    answered = ask(lab, how, model=model, messages=history, **fields)
    assert said(answered)["content"][-1] == ("text", "seen")
    assert len(lab.sent()) == 2
    assert all(ENVELOPE_PREFIX.encode() not in request.body for request in lab.upstream.requests)


@each_way
def test_reasoning_is_replayed_where_the_upstream_takes_it(lab, how):
    lab.plays(reasoning="Let me think.", calls=1, final="{results}")
    lab.upstream.strict = False  # the member is not in the vendor's documentation
    try:
        question = {"role": "user", "content": "look"}
        fields = {"model": "chat-replaying-reasoning", "tools": [TOOL]}
        called = ask(lab, how, messages=[question], **fields)
        history = [question, {"role": "assistant", "content": called.content}, results(called, "seen")]
        ask(lab, how, messages=history, **fields)
    finally:
        lab.upstream.strict = True
    assert lab.sent()[1]["messages"][1]["reasoning_content"] == "Let me think."
    assert ENVELOPE_PREFIX.encode() not in lab.upstream.requests[1].body


@each_way
def test_a_vendors_signature_is_withheld_from_the_other_protocol(lab, how):
    lab.plays(reasoning="Let me think.", signature=SIGNATURE, calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    called = ask(lab, how, model="messages", messages=[question], tools=[TOOL])
    history = [question, {"role": "assistant", "content": called.content}, results(called, "seen")]
    answered = ask(lab, how, model="chat", messages=history, tools=[TOOL])
    assert said(answered)["content"][-1] == ("text", "seen")
    assert SIGNATURE.encode() not in lab.upstream.requests[1].body


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"type": "disabled"}, "none"),
        ({"type": "enabled", "budget_tokens": 1024}, "minimal"),
        ({"type": "enabled", "budget_tokens": 2000}, "low"),
        ({"type": "enabled", "budget_tokens": 8192}, "medium"),
        ({"type": "enabled", "budget_tokens": 16384}, "high"),
        ({"type": "enabled", "budget_tokens": 32768}, "xhigh"),
        ({"type": "adaptive"}, None),
    ],
)
def test_thinking_is_told_in_the_other_protocol(lab, thinking, effort):
    ask(lab, "create", model="chat", thinking=thinking, max_tokens=40000)
    (sent,) = lab.sent()
    assert sent.get("reasoning_effort") == effort


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_effort_is_told_in_the_other_protocol(lab, effort):
    config: Any = {"effort": effort}
    ask(lab, "create", model="chat", output_config=config)
    (sent,) = lab.sent()
    assert sent["reasoning_effort"] == effort


def test_thinking_without_words_is_kept_as_state(lab):
    lab.plays(signature=SIGNATURE, calls=1, final="{results}")
    question = {"role": "user", "content": "look"}
    fields = {"model": "messages", "tools": [TOOL], "thinking": {"type": "adaptive", "display": "omitted"}}
    called = ask(lab, "helper", messages=[question], **fields)
    history = [question, {"role": "assistant", "content": called.content}, results(called, "seen")]
    ask(lab, "helper", messages=history, **fields)
    assert lab.sent()[1]["messages"][1]["content"][0] == {"type": "thinking", "thinking": "", "signature": SIGNATURE}
