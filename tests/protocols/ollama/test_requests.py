"""Requests to Ollama: as the vendor's SDK sends them, and within its rules."""

import json
from pathlib import Path
from typing import Any

import ollama
import pytest

from twoapi import ir
from twoapi.conformance import Upstream
from twoapi.conformance.reply import Reply
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.ollama import Ollama
from twoapi.protocols.ollama.call_ids import made_id
from twoapi.protocols.registry import CODECS
from twoapi.testing.vendors.ollama import STAGED
from twoapi.wire.http import Incoming

CODEC = Ollama()
SDK = Path(__file__).parents[2] / "captures" / "ollama-0.6.3"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}}
NO_ID = made_id("2026-11-21T10:00:00Z", 0)
USER = {"role": "user", "content": "hi"}


def call(call_id: str, arguments: str = '{"city": "x"}') -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def history(call_id: str, arguments: str = '{"city": "x"}') -> list[dict[str, Any]]:
    return [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call(call_id, arguments)]},
        {"role": "tool", "tool_call_id": call_id, "content": "1"},
    ]


def sent(
    body: dict[str, Any], *, client: str = "openai-chat", **capabilities: Any
) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """What goes out for the request of a client, and what is lost: place and kind, with the reason."""
    incoming = Incoming("/v1/chat/completions", {}, json.dumps({"model": "qwen3", **body}).encode())
    losses: list[ir.Loss] = []
    request = CODECS[client].decode_request(incoming)
    encoded = CODEC.encode_request(request, request.model, Capabilities(**capabilities), losses)
    assert (encoded.outgoing.path, encoded.outgoing.headers) == ("/api/chat", [])
    return json.loads(encoded.outgoing.body), {(loss.path, loss.kind): loss.detail for loss in losses}


def refused(body: dict[str, Any], **capabilities: Any) -> ir.Fault:
    with pytest.raises(ir.FaultError) as caught:
        sent(body, **capabilities)
    return caught.value.fault


def captured(case: str) -> dict[str, Any]:
    (request,) = json.loads((SDK / f"{case}.json").read_text())["requests"]
    assert request["path"] == "/api/chat"
    body: dict[str, Any] = request["json"]
    return body


# --- The vendor's SDK ---


def test_the_request_is_that_of_the_vendors_sdk() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    ours, losses = sent(
        {
            "messages": [
                {"role": "user", "content": [image, {"type": "text", "text": "hi"}]},
                *history(NO_ID)[1:],
            ],
            "tools": [TOOL],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": WEATHER}},
            "reasoning_effort": "high",
            "temperature": 0.5,
            "max_tokens": 64,
            "stop": ["END"],
            "seed": 1,
            "top_k": 40,
            "top_p": 0.9,
        },
        context_size=8192,
        keep_alive="5m",
        thinking_levels=(),
        silent_truncation=True,
    )
    assert ours == captured("chat")
    assert set(losses) == {
        ("/reasoning_effort", "approximated"),
        ("/response_format/json_schema/name", "info"),
    }


def test_the_streamed_request_is_that_of_the_vendors_sdk() -> None:
    theirs = captured("chat_stream")
    assert theirs.pop("tools") == []
    assert sent({"messages": [USER], "stream": True}, silent_truncation=True) == (theirs, {})


def test_the_vendors_sdk_sends_the_same_to_its_server() -> None:
    ours, _ = sent(
        {"messages": history(NO_ID), "tools": [TOOL], "temperature": 0.5, "reasoning_effort": "low"},
        silent_truncation=True,
    )
    with Upstream(vendors={"ollama": STAGED.vendor}) as upstream:
        upstream.play(Reply(text="Ready.", reasoning="Hm."))
        with ollama.Client(host=upstream.base("ollama")) as client:
            function = {"name": "get_weather", "arguments": {"city": "x"}}
            asked: list[dict[str, Any]] = [
                USER,
                {"role": "assistant", "tool_calls": [{"function": function}]},
                {"role": "tool", "content": "1", "tool_name": "get_weather"},
            ]
            options = {"temperature": 0.5}
            answer = client.chat("qwen3", asked, tools=[TOOL], think="low", options=options)
        (arrival,) = upstream.arrivals
    assert (answer.message.content, answer.message.thinking) == ("Ready.", "Hm.")
    assert arrival.body == ours
    assert STAGED.vendor.refuses(arrival) == []


