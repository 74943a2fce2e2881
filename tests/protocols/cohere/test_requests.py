"""Requests to Cohere: as the vendor's SDK sends them, and within its rules."""

import json
from pathlib import Path
from typing import Any

import cohere
import pytest

from twoapi import ir
from twoapi.conformance import Upstream
from twoapi.conformance.reply import Reply
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.cohere import Cohere
from twoapi.protocols.registry import CODECS
from twoapi.testing.vendors.cohere import STAGED
from twoapi.wire.http import Incoming

CODEC = Cohere()
SDK = Path(__file__).parents[2] / "captures" / "cohere-7.3.1"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "d", "parameters": WEATHER, "strict": True}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "t1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
USER = {"role": "user", "content": "hi"}


def sent(
    body: dict[str, Any], *, client: str = "openai-chat", **capabilities: Any
) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """What goes out for the request of a client, and what is lost: place and kind, with the reason."""
    incoming = Incoming("/v1/chat/completions", {}, json.dumps({"model": "command-a-03-2025", **body}).encode())
    losses: list[ir.Loss] = []
    request = CODECS[client].decode_request(incoming)
    encoded = CODEC.encode_request(request, request.model, Capabilities(**capabilities), losses)
    assert (encoded.outgoing.path, encoded.outgoing.headers) == ("/v2/chat", [])
    return json.loads(encoded.outgoing.body), {(loss.path, loss.kind): loss.detail for loss in losses}


def refused(body: dict[str, Any], *, client: str = "openai-chat", **capabilities: Any) -> ir.Fault:
    with pytest.raises(ir.FaultError) as caught:
        sent(body, client=client, **capabilities)
    return caught.value.fault


def captured(case: str) -> dict[str, Any]:
    (request,) = json.loads((SDK / f"{case}.json").read_text())["requests"]
    assert request["path"] == "/v2/chat"
    body: dict[str, Any] = request["json"]
    return body


# --- The vendor's SDK ---


def test_the_request_is_that_of_the_vendors_sdk() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    ours, losses = sent(
        {
            "messages": [
                {"role": "system", "content": "sys"},
                {"role": "user", "content": [{"type": "text", "text": "hi"}, image]},
                {"role": "assistant", "content": None, "reasoning_content": "p", "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "t1", "content": '{"t":1}'},
            ],
            "tools": [TOOL],
            "tool_choice": "required",
            "response_format": {"type": "text"},
            "max_tokens": 64,
            "stop": ["END"],
            "temperature": 0.3,
            "seed": 1,
            "top_k": 40,
            "top_p": 0.9,
        }
    )
    theirs = captured("chat")
    assert theirs.pop("safety_mode") == "OFF"  # which no client can ask for
    assert ours == theirs
    assert losses == {}


def test_the_streamed_request_is_that_of_the_vendors_sdk() -> None:
    asked = {"max_tokens": 9, "thinking": {"type": "enabled", "budget_tokens": 100}, "messages": [USER], "stream": True}
    ours, losses = sent(asked, client="anthropic-messages")
    assert ours == {**captured("chat_stream"), "max_tokens": 9}
    assert losses == {}


def test_the_vendors_sdk_sends_the_same_to_its_server() -> None:
    ours, _ = sent({"messages": [USER], "tools": [TOOL], "top_p": 0.5, "logprobs": True, "max_tokens": 5})
    with Upstream(vendors={"cohere": STAGED.vendor}) as upstream:
        upstream.play(Reply(text="Ready."))
        tool = {**TOOL, "function": {name: value for name, value in FUNCTION.items() if name != "strict"}}
        with cohere.ClientV2(api_key="k", base_url=upstream.base("cohere")) as client:
            answer: Any = client.chat(
                model="command-a-03-2025",
                messages=[cohere.UserChatMessageV2(content="hi")],
                tools=[cohere.ToolV2.model_validate(tool)],
                strict_tools=True,
                p=0.5,
                logprobs=True,
                max_tokens=5,
            )
        (arrival,) = upstream.arrivals
    assert answer.message.content[0].text == "Ready."
    assert arrival.body == ours
    assert STAGED.vendor.refuses(arrival) == []


# --- Messages ---


def test_thoughts_are_a_plan_before_calls_and_thinking_elsewhere() -> None:
    messages = [
        USER,
        {"role": "assistant", "content": "I look.", "reasoning_content": "a", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "18"},
        {"role": "assistant", "content": "It is 18.", "reasoning_content": "b"},
        USER,
    ]
    ours, losses = sent({"messages": messages})
    assert ours["messages"][1] == {"role": "assistant", "tool_plan": "a", "content": "I look.", "tool_calls": [CALL]}
    assert ours["messages"][2] == {"role": "tool", "tool_call_id": "t1", "content": "18"}
    content = [{"type": "thinking", "thinking": "b"}, {"type": "text", "text": "It is 18."}]
    assert ours["messages"][3] == {"role": "assistant", "content": content}
    assert losses == {}
    ours, losses = sent({"messages": messages}, thinking=())
    assert ours["messages"][3] == {"role": "assistant", "content": "It is 18."}
    assert list(losses) == [("/messages/3/reasoning_content", "dropped")]


def test_what_shall_be_cited_stands_beside_the_conversation() -> None:
    result = {
        "type": "search_result",
        "source": "https://kb.example/1",
        "title": "Page",
        "content": [{"type": "text", "text": "It says so."}],
        "citations": {"enabled": True},
    }
    letter = {
        "type": "document",
        "title": "Letter",
        "context": "from a friend",
        "source": {"type": "text", "media_type": "text/plain", "data": "Dear all"},
        "citations": {"enabled": True},
    }
    plain = {**result, "citations": {"enabled": False}}
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": [result, letter, plain]}]}
    ours, losses = sent(asked, client="anthropic-messages")
    assert ours["documents"] == [
        {"id": "doc_0", "data": {"title": "Page", "url": "https://kb.example/1", "snippet": "It says so."}},
        {"id": "doc_1", "data": {"title": "Letter", "context": "from a friend", "snippet": "Dear all"}},
    ]
    assert ours["messages"] == [{"role": "user", "content": "Page\nhttps://kb.example/1\n\nIt says so."}]
    assert list(losses) == [
        ("/messages/0/content/0", "moved"),
        ("/messages/0/content/1", "moved"),
        ("/messages/0/content/2", "emulated"),
    ]


def test_what_a_tool_has_found_can_be_cited() -> None:
    found = {"type": "search_result", "source": "kb/1", "title": "Page", "content": [{"type": "text", "text": "So."}]}
    content = [{"type": "text", "text": "two"}, {"type": "text", "text": '{"n": 2}'}, found]
    asked = {
        "max_tokens": 9,
        "messages": [
            USER,
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": content}]},
        ],
    }
    ours, losses = sent(asked, client="anthropic-messages")
    assert ours["messages"][2]["content"] == [
        {"type": "text", "text": "two"},
        {"type": "document", "document": {"id": "1", "data": '{"n": 2}'}},
        {"type": "document", "document": {"id": "2", "data": {"title": "Page", "url": "kb/1", "snippet": "So."}}},
    ]
    assert losses == {}


def test_an_image_of_a_result_stands_behind_it() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [image], "is_error": True}
    asked = {
        "max_tokens": 9,
        "messages": [
            USER,
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
            {"role": "user", "content": [result, {"type": "text", "text": "See?"}]},
        ],
    }
    ours, losses = sent(asked, client="anthropic-messages")
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert ours["messages"][2:] == [
        {"role": "tool", "tool_call_id": "t1", "content": "[tool error] "},
        {
            "role": "user",
            "content": [{"type": "text", "text": "[tool result t1]"}, shown, {"type": "text", "text": "See?"}],
        },
    ]
    assert {kind for _, kind in losses} == {"emulated"}


