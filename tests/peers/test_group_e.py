"""Rows E1-E18: reasoning, its signatures, and the rules that thinking brings."""

import json

import pytest
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_MSG,
    USER,
    call_block,
    carrier,
    chat_answer,
    chat_call,
    chat_stream,
    deltas,
    end,
    event,
    function_tool,
    message_answer,
    message_stream,
    shown,
    start,
    text_block,
    thinking_block,
)

from twoapi.ir import ENVELOPE_PREFIX
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.canned import whole
from twoapi.testing.replies import error_reply

SEAL = PLAIN.seal((), "openai-chat")
TOOLS = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
CALL = event("tool_use", id="a", name="f", input={})
RESULT = event("tool_result", tool_use_id="a", content="ok")
CHAT_RESULT = {"role": "tool", "tool_call_id": "a", "content": "ok"}
EXPLICIT = {"type": "enabled", "budget_tokens": 2000}


def thought(text: str, signature: str) -> dict:
    return {"type": "thinking", "thinking": text, "signature": signature}


def detail(text: str, signature: str, index: int = 0) -> dict:
    origin = {"format": "anthropic-messages", "index": index}
    return {"type": "reasoning.text", "text": text, "signature": carrier("signature", signature), **origin}


def hidden(data: str, index: int = 0) -> dict:
    sealed = carrier("redacted", data)
    return {"type": "reasoning.encrypted", "data": sealed, "format": "anthropic-messages", "index": index}


def in_a_loop(*said: dict) -> dict:
    """A tool loop of an Anthropic client that the next answer goes on with."""
    return {"messages": [USER, {"role": "assistant", "content": [*said, CALL]}, {"role": "user", "content": [RESULT]}]}


def chat_loop(**assistant) -> dict:
    said = {"role": "assistant", "content": None, **assistant, "tool_calls": [chat_call("a", "f")]}
    return {"messages": [USER, said, CHAT_RESULT], "tools": [function_tool("f")]}


@pytest.mark.parametrize("signature", ["ErUBCkYI", ""], ids=["signed", "empty"])
def test_e01_thinking_passes_through_byte_for_byte(running, signature):
    said = [thought("hm  é\n", signature), CALL]
    asked = {"model": "messages", "max_tokens": 9000, "thinking": EXPLICIT, "tools": TOOLS, **in_a_loop(*said[:1])}
    body = json.dumps(asked, indent=1, ensure_ascii=False).encode()
    running.one.reply(whole("anthropic-messages"))
    assert running.post("anthropic-messages", body).status == 200
    assert running.one.requests[0].body == body.replace(b'"messages",', b'"m-1",', 1)
    # Where the request is converted all the same, an empty signature, which is always refused, is withheld.
    del asked["model"]
    fields, losses = MSG_TO_MSG.fields(asked)
    assert fields["messages"] == (in_a_loop(said[0]) if signature else in_a_loop())["messages"]
    assert (("/messages/1/content/0", "reasoning_foreign") in losses) == (not signature)


def test_e02_reasoning_that_another_model_made_is_withheld_from_this_one():
    blocks = MSG_TO_CHAT.whole(chat_answer({"reasoning_content": "hm", "tool_calls": [chat_call("a", "f")]}))[0]
    said = blocks["content"]
    assert said == [thought("hm", SEAL), {**CALL, "input": {}}]
    asked = {**in_a_loop(said[0]), "tools": TOOLS, "max_tokens": 9000, "thinking": EXPLICIT}
    fields, losses = MSG_TO_MSG.fields(asked)
    assert fields["messages"] == in_a_loop()["messages"]
    assert fields["thinking"] == {"type": "disabled"}
    assert losses == [("/messages/1/content/0", "reasoning_foreign"), ("/thinking/type", "synthesized")]
    assert ENVELOPE_PREFIX not in json.dumps(fields)


def test_e02_a_running_gateway_does_not_relay_what_it_sealed(running):
    asked = {"model": "messages", "max_tokens": 100, "tools": TOOLS, **in_a_loop(thought("hm", SEAL))}
    running.one.reply(whole("anthropic-messages"))
    assert running.post("anthropic-messages", asked).status == 200
    assert running.one.requests[0].json()["messages"] == in_a_loop()["messages"]


def test_e03_a_signature_is_never_made_up():
    fields, losses = CHAT_TO_MSG.fields(
        {**chat_loop(reasoning_content="hm"), "reasoning_effort": "high", "max_completion_tokens": 9000}
    )
    assert fields["messages"] == in_a_loop()["messages"]
    assert fields["thinking"] == {"type": "disabled"}
    assert losses == [("/messages/1/reasoning_content", "reasoning_foreign"), ("/reasoning_effort", "synthesized")]


