"""Traps 19 to 50: tools, their calls and results, their schemas."""

import pytest
from tests.traps.conversion import (
    CHAT,
    DONE,
    MESSAGES,
    assistant,
    broken_answer,
    call_block,
    chat_answer,
    chat_body,
    chat_call,
    chat_result,
    chat_tool,
    chunk,
    completion,
    convert_answer,
    convert_request,
    convert_stream,
    deltas,
    event,
    in_chat,
    in_messages,
    message,
    messages_answer,
    messages_body,
    messages_tool,
    refused,
    started,
    stopped,
    text,
    tool_result,
    tool_use,
    user,
)

NO_USAGE = [("/usage", "info")]
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
WITH_TOOL = messages_body(tools=[messages_tool()])


def called(call_id="a", **fields):
    """A chat history up to a call of f."""
    return [user("q"), assistant(None, tool_calls=[chat_call(call_id, **fields)])]


def used(call_id="a", arguments=None, name="f"):
    """The same for Anthropic."""
    return [user("q"), assistant([tool_use(call_id, arguments, name)])]


def call_stream(*fragments, finish="tool_calls", name="f"):
    """The frames of a chat stream that calls one tool."""
    first, *rest = fragments
    return [
        chunk({"role": "assistant", "content": None}),
        chunk({"tool_calls": [{"index": 0, **chat_call("c1", first, name)}]}),
        *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": more}}]}) for more in rest),
        chunk({}, finish),
        DONE,
    ]


def test_019_an_error_result_is_marked_in_its_text():
    body = messages_body(*used(), user([tool_result("a", "boom", is_error=True)]), tools=[messages_tool()])

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(*called(), chat_result("a", "[tool error] boom"), tools=[chat_tool()]),
        [("/messages/2/content/0/is_error", "emulated")],
    )


def test_020_an_image_of_a_result_goes_into_a_user_message_that_names_the_call():
    body = messages_body(*used(), user([tool_result("a", [text("see"), IMAGE])]), tools=[messages_tool()])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(*called(), chat_result("a", "see"), user([text("[tool result a]"), image]), tools=[chat_tool()]),
        [("/messages/2/content/0/content/1", "emulated")],
    )


def test_021_no_parallel_calls_means_no_parallel_calls():
    choice = {"type": "auto", "disable_parallel_tool_use": True}

    assert convert_request(MESSAGES, CHAT, messages_body(tools=[messages_tool()], tool_choice=choice)) == (
        in_chat(tools=[chat_tool()], tool_choice="auto", parallel_tool_calls=False),
        [],
    )
    assert convert_request(
        CHAT, MESSAGES, chat_body(tools=[chat_tool()], parallel_tool_calls=False, max_tokens=50)
    ) == (in_messages(tools=[messages_tool()], tool_choice=choice), [])


@pytest.mark.parametrize(("mode", "choice"), [("required", "any"), ("auto", "auto")])
def test_023_only_the_allowed_tools_are_sent(mode, choice):
    allowed = {"mode": mode, "tools": [{"type": "function", "function": {"name": "g"}}]}
    body = chat_body(
        tools=[chat_tool("f"), chat_tool("g")],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
        max_tokens=50,
    )

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(tools=[messages_tool("g")], tool_choice={"type": choice}),
        [("/tools/0", "info"), ("/tool_choice", "emulated")],
    )


GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}}
PATCH = {"type": "custom", "custom": {"name": "patch", "description": "Edit files.", "format": GRAMMAR}}
FREE_TEXT = '*** a\n"b"'


def custom_call(call_id, words):
    return {"id": call_id, "type": "custom", "custom": {"name": "patch", "input": words}}


def test_024_a_custom_tool_is_a_function_of_one_string_and_its_call_comes_back_as_free_text():
    history = [user("q"), assistant(None, tool_calls=[custom_call("a", FREE_TEXT)]), chat_result("a")]
    body = chat_body(*history, tools=[PATCH], max_tokens=50)
    schema = {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
        "additionalProperties": False,
    }
    answer = messages_answer(tool_use("t1", {"input": "x\ny"}, "patch"), stop="tool_use")
    pieces = [
        event("message_start", message=messages_answer(stop_reason=None)),
        event("content_block_start", index=0, content_block=tool_use("t1", name="patch")),
        *(
            event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": piece})
            for piece in ['{"inp', 'ut":"x\\', 'ny"}']
        ),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(
            *used("a", {"input": FREE_TEXT}, "patch"),
            user([tool_result("a")]),
            tools=[messages_tool("patch", schema, description="Edit files.\n\nstart: /.+/")],
        ),
        [("/tools/0", "emulated"), ("/messages/1/tool_calls/0", "emulated")],
    )
    assert convert_answer(MESSAGES, CHAT, answer, body) == (
        completion({"tool_calls": [custom_call("t1", "x\ny")]}, "tool_calls"),
        [],
    )
    assert convert_stream(MESSAGES, CHAT, pieces, {**body, "stream": True}) == (
        [
            *deltas(
                ({"tool_calls": [{"index": 0, **custom_call("t1", "")}]}, None),
                ({"tool_calls": [{"index": 0, "custom": {"input": "x\ny"}}]}, None),
                ({}, "tool_calls"),
            ),
            "[DONE]",
        ],
        [],
    )


