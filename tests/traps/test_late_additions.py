"""Traps 131 to 135: what was found late."""

import json

import pytest
from tests.gateway.wire import ALIASES
from tests.traps.conversion import (
    CHAT,
    DONE,
    GEMINI,
    MESSAGES,
    RESPONSES,
    assistant,
    block,
    chat_answer,
    chat_body,
    chat_call,
    chat_result,
    chat_tool,
    chunk,
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
    started,
    stopped,
    text,
    text_block,
    tool_result,
    tool_use,
    user,
)

from twoapi.testing.canned import whole

BLOB = "call_0__thought__" + "z" * 932


def test_131_an_id_with_state_inside_is_short_wherever_it_goes():
    short = "call_cvuzdrip4u62aphxtfc7id4m"  # of its digest, so the same one on every turn and node
    asked = messages_body(tools=[messages_tool()])
    body = chat_body(
        user("q"),
        assistant(None, tool_calls=[chat_call(BLOB)]),
        chat_result(BLOB),
        tools=[chat_tool()],
        max_completion_tokens=50,
    )

    assert len(BLOB) == 949
    assert len(short) <= 40
    assert convert_request(CHAT, CHAT, body) == (
        {
            **body,
            "messages": [user("q"), assistant(None, tool_calls=[chat_call(short)]), chat_result(short)],
        },
        [],
    )
    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(user("q"), assistant([tool_use(short)]), user([tool_result(short)]), tools=[messages_tool()]),
        [],
    )
    answer = chat_answer({"content": None, "tool_calls": [chat_call(BLOB)]}, "tool_calls")
    assert convert_answer(CHAT, MESSAGES, answer, asked) == (message(tool_use(short), stop="tool_use"), [])


@pytest.mark.parametrize("size", [40, 41, 64])
def test_132_an_id_over_forty_characters_is_shortened_on_call_and_result_alike(size):
    call_id = "toolu_" + "x" * (size - 6)
    body = messages_body(
        user("q"), assistant([tool_use(call_id)]), user([tool_result(call_id)]), tools=[messages_tool()]
    )

    encoded, losses = encode(CHAT, decode(MESSAGES, body))

    sent = json.loads(encoded.outgoing.body)
    short = sent["messages"][1]["tool_calls"][0]["id"]
    assert (sent, losses) == (
        in_chat(user("q"), assistant(None, tool_calls=[chat_call(short)]), chat_result(short), tools=[chat_tool()]),
        [],
    )
    assert len(short) <= 40
    assert (short == call_id) is (size == 40)
    assert encoded.restore.call_ids == ({} if size == 40 else {short: call_id})
    assert convert_request(MESSAGES, CHAT, body)[0] == sent, "the same short id in every turn"


def test_133_a_streamed_custom_call_is_a_custom_call():
    def custom(**fields):
        return {"tool_calls": [{"index": 0, **fields}]}

    pieces = [
        chunk({"role": "assistant", "content": None}),
        chunk(custom(id="c1", type="custom", custom={"name": "patch", "input": 'a"'})),
        chunk(custom(custom={"input": "b"})),
        chunk({}, "tool_calls"),
        DONE,
    ]
    asked = chat_body(tools=[{"type": "custom", "custom": {"name": "patch"}}], stream=True)
    told = deltas(
        (custom(id="c1", type="custom", custom={"name": "patch", "input": ""}), None),
        (custom(custom={"input": 'a"'}), None),
        (custom(custom={"input": "b"}), None),
        ({}, "tool_calls"),
    )

    assert convert_stream(CHAT, CHAT, pieces, asked) == (
        [*({**chunk, "id": "chatcmpl-1", "created": 1} for chunk in told), "[DONE]"],
        [],
    )
    inputs = ({"type": "input_json_delta", "partial_json": piece} for piece in ['{"input":"a\\"', "b", '"}'])
    assert convert_stream(CHAT, MESSAGES, pieces) == (
        [started(), *block(0, tool_use("c1", name="patch"), *inputs), *stopped("tool_use")],
        [("/usage", "info")],
    )