# --- Messages ---


def test_ids_that_the_server_gave_go_back_and_no_others() -> None:
    ours, losses = sent({"messages": history("call_p7o2gz50")})
    function = {"name": "get_weather", "arguments": {"city": "x"}}
    result = {"role": "tool", "content": "1", "tool_name": "get_weather"}
    assert ours["messages"][1]["tool_calls"] == [{"id": "call_p7o2gz50", "function": function}]
    assert ours["messages"][2] == {**result, "tool_call_id": "call_p7o2gz50"}
    assert losses == {}
    ours, losses = sent({"messages": history(NO_ID)})
    assert ours["messages"][1]["tool_calls"] == [{"function": function}]
    assert ours["messages"][2] == result
    assert losses == {}


def test_arguments_are_an_object() -> None:
    ours, _ = sent({"messages": history("c1", "")})
    assert ours["messages"][1]["tool_calls"][0]["function"]["arguments"] == {}
    for wrong in ('{"a":', "[1]", '"x"'):
        fault = refused({"messages": history("c1", wrong)})
        assert (fault.kind, fault.param) == ("invalid_request", "/messages/1/tool_calls/0")


def test_past_thinking_goes_back_as_such() -> None:
    ours, losses = sent({"messages": [USER, {"role": "assistant", "reasoning_content": "a", "content": "b"}, USER]})
    assert ours["messages"][1] == {"role": "assistant", "content": "b", "thinking": "a"}
    assert losses == {}


def test_a_turn_is_one_text_behind_its_images() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
    parts = [{"type": "text", "text": "one"}, image, {"type": "text", "text": "two"}]
    ours, losses = sent({"messages": [{"role": "user", "content": parts}]})
    assert ours["messages"] == [{"role": "user", "content": "one\n\ntwo", "images": ["AAAA"]}]
    assert set(losses) == {
        ("/messages/0", "approximated"),
        ("/messages/0/content/1", "reordered"),
        ("/messages/0/content/1", "dropped"),
    }


def test_images_are_in_the_request_itself() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://e.example/a.png"}}
    fault = refused({"messages": [{"role": "user", "content": [image]}]})
    assert (fault.kind, fault.param) == ("invalid_request", "/messages/0/content/0")
    inline = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert refused({"messages": [{"role": "user", "content": [inline]}]}, images=False).param == "/messages/0/content/0"


def test_instructions_are_the_systems() -> None:
    ours, losses = sent({"messages": [{"role": "developer", "content": "s"}, USER]})
    assert ours["messages"] == [{"role": "system", "content": "s"}, USER]
    assert list(losses) == [("/messages/0/role", "info")]


# --- Tools ---


@pytest.mark.parametrize(
    ("choice", "declared", "kind"),
    [
        ("auto", ["other", "get_weather"], None),
        ("none", None, "emulated"),
        ("required", ["other", "get_weather"], "approximated"),
        ({"type": "function", "function": {"name": "get_weather"}}, ["get_weather"], "approximated"),
    ],
)
def test_a_call_cannot_be_forced(choice: Any, declared: list[str] | None, kind: str | None) -> None:
    other = {"type": "function", "function": {"name": "other", "parameters": WEATHER}}
    ours, losses = sent({"messages": [USER], "tools": [other, TOOL], "tool_choice": choice})
    names = [tool["function"]["name"] for tool in ours["tools"]] if "tools" in ours else None
    assert (names, "tool_choice" in ours) == (declared, False)
    assert dict.fromkeys([("/tool_choice", kind)] if kind else []).keys() <= losses.keys()
    assert len(losses) == (kind is not None) + isinstance(choice, dict)