def test_027_what_the_target_does_not_know_of_a_tool_stays_out_of_its_schema():
    body = messages_body(tools=[messages_tool(input_examples=[{"x": 1}], defer_loading=True)])

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(tools=[chat_tool()]),
        [("/tools/0/input_examples", "dropped"), ("/tools/0/defer_loading", "unsupported")],
    )


def test_028_the_type_of_a_tool_is_not_the_type_of_its_parameters():
    assert convert_request(MESSAGES, CHAT, messages_body(tools=[messages_tool(type="custom")])) == (
        in_chat(tools=[chat_tool()]),
        [],
    )


def test_029_a_long_tool_name_is_shortened_upstream_only():
    name, short = "n" * 100, "n" * 55 + "_4e9d8231"
    body = messages_body(
        *used("a", name=name),
        user([tool_result("a")]),
        tools=[messages_tool(name)],
        tool_choice={"type": "tool", "name": name},
    )

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(
            *called("a", name=short),
            chat_result("a"),
            tools=[chat_tool(short)],
            tool_choice={"type": "function", "function": {"name": short}},
        ),
        [],
    )
    answer = chat_answer({"content": None, "tool_calls": [chat_call("c1", name=short)]}, "tool_calls")
    assert convert_answer(CHAT, MESSAGES, answer, body) == (
        message(tool_use("c1", name=name), stop="tool_use"),
        [],
    )
    assert convert_stream(CHAT, MESSAGES, call_stream("{}", name=short), body) == (
        [started(), *call_block(0, "c1", "{}", name=name), *stopped("tool_use")],
        NO_USAGE,
    )


def test_030_an_id_with_characters_that_the_target_refuses_is_wrapped_and_comes_back_as_it_was():
    odd, wrapped = "functions.Bash:0", "tw_ZnVuY3Rpb25zLkJhc2g6MA"
    asked = messages_body(tools=[messages_tool()])
    answer = chat_answer({"content": None, "tool_calls": [chat_call(odd)]}, "tool_calls")

    # A chat client's history, with ids that an Anthropic upstream would refuse.
    body = chat_body(*called(odd), chat_result(odd), tools=[chat_tool()], max_tokens=50)
    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(*used(wrapped), user([tool_result(wrapped)]), tools=[messages_tool()]),
        [],
    )
    # A chat upstream's id on its way to an Anthropic client, and back in the next turn.
    assert convert_answer(CHAT, MESSAGES, answer, asked) == (message(tool_use(wrapped), stop="tool_use"), [])
    replayed = messages_body(*used(wrapped), user([tool_result(wrapped)]), tools=[messages_tool()])
    assert convert_request(MESSAGES, CHAT, replayed) == (
        in_chat(*called(odd), chat_result(odd), tools=[chat_tool()]),
        [],
    )


def test_031_calls_without_ids_get_ids_of_their_own():
    nameless = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = chat_answer({"content": None, "tool_calls": [nameless, nameless]}, "tool_calls")

    converted, losses = convert_answer(CHAT, MESSAGES, answer, WITH_TOOL)

    first, second = [part["id"] for part in converted["content"]]
    assert (converted, losses) == (message(tool_use(first), tool_use(second), stop="tool_use"), [])
    assert first != second
    assert convert_answer(CHAT, MESSAGES, answer, WITH_TOOL)[0] == converted, "the ids of a turn are stable"


def test_033_truncated_arguments_never_become_a_call_that_runs():
    cut = {"content": "t", "tool_calls": [chat_call("c1", '{"a": 1')]}
    error = {"type": "api_error", "message": "the model wrote tool arguments that are not a JSON object"}
    opened = call_block(0, "c1", '{"a"', ": 1")

    assert convert_answer(CHAT, MESSAGES, chat_answer(cut, "length"), WITH_TOOL) == (
        message(text("t"), stop="max_tokens"),
        [("/choices/0/message/tool_calls/0", "dropped")],
    )
    broken = broken_answer(CHAT, MESSAGES, chat_answer(cut, "tool_calls"), WITH_TOOL)
    assert (broken.kind, broken.whose, broken.code) == ("upstream_error", "upstream", "invalid_tool_arguments")
    # A stream has told the fragments already. As on the real service, max_tokens says that they are cut ...
    assert convert_stream(CHAT, MESSAGES, call_stream('{"a"', ": 1", finish="length"), WITH_TOOL) == (
        [started(), *opened, *stopped("max_tokens")],
        NO_USAGE,
    )
    # ... and with any other ending the block stays open and the stream fails.
    assert convert_stream(CHAT, MESSAGES, call_stream('{"a"', ": 1"), WITH_TOOL) == (
        [
            started(),
            *opened[:-1],
            {
                "type": "error",
                "error": {**error, "details": {"error_code": "invalid_tool_arguments"}},
                "request_id": "x",
            },
        ],
        [],
    )