@pytest.mark.parametrize(("detail", "wire"), [("auto", "auto"), ("low", "low"), ("original", "high")])
def test_details_of_images(detail: str, wire: str) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://e.example/a.png", "detail": detail}}
    ours, losses = sent({"messages": [{"role": "user", "content": [image]}]})
    assert ours["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://e.example/a.png", "detail": wire}}
    ]
    assert list(losses) == ([] if detail == wire else [("/messages/0/content/0", "approximated")])


def test_what_its_models_do_not_take_is_refused() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://e.example/a.png"}}
    pdf = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    fault = refused({"messages": [{"role": "user", "content": [image]}]}, images=False)
    assert (fault.kind, fault.param) == ("invalid_request", "/messages/0/content/0")
    assert refused({"messages": [{"role": "user", "content": [pdf]}]}).param == "/messages/0/content/0"
    assert refused({"messages": [{"role": "system", "content": "s"}]}).param == "/messages"
    assert refused({"messages": [USER], "n": 2}).param == "/n"


# --- Tools ---


def test_no_tool_can_be_named() -> None:
    other = {"type": "function", "function": {"name": "other", "parameters": WEATHER}}
    choice = {"type": "function", "function": {"name": "get_weather"}}
    ours, losses = sent({"messages": [USER], "tools": [other, TOOL], "tool_choice": choice})
    assert [tool["function"]["name"] for tool in ours["tools"]] == ["get_weather"]
    assert (ours["tool_choice"], ours["strict_tools"]) == ("REQUIRED", True)
    assert list(losses) == [("/tools/0", "info"), ("/tool_choice", "emulated")]


@pytest.mark.parametrize(("choice", "word"), [("auto", None), ("none", "NONE"), ("required", "REQUIRED")])
def test_choices(choice: str, word: str | None) -> None:
    ours, losses = sent({"messages": [USER], "tools": [TOOL], "tool_choice": choice})
    assert (ours.get("tool_choice"), losses) == (word, {})


