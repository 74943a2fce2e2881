"""Traps 103 to 130: reasons to stop, usage, parameters, citations; errors and keys have a file of their own."""

import pytest
from tests.traps.conversion import (
    CHAT,
    DONE,
    MESSAGES,
    Json,
    answer_bytes,
    assistant,
    broken_answer,
    call_block,
    chat_answer,
    chat_body,
    chat_call,
    chat_result,
    chat_tool,
    chat_usage,
    chunk,
    completion,
    convert_answer,
    convert_request,
    convert_stream,
    decode,
    deltas,
    encode,
    event,
    in_chat,
    in_messages,
    message,
    messages_answer,
    messages_body,
    messages_tool,
    messages_usage,
    refused,
    started,
    stopped,
    text,
    tool_result,
    tool_use,
    user,
)

from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.wire.http import Incoming

WITH_TOOL = messages_body(tools=[messages_tool()])
NO_USAGE = [("/usage", "info")]
FIRST, CURRENT = (b"anthropic-version", b"2023-06-01"), (b"anthropic-version", b"2026-10-21")


def test_103_a_call_is_a_tool_use_even_when_the_upstream_says_stop():
    frames = [
        chunk({"role": "assistant"}),
        chunk({"tool_calls": [{"index": 0, **chat_call("c1", "{}")}]}),
        chunk({}, "stop"),
        DONE,
    ]

    assert convert_answer(
        CHAT, MESSAGES, chat_answer({"content": None, "tool_calls": [chat_call("c1")]}, "stop"), WITH_TOOL
    ) == (message(tool_use("c1"), stop="tool_use"), [])
    assert convert_stream(CHAT, MESSAGES, frames, WITH_TOOL) == (
        [started(), *call_block(0, "c1", "{}"), *stopped("tool_use")],
        NO_USAGE,
    )


FILTERED = {"type": "refusal", "category": None, "explanation": None}


def test_104_a_content_filter_is_a_refusal():
    assert convert_answer(CHAT, MESSAGES, chat_answer({"content": "x"}, "content_filter")) == (
        message(text("x"), stop="refusal", stop_details=FILTERED),
        [],
    )


@pytest.mark.parametrize(
    ("stop", "finish", "losses"),
    [
        ("pause_turn", "stop", [("/stop_reason", "approximated")]),
        ("model_context_window_exceeded", "length", []),
        ("max_tokens", "length", []),
        ("something_new", "stop", [("/stop_reason", "approximated")]),
    ],
)
def test_105_a_reason_to_stop_that_chat_does_not_have_is_its_nearest(stop, finish, losses):
    assert convert_answer(MESSAGES, CHAT, messages_answer(text("x"), stop=stop)) == (
        completion({"content": "x"}, finish),
        losses,
    )


def test_105_a_refusal_is_a_content_filter_with_its_words():
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    answer = messages_answer(text("x"), stop="refusal", stop_details=details)
    pieces = [
        event("message_start", message=messages_answer(stop_reason=None)),
        event(
            "message_delta",
            delta={"stop_reason": "refusal", "stop_sequence": None, "stop_details": details},
            usage={"output_tokens": 2},
        ),
        event("message_stop"),
    ]
    told = deltas(({"refusal": "Not this."}, None), ({}, "content_filter"), begun_with="")
    losses = [("/stop_details", "dropped")]  # the category

    assert convert_answer(MESSAGES, CHAT, answer) == (
        completion({"content": "x", "refusal": "Not this."}, "content_filter"),
        losses,
    )
    assert convert_stream(MESSAGES, CHAT, pieces, chat_body(stream=True)) == ([*told, "[DONE]"], losses)


def test_106_a_filtered_answer_without_content_is_an_answer():
    bare = chat_answer({}, "content_filter")
    del bare["choices"][0]["message"]["role"]

    assert convert_answer(CHAT, MESSAGES, bare) == (message(stop="refusal", stop_details=FILTERED), [])
    assert convert_answer(MESSAGES, CHAT, messages_answer(stop="refusal")) == (
        completion({"content": ""}, "content_filter"),
        [],
    )


def test_107_a_malformed_call_is_the_upstreams_error():
    fault = broken_answer(CHAT, MESSAGES, chat_answer({"content": ""}, "malformed_function_call"))

    assert (fault.kind, fault.whose, fault.retryable) == ("upstream_error", "upstream", True)