def test_034_invalid_arguments_in_the_history_are_wrapped():
    body = chat_body(*called("a", arguments='{"a": 1'), chat_result("a"), tools=[chat_tool()], max_tokens=50)

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(*used("a", {"_raw": '{"a": 1'}), user([tool_result("a")]), tools=[messages_tool()]),
        [("/messages/1/tool_calls/0", "emulated")],
    )


def test_035_no_arguments_are_an_empty_object():
    answer = chat_answer({"content": None, "tool_calls": [chat_call("c1", "")]}, "tool_calls")
    body = chat_body(*called("a", arguments=""), chat_result("a"), tools=[chat_tool()], max_tokens=50)

    assert convert_answer(CHAT, MESSAGES, answer, WITH_TOOL) == (message(tool_use("c1"), stop="tool_use"), [])
    assert convert_stream(CHAT, MESSAGES, call_stream(""), WITH_TOOL) == (
        [started(), *call_block(0, "c1", "{}"), *stopped("tool_use")],
        NO_USAGE,
    )
    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(*used("a"), user([tool_result("a")]), tools=[messages_tool()]),
        [],
    )


def test_036_tools_of_the_history_are_declared_by_their_own_names():
    body = chat_body(*called("a", name="weather"), chat_result("a"), max_tokens=50)

    assert convert_request(CHAT, MESSAGES, body) == (
        in_messages(
            *used("a", name="weather"),
            user([tool_result("a")]),
            tools=[messages_tool("weather", {"type": "object"})],
        ),
        [("/messages/1/tool_calls/0", "synthesized")],
    )


OPEN = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
CLOSED = {**OPEN, "required": ["a", "b"]}


def test_045_a_schema_is_never_rewritten_to_be_strict():
    def output(schema):
        return messages_body(output_config={"format": {"type": "json_schema", "schema": schema}})

    def response_format(**fields):
        return {"type": "json_schema", "json_schema": {"name": "response", **fields}}

    assert convert_request(MESSAGES, CHAT, messages_body(tools=[messages_tool(schema=OPEN)])) == (
        in_chat(tools=[chat_tool(parameters=OPEN)]),
        [],
    )
    assert convert_request(MESSAGES, CHAT, messages_body(tools=[messages_tool(schema=OPEN, strict=True)])) == (
        in_chat(tools=[chat_tool(parameters=OPEN)]),
        [("/tools/0/strict", "approximated")],
    )
    assert convert_request(MESSAGES, CHAT, messages_body(tools=[messages_tool(schema=CLOSED, strict=True)])) == (
        in_chat(tools=[chat_tool(parameters=CLOSED, strict=True)]),
        [],
    )
    named = [("/output_config/format/schema", "info")]
    assert convert_request(MESSAGES, CHAT, output(OPEN)) == (
        in_chat(response_format=response_format(schema=OPEN)),
        named,
    )
    assert convert_request(MESSAGES, CHAT, output(CLOSED)) == (
        in_chat(response_format=response_format(schema=CLOSED, strict=True)),
        named,
    )


def test_049_limits_of_a_web_search_are_losses_and_a_search_that_is_not_there_is_none():
    search = {
        "type": "web_search_20250305",
        "name": "web_search",
        "max_uses": 3,
        "allowed_domains": ["a.org"],
    }
    body = messages_body(tools=[search])
    forced = messages_body(tools=[search], tool_choice={"type": "tool", "name": "web_search"})

    assert convert_request(MESSAGES, CHAT, body) == (in_chat(), [("/tools/0", "unsupported")])
    assert convert_request(MESSAGES, CHAT, body, web_search=True) == (
        in_chat(web_search_options={}),
        [("/tools/0", "emulated"), ("/tools/0/max_uses", "dropped"), ("/tools/0/allowed_domains", "dropped")],
    )
    assert refused(MESSAGES, CHAT, forced) == (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "tool_choice: a tool that must be called does not exist at this upstream",
            },
            "request_id": "req_1",
        },
    )


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"type": "any"}, "required"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "none"}, "none"),
        ({"type": "auto"}, "auto"),
    ],
    ids=["any", "tool", "none", "auto"],
)
def test_050_a_tool_choice_is_the_same_choice_on_the_other_side(theirs, ours):
    assert convert_request(MESSAGES, CHAT, messages_body(tools=[messages_tool()], tool_choice=theirs)) == (
        in_chat(tools=[chat_tool()], tool_choice=ours),
        [],
    )
    assert convert_request(CHAT, MESSAGES, chat_body(tools=[chat_tool()], tool_choice=ours, max_tokens=50)) == (
        in_messages(tools=[messages_tool()], tool_choice=theirs),
        [],
    )
