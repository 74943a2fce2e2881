"""Requests to DashScope: the vendor's own SDK asks the same, and what has no place there is reported."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from twoapi.ir import FaultError, Loss
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dashscope import DashScope
from twoapi.protocols.registry import CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.laws.subject import decoded
from twoapi.wire.http import Outgoing

CODEC = DashScope()
CAPTURES = Path(__file__).parents[2] / "captures" / "dashscope-2.0.2"
CATALOG = load_catalog()["dashscope"]
TEXT = "/services/aigc/text-generation/generation"
MEDIA = "/services/aigc/multimodal-generation/generation"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": CITY}}
HI = [{"role": "user", "content": "hi"}]


def able(model: str = "qwen-plus", **other: Any) -> Capabilities:
    return msgspec.structs.replace(capabilities_for(CATALOG, "dashscope", model), **other)


def asked(
    body: dict[str, Any], client: str = "openai-chat", model: str = "qwen-plus", **other: Any
) -> tuple[Outgoing, dict[str, Any], list[Loss]]:
    """The request for a client's, its body read, and what was lost."""
    losses: list[Loss] = []
    named = {} if client == "gemini" else {"model": "m"}
    request = decoded(CODECS[client], json.dumps({**named, **body}).encode())
    outgoing = CODEC.encode_request(request, model, able(model, **other), losses).outgoing
    return outgoing, json.loads(outgoing.body), losses


def parameters(body: dict[str, Any], **other: Any) -> dict[str, Any]:
    found: dict[str, Any] = asked({"messages": HI, **body}, **other)[1]["parameters"]
    return found


def lost(losses: list[Loss]) -> set[tuple[str, str]]:
    return {(loss.path, loss.kind) for loss in losses if loss.kind != "info"}


# --- The vendor's SDK ---

INTENTS: dict[str, dict[str, Any]] = {
    "text_generation": {
        "messages": HI,
        "temperature": 0.5,
        "top_p": 0.8,
        "top_k": 20,
        "max_tokens": 64,
        "seed": 1,
        "stop": ["END"],
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        # Members of the vendor's own, as clients of its compatible endpoint write them.
        "repetition_penalty": 1.05,
        "enable_search": True,
        "enable_thinking": True,
        "thinking_budget": 100,
        "search_options": {"forced_search": True},
    },
    "text_generation_stream": {"messages": HI, "stream": True},
    "text_generation_stream_error": {"messages": [{"role": "user", "content": "boom"}], "stream": True},
    "multimodal_generation": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "text", "text": "what?"},
                ],
            }
        ]
    },
}


@pytest.mark.parametrize("case", INTENTS)
def test_the_vendors_sdk_asks_the_same(case: str) -> None:
    sent = json.loads((CAPTURES / f"{case}.json").read_text())["requests"][0]
    outgoing, body, losses = asked(INTENTS[case], model=sent["json"]["model"])
    assert "/api/v1" + outgoing.path == sent["path"]
    # A format of the answer is always named here, which the SDK leaves to its caller.
    assert body == {**sent["json"], "parameters": {"result_format": "message", **sent["json"]["parameters"]}}
    said = {name.lower(): value for name, value in sent["headers"]}
    ours = {name.decode(): value.decode() for name, value in outgoing.headers}
    assert ours.get("x-dashscope-sse") == said.get("x-dashscope-sse")
    assert ours.get("accept", said["accept"]) == said["accept"]
    assert losses == []


# --- Where it goes, and as what ---


def test_a_model_of_the_endpoint_for_media_gets_lists() -> None:
    history = [
        {"role": "system", "content": "be brief"},
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call("c1")]},
        {"role": "tool", "tool_call_id": "c1", "content": "18"},
    ]
    outgoing, body, _ = asked({"messages": history, "tools": [WEATHER]}, model="qwen3-vl-plus")
    assert outgoing.path == MEDIA
    assert [message["content"] for message in body["input"]["messages"]] == [
        [{"text": "be brief"}],
        [{"text": "hi"}],
        [],
        [{"text": "18"}],
    ]


def call(call_id: str, name: str = "get_weather") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": '{"city":"Rome"}'}}


def test_a_text_model_gets_texts_at_the_endpoint_for_text() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    outgoing, body, losses = asked({"messages": [{"role": "user", "content": parts}]})
    assert outgoing.path == TEXT
    assert body["input"]["messages"] == [{"role": "user", "content": "one\n\ntwo"}]
    assert lost(losses) == {("/messages/0", "approximated")}


