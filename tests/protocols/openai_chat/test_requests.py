"""Requests of clients, and requests of other protocols for an upstream of this one."""

import json
from typing import Any

import pytest
from msgspec import Raw

from twoapi.ir import (
    Base64,
    CacheMark,
    FaultError,
    FileId,
    Loss,
    Media,
    Message,
    Opaque,
    Origin,
    Output,
    Part,
    Reasoning,
    ReasoningConfig,
    Request,
    Sampling,
    Schema,
    State,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Url,
    plain,
)
from twoapi.ir.request import ToolChoice
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.wire.http import Incoming

CODEC = OpenAIChat()
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
USER = {"role": "user", "content": "hi"}


def decode(**fields: Any) -> Request:
    body = {"model": "m", "messages": [USER], **fields}
    return CODEC.decode_request(Incoming("/v1/chat/completions", {}, json.dumps(body).encode()))


def encode(request: Request, **capabilities: Any) -> tuple[Any, list[Loss], Encoded]:
    losses: list[Loss] = []
    encoded = CODEC.encode_request(request, "up", Capabilities(**capabilities), losses)
    return json.loads(encoded.outgoing.body), losses, encoded


def foreign(*messages: Message, **fields: Any) -> Request:
    return Request(protocol="anthropic-messages", model="m", messages=list(messages), **fields)


def user(*parts: Part, at: str = "/messages/0") -> Message:
    return Message("user", list(parts), at)


def again(**fields: Any) -> Any:
    """What a same-protocol upstream gets, without the model; it must have cost nothing."""
    body, losses, _ = encode(decode(**fields))
    assert losses == []
    del body["model"]
    return body


