"""Traps 78 to 102: streams, through the codecs and through a running gateway."""

import json

import pytest
from tests.gateway.wire import ALIASES, PROTOCOLS, read_until
from tests.peers.gateways import asks, begun, each_pair, kept_awake, post
from tests.traps.conversion import (
    CHAT,
    DONE,
    GEMINI,
    MESSAGES,
    RESPONSES,
    block,
    call_block,
    chat_answer,
    chat_body,
    chat_call,
    chat_usage,
    chunk,
    chunks_of,
    convert_answer,
    convert_stream,
    deltas,
    event,
    events_of,
    message,
    messages_answer,
    messages_body,
    messages_tool,
    messages_usage,
    refused,
    responses_of,
    started,
    stopped,
    text,
    text_block,
)

from twoapi.testing.canned import stream
from twoapi.testing.replies import Gate

ROLE = chunk({"role": "assistant", "content": None})
STOP = chunk({}, "stop")
CALLED = chunk({}, "tool_calls")
USAGE = chunk(choices=[], usage={"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12})
TOLD = messages_usage(10, 2)
BEGUN = event("message_start", message=messages_answer(stop_reason=None))
WITH_TOOL = messages_body(tools=[messages_tool()], stream=True)
NO_USAGE = [("/usage", "info")]
each_upstream = pytest.mark.parametrize("upstream", PROTOCOLS)


def says(words):
    return chunk({"content": words})


def calls(index, call_id, arguments=""):
    return chunk({"tool_calls": [{"index": index, **chat_call(call_id, arguments)}]})


def fragment(index, arguments):
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


def text_delta(words, index=0):
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": words})


def ending(usage):
    return [
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage),
        event("message_stop"),
    ]


def test_078_interleaved_calls_keep_their_own_arguments():
    pieces = [
        ROLE,
        calls(0, "a"),
        calls(1, "b"),
        fragment(0, '{"x":'),
        fragment(1, '{"y":'),
        fragment(0, "1}"),
        fragment(1, "2}"),
        CALLED,
        USAGE,
        DONE,
    ]

    assert convert_stream(CHAT, MESSAGES, pieces, WITH_TOOL) == (
        [
            started(),
            *call_block(0, "a", '{"x":', "1}"),
            *call_block(1, "b", '{"y":', "2}"),
            *stopped("tool_use", TOLD),
        ],
        [],
    )


def test_079_a_stream_without_its_end_is_an_error_unless_the_end_mark_came():
    cut = "the upstream's stream ended in the middle of the answer"

    assert convert_stream(CHAT, MESSAGES, [ROLE, says("he")]) == (
        [
            started(),
            *text_block(0, "he")[:-1],
            {"type": "error", "error": {"type": "api_error", "message": cut}, "request_id": "x"},
        ],
        [],
    )
    assert convert_stream(CHAT, MESSAGES, [ROLE, says("he"), DONE]) == (
        [started(), *text_block(0, "he"), *stopped("end_turn")],
        NO_USAGE,
    )


def test_080_several_answers_are_refused_and_never_merged():
    both = chat_answer({"content": "A"})
    both["choices"].append({"index": 1, "message": {"role": "assistant", "content": "B"}, "finish_reason": "stop"})

    def one(index, delta, finish=None):
        return chunk(choices=[{"index": index, "delta": delta, "finish_reason": finish}])

    pieces = [
        one(0, {"role": "assistant", "content": "A"}),
        one(1, {"role": "assistant", "content": "B"}),
        one(0, {"content": "A2"}),
        one(1, {}, "length"),
        one(0, {}, "stop"),
        DONE,
    ]

    assert refused(CHAT, MESSAGES, chat_body(n=2)) == (
        400,
        {
            "error": {
                "message": "the target gives one answer per request",
                "type": "invalid_request_error",
                "param": "/n",
                "code": None,
            }
        },
    )
    # An upstream that gives two all the same:
    assert convert_answer(CHAT, MESSAGES, both) == (message(text("A")), [("/choices/1", "dropped")])
    assert convert_stream(CHAT, MESSAGES, pieces) == (
        [started(), *text_block(0, "A", "A2"), *stopped("end_turn")],
        [("/choices/1", "dropped"), *NO_USAGE],
    )


def test_081_the_delta_that_changes_the_type_is_the_first_of_its_block():
    pieces = [ROLE, says("a"), calls(0, "c1", '{"x":'), fragment(0, "1}"), CALLED, USAGE, DONE]

    assert convert_stream(CHAT, MESSAGES, pieces, WITH_TOOL) == (
        [started(), *text_block(0, "a"), *call_block(1, "c1", '{"x":', "1}"), *stopped("tool_use", TOLD)],
        [],
    )


def test_082_reasoning_that_comes_first_is_block_zero():
    pieces = [chunk({"role": "assistant", "content": ""}), chunk({"reasoning_content": "hm"}), says("x"), STOP, USAGE]

    events, losses = convert_stream(CHAT, MESSAGES, [*pieces, DONE])

    seal = events[3]["delta"]["signature"]
    assert (events, losses) == (
        [
            started(),
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": seal},
            ),
            *text_block(1, "x"),
            *stopped("end_turn", TOLD),
        ],
        [],
    )