def test_a_model_that_only_streams_is_asked_for_a_stream() -> None:
    outgoing, body, _ = asked({"messages": HI}, model="qwq-plus")
    assert dict(outgoing.headers)[b"x-dashscope-sse"] == b"enable"
    assert body["parameters"]["incremental_output"] is True
    assert b"x-dashscope-sse" not in dict(asked({"messages": HI})[0].headers)


def test_files_that_were_uploaded_to_the_vendor_are_resolved() -> None:
    image = {"type": "image_url", "image_url": {"url": "oss://dashscope-instant/a.png"}}
    outgoing, _, _ = asked({"messages": [{"role": "user", "content": [image]}]})
    assert dict(outgoing.headers)[b"x-dashscope-ossresourceresolve"] == b"enable"


def test_an_image_keeps_its_type_and_loses_its_detail() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA", "detail": "high"}}
    _, body, losses = asked({"messages": [{"role": "user", "content": [image]}]})
    assert body["input"]["messages"][0]["content"] == [{"image": "data:image/webp;base64,AAAA"}]
    assert lost(losses) == {("/messages/0/content/0", "dropped")}


def test_sounds_and_films_go_to_the_endpoint_for_media() -> None:
    parts = [
        {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}},
        {"inlineData": {"mimeType": "video/mp4", "data": "BBBB"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://a.example/a.mp4"}},
        {"text": "what is it?"},
    ]
    outgoing, body, losses = asked({"contents": [{"role": "user", "parts": parts}]}, "gemini", model="qwen3-omni-flash")
    assert outgoing.path == MEDIA
    assert body["input"]["messages"][0]["content"] == [
        {"audio": "data:audio/mpeg;base64,AAAA"},
        {"video": "data:video/mp4;base64,BBBB"},
        {"video": "https://a.example/a.mp4"},
        {"text": "what is it?"},
    ]
    assert losses == []
    with pytest.raises(FaultError, match="no audio"):
        asked({"contents": [{"role": "user", "parts": parts}]}, "gemini", audio=False)
    with pytest.raises(FaultError, match="no films"):
        asked({"contents": [{"role": "user", "parts": parts}]}, "gemini", video=False)


def test_instructions_stand_at_the_beginning() -> None:
    history = [{"role": "system", "content": "one"}, *HI, {"role": "developer", "content": "two"}, *HI]
    _, body, losses = asked({"messages": history})
    assert [message["role"] for message in body["input"]["messages"]] == ["system", "user", "user"]
    assert body["input"]["messages"][0]["content"] == "one\n\ntwo"
    assert lost(losses) == {("/messages/2", "moved")}
    _, body, losses = asked({"messages": history}, system_in_place=True)
    assert [message["role"] for message in body["input"]["messages"]] == ["system", "user", "system", "user"]
    assert lost(losses) == set()


def test_past_reasoning_goes_back_only_where_it_is_wanted() -> None:
    history = [*HI, {"role": "assistant", "content": "ho", "reasoning_content": "I think"}, *HI]
    _, body, losses = asked({"messages": history})
    assert body["input"]["messages"][1] == {"role": "assistant", "content": "ho"}
    assert lost(losses) == {("/messages/1/reasoning_content", "dropped")}
    _, body, losses = asked({"messages": history}, reasoning_field="reasoning_content")
    assert body["input"]["messages"][1] == {"role": "assistant", "content": "ho", "reasoning_content": "I think"}
    assert losses == []


# --- Parameters ---


@pytest.mark.parametrize(
    ("member", "value", "sent", "kind"),
    [
        ("temperature", 2, ("temperature", 1.99), "clamped"),
        ("top_p", 0, ("top_p", 0.01), "clamped"),
        ("n", 6, ("n", 4), "clamped"),
        ("frequency_penalty", 0.5, None, "dropped"),
        ("logit_bias", {"1": 2}, None, "dropped"),
        ("reasoning_effort", "low", ("thinking_budget", 2048), "approximated"),
        ("verbosity", "low", None, "dropped"),
        ("user", "ann", None, "dropped"),
        ("metadata", {"a": "b"}, None, "dropped"),
        ("strange", 1, None, "dropped"),
    ],
)
def test_a_value_out_of_range_is_reported(
    member: str, value: object, sent: tuple[str, object] | None, kind: str
) -> None:
    _, body, losses = asked({"messages": HI, member: value})
    if sent is not None:
        assert body["parameters"][sent[0]] == sent[1]
    else:
        assert member not in body["parameters"]
    assert lost(losses) == {(f"/{member}", kind)}


def test_logprobs_are_at_most_five() -> None:
    _, body, losses = asked({"messages": HI, "logprobs": True, "top_logprobs": 20})
    assert (body["parameters"]["logprobs"], body["parameters"]["top_logprobs"]) == (True, 5)
    assert lost(losses) == {("/top_logprobs", "clamped")}


EFFORTS: dict[str, dict[str, Any]] = {
    "none": {"enable_thinking": False},
    "minimal": {"enable_thinking": True, "thinking_budget": 1024},
    "high": {"enable_thinking": True, "thinking_budget": 16384},
    "xhigh": {"enable_thinking": True, "thinking_budget": 32768},
    "max": {"enable_thinking": True},
}


@pytest.mark.parametrize("effort", EFFORTS)
def test_an_effort_is_a_budget(effort: str) -> None:
    found = parameters({"reasoning_effort": effort})
    assert {name: value for name, value in found.items() if "thinking" in name} == EFFORTS[effort]


THINKING: list[tuple[dict[str, Any], str, dict[str, Any], set[tuple[str, str]]]] = [
    (
        {"type": "enabled", "budget_tokens": 5000},
        "qwen-plus",
        {"enable_thinking": True, "thinking_budget": 5000},
        set(),
    ),
    ({"type": "disabled"}, "qwen-plus", {"enable_thinking": False}, set()),
    ({"type": "adaptive"}, "qwen-plus", {"enable_thinking": True}, set()),
    ({"type": "disabled"}, "qwq-plus", {}, {("/thinking/type", "unsupported")}),
    ({"type": "enabled", "budget_tokens": 5000}, "qwq-plus", {"thinking_budget": 5000}, set()),
    (
        {"type": "enabled", "budget_tokens": 5000},
        "qwen-long",
        {},
        {("/thinking/budget_tokens", "unsupported"), ("/thinking/type", "unsupported")},
    ),
    (
        {"type": "enabled", "budget_tokens": 90000},
        "qwen-plus",
        {"enable_thinking": True, "thinking_budget": 32768},
        {("/thinking/budget_tokens", "clamped")},
    ),
]


@pytest.mark.parametrize(("thinking", "model", "expected", "losses"), THINKING)
def test_thinking_is_a_switch_and_a_budget(
    thinking: dict[str, Any], model: str, expected: dict[str, Any], losses: set[tuple[str, str]]
) -> None:
    _, body, found = asked(
        {"messages": HI, "max_tokens": 100_000, "thinking": thinking}, "anthropic-messages", model=model
    )
    assert {name: value for name, value in body["parameters"].items() if "thinking" in name} == expected
    assert lost(found) == losses


OTHER = {"type": "function", "function": {"name": "other"}}
CHOICES: dict[str, tuple[Any, list[Any], Any, set[tuple[str, str]]]] = {
    "auto": ("auto", [WEATHER, OTHER], "auto", set()),
    "none": ("none", [WEATHER, OTHER], "none", set()),
    "one is named": (
        {"type": "function", "function": {"name": "other"}},
        [WEATHER, OTHER],
        {"type": "function", "function": {"name": "other"}},
        set(),
    ),
    "some call": ("required", [WEATHER, OTHER], "auto", {("/tool_choice", "approximated")}),
    "the only call": ("required", [WEATHER], {"type": "function", "function": {"name": "get_weather"}}, set()),
}


@pytest.mark.parametrize("case", CHOICES)
def test_a_choice_of_tools(case: str) -> None:
    choice, tools, expected, losses = CHOICES[case]
    _, body, found = asked({"messages": HI, "tools": tools, "tool_choice": choice})
    assert body["parameters"]["tool_choice"] == expected
    assert [tool["function"]["name"] for tool in body["parameters"]["tools"]] == [
        tool["function"]["name"] for tool in tools
    ]
    assert lost(found) == losses


def test_of_an_allowed_subset_the_others_are_not_declared() -> None:
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [OTHER]}}
    _, body, losses = asked({"messages": HI, "tools": [WEATHER, OTHER], "tool_choice": allowed})
    assert [tool["function"]["name"] for tool in body["parameters"]["tools"]] == ["other"]
    assert body["parameters"]["tool_choice"] == {"type": "function", "function": {"name": "other"}}
    assert lost(losses) == {("/tool_choice", "emulated")}


