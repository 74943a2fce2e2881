"""Rows C1-C24: declarations of tools, the choice among them, arguments and ids."""

import pytest
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_MSG,
    USER,
    call_block,
    call_start,
    chat_answer,
    chat_call,
    chat_stream,
    chunk,
    deltas,
    end,
    function_tool,
    message_answer,
    message_stream,
    shown,
    start,
)

from twoapi.ir import FaultError

SCHEMA = {
    "type": "object",
    "properties": {"currency": {"const": "USD"}, "n": {"type": "integer", "exclusiveMinimum": 0}},
    "required": ["currency", "n"],
    "additionalProperties": False,
}
EMPTY = {"type": "object", "properties": {}}
DONE = b"data: [DONE]\n\n"


def native_tool(name: str, schema=None, **fields) -> dict:
    return {"name": name, "input_schema": EMPTY if schema is None else schema, **fields}


def used(call_id: str, name: str = "f", **arguments) -> dict:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def resulting(call_id: str, content: str = "ok") -> dict:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def chat_history(*calls: dict, results: list[tuple[str, str]]) -> list[dict]:
    answers = [{"role": "tool", "tool_call_id": call_id, "content": text} for call_id, text in results]
    return [USER, {"role": "assistant", "content": None, "tool_calls": list(calls)}, *answers]


def native_history(calls: list[dict], results: list[dict]) -> list[dict]:
    return [USER, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]


def test_c01_a_tool_without_parameters_stays():
    fields, losses = CHAT_TO_MSG.fields({"tools": [function_tool("f"), function_tool("g", SCHEMA)]})
    assert fields == {"tools": [native_tool("f"), native_tool("g", SCHEMA)]}
    assert losses == []


def test_c02_a_bare_object_schema_has_properties_for_the_service_that_demands_them():
    tools = [native_tool("f", {"type": "object"}), native_tool("g", {"type": "object", "additionalProperties": False})]
    fields, losses = MSG_TO_CHAT.fields({"tools": tools})
    assert fields == {
        "tools": [
            function_tool("f", EMPTY),
            function_tool("g", {"type": "object", "additionalProperties": False, "properties": {}}),
        ]
    }
    assert losses == []


