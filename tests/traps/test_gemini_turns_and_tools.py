"""Traps 7 to 9, 15, 19, 20, 22, 31 to 34, 37 to 44 and 46 to 48: turns, calls, results and schemas of Gemini."""

import pytest
from tests.peers.vendors import gemini_answer, gemini_call, gemini_result, gemini_tool
from tests.traps.conversion import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    SCHEMA,
    assistant,
    broken_answer,
    chat_answer,
    chat_body,
    chat_call,
    chat_result,
    chat_tool,
    completion,
    convert_answer,
    convert_request,
    gemini_body,
    messages_body,
    messages_tool,
    refused,
    responses_body,
    said,
    text,
    tool_result,
    tool_use,
    user,
)

SKIP = {"thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="}  # the vendor's word for "I have none"
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
TWO_CALLS = assistant(None, tool_calls=[chat_call("a", '{"x": 1}'), chat_call("b", '{"x": 2}')])
SKIPPED = ("/messages/1/tool_calls/0", "synthesized")


def in_gemini(*contents, **fields):
    return {"contents": list(contents), **fields}


def declared(schema=SCHEMA, **fields):
    """A tool `f` in a Gemini upstream's body."""
    return {"tools": [gemini_tool("f", schema, **fields)]}


def called(*results):
    """A chat history of two calls of f, with these messages behind."""
    return chat_body(user("q"), TWO_CALLS, *results, tools=[chat_tool()])


ASKED_AND_CALLED = [
    said("user", "q"),
    said("model", gemini_call("f", {"x": 1}, "a", **SKIP), gemini_call("f", {"x": 2}, "b")),
]
ANSWERED = said("user", gemini_result("f", {"output": "one"}, "a"), gemini_result("f", {"output": "two"}, "b"))


def test_007_results_stand_in_the_order_of_their_calls_with_their_ids():
    swapped = called(chat_result("b", "two"), chat_result("a", "one"))
    moved = [("/messages/2", "reordered"), ("/messages/3", "reordered"), SKIPPED]

    assert convert_request(CHAT, GEMINI, swapped) == (in_gemini(*ASKED_AND_CALLED, ANSWERED, **declared()), moved)
    # A model that takes no ids knows its answers by their order alone.
    assert convert_request(CHAT, GEMINI, swapped, call_ids=False) == (
        in_gemini(
            said("user", "q"),
            said("model", gemini_call("f", {"x": 1}, **SKIP), gemini_call("f", {"x": 2})),
            said("user", gemini_result("f", {"output": "one"}), gemini_result("f", {"output": "two"})),
            **declared(),
        ),
        moved,
    )


def test_008_a_result_has_the_name_of_the_function_that_was_called():
    calls = assistant(None, tool_calls=[chat_call("a", name="weather"), chat_call("b", name="time")])
    body = chat_body(
        user("q"), calls, chat_result("a"), chat_result("b"), tools=[chat_tool("weather"), chat_tool("time")]
    )

    sent, _ = convert_request(CHAT, GEMINI, body)

    names = [part["functionResponse"]["name"] for part in sent["contents"][2]["parts"]]
    assert names == ["weather", "time"]


def test_009_all_results_of_a_turn_are_one_content():
    body = called(chat_result("a", "one"), chat_result("b", "two"), user("go"))

    assert convert_request(CHAT, GEMINI, body) == (
        in_gemini(*ASKED_AND_CALLED, ANSWERED, said("user", "go"), **declared()),
        [SKIPPED],
    )
    alone = messages_body(
        user("q"), assistant([tool_use("a")]), user([text("w"), tool_result("a")]), tools=[messages_tool()]
    )
    sent, losses = convert_request(MESSAGES, GEMINI, alone)
    assert sent["contents"][2:] == [said("user", gemini_result("f", {"output": "ok"}, "a")), said("user", "w")]
    assert losses == [("/messages/2/content/0", "reordered"), ("/messages/1/content/0", "synthesized")]


def test_010_a_call_of_gemini_without_result_is_refused_by_its_place():
    body = gemini_body(said("user", "q"), said("model", gemini_call("f", call_id="a")), said("user", "go"))

    for upstream in (CHAT, RESPONSES, MESSAGES):
        status, error = refused(GEMINI, upstream, body)
        assert status == 400
        assert error["error"]["status"] == "INVALID_ARGUMENT"
        assert "'a'" in error["error"]["message"]
        assert [one["field"] for one in error["error"]["details"][0]["fieldViolations"]] == ["/contents/1/parts/0"]


