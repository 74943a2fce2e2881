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
    Item,
    Loss,
    Media,
    Message,
    Opaque,
    Origin,
    Output,
    Part,
    PlainText,
    Reasoning,
    ReasoningConfig,
    Refusal,
    Request,
    Sampling,
    Schema,
    SearchResult,
    ServerTool,
    State,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Unknown,
    Url,
    plain,
)
from twoapi.ir.request import ToolChoice
from twoapi.protocols.base import Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_responses.decode_request import decode_request
from twoapi.protocols.openai_responses.encode_request import encode_request
from twoapi.protocols.openai_responses.items import mint_id
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.laws.bounds import is_linear
from twoapi.wire.http import Incoming

USER = {"type": "message", "role": "user", "content": "hi"}
SPACE = b'{"type":"namespace","name":"n","tools":[%b]}'
OWN = Origin("openai-responses")
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "1"}


def decode(**fields: Any) -> Request:
    body = {"model": "m", "input": [USER], **fields}
    return decode_request(Incoming("/v1/responses", {}, json.dumps(body).encode()))


def encode(request: Request, **capabilities: Any) -> tuple[Any, list[Loss], Encoded]:
    losses: list[Loss] = []
    encoded = encode_request(request, "up", Capabilities(**capabilities), losses)
    return json.loads(encoded.outgoing.body), losses, encoded


def foreign(*messages: Message, **fields: Any) -> Request:
    return Request(protocol="anthropic-messages", model="m", messages=list(messages), **fields)


def user(*parts: Part, at: str = "/messages/0") -> Message:
    return Message("user", list(parts), at)


def sent(*parts: Part, role: Any = "user") -> tuple[Any, list[Loss]]:
    """The input items of one message of another protocol."""
    body, losses, _ = encode(foreign(Message(role, list(parts), "/messages/0")))
    return body.get("input"), losses


def lost(losses: list[Loss]) -> list[tuple[str, str]]:
    return [(loss.path, loss.kind) for loss in losses]


# --- a client's request ----------------------------------------------------------------------------


def test_items_of_one_turn_are_one_message_in_order() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}]}
    said: dict[str, Any] = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
    }
    said["content"] = [{"type": "output_text", "text": "b", "annotations": []}]

    request = decode(input=[USER, reasoning, said, CALL, RESULT, USER])

    assert [(message.role, message.at) for message in request.messages] == [
        ("user", "/input/0"),
        ("assistant", "/input"),
        ("tool", "/input/4"),
        ("user", "/input/5"),
    ]
    thought, text, call = request.messages[1].parts
    assert isinstance(thought, Reasoning)
    assert isinstance(text, Text)
    assert isinstance(call, ToolCall)
    assert (thought.at, text.at, call.at) == ("/1", "/2/content/0", "/3")
    assert thought.item == Item(1, "rs_1")
    assert text.item == Item(2, "msg_1", "completed", "commentary")


def test_a_turn_of_one_item_stands_in_it() -> None:
    request = decode(input=[USER, {"role": "assistant", "content": "a"}, USER])

    assert request.messages[1].at == "/input/1"
    assert request.messages[1].parts[0].at == "/content"


def test_summary_and_content_of_reasoning_are_parts_and_the_seal_is_on_the_last() -> None:
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    content = [{"type": "reasoning_text", "text": "c"}]
    item = {"type": "reasoning", "id": "rs_1", "summary": summary, "content": content, "encrypted_content": "x"}

    parts = decode(input=[item]).messages[0].parts

    assert [(part.form, plain(part.text)) for part in parts if isinstance(part, Reasoning)] == [
        ("summary", "a"),
        ("summary", "b"),
        ("full", "c"),
    ]
    assert [part.opaque for part in parts] == [(), (), (Opaque("encrypted_reasoning", "x", OWN),)]


