"""Rows C2-C24 once more: tools of Responses and Gemini."""

import json

import pytest
from tests.peers.pairs import (
    CHAT_TO_GEM,
    GEM_TO_CHAT,
    GEM_TO_MSG,
    MSG_TO_RESP,
    RESP_TO_CHAT,
    RESP_TO_GEM,
    RESP_TO_MSG,
    USER,
    chat_call,
    function_tool,
    message_answer,
)
from tests.peers.test_group_c import EMPTY, SCHEMA, chat_history, native_tool
from tests.peers.vendors import function_call, function_output, gemini_answer, gemini_call, gemini_result, gemini_tool

RESPONSES_TOOL = {"type": "function", "name": "f", "parameters": EMPTY}


def test_c02_a_bare_object_schema_has_properties_for_responses_too():
    fields, losses = MSG_TO_RESP.fields({"tools": [native_tool("f", {"type": "object"})]})
    assert fields == {"tools": [{**RESPONSES_TOOL, "strict": False}]}
    assert losses == []


def test_c05_every_keyword_of_a_schema_arrives_at_gemini():
    assert CHAT_TO_GEM.fields({"tools": [function_tool("f", SCHEMA)]})[0] == {"tools": [gemini_tool("f", SCHEMA)]}


def test_c06_what_gemini_cannot_be_told_is_reported_and_a_developer_is_an_instruction():
    messages = [{"role": "developer", "content": "be brief"}, USER]
    fields, losses = CHAT_TO_GEM.fields({"messages": messages, "parallel_tool_calls": False})
    assert fields == {"systemInstruction": {"parts": [{"text": "be brief"}]}}
    assert losses == [("/parallel_tool_calls", "unsupported")]


def test_c10_a_search_of_the_vendors_own_is_never_a_function_that_nobody_runs():
    asked = {"tools": [{"type": "web_search"}, RESPONSES_TOOL]}
    for pair in (RESP_TO_CHAT, RESP_TO_MSG, RESP_TO_GEM):
        sent, losses = pair.request({"model": "m", "input": "hi", **asked})
        assert "web_search" not in json.dumps(sent)
        assert ("/tools/0", "unsupported") in losses
    sent, losses = RESP_TO_MSG.request({"model": "m", "input": "hi", **asked}, web_search=True)
    assert [tool["name"] for tool in sent["tools"]] == ["web_search", "f"]
    assert sent["tools"][0] == {"type": "web_search_20250305", "name": "web_search"}
    assert ("/tools/0", "approximated") in losses


def test_c11_functions_of_two_namespaces_that_share_a_name_are_two():
    spaces = [{"type": "namespace", "name": name, "description": "", "tools": [RESPONSES_TOOL]} for name in ("x", "y")]
    asked = {"model": "m", "input": "hi", "tools": [*spaces, RESPONSES_TOOL]}
    assert [tool["name"] for tool in RESP_TO_MSG.request(asked)[0]["tools"]] == ["x__f", "y__f", "f"]
    answer = message_answer({"type": "tool_use", "id": "t1", "name": "y__f", "input": {}}, stop="tool_use")
    (item,) = RESP_TO_MSG.whole(answer, asked)[0]["output"]
    assert (item["name"], item["namespace"]) == ("f", "y")


def test_c12_a_search_for_tools_is_reported_and_the_tools_are_there():
    found = {"type": "tool_search_output", "call_id": "s", "status": "completed", "execution": "server"}
    items = [
        USER,
        {"type": "tool_search_call", "call_id": "s", "status": "completed", "execution": "server", "arguments": {}},
        {**found, "tools": [RESPONSES_TOOL]},
        USER,
    ]
    tools = [{"type": "tool_search"}, {**RESPONSES_TOOL, "defer_loading": True}]
    for pair in (RESP_TO_CHAT, RESP_TO_MSG, RESP_TO_GEM):
        sent, losses = pair.request({"model": "m", "input": items, "tools": tools})
        assert '"f"' in json.dumps(sent["tools"])
        assert "tool_search" not in json.dumps(sent)
        lost = {path for path, _ in losses}
        assert {"/tools/0", "/input/1", "/input/2"} <= lost