def test_c03_a_choice_of_allowed_tools_goes_on_as_one():
    named = {"type": "function", "function": {"name": "f"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    asked = {"tools": [function_tool("f"), function_tool("g")], "tool_choice": choice}
    assert CHAT_TO_CHAT.fields(asked) == (asked, [])


def test_c04_strictness_and_parallel_calls_cross_and_who_may_call_is_reported():
    asked = {"tools": [function_tool("f", SCHEMA, strict=True)], "parallel_tool_calls": False}
    fields, losses = CHAT_TO_MSG.fields(asked)
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert fields == {"tools": [native_tool("f", SCHEMA, strict=True)], "tool_choice": choice}
    assert losses == []

    tools = [native_tool("f", SCHEMA, strict=True, allowed_callers=["direct"])]
    fields, losses = MSG_TO_CHAT.fields({"tools": tools, "tool_choice": choice})
    assert fields == {**asked, "tool_choice": "auto"}
    assert losses == [("/tools/0/allowed_callers", "unsupported")]


def test_c05_every_keyword_of_a_schema_arrives():
    assert CHAT_TO_MSG.fields({"tools": [function_tool("f", SCHEMA)]})[0] == {"tools": [native_tool("f", SCHEMA)]}
    assert MSG_TO_CHAT.fields({"tools": [native_tool("f", SCHEMA)]})[0] == {"tools": [function_tool("f", SCHEMA)]}


def test_c06_parallel_off_crosses_and_a_developer_is_an_instruction():
    messages = [{"role": "developer", "content": "be brief"}, USER]
    asked = {"messages": messages, "tools": [function_tool("f")], "parallel_tool_calls": False}
    fields, losses = CHAT_TO_MSG.fields(asked)
    assert fields == {
        "system": "be brief",
        "tools": [native_tool("f")],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    }
    assert losses == []
    assert CHAT_TO_CHAT.fields(asked) == (asked, [])
    # A server that does not know the role gets the older word, and it is told.
    plain, losses = CHAT_TO_CHAT.fields({"messages": messages}, developer_role=False)
    assert plain == {"messages": [{"role": "system", "content": "be brief"}, USER]}
    assert losses == [("/messages/0/role", "info")]


def test_c07_a_whole_tool_request_crosses():
    calls = [chat_call("a", "f", '{"currency":"USD","n":1}')]
    asked = {
        "messages": chat_history(*calls, results=[("a", "done")]),
        "tools": [function_tool("f", SCHEMA, description="d")],
        "tool_choice": "auto",
    }
    fields, losses = CHAT_TO_MSG.fields(asked)
    assert fields == {
        "messages": native_history([used("a", currency="USD", n=1)], [resulting("a", "done")]),
        "tools": [native_tool("f", SCHEMA, description="d")],
        "tool_choice": {"type": "auto"},
    }
    assert losses == []


def test_c08_allowed_tools_are_the_declared_ones_where_there_is_no_such_choice():
    named = {"type": "function", "function": {"name": "f"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    asked = {"tools": [function_tool("f"), function_tool("g")], "tool_choice": choice, "parallel_tool_calls": False}
    fields, losses = CHAT_TO_MSG.fields(asked)
    assert fields == {
        "tools": [native_tool("f")],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    }
    assert losses == [("/tools/1", "info"), ("/tool_choice", "emulated")]


def test_c09_a_free_text_tool_is_a_tool_of_the_upstreams_own_kinds():
    tool = {"type": "custom", "custom": {"name": "patch", "description": "apply"}}
    assert CHAT_TO_CHAT.fields({"tools": [tool]}) == ({"tools": [tool]}, [])
    fields, losses = CHAT_TO_MSG.fields({"tools": [tool]})
    text = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    schema = {**text, "additionalProperties": False}
    assert fields == {"tools": [native_tool("patch", schema, description="apply")]}
    assert losses == [("/tools/0", "emulated")]
    # and its call comes back as what the client declared
    asked = {"model": "m", "messages": [USER], "tools": [tool]}
    answer, _ = CHAT_TO_MSG.whole(message_answer(used("t1", "patch", input="*** x"), stop="tool_use"), asked)
    call = {"id": "t1", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}
    assert answer["choices"][0]["message"]["tool_calls"] == [call]


def test_c10_a_search_that_the_service_runs_never_becomes_a_function():
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    tools = [search, native_tool("f")]
    fields, losses = MSG_TO_CHAT.fields({"tools": tools})
    assert (fields, losses) == ({"tools": [function_tool("f", EMPTY)]}, [("/tools/0", "unsupported")])
    fields, losses = MSG_TO_CHAT.fields({"tools": tools}, web_search=True)
    assert fields == {"tools": [function_tool("f", EMPTY)], "web_search_options": {}}
    assert losses == [("/tools/0", "emulated"), ("/tools/0/max_uses", "dropped")]
    fields, losses = CHAT_TO_MSG.fields({"web_search_options": {}})
    assert (fields, losses) == ({}, [("/web_search_options", "unsupported")])
    forced = {"tools": tools, "tool_choice": {"type": "tool", "name": "web_search"}}
    with pytest.raises(FaultError) as raised:
        MSG_TO_CHAT.fields(forced)
    assert raised.value.fault.param == "/tool_choice"


def test_c12_a_tool_search_and_what_it_found_are_reported():
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    found = {"type": "tool_search_tool_search_result", "tool_references": []}
    said = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {"pattern": "x"}},
        {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": found},
        {"type": "text", "text": "found"},
    ]
    tools = [search, native_tool("f", defer_loading=True)]
    asked = {"messages": [USER, {"role": "assistant", "content": said}, USER], "tools": tools}
    fields, losses = MSG_TO_CHAT.fields(asked)
    assert fields == {
        "messages": [USER, {"role": "assistant", "content": '{"pattern": "x"}\n\nfound'}, USER],
        "tools": [function_tool("f", EMPTY)],
    }
    assert losses == [
        ("/tools/0", "unsupported"),
        ("/tools/1/defer_loading", "unsupported"),
        ("/messages/1/content/0", "emulated"),
        ("/messages/1/content/1", "dropped"),
    ]
    assert MSG_TO_MSG.fields(asked) == (asked, [])


def test_c13_a_call_without_arguments_is_replayed_with_an_empty_object():
    asked = {"messages": chat_history(chat_call("a", "f", ""), results=[("a", "ok")]), "tools": [function_tool("f")]}
    fields, losses = CHAT_TO_MSG.fields(asked)
    assert fields["messages"] == native_history([used("a")], [resulting("a")])
    assert losses == []


def test_c14_two_calls_of_one_function_without_ids_get_two_ids():
    calls = [{"type": "function", "function": {"name": "get", "arguments": "{}"}} for _ in range(2)]
    whole = MSG_TO_CHAT.whole(chat_answer({"tool_calls": calls}, "tool_calls"))[0]["content"]
    stream = chat_stream(*({"tool_calls": [{"index": i, **call}]} for i, call in enumerate(calls)), finish="tool_calls")
    blocks = shown(MSG_TO_CHAT.stream(stream)[0])
    ids = [call["id"] for call in whole]
    assert len(set(ids)) == 2
    assert whole == [used(call_id, "get") for call_id in ids]
    assert blocks == [*call_block(0, ids[0], "get", "{}"), *call_block(1, ids[1], "get", "{}")]


def test_c15_parallel_calls_of_one_function_keep_their_own_results():
    calls = [chat_call("a", "get", '{"n":1}'), chat_call("b", "get", '{"n":2}')]
    asked = {"messages": chat_history(*calls, results=[("a", "one"), ("b", "two")]), "tools": [function_tool("get")]}
    fields, losses = CHAT_TO_MSG.fields(asked)
    results = [resulting("a", "one"), resulting("b", "two")]
    assert fields["messages"] == native_history([used("a", "get", n=1), used("b", "get", n=2)], results)
    assert losses == []
    # Two calls of one id cannot both be answered: said at once, and where.
    asked["messages"] = chat_history(calls[0], calls[0], results=[("a", "one"), ("a", "two")])
    with pytest.raises(FaultError) as raised:
        CHAT_TO_MSG.fields(asked)
    assert (raised.value.fault.kind, raised.value.fault.param) == ("invalid_request", "/messages/1/tool_calls/1")


def test_c16_closed_objects_and_strictness_reach_a_service_that_has_both():
    fields, losses = MSG_TO_CHAT.fields({"tools": [native_tool("f", SCHEMA, strict=True)]})
    assert (fields, losses) == ({"tools": [function_tool("f", SCHEMA, strict=True)]}, [])
    # Outside the subset that the service takes as strict it is sent as it is, and that is told.
    loose = {"type": "object", "properties": {"a": {"type": "string"}}}
    fields, losses = MSG_TO_CHAT.fields({"tools": [native_tool("f", loose, strict=True)]})
    assert (fields, losses) == ({"tools": [function_tool("f", loose)]}, [("/tools/0/strict", "approximated")])


def test_c17_no_parallel_use_is_no_parallel_calls_and_a_search_limit_is_reported():
    tools = [native_tool("f"), {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    choice = {"type": "any", "disable_parallel_tool_use": True}
    fields, losses = MSG_TO_CHAT.fields({"tools": tools, "tool_choice": choice}, web_search=True)
    assert fields == {
        "tools": [function_tool("f", EMPTY)],
        "web_search_options": {},
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }
    assert losses == [("/tools/1", "emulated"), ("/tools/1/max_uses", "dropped")]


@pytest.mark.parametrize(
    ("native", "chat"),
    [
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
    ids=lambda choice: choice if isinstance(choice, str) else None,
)
def test_c18_every_choice_has_the_other_protocols_word(native, chat):
    assert MSG_TO_CHAT.fields({"tools": [native_tool("f")], "tool_choice": native})[0]["tool_choice"] == chat
    assert CHAT_TO_MSG.fields({"tools": [function_tool("f")], "tool_choice": chat})[0]["tool_choice"] == native


def test_c19_a_choice_is_sent_or_reported():
    asked = {"tools": [function_tool("f")], "tool_choice": "required"}
    assert CHAT_TO_CHAT.fields(asked) == (asked, [])
    # Thinking within a budget takes no forced call: the choice changes, and the client learns it.
    fields, losses = CHAT_TO_MSG.fields(
        {**asked, "reasoning_effort": "low", "max_completion_tokens": 5000}, thinking=("enabled",), effort=False
    )
    assert fields["tool_choice"] == {"type": "auto"}
    assert ("/tool_choice", "approximated") in losses


@pytest.mark.parametrize(
    ("pair", "tool", "bare"),
    [
        (CHAT_TO_MSG, function_tool("f", SCHEMA, strict=True), native_tool("f", SCHEMA)),
        (MSG_TO_CHAT, native_tool("f", SCHEMA, strict=True), function_tool("f", SCHEMA)),
    ],
    ids=["chat>msg", "msg>chat"],
)
def test_c20_strict_is_not_sent_to_a_service_that_refuses_it(pair, tool, bare):
    fields, losses = pair.fields({"tools": [tool]}, strict_tools=False)
    assert losses == [("/tools/0/strict", "unsupported")]
    assert fields == {"tools": [bare]}


@pytest.mark.parametrize("foreign", ["fc1__thought__" + "s" * 90, "functions.get:0", "ünïcode/1"])
def test_c21_an_id_of_any_form_is_legal_at_the_upstream_and_the_same_in_call_and_result(foreign):
    asked = {
        "messages": chat_history(chat_call(foreign, "f"), results=[(foreign, "ok")]),
        "tools": [function_tool("f")],
    }
    fields, losses = CHAT_TO_MSG.fields(asked)
    _, said, answered = fields["messages"]
    sent = said["content"][0]["id"]
    assert answered["content"][0]["tool_use_id"] == sent
    assert len(sent) <= 64
    assert sent.replace("-", "").replace("_", "").isalnum()
    assert sent.isascii()
    assert CHAT_TO_MSG.fields(asked) == (fields, losses)
    # Towards a client nothing is smuggled into an id, and it fits its limit.
    answer, _ = MSG_TO_CHAT.whole(chat_answer({"tool_calls": [chat_call(foreign, "f")]}, "tool_calls"))
    shown_id = answer["content"][0]["id"]
    assert len(shown_id) <= 64
    history = native_history([used(shown_id)], [resulting(shown_id)])
    back = MSG_TO_CHAT.fields({"messages": history, "tools": [native_tool("f")]})[0]["messages"]
    assert back[1]["tool_calls"][0]["id"] == back[2]["tool_call_id"]


def test_c22_the_whole_history_is_sent_not_its_last_message():
    history = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": [{"type": "text", "text": "two"}, used("a", n=1)]},
        {"role": "user", "content": [resulting("a", "three"), {"type": "text", "text": "four"}]},
        {"role": "assistant", "content": "five"},
        {"role": "user", "content": "six"},
    ]
    asked = {"system": "zero", "messages": history, "tools": [native_tool("f")], "metadata": {"user_id": "u"}}
    fields, losses = MSG_TO_CHAT.fields(asked)
    assert fields == {
        "messages": [
            {"role": "system", "content": "zero"},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two", "tool_calls": [chat_call("a", "f", '{"n": 1}')]},
            {"role": "tool", "tool_call_id": "a", "content": "three"},
            {"role": "user", "content": "four"},
            {"role": "assistant", "content": "five"},
            {"role": "user", "content": "six"},
        ],
        "tools": [function_tool("f", EMPTY)],
        "safety_identifier": "u",
    }
    assert losses == []


def test_c23_results_stand_behind_their_calls_and_orphans_are_refused_by_name():
    history = [
        USER,
        {"role": "assistant", "content": [used("a"), used("b")]},
        {"role": "user", "content": [{"type": "text", "text": "and"}, resulting("b"), resulting("a")]},
    ]
    fields, losses = MSG_TO_CHAT.fields({"messages": history, "tools": [native_tool("f")]})
    assert fields["messages"] == [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [chat_call("a", "f"), chat_call("b", "f")]},
        {"role": "tool", "tool_call_id": "b", "content": "ok"},
        {"role": "tool", "tool_call_id": "a", "content": "ok"},
        {"role": "user", "content": "and"},
    ]
    assert losses == [("/messages/2/content/0", "reordered")]
    unanswered = native_history([used("a"), used("b")], [resulting("a")])
    orphan = native_history([used("a")], [resulting("a"), resulting("c")])
    for messages, name, place in (
        (unanswered, "'b'", "/messages/1/content/1"),
        (orphan, "'c'", "/messages/2/content/1"),
    ):
        with pytest.raises(FaultError) as raised:
            MSG_TO_CHAT.fields({"messages": messages})
        assert name in raised.value.fault.message
        assert (raised.value.fault.kind, raised.value.fault.param) == ("invalid_request", place)


def test_c24_text_beside_calls_stays_and_no_call_is_doubled():
    said = [{"type": "text", "text": "let me look"}, used("a"), used("b")]
    asked = {"messages": native_history(said, [resulting("a"), resulting("b")]), "tools": [native_tool("f")]}
    fields, losses = MSG_TO_CHAT.fields(asked)
    assert fields["messages"][1] == {
        "role": "assistant",
        "content": "let me look",
        "tool_calls": [chat_call("a", "f"), chat_call("b", "f")],
    }
    assert losses == []
    stream = message_stream(start(), *call_block(0, "a", "f", "{}"), *end("tool_use"))
    called = [delta for delta, _ in deltas(CHAT_TO_MSG.stream(stream)[0]) if "tool_calls" in delta]
    assert [set(call["tool_calls"][0]) for call in called] == [
        {"index", "id", "type", "function"},
        {"index", "function"},
    ]
    again = chunk(call_start(0, "a", "f", "{}")) + chunk({}, "tool_calls") + DONE
    assert shown(MSG_TO_CHAT.stream(again)[0]) == call_block(0, "a", "f", "{}")
