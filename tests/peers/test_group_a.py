"""Rows A1-A20: framing of streams, and the deltas of tool calls in them."""

import json

from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_GEM,
    MSG_TO_MSG,
    MSG_TO_RESP,
    RESP_TO_MSG,
    block,
    call_block,
    call_more,
    call_start,
    carrier,
    chat_stream,
    chunk,
    deltas,
    end,
    event,
    message_stream,
    read,
    reason,
    shown,
    start,
    text_block,
    thinking_block,
)
from tests.peers.vendors import (
    frames,
    gemini_call,
    gemini_frame,
    response,
    response_message,
)

from twoapi.protocols.sealing import PLAIN
from twoapi.testing.canned import request_body
from twoapi.testing.replies import sse_reply

DONE = b"data: [DONE]\n\n"
SEAL = PLAIN.seal((), "openai-chat")
GREETING = ({"role": "assistant", "content": None, "refusal": None}, None)


def test_a01_interleaved_calls_keep_their_arguments():
    interleaved = [call_start(0, "a", "f"), call_start(1, "b", "g")]
    interleaved += [call_more(0, '{"x":'), call_more(1, '{"y":'), call_more(0, "1}"), call_more(1, "2}")]
    events, losses = MSG_TO_CHAT.stream(chat_stream(*interleaved, finish="tool_calls"))
    assert shown(events) == [*call_block(0, "a", "f", '{"x":', "1}"), *call_block(1, "b", "g", '{"y":', "2}")]
    assert reason(events) == {"stop_reason": "tool_use", "stop_sequence": None}
    assert losses == []


def test_a02_calls_are_counted_from_zero_whatever_blocks_stand_before_them():
    blocks = [*thinking_block(0, "sig", "hm"), *text_block(1, "ok")]
    blocks += [*call_block(2, "toolu_1", "f", '{"a"', ":1}"), *call_block(3, "toolu_2", "g", "{}")]
    frames, losses = CHAT_TO_MSG.stream(message_stream(start(), *blocks, *end("tool_use")))
    detail = {"type": "reasoning.text", "text": "hm", "index": 0}
    detail |= {"signature": carrier("signature", "sig"), "format": "anthropic-messages"}
    assert deltas(frames) == [
        GREETING,
        ({"reasoning_content": "hm"}, None),
        ({"reasoning_details": [detail]}, None),
        ({"content": "ok"}, None),
        (call_start(0, "toolu_1", "f"), None),
        (call_more(0, '{"a"'), None),
        (call_more(0, ":1}"), None),
        (call_start(1, "toolu_2", "g"), None),
        (call_more(1, "{}"), None),
        ({}, "tool_calls"),
    ]
    assert losses == []


def test_a03_a_delta_whose_beginning_was_left_out_still_gets_a_block_of_its_own():
    # The vendor's own stream never does it; servers that leave out what announces a part do.
    late = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}), chunk(call_start(0, "a", "f"))]
    late += [chunk(call_more(0, ":1}")), chunk({}, "tool_calls"), DONE]
    assert shown(MSG_TO_CHAT.stream(b"".join(late))[0]) == call_block(0, "a", "f", '{"a"', ":1}")

    headless = [start(), *text_block(0, "x")[1:], *end()]
    frames = CHAT_TO_MSG.stream(message_stream(*headless))[0]
    assert [delta.get("content") for delta, _ in deltas(frames)] == ["", "x", None]


def test_a04_text_beside_an_empty_list_of_calls_is_text():
    stream = chat_stream({"content": "a", "tool_calls": []}, {"content": "b", "tool_calls": []})
    events, losses = MSG_TO_CHAT.stream(stream)
    assert shown(events) == text_block(0, "a", "b")
    assert reason(events)["stop_reason"] == "end_turn"
    assert losses == []


def test_a05_reasoning_after_text_opens_a_thinking_block_and_no_second_message():
    events, losses = MSG_TO_CHAT.stream(chat_stream({"content": "a"}, {"reasoning_content": "t"}, {"content": "b"}))
    assert shown(events) == [*text_block(0, "a"), *thinking_block(1, SEAL, "t"), *text_block(2, "b")]
    assert losses == []


def test_a06_arguments_that_come_whole_are_said_as_a_delta():
    events, _ = MSG_TO_CHAT.stream(chat_stream(call_start(0, "a", "f", '{"x":1}'), finish="tool_calls"))
    assert shown(events) == call_block(0, "a", "f", '{"x":1}')