def test_015_no_instruction_stands_among_the_contents():
    def developer(words):
        return {"role": "developer", "content": words}

    assert convert_request(CHAT, GEMINI, chat_body(developer("d1"), user("q"), developer("d2"), user("r"))) == (
        in_gemini(said("user", "q"), said("user", "r"), systemInstruction={"parts": [{"text": "d1"}, {"text": "d2"}]}),
        [("/messages/2", "moved")],
    )


def test_019_an_error_result_says_that_it_is_one():
    body = messages_body(user("q"), assistant([tool_use("a")]), user([tool_result("a", "boom", is_error=True)]))
    body["tools"] = [messages_tool()]

    sent, losses = convert_request(MESSAGES, GEMINI, body)
    assert sent["contents"][2] == said("user", gemini_result("f", {"error": "boom"}, "a"))
    assert losses == [("/messages/1/content/0", "synthesized")]
    sent, losses = convert_request(MESSAGES, RESPONSES, body)
    assert sent["input"][2] == {"type": "function_call_output", "call_id": "a", "output": "[tool error] boom"}
    assert losses == [("/messages/2/content/0/is_error", "emulated")]


def test_020_an_image_of_a_result_stays_in_it_where_it_can():
    body = messages_body(user("q"), assistant([tool_use("a")]), user([tool_result("a", [text("see"), IMAGE])]))
    body["tools"] = [messages_tool()]
    image = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    result = gemini_result("f", {"output": "see"}, "a")

    sent, losses = convert_request(MESSAGES, GEMINI, body)
    assert sent["contents"][2] == said("user", {"functionResponse": {**result["functionResponse"], "parts": [image]}})
    assert losses == [("/messages/1/content/0", "synthesized")]
    sent, losses = convert_request(MESSAGES, GEMINI, body, result_media=False)
    assert sent["contents"][2] == said("user", result, image)
    assert losses == [("/messages/1/content/0", "synthesized"), ("/messages/2/content/0", "emulated")]
    sent, losses = convert_request(MESSAGES, RESPONSES, body)
    seen = [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,aGk="},
    ]
    assert sent["input"][2] == {"type": "function_call_output", "call_id": "a", "output": seen}
    assert losses == []


def test_022_that_calls_may_not_be_parallel_cannot_be_said_and_is_a_loss():
    plain = in_gemini(said("user", "hi"), **declared())

    assert convert_request(CHAT, GEMINI, chat_body(tools=[chat_tool()], parallel_tool_calls=False)) == (
        plain,
        [("/parallel_tool_calls", "unsupported")],
    )
    assert convert_request(CHAT, GEMINI, chat_body(tools=[chat_tool()], parallel_tool_calls=True)) == (plain, [])


def test_031_two_calls_of_a_function_without_ids_have_an_id_each():
    body = gemini_body(
        said("user", "q"),
        said("model", gemini_call("f", {"x": 1}), gemini_call("f", {"x": 1})),
        said("user", gemini_result("f", {"output": "1"}), gemini_result("f", {"output": "2"})),
        tools=[gemini_tool("f", SCHEMA)],
    )

    sent, losses = convert_request(GEMINI, CHAT, body)

    first, second = [call["id"] for call in sent["messages"][1]["tool_calls"]]
    assert first != second
    assert sent["messages"][2:] == [chat_result(first, "1"), chat_result(second, "2")]
    assert losses == []
    assert convert_request(GEMINI, CHAT, body)[0] == sent, "the ids of a turn are stable"
    uses = convert_request(GEMINI, MESSAGES, body)[0]["messages"]
    assert [block["id"] for block in uses[1]["content"]] == [first, second]
    assert [block["tool_use_id"] for block in uses[2]["content"]] == [first, second]


CALLING = gemini_body(tools=[gemini_tool("f", SCHEMA)])


def our_gemini(*parts, finish="STOP"):
    """The answer that a Gemini client of ours gets of a chat upstream."""
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    answer = gemini_answer(*parts, finish=finish, usageMetadata=counts)
    return {**answer, "modelVersion": "m", "responseId": "x", "createTime": "1970-01-01T00:00:01Z"}