def lost(losses: list[Loss]) -> list[tuple[str, str]]:
    return [(loss.path, loss.kind) for loss in losses]


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.0, "top_p": 0.5, "top_k": 3, "seed": 7, "n": 2, "stop": ["a", "b"]},
        {"logprobs": True, "top_logprobs": 3, "logit_bias": {"50256": -100}},
        {"max_tokens": 5},
        {"max_completion_tokens": 5},
        {"max_completion_tokens": 5, "max_tokens": 6},
        {"user": "u"},
        {"user": "u", "safety_identifier": "s"},
        {"prompt_cache_options": {"mode": "implicit", "ttl": "30m"}},
        {"prompt_cache_options": {"mode": "explicit"}, "prompt_cache_retention": "24h", "moderation": {"model": "x"}},
        {"response_format": {"type": "json_object"}, "verbosity": "low", "reasoning_effort": "xhigh"},
        {"web_search_options": {"search_context_size": "low"}},
        {"tools": [{"type": "builtin_function", "function": {"name": "$web_search"}, "x": 1}]},
        {"tools": [{"type": "function", "function": {"name": "a.b"}}], "tool_choice": "required"},
        {"tool_choice": {"type": "custom", "custom": {"name": "c"}}},
        {"unknown": {"deep": [1, 2]}, "enable_thinking": False},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"prediction": {"type": "content", "content": "x"}, "store": True, "metadata": {"a": "b"}},
        {"service_tier": "fast", "parallel_tool_calls": False},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "x": 1}, {"type": "new", "y": 2}]}]},
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "a", "x": None}]}]},
        {"messages": [{"role": "user", "content": "a", "tool_call_id": "odd", "x": {"y": 1}}]},
        {"messages": [{"role": "tool", "tool_call_id": "functions.Bash:0", "content": "r", "name": "Bash"}]},
        {"messages": [{"role": "assistant", "audio": {"id": "a1"}, "content": None}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": PDF}}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]},
        {"messages": [{"role": "assistant", "content": "a", "refusal": "no"}]},
        {
            "functions": [{"name": "f", "parameters": {"type": "object"}}],
            "function_call": {"name": "f"},
            "messages": [
                USER,
                {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
                {"role": "function", "name": "f", "content": "1"},
            ],
        },
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_a_client_of_the_same_protocol_sends_comes_out_again(fields: dict[str, Any]) -> None:
    expected = {"messages": [USER], **fields}

    body = again(**fields)

    assert body == expected


def test_members_that_few_requests_have_change_nothing_of_the_others() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    told: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": "be brief"},
            USER,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "[1]"},
            {"role": "assistant", "content": [{"type": "text", "text": "one"}]},
            {"role": "user", "content": "go on", "name": "anna"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": None, "parameters": {}}}],
        "tool_choice": "auto",
        "temperature": 0.5,
        "stop": "x",
        "max_tokens": 5,
        "user": "u",
    }
    usual = encode(decode(**told))
    assert usual[0] == encode(decode(**told, logit_bias=None, metadata=None))[0]
    assert {**usual[0], "logprobs": True, "metadata": {"a": "b"}} == encode(
        decode(**told, logprobs=True, metadata={"a": "b"})
    )[0]


def test_an_answer_that_an_sdk_sends_back_whole_says_no_more_than_its_words() -> None:
    answer = {"role": "assistant", "content": "yes"}
    echo: dict[str, Any] = {
        **answer,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
    }
    bare, back = (decode(messages=[USER, said, USER]) for said in (answer, echo))
    assert [encode(one)[0] for one in (bare, back)] == [{"model": "up", "messages": [USER, answer, USER]}] * 2
    assert back.extras == {}
    noted = {**echo, "annotations": [{"type": "url_citation"}]}
    kept = decode(messages=[USER, noted, USER])
    assert kept.extras == {"/messages/1/annotations": Raw(b'[{"type": "url_citation"}]')}
    assert encode(kept)[0]["messages"][1]["annotations"] == noted["annotations"]


def test_usage_is_always_asked_for_in_a_stream() -> None:
    assert again(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in encode(decode(stream=True), stream_usage=False)[0]


def test_the_text_of_a_message_is_not_respelled() -> None:
    spelled = b'{"model":"m","messages":[{"role":"user","content":"\\u00e9\\/ \\ud83d\\ude00"}]}'
    request = CODEC.decode_request(Incoming("/", {}, spelled))

    encoded = CODEC.encode_request(request, "m", Capabilities(), [])

    assert encoded.outgoing.body == spelled


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"model":"m","messages":[', None),
        (b'{"messages":[]}', None),
        (b'{"model":"m","messages":[{"role":"robot","content":"x"}]}', "/messages/0/role"),
        (b'{"model":"m","messages":[{"role":"user","content":7}]}', "/messages/0/content"),
        (b'{"model":"m","messages":[{"role":"user"}]}', "/messages/0/content"),
        (b'{"model":"m","messages":[{"role":"tool","content":"x"}]}', "/messages/0/tool_call_id"),
        (b'{"model":"m","messages":[],"temperature":"hot"}', "/temperature"),
        (b'{"model":"m","messages":[],"reasoning_effort":"huge"}', "/reasoning_effort"),
        (b'{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}', "/messages/0/content/0"),
        (b'{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{}}]}]}', "/messages/0/content/0"),
    ],
)
def test_bad_input_is_refused_with_its_place(body: bytes, pointer: str | None) -> None:
    with pytest.raises(FaultError) as caught:
        CODEC.decode_request(Incoming("/", {}, body))

    assert (caught.value.fault.kind, caught.value.fault.param) == ("invalid_request", pointer)


def test_a_data_url_is_read_whole() -> None:
    url = "data:image/PNG;charset=x;base64,aGk="
    part = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}

    request = decode(messages=[{"role": "user", "content": [part]}])

    assert request.messages[0].parts == [
        Media(kind="image", source=Base64("aGk="), mime="image/png", detail="low", at="/content/0")
    ]


def test_sealed_reasoning_comes_back_from_a_client() -> None:
    details = [
        {"type": "reasoning.text", "text": "t", "signature": "s", "format": "anthropic-messages", "index": 0},
        {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-messages", "index": 1},
    ]
    message = {"role": "assistant", "content": "x", "reasoning_content": "t", "reasoning_details": details}

    parts = decode(messages=[message]).messages[0].parts

    origin = Origin("anthropic-messages")
    assert parts[:2] == [
        Reasoning(text="t", opaque=(Opaque("signature", "s", origin),), at="/reasoning_details/0"),
        Reasoning(form="hidden", opaque=(Opaque("redacted", "d", origin),), at="/reasoning_details/1"),
    ]


def test_past_reasoning_goes_where_the_upstream_has_a_field_for_it() -> None:
    request = foreign(Message("assistant", [Reasoning(text="r"), Text(text="x")], "/messages/0"))

    assert encode(request, reasoning_field="reasoning_content")[0]["messages"] == [
        {"role": "assistant", "content": "x", "reasoning_content": "r"}
    ]
    body, losses, _ = encode(request)
    assert body["messages"] == [{"role": "assistant", "content": "x"}]
    assert lost(losses) == [("/messages/0", "dropped")]


def test_tool_results_of_one_turn_go_first_and_their_images_behind_all_of_them() -> None:
    calls = Message("assistant", [ToolCall(id="a", name="f"), ToolCall(id="b", name="g", arguments='{"x":1}')], "/m/0")
    image = Media(kind="image", source=Url("https://x/y.png"), at="/content/0/content/1")
    turn = user(
        ToolResult(call_id="b", content=[Text(text="boom"), image], is_error=True, at="/content/0"),
        ToolResult(call_id="a", content=[Text(text="1")], at="/content/1"),
        Text(text="go on", at="/content/2"),
        at="/m/1",
    )

    body, losses, _ = encode(foreign(calls, turn))

    assert body["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": '{"x":1}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "b", "content": "[tool error] boom"},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "[tool result b]"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "text", "text": "go on"},
            ],
        },
    ]
    assert lost(losses) == [("/m/1/content/0/content/1", "emulated"), ("/m/1/content/0/is_error", "emulated")]