def test_e04_every_block_keeps_its_own_signature():
    asked = {**in_a_loop(thought("one", "s1"), thought("two", "s2")), "tools": TOOLS}
    assert MSG_TO_MSG.fields(asked) == (asked, [])
    answer = CHAT_TO_MSG.whole(message_answer(thought("one", "s1"), thought("two", "s2"), CALL, stop="tool_use"))[0]
    message = answer["choices"][0]["message"]
    assert message["reasoning_details"] == [detail("one", "s1"), detail("two", "s2", 1)]
    back = CHAT_TO_MSG.fields({**chat_loop(reasoning_details=message["reasoning_details"])})[0]
    assert back["messages"] == asked["messages"]


def test_e05_a_refused_signature_is_left_out_at_the_same_account_and_costs_it_nothing(running):
    refused = error_reply("anthropic-messages", 400, "Invalid `signature` in `thinking` block")
    asked = {"model": "messages-both", "max_tokens": 100, "tools": TOOLS, **in_a_loop(thought("hm", "bad"))}
    running.one.reply(refused, whole("anthropic-messages"))
    answer = running.post("anthropic-messages", asked)
    assert answer.status == 200
    first, second = running.one.requests
    assert b'"bad"' in first.body
    assert b'"bad"' not in second.body
    assert first.headers["x-api-key"] == second.headers["x-api-key"]
    assert "reasoning_foreign=1" in answer.headers["twoapi-losses"]
    # Refused again it is the client's affair: neither another account nor another upstream is asked.
    running.one.requests.clear()
    running.one.reply(refused, refused)
    answer = running.post("anthropic-messages", asked)
    assert answer.status == 400
    assert "Invalid `signature`" in answer.json()["error"]["message"]
    assert (len(running.one.requests), len(running.two.requests)) == (2, 0)
    running.one.requests.clear()
    running.one.reply(whole("anthropic-messages"), whole("anthropic-messages"))
    for _ in range(2):
        assert running.post("anthropic-messages", {**asked, "messages": [USER]}).status == 200
    assert {request.headers["x-api-key"] for request in running.one.requests} == {"key-a", "key-b"}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_e06_past_thinking_is_replayed_where_the_upstream_wants_it(field):
    asked = {**in_a_loop(thought("hm", SEAL)), "tools": TOOLS}
    fields, losses = MSG_TO_CHAT.fields(asked, reasoning_field=field)
    said = {"role": "assistant", "content": None, field: "hm", "tool_calls": [chat_call("a", "f")]}
    assert fields["messages"] == [USER, said, CHAT_RESULT]
    assert [kind for _, kind in losses] in ([], ["reasoning_foreign"])  # the seal itself, never the text
    fields, losses = MSG_TO_CHAT.fields(asked)
    assert fields["messages"][1] == {"role": "assistant", "content": None, "tool_calls": [chat_call("a", "f")]}
    assert losses == [("/messages/1/content/0", "dropped")]


def test_e07_reasoning_of_every_turn_stays_between_chat_ends(running):
    turns = [
        USER,
        {"role": "assistant", "reasoning_content": "one", "content": "1"},
        {"role": "user", "content": "next"},
        {"role": "assistant", "reasoning_content": "two", "content": "2"},
        USER,
    ]
    asked = {"model": "chat", "messages": turns}
    running.one.reply(whole("openai-chat"))
    assert running.post("openai-chat", asked).status == 200
    assert running.one.requests[0].json() == {**asked, "model": "m-1"}
    assert CHAT_TO_CHAT.fields({"messages": turns}, reasoning_field="reasoning_content")[0] == {"messages": turns}


def test_e08_blocks_go_back_in_their_order_and_uncombined():
    said = [
        thought("one", "s1"),
        {"type": "redacted_thinking", "data": "zz"},
        {"type": "text", "text": "a"},
        thought("two", "s2"),
        {"type": "text", "text": "b"},
    ]
    asked = {**in_a_loop(*said), "tools": TOOLS}
    assert MSG_TO_MSG.fields(asked) == (asked, [])


def test_e10_sealed_reasoning_comes_back_through_a_chat_client():
    redacted = {"type": "redacted_thinking", "data": "zz"}
    answer, losses = CHAT_TO_MSG.whole(message_answer(thought("hm", "s"), redacted, CALL, stop="tool_use"))
    message = answer["choices"][0]["message"]
    assert message["reasoning_content"] == "hm"
    assert message["reasoning_details"] == [detail("hm", "s"), hidden("zz", 1)]
    assert losses == []
    said = {name: message[name] for name in ("reasoning_content", "reasoning_details")}
    fields, losses = CHAT_TO_MSG.fields(chat_loop(**said))
    assert fields["messages"] == in_a_loop(thought("hm", "s"), redacted)["messages"]
    assert losses == []