def test_c13_no_arguments_in_the_history_are_none_for_gemini():
    history = chat_history(chat_call("a", "f", ""), results=[("a", "ok")])
    fields, _ = CHAT_TO_GEM.fields({"messages": history, "tools": [function_tool("f")]})
    assert fields["contents"][1]["parts"][0]["functionCall"] == {"name": "f", "id": "a", "args": {}}


def gemini_history(**ids: str) -> list[dict]:
    """Two calls of `get`, and their results."""
    calls = [gemini_call("get", {"x": 1}), gemini_call("get", {"x": 2})]
    results = [gemini_result("get", {"output": "1"}), gemini_result("get", {"output": "2"})]
    first = {"role": "user", "parts": [{"text": "hi"}]}
    return [first, {"role": "model", "parts": calls}, {"role": "user", "parts": results}]


def test_c14_calls_of_one_function_have_ids_of_their_own():
    asked = {"contents": gemini_history(), "tools": [gemini_tool("get", EMPTY)]}
    _, said, *results = GEM_TO_CHAT.request(asked)[0]["messages"]
    ids = [call["id"] for call in said["tool_calls"]]
    assert len(set(ids)) == 2
    assert [(result["tool_call_id"], result["content"]) for result in results] == [(ids[0], "1"), (ids[1], "2")]


def test_c15_no_call_of_gemini_is_lost_and_each_has_one_result():
    asked = {"contents": gemini_history(), "tools": [gemini_tool("get", EMPTY)]}
    _, said, results = GEM_TO_MSG.request(asked)[0]["messages"]
    assert [block["input"] for block in said["content"]] == [{"x": 1}, {"x": 2}]
    pairs = zip(said["content"], results["content"], strict=True)
    assert [use["id"] == result["tool_use_id"] for use, result in pairs] == [True, True]
    assert [result["content"] for result in results["content"]] == ["1", "2"]


def test_c20_strictness_is_no_word_of_gemini():
    fields, losses = CHAT_TO_GEM.fields({"tools": [function_tool("f", SCHEMA, strict=True)]})
    assert fields == {"tools": [gemini_tool("f", SCHEMA)]}
    assert [kind for _, kind in losses] == ["unsupported"]


def test_c23_calls_and_results_of_items_stand_together():
    scattered = [USER, function_call("a"), function_call("b"), {"role": "assistant", "content": "hm"}]
    items = [*scattered, function_output("b", "2"), function_output("a", "1")]
    sent, losses = RESP_TO_CHAT.request({"model": "m", "input": items, "tools": [RESPONSES_TOOL]})
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in sent["messages"][1]["tool_calls"]] == ["a", "b"]
    assert losses == [("/input/3/content", "reordered")]


def test_c24_text_beside_a_call_stays_and_the_call_is_one():
    items = [USER, {"role": "assistant", "content": "look"}, function_call("a"), function_output("a")]
    sent, losses = RESP_TO_CHAT.request({"model": "m", "input": items, "tools": [RESPONSES_TOOL]})
    assert sent["messages"][1] == {"role": "assistant", "content": "look", "tool_calls": [chat_call("a", "f")]}
    assert len(sent["messages"]) == 3
    assert losses == []


@pytest.mark.parametrize("size", [4, 900])
def test_c21_an_id_is_the_calls_own_and_holds_no_state(size):
    signed = gemini_call("f", {}, "fc1", thoughtSignature="Z" * size)
    message = CHAT_TO_GEM.whole(gemini_answer(signed))[0]["choices"][0]["message"]
    assert [call["id"] for call in message["tool_calls"]] == ["fc1"]
    unnamed = gemini_call("f", {}, thoughtSignature="Z" * size)
    (call,) = CHAT_TO_GEM.whole(gemini_answer(unnamed))[0]["choices"][0]["message"]["tool_calls"]
    assert 0 < len(call["id"]) <= 40
    assert "Z" * 4 not in call["id"]