def test_083_text_after_a_call_is_a_block_of_its_own():
    assert convert_stream(
        CHAT, MESSAGES, [ROLE, calls(0, "c1", "{}"), says("after"), CALLED, USAGE, DONE], WITH_TOOL
    ) == ([started(), *call_block(0, "c1", "{}"), *text_block(1, "after"), *stopped("tool_use", TOLD)], [])


def test_084_blocks_are_counted_without_gaps_and_each_is_opened_and_closed_once():
    pieces = [
        ROLE,
        says("a"),
        calls(0, "c1", "{}"),
        calls(1, "c2", "{}"),
        says("b"),
        calls(2, "c3", "{}"),
        CALLED,
        USAGE,
        DONE,
    ]

    assert convert_stream(CHAT, MESSAGES, pieces, WITH_TOOL) == (
        [
            started(),
            *text_block(0, "a"),
            *call_block(1, "c1", "{}"),
            *call_block(2, "c2", "{}"),
            *text_block(3, "b"),
            *call_block(4, "c3", "{}"),
            *stopped("tool_use", TOLD),
        ],
        [],
    )


@pytest.mark.parametrize(
    "first",
    [[says("a")], [says("a"), ROLE], [ROLE, ROLE, says("a")], [chunk({"content": None}), says("a")]],
    ids=["no role", "late role", "two roles", "null"],
)
def test_085_a_message_starts_once_and_first(first):
    assert convert_stream(CHAT, MESSAGES, [*first, STOP, USAGE, DONE]) == (
        [started(), *text_block(0, "a"), *stopped("end_turn", TOLD)],
        [],
    )


def test_091_an_error_in_the_middle_ends_the_stream_as_an_error():
    opened = event("content_block_start", index=0, content_block=text(""))
    busy = event("error", error={"type": "overloaded_error", "message": "busy"})
    gone = b'data: {"error":{"message":"gone","type":"server_error","code":null,"param":null}}\n\n'
    begun = deltas(({"content": "he"}, None), begun_with="")

    assert convert_stream(MESSAGES, CHAT, [BEGUN, opened, text_delta("he"), busy], chat_body(stream=True)) == (
        [*begun, {"error": {"message": "busy", "type": "server_error", "param": None, "code": "overloaded"}}],
        [],
    )
    assert convert_stream(CHAT, MESSAGES, [ROLE, says("he"), gone]) == (
        [
            started(),
            *text_block(0, "he")[:-1],
            {"type": "error", "error": {"type": "api_error", "message": "gone"}, "request_id": "x"},
        ],
        [],
    )


WIDE = "é你😀"
LINES = "a\u2028b\u2029c\u0085d"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_094_a_character_that_is_split_between_reads_arrives_whole(size):
    chat = b"".join([ROLE, says(WIDE), STOP, USAGE, DONE])
    opened = event("content_block_start", index=0, content_block=text(""))
    messages = b"".join([BEGUN, opened, text_delta(WIDE), *ending({"output_tokens": 2})])
    said = deltas(({"content": WIDE}, None), ({}, "stop"), begun_with="")

    def cut(whole):
        return [whole[at : at + size] for at in range(0, len(whole), size)]

    assert convert_stream(CHAT, MESSAGES, cut(chat)) == (
        [started(), *text_block(0, WIDE), *stopped("end_turn", TOLD)],
        [],
    )
    assert convert_stream(MESSAGES, CHAT, cut(messages), chat_body(stream=True)) == ([*said, "[DONE]"], [])


def test_095_line_separators_inside_json_are_no_line_ends():
    frame = says(LINES)
    assert LINES.encode() in frame, "the characters themselves are on the wire, not their escapes"
    for end in (b"\n", b"\r\n", b"\r"):
        pieces = [piece.replace(b"\n", end) for piece in [ROLE, frame, STOP, USAGE, DONE]]
        assert convert_stream(CHAT, MESSAGES, pieces) == (
            [started(), *text_block(0, LINES), *stopped("end_turn", TOLD)],
            [],
        )


def awake(bench, client, upstream):
    """The body of a stream of "alpha" and "beta" whose upstream was silent before and between them."""
    with bench("timeouts: {keep_alive: 100ms}") as ready:
        return kept_awake(ready, asks(client, upstream), upstream)


@each_upstream
def test_096_a_gemini_client_gets_data_and_blank_lines_alone(bench, upstream):
    body = awake(bench, GEMINI, upstream)

    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    assert {line[:6] for line in lines if line} == {b"data: "}
    told = [json.loads(line[6:]) for line in lines if line]
    parts = [
        part for answer in told for one in answer["candidates"] for part in one.get("content", {}).get("parts", ())
    ]
    assert "".join(part["text"] for part in parts) == "alphabeta"
    assert [one["finishReason"] for one in told[-1]["candidates"]] == ["STOP"]
    assert [one for answer in told[:-1] for one in answer["candidates"] if "finishReason" in one] == []