def test_e11_a_streamed_signature_is_there_on_the_second_turn():
    blocks = [*thinking_block(0, "sig", "h", "m"), *call_block(1, "a", "f", "{}"), *call_block(2, "b", "f", "{}")]
    frames = CHAT_TO_MSG.stream(message_stream(start(), *blocks, *end("tool_use")))[0]
    details = [entry for delta, _ in deltas(frames) for entry in delta.get("reasoning_details", ())]
    assert details == [detail("hm", "sig")]
    assert "".join(delta.get("reasoning_content", "") for delta, _ in deltas(frames)) == "hm"
    asked = {**chat_loop(reasoning_content="hm", reasoning_details=details), "max_completion_tokens": 9000}
    fields, losses = CHAT_TO_MSG.fields({**asked, "reasoning_effort": "high"})
    assert fields["messages"] == in_a_loop(thought("hm", "sig"))["messages"]
    assert (fields["thinking"], losses) == ({"type": "adaptive"}, [])


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm", "index": 0}]},
    ],
    ids="+".join,
)
def test_e13_reasoning_is_found_under_each_of_its_names(fields):
    message = MSG_TO_CHAT.whole(chat_answer({**fields, "content": "a"}))[0]
    assert message["content"] == [thought("hm", SEAL), {"type": "text", "text": "a"}]
    events, _ = MSG_TO_CHAT.stream(chat_stream(fields, {"content": "a"}))
    assert shown(events) == [*thinking_block(0, SEAL, "hm"), *text_block(1, "a")]


def test_e14_unsigned_thinking_is_left_out_of_finished_turns_and_ends_thinking_in_a_running_loop():
    finished = [
        *in_a_loop(thought("hm", SEAL))["messages"],
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "next"},
    ]
    asked = {"messages": finished, "tools": TOOLS, "max_tokens": 9000, "thinking": EXPLICIT}
    fields, losses = MSG_TO_MSG.fields(asked)
    assert fields["messages"] == [*in_a_loop()["messages"], *finished[3:]]
    assert fields["thinking"] == EXPLICIT
    assert losses == [("/messages/1/content/0", "reasoning_foreign")]
    running = {**asked, **in_a_loop(thought("hm", SEAL))}
    assert MSG_TO_MSG.fields(running)[0]["thinking"] == {"type": "disabled"}


def test_e15_reasoning_among_the_content_is_not_shown_as_the_answer():
    listed = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}]
    message = MSG_TO_CHAT.whole(chat_answer({"content": listed}))[0]
    assert message["content"] == [thought("hm", SEAL), {"type": "text", "text": "a"}]
    events, _ = MSG_TO_CHAT.stream(chat_stream({"content": listed[:1]}, {"content": "a"}))
    assert shown(events) == [*thinking_block(0, SEAL, "hm"), *text_block(1, "a")]


def test_e16_a_request_that_breaks_three_rules_of_thinking_is_mended_and_told():
    asked = {
        "reasoning_effort": "low",
        "max_completion_tokens": 100,
        "temperature": 0.2,
        "tools": [function_tool("f")],
        "tool_choice": "required",
    }
    old = {"thinking": ("enabled",), "effort": False}
    fields, losses = CHAT_TO_MSG.fields(asked, **old)
    # There is no room to think in 100 tokens, and then the rest of the request may stay.
    assert fields == {"max_tokens": 100, "temperature": 0.2, "tools": TOOLS, "tool_choice": {"type": "any"}}
    assert losses == [("/reasoning_effort", "dropped")]
    fields, losses = CHAT_TO_MSG.fields({**asked, "max_completion_tokens": 1500}, **old)
    assert fields == {
        "max_tokens": 1500,
        "thinking": {"type": "enabled", "budget_tokens": 1499},
        "tools": TOOLS,
        "tool_choice": {"type": "auto"},
    }
    assert sorted(losses) == [
        ("/reasoning_effort", "approximated"),
        ("/temperature", "dropped"),
        ("/tool_choice", "approximated"),
    ]


def test_e17_of_more_than_four_cache_marks_the_last_four_stay():
    marked = [{"type": "text", "text": str(n), "cache_control": {"type": "ephemeral"}} for n in range(6)]
    fields, losses = MSG_TO_MSG.fields({"messages": [{"role": "user", "content": marked}]})
    assert ["cache_control" in sent for sent in fields["messages"][0]["content"]] == [False] * 2 + [True] * 4
    assert losses == [("/messages/0/content/0", "dropped"), ("/messages/0/content/1", "dropped")]


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_e18_effort_crosses_both_ways(effort):
    fields, losses = CHAT_TO_MSG.fields({"reasoning_effort": effort})
    assert fields == {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    assert losses == []
    assert MSG_TO_CHAT.fields({"output_config": {"effort": effort}}) == ({"reasoning_effort": effort}, [])
