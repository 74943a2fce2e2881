"""Traps 77, 86 to 90, 92 and 93: streams from and to Responses, and calls of Gemini before their end."""

import pytest
from tests.peers.gateways import asks, begun, each_protocol, error_frame, in_two_reads, post
from tests.peers.vendors import (
    event,
    frames,
    function_call,
    gemini_call,
    gemini_frame,
    gemini_tool,
    output_text,
    response,
    response_call,
    response_message,
    response_stream,
    response_text,
    response_usage,
)
from tests.traps.conversion import (
    CHAT,
    DONE,
    GEMINI,
    MESSAGES,
    RESPONSES,
    SCHEMA,
    Json,
    block,
    broken_answer,
    call_block,
    chat_body,
    chat_call,
    chat_tool,
    chat_usage,
    chunk,
    completion,
    convert_answer,
    convert_stream,
    deltas,
    gemini_body,
    messages_body,
    messages_tool,
    messages_usage,
    responses_body,
    responses_of,
    started,
    stopped,
    text_block,
)

from twoapi.ir import Opaque, Origin
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.replies import error_reply, sse_reply

NOW = {"created": 1700000000, "model": "m-1"}
BEGUN = {**started(), "message": {**started()["message"], "model": "m-1"}}
NO_USAGE = [("/usage", "info")]
COUNTED = {**messages_usage(3, 2, written=0, read=0), "output_tokens_details": {"thinking_tokens": 0}}
ROLE = chunk({"role": "assistant", "content": None})
TOOLS = [{"type": "function", "name": "f", "parameters": SCHEMA}]


def told(*choices, begun_with=None, **fields):
    """The chunks that a chat client gets of a Responses upstream."""
    return deltas(*choices, begun_with=begun_with, **NOW, **fields)


def test_077_the_blob_of_reasoning_is_the_one_of_its_finished_item():
    summary = {"type": "summary_text", "text": "hm"}
    item = {"type": "reasoning", "id": "rs_1"}
    done = {**item, "summary": [summary], "encrypted_content": "WHOLE"}
    place = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    stream = response_stream(
        [
            event("output_item.added", output_index=0, item={**item, "summary": [], "encrypted_content": "PART"}),
            event("reasoning_summary_part.added", **place, part={**summary, "text": ""}),
            event("reasoning_summary_text.delta", **place, delta="hm"),
            event("reasoning_summary_text.done", **place, text="hm"),
            event("reasoning_summary_part.done", **place, part=summary),
            event("output_item.done", output_index=0, item=done),
            *response_text("x", index=1),
        ]
    )
    seal = PLAIN.seal((Opaque("encrypted_reasoning", "WHOLE", Origin(RESPONSES)),), RESPONSES)

    assert convert_stream(RESPONSES, MESSAGES, stream) == (
        [
            BEGUN,
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": seal},
            ),
            *text_block(1, "x"),
            *stopped("end_turn", COUNTED),
        ],
        [],
    )
    events, _ = convert_stream(RESPONSES, RESPONSES, stream)
    assert [one["item"]["encrypted_content"] for one in events if one.get("item", {}).get("encrypted_content")] == [
        "WHOLE"
    ]
    assert events[-1]["response"]["output"][0]["encrypted_content"] == "WHOLE"


CALL = response_call("c1", "f", '{"x":', "1}")


def test_086_the_last_event_repeats_a_call_and_makes_no_second_one():
    assert convert_stream(RESPONSES, CHAT, response_stream(CALL), chat_body(tools=[chat_tool()], stream=True)) == (
        [
            *told(
                ({"tool_calls": [{"index": 0, **chat_call("c1", "")}]}, None),
                ({"tool_calls": [{"index": 0, "function": {"arguments": '{"x":'}}]}, None),
                ({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}, None),
                ({}, "tool_calls"),
            ),
            "[DONE]",
        ],
        [],
    )
    asked = messages_body(tools=[messages_tool()], stream=True)
    assert convert_stream(RESPONSES, MESSAGES, response_stream(CALL), asked) == (
        [BEGUN, *call_block(0, "c1", '{"x":', "1}"), *stopped("tool_use", COUNTED)],
        [],
    )
    answers, _ = convert_stream(RESPONSES, GEMINI, response_stream(CALL), gemini_body(tools=[gemini_tool("f", SCHEMA)]))
    parts = [part for answer in answers for part in answer["candidates"][0]["content"]["parts"]]
    assert [part for part in parts if "functionCall" in part] == [gemini_call("f", {"x": 1}, "c1")]


def test_086_what_the_last_event_alone_tells_is_told():
    begun = {**response(status="in_progress"), "usage": None}
    item = function_call("c1", arguments='{"x":1}', id="fc_1", status="completed")
    stream = frames(event("created", response=begun), event("completed", response=response(item)))

    events, _ = convert_stream(RESPONSES, MESSAGES, stream, messages_body(tools=[messages_tool()], stream=True))

    assert events[1:] == [*call_block(0, "c1", '{"x":1}'), *stopped("tool_use", COUNTED)]


