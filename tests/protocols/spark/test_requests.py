"""Requests to Spark over HTTP and over a websocket, within the vendor's rules for each model."""

import json
from typing import Any

import pytest

from twoapi import ir
from twoapi.protocols.anthropic_messages import AnthropicMessages
from twoapi.protocols.base import UpstreamCodec
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.spark import Spark, SparkSocket
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.wire.http import Incoming

HTTP, SOCKET = Spark(), SparkSocket()
both = pytest.mark.parametrize("codec", [HTTP, SOCKET], ids=["http", "socket"])
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "d", "parameters": WEATHER}
TOOL = {"type": "function", "function": FUNCTION}
OTHER = {"type": "function", "function": {"name": "other"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
HISTORY = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "18"},
]


def facts(codec: UpstreamCodec, model: str) -> Capabilities:
    return capabilities_for(load_catalog()[codec.name], codec.name, model)


def sent(codec: UpstreamCodec, model: str, **members: Any) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What goes out for the request of a chat client, and what is lost."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **members}
    request = OpenAIChat().decode_request(Incoming("/v1/chat/completions", {}, json.dumps(body).encode()))
    losses: list[ir.Loss] = []
    encoded = codec.encode_request(request, model, facts(codec, model), losses)
    assert encoded.outgoing.headers == []
    return json.loads(encoded.outgoing.body), [(loss.path, loss.kind) for loss in losses]


def texts(codec: UpstreamCodec, body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["messages"] if codec is HTTP else body["payload"]["message"]["text"]
    return found


def test_a_request_over_http() -> None:
    body, losses = sent(
        HTTP,
        "4.0Ultra",
        stream=True,
        temperature=0.25,
        top_p=0.75,
        presence_penalty=0.5,
        frequency_penalty=0.625,
        max_completion_tokens=99,
        user="u",
        tools=[TOOL],
        response_format={"type": "json_object"},
    )
    assert body == {
        "model": "4.0Ultra",
        "messages": [{"role": "user", "content": "hi"}],
        "user": "u",
        "stream": True,
        "temperature": 0.25,
        "top_p": 0.75,
        "max_tokens": 99,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.625,
        "tools": [TOOL],
        "tool_calls_switch": True,
        "response_format": {"type": "json_object"},
    }
    assert losses == []


def test_a_frame() -> None:
    body, losses = sent(
        SOCKET, "4.0Ultra", stream=True, temperature=0.25, max_completion_tokens=99, user="u", tools=[TOOL]
    )
    assert body == {
        "header": {"uid": "u"},
        "parameter": {"chat": {"domain": "4.0Ultra", "temperature": 0.25, "max_tokens": 99}},
        "payload": {"message": {"text": [{"role": "user", "content": "hi"}]}, "functions": {"text": [FUNCTION]}},
    }
    assert losses == []


def test_what_a_frame_has_no_place_for_is_reported() -> None:
    body, losses = sent(
        SOCKET,
        "4.0Ultra",
        top_p=0.5,
        presence_penalty=0.5,
        user="u" * 33,
        response_format={"type": "json_object"},
    )
    assert body["header"] == {}
    assert body["parameter"] == {"chat": {"domain": "4.0Ultra"}}
    assert set(losses) == {
        ("/top_p", "dropped"),
        ("/presence_penalty", "dropped"),
        ("/user", "dropped"),
        ("/response_format", "unsupported"),
    }


@both
@pytest.mark.parametrize(
    ("model", "asked", "told"),
    [("4.0Ultra", 0, 0.01), ("4.0Ultra", 1, 1.0), ("4.0Ultra", 1.5, 1.0), ("spark-x", 1.5, 1.5), ("spark-x", 0, 0.01)],
)
def test_temperatures_are_above_0(codec: UpstreamCodec, model: str, asked: float, told: float) -> None:
    body, losses = sent(codec, model, temperature=asked)
    settings = body if codec is HTTP else body["parameter"]["chat"]
    assert settings["temperature"] == told
    assert losses == ([] if asked == told else [("/temperature", "clamped")])


def test_other_settings_are_clamped_too() -> None:
    body, losses = sent(
        HTTP, "4.0Ultra", top_p=0, presence_penalty=-1, frequency_penalty=2, max_completion_tokens=100_000
    )
    assert (body["top_p"], body["presence_penalty"], body["frequency_penalty"]) == (0.01, 0.0, 1.0)
    assert body["max_tokens"] == 32768
    assert {kind for _, kind in losses} == {"clamped"}
    request = ir.Request(
        protocol="gemini",
        model="m",
        messages=[ir.Message("user", [ir.Text(text="hi")])],
        sampling=ir.Sampling(top_k=37),
        stream=False,
    )
    found: list[ir.Loss] = []
    assert json.loads(HTTP.encode_request(request, "m", Capabilities(), found).outgoing.body)["top_k"] == 6
    assert [(loss.path, loss.kind) for loss in found] == [("/top_k", "clamped")]


@both
def test_instructions_have_a_role_where_the_model_knows_it(codec: UpstreamCodec) -> None:
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    body, losses = sent(codec, "generalv3.5", messages=said)
    assert texts(codec, body) == said
    assert losses == []
    for model in ("lite", "generalv3", "spark-x"):
        body, losses = sent(codec, model, messages=said)
        assert texts(codec, body) == [{"role": "user", "content": "Be brief.\n\nhi"}]
        assert ("/messages/0", "emulated") in losses


@both
def test_past_calls_and_results(codec: UpstreamCodec) -> None:
    body, losses = sent(codec, "4.0Ultra", messages=HISTORY, tools=[TOOL])
    assert texts(codec, body) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        {"role": "tool", "content": "18", "tool_call_id": "c1"},
    ]
    assert losses == []