def test_tools_are_strict_together_or_not_at_all() -> None:
    loose = {"type": "function", "function": {"name": "loose", "parameters": WEATHER}}
    ours, losses = sent({"messages": [USER], "tools": [TOOL, loose]})
    assert "strict_tools" not in ours
    assert list(losses) == [("/tools/0", "unsupported")]
    ours, losses = sent({"messages": [USER], "tools": [TOOL]}, strict_tools=False)
    assert "strict_tools" not in ours
    assert list(losses) == [("/tools/0", "unsupported")]


def test_a_tool_without_parameters_has_none() -> None:
    ours, losses = sent({"messages": [USER], "tools": [{"type": "function", "function": {"name": "f"}}]})
    assert ours["tools"][0]["function"] == {"name": "f", "parameters": {"type": "object", "properties": {}}}
    assert losses == {}


# --- Settings ---


@pytest.mark.parametrize(
    ("asked", "wire", "lost"),
    [
        ({"top_p": 1}, {"p": 0.99}, [("/top_p", "clamped")]),
        ({"top_p": 0}, {"p": 0.01}, [("/top_p", "clamped")]),
        ({"top_k": 501}, {"k": 500}, [("/top_k", "clamped")]),
        ({"presence_penalty": -1}, {"presence_penalty": 0.0}, [("/presence_penalty", "clamped")]),
        ({"frequency_penalty": 1.5}, {"frequency_penalty": 1.0}, [("/frequency_penalty", "clamped")]),
        ({"seed": -1}, {"seed": 0}, [("/seed", "clamped")]),
        ({"max_tokens": 0}, {"max_tokens": 1}, [("/max_tokens", "clamped")]),
        ({"stop": list("abcdef")}, {"stop_sequences": list("abcde")}, [("/stop/5", "dropped")]),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True}, [("/top_logprobs", "dropped")]),
        ({"logit_bias": {"1": 2}}, {}, [("/logit_bias", "dropped")]),
        ({"user": "u"}, {}, [("/user", "dropped")]),
        ({"n": 1, "keep_alive": "5m"}, {}, [("/keep_alive", "dropped")]),
    ],
)
def test_settings(asked: dict[str, Any], wire: dict[str, Any], lost: list[tuple[str, str]]) -> None:
    ours, losses = sent({"messages": [USER], **asked})
    assert {name: ours[name] for name in ours.keys() - {"model", "messages", "stream"}} == wire
    assert list(losses) == lost


def test_a_model_may_take_no_sampling_and_has_a_limit() -> None:
    ours, losses = sent({"messages": [USER], "temperature": 0.5, "max_tokens": 10}, sampling=False, max_output=5)
    assert ours == {"model": "command-a-03-2025", "messages": [USER], "max_tokens": 5, "stream": False}
    assert set(losses) == {("/temperature", "dropped"), ("/max_tokens", "clamped")}


@pytest.mark.parametrize(
    ("effort", "wire", "lost"),
    [
        ("none", {"type": "disabled"}, []),
        ("low", {"type": "enabled", "token_budget": 2048}, [("/reasoning_effort", "approximated")]),
        ("max", {"type": "enabled"}, [("/reasoning_effort", "approximated")]),
    ],
)
def test_efforts(effort: str, wire: dict[str, Any], lost: list[tuple[str, str]]) -> None:
    ours, losses = sent({"messages": [USER], "reasoning_effort": effort})
    assert (ours["thinking"], list(losses)) == (wire, lost)
    ours, losses = sent({"messages": [USER], "reasoning_effort": effort}, thinking=())
    assert "thinking" not in ours
    assert list(losses) == ([("/reasoning_effort", "unsupported")] if effort != "none" else [])


def test_a_model_may_always_think() -> None:
    ours, losses = sent({"messages": [USER], "reasoning_effort": "none"}, thinking=("enabled",))
    assert "thinking" not in ours
    assert list(losses) == [("/reasoning_effort", "unsupported")]


@pytest.mark.parametrize(
    ("thinking", "wire"),
    [
        ({"type": "disabled"}, {"type": "disabled"}),
        ({"type": "adaptive"}, {"type": "enabled"}),
        ({"type": "enabled", "budget_tokens": 3000}, {"type": "enabled", "token_budget": 3000}),
    ],
)
def test_ways_to_think(thinking: dict[str, Any], wire: dict[str, Any]) -> None:
    ours, losses = sent({"max_tokens": 9, "messages": [USER], "thinking": thinking}, client="anthropic-messages")
    assert (ours["thinking"], losses) == (wire, {})


def test_the_form_of_an_answer() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": WEATHER}}
    ours, losses = sent({"messages": [USER], "response_format": form})
    assert ours["response_format"] == {"type": "json_object", "json_schema": WEATHER}
    assert {kind for _, kind in losses} == {"info"}
    ours, _ = sent({"messages": [USER], "response_format": {"type": "json_object"}})
    assert ours["response_format"] == {"type": "json_object"}
    ours, losses = sent({"messages": [USER], "response_format": {"type": "json_object"}, "tools": [TOOL]})
    assert "response_format" not in ours
    assert list(losses) == [("/response_format", "unsupported")]