def test_a07_thinking_that_ends_by_null_fields_alone_is_closed():
    stream = chat_stream(
        {"content": None, "reasoning_content": "t"},
        {"content": None, "reasoning_content": "u"},
        {"content": "b", "reasoning_content": None},
        {"content": "c", "reasoning_content": None},
    )
    events, _ = MSG_TO_CHAT.stream(stream)
    assert shown(events) == [*thinking_block(0, SEAL, "t", "u"), *text_block(1, "b", "c")]
    assert reason(events) == {"stop_reason": "end_turn", "stop_sequence": None}


def test_a08_an_id_that_every_delta_repeats_is_one_call():
    pieces = [call_start(0, "a", "f", piece) for piece in ("", '{"x":', "1}")]
    events, _ = MSG_TO_CHAT.stream(chat_stream(*pieces, finish="tool_calls"))
    assert shown(events) == call_block(0, "a", "f", '{"x":', "1}")


def test_a09_parallel_calls_one_after_the_other_have_a_block_each():
    calls = [call_start(0, "a", "f"), call_more(0, "{}"), call_start(1, "b", "f"), call_more(1, '{"x":1}')]
    calls += [call_start(2, "c", "g", "{}")]
    events, _ = MSG_TO_CHAT.stream(chat_stream(*calls, finish="tool_calls"))
    assert shown(events) == [
        *call_block(0, "a", "f", "{}"),
        *call_block(1, "b", "f", '{"x":1}'),
        *call_block(2, "c", "g", "{}"),
    ]


def test_a10_what_goes_on_with_a_call_holds_nothing_but_index_and_arguments():
    stream = message_stream(start(), *call_block(0, "toolu_1", "f", '{"a"', ":1}"), *end("tool_use"))
    frames = CHAT_TO_MSG.stream(stream)[0]
    assert deltas(frames)[2:4] == [
        ({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}, None),
        ({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}, None),
    ]


def test_a11_a_message_starts_once_however_often_the_upstream_says_so():
    roles = chat_stream({"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"})
    assert shown(MSG_TO_CHAT.stream(roles)[0]) == text_block(0, "a", "b")
    twice = message_stream(start(), start(), *text_block(0, "x"), *end())
    assert shown(MSG_TO_MSG.stream(twice)[0]) == text_block(0, "x")


def test_a12_message_start_has_counts_even_when_none_are_known_yet():
    events, _ = MSG_TO_CHAT.stream(chat_stream({"content": "a"}))
    assert events[0]["message"] == {
        "id": "msg_x",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": None,
            "cache_read_input_tokens": None,
            "output_tokens": 0,
        },
    }


def test_a13_every_block_is_closed_also_when_the_upstream_closes_none():
    blocks = [*text_block(0, "x"), *call_block(1, "t", "f", "{}")]
    unclosed = [e for e in [start(), *blocks, *end("tool_use")] if e["type"] != "content_block_stop"]
    assert shown(MSG_TO_MSG.stream(message_stream(*unclosed))[0]) == blocks


def test_a14_an_error_before_the_first_event_is_an_error_answer_and_no_stream(running):
    hidden = sse_reply([b'data: {"error":{"message":"busy","type":"server_error","code":503}}\n\n'])
    running.one.reply(hidden, hidden)
    answer = running.post("anthropic-messages", request_body("anthropic-messages", "chat", stream=True))
    assert answer.status == 529  # this vendor's word for a 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["message"] == "busy"


def test_a15_no_empty_text_block_stands_before_what_is_said():
    events, _ = MSG_TO_CHAT.stream(chat_stream({"content": ""}, call_start(0, "a", "f", "{}"), finish="tool_calls"))
    assert shown(events) == call_block(0, "a", "f", "{}")
    assert shown(MSG_TO_CHAT.stream(chat_stream({"content": ""}, finish="length"))[0]) == []


def test_a17_a_call_without_arguments_has_an_empty_object_for_them():
    stream = message_stream(start(), *call_block(0, "toolu_1", "f"), *end("tool_use"))
    assert deltas(CHAT_TO_MSG.stream(stream)[0]) == [
        GREETING,
        (call_start(0, "toolu_1", "f"), None),
        (call_more(0, "{}"), None),
        ({}, "tool_calls"),
    ]


def test_a18_a_client_that_joins_the_deltas_gets_the_calls():
    blocks = [*text_block(0, "a"), *call_block(1, "t1", "f", "", '{"x":', "1}"), *call_block(2, "t2", "g", '{"y":2}')]
    calls: dict[int, dict] = {}
    frames = CHAT_TO_MSG.stream(message_stream(start(), *blocks, *end("tool_use")))[0]
    for delta, _ in deltas(frames):
        for call in delta.get("tool_calls", ()):
            known = calls.setdefault(call["index"], {"arguments": ""})
            known["arguments"] += call["function"].pop("arguments")
            known |= {name: call[name] for name in ("id", "type") if name in call} | call["function"]
    assert calls == {
        0: {"id": "t1", "type": "function", "name": "f", "arguments": '{"x":1}'},
        1: {"id": "t2", "type": "function", "name": "g", "arguments": '{"y":2}'},
    }