def test_a_carrier_is_kept_closed_and_never_sent() -> None:
    carrier = PLAIN.seal((Opaque("signature", "s"),), "anthropic-messages")
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": carrier}

    request = decode(input=[USER, item, {**USER, "x_future": 1}])
    body, losses, _ = encode(request)

    assert request.messages[1].parts[0].opaque == (Opaque("other", carrier),)
    assert body["input"] == [USER, {**USER, "x_future": 1}]
    assert lost(losses) == [("/input/1", "reasoning_foreign")]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"tool_choice": "required"}, ToolChoice(mode="required")),
        ({"tool_choice": {"type": "function", "name": "f"}}, ToolChoice(mode="named", names=["f"], kinds=["function"])),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "c"}]}},
            ToolChoice(mode="auto", names=["c"], kinds=["custom"], allowed=True),
        ),
        (
            {"tool_choice": {"type": "web_search_preview"}},
            ToolChoice(mode="named", names=["web_search_preview"], kinds=["server"]),
        ),
        (
            {"tool_choice": {"type": "mcp", "server_label": "d", "name": "f"}},
            ToolChoice(mode="named", names=["d"], kinds=["server"]),
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "f"}, {"type": "image_generation"}],
                }
            },
            ToolChoice(mode="required", names=["f"], kinds=["function"], allowed=True),
        ),
    ],
)
def test_tool_choices(fields: dict[str, Any], found: ToolChoice) -> None:
    request = decode(**fields)

    assert request.tool_choice == found
    assert encode(request)[0]["tool_choice"] == fields["tool_choice"]


def test_tools_of_a_namespace_are_tools_that_know_it() -> None:
    inner = [{"type": "function", "name": "js", "parameters": {}}, {"type": "custom", "name": "sh"}]
    tools = [{"type": "namespace", "name": "repl", "description": "d", "tools": inner}]

    request = decode(tools=tools)

    assert [(tool.namespace, tool.name, tool.kind, tool.at) for tool in request.tools] == [
        ("repl", "js", "function", "/tools/0/tools/0"),
        ("repl", "sh", "custom", "/tools/0/tools/1"),
    ]
    assert encode(request)[0]["tools"] == tools


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "hi"},
        {"input": []},
        {"instructions": "be brief", "input": "hi"},
        {"input": [{"role": "user", "content": [{"type": "future_part", "x": 1}]}]},
        {"input": [{"type": "future_item", "x": {"y": 1}}, USER]},
        {"input": [{**CALL, "namespace": "ns", "async": True}, {**RESULT, "name": "f", "caller": {"type": "direct"}}]},
        {"input": [{"type": "message", "role": "assistant", "content": [], "id": "msg_1", "status": "completed"}]},
        {"include": ["reasoning.encrypted_content", "web_search_call.results"], "top_logprobs": 3},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 3},
        {"include": []},
        {"conversation": {"id": "conv_1", "x_future": 1}},
        {"previous_response_id": "resp_1", "input": [RESULT]},
        {"prompt": {"id": "pmpt_1"}, "store": True, "background": True},
        {"user": "u", "safety_identifier": "s"},
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"reasoning": {"generate_summary": "auto"}},
        {"tools": [{"type": "namespace", "name": "empty", "description": "d", "tools": []}]},
        {"tools": [{"type": "future_tool", "x": 1}]},
        {"type": "response.create", "generate": False},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_a_client_of_the_same_protocol_sends_comes_out_again(fields: dict[str, Any]) -> None:
    body, losses, _ = encode(decode(**fields))

    expected = {"model": "up", "input": [USER], **fields}
    given = expected["input"]
    if isinstance(given, list):
        expected["input"] = [{"type": "message", **item} if "role" in item else item for item in given]
    if not expected["input"]:
        del expected["input"]
    assert body == expected
    assert losses == []


# --- a request of another protocol -----------------------------------------------------------------


def test_nothing_is_kept_and_reasoning_comes_sealed_unless_the_client_asks_otherwise() -> None:
    plain_body, _, _ = encode(foreign(user(Text(text="hi"))))
    kept, _, _ = encode(foreign(user(Text(text="hi")), state=State(store=True)))
    without, _, _ = encode(foreign(user(Text(text="hi")), reasoning=ReasoningConfig(mode="off")))
    old, _, _ = encode(foreign(user(Text(text="hi"))), effort=False)

    assert (plain_body["store"], plain_body["include"]) == (False, ["reasoning.encrypted_content"])
    assert (kept["store"], "include" in kept) == (True, False)
    assert without["reasoning"] == {"effort": "none"}
    assert "include" not in without
    assert "include" not in old


