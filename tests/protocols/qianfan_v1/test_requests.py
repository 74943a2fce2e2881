"""Requests to wenxinworkshop: the vendor's own SDK asks the same, and what has no place there is reported."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from twoapi.ir import FaultError, Loss
from twoapi.protocols.qianfan_v1 import QianfanV1
from twoapi.protocols.registry import CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.laws.subject import decoded
from twoapi.wire.http import Outgoing

CODEC = QianfanV1()
CAPTURES = Path(__file__).parents[2] / "captures" / "qianfan-0.4.12.3"
CATALOG = load_catalog()["qianfan-v1"]
CHAT = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HI = [{"role": "user", "content": "hi"}]


def asked(
    body: dict[str, Any], client: str = "openai-chat", model: str = "ERNIE-Speed-8K", **other: Any
) -> tuple[Outgoing, dict[str, Any], list[Loss]]:
    """The request for a client's, its body read, and what was lost."""
    losses: list[Loss] = []
    capabilities = msgspec.structs.replace(capabilities_for(CATALOG, "qianfan-v1", model), **other)
    named = {} if client == "gemini" else {"model": "m"}
    request = decoded(CODECS[client], json.dumps({**named, **body}).encode())
    outgoing = CODEC.encode_request(request, model, capabilities, losses).outgoing
    return outgoing, json.loads(outgoing.body), losses


def lost(losses: list[Loss]) -> set[tuple[str, str]]:
    return {(loss.path, loss.kind) for loss in losses if loss.kind != "info"}


def call(call_id: str, city: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": f'{{"city":"{city}"}}'}}


def result(call_id: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def tool(name: str = "look", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": CITY, **more}}


# --- The vendor's SDK ---

INTENTS: dict[str, tuple[int, dict[str, Any]]] = {
    "v1_access_token": (
        1,
        {
            "messages": [{"role": "system", "content": "sys"}, *HI],
            "temperature": 0.5,
            "top_p": 0.8,
            "penalty_score": 1.0,  # a member of the vendor's own
        },
    ),
    "v1_access_token_stream": (0, {"messages": HI, "stream": True}),
    "v1_iam_signed": (1, {"messages": HI}),
}


@pytest.mark.parametrize("case", INTENTS)
def test_the_vendors_sdk_asks_the_same(case: str) -> None:
    number, intent = INTENTS[case]
    sent = json.loads((CAPTURES / f"{case}.json").read_text())["requests"][number]
    outgoing, body, losses = asked(intent)
    assert outgoing.path == sent["path"]
    # What the SDK says of itself, and a stream that is not asked for.
    expected = {
        name: value for name, value in sent["json"].items() if name != "extra_parameters" and value is not False
    }
    assert body == expected
    assert outgoing.headers == []
    assert losses == []


@pytest.mark.parametrize(
    ("model", "slug"),
    [
        ("ERNIE-4.0-8K", "completions_pro"),
        ("ernie-3.5-8k", "completions"),
        ("ERNIE-Bot-turbo", "eb-instant"),
        ("ERNIE-Speed-8K", "ernie_speed"),
        ("ERNIE-Speed-128K", "ernie-speed-128k"),
        ("ERNIE-Lite-8K", "ernie-lite-8k"),
        ("ERNIE-Tiny-8K", "ernie-tiny-8k"),
        ("ERNIE-Character-8K", "ernie-char-8k"),
        ("a/b", "a%2Fb"),
    ],
)
def test_the_model_stands_in_the_path(model: str, slug: str) -> None:
    assert asked({"messages": HI}, model=model)[0].path == CHAT + slug


@pytest.mark.parametrize("model", ["", ".", ".."])
def test_a_name_that_would_lead_elsewhere_is_refused(model: str) -> None:
    with pytest.raises(FaultError) as caught:
        asked({"messages": HI}, model=model)
    assert (caught.value.fault.param, caught.value.fault.code) == ("/model", "model_not_found")


# --- Who speaks when ---


def test_what_one_says_in_several_messages_is_said_in_one() -> None:
    history = [*HI, {"role": "user", "content": "there"}, {"role": "assistant", "content": "yes"}, *HI]
    _, body, _ = asked({"messages": history})
    assert body["messages"] == [
        {"role": "user", "content": "hi\n\nthere"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "hi"},
    ]


def test_instructions_are_a_member_of_their_own() -> None:
    history = [{"role": "system", "content": "one"}, *HI, {"role": "developer", "content": "two"}]
    _, body, losses = asked({"messages": history})
    assert body["system"] == "one\n\ntwo"
    assert body["messages"] == HI
    assert ("/messages/2", "moved") in lost(losses)


def test_calls_stand_one_after_another_each_with_its_result() -> None:
    history = [
        *HI,
        {"role": "assistant", "content": "I look", "tool_calls": [call("c1", "Rome"), call("c2", "Oslo")]},
        result("c2", "cold"),
        result("c1", "warm"),
        {"role": "assistant", "content": "so it is"},
        *HI,
    ]
    _, body, losses = asked({"messages": history, "tools": [tool()]})
    assert body["messages"] == [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": "I look",
            "function_call": {"name": "look", "arguments": '{"city":"Rome"}'},
        },
        {"role": "function", "name": "look", "content": "warm"},
        {"role": "assistant", "content": "", "function_call": {"name": "look", "arguments": '{"city":"Oslo"}'}},
        {"role": "function", "name": "look", "content": "cold"},
        {"role": "assistant", "content": "so it is"},
        {"role": "user", "content": "hi"},
    ]
    assert lost(losses) == {("/messages/1/tool_calls/1", "reordered")}


def test_one_id_may_be_used_in_every_turn() -> None:
    turns = [
        [{"role": "assistant", "content": None, "tool_calls": [call("c", city)]}, result("c", city)] for city in "ab"
    ]
    _, body, _ = asked({"messages": [*HI, *turns[0], *turns[1]], "tools": [tool()]})
    assert [one["content"] for one in body["messages"] if one["role"] == "function"] == ["a", "b"]


def test_a_blank_turn_stands_between_a_result_and_the_user() -> None:
    history = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call("c1", "Rome")]},
        result("c1", "warm"),
        *HI,
    ]
    _, body, losses = asked({"messages": history, "tools": [tool()]})
    assert [one["role"] for one in body["messages"]] == ["user", "assistant", "function", "assistant", "user"]
    assert body["messages"][3]["content"] == " "
    assert lost(losses) == {("/messages/3", "synthesized")}