def test_a19_calls_reach_the_client_and_their_results_the_upstream():
    asked = request_body("anthropic-messages", "m", stream=True)
    asked["tools"] = [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    stream = chat_stream({"content": "a"}, call_start(0, "a1", "f", "{}"), finish="tool_calls")
    blocks = shown(MSG_TO_CHAT.stream(stream, asked)[0])
    assert blocks == [*text_block(0, "a"), *call_block(1, "a1", "f", "{}")]

    said = [{"type": "text", "text": "a"}, blocks[3]["content_block"]]
    result = {"type": "tool_result", "tool_use_id": "a1", "content": "done"}
    asked["messages"] += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
    body, losses = MSG_TO_CHAT.request(asked)
    call = {"id": "a1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert body["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "a", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a1", "content": "done"},
    ]
    assert losses == []


def test_a20_every_choice_of_a_stream_arrives_and_an_empty_list_of_them_does_no_harm():
    def both(*choices: tuple[int, dict, str | None]) -> bytes:
        return chunk(choices=[{"index": i, "delta": d, "finish_reason": f} for i, d, f in choices])

    first = both((0, {"role": "assistant", "content": "a"}, None), (1, {"role": "assistant", "content": "b"}, None))
    last = both((1, {"content": "d"}, "length"), (0, {"content": "c"}, "stop"))
    frames, losses = CHAT_TO_CHAT.stream(chunk() + first + chunk() + last + DONE)
    greeting = ({"role": "assistant", "content": "", "refusal": None}, None)
    assert deltas(frames, 0) == [greeting, ({"content": "a"}, None), ({"content": "c"}, None), ({}, "stop")]
    assert deltas(frames, 1) == [greeting, ({"content": "b"}, None), ({"content": "d"}, None), ({}, "length")]
    assert losses == []


def test_a20_a_relayed_stream_keeps_every_choice(running):
    choices = [{"index": i, "delta": {"content": str(i)}, "finish_reason": "stop"} for i in range(3)]
    stream = [chunk(choices=choices), DONE]
    running.one.reply(sse_reply(stream))
    answer = running.post("openai-chat", {**request_body("openai-chat", "chat", stream=True), "n": 3})
    assert read(answer.body) == [json.loads(stream[0][6:]), "[DONE]"]


def test_a15_a_block_of_a_kind_unknown_here_does_not_become_empty_text():
    unknown = block(0, event("brand_new", data="x"))
    frames, losses = CHAT_TO_MSG.stream(message_stream(start(), *unknown, *text_block(1, "a"), *end()))
    assert [delta.get("content") for delta, _ in deltas(frames)] == [None, "a", None]
    assert losses == [("/content/0", "dropped")]


def test_a03_a_response_whose_items_were_never_announced_has_its_blocks():
    begun = {**response(status="in_progress"), "usage": None}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    late = frames(
        event("created", response=begun),
        event("output_text.delta", **place, delta="x", logprobs=[]),
        event("completed", response=response(response_message("x"))),
    )
    assert shown(MSG_TO_RESP.stream(b"".join(late))[0]) == text_block(0, "x")


def test_a06_arguments_of_gemini_are_said_as_a_delta():
    stream = gemini_frame(gemini_call("f", {"x": 1}, "a")) + gemini_frame(finish="STOP")
    assert shown(MSG_TO_GEM.stream(stream)[0]) == call_block(0, "a", "f", '{"x":1}')


def test_a15_a_gemini_answer_that_thinking_used_up_has_no_empty_text():
    assert shown(MSG_TO_GEM.stream(gemini_frame(finish="MAX_TOKENS"))[0]) == []
    assert shown(MSG_TO_GEM.stream(gemini_frame("", finish="MAX_TOKENS"))[0]) == []


def test_a16_an_item_is_done_before_the_next_and_events_are_numbered_without_gaps():
    blocks = [*thinking_block(0, "sig", "hm"), *text_block(1, "ok"), *call_block(2, "t1", "f", "{}")]
    events, losses = RESP_TO_MSG.stream(message_stream(start(), *blocks, *end("tool_use")))
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    assert [one["type"].removeprefix("response.") for one in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [one["output_index"] for one in events if one["type"].endswith("item.done")] == [0, 1, 2]
    assert losses == [("/content/0", "info")]  # that thinking is told as a summary