def test_a_leading_system_prompt_is_the_instructions_unless_a_cache_mark_stands_on_it() -> None:
    system = Message("system", [Text(text="be brief")], "/system")
    marked = Message("system", [Text(text="be brief", cache=CacheMark(300))], "/system")

    body, _, _ = encode(foreign(system, user(Text(text="hi"))))
    items, losses, _ = encode(foreign(marked, user(Text(text="hi"))))

    assert body["instructions"] == "be brief"
    assert items["input"][0]["content"] == [
        {"type": "input_text", "text": "be brief", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    ]
    assert lost(losses) == [("/system", "approximated")]


def test_instructions_in_mid_conversation_stay_there() -> None:
    body, losses, _ = encode(
        foreign(user(Text(text="a")), Message("developer", [Text(text="b")], "/messages/1"), user(Text(text="c")))
    )

    assert [item["role"] for item in body["input"]] == ["user", "developer", "user"]
    assert losses == []


def test_a_turn_becomes_items_in_order() -> None:
    said = Message(
        "assistant",
        [Text(text="a"), ToolCall(id="toolu_1", name="f", arguments='{"x": 1}'), Text(text="b")],
        "/messages/1",
    )
    answered = user(ToolResult(call_id="toolu_1", content=[Text(text="r")]), Text(text="go on"), at="/messages/2")

    body, losses, _ = encode(foreign(user(Text(text="hi")), said, answered))

    assert [item["type"] for item in body["input"]] == [
        "message",
        "message",
        "function_call",
        "message",
        "function_call_output",
        "message",
    ]
    assert body["input"][2] == {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": '{"x": 1}'}
    assert losses == []


def test_each_text_of_the_model_is_a_message_but_beside_a_refusal() -> None:
    texts, none_lost = sent(Text(text="a"), Text(text="b"), role="assistant")
    refused, nothing_lost = sent(Text(text="a"), Refusal(text="no"), role="assistant")

    assert texts == [
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "message", "role": "assistant", "content": "b"},
    ]
    assert refused == [
        {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "refusal", "refusal": "no"},
            ],
        }
    ]
    assert none_lost == nothing_lost == []


def test_results_hold_images_and_errors_are_marked() -> None:
    call = Message("assistant", [ToolCall(id="c", name="f")], "/messages/0")
    picture = Media(kind="image", source=Base64("aGk="), mime="image/png", at="/content/0/content/1")
    result = ToolResult(call_id="c", content=[Text(text="boom"), picture], is_error=True, at="/content/0")

    body, losses, _ = encode(foreign(call, user(result, at="/messages/1")))

    assert body["input"][1]["output"] == [
        {"type": "input_text", "text": "[tool error] boom"},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,aGk="},
    ]
    assert lost(losses) == [("/messages/1/content/0/is_error", "emulated")]


def test_own_sealed_reasoning_goes_back_and_that_of_others_does_not() -> None:
    own = Reasoning(text="why", form="summary", opaque=(Opaque("encrypted_reasoning", "gAAA", OWN),), at="/content/0")
    other = Reasoning(text="how", opaque=(Opaque("signature", "s", Origin("anthropic-messages")),), at="/content/1")
    bare = Reasoning(text="so", at="/content/2")

    items, losses = sent(own, other, bare, Text(text="a", at="/content/3"), role="assistant")

    assert items[0] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "why"}],
        "encrypted_content": "gAAA",
    }
    assert [item["type"] for item in items] == ["reasoning", "message"]
    assert lost(losses) == [("/messages/0/content/1", "reasoning_foreign"), ("/messages/0/content/2", "dropped")]


