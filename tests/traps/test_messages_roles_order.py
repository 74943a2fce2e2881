"""Traps 1 to 18: messages, their roles and their order."""

import pytest
from tests.traps.conversion import (
    CHAT,
    MESSAGES,
    assistant,
    chat_body,
    chat_call,
    chat_result,
    chat_tool,
    completion,
    convert_answer,
    convert_request,
    convert_stream,
    deltas,
    event,
    in_chat,
    in_messages,
    messages_answer,
    messages_body,
    messages_tool,
    refused,
    text,
    tool_result,
    tool_use,
    user,
)

TWO_CALLS = assistant(None, tool_calls=[chat_call("a", '{"x": 1}'), chat_call("b", '{"x": 2}')])
TWO_USES = assistant([tool_use("a", {"x": 1}), tool_use("b", {"x": 2})])


def system(words):
    return {"role": "system", "content": words}


def test_001_a_later_instruction_stays_in_place_or_joins_the_system_prompt_in_its_own_words():
    body = chat_body(system("top"), user("a"), system("rule"), user("b"), max_tokens=50)

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(user("a"), system("rule"), user("b"), system="top"),
        [],
    )
    assert convert_request(CHAT, MESSAGES, body, system_in_place=False) == (
        in_messages(user("a"), user("b"), system=[text("top"), text("rule")]),
        [("/messages/2", "moved")],
    )


def test_002_instructions_alone_are_refused_in_the_clients_protocol():
    assert refused(CHAT, MESSAGES, chat_body(system("only"), max_tokens=50)) == (
        400,
        {
            "error": {
                "message": "at least one user message is needed",
                "type": "invalid_request_error",
                "param": "/messages",
                "code": None,
            }
        },
    )


def test_003_an_empty_assistant_turn_goes_without_words_in_its_place():
    assert convert_request(CHAT, MESSAGES, chat_body(user("a"), assistant(""), user("b"), max_tokens=50)) == (
        in_messages(user("a"), user("b")),
        [("/messages/1/content", "info")],
    )


def test_004_parallel_tool_results_become_one_user_turn():
    body = chat_body(
        user("q"),
        TWO_CALLS,
        chat_result("a", "one"),
        chat_result("b", "two"),
        user("go"),
        tools=[chat_tool()],
        max_tokens=50,
    )

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(
            user("q"),
            TWO_USES,
            user([tool_result("a", "one"), tool_result("b", "two"), text("go")]),
            tools=[messages_tool()],
        ),
        [],
    )


def test_005_tool_messages_stand_before_the_user_message_of_the_same_turn():
    body = messages_body(
        user("q"), assistant([tool_use("a")]), user([text("words"), tool_result("a")]), tools=[messages_tool()]
    )

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(
            user("q"),
            assistant(None, tool_calls=[chat_call("a")]),
            chat_result("a"),
            user("words"),
            tools=[chat_tool()],
        ),
        [("/messages/2/content/0", "reordered")],
    )


def test_006_results_are_paired_by_id_alone():
    swapped = chat_body(
        user("q"), TWO_CALLS, chat_result("b", "two"), chat_result("a", "one"), tools=[chat_tool()], max_tokens=50
    )

    assert convert_request(CHAT, MESSAGES, swapped) == (
        in_messages(
            user("q"), TWO_USES, user([tool_result("b", "two"), tool_result("a", "one")]), tools=[messages_tool()]
        ),
        [],
    )
    back = messages_body(
        user("q"), TWO_USES, user([tool_result("b", "two"), tool_result("a", "one")]), tools=[messages_tool()]
    )
    assert convert_request(MESSAGES, CHAT, back) == (
        in_chat(user("q"), TWO_CALLS, chat_result("b", "two"), chat_result("a", "one"), tools=[chat_tool()]),
        [],
    )


def test_010_a_call_without_result_is_refused_by_name_and_no_result_is_made_up():
    chat = chat_body(user("q"), TWO_CALLS, chat_result("b"), user("go"), tools=[chat_tool()], max_tokens=50)
    stray = chat_body(user("q"), chat_result("b"), tools=[chat_tool()], max_tokens=50)
    messages = messages_body(user("q"), assistant([tool_use("a")]), user("never mind"), tools=[messages_tool()])

    assert refused(CHAT, MESSAGES, chat) == (
        400,
        {
            "error": {
                "message": "the tool call 'a' has no result in the turn after it",
                "type": "invalid_request_error",
                "param": "/messages/1/tool_calls/0",
                "code": None,
            }
        },
    )
    assert refused(CHAT, MESSAGES, stray) == (
        400,
        {
            "error": {
                "message": "the tool result for 'b' has no call in the turn before it",
                "type": "invalid_request_error",
                "param": "/messages/1",
                "code": None,
            }
        },
    )
    assert refused(MESSAGES, CHAT, messages) == (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "messages.1.content.0: the tool call 'a' has no result",
            },
            "request_id": "req_1",
        },
    )