@each_upstream
def test_097_a_chat_client_is_kept_awake_by_comments_alone(bench, upstream):
    body = awake(bench, CHAT, upstream)

    frames = body.removesuffix(b"\n\n").split(b"\n\n")
    assert b": keep-alive" in frames
    told = chunks_of(b"".join(frame + b"\n\n" for frame in frames if not frame.startswith(b":")))
    assert [sorted(chunk) for chunk in told[:-1] if "choices" not in chunk] == []
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in told[:-1]) == "alphabeta"
    assert told[-1] == "[DONE]"


@each_upstream
def test_097_a_responses_client_is_kept_awake_by_comments_alone(bench, upstream):
    body = awake(bench, RESPONSES, upstream)

    frames = body.removesuffix(b"\n\n").split(b"\n\n")
    assert b": keep-alive" in frames
    told = responses_of(b"".join(frame + b"\n\n" for frame in frames if not frame.startswith(b":")))
    assert "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta") == "alphabeta"
    assert told[-1]["type"] == "response.completed"


@each_upstream
def test_098_every_frame_for_an_anthropic_client_has_both_lines(bench, upstream):
    body = awake(bench, MESSAGES, upstream)

    frames = body.removesuffix(b"\n\n").split(b"\n\n")
    told = events_of(b"".join(frame + b"\n\n" for frame in frames if not frame.startswith(b":")))
    assert {"type": "ping"} in told
    assert [event["type"] for event in told if event["type"] != "ping"] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_099_a_last_frame_without_its_blank_line_counts():
    opened = event("content_block_start", index=0, content_block=text(""))
    said = deltas(({"content": "a"}, None), ({}, "stop"), begun_with="")

    assert convert_stream(CHAT, MESSAGES, [ROLE, says("a"), STOP.rstrip()]) == (
        [started(), *text_block(0, "a"), *stopped("end_turn")],
        NO_USAGE,
    )
    delta, stop = ending({"output_tokens": 2})
    assert convert_stream(
        MESSAGES, CHAT, [BEGUN, opened, text_delta("a"), delta, stop.rstrip()], chat_body(stream=True)
    ) == ([*said, "[DONE]"], [])


@each_upstream
def test_100_a_usage_chunk_that_nobody_asked_for_does_not_reach_the_client(running, upstream):
    plain = asks(CHAT, upstream)
    asking = {**plain.body, "stream_options": {"include_usage": True}}
    running.one.reply(stream(upstream, "hi"), stream(upstream, "hi"))

    quiet = chunks_of(post(running, plain).body)
    full = chunks_of(running.post(CHAT, asking).body)

    if upstream == CHAT:
        assert [request.json() for request in running.one.requests] == [{**asking, "model": "m-1"}] * 2
    assert [chunk for chunk in quiet[:-1] if not chunk["choices"] or chunk.get("usage")] == []
    assert quiet[-1] == full[-1] == "[DONE]"
    last = full[-2]
    assert last["choices"] == []
    assert {name: last["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")} == {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
    }


def test_100_a_usage_chunk_that_was_asked_for_is_the_last():
    asked = chat_body(stream=True, stream_options={"include_usage": True})
    told = deltas(({}, "stop"), usage=None, begun_with="")

    assert convert_stream(MESSAGES, CHAT, [BEGUN, *ending({"output_tokens": 2})], asked) == (
        [*told, {**told[0], "choices": [], "usage": chat_usage(3, 2)}, "[DONE]"],
        [],
    )


def test_101_usage_that_comes_after_the_finish_is_told_in_the_message_delta():
    assert convert_stream(CHAT, MESSAGES, [ROLE, says("a"), STOP, USAGE, DONE]) == (
        [started(), *text_block(0, "a"), *stopped("end_turn", TOLD)],
        [],
    )


@each_pair
def test_102_a_client_that_leaves_stops_the_upstream_and_its_part_is_recorded(running, client, upstream):
    gate = Gate()
    running.one.reply(stream(upstream, "word").failing(gate=gate))
    with running.gateway.connect() as sock:
        sock.sendall(asks(client, upstream).on_the_wire())
        gate.release(len(begun(upstream, "word")))
        read_until(sock, b"word")
    running.one.wait(lambda fake: len(fake.disconnects) == 1)
    gate.open()
    records = running.gateway.collected.records
    running.gateway.wait(lambda: len(records) == 1)

    record = records[0]
    assert (record.outcome, record.stream) == ("cancelled", True)
    assert record.upstream == f"{ALIASES[upstream]}1"
    # What an upstream's stream tells at its beginning; most tell nothing before the end, and nothing is not 0.
    told = None if record.usage is None else (record.usage.total_input, record.usage.total_output)
    assert told == {MESSAGES: (3, 2), GEMINI: (3, 0)}.get(upstream)