def test_the_pieces_of_one_reasoning_come_back_as_one_item() -> None:
    marked = (Opaque("other", "", OWN),)
    sealed = (Opaque("encrypted_reasoning", "gAAA", OWN),)
    pieces = [Reasoning(text="why", opaque=marked), Reasoning(text="", opaque=marked), Reasoning(opaque=sealed)]
    text = Text(text="a", opaque=(Opaque("phase", "commentary", OWN),))

    items, losses = sent(*pieces, text, role="assistant")

    assert items == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "why"}], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "content": "a", "phase": "commentary"},
    ]
    assert losses == []


def test_ids_that_this_gateway_made_are_never_sent() -> None:
    said: dict[str, Any] = {
        "type": "message",
        "id": mint_id("message", "a_0"),
        "role": "assistant",
        "status": "completed",
    }
    said["content"] = [{"type": "output_text", "text": "b", "annotations": []}]
    call = {**CALL, "id": mint_id("function_call", "a_1")}
    thought = {"type": "reasoning", "id": mint_id("reasoning", "a_2"), "summary": []}

    body, losses, _ = encode(decode(input=[USER, thought, said, call, RESULT]))

    assert [item.get("id") for item in body["input"]] == [None] * 4
    assert body["input"][2] == CALL
    assert lost(losses) == [("/input/1", "dropped")]


def test_a_custom_tool_stays_one_with_its_calls_and_results() -> None:
    call = Message("assistant", [ToolCall(id="c", name="patch", arguments="*** Begin", kind="custom")], "/messages/0")
    tools = [Tool(kind="custom", name="patch", at="/tools/0")]

    body, losses, _ = encode(
        foreign(call, Message("tool", [ToolResult(call_id="c", content=[Text(text="ok")])], "/messages/1"), tools=tools)
    )

    assert body["tools"] == [{"type": "custom", "name": "patch"}]
    assert [item["type"] for item in body["input"]] == ["custom_tool_call", "custom_tool_call_output"]
    assert body["input"][0]["input"] == "*** Begin"
    assert losses == []


@pytest.mark.parametrize(
    ("tool", "written", "reported"),
    [
        (Tool(name="f"), {"parameters": None, "strict": False}, []),
        (Tool(name="f", strict=True), {"parameters": None, "strict": False}, [("/strict", "approximated")]),
        (
            Tool(
                name="f",
                strict=True,
                schema=Schema(Raw(b'{"type":"object","properties":{},"additionalProperties":false}')),
            ),
            {"parameters": {"type": "object", "properties": {}, "additionalProperties": False}, "strict": True},
            [],
        ),
        (
            Tool(name="f", schema=Schema(Raw(b'{"type":"object"}'))),
            {"parameters": {"type": "object", "properties": {}}, "strict": False},
            [],
        ),
        (
            Tool(name="f", examples=[Raw(b"{}")], eager_streaming=True, callers=["direct"], deferred=True),
            {"parameters": None, "strict": False, "defer_loading": True},
            [
                ("/input_examples", "dropped"),
                ("/eager_input_streaming", "unsupported"),
                ("/allowed_callers", "unsupported"),
            ],
        ),
    ],
)
def test_functions_always_say_whether_they_are_strict(
    tool: Tool, written: dict[str, Any], reported: list[tuple[str, str]]
) -> None:
    body, losses, _ = encode(foreign(user(Text(text="hi")), tools=[tool]))

    assert body["tools"] == [{"type": "function", "name": "f", **written}]
    assert lost(losses) == reported


def test_a_tool_of_the_other_vendors_is_reported_and_cannot_be_forced() -> None:
    tool = Tool(
        kind="server", name="web_search", protocol="anthropic-messages", type="web_search_20260318", at="/tools/0"
    )
    request = foreign(user(Text(text="hi")), tools=[tool])

    _, losses, _ = encode(request)
    mapped, emulated, _ = encode(request, web_search=True)
    request.tool_choice = ToolChoice(mode="named", names=["web_search"])

    assert lost(losses) == [("/tools/0", "unsupported")]
    assert mapped["tools"] == [{"type": "web_search"}]
    assert lost(emulated) == [("/tools/0", "emulated")]
    with pytest.raises(FaultError):
        encode(request)


