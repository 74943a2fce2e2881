"""Traps 17, 18, 25, 26, 63, 119 and 129: what Responses clients say, in front of other upstreams."""

import pytest
from tests.gateway.wire import ALIASES
from tests.peers.gateways import documents
from tests.peers.vendors import function_call, function_output, gemini_answer, gemini_call
from tests.traps.conversion import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    SCHEMA,
    assistant,
    chat_answer,
    chat_call,
    chat_result,
    convert_answer,
    convert_request,
    convert_stream,
    event,
    messages_answer,
    messages_tool,
    refused,
    responses_body,
    tool_use,
    user,
)

from twoapi.testing.canned import stream, whole
from twoapi.testing.replies import json_reply

FUNCTION = {"type": "function", "name": "f", "parameters": SCHEMA}
OTHERS = (CHAT, MESSAGES, GEMINI)
each_other = pytest.mark.parametrize("upstream", OTHERS)
FREE_TEXT = '*** a\n"b"'
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
ONE_STRING = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


def test_017_two_calls_of_an_answer_are_one_message_without_indexes():
    body = responses_body(
        user("q"), function_call("a"), function_call("b"), function_output("a"), function_output("b"), tools=[FUNCTION]
    )

    sent, losses = convert_request(RESPONSES, CHAT, body)

    assert sent["messages"] == [
        user("q"),
        assistant(None, tool_calls=[chat_call("a"), chat_call("b")]),
        chat_result("a"),
        chat_result("b"),
    ]
    assert losses == []


@pytest.mark.parametrize("before", [[], [function_call("a")]], ids=["alone", "behind its call"])
@each_other
def test_018_a_result_without_a_call_id_is_refused_by_its_item(upstream, before):
    body = responses_body(user("q"), *before, {"type": "function_call_output", "output": "x"})

    status, error = refused(RESPONSES, upstream, body)

    assert status == 400
    assert error["error"]["param"] == f"/input/{1 + len(before)}/call_id"


HISTORY = [
    user("q"),
    {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": FREE_TEXT},
    {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"},
]
WITH_PATCH = responses_body(*HISTORY, tools=[PATCH])


def test_025_a_tool_of_free_text_goes_out_as_one_or_as_a_function_of_one_string():
    sent, losses = convert_request(RESPONSES, CHAT, WITH_PATCH)
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}}
    custom = {"name": "apply_patch", "description": "Edit.", "format": grammar}
    called = {"id": "a", "type": "custom", "custom": {"name": "apply_patch", "input": FREE_TEXT}}
    assert sent["tools"] == [{"type": "custom", "custom": custom}]
    assert sent["messages"][1] == assistant(None, tool_calls=[called])
    assert losses == []

    sent, losses = convert_request(RESPONSES, MESSAGES, WITH_PATCH)
    assert sent["tools"] == [messages_tool("apply_patch", ONE_STRING, description="Edit.\n\nstart: /.+/")]
    assert sent["messages"][1] == assistant([tool_use("a", {"input": FREE_TEXT}, "apply_patch")])
    assert sorted(losses)[:2] == [("/input/1", "emulated"), ("/max_output_tokens", "synthesized")]
    assert ("/tools/0", "emulated") in losses

    sent, losses = convert_request(RESPONSES, GEMINI, WITH_PATCH)
    (tool,) = sent["tools"][0]["functionDeclarations"]
    assert (tool["name"], tool["parametersJsonSchema"]) == ("apply_patch", ONE_STRING)
    assert sent["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": FREE_TEXT}
    assert sorted(losses) == [("/input/1", "emulated"), ("/input/1", "synthesized"), ("/tools/0", "emulated")]


def called_with_input(upstream, words):
    """An answer of the upstream that calls apply_patch, which went out as a function."""
    if upstream == MESSAGES:
        return messages_answer(tool_use("t1", {"input": words}, "apply_patch"), stop="tool_use")
    return gemini_answer(gemini_call("apply_patch", {"input": words}, "t1"))


@pytest.mark.parametrize("upstream", [MESSAGES, GEMINI])
def test_025_its_call_comes_back_as_free_text_and_never_as_a_function(upstream):
    seen, losses = convert_answer(upstream, RESPONSES, called_with_input(upstream, FREE_TEXT), WITH_PATCH)

    (item,) = seen["output"]
    assert {name: item[name] for name in ("type", "call_id", "name", "input")} == {
        "type": "custom_tool_call",
        "call_id": "t1",
        "name": "apply_patch",
        "input": FREE_TEXT,
    }
    assert losses == []


def test_025_so_it_does_in_a_stream():
    start = event("message_start", message=messages_answer(stop_reason=None))
    pieces = [
        start,
        event("content_block_start", index=0, content_block=tool_use("t1", name="apply_patch")),
        *(
            event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": piece})
            for piece in ['{"inp', 'ut":"x\\', 'ny"}']
        ),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]

    events, losses = convert_stream(MESSAGES, RESPONSES, pieces, {**WITH_PATCH, "stream": True})

    said = [one["delta"] for one in events if one["type"] == "response.custom_tool_call_input.delta"]
    assert "".join(said) == "x\ny"
    assert [one["type"] for one in events if "function_call" in one["type"]] == []
    assert [(one["type"], one["input"]) for one in events[-1]["response"]["output"]] == [("custom_tool_call", "x\ny")]
    assert losses == []


