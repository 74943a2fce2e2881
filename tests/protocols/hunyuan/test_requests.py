"""Requests in Tencent's dialect: as the vendor's SDK sends them, and within its rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from twoapi import ir
from twoapi.ir.request import Output, ReasoningConfig, Sampling, Schema
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.hunyuan import Hunyuan
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.wire.http import Incoming

CODEC = Hunyuan()
SDK = Path(__file__).parents[2] / "captures" / "tencentcloud-sdk-python-hunyuan-3.1.180"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PDF = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}}


def sent(body: dict[str, Any], **capabilities: Any) -> tuple[dict[str, Any], list[ir.Loss]]:
    """What goes out for the request of a chat client, and what is lost."""
    incoming = Incoming("/v1/chat/completions", {}, json.dumps(body).encode())
    losses: list[ir.Loss] = []
    request = OpenAIChat().decode_request(incoming)
    encoded = CODEC.encode_request(request, request.model, Capabilities(**capabilities), losses)
    assert encoded.outgoing.path == "/"
    assert encoded.outgoing.headers == [(b"x-tc-action", b"ChatCompletions"), (b"x-tc-version", b"2023-09-01")]
    return json.loads(encoded.outgoing.body), losses


def asked(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"model": "hunyuan-turbos-latest", "messages": list(messages), **members}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def refused(body: dict[str, Any], **capabilities: Any) -> ir.Fault:
    with pytest.raises(ir.FaultError) as caught:
        sent(body, **capabilities)
    return caught.value.fault


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """Without what is the default, and with the schemas of tools by value."""
    normal = {name: value for name, value in body.items() if (name, value) != ("Stream", False)}
    for tool in normal.get("Tools", []):
        tool["Function"]["Parameters"] = json.loads(tool["Function"]["Parameters"])
    return normal


@pytest.mark.parametrize("case", ["chat", "chat_stream"])
def test_the_request_is_that_of_the_vendors_sdk(case: str) -> None:
    theirs = json.loads((SDK / f"{case}.json").read_text())["requests"][0]
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    said = {"role": "user", "content": [{"type": "text", "text": "hi"}, image]}
    ours, losses = sent(asked(said, stream=case == "chat_stream", tools=[TOOL], tool_choice="auto"))
    assert normal(ours) == normal(theirs["json"])
    assert losses == []
    headers = {name.lower(): value for name, value in theirs["headers"]}
    assert (headers["x-tc-action"], headers["x-tc-version"], theirs["path"]) == ("ChatCompletions", "2023-09-01", "/")


def test_the_shortest_request_is_that_of_the_vendors_sdk() -> None:
    theirs = json.loads((SDK / "error_is_http_200.json").read_text())["requests"][0]["json"]
    assert sent({"model": "m", "messages": [user("boom")]}) == (theirs, [])


def test_settings() -> None:
    body, losses = sent(
        asked(
            user("hi"),
            temperature=0.25,
            top_p=0.75,
            seed=7919,
            stop=["END"],
            max_completion_tokens=9,
            presence_penalty=0.5,
            user="u",
            metadata={"a": "b"},
        )
    )
    assert {name: body[name] for name in body.keys() - {"Model", "Messages"}} == {
        "Temperature": 0.25,
        "TopP": 0.75,
        "Seed": 7919,
        "Stop": ["END"],
    }
    assert {(loss.path, loss.kind) for loss in losses} == {
        (path, "dropped") for path in ("/max_completion_tokens", "/presence_penalty", "/user", "/metadata")
    }


@pytest.mark.parametrize(("seed", "expected"), [(0, 10000), (-1, 9999), (10001, 1), (123456789, 6789)])
def test_seeds_are_from_1_to_10000(seed: int, expected: int) -> None:
    body, losses = sent(asked(user("hi"), seed=seed))
    assert body["Seed"] == expected
    assert [(loss.path, loss.kind) for loss in losses] == [("/seed", "approximated")]


def test_a_conversation_with_calls() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}
    body, losses = sent(
        asked(
            {"role": "developer", "content": "Be brief."},
            user("hi"),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "18"},
            user("and?"),
            tools=[TOOL],
        )
    )
    function = {"Name": "get_weather", "Arguments": '{"city": "Rome"}'}
    assert body["Messages"] == [
        {"Role": "system", "Content": "Be brief."},
        {"Role": "user", "Content": "hi"},
        {"Role": "assistant", "Content": "", "ToolCalls": [{"Id": "c1", "Type": "function", "Function": function}]},
        {"Role": "tool", "Content": "18", "ToolCallId": "c1"},
        {"Role": "user", "Content": "and?"},
    ]
    assert {loss.kind for loss in losses} == {"info"}


def test_turns_of_one_speaker_are_one_and_instructions_stand_first() -> None:
    body, losses = sent(
        asked(
            user("a"), user("b"), {"role": "assistant", "content": "c"}, {"role": "system", "content": "s"}, user("d")
        )
    )
    assert body["Messages"] == [
        {"Role": "system", "Content": "s"},
        {"Role": "user", "Content": "a\n\nb"},
        {"Role": "assistant", "Content": "c"},
        {"Role": "user", "Content": "d"},
    ]
    assert ("/messages/3", "moved") in {(loss.path, loss.kind) for loss in losses}


def test_an_empty_message_is_left_out_and_an_empty_result_filled() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    body, losses = sent(
        asked(
            user("a"),
            user(" "),
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": ""},
            tools=[TOOL],
        )
    )
    assert [message["Content"] for message in body["Messages"]] == ["a", "", "(empty)"]
    assert body["Messages"][1]["ToolCalls"][0]["Function"]["Arguments"] == "{}"
    assert {("/messages/1", "info"), ("/messages/3", "synthesized")} <= {(loss.path, loss.kind) for loss in losses}


@pytest.mark.parametrize(
    ("choice", "expected", "kinds"),
    [
        ("none", ("none", None), set()),
        ("auto", ("auto", None), set()),
        ("required", ("auto", None), {"approximated"}),
        ({"type": "function", "function": {"name": "other"}}, ("custom", "other"), set()),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "other"}}]},
            },
            ("custom", "other"),
            {"emulated", "info"},
        ),
    ],
)
def test_choices(choice: Any, expected: tuple[str, str | None], kinds: set[str]) -> None:
    other = {"type": "function", "function": {"name": "other"}}
    body, losses = sent(asked(user("hi"), tools=[TOOL, other], tool_choice=choice))
    custom = body.get("CustomTool")
    assert (body["ToolChoice"], custom and custom["Function"]["Name"]) == expected
    assert {loss.kind for loss in losses} == kinds


def test_reasoning_is_a_switch() -> None:
    thinking = ("enabled", "disabled")
    body, losses = sent(asked(user("hi"), reasoning_effort="high"), thinking=thinking)
    assert body["EnableThinking"] is True
    assert [(loss.path, loss.kind) for loss in losses] == [("/reasoning_effort", "approximated")]
    assert sent(asked(user("hi"), reasoning_effort="none"), thinking=thinking)[0]["EnableThinking"] is False
    body, losses = sent(asked(user("hi"), reasoning_effort="high"), thinking=())
    assert "EnableThinking" not in body
    assert [(loss.path, loss.kind) for loss in losses] == [("/reasoning_effort", "dropped")]


def test_the_vendors_web_search() -> None:
    search = {"type": "web_search", "web_search": {"enable": True}}
    body, losses = sent(asked(user("hi"), tools=[search, TOOL]), web_search=True)
    assert body["EnableEnhancement"] is body["SearchInfo"] is True
    assert [tool["Function"]["Name"] for tool in body["Tools"]] == ["get_weather"]
    assert losses[0] == ir.Loss("/tools/0", "emulated", "hunyuan", "web search of the upstream's own kind")
    body, losses = sent(asked(user("hi"), tools=[search]))
    assert body.keys() == {"Model", "Messages"}
    assert [(loss.path, loss.kind) for loss in losses] == [("/tools/0", "unsupported")]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (asked(user("a"), {"role": "assistant", "content": "b"}), "/messages/1"),
        (asked({"role": "assistant", "content": "b"}, user("a")), "/messages/0"),
        (asked({"role": "system", "content": "b"}), "/messages"),
        (asked(user("a"), n=2), "/n"),
        (asked({"role": "user", "content": [PDF]}), "/messages/0/content/0"),
        (asked({"role": "tool", "tool_call_id": "x", "content": "b"}), "/messages/0"),
    ],
)
def test_what_cannot_be_sent_is_refused(body: dict[str, Any], place: str) -> None:
    fault = refused(body)
    assert (fault.kind, fault.param) == ("invalid_request", place)


def test_images_only_where_the_model_takes_them() -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
    assert sent(asked(image))[0]["Messages"][0]["Contents"] == [
        {"Type": "image_url", "ImageUrl": {"Url": "https://x/y.png"}}
    ]
    assert refused(asked(image), images=False).param == "/messages/0/content/0"


def test_a_form_of_the_answer_is_reported() -> None:
    request = ir.Request(
        protocol="openai-chat",
        model="m",
        messages=[ir.Message("user", [ir.Text(text="hi")])],
        output=Output(format="json_schema", schema=Schema(raw=Raw(b"{}")), name="n"),
        reasoning=ReasoningConfig(show="full"),
        sampling=Sampling(logprobs=True),
    )
    losses: list[ir.Loss] = []
    CODEC.encode_request(request, "m", Capabilities(), losses)
    assert {(loss.path, loss.kind) for loss in losses} == {
        ("/output.schema", "unsupported"),
        ("/output.schema", "dropped"),
        ("/output.name", "dropped"),
        ("/reasoning.show", "info"),
        ("/logprobs", "dropped"),
    }