def test_names_and_ids_are_made_to_fit_and_come_back() -> None:
    name, call_id = "a" * 70, "c" * 70
    call = Message("assistant", [ToolCall(id=call_id, name=name)], "/messages/0")
    request = foreign(call, user(ToolResult(call_id=call_id)), tools=[Tool(name=name)])

    body, _, encoded = encode(request)

    wire_name, wire_id = body["input"][0]["name"], body["input"][0]["call_id"]
    assert body["tools"][0]["name"] == wire_name
    assert body["input"][1]["call_id"] == wire_id
    assert max(len(wire_name), len(wire_id)) <= 64
    assert encoded.restore.names == {wire_name: name}
    assert encoded.restore.call_ids == {wire_id: call_id}


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"sampling": Sampling(stop=["x"])}, [("/stop", "dropped")]),
        ({"sampling": Sampling(top_k=3, seed=1)}, [("/top_k", "dropped"), ("/seed", "dropped")]),
        (
            {"sampling": Sampling(presence_penalty=1, frequency_penalty=1)},
            [("/presence_penalty", "dropped"), ("/frequency_penalty", "dropped")],
        ),
        ({"sampling": Sampling(logit_bias=Raw(b"{}"))}, [("/logit_bias", "dropped")]),
        ({"sampling": Sampling(max_tokens=5)}, [("/max_tokens", "clamped")]),
        ({"output": Output(modalities=["text", "audio"])}, [("/output.modalities", "unsupported")]),
        ({"output": Output(prediction=Raw(b"{}"))}, [("/output.prediction", "dropped")]),
        ({"tier": "batch"}, [("/tier", "dropped")]),
        ({"user_id": "u" * 129}, [("/user_id", "dropped")]),
        ({"safety": Raw(b"[]")}, [("/safety", "dropped")]),
        ({"reasoning": ReasoningConfig(mode="manual", budget=2048)}, [("/reasoning.budget", "approximated")]),
        ({"reasoning": ReasoningConfig(effort="low", show="full")}, [("/reasoning.show", "approximated")]),
        ({"state": State(background=True)}, []),
        ({"extras": {"/container": Raw(b"{}")}}, [("/container", "dropped")]),
    ],
)
def test_what_has_no_place_here_is_reported(fields: dict[str, Any], reported: list[tuple[str, str]]) -> None:
    assert lost(encode(foreign(user(Text(text="hi")), **fields))[1]) == reported


def test_a_budget_is_an_effort_and_shown_reasoning_is_asked_for() -> None:
    body, _, _ = encode(foreign(user(Text(text="hi")), reasoning=ReasoningConfig(mode="manual", budget=2048)))

    assert body["reasoning"] == {"effort": "low", "summary": "auto"}


def test_an_output_schema_has_a_name_and_says_whether_it_is_strict() -> None:
    schema = Schema(Raw(b'{"type":"object","properties":{},"additionalProperties":false}'))
    output = Output(format="json_schema", schema=schema, verbosity="low")

    body, losses, _ = encode(foreign(user(Text(text="hi")), output=output))

    assert body["text"] == {
        "format": {"type": "json_schema", "name": "response", "schema": json.loads(bytes(schema.raw)), "strict": True},
        "verbosity": "low",
    }
    assert lost(losses) == [("/output.schema", "info")]