def test_what_was_thought_before_a_call_goes_back_with_it() -> None:
    said = {
        "role": "assistant",
        "content": None,
        "reasoning_content": "I must look",
        "tool_calls": [call("c1", "Rome")],
    }
    _, body, losses = asked({"messages": [*HI, said, result("c1", "warm")], "tools": [tool()]})
    assert body["messages"][1]["function_call"]["thoughts"] == "I must look"
    assert lost(losses) == set()
    _, body, losses = asked({"messages": [*HI, said, result("c1", "warm")], "tools": [tool()]}, reasoning_field=None)
    assert "thoughts" not in body["messages"][1]["function_call"]
    assert lost(losses) == {("/messages/1/reasoning_content", "dropped")}


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([{"role": "assistant", "content": "hello"}, *HI], "/messages/0"),
        ([*HI, {"role": "assistant", "content": "I say"}], "/messages/1"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/a.png"}}]}],
            "/messages/0/content/0",
        ),
        ([*HI, {"role": "assistant", "content": None, "tool_calls": [call("c1", "Rome")]}], "/messages/1/tool_calls/0"),
    ],
)
def test_what_cannot_be_carried_is_refused(messages: list[Any], param: str) -> None:
    with pytest.raises(FaultError) as caught:
        asked({"messages": messages})
    assert (caught.value.fault.kind, caught.value.fault.param) == ("invalid_request", param)


def test_no_capability_makes_images_go_out() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.example/a.png"}}
    with pytest.raises(FaultError, match="images"):
        asked({"messages": [{"role": "user", "content": [image]}]}, images=True)


# --- Functions ---


def test_tools_are_functions() -> None:
    answer = {"type": "object", "properties": {"t": {"type": "number"}}}
    body = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "look", "description": "d", "parametersJsonSchema": CITY, "responseJsonSchema": answer},
                    {"name": "bare"},
                ]
            }
        ],
    }
    _, out, losses = asked(body, "gemini")
    assert out["functions"] == [
        {"name": "look", "description": "d", "parameters": CITY, "responses": answer},
        {"name": "bare", "description": "bare", "parameters": {"type": "object", "properties": {}}},
    ]
    assert lost(losses) == {("/tools/0/functionDeclarations/1", "synthesized")}