def test_032_the_id_of_a_call_reaches_a_gemini_client():
    answer = chat_answer({"content": None, "tool_calls": [chat_call("c1", '{"x":1}')]}, "tool_calls")

    assert convert_answer(CHAT, GEMINI, answer, CALLING) == (our_gemini(gemini_call("f", {"x": 1}, "c1")), [])


def test_033_truncated_arguments_are_no_call_of_gemini():
    cut = {"content": "t", "tool_calls": [chat_call("c1", '{"a": 1')]}

    assert convert_answer(CHAT, GEMINI, chat_answer(cut, "length"), CALLING) == (
        our_gemini("t", finish="MAX_TOKENS"),
        [("/choices/0/message/tool_calls/0", "dropped")],
    )
    broken = broken_answer(CHAT, GEMINI, chat_answer(cut, "tool_calls"), CALLING)
    assert (broken.kind, broken.whose, broken.code) == ("upstream_error", "upstream", "invalid_tool_arguments")


def test_034_invalid_arguments_of_the_history_are_wrapped_for_gemini():
    body = chat_body(
        user("q"), assistant(None, tool_calls=[chat_call("a", '{"a": 1')]), chat_result("a"), tools=[chat_tool()]
    )

    sent, losses = convert_request(CHAT, GEMINI, body)

    assert sent["contents"][1] == said("model", gemini_call("f", {"_raw": '{"a": 1'}, "a", **SKIP))
    assert losses == [("/messages/1/tool_calls/0", "emulated"), SKIPPED]


# --- Schemas: the whole one goes out; the reduced one is for upstreams that take no other ---


def of(**properties):
    return {"type": "object", "properties": properties}


def reduced(**properties):
    order = {"propertyOrdering": list(properties)} if len(properties) > 1 else {}
    return {"type": "OBJECT", "properties": properties, **order}


NODE = {"type": "object", "properties": {"v": {"type": "string"}, "next": {"$ref": "#/$defs/N"}}}
RECURSIVE = {**of(n={"$ref": "#/$defs/N"}), "$defs": {"N": NODE}}
HEADERS = {"type": "array", "items": {"type": "string"}}
DESCRIBED = {"$ref": "#/$defs/A", "description": "D", "title": "T", "minLength": 2}
CUT_NODE = {**reduced(v={"type": "STRING"}, next={"type": "OBJECT"})}
PLACE = "/tools/0/function/parameters"

ROWS = {
    "037": (RECURSIVE, reduced(n=CUT_NODE), ["/$defs/N/properties/next/$ref"]),
    "038": (
        of(headers=HEADERS, again={"$ref": "#/properties/headers"}),
        reduced(
            headers={"type": "ARRAY", "items": {"type": "STRING"}},
            again={"type": "ARRAY", "items": {"type": "STRING"}},
        ),
        [],
    ),
    "039": (
        {**of(a=DESCRIBED), "$defs": {"A": {"type": "string", "description": "inner"}}},
        reduced(a={"type": "STRING", "description": "D", "title": "T"}),
        ["/properties/a/minLength"],
    ),
    "040": (
        of(a={"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        reduced(a={"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        ["/properties/a/oneOf"],
    ),
    "041": (
        of(a={"const": "k"}, b={"const": 5}),
        reduced(a={"type": "STRING", "enum": ["k"]}, b={"type": "INTEGER"}),
        ["/properties/b/const"],
    ),
    "042": (of(a={"type": ["string", "null"]}), reduced(a={"type": "STRING", "nullable": True}), []),
    "043": (of(a={"type": "integer", "enum": [1, 2]}), reduced(a={"type": "INTEGER"}), ["/properties/a/enum"]),
    "044": (
        of(a={"type": "object", "additionalProperties": {"type": "string"}}),
        reduced(a={"type": "OBJECT"}),
        ["/properties/a/additionalProperties"],
    ),
}


def assert_schema(row):
    """The schema of the row arrives whole, or reduced with a loss at each keyword that the reduced form has not."""
    schema, small, lost = ROWS[row]
    body = chat_body(tools=[chat_tool(parameters=schema)])
    assert convert_request(CHAT, GEMINI, body) == (in_gemini(said("user", "hi"), **declared(schema)), [])
    tool = {"functionDeclarations": [{"name": "f", "parameters": small}]}
    assert convert_request(CHAT, GEMINI, body, json_schemas=False) == (
        in_gemini(said("user", "hi"), tools=[tool]),
        [(PLACE + path, "schema") for path in lost],
    )


def test_037_a_recursive_schema_is_sent_whole_and_its_cut_is_a_loss():
    assert_schema("037")


def test_038_a_reference_to_anywhere_in_the_schema_is_resolved():
    assert_schema("038")


def test_039_beside_a_reference_its_description_stays():
    assert_schema("039")


def test_040_one_of_is_any_of_and_never_no_type():
    assert_schema("040")


def test_041_a_constant_is_the_only_value():
    assert_schema("041")


def test_042_a_type_or_null_is_nullable():
    assert_schema("042")


def test_043_listed_numbers_are_sent_or_a_loss():
    assert_schema("043")


def test_044_the_type_of_a_maps_values_is_sent_or_a_loss():
    assert_schema("044")


def test_046_geminis_schema_is_plain_json_schema_elsewhere():
    theirs = {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "nullable": True},
            "b": {"type": "ARRAY", "items": {"type": "INTEGER"}, "maxItems": "3"},
        },
        "required": ["a"],
    }
    plain = {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        },
        "required": ["a"],
    }
    body = gemini_body(tools=[{"functionDeclarations": [{"name": "f", "parameters": theirs}]}])

    assert convert_request(GEMINI, CHAT, body) == (
        {"model": "m", "messages": [user("hi")], "tools": [chat_tool(parameters=plain)]},
        [],
    )
    sent = convert_request(GEMINI, MESSAGES, body)[0]
    assert sent["tools"] == [messages_tool(schema=plain)]