@pytest.mark.parametrize(
    ("part", "written", "reported"),
    [
        (
            Media(kind="image", source=Url("https://e.example/a.png"), detail="low"),
            {"type": "input_image", "detail": "low", "image_url": "https://e.example/a.png"},
            [],
        ),
        (
            Media(kind="file", source=Url("https://e.example/a.pdf"), name="a.pdf"),
            {"type": "input_file", "filename": "a.pdf", "file_url": "https://e.example/a.pdf"},
            [],
        ),
        (
            Media(kind="file", source=Base64("JVBE"), mime="application/pdf"),
            {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            ["synthesized"],
        ),
        (Media(kind="file", source=PlainText("t"), title="T"), {"type": "input_text", "text": "T\n\nt"}, ["emulated"]),
        (
            Media(kind="audio", source=Base64("aGk="), mime="audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
            [],
        ),
        (Refusal(text="no"), {"type": "input_text", "text": "no"}, ["emulated"]),
        (
            SearchResult(source="s", title="t", content=[Text(text="x")]),
            {"type": "input_text", "text": "t\ns\n\nx"},
            ["emulated"],
        ),
        (ServerTool(protocol="gemini", tool="x", text="ran"), {"type": "input_text", "text": "ran"}, ["emulated"]),
        (Unknown(protocol="gemini", type="x"), None, ["dropped"]),
    ],
)
def test_parts_of_a_users_turn(part: Part, written: Any, reported: list[str]) -> None:
    items, losses = sent(Text(text="a"), part)

    assert items[0]["content"][1:] == ([] if written is None else [written])
    assert [loss.kind for loss in losses] == reported


@pytest.mark.parametrize(
    "request_",
    [
        foreign(user(Media(kind="video", source=Url("https://e.example/v"), at="/content/0"))),
        foreign(user(Media(kind="audio", source=Base64("x"), mime="audio/flac", at="/content/0"))),
        foreign(user(Media(kind="file", source=FileId("f", "anthropic-messages"), at="/content/0"))),
        foreign(user(Media(kind="image", source=FileId("f", "gemini"), at="/content/0"))),
        foreign(user(Text(text="a")), sampling=Sampling(n=2)),
        foreign(user(Text(text="a")), state=State(thread="create")),
        foreign(Message("assistant", [ToolCall(id="c", name="f", at="/content/0")], "/messages/0")),
        foreign(user(ToolResult(call_id="c", at="/content/0"))),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place(request_: Request) -> None:
    with pytest.raises(FaultError) as caught:
        encode(request_)

    assert caught.value.fault.kind == "invalid_request"
    assert caught.value.fault.param in ("/messages/0/content/0", "/n", "/thread")


def test_marks_move_to_what_can_hold_them_and_the_last_four_stay() -> None:
    tool = Tool(name="f", cache=CacheMark(3600), at="/tools/0")
    texts = [Text(text=str(number), cache=CacheMark(1800), at=f"/content/{number}") for number in range(1, 5)]

    body, losses, _ = encode(foreign(user(Text(text="0", at="/content/0"), *texts), tools=[tool]))

    marks = [part.get("prompt_cache_breakpoint", {}).get("ttl") for part in body["input"][0]["content"]]
    assert marks == [None, "30m", "30m", "30m", "30m"]
    assert lost(losses) == [("/tools/0", "moved"), ("/tools/0", "approximated"), ("/tools/0", "dropped")]


# --- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"input":"a"}', None),
        (b'{"model":1,"input":"a"}', "/model"),
        (b'{"model":"m"}', "/input"),
        (b'{"model":"m","input":3}', "/input"),
        (b'{"model":"m","input":[3]}', "/input/0"),
        (b'{"model":"m","input":[null]}', "/input/0"),
        (b'{"model":"m","input":[{"type":3}]}', "/input/0/type"),
        (b'{"model":"m","input":[{}]}', "/input/0"),
        (b'{"model":"m","input":[{"role":"judge","content":"a"}]}', "/input/0/role"),
        (b'{"model":"m","input":[{"role":"user"}]}', "/input/0/content"),
        (b'{"model":"m","input":[{"role":"user","content":3}]}', "/input/0/content"),
        (b'{"model":"m","input":[{"role":"user","content":[3]}]}', "/input/0/content/0"),
        (b'{"model":"m","input":[{"role":"user","content":[{"text":"a"}]}]}', "/input/0/content/0/type"),
        (b'{"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]}', "/input/0/content/0"),
        (b'{"model":"m","input":[{"role":"user","content":[{"type":"input_file"}]}]}', "/input/0/content/0"),
        (
            b'{"model":"m","input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":1}}]}]}',
            "/input/0/content/0/input_audio/data",
        ),
        (b'{"model":"m","input":[{"type":"function_call","name":"f","arguments":"{}"}]}', "/input/0"),
        (
            b'{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":{}}]}',
            "/input/0/arguments",
        ),
        (b'{"model":"m","input":[{"type":"function_call_output","call_id":"c"}]}', "/input/0"),
        (b'{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":1}]}', "/input/0/output"),
        (b'{"model":"m","input":[{"type":"reasoning","summary":"a"}]}', "/input/0/summary"),
        (b'{"model":"m","input":"a","instructions":["a"]}', "/instructions"),
        (b'{"model":"m","input":"a","tools":{}}', "/tools"),
        (b'{"model":"m","input":"a","tools":[{"name":"f"}]}', "/tools/0"),
        (b'{"model":"m","input":"a","tools":[{"type":"function"}]}', "/tools/0"),
        (b'{"model":"m","input":"a","tools":[{"type":"custom","name":"c","format":{"type":"x"}}]}', "/tools/0/format"),
        (
            b'{"model":"m","input":"a","tools":[{"type":"namespace","name":"n","tools":[{"type":"function"}]}]}',
            "/tools/0/tools/0",
        ),
        (
            b'{"model":"m","input":"a","tools":[%b]}' % (SPACE % (SPACE % b"")),
            "/tools/0/tools/0",
        ),
        (b'{"model":"m","input":"a","tool_choice":"any"}', "/tool_choice"),
        (b'{"model":"m","input":"a","tool_choice":3}', "/tool_choice"),
        (b'{"model":"m","input":"a","tool_choice":{"type":"function"}}', "/tool_choice/name"),
        (b'{"model":"m","input":"a","tool_choice":{"type":"allowed_tools","mode":"x"}}', "/tool_choice/mode"),
        (b'{"model":"m","input":"a","reasoning":{"effort":"huge"}}', "/reasoning/effort"),
        (b'{"model":"m","input":"a","reasoning":{"summary":"long"}}', "/reasoning/summary"),
        (b'{"model":"m","input":"a","text":{"format":{"type":"xml"}}}', "/text/format/type"),
        (b'{"model":"m","input":"a","text":{"format":{"type":"json_schema"}}}', "/text/format/schema"),
        (b'{"model":"m","input":"a","max_output_tokens":"9"}', "/max_output_tokens"),
        (b'{"model":"m","input":"a","include":"x"}', "/include"),
        (b'{"model":"m","input":"a","metadata":{"a":1}}', "/metadata/-"),
        (b'{"model":"m","input":"a","previous_response_id":"r","conversation":"c"}', "/previous_response_id"),
    ],
)
def test_bad_input_is_refused_with_its_place(body: bytes, pointer: str | None) -> None:
    with pytest.raises(FaultError) as caught:
        decode_request(Incoming("/v1/responses", {}, body))

    fault = caught.value.fault
    assert (fault.kind, fault.http_status, fault.param) == ("invalid_request", 400, pointer)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","input":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"model":"m","input":[{"role":"user","content":' + b"[" * 10_000 + b"]" * 10_000 + b"}]}",
        b'{"model":"m","input":"a","tools":['
        + b'{"type":"namespace","name":"n","tools":[' * 5_000
        + b"]}" * 5_000
        + b"]}",
        b'{"model":"m","input":[{"type":"x","y":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}]}",
    ],
    ids=["items", "parts", "namespaces", "an unknown item"],
)
def test_deep_nesting_is_refused(body: bytes) -> None:
    with pytest.raises(FaultError) as caught:
        decode_request(Incoming("/v1/responses", {}, body))

    assert caught.value.fault.http_status == 400


@pytest.mark.parametrize(
    "item",
    [
        USER,
        CALL,
        {**USER, "x": 1},
        {"type": "web_search_call", "id": "ws"},
        {"role": "user", "content": [{"type": "x"}]},
    ],
    ids=["message", "call", "unknown member", "hosted tool", "unknown part"],
)
def test_decoding_is_linear(item: Any) -> None:
    def prepared(size: int) -> Any:
        incoming = Incoming("/v1/responses", {}, json.dumps({"model": "m", "input": [item] * size}).encode())
        return lambda: decode_request(incoming)

    is_linear(prepared)
