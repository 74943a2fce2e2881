"""Traps 94, 95, 99, 103 to 105, 113, 116 and 120 once more: streams, stops and settings of Responses and Gemini."""

import pytest
from tests.peers.vendors import (
    function_call,
    gemini_answer,
    gemini_call,
    gemini_frame,
    response,
    response_message,
    response_stream,
    response_text,
)
from tests.traps.conversion import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    chat_answer,
    chat_body,
    convert_answer,
    convert_request,
    convert_stream,
    gemini_body,
    messages_answer,
    messages_body,
    responses_body,
    started,
    stopped,
    text,
    text_block,
)

WIDE = "é你😀"
LINES = "a\u2028b\u2029c\u0085d"


def streams(words):
    """A stream that says these words, as each vendor sends it."""
    return {
        RESPONSES: response_stream(response_text(words)),
        GEMINI: [gemini_frame(words), gemini_frame(finish="STOP")],
    }


def shown(upstream, pieces):
    """The blocks that an Anthropic client is shown; around them all is in order."""
    events, losses = convert_stream(upstream, MESSAGES, pieces)
    assert losses == []
    assert events[0]["message"]["content"] == started()["message"]["content"]
    assert events[-2]["delta"] == stopped("end_turn")[0]["delta"]
    return events[1:-2]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("upstream", [RESPONSES, GEMINI])
def test_094_a_character_that_is_split_between_reads_arrives_whole_from_every_upstream(upstream, size):
    whole = b"".join(streams(WIDE)[upstream])
    assert WIDE.encode() in whole

    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]

    assert shown(upstream, pieces) == text_block(0, WIDE)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("upstream", [RESPONSES, GEMINI])
def test_095_line_separators_inside_json_are_no_line_ends_from_any_upstream(upstream, end):
    pieces = [piece.replace(b"\r\n", b"\n").replace(b"\n", end) for piece in streams(LINES)[upstream]]
    assert any(LINES.encode() in piece for piece in pieces), "the characters themselves, not their escapes"

    assert shown(upstream, pieces) == text_block(0, LINES)


@pytest.mark.parametrize("upstream", [RESPONSES, GEMINI])
def test_099_a_last_frame_without_its_blank_line_counts_from_every_upstream(upstream):
    *before, last = streams("a")[upstream]

    assert shown(upstream, [*before, last.rstrip()]) == text_block(0, "a")


@pytest.mark.parametrize(
    ("upstream", "answer"),
    [
        (RESPONSES, response(response_message("look"), function_call("c1", id="fc_1", status="completed"))),
        (GEMINI, gemini_answer("look", gemini_call("f", {}, "c1"))),
    ],
)
def test_103_a_call_of_every_upstream_is_a_tool_use(upstream, answer):
    assert convert_answer(upstream, MESSAGES, answer)[0]["stop_reason"] == "tool_use"
    assert convert_answer(upstream, CHAT, answer)[0]["choices"][0]["finish_reason"] == "tool_calls"


def test_104_a_refusal_of_a_response_is_one():
    refused = response(response_message({"type": "refusal", "refusal": "no"}))

    seen, losses = convert_answer(RESPONSES, MESSAGES, refused)
    assert (seen["content"], seen["stop_reason"], losses) == ([text("no")], "refusal", [])
    seen, losses = convert_answer(RESPONSES, CHAT, refused)
    assert (seen["choices"][0]["message"]["refusal"], losses) == ("no", [])


@pytest.mark.parametrize("word", ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION"])
def test_104_what_gemini_filters_is_filtered_everywhere(word):
    answer = gemini_answer("x", finish=word)

    assert convert_answer(GEMINI, CHAT, answer)[0]["choices"][0]["finish_reason"] == "content_filter"
    assert convert_answer(GEMINI, MESSAGES, answer)[0]["stop_reason"] == "refusal"
    seen = convert_answer(GEMINI, RESPONSES, answer)[0]
    assert (seen["status"], seen["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})


@pytest.mark.parametrize(
    ("stop", "finish", "lossy"),
    [
        ("refusal", "SAFETY", False),
        ("pause_turn", "CONTINUATION", False),
        ("model_context_window_exceeded", "MAX_TOKENS", True),
        ("max_tokens", "MAX_TOKENS", False),
        ("something_new", "OTHER", True),
    ],
)
def test_105_a_reason_to_stop_that_gemini_does_not_have_is_its_nearest(stop, finish, lossy):
    seen, losses = convert_answer(MESSAGES, GEMINI, messages_answer(text("x"), stop=stop))

    assert seen["candidates"][0]["finishReason"] == finish
    assert (losses != []) is lossy


def test_105_a_filtered_chat_answer_is_filtered_for_gemini_and_responses():
    answer = chat_answer({"content": "x"}, "content_filter")

    assert convert_answer(CHAT, GEMINI, answer)[0]["candidates"][0]["finishReason"] == "SAFETY"
    seen = convert_answer(CHAT, RESPONSES, answer)[0]
    assert (seen["status"], seen["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})


def test_113_a_temperature_over_one_is_clamped_for_every_client():
    sent, losses = convert_request(GEMINI, MESSAGES, gemini_body(generationConfig={"temperature": 1.7}))
    assert sent["temperature"] == 1.0
    assert ("/generationConfig/temperature", "clamped") in losses
    sent, losses = convert_request(RESPONSES, MESSAGES, responses_body(temperature=1.7))
    assert sent["temperature"] == 1.0
    assert ("/temperature", "clamped") in losses


def test_116_stop_strings_beyond_what_the_target_takes_are_losses():
    sent, losses = convert_request(MESSAGES, GEMINI, messages_body(stop_sequences=list("abcdef")))
    assert sent["generationConfig"]["stopSequences"] == list("abcde")
    assert losses == [("/stop_sequences/5", "dropped")]
    sent, losses = convert_request(CHAT, RESPONSES, chat_body(stop=["a"]))
    assert "stop" not in sent
    assert losses == [("/stop", "dropped")]


@pytest.mark.parametrize(
    ("client", "body", "place"),
    [(RESPONSES, responses_body(), "/max_output_tokens"), (GEMINI, gemini_body(), "/generationConfig/maxOutputTokens")],
)
def test_120_a_missing_output_limit_is_the_models_own_for_every_client(client, body, place):
    sent, losses = convert_request(client, MESSAGES, body, max_output=8192)
    assert (sent["max_tokens"], losses) == (8192, [])
    sent, losses = convert_request(client, MESSAGES, body)
    assert (sent["max_tokens"], losses) == (16384, [(place, "synthesized")])