CHAT_COUNTS = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def test_108_cached_tokens_are_counted_once():
    usage = {**messages_usage(6, 5, read=4), "output_tokens_details": {"thinking_tokens": 3}}

    assert convert_answer(CHAT, MESSAGES, chat_answer({"content": "x"}, usage=CHAT_COUNTS)) == (
        message(text("x"), usage=usage),
        [],
    )


def test_109_the_prompt_of_a_completion_counts_cache_reads_and_writes():
    counts = {
        "input_tokens": 6,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 3},
    }

    assert convert_answer(MESSAGES, CHAT, messages_answer(text("x"), usage=counts)) == (
        completion(
            {"content": "x"},
            "stop",
            usage=chat_usage(12, 5, {"cached_tokens": 4, "cache_write_tokens": 2}, {"reasoning_tokens": 3}),
        ),
        [],
    )


def test_110_reasoning_that_is_counted_beside_the_completion_is_output():
    beside = {
        "prompt_tokens": 10,
        "completion_tokens": 198,
        "total_tokens": 613,
        "completion_tokens_details": {"reasoning_tokens": 405},
    }

    assert convert_answer(CHAT, MESSAGES, chat_answer({"content": "x"}, usage=beside)) == (
        message(text("x"), usage={**messages_usage(10, 603), "output_tokens_details": {"thinking_tokens": 405}}),
        [],
    )


def test_112_a_later_usage_replaces_an_earlier_one():
    asked = chat_body(stream=True, stream_options={"include_usage": True})
    first = {"input_tokens": 6, "cache_read_input_tokens": 4, "output_tokens": 1}
    last = {"input_tokens": 7, "cache_read_input_tokens": 4, "output_tokens": 9}
    pieces = [
        event("message_start", message=messages_answer(stop_reason=None, usage=first)),
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=last),
        event("message_stop"),
    ]
    told = deltas(({}, "stop"), usage=None, begun_with="")

    assert convert_stream(MESSAGES, CHAT, pieces, asked) == (
        [*told, {**told[0], "choices": [], "usage": chat_usage(11, 9, {"cached_tokens": 4})}, "[DONE]"],
        [],
    )
    assert convert_stream(MESSAGES, MESSAGES, pieces)[0][-2:] == stopped("end_turn", messages_usage(7, 9, read=4))


def test_113_a_temperature_over_one_is_clamped_or_removed():
    body = chat_body(temperature=1.7, max_tokens=50)

    encoded, losses = encode(MESSAGES, decode(CHAT, body))
    assert (FIRST in encoded.outgoing.headers, losses) == (True, [("/temperature", "clamped")])
    assert convert_request(CHAT, MESSAGES, body) == (in_messages(temperature=1.0), [("/temperature", "clamped")])
    encoded, losses = encode(MESSAGES, decode(CHAT, body), api_version="2026-10-21")
    assert (CURRENT in encoded.outgoing.headers, losses) == (True, [("/temperature", "dropped")])
    for refusing in ({"api_version": "2026-10-21"}, {"sampling": False}):
        assert convert_request(CHAT, MESSAGES, body, **refusing) == (in_messages(), [("/temperature", "dropped")])


def test_114_sampling_goes_where_the_upstreams_version_has_none():
    body = messages_body(temperature=0.5)

    assert convert_request(MESSAGES, MESSAGES, body, api_version="2026-10-21") == (
        messages_body(),
        [("/temperature", "dropped")],
    )
    incoming = Incoming("/v1/messages", dict([FIRST]), b'{"model":"m","max_tokens":9,"temperature":0.5,"messages":[]}')
    codec = CODECS[MESSAGES]
    relayed = codec.relay_request(incoming, codec.peek(incoming), "m-1", Capabilities(api_version="2026-10-21"))
    assert (relayed.body, CURRENT in relayed.headers) == (b'{"model":"m-1","max_tokens":9,"messages":[]}', True)
    kept = codec.relay_request(incoming, codec.peek(incoming), "m-1", Capabilities())
    assert (kept.body, FIRST in kept.headers) == (incoming.body.replace(b'"m"', b'"m-1"'), True)