def test_134_an_instruction_in_place_moves_to_the_system_prompt_for_models_without_it():
    rule = {"role": "system", "content": "rule"}
    body = messages_body(user("a"), rule, user("b"), system="top")

    assert convert_request(MESSAGES, MESSAGES, body) == (body, [])
    assert convert_request(MESSAGES, MESSAGES, body, system_in_place=False) == (
        messages_body(user("a"), user("b"), system=[text("top"), text("rule")]),
        [("/messages/1", "moved")],
    )


BETA = {b"anthropic-beta": b"context-management-2025-06-27"}
MARK = {"cache_control": {"type": "ephemeral"}}
AGENT = {
    "model": "messages",
    "max_tokens": 32000,
    "stream": True,
    "system": [text("You are a coding agent.", **MARK)],
    "messages": [
        user([text("<system-reminder>"), text("hi", **MARK)]),
        {"role": "system", "content": "note"},
    ],
    "tools": [messages_tool("Bash")],
    "thinking": {"type": "adaptive", "display": "omitted"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
    "metadata": {"user_id": "u"},
}


def test_135_an_agents_body_is_read_and_what_does_not_fit_is_a_loss():
    point = {"prompt_cache_breakpoint": {"mode": "explicit"}}

    encoded, losses = encode(MESSAGES, decode(MESSAGES, AGENT, {b"anthropic-version": b"2023-06-01", **BETA}))
    assert (json.loads(encoded.outgoing.body), losses) == (AGENT, [])
    assert dict(encoded.outgoing.headers) == {b"anthropic-version": b"2023-06-01", **BETA}
    assert convert_request(MESSAGES, CHAT, AGENT) == (
        {
            "model": "messages",
            "max_completion_tokens": 32000,
            "messages": [
                {"role": "system", "content": [text("You are a coding agent.", **point)]},
                user([text("<system-reminder>"), text("hi", **point)]),
                {"role": "system", "content": "note"},
            ],
            "tools": [chat_tool("Bash")],
            "reasoning_effort": "high",
            "safety_identifier": "u",
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        [("/thinking/display", "info"), ("/context_management", "dropped")],
    )


@pytest.mark.parametrize(
    ("upstream", "lost"),
    [
        (CHAT, "4;dropped=3;info=1"),
        (RESPONSES, "4;dropped=3;info=1"),
        (MESSAGES, "relay"),
        (GEMINI, "6;dropped=4;info=1;moved=1"),
    ],
)
def test_135_an_agents_path_and_betas_are_taken(running, upstream, lost):
    running.one.reply(whole(upstream))  # the provider of any compatible server: it takes no cache marks
    body = {**AGENT, "model": ALIASES[upstream], "stream": False}

    betas = {name.decode(): value.decode() for name, value in BETA.items()}

    answer = running.post(MESSAGES, body, betas, "/v1/messages?beta=true")

    assert answer.status == 200
    assert answer.headers["twoapi-losses"] == lost
    assert [running.one.requests[0].query] == (["beta=true"] if upstream == MESSAGES else [""])


def test_135_pings_of_a_model_that_thinks_in_silence_reach_the_client():
    ping = event("ping")
    pieces = [
        event("message_start", message=messages_answer(stop_reason=None)),
        ping,
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
        ping,
        event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "SIG"}),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block=text("")),
        event("content_block_delta", index=1, delta={"type": "text_delta", "text": "x"}),
        event("content_block_stop", index=1),
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]

    events, losses = convert_stream(MESSAGES, MESSAGES, pieces)

    assert [event["type"] for event in events].count("ping") == 2
    opened = {"type": "thinking", "thinking": "", "signature": ""}
    assert [event for event in events if event["type"] != "ping"][1:-2] == [
        *block(0, opened, {"type": "signature_delta", "signature": "SIG"}),
        *text_block(1, "x"),
    ]
    assert losses == []