def test_calls_cut_over_several_turns_become_one_with_all_results_behind_it() -> None:
    messages = [
        Message("assistant", [ToolCall(id="a", name="f", arguments="{}")], "/input/0"),
        Message("assistant", [ToolCall(id="b", name="f", arguments="{}")], "/input/1"),
        Message("tool", [ToolResult(call_id="b", content=[Text(text="2")])], "/input/2"),
        Message("tool", [ToolResult(call_id="a", content=[Text(text="1")])], "/input/3"),
    ]

    body, losses, _ = encode(foreign(*messages))

    assert [message["role"] for message in body["messages"]] == ["assistant", "tool", "tool"]
    assert [call["id"] for call in body["messages"][0]["tool_calls"]] == ["a", "b"]
    assert [message["tool_call_id"] for message in body["messages"][1:]] == ["b", "a"]
    assert losses == []


@pytest.mark.parametrize(
    ("messages", "pointer"),
    [
        ([Message("assistant", [ToolCall(id="a", name="f", at="/content/0")], "/m/0")], "/m/0/content/0"),
        ([user(ToolResult(call_id="a", at="/content/0"), at="/m/0")], "/m/0/content/0"),
    ],
)
def test_a_call_or_a_result_alone_is_refused(messages: list[Message], pointer: str) -> None:
    with pytest.raises(FaultError) as caught:
        encode(foreign(*messages))

    assert (caught.value.fault.kind, caught.value.fault.param) == ("invalid_request", pointer)


@pytest.mark.parametrize(
    "part",
    [
        Media(kind="video", source=Url("https://x")),
        Media(kind="audio", source=Base64("x"), mime="audio/flac"),
        Media(kind="file", source=FileId("file_1", "anthropic-messages")),
        Media(kind="image", source=FileId("file_1", "anthropic-messages")),
        Media(kind="file", source=Url("https://x/y.pdf")),
    ],
    ids=lambda part: f"{part.kind}-{type(part.source).__name__}",
)
def test_media_that_cannot_be_carried_is_refused_by_its_path(part: Media) -> None:
    part.at = "/content/0"

    with pytest.raises(FaultError) as caught:
        encode(foreign(user(part)))

    assert caught.value.fault.param == "/messages/0/content/0"


def test_fields_of_another_protocol_are_reported_and_not_sent() -> None:
    request = foreign(
        user(Text(text="x")),
        sampling=Sampling(max_tokens=5, top_k=3, stop=["1", "2", "3", "4", "5"]),
        reasoning=ReasoningConfig(mode="manual", budget=5000),
        tier="standard_only",
        extras={"/context_management": Raw(b"{}")},
        paths={"stop": "/stop_sequences", "reasoning.budget": "/thinking/budget_tokens"},
    )

    body, losses, _ = encode(request)

    assert body == {
        "model": "up",
        "messages": [{"role": "user", "content": "x"}],
        "max_completion_tokens": 5,
        "stop": ["1", "2", "3", "4"],
        "reasoning_effort": "medium",
        "service_tier": "default",
    }
    assert lost(losses) == [
        ("/top_k", "dropped"),
        ("/stop_sequences/4", "dropped"),
        ("/thinking/budget_tokens", "approximated"),
        ("/context_management", "dropped"),
    ]


def test_a_thread_is_refused_with_the_code_that_its_client_knows() -> None:
    request = foreign(user(Text(text="x")))
    request.state = State(thread="create")

    with pytest.raises(FaultError) as caught:
        encode(request)

    fault = caught.value.fault
    assert (fault.kind, fault.code, fault.param) == ("invalid_request", "thread_unsupported_request", "/thread")