def test_115_temperature_stays_and_top_p_goes_where_a_model_takes_one_of_them():
    body = chat_body(temperature=0.7, top_p=0.5, max_tokens=50)

    assert convert_request(CHAT, MESSAGES, body, sampling_pair=False) == (
        in_messages(temperature=0.7),
        [("/top_p", "dropped")],
    )


def test_116_stop_strings_beyond_the_targets_limit_are_losses():
    assert convert_request(MESSAGES, CHAT, messages_body(stop_sequences=list("abcdef"))) == (
        in_chat(stop=list("abcd")),
        [("/stop_sequences/4", "dropped"), ("/stop_sequences/5", "dropped")],
    )


def test_117_no_key_of_one_protocol_leaks_into_the_other():
    body = messages_body(
        service_tier="standard_only", container="c1", speed="fast", top_k=5, inference_geo="us", made_up={"a": 1}
    )
    chat = chat_body(
        made_up=1, store=True, verbosity="low", prompt_cache_key="k", service_tier="flex", top_k=5, max_tokens=50
    )

    converted, losses = convert_request(MESSAGES, CHAT, body)
    assert (converted, sorted(losses)) == (
        in_chat(service_tier="default"),
        [(f"/{name}", "dropped") for name in ("container", "inference_geo", "made_up", "speed", "top_k")],
    )
    converted, losses = convert_request(CHAT, MESSAGES, chat, sampling=False)
    assert (converted, sorted(losses)) == (
        in_messages(),
        [
            ("/made_up", "dropped"),
            ("/prompt_cache_key", "info"),
            ("/service_tier", "unsupported"),
            ("/store", "dropped"),
            ("/top_k", "dropped"),
            ("/verbosity", "dropped"),
        ],
    )


def test_120_a_missing_output_limit_is_the_models_own():
    assert convert_request(CHAT, MESSAGES, chat_body(), max_output=8192) == (
        {**in_messages(), "max_tokens": 8192},
        [],
    )
    assert convert_request(CHAT, MESSAGES, chat_body()) == (
        {**in_messages(), "max_tokens": 16384},
        [("/max_completion_tokens", "synthesized")],
    )
    assert convert_request(CHAT, MESSAGES, chat_body(max_tokens=9000), max_output=8192) == (
        {**in_messages(), "max_tokens": 8192},
        [("/max_tokens", "clamped")],
    )


def test_121_there_are_never_more_than_four_cache_marks_and_the_last_four_stay():
    ours: Json = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    theirs: Json = {"cache_control": {"type": "ephemeral"}}
    chat = chat_body(user([text(word, **ours) for word in "abcdef"]), max_tokens=50)
    marked = messages_body(user([text(word, **theirs) for word in "abc"]), tools=[messages_tool(**theirs)])

    assert convert_request(CHAT, MESSAGES, chat) == (
        {**in_messages(), "messages": [user([text("a"), text("b"), *(text(word, **theirs) for word in "cdef")])]},
        [("/messages/0/content/0", "dropped"), ("/messages/0/content/1", "dropped")],
    )
    # A mark on a tool moves to the next part that can hold one; here that part has its own.
    assert convert_request(MESSAGES, CHAT, marked) == (
        in_chat(messages=[user([text(word, **ours) for word in "abc"])], tools=[chat_tool()]),
        [("/tools/0", "dropped")],
    )


HIT = {
    "type": "web_search_result_location",
    "url": "https://a.org",
    "title": "T",
    "cited_text": "said",
    "encrypted_index": "SEALED",
}
ANNOTATION = {
    "type": "url_citation",
    "url_citation": {"start_index": 4, "end_index": 9, "title": "T", "url": "https://a.org"},
}
FOUND = {
    "type": "search_result_location",
    "cited_text": "",
    "source": "https://a.org",
    "title": "T",
    "search_result_index": 0,
    "start_block_index": 0,
    "end_block_index": 1,
}


def test_126_citations_are_spans_of_the_whole_text_there_and_blocks_here():
    before, cited, after = "né😀 ", "cited", " end"

    answer = messages_answer(text(before), text(cited, citations=[HIT]), text(after))
    assert convert_answer(MESSAGES, CHAT, answer) == (
        completion({"content": before + cited + after, "annotations": [ANNOTATION]}, "stop"),
        [],
    )
    back = chat_answer({"content": before + cited + after, "annotations": [ANNOTATION]})
    assert convert_answer(CHAT, MESSAGES, back) == (
        message(text(before), text(cited, citations=[FOUND]), text(after)),
        [],
    )