def searches() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    search = {"type": "web_search_20250305", "name": "web_search"}
    look = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
    yield {"tools": [search]}, {"enable_source": True}
    yield {"tools": [search, look]}, {"enable_source": True}
    yield (
        {"tools": [search, look], "tool_choice": {"type": "tool", "name": "web_search"}},
        {"enable_source": True, "forced_search": True},
    )


@pytest.mark.parametrize(("members", "options"), list(searches()))
def test_a_web_search_is_the_vendors_own(members: dict[str, Any], options: dict[str, Any]) -> None:
    _, body, losses = asked({"messages": HI, "max_tokens": 9, **members}, "anthropic-messages")
    assert body["parameters"]["enable_search"] is True
    assert body["parameters"]["search_options"] == options
    names = [tool["function"]["name"] for tool in body["parameters"].get("tools", [])]
    assert names == ["look"][: len(members["tools"]) - 1]
    assert "tool_choice" not in body["parameters"]
    assert lost(losses) == {("/tools/0", "emulated")}


def test_limits_of_a_web_search_are_reported() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    _, _, losses = asked({"messages": HI, "max_tokens": 9, "tools": [search]}, "anthropic-messages")
    assert lost(losses) == {("/tools/0", "emulated"), ("/tools/0/max_uses", "dropped")}