SPACE = {"type": "namespace", "name": "mcp__x", "description": "D", "tools": [FUNCTION, {**FUNCTION, "name": "g"}]}
WITH_SPACE = responses_body(
    user("q"), function_call("a", namespace="mcp__x"), function_output("a"), tools=[SPACE, FUNCTION]
)


def declared_names(upstream, sent):
    if upstream == CHAT:
        return [tool["function"]["name"] for tool in sent["tools"]]
    if upstream == MESSAGES:
        return [tool["name"] for tool in sent["tools"]]
    return [tool["name"] for tool in sent["tools"][0]["functionDeclarations"]]


def called_name(upstream, sent):
    """The name in the call of the history."""
    if upstream == CHAT:
        return sent["messages"][1]["tool_calls"][0]["function"]["name"]
    if upstream == MESSAGES:
        return sent["messages"][1]["content"][0]["name"]
    return sent["contents"][1]["parts"][0]["functionCall"]["name"]


def calls_by(upstream, name):
    """An answer of the upstream that calls this function."""
    if upstream == CHAT:
        return chat_answer({"content": None, "tool_calls": [chat_call("t1", name=name)]}, "tool_calls")
    if upstream == MESSAGES:
        return messages_answer(tool_use("t1", name=name), stop="tool_use")
    return gemini_answer(gemini_call(name, {}, "t1"))


@each_other
def test_026_tools_of_a_namespace_go_out_by_long_names_and_come_back_by_their_own(upstream):
    sent, losses = convert_request(RESPONSES, upstream, WITH_SPACE)

    assert declared_names(upstream, sent) == ["mcp__x__f", "mcp__x__g", "f"]
    assert called_name(upstream, sent) == "mcp__x__f"
    assert ("/tools/0/description", "dropped") in losses
    for name, own in (("mcp__x__g", ("g", "mcp__x")), ("f", ("f", None))):
        seen, _ = convert_answer(upstream, RESPONSES, calls_by(upstream, name), WITH_SPACE)
        (item,) = seen["output"]
        assert (item["type"], item["name"], item.get("namespace")) == ("function_call", *own)


@each_other
def test_063_a_refusal_among_items_stays_one_where_there_is_one(upstream):
    said = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
    body = responses_body(user("q"), {**said, "content": [{"type": "refusal", "refusal": "no"}]}, user("ok"))

    sent, losses = convert_request(RESPONSES, upstream, body)

    if upstream == CHAT:
        assert sent["messages"][1] == assistant([{"type": "refusal", "refusal": "no"}])
        assert losses == []
    else:
        assert ("/input/1/content/0", "emulated") in losses


@pytest.mark.parametrize(
    ("upstream", "fields", "lost"),
    [
        (CHAT, {"verbosity": "low", "prompt_cache_key": "k"}, ["/max_tool_calls", "/truncation"]),
        (MESSAGES, {}, ["/max_tool_calls", "/prompt_cache_key", "/text/verbosity", "/truncation"]),
        (GEMINI, {}, ["/max_tool_calls", "/prompt_cache_key", "/text/verbosity", "/truncation"]),
    ],
)
def test_119_settings_of_responses_are_mapped_or_losses(upstream, fields, lost):
    asked = {"text": {"verbosity": "low"}, "prompt_cache_key": "k", "max_tool_calls": 3, "truncation": "auto"}
    plain, usual = convert_request(RESPONSES, upstream, responses_body())

    sent, losses = convert_request(RESPONSES, upstream, responses_body(**asked))

    assert sent == {**plain, **fields}
    assert sorted(path for path, _ in losses if (path, _) not in usual) == lost


@each_other
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
def test_129_a_follow_up_has_the_old_turn_and_the_new_instructions_alone(running, upstream, streaming):
    answer = stream(upstream, "hello") if streaming else whole(upstream)
    running.one.reply(answer, answer)
    first = {"model": ALIASES[upstream], "input": "one", "instructions": "old rule", "stream": streaming}

    said = running.post(RESPONSES, first)
    made = documents(said.body)[-1]["response"] if streaming else said.json()
    later = running.post(
        RESPONSES, {**first, "input": "two", "instructions": "new rule", "previous_response_id": made["id"]}
    )

    assert later.status == 200
    sent = running.one.requests[-1].body
    places = [sent.index(word) for word in (b"one", b"hello", b"two")]
    assert places == sorted(places)
    assert b"new rule" in sent
    assert b"old rule" not in sent


@each_other
def test_129_a_follow_up_of_nothing_is_said_so(running, upstream):
    asked = {"model": ALIASES[upstream], "input": "two", "previous_response_id": "resp_none"}

    answer = running.post(RESPONSES, asked)

    assert (answer.status, answer.json()["error"]["code"]) == (404, "previous_response_not_found")
    assert running.one.requests == []


def test_129_the_calls_of_the_old_turn_are_there_for_their_results(running):
    call = chat_answer({"content": None, "tool_calls": [chat_call("c1", '{"x":1}')]}, "tool_calls")
    running.one.reply(json_reply(call), whole(CHAT))
    first = running.post(RESPONSES, {"model": "chat", "input": "one", "tools": [FUNCTION]}).json()
    asked = {"model": "chat", "input": [function_output("c1")], "tools": [FUNCTION]}

    later = running.post(RESPONSES, {**asked, "previous_response_id": first["id"]})

    assert later.status == 200
    assert running.one.requests[-1].json()["messages"] == [
        user("one"),
        assistant(None, tool_calls=[chat_call("c1", '{"x":1}')]),
        chat_result("c1"),
    ]