def test_126_streamed_citations_are_spans_of_the_whole_text():
    def block(index, words, *more):
        return [
            event("content_block_start", index=index, content_block=text("")),
            event("content_block_delta", index=index, delta={"type": "text_delta", "text": words}),
            *(event("content_block_delta", index=index, delta=delta) for delta in more),
            event("content_block_stop", index=index),
        ]

    pieces = [
        event("message_start", message=messages_answer(stop_reason=None)),
        *block(0, "né😀 "),
        *block(1, "cited", {"type": "citations_delta", "citation": HIT}),
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]
    said = [({"content": "né😀 "}, None), ({"content": "cited"}, None), ({"annotations": [ANNOTATION]}, None)]
    told = deltas(*said, ({}, "stop"), begun_with="")

    assert convert_stream(MESSAGES, CHAT, pieces, chat_body(stream=True)) == ([*told, "[DONE]"], [])


def test_128_what_only_chat_can_draw_is_a_loss_each_and_more_answers_than_one_are_refused():
    drawing = {"logprobs": True, "top_logprobs": 2, "seed": 7, "logit_bias": {"1": 2}}
    body = chat_body(**drawing, presence_penalty=0.5, frequency_penalty=0.5, n=1, max_tokens=50)

    converted, losses = convert_request(CHAT, MESSAGES, body)
    assert (converted, sorted(losses)) == (
        in_messages(),
        sorted((f"/{name}", "dropped") for name in body.keys() - {"model", "messages", "max_tokens", "n"}),
    )
    assert refused(CHAT, MESSAGES, {**body, "n": 2})[0] == 400


ODD = '{"id":1234567890123456789, "a":1.10,"a":2,  "b": 12345678901234567890123, "c":1E5}'


def test_130_arguments_are_carried_letter_by_letter():
    history = chat_body(
        user("q"),
        assistant(None, tool_calls=[chat_call("a", ODD)]),
        chat_result("a"),
        tools=[chat_tool()],
        max_tokens=50,
    )
    answer = chat_answer({"content": None, "tool_calls": [chat_call("a", ODD)]}, "tool_calls")
    raw = (
        b'{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":'
        b'[{"type":"tool_use","id":"a","name":"f","input":%s}]},{"role":"user","content":'
        b'[{"type":"tool_result","tool_use_id":"a","content":"ok"}]}]}' % ODD.encode()
    )

    assert b'"input":%s}' % ODD.encode() in encode(MESSAGES, decode(CHAT, history))[0].outgoing.body
    assert b'"input":%s}' % ODD.encode() in answer_bytes(CHAT, MESSAGES, answer, WITH_TOOL)[0]
    assert convert_request(MESSAGES, CHAT, raw) == (
        {
            "model": "m",
            "max_completion_tokens": 50,
            "messages": [user("q"), assistant(None, tool_calls=[chat_call("a", ODD)]), chat_result("a")],
        },
        [],
    )
    pieces = [
        chunk({"role": "assistant"}),
        chunk({"tool_calls": [{"index": 0, **chat_call("c1", ODD[:20])}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ODD[20:]}}]}),
        chunk({}, "tool_calls"),
        DONE,
    ]
    assert convert_stream(CHAT, MESSAGES, pieces, WITH_TOOL) == (
        [started(), *call_block(0, "c1", ODD[:20], ODD[20:]), *stopped("tool_use")],
        NO_USAGE,
    )


def test_130_not_a_number_is_no_json_and_no_arguments():
    answer = chat_answer({"content": None, "tool_calls": [chat_call("a", '{"a":NaN}')]}, "tool_calls")
    said = assistant(None, tool_calls=[chat_call("a", '{"a":NaN}')])
    history = chat_body(user("q"), said, chat_result("a"), tools=[chat_tool()], max_tokens=50)

    assert broken_answer(CHAT, MESSAGES, answer, WITH_TOOL).code == "invalid_tool_arguments"
    assert convert_request(CHAT, MESSAGES, history) == (
        in_messages(
            messages=[user("q"), assistant([tool_use("a", {"_raw": '{"a":NaN}'})]), user([tool_result("a")])],
            tools=[messages_tool()],
        ),
        [("/messages/1/tool_calls/0", "emulated")],
    )