MIXED = messages_body(
    user("q"),
    assistant([text("a"), tool_use("x"), text("b")]),
    user([tool_result("x")]),
    tools=[messages_tool()],
)


def test_011_text_around_a_call_is_joined_with_a_loss_and_exact_in_its_own_protocol():
    assert convert_request(MESSAGES, CHAT, MIXED) == (
        in_chat(user("q"), assistant("ab", tool_calls=[chat_call("x")]), chat_result("x"), tools=[chat_tool()]),
        [("/messages/1/content/2", "reordered")],
    )
    assert convert_request(MESSAGES, MESSAGES, MIXED) == (MIXED, [])


def test_012_text_beside_a_tool_call_is_kept():
    body = messages_body(
        user("q"), assistant([text("a"), tool_use("x")]), user([tool_result("x")]), tools=[messages_tool()]
    )

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(user("q"), assistant("a", tool_calls=[chat_call("x")]), chat_result("x"), tools=[chat_tool()]),
        [],
    )


def test_013_white_space_at_the_end_of_a_prefill_goes_with_a_loss_and_models_without_prefill_refuse():
    body = chat_body(user("q"), assistant("Answer: "), max_tokens=50)

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(user("q"), assistant("Answer:")),
        [("/messages/1/content", "approximated")],
    )
    assert refused(CHAT, MESSAGES, body, prefill=False) == (
        400,
        {
            "error": {
                "message": "the model cannot go on from an assistant message",
                "type": "invalid_request_error",
                "param": "/messages/1",
                "code": None,
            }
        },
    )


def test_014_the_name_of_a_user_is_a_loss():
    assert convert_request(CHAT, MESSAGES, chat_body(user("q", name="ann"), max_tokens=50)) == (
        in_messages(user("q")),
        [("/messages/0/name", "dropped")],
    )


def test_015_a_developer_message_is_an_instruction_never_a_turn_of_the_user():
    def developer(words):
        return {"role": "developer", "content": words}

    body = chat_body(developer("d1"), user("q"), developer("d2"), user("r"), max_tokens=50)

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(user("q"), system("d2"), user("r"), system="d1"),
        [],
    )
    assert convert_request(CHAT, MESSAGES, body, system_in_place=False) == (
        in_messages(user("q"), user("r"), system=[text("d1"), text("d2")]),
        [("/messages/2", "moved")],
    )


def test_016_several_system_blocks_do_not_run_together():
    assert convert_request(MESSAGES, CHAT, messages_body(system=[text("one"), text("two")])) == (
        in_chat({"role": "system", "content": [text("one"), text("two")]}, user("hi")),
        [],
    )


def test_017_calls_count_from_zero_in_streams_and_have_no_index_elsewhere():
    asked = chat_body(tools=[chat_tool()])
    whole = messages_answer(tool_use("a"), tool_use("b"), stop="tool_use")
    pieces = [
        event("message_start", message=messages_answer(stop_reason=None)),
        event("content_block_start", index=0, content_block=tool_use("a")),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block=tool_use("b")),
        event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"x":1}'}),
        event("content_block_stop", index=1),
        event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]

    assert convert_answer(MESSAGES, CHAT, whole, asked) == (
        completion({"tool_calls": [chat_call("a"), chat_call("b")]}, "tool_calls"),
        [],
    )
    assert convert_stream(MESSAGES, CHAT, pieces, {**asked, "stream": True}) == (
        [
            *deltas(
                ({"tool_calls": [{"index": 0, **chat_call("a", "")}]}, None),
                ({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}, None),
                ({"tool_calls": [{"index": 1, **chat_call("b", "")}]}, None),
                ({"tool_calls": [{"index": 1, "function": {"arguments": '{"x":1}'}}]}, None),
                ({}, "tool_calls"),
            ),
            "[DONE]",
        ],
        [],
    )


@pytest.mark.parametrize(
    ("client", "upstream", "body", "error"),
    [
        (
            CHAT,
            MESSAGES,
            chat_body(user("q"), TWO_CALLS, {"role": "tool", "content": "x"}, tools=[chat_tool()], max_tokens=50),
            {
                "error": {
                    "message": "a tool message needs tool_call_id",
                    "type": "invalid_request_error",
                    "param": "/messages/2/tool_call_id",
                    "code": None,
                }
            },
        ),
        (
            MESSAGES,
            CHAT,
            messages_body(user("q"), assistant([tool_use("a")]), user([{"type": "tool_result", "content": "x"}])),
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "messages.2.content.0: Object missing required field `tool_use_id`",
                },
                "request_id": "req_1",
            },
        ),
    ],
    ids=["chat", "messages"],
)
def test_018_a_result_without_a_call_id_is_refused_by_its_place(client, upstream, body, error):
    assert refused(client, upstream, body) == (400, error)