@pytest.mark.parametrize(("marks", "kept"), [(3, True), (4, False)])
def test_cache_marks_move_to_where_they_can_stand_and_only_the_last_four_stay(*, marks: int, kept: bool) -> None:
    marked = [Text(text=str(i), cache=CacheMark(), at=f"/content/{i}") for i in range(marks)]
    tool = Tool(name="f", cache=CacheMark(300), at="/tools/0")
    first = user(Text(text="first", at="/content/0"), at="/messages/0")

    body, losses, _ = encode(foreign(first, user(*marked, at="/messages/1"), tools=[tool]))

    moved = body["messages"][0]["content"]
    text = {"type": "text", "text": "first"}
    assert moved == [{**text, "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}} if kept else text]
    assert [part["prompt_cache_breakpoint"] for part in body["messages"][1]["content"]] == [
        {"mode": "explicit"}
    ] * marks
    expected = [("/tools/0", "moved"), ("/tools/0", "approximated")]
    assert lost(losses) == (expected if kept else [*expected, ("/tools/0", "dropped")])


def test_a_name_that_does_not_fit_is_the_same_everywhere_and_restored() -> None:
    name = "x" * 100
    request = foreign(
        Message("assistant", [ToolCall(id="a", name=name, arguments="{}")], "/m/0"),
        user(ToolResult(call_id="a", content=[Text(text="r")]), at="/m/1"),
        tools=[Tool(name=name, at="/tools/0")],
        tool_choice=ToolChoice(mode="named", names=[name]),
    )

    body, _, encoded = encode(request)

    short = body["tools"][0]["function"]["name"]
    assert len(short) == 64
    assert body["messages"][0]["tool_calls"][0]["function"]["name"] == short
    assert body["tool_choice"] == {"type": "function", "function": {"name": short}}
    assert encoded.restore.names == {short: name}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}', True),
        (b'{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}', None),
        (b'{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}', None),
    ],
)
def test_a_schema_is_strict_only_when_it_conforms_and_is_never_rewritten(*, schema: bytes, strict: bool | None) -> None:
    request = foreign(user(Text(text="x")), output=Output(format="json_schema", schema=Schema(Raw(schema))))

    body, _, _ = encode(request)

    form = body["response_format"]["json_schema"]
    assert (form["name"], form["schema"], form.get("strict")) == ("response", json.loads(schema), strict)


def test_the_deprecated_call_gets_an_id_that_pairs_with_its_result() -> None:
    request = decode(
        functions=[{"name": "f"}],
        messages=[
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
        ],
    )

    call, result = request.messages[1].parts[0], request.messages[2].parts[0]

    assert request.legacy_functions
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert call.id == result.call_id == "function_call_1"
    assert [plain(part.text) for part in result.content if isinstance(part, Text)] == ["1"]


def test_a_text_with_a_broken_escape_is_refused_where_it_must_be_read() -> None:
    turn = user(ToolResult(call_id="a", content=[Text(text=Raw(rb'"\q"'))], is_error=True), at="/m/1")
    call = Message("assistant", [ToolCall(id="a", name="f")], "/m/0")

    with pytest.raises(FaultError) as caught:
        encode(foreign(call, turn))

    assert caught.value.fault.kind == "invalid_request"


@pytest.mark.parametrize(
    "schema", [b'{"type":"object","properties":{},"required":7}', b"[]", b'{"type":"object","properties":[]}']
)
def test_an_odd_schema_is_sent_as_it_is(schema: bytes) -> None:
    request = foreign(
        user(Text(text="x")), tools=[Tool(name="f", schema=Schema(Raw(schema)), strict=True, at="/tools/0")]
    )

    body, losses, _ = encode(request)

    assert body["tools"][0]["function"] == {"name": "f", "parameters": json.loads(schema)}
    assert lost(losses) == [("/tools/0/strict", "approximated")]


def test_an_end_user_whose_id_is_too_long_is_left_out() -> None:
    request = foreign(user(Text("hi")), user_id="u" * 129, paths={"user_id": "/metadata/user_id"})
    body, losses, _ = encode(request)
    assert "safety_identifier" not in body
    assert [(loss.path, loss.kind) for loss in losses] == [("/metadata/user_id", "dropped")]
    body, losses, _ = encode(foreign(user(Text("hi")), user_id="u" * 128))
    assert (body["safety_identifier"], losses) == ("u" * 128, [])
