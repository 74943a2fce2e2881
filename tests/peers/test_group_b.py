"""Rows B1-B12: why an answer stopped."""

import json

import pytest
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_GEM,
    CHAT_TO_MSG,
    GEM_TO_CHAT,
    GEM_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_GEM,
    MSG_TO_MSG,
    RESP_TO_GEM,
    RESP_TO_MSG,
    USER,
    call_block,
    call_start,
    chat_answer,
    chat_call,
    chat_stream,
    chunk,
    deltas,
    end,
    event,
    message_answer,
    message_stream,
    read,
    reason,
    shown,
    start,
    text_block,
)
from tests.peers.vendors import (
    gemini_answer,
    gemini_call,
    gemini_frame,
)

from twoapi.ir import FaultError

DONE = b"data: [DONE]\n\n"
CALL = event("tool_use", id="t1", name="f", input={})


def finish(frames) -> str | None:
    return deltas(frames)[-1][1]


def test_b01_a_turn_of_text_and_call_ends_as_tool_use_though_the_upstream_says_stop():
    called = call_start(0, "a", "f", "{}")
    assert reason(MSG_TO_CHAT.stream(chat_stream({"content": "let me look"}, called, finish="stop"))[0]) == {
        "stop_reason": "tool_use",
        "stop_sequence": None,
    }
    answer = chat_answer({"content": "let me look", "tool_calls": [chat_call("a", "f")]}, "stop")
    message = MSG_TO_CHAT.whole(answer)[0]
    assert message["stop_reason"] == "tool_use"
    assert message["content"] == [
        {"type": "text", "text": "let me look"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
    ]


def test_b02_a_stop_that_comes_alone_behind_the_calls_is_tool_use_too():
    stream = chunk({"role": "assistant"}) + chunk(call_start(0, "a", "f", "{}")) + chunk({"content": ""}, "stop")
    assert reason(MSG_TO_CHAT.stream(stream + DONE)[0])["stop_reason"] == "tool_use"
    assert MSG_TO_CHAT.whole(chat_answer({"tool_calls": [chat_call("a", "f")]}, "stop"))[0]["stop_reason"] == "tool_use"


def test_b04_a_truncated_answer_says_so_and_no_limit_is_invented():
    assert reason(MSG_TO_CHAT.stream(chat_stream({"content": "a"}, finish="length"))[0])["stop_reason"] == "max_tokens"
    assert MSG_TO_CHAT.whole(chat_answer({"content": "a"}, "length"))[0]["stop_reason"] == "max_tokens"
    # A complete call does not hide that the answer was cut.
    cut = chat_stream({"content": "a"}, call_start(0, "a", "f", "{}"), finish="length")
    assert reason(MSG_TO_CHAT.stream(cut)[0])["stop_reason"] == "max_tokens"
    body, losses = MSG_TO_CHAT.request({"model": "m", "max_tokens": 32000, "messages": [USER]})
    assert body == {"model": "up", "max_completion_tokens": 32000, "messages": [USER]}
    assert losses == []


def test_b05_parallel_calls_that_end_as_a_plain_turn_are_tool_calls():
    blocks = [*call_block(0, "t1", "f", "{}"), *call_block(1, "t2", "f", "{}")]
    assert finish(CHAT_TO_MSG.stream(message_stream(start(), *blocks, *end("end_turn")))[0]) == "tool_calls"
    answer = CHAT_TO_MSG.whole(message_answer(CALL, {**CALL, "id": "t2"}))[0]
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert [call["id"] for call in answer["choices"][0]["message"]["tool_calls"]] == ["t1", "t2"]


@pytest.mark.parametrize("pair", [MSG_TO_CHAT, CHAT_TO_CHAT], ids=["msg>chat", "chat>chat"])
def test_b06_a_malformed_call_is_an_error_and_no_empty_answer(pair):
    with pytest.raises(FaultError) as raised:
        pair.whole(chat_answer({"content": None}, "malformed_function_call"))
    assert raised.value.fault.kind == "upstream_error"
    assert raised.value.fault.whose == "upstream"

    out = pair.stream_bytes(chunk({"content": "a"}) + chunk({}, "malformed_function_call") + DONE)[0]
    assert read(out)[-1]["error"]["message"].endswith("finish_reason 'malformed_function_call'")
    assert b"[DONE]" not in out
    assert b"message_stop" not in out


@pytest.mark.parametrize("pair", [MSG_TO_CHAT, CHAT_TO_CHAT], ids=["msg>chat", "chat>chat"])
@pytest.mark.parametrize("nothing", [[], None], ids=["b07_empty", "b08_null"])
def test_b07_b08_an_answer_without_a_choice_is_an_error_and_no_clean_end(pair, nothing):
    with pytest.raises(FaultError) as raised:
        pair.whole({**chat_answer({}), "choices": nothing})
    assert raised.value.fault.kind == "upstream_error"

    usage = {"prompt_tokens": 3, "completion_tokens": 90, "total_tokens": 93}
    out = pair.stream_bytes(chunk(choices=nothing) + chunk(choices=nothing, usage=usage) + DONE)[0]
    frames = read(out)
    assert [set(frame) & {"error", "choices", "delta"} for frame in frames] == [{"error"}]
    assert frames[0]["error"]["message"] == "the upstream's stream ended without an answer"


def test_b09_max_tokens_is_length():
    assert finish(CHAT_TO_MSG.stream(message_stream(start(), *text_block(0, "a"), *end("max_tokens")))[0]) == "length"
    answer, losses = CHAT_TO_MSG.whole(message_answer(event("text", text="a"), stop="max_tokens"))
    assert answer["choices"][0]["finish_reason"] == "length"
    assert losses == []


def test_b10_the_stop_string_that_matched_is_reported_and_its_member_is_never_left_out():
    stream = message_stream(start(), *text_block(0, "a"), *end("stop_sequence", sequence="END"))
    frames, losses = CHAT_TO_MSG.stream(stream)
    assert (finish(frames), losses) == ("stop", [("/stop_sequence", "dropped")])
    answer, losses = CHAT_TO_MSG.whole(message_answer(event("text", text="a"), stop="stop_sequence", stop_sequence="X"))
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert losses == [("/stop_sequence", "dropped")]
    assert reason(MSG_TO_MSG.stream(stream)[0]) == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert reason(MSG_TO_CHAT.stream(chat_stream({"content": "a"}))[0]) == {
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }


@pytest.mark.parametrize(
    ("word", "final"), [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal")]
)
def test_b11_a_second_gateway_behind_the_first_tells_the_same_reason(word, final):
    upstream = chat_stream({"content": "a"}, finish=word)
    first = MSG_TO_CHAT.stream_bytes(upstream)[0]
    second = CHAT_TO_MSG.stream_bytes(first)[0]
    third, _ = MSG_TO_CHAT.stream(second)
    assert reason(third)["stop_reason"] == final
    assert shown(third)[:3] == text_block(0, "a")
    whole = MSG_TO_CHAT.whole(chat_answer({"content": "a"}, word))[0]
    assert MSG_TO_MSG.whole(whole)[0]["stop_reason"] == final


@pytest.mark.parametrize(
    ("word", "seen", "lost"),
    [
        ("refusal", "content_filter", []),
        ("pause_turn", "stop", [("/stop_reason", "approximated")]),
        ("model_context_window_exceeded", "length", []),
        ("compaction", "stop", [("/stop_reason", "approximated")]),
        ("a_word_of_tomorrow", "stop", [("/stop_reason", "approximated")]),
    ],
)
def test_b12_every_reason_has_a_word_of_its_own(word, seen, lost):
    frames, losses = CHAT_TO_MSG.stream(message_stream(start(), *text_block(0, "a"), *end(word)))
    assert (finish(frames), losses) == (seen, lost)
    answer, losses = CHAT_TO_MSG.whole(message_answer(event("text", text="a"), stop=word))
    assert (answer["choices"][0]["finish_reason"], losses) == (seen, lost)


def test_b03_a_truncated_answer_is_max_tokens_for_a_gemini_client():
    for pair, answer in (
        (GEM_TO_CHAT, chat_answer({"content": "a"}, "length")),
        (GEM_TO_MSG, message_answer(event("text", text="a"), stop="max_tokens")),
    ):
        (candidate,) = pair.whole(answer)[0]["candidates"]
        assert candidate["finishReason"] == "MAX_TOKENS"
    frames, _ = GEM_TO_CHAT.stream(chat_stream({"content": "a"}, finish="length"))
    assert frames[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_b04_a_truncated_answer_is_incomplete_for_a_responses_client():
    cut = message_answer(event("text", text="a"), stop="max_tokens")
    answer = RESP_TO_MSG.whole(cut)[0]
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    frames, _ = RESP_TO_GEM.stream(gemini_frame("a") + gemini_frame(finish="MAX_TOKENS"))
    last = frames[-1]
    assert (last["type"], last["response"]["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "max_output_tokens"},
    )


def test_b05_parallel_calls_of_gemini_are_tool_calls():
    calls = [gemini_call("f", {}, "t1"), gemini_call("f", {}, "t2")]
    assert finish(CHAT_TO_GEM.stream(gemini_frame(*calls, finish="STOP"))[0]) == "tool_calls"
    answer = CHAT_TO_GEM.whole(gemini_answer(*calls))[0]
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert [call["id"] for call in answer["choices"][0]["message"]["tool_calls"]] == ["t1", "t2"]
    assert MSG_TO_GEM.whole(gemini_answer(*calls))[0]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("pair", [CHAT_TO_GEM, MSG_TO_GEM], ids=["chat>gem", "msg>gem"])
@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
def test_b06_a_malformed_call_of_gemini_is_an_error_that_says_what_it_was(pair, word):
    answer = gemini_answer(finish=word)
    answer["candidates"][0]["finishMessage"] = "Malformed function call: f(x="
    with pytest.raises(FaultError) as raised:
        pair.whole(answer)
    assert (raised.value.fault.kind, raised.value.fault.whose) == ("upstream_error", "upstream")
    assert "Malformed function call: f(x=" in raised.value.fault.message

    out = pair.stream_bytes(gemini_frame("a") + gemini_frame(finish=word))[0]
    assert word in read(out)[-1]["error"]["message"]
    assert b"[DONE]" not in out
    assert b"message_stop" not in out


def test_b07_a_blocked_prompt_is_a_filtered_answer_and_no_stream_of_nothing():
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m-1"}
    stream = b"data: " + json.dumps(blocked).encode() + b"\r\n\r\n"
    frames, _ = CHAT_TO_GEM.stream(stream)
    assert [frame["choices"] != [] for frame in frames[:-1]] == [True] * (len(frames) - 1)
    assert finish(frames) == "content_filter"
    assert reason(MSG_TO_GEM.stream(stream)[0])["stop_reason"] == "refusal"


def test_b08_an_answer_that_thinking_used_up_is_cut_and_counted():
    counts = {"promptTokenCount": 3, "thoughtsTokenCount": 90, "totalTokenCount": 93}
    answer = CHAT_TO_GEM.whole(gemini_answer(finish="MAX_TOKENS", usageMetadata=counts))[0]
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["usage"]["completion_tokens"] == 90
    assert finish(CHAT_TO_GEM.stream(gemini_frame(finish="MAX_TOKENS", usageMetadata=counts))[0]) == "length"