SCHEMA = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": CITY}}


def test_a_schema_of_the_answer_is_told_in_an_instruction() -> None:
    _, body, losses = asked({"messages": HI, "response_format": SCHEMA})
    assert body["parameters"]["response_format"] == {"type": "json_object"}
    system, user = body["input"]["messages"]
    assert system["role"] == "system"
    assert json.loads(system["content"].partition("\n")[2]) == CITY
    assert user == HI[0]
    where = "/response_format/json_schema"
    assert lost(losses) == {
        (f"{where}/schema", "emulated"),
        (f"{where}/name", "dropped"),
        (f"{where}/strict", "dropped"),
    }


def test_the_instruction_stands_behind_those_of_the_client() -> None:
    _, body, _ = asked({"messages": [{"role": "system", "content": "be brief"}, *HI], "response_format": SCHEMA})
    system, _ = body["input"]["messages"]
    assert system["content"].startswith("be brief\n\nAnswer with one JSON object")


def test_a_model_that_takes_schemas_gets_it() -> None:
    formats = ("text", "json_object", "json_schema")
    _, body, losses = asked({"messages": HI, "response_format": SCHEMA}, formats=formats)
    assert body["parameters"]["response_format"] == SCHEMA
    assert body["input"]["messages"] == HI
    assert losses == []


# --- The catalogue ---


@pytest.mark.parametrize("region", ["dashscope-intl", "dashscope-us", "dashscope-workspace"])
@pytest.mark.parametrize("model", ["qwen-plus", "qwen3-vl-plus", "qwq-plus", "qwen3-32b", "qwen-long", "qwen3.7-plus"])
def test_every_region_serves_a_model_in_the_same_way(region: str, model: str) -> None:
    other = load_catalog()[region]
    for protocol in ("dashscope", "openai-chat"):
        assert capabilities_for(other, protocol, model) == capabilities_for(CATALOG, protocol, model)
    assert other.errors == CATALOG.errors
    assert not {one.name for one in other.env} & {one.name for one in CATALOG.env}, "a key holds for one region"


def test_where_models_are_served_and_how() -> None:
    found = {model: able(model) for model in ("qwen-plus", "qwen-vl-max", "qwen3.7-plus", "qwq-plus", "qwen3-8b")}
    assert {model: one.multimodal for model, one in found.items()} == {
        "qwen-plus": False,
        "qwen-vl-max": True,
        "qwen3.7-plus": True,
        "qwq-plus": False,
        "qwen3-8b": False,
    }
    assert {model for model, one in found.items() if one.stream_only} == {"qwq-plus", "qwen3-8b"}


# --- Refusals ---


@pytest.mark.parametrize(
    ("body", "client", "param"),
    [
        ({"input": "hi", "previous_response_id": "resp_1"}, "openai-responses", "/previous_response_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
            "openai-chat",
            "/messages/0/content/0",
        ),
        (
            {"messages": [*HI, {"role": "assistant", "content": None, "tool_calls": [call("c1")]}, *HI]},
            "openai-chat",
            "/messages/1/tool_calls/0",
        ),
        ({"messages": HI, "tools": [WEATHER, WEATHER]}, "openai-chat", "/tools/1"),
    ],
)
def test_what_cannot_be_carried_is_refused(body: dict[str, Any], client: str, param: str) -> None:
    with pytest.raises(FaultError) as caught:
        asked(body, client)
    assert caught.value.fault.kind == "invalid_request"
    assert caught.value.fault.param == param


def test_a_model_without_images_refuses_them() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(FaultError, match="no images"):
        asked({"messages": [{"role": "user", "content": [image]}]}, images=False)