@both
def test_a_model_without_functions_reads_them_as_text(codec: UpstreamCodec) -> None:
    body, losses = sent(codec, "lite", messages=HISTORY, tools=[TOOL], tool_choice="auto")
    assert texts(codec, body) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": 'I look.[tool call get_weather] {"city":"Rome"}\n\n'},
        {"role": "user", "content": "[tool result get_weather]\n\n18"},
    ]
    assert "get_weather" not in json.dumps(
        {**body, "messages": 0, "payload": {**body.get("payload", {}), "message": 0}}
    )
    assert {("/tools/0", "unsupported"), ("/tool_choice", "dropped"), ("/messages/2", "emulated")} <= set(losses)


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "other"}}, {"type": "function", "name": "other"}),
    ],
)
def test_choices_of_a_model_that_reasons(choice: Any, told: Any) -> None:
    body, losses = sent(HTTP, "spark-x", tools=[TOOL, OTHER], tool_choice=choice)
    assert body["tool_choice"] == told
    assert len(body["tools"]) == 2
    assert losses == []


@both
@pytest.mark.parametrize(
    ("choice", "declared", "kinds"),
    [
        ("none", [], {"emulated"}),
        ("auto", ["get_weather", "other"], set()),
        ("required", ["get_weather", "other"], {"approximated"}),
        ({"type": "function", "function": {"name": "other"}}, ["other"], {"approximated", "info"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [OTHER]}},
            ["other"],
            {"emulated", "info"},
        ),
    ],
)
def test_choices_of_one_that_takes_none(
    codec: UpstreamCodec, choice: Any, declared: list[str], kinds: set[str]
) -> None:
    body, losses = sent(codec, "4.0Ultra", tools=[TOOL, OTHER], tool_choice=choice)
    tools = body.get("tools", []) if codec is HTTP else body["payload"].get("functions", {}).get("text", [])
    assert [(tool["function"] if codec is HTTP else tool)["name"] for tool in tools] == declared
    assert "tool_choice" not in body
    assert {kind for _, kind in losses} == kinds


@both
@pytest.mark.parametrize(("effort", "told"), [("high", "enabled"), ("none", "disabled")])
def test_reasoning_is_a_switch(codec: UpstreamCodec, effort: str, told: str) -> None:
    body, losses = sent(codec, "spark-x", reasoning_effort=effort)
    assert (body if codec is HTTP else body["parameter"]["chat"])["thinking"] == {"type": told}
    assert losses == ([("/reasoning_effort", "approximated")] if effort == "high" else [])
    body, losses = sent(codec, "4.0Ultra", reasoning_effort=effort)
    assert "thinking" not in json.dumps(body)
    assert losses == [("/reasoning_effort", "dropped" if effort == "high" else "info")]


def test_a_schema_of_the_answer_is_reported() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}
    body, losses = sent(HTTP, "4.0Ultra", response_format=form)
    assert body["response_format"] == {"type": "json_object"}
    assert ("/response_format/json_schema/schema", "approximated") in losses
    assert ("/response_format/json_schema/schema", "dropped") in losses


@both
def test_images_are_refused(codec: UpstreamCodec) -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
    with pytest.raises(ir.FaultError) as caught:
        sent(codec, "4.0Ultra", messages=[image])
    assert caught.value.fault.param == "/messages/0/content/0"


def test_the_vendors_web_search_is_not_beside_functions() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    messages = {"max_tokens": 9, "model": "4.0Ultra", "messages": [{"role": "user", "content": "hi"}]}
    function = {"name": "get_weather", "input_schema": WEATHER}

    def asked(*tools: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        body = json.dumps({**messages, "tools": tools}).encode()
        request = AnthropicMessages().decode_request(Incoming("/v1/messages", {}, body))
        losses: list[ir.Loss] = []
        encoded = HTTP.encode_request(request, "4.0Ultra", facts(HTTP, "4.0Ultra"), losses)
        return json.loads(encoded.outgoing.body), [(loss.path, loss.kind) for loss in losses]

    body, losses = asked(search)
    assert body["tools"] == [{"type": "web_search", "web_search": {"enable": True}}]
    assert losses == [("/tools/0", "emulated"), ("/tools/0/max_uses", "dropped")]
    body, losses = asked(function, search)
    assert [tool["type"] for tool in body["tools"]] == ["function"]
    assert ("/tools/1", "unsupported") in losses