def test_087_a_responses_client_gets_the_whole_life_of_every_item_and_all_at_the_end():
    pieces = [
        ROLE,
        chunk({"content": "he"}),
        chunk({"content": "y"}),
        chunk({"tool_calls": [{"index": 0, **chat_call("c1", '{"x":')}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
        chunk({}, "tool_calls"),
        chunk(choices=[], usage={"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}),
        DONE,
    ]

    events, losses = convert_stream(CHAT, RESPONSES, pieces, responses_body(tools=TOOLS, stream=True))

    names = [one["type"].removeprefix("response.") for one in events]
    assert names == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    message = response_message("hey", item_id="msg_tw_x_0")
    call = function_call("c1", arguments='{"x":1}', id="fc_tw_x_1", status="completed")
    by_name = dict(zip(names, events, strict=True))
    assert by_name["output_text.done"]["text"] == "hey"
    assert by_name["content_part.done"]["part"] == output_text("hey")
    assert [one["item"] for one in events if one["type"].endswith("output_item.done")] == [message, call]
    assert by_name["function_call_arguments.done"]["arguments"] == '{"x":1}'
    last = events[-1]["response"]
    assert (last["status"], last["output"], last["usage"]) == ("completed", [message, call], response_usage(10, 2))
    assert losses == []


def test_087_it_gets_it_all_also_when_the_upstream_gives_no_reason_to_stop():
    events, _ = convert_stream(CHAT, RESPONSES, [ROLE, chunk({"content": "hey"}), DONE], responses_body(stream=True))

    assert [one["text"] for one in events if one["type"] == "response.output_text.done"] == ["hey"]
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"] == [response_message("hey", item_id="msg_tw_x_0")]


def test_088_items_that_were_streamed_count_when_the_last_event_has_none():
    stream = response_stream(response_text("he", "y"), output=[])

    assert convert_stream(RESPONSES, CHAT, stream) == (
        [*told(({"content": "he"}, None), ({"content": "y"}, None), ({}, "stop"), begun_with=""), "[DONE]"],
        [],
    )
    assert convert_stream(RESPONSES, MESSAGES, stream) == (
        [BEGUN, *text_block(0, "he", "y"), *stopped("end_turn", COUNTED)],
        [],
    )


@pytest.mark.parametrize(
    ("reason", "finish", "stop"),
    [("max_output_tokens", "length", "max_tokens"), ("content_filter", "content_filter", "refusal")],
)
def test_089_an_incomplete_answer_is_cut_or_filtered_and_keeps_its_usage(reason, finish, stop):
    ended: dict[str, Json] = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    stream = response_stream(response_text("he"), **ended)
    asked = chat_body(stream=True, stream_options={"include_usage": True})
    counted = chat_usage(3, 2, {"cached_tokens": 0, "cache_write_tokens": 0}, {"reasoning_tokens": 0})
    chunks = told(({"content": "he"}, None), ({}, finish), begun_with="", usage=None)

    assert convert_stream(RESPONSES, CHAT, stream, asked) == (
        [*chunks, {**chunks[0], "choices": [], "usage": counted}, "[DONE]"],
        [],
    )
    assert convert_answer(RESPONSES, CHAT, response(response_message("he"), **ended)) == (
        completion({"content": "he"}, finish, usage=counted, **NOW),
        [],
    )
    delta, _ = convert_stream(RESPONSES, MESSAGES, stream)[0][-2:]
    assert (delta["delta"]["stop_reason"], delta["usage"]) == (stop, COUNTED)


@pytest.mark.parametrize("said", [(), ("he",)], ids=["at once", "later"])
def test_090_a_failed_response_is_an_error_and_no_empty_message(said):
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    stream = response_stream(response_text(*said) if said else [], status="failed", error=error)

    events, losses = convert_stream(RESPONSES, MESSAGES, stream)
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["type"] == "rate_limit_error"
    assert events[-1]["error"]["message"] == "slow down"
    assert not {"message_delta", "message_stop"} & {one["type"] for one in events}
    assert losses == []
    chunks, _ = convert_stream(RESPONSES, CHAT, stream)
    assert chunks[-1]["error"]["code"] == "rate_limit_exceeded"
    assert [one for one in chunks[:-1] if one["choices"][0]["finish_reason"]] == []
    fault = broken_answer(RESPONSES, MESSAGES, response(status="failed", error=error))
    assert (fault.kind, fault.message) == ("rate_limited", "slow down")


@each_protocol
def test_092_an_upstreams_error_is_a_failed_response_with_its_words(running, client):
    upstream = client  # of each kind
    before = begun(upstream, "alpha")
    reply = sse_reply([*before, error_frame(upstream)])
    body = in_two_reads(running, asks(RESPONSES, upstream), reply, len(before), b"alpha")
    if upstream == RESPONSES:  # its own event, as it came
        assert body == reply.body
    else:
        last = responses_of(body)[-1]
        assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
        assert last["response"]["error"] == {"code": "server_is_overloaded", "message": "gone wrong"}
    # Before anything was said the status can still tell it.
    running.one.reply(*[error_reply(upstream, 400, "your mistake")] * 2)
    answer = post(running, asks(RESPONSES, upstream))
    assert (answer.status, answer.json()["error"]["message"]) == (400, "your mistake")


@pytest.mark.parametrize("end", [gemini_frame("", finish="STOP"), gemini_frame(finish="STOP")], ids=["empty", "none"])
def test_093_a_call_before_a_plain_stop_ends_as_a_call(end):
    pieces = [gemini_frame(gemini_call("f", {"x": 1}, "c1")), end]

    chunks, _ = convert_stream(GEMINI, CHAT, pieces, chat_body(tools=[chat_tool()], stream=True))
    assert [one["choices"][0]["finish_reason"] for one in chunks[:-1]][-1] == "tool_calls"
    assert convert_stream(GEMINI, MESSAGES, pieces, messages_body(tools=[messages_tool()]))[0][1:] == [
        *call_block(0, "c1", '{"x":1}'),
        *stopped("tool_use", messages_usage(3, 2)),
    ]
    events, _ = convert_stream(GEMINI, RESPONSES, pieces, responses_body(tools=TOOLS, stream=True))
    assert [(item["type"], item["call_id"]) for item in events[-1]["response"]["output"]] == [("function_call", "c1")]