RESULTS = ["[1,2]", "5", "null", '"x"', '{"a":1}', '{"$ref":"#/x"}', 'see {"$ref":"#/x"}']


def result_sent(words):
    body = chat_body(
        user("q"), assistant(None, tool_calls=[chat_call("a")]), chat_result("a", words), tools=[chat_tool()]
    )
    return convert_request(CHAT, GEMINI, body)[0]["contents"][2]


@pytest.mark.parametrize("words", RESULTS[:5])
def test_047_a_result_is_an_object_that_holds_its_words_unread(words):
    assert result_sent(words) == said("user", gemini_result("f", {"output": words}, "a"))


@pytest.mark.parametrize("words", RESULTS[5:])
def test_048_a_reference_in_a_result_is_words(words):
    assert result_sent(words) == said("user", gemini_result("f", {"output": words}, "a"))


def test_047_what_a_gemini_client_says_as_an_object_stays_one():
    body = gemini_body(
        said("user", "q"),
        said("model", gemini_call("f", {"x": 1}, "a")),
        said("user", gemini_result("f", {"rows": [1, 2]}, "a")),
        tools=[gemini_tool("f", SCHEMA)],
    )

    assert convert_request(GEMINI, GEMINI, body)[0]["contents"] == body["contents"]
    assert convert_request(GEMINI, CHAT, body)[0]["messages"][2] == chat_result("a", '{"rows": [1, 2]}')


def test_107_a_malformed_call_of_gemini_is_an_error_and_its_stream_breaks():
    fault = broken_answer(GEMINI, CHAT, gemini_answer(finish="MALFORMED_FUNCTION_CALL"))

    assert (fault.kind, fault.whose, fault.retryable) == ("upstream_error", "upstream", True)


@pytest.mark.parametrize("client", [RESPONSES, MESSAGES])
def test_032_the_id_of_a_gemini_call_reaches_other_clients(client):
    asked = messages_body(tools=[messages_tool()]) if client == MESSAGES else responses_body()
    seen, _ = convert_answer(GEMINI, client, gemini_answer(gemini_call("f", {"x": 1}, "c1")), asked)

    assert (seen["content"][0]["id"] if client == MESSAGES else seen["output"][0]["call_id"]) == "c1"


def test_110_thoughts_are_output_and_no_part_of_the_prompt():
    counts = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 198,
        "thoughtsTokenCount": 405,
        "totalTokenCount": 613,
    }

    seen, losses = convert_answer(GEMINI, CHAT, gemini_answer("x", usageMetadata=counts))

    usage = {"prompt_tokens": 10, "completion_tokens": 603, "total_tokens": 613, "prompt_tokens_details": {}}
    assert (seen, losses) == (
        completion(
            {"content": "x"},
            "stop",
            created=seen["created"],
            model="m-1",
            usage={**usage, "completion_tokens_details": {"reasoning_tokens": 405}},
        ),
        [],
    )