def test_an_object_without_properties_has_none() -> None:
    _, body, _ = asked({"messages": HI, "tools": [tool(parameters={"type": "object"})]})
    assert body["functions"][0]["parameters"] == {"type": "object", "properties": {}}


CHOICES: dict[str, tuple[Any, list[str], set[tuple[str, str]]]] = {
    "auto": ("auto", ["look", "other"], set()),
    "none": ("none", [], set()),
    "required": ("required", ["look", "other"], {("/tool_choice", "approximated")}),
    "named": ({"type": "function", "function": {"name": "other"}}, ["other"], {("/tool_choice", "approximated")}),
}


@pytest.mark.parametrize("case", CHOICES)
def test_a_choice_leaves_out_what_must_not_be_called(case: str) -> None:
    choice, names, losses = CHOICES[case]
    _, body, found = asked({"messages": HI, "tools": [tool(), tool("other")], "tool_choice": choice})
    assert [function["name"] for function in body.get("functions", [])] == names
    assert lost(found) == losses


def test_calls_come_one_at_a_time() -> None:
    _, _, losses = asked({"messages": HI, "tools": [tool()], "parallel_tool_calls": False})
    assert lost(losses) == set()
    _, _, losses = asked({"messages": HI, "tools": [tool()], "parallel_tool_calls": True})
    assert lost(losses) == {("/parallel_tool_calls", "dropped")}


def test_a_web_search_tells_its_sources() -> None:
    body = {"messages": HI, "max_tokens": 9, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    _, out, losses = asked(body, "anthropic-messages")
    assert out["enable_citation"] is True
    assert "functions" not in out
    assert lost(losses) == {("/tools/0", "emulated")}


# --- Values ---


@pytest.mark.parametrize(
    ("member", "value", "sent", "kind"),
    [
        ("temperature", 0, ("temperature", 0.01), "approximated"),
        ("temperature", 1.5, ("temperature", 1.0), "clamped"),
        ("max_tokens", 1, ("max_output_tokens", 2), "clamped"),
        ("top_k", 3, None, "dropped"),
        ("seed", 3, None, "dropped"),
        ("presence_penalty", 0.5, None, "dropped"),
        ("frequency_penalty", 0.5, None, "dropped"),
        ("logprobs", True, None, "dropped"),
        ("reasoning_effort", "low", None, "dropped"),
        ("metadata", {"a": "b"}, None, "dropped"),
        ("strange", 1, None, "dropped"),
    ],
)
def test_a_value_out_of_range_is_reported(
    member: str, value: object, sent: tuple[str, object] | None, kind: str
) -> None:
    _, body, losses = asked({"messages": HI, member: value})
    assert body == {"messages": HI, **(dict([sent]) if sent else {})}
    assert lost(losses) == {(f"/{member}", kind)}


def test_values_in_range_go_out_as_they_are() -> None:
    same = {"temperature": 0.7, "top_p": 0.5, "stop": ["END"], "disable_search": True}
    _, body, losses = asked({"messages": HI, **same, "max_tokens": 100, "user": "ann"})
    assert body == {"messages": HI, **same, "max_output_tokens": 100, "user_id": "ann"}
    assert losses == []


def test_stop_strings_are_few_and_short() -> None:
    _, body, losses = asked({"messages": HI, "stop": ["a", "b" * 21, "c", "d"]})
    assert body["stop"] == ["a", "c", "d"]
    assert lost(losses) == {("/stop/1", "dropped")}
    stops = {"stop_sequences": ["a", "b", "c", "d", "e"]}
    _, body, losses = asked({"messages": HI, "max_tokens": 9, **stops}, "anthropic-messages")
    assert body["stop"] == ["a", "b", "c", "d"]
    assert lost(losses) == {("/stop_sequences/4", "dropped")}


def test_the_form_of_the_answer_is_a_word_and_an_instruction() -> None:
    _, body, losses = asked({"messages": HI, "response_format": {"type": "json_object"}})
    assert (body["response_format"], "system" in body) == ("json_object", False)
    assert losses == []
    schema = {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY}}
    _, body, losses = asked({"messages": [{"role": "system", "content": "sys"}, *HI], "response_format": schema})
    assert body["response_format"] == "json_object"
    assert body["system"].startswith("sys\n\n")
    assert json.loads(body["system"].rpartition("\n")[2]) == CITY
    where = "/response_format/json_schema"
    assert lost(losses) == {(f"{where}/schema", "emulated"), (f"{where}/name", "dropped")}