def test_tools_are_not_strict() -> None:
    strict = {"type": "function", "function": {"name": "f", "parameters": WEATHER, "strict": True}}
    ours, losses = sent({"messages": [USER], "tools": [strict], "parallel_tool_calls": False})
    assert ours["tools"] == [{"type": "function", "function": {"name": "f", "parameters": WEATHER}}]
    assert set(losses) == {("/tools/0", "unsupported"), ("/parallel_tool_calls", "unsupported")}


# --- Settings ---


def test_settings_are_options() -> None:
    ours, losses = sent(
        {
            "messages": [USER],
            "temperature": 0.25,
            "top_p": 0.75,
            "top_k": 37,
            "seed": 7919,
            "stop": "END",
            "presence_penalty": 0.5,
            "frequency_penalty": -0.5,
            "max_completion_tokens": 99,
            "logprobs": True,
            "top_logprobs": 2,
            "logit_bias": {"1": 2},
            "response_format": {"type": "json_object"},
        },
        max_output=50,
    )
    assert ours["options"] == {
        "temperature": 0.25,
        "top_p": 0.75,
        "top_k": 37,
        "seed": 7919,
        "stop": ["END"],
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "num_predict": 50,
    }
    assert (ours["logprobs"], ours["top_logprobs"], ours["format"]) == (True, 2, "json")
    assert set(losses) == {("/max_completion_tokens", "clamped"), ("/logit_bias", "dropped")}


def test_the_server_must_not_cut_a_prompt_without_a_word() -> None:
    ours, losses = sent({"messages": [USER]})
    assert ours == {"model": "qwen3", "stream": False, "messages": [USER], "truncate": False}
    assert losses == {}


def test_how_long_a_model_stays_and_how_much_it_holds_is_the_operators_word() -> None:
    ours, losses = sent(
        {"messages": [USER], "keep_alive": "9m", "options": {"num_ctx": 9}}, keep_alive="-1", context_size=65536
    )
    assert (ours["keep_alive"], ours["options"]) == (-1, {"num_ctx": 65536})
    assert set(losses) == {("/keep_alive", "dropped"), ("/options", "dropped")}


LEVELS = {"thinking_levels": ("low", "medium", "high")}


@pytest.mark.parametrize(
    ("effort", "capabilities", "think", "kind"),
    [
        ("none", {}, False, None),
        ("low", {}, "low", None),
        ("minimal", {}, "low", "approximated"),
        ("max", {}, "high", "approximated"),
        ("high", {"thinking_levels": ()}, True, "approximated"),
        ("high", {"thinking_levels": ("low",)}, "low", "approximated"),
        ("none", {"thinking": ("enabled",)}, None, "unsupported"),
        ("low", {"thinking": ()}, None, "unsupported"),
        ("none", {"thinking": ()}, None, None),
    ],
)
def test_efforts(effort: str, capabilities: dict[str, Any], think: bool | str | None, kind: str | None) -> None:  # noqa: FBT001
    ours, losses = sent({"messages": [USER], "reasoning_effort": effort}, **{**LEVELS, **capabilities})
    assert ours.get("think") == think
    assert list(losses) == ([("/reasoning_effort", kind)] if kind else [])


@pytest.mark.parametrize(
    ("thinking", "think", "lost"),
    [
        ({"type": "disabled"}, False, []),
        ({"type": "adaptive"}, True, []),
        ({"type": "enabled", "budget_tokens": 2048}, "low", [("/thinking/budget_tokens", "approximated")]),
        ({"type": "enabled", "budget_tokens": 9000}, "high", [("/thinking/budget_tokens", "approximated")]),
    ],
)
def test_ways_to_think(thinking: dict[str, Any], think: bool | str, lost: list[tuple[str, str]]) -> None:  # noqa: FBT001
    ours, losses = sent(
        {"max_tokens": 9, "messages": [USER], "thinking": thinking}, client="anthropic-messages", **LEVELS
    )
    assert (ours["think"], list(losses)) == (think, lost)
