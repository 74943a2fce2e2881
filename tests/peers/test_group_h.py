"""Rows H1-H16: usage, and the prompt cache."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.gateway.wire import PROTOCOLS
from tests.peers.gateways import CHAT, MESSAGES, asks, begun, each_pair, each_protocol, post, received, said
from tests.peers.pairs import (
    CHAT_TO_GEM,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_GEM,
    MSG_TO_MSG,
    USER,
    chat_answer,
    chat_stream,
    end,
    event,
    function_tool,
    message_answer,
    message_stream,
    reason,
    start,
    text_block,
)
from tests.peers.vendors import gemini_answer, gemini_frame

from twoapi.ir import Usage
from twoapi.providers.cards import ModelCard, Price, bill
from twoapi.testing.canned import request_body
from twoapi.testing.replies import Gate, sse_reply

ASKED = {**request_body("openai-chat", "m", stream=True), "stream_options": {"include_usage": True}}
MARK = {"type": "ephemeral"}


def chat_usage(prompt: int, completion: int, cached: int | None, written: int | None) -> dict:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }


def native_usage(**counts: int | None) -> dict:
    return {"input_tokens": 0, "cache_creation_input_tokens": None, "cache_read_input_tokens": None, **counts}


def without_null(value):
    if isinstance(value, dict):
        return {name: found for name, inner in value.items() if (found := without_null(inner)) not in (None, {})}
    return value


def seen_by_chat(*events: dict) -> dict:
    """The usage chunk of a chat client."""
    frames = CHAT_TO_MSG.stream(message_stream(*events), ASKED)[0]
    (usage,) = [frame["usage"] for frame in frames[:-1] if frame["usage"] is not None]
    return without_null(usage)


def seen_by_messages(stream: bytes) -> dict:
    events = MSG_TO_CHAT.stream(stream)[0]
    return events[-2]["usage"]


def test_h01_counts_that_come_only_at_the_end_are_counted():
    late = {"input_tokens": 10, "cache_read_input_tokens": 5000, "output_tokens": 7}
    zero = start({"input_tokens": 0, "output_tokens": 0})
    assert seen_by_chat(zero, *text_block(0, "a"), *end(usage=late)) == {
        "prompt_tokens": 5010,
        "completion_tokens": 7,
        "total_tokens": 5017,
        "prompt_tokens_details": {"cached_tokens": 5000},
    }


def test_h02_counts_that_come_only_at_the_start_are_counted():
    early = start({"input_tokens": 10, "cache_read_input_tokens": 5000, "output_tokens": 1})
    assert seen_by_chat(early, *text_block(0, "a"), *end(usage={"output_tokens": 7})) == {
        "prompt_tokens": 5010,
        "completion_tokens": 7,
        "total_tokens": 5017,
        "prompt_tokens_details": {"cached_tokens": 5000},
    }


def test_h03_a_stream_tells_the_cache_as_the_whole_answer_does():
    usage = chat_usage(100, 7, 60, 30)
    native = native_usage(input_tokens=10, cache_read_input_tokens=60, cache_creation_input_tokens=30, output_tokens=7)
    assert seen_by_messages(chat_stream({"content": "a"}, usage=usage)) == native
    assert MSG_TO_CHAT.whole(chat_answer({"content": "a"}, usage=usage))[0]["usage"] == native


def test_h04_a_prompt_holds_what_was_read_from_the_cache_and_the_total_is_the_sum():
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 20, "output_tokens": 3}
    answer = CHAT_TO_MSG.whole(message_answer(event("text", text="a"), usage=usage))[0]
    assert without_null(answer["usage"]) == chat_usage(5030, 3, 5000, 20)


def test_h05_cached_tokens_are_counted_once():
    answer = MSG_TO_CHAT.whole(chat_answer({"content": "a"}, usage=chat_usage(5030, 3, 5000, 20)))[0]
    assert answer["usage"] == native_usage(
        input_tokens=10, cache_read_input_tokens=5000, cache_creation_input_tokens=20, output_tokens=3
    )


def test_h06_what_was_written_to_the_cache_was_not_read_from_it():
    usage = {"input_tokens": 10, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 900, "output_tokens": 3}
    answer = CHAT_TO_MSG.whole(message_answer(event("text", text="a"), usage=usage))[0]
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert answer["usage"]["prompt_tokens_details"]["cache_write_tokens"] == 900


def test_h07_the_upstreams_last_count_is_the_count(running):
    usage = chat_usage(9520, 40, 9000, None)
    stream = chat_stream({"content": "a long text " * 9}, usage=usage)
    assert seen_by_messages(stream) == native_usage(input_tokens=520, cache_read_input_tokens=9000, output_tokens=40)
    for client in PROTOCOLS:
        running.one.reply(sse_reply(stream))
        post(running, asks(client, CHAT))
    running.gateway.wait(lambda: len(running.gateway.collected.records) == len(PROTOCOLS))
    counted = [record.usage for record in running.gateway.collected.records]
    assert [(u.input, u.cache_read, u.output) for u in counted if u is not None] == [(520, 9000, 40)] * len(PROTOCOLS)


@pytest.mark.parametrize(("completion", "total"), [(39, 89), (9, 89)], ids=["within", "beside"])
def test_h08_reasoning_is_part_of_what_was_written(completion, total):
    usage = {"prompt_tokens": 50, "completion_tokens": completion, "total_tokens": total}
    usage["completion_tokens_details"] = {"reasoning_tokens": 30}
    native = MSG_TO_CHAT.whole(chat_answer({"content": "a"}, usage=usage))[0]["usage"]
    assert native["output_tokens"] == 39
    assert native["output_tokens_details"] == {"thinking_tokens": 30}
    told = {"input_tokens": 50, "output_tokens": 39, "output_tokens_details": {"thinking_tokens": 30}}
    answer = CHAT_TO_MSG.whole(message_answer(event("text", text="a"), usage=told))[0]
    assert without_null(answer["usage"]) == {
        "prompt_tokens": 50,
        "completion_tokens": 39,
        "total_tokens": 89,
        "completion_tokens_details": {"reasoning_tokens": 30},
    }


def test_h08_thoughts_of_gemini_are_part_of_what_was_written():
    counts = {"promptTokenCount": 50, "candidatesTokenCount": 9, "thoughtsTokenCount": 30, "totalTokenCount": 89}
    usage = CHAT_TO_GEM.whole(gemini_answer("x", usageMetadata=counts))[0]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (50, 39, 89)
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 30}
    events = MSG_TO_GEM.stream(gemini_frame("x") + gemini_frame(finish="STOP", usageMetadata=counts))[0]
    assert reason(events)["stop_reason"] == "end_turn"
    assert events[-2]["usage"]["output_tokens"] == 39
    assert events[-2]["usage"]["output_tokens_details"] == {"thinking_tokens": 30}


def test_h09_the_first_event_has_the_counts_that_the_upstream_told_with_its_first():
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5000, "output_tokens": 1}
    events = MSG_TO_MSG.stream(message_stream(start(usage), *text_block(0, "a"), *end()))[0]
    assert events[0]["message"]["usage"] == native_usage(input_tokens=10, cache_read_input_tokens=5000, output_tokens=1)
    # A chat upstream counts at its end: there stands what a client may show.
    assert seen_by_messages(chat_stream({"content": "a"}, usage=chat_usage(100, 7, 60, None))) == native_usage(
        input_tokens=40, cache_read_input_tokens=60, output_tokens=7
    )


def test_h10_the_length_of_the_prompt_decides_on_its_price_not_the_sum_with_the_answer():
    steps = (
        Price("input", "1"),
        Price("input", "3", above=200),
        Price("output", "10"),
        Price("output", "30", above=200),
    )
    card = ModelCard("m", prices=steps)

    def costs(usage: Usage) -> Decimal | None:
        usd = bill(card, usage, datetime(2026, 11, 20, tzinfo=UTC)).usd
        return None if usd is None else usd * 1_000_000

    assert costs(Usage(input=150, output=900)) == 150 * 1 + 900 * 10  # 1050 in all, but no long prompt
    assert costs(Usage(input=201, output=1)) == 201 * 3 + 1 * 30
    assert costs(Usage(input=101, cache_read=100, output=1)) == 201 * 3 + 1 * 30  # what is cached is prompt too


def test_h11_two_turns_have_the_same_prefix_to_the_byte():
    tools = [function_tool(name, {"type": "object", "properties": {}}) for name in ("z", "a", "m", "b")]
    first = {"model": "m", "messages": [{"role": "system", "content": "S"}, USER], "tools": tools}
    later = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    second = {**first, "messages": [*first["messages"], *later]}
    for asked in (first, second):
        sent = CHAT_TO_MSG.request(asked)[0]
        assert [tool["name"] for tool in sent["tools"]] == ["z", "a", "m", "b"]
        assert list(sent) == list(CHAT_TO_MSG.request(first)[0])
    bodies = [CHAT_TO_MSG.encoded(asked)[0].outgoing.body for asked in (first, second)]
    prefix = bodies[0][: bodies[0].index(b'"hi"') + 4]
    assert bodies[1].startswith(prefix)
    assert bodies[0][bodies[0].index(b'"tools"') :] == bodies[1][bodies[1].index(b'"tools"') :]


def test_h12_a_cache_mark_on_a_result_counts_and_none_is_spent_on_what_is_left_out():
    call = event("tool_use", id="a", name="f", input={})
    result = event("tool_result", tool_use_id="a", content="ok", cache_control=MARK)
    lost = {"type": "text", "text": " ", "cache_control": MARK}
    marked = [{"type": "text", "text": str(n), "cache_control": MARK} for n in range(3)]
    messages = [
        {"role": "user", "content": [lost, *marked]},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    fields, losses = MSG_TO_CHAT.fields({"messages": messages, "tools": tools})
    part = {"type": "text", "text": "ok", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert fields["messages"][2] == {"role": "tool", "tool_call_id": "a", "content": [part]}
    assert losses == [("/messages/0/content/0", "dropped")]  # five marks, four places: the first goes

    native, losses = MSG_TO_MSG.fields({"messages": messages, "tools": tools})
    assert native["messages"][0]["content"] == marked
    assert native["messages"][2]["content"] == [result]
    assert losses == [("/messages/0/content/0", "dropped")]


def test_h13_a_hint_for_the_cache_reaches_an_upstream_that_wants_to_be_asked():
    hinted = {"type": "text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "1h"}}
    fields, losses = CHAT_TO_MSG.fields({"messages": [{"role": "user", "content": [hinted]}]})
    block = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert fields == {"messages": [{"role": "user", "content": [block]}]}
    assert losses == []
    automatic = {"cache_control": MARK}
    fields, losses = MSG_TO_CHAT.fields(automatic)
    assert fields == {"prompt_cache_options": {"mode": "implicit"}}
    assert losses == []


def left_in_the_middle(running, client: str, upstream: str) -> None:
    """A client that leaves after the first words; returns when the upstream has noticed."""
    gate = Gate()
    running.one.reply(sse_reply(said(upstream, *["word "] * 50)).failing(gate=gate))
    with running.gateway.connect() as sock:
        sock.sendall(asks(client, upstream).on_the_wire())
        gate.release(len(begun(upstream, "word ", "word ")))
        data = b""
        while b"word" not in data:
            data += received(sock)
    running.one.wait(lambda fake: len(fake.disconnects) == 1)
    gate.open()
    running.gateway.wait(lambda: len(running.gateway.collected.records) == 1)


@each_protocol
def test_h14_what_an_interrupted_stream_had_told_of_its_usage_is_recorded(running, client):
    left_in_the_middle(running, client, MESSAGES)
    (record,) = running.gateway.collected.records
    assert record.outcome == "cancelled"
    assert record.usage is not None
    assert record.usage.input == 3


@each_protocol
def test_h15_an_interrupted_stream_is_not_drained_to_its_end(running, client):
    left_in_the_middle(running, client, CHAT)
    (record,) = running.gateway.collected.records
    assert (record.outcome, record.usage) == ("cancelled", None)  # the count stands at the end, which nobody got


@each_pair
def test_h16_an_upstream_is_cut_off_when_its_client_leaves(running, client, upstream):
    left_in_the_middle(running, client, upstream)
    assert len(running.one.disconnects) == 1
    assert running.gateway.collected.records[0].outcome == "cancelled"
