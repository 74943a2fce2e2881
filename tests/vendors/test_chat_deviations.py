"""What chat-compatible vendors take otherwise: a golden request for each deviation, and what their own SDKs send."""

import json
from typing import Any

import pytest
from tests.vendors.deviations import (
    ARGUMENTS,
    CALL,
    CAPTURES,
    CHAT,
    CODEC,
    FUNCTION,
    HI,
    LOOP,
    MESSAGES,
    OTHER,
    RESPONSES,
    RESULT,
    THOUGHT,
    TOOL,
    WEATHER,
    declared,
    encoded,
    sent,
)

from twoapi.ir import Loss
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat.mend_request import DECLARED
from twoapi.protocols.registry import CODECS
from twoapi.testing.canned import PATHS
from twoapi.wire.http import Incoming

Json = Any  # a parsed JSON document

# One row for each deviation: who has it, what a client asks, members of the body (None: not there), and the losses.
GOLDEN: dict[str, tuple[str, str, str, Json, Json, set[tuple[str, str]]]] = {
    "greedy_flag": ("zhipu", "glm-4.6", MESSAGES, {"temperature": 0}, {"do_sample": False, "temperature": None}, set()),
    "temperatures, most": (
        "zhipu", "glm-4.6", RESPONSES, {"temperature": 1.5}, {"temperature": 1, "do_sample": None},
        {("/temperature", "clamped")},
    ),
    "temperatures, least": (
        "minimax", "MiniMax-M3", RESPONSES, {"temperature": 0}, {"temperature": 0.01}, {("/temperature", "clamped")},
    ),
    "tool_choices, required": (
        "zhipu", "glm-4.6", MESSAGES, {"tools": [TOOL], "tool_choice": {"type": "any"}}, {"tool_choice": "auto"},
        {("/tool_choice", "unsupported")},
    ),
    "tool_choices, none": (
        "zhipu", "glm-4.6", MESSAGES, {"tools": [TOOL], "tool_choice": {"type": "none"}},
        {"tool_choice": None, "tools": None}, {("/tools", "emulated"), ("/tool_choice", "emulated")},
    ),
    "tool_choices, named": (
        "zhipu", "glm-4.6", MESSAGES,
        {"tools": [TOOL, OTHER], "tool_choice": {"type": "tool", "name": "get_weather"}},
        {"tool_choice": "auto", "tools": [FUNCTION]},
        {("/tools", "emulated"), ("/tool_choice", "emulated"), ("/tool_choice", "unsupported")},
    ),
    "tool_choices, allowed": (
        "groq", "m", RESPONSES,
        {
            "tools": [
                {"type": "function", "name": name, "parameters": WEATHER, "strict": False} for name in ("a", "b")
            ],
            "tool_choice": {
                "type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}],
            },
        },
        {
            "tool_choice": "required",
            "tools": [{"type": "function", "function": {"name": "b", "parameters": WEATHER, "strict": False}}],
        },
        {("/tools", "emulated"), ("/tool_choice", "emulated")},
    ),
    "required_word": (
        "mistral", "mistral-large-latest", MESSAGES, {"tools": [TOOL], "tool_choice": {"type": "any"}},
        {"tool_choice": "any"}, set(),
    ),
    "reasoning_members, thinking off": (
        "zhipu", "glm-4.6", MESSAGES, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}, set(),
    ),
    "reasoning_members, thinking by a budget": (
        "moonshot", "kimi-k2.5", MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
        {"thinking": {"type": "enabled"}, "reasoning_effort": None}, {("/thinking/budget_tokens", "dropped")},
    ),
    "reasoning_members, thinking and effort": (
        "deepseek", "deepseek-v4-pro", RESPONSES, {"reasoning": {"effort": "high"}},
        {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, set(),
    ),
    "reasoning_members, thinking as it likes": (
        "volcengine", "doubao-seed-1-6", MESSAGES, {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "auto"}, "reasoning_effort": None}, set(),
    ),
    "reasoning_members, enable_thinking and a budget": (
        "siliconflow", "m", MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 60000}, "max_tokens": 64000},
        {"enable_thinking": True, "thinking_budget": 32768}, {("/thinking/budget_tokens", "clamped")},
    ),
    "reasoning_members, enable_thinking off": (
        "modelscope", "m", MESSAGES, {"thinking": {"type": "disabled"}}, {"enable_thinking": False}, set(),
    ),
    "reasoning_members, reasoning": (
        "openrouter", "m", MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 4096},
        {"reasoning": {"max_tokens": 2048}, "reasoning_effort": None}, set(),
    ),
    "reasoning_members, reasoning off": (
        "openrouter", "m", RESPONSES, {"reasoning": {"effort": "none"}}, {"reasoning": {"enabled": False}}, set(),
    ),
    "reasoning_members, reasoning_enabled": (
        "together", "m", MESSAGES, {"thinking": {"type": "disabled"}},
        {"reasoning": {"enabled": False}, "reasoning_effort": None}, set(),
    ),
    "reasoning_members, disable_reasoning": (
        "cerebras", "m", RESPONSES, {"reasoning": {"effort": "none"}},
        {"disable_reasoning": True, "reasoning_effort": None}, set(),
    ),
    "reasoning_members, none": (
        "minimax", "MiniMax-M2", MESSAGES, {"thinking": {"type": "disabled"}}, {"thinking": None},
        {("/thinking/type", "unsupported")},
    ),
    "efforts": (
        "groq", "openai/gpt-oss-120b", RESPONSES, {"reasoning": {"effort": "xhigh"}}, {"reasoning_effort": "high"},
        {("/reasoning/effort", "approximated")},
    ),
    "efforts, one alone": (
        "moonshot", "kimi-k3", RESPONSES, {"reasoning": {"effort": "low"}},
        {"reasoning_effort": "max", "thinking": None}, {("/reasoning/effort", "approximated")},
    ),
    "seed_field": ("mistral", "m", CHAT, {"seed": 7}, {"random_seed": 7, "seed": None}, set()),
    "user_field": (
        "zhipu", "glm-4.6", MESSAGES, {"metadata": {"user_id": "user-7"}},
        {"user_id": "user-7", "safety_identifier": None}, set(),
    ),
    "user_field, none": (
        "mistral", "m", MESSAGES, {"metadata": {"user_id": "user-7"}}, {"user": None, "safety_identifier": None},
        {("/metadata/user_id", "dropped")},
    ),
    "user_length": (
        "zhipu", "glm-4.6", MESSAGES, {"metadata": {"user_id": "u"}}, {"user_id": None},
        {("/metadata/user_id", "dropped")},
    ),
    "refused_members": (
        "groq", "m", CHAT, {"logprobs": True, "top_logprobs": 2, "n": 2},
        {"logprobs": None, "top_logprobs": None, "n": None},
        {("/logprobs", "dropped"), ("/top_logprobs", "dropped"), ("/n", "dropped")},
    ),
    "refused_members, tools": (
        "perplexity", "sonar", MESSAGES, {"tools": [TOOL]}, {"tools": None, "tool_choice": None},
        {("/tools", "dropped")},
    ),
    "tiers": (
        "groq", "m", MESSAGES, {"service_tier": "standard_only"}, {"service_tier": "on_demand"}, set(),
    ),
    "tiers, none such": (
        "mistral", "m", RESPONSES, {"service_tier": "flex"}, {"service_tier": None}, {("/service_tier", "dropped")},
    ),
    "max_stop": (
        "xai", "grok-4", MESSAGES, {"stop_sequences": ["a"]}, {"stop": None}, {("/stop_sequences/0", "dropped")},
    ),
    "top_k": ("together", "m", MESSAGES, {"top_k": 5}, {"top_k": 5}, set()),
    "formats": (
        "zhipu", "glm-4.6", RESPONSES,
        {"text": {"format": {"type": "json_schema", "name": "w", "schema": WEATHER, "strict": False}}},
        {
            "response_format": {"type": "json_object"},
            "messages": [
                {
                    "role": "system",
                    "content": "Answer with one JSON object and nothing else. "
                    "It must be valid under this JSON Schema:\n" + json.dumps(WEATHER),
                },
                HI,
            ],
        },
        {("/text/format/schema", "emulated"), ("/text/format/name", "dropped"), ("/text/format/strict", "dropped")},
    ),
    "added_members": ("minimax", "MiniMax-M2", MESSAGES, {}, {"reasoning_split": True}, set()),
    "tool_stream": (
        "zhipu", "glm-4.6", MESSAGES, {"tools": [TOOL], "stream": True},
        {"tool_stream": True, "stream": True, "stream_options": None}, set(),
    ),
    "tool_stream, of others": (
        "zhipu", "glm-4.5", MESSAGES, {"tools": [TOOL], "stream": True}, {"tool_stream": None}, set(),
    ),
    "web_search_tool": (
        "zhipu", "glm-4.6", MESSAGES, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"type": "web_search", "web_search": {"enable": True, "search_result": True}}]},
        {("/tools/0", "emulated")},
    ),
    "prefill_mark": (
        "moonshot", "kimi-k2", MESSAGES, {"messages": [HI, {"role": "assistant", "content": "It"}]},
        {"messages": [HI, {"role": "assistant", "content": "It", "partial": True}]}, set(),
    ),
    "prefill_mark, prefix": (
        "mistral", "m", MESSAGES, {"messages": [HI, {"role": "assistant", "content": "It"}]},
        {"messages": [HI, {"role": "assistant", "content": "It", "prefix": True}]}, set(),
    ),
    "content_lists": (
        "deepseek", "deepseek-flash", MESSAGES,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
        {"messages": [{"role": "user", "content": "a\n\nb"}]}, {("/messages", "info")},
    ),
    "null_content": (
        "groq", "m", MESSAGES, {"messages": LOOP, "tools": [TOOL]},
        {
            "messages": [
                HI,
                {
                    "role": "assistant", "content": "",
                    "tool_calls": [
                        {
                            "id": "toolu_01", "type": "function",
                            "function": {"name": "get_weather", "arguments": ARGUMENTS},
                        }
                    ],
                },
                {"role": "tool", "content": "sunny", "tool_call_id": "toolu_01"},
            ]
        },
        set(),
    ),
    "call_id_length, result_names, user_after_tools": (
        "mistral", "m", MESSAGES,
        {
            "messages": [*LOOP[:2], {"role": "user", "content": [RESULT, {"type": "text", "text": "and?"}]}],
            "tools": [TOOL],
        },
        {
            "messages": [
                HI,
                {
                    "role": "assistant", "content": "",
                    "tool_calls": [
                        {
                            "id": "UNf7ifnA3", "type": "function",
                            "function": {"name": "get_weather", "arguments": ARGUMENTS},
                        }
                    ],
                },
                {"role": "tool", "content": "sunny", "tool_call_id": "UNf7ifnA3", "name": "get_weather"},
                {"role": "assistant", "content": " "},
                {"role": "user", "content": "and?"},
            ]
        },
        {("/messages", "synthesized")},
    ),
    "tools": (
        "perplexity", "sonar", MESSAGES, {"messages": LOOP},
        {
            "messages": [
                HI,
                {"role": "assistant", "content": '\n\n[tool call get_weather] {"city": "Rome"}'},
                {"role": "user", "content": "[tool result get_weather]\n\nsunny"},
            ]
        },
        {("/messages/1/content/0", "emulated"), ("/messages/2/content/0", "emulated"), ("/messages", "info")},
    ),
    "alternating": (
        "perplexity", "sonar", CHAT,
        {"messages": [{"role": "system", "content": "s"}, HI, {"role": "user", "content": "there"}]},
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi\n\nthere"}]},
        {("/messages", "info")},
    ),
    "reasoning_filler": (
        "moonshot", "kimi-k2.5", MESSAGES, {"messages": LOOP, "tools": [TOOL]},
        {
            "messages": [
                HI,
                {
                    "role": "assistant", "content": None, "reasoning_content": " ",
                    "tool_calls": [
                        {
                            "id": "toolu_01", "type": "function",
                            "function": {"name": "get_weather", "arguments": ARGUMENTS},
                        }
                    ],
                },
                {"role": "tool", "content": "sunny", "tool_call_id": "toolu_01"},
            ]
        },
        {("/messages/1", "synthesized")},
    ),
    "reasoning_field": (
        "groq", "m", MESSAGES,
        {"messages": [HI, {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Yes."}]}, HI]},
        {"messages": [HI, {"role": "assistant", "content": "Yes.", "reasoning": "Hm."}, HI]}, set(),
    ),
    "reasoning_field, content": (
        "mistral", "m", MESSAGES,
        {"messages": [HI, {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Yes."}]}, HI]},
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                        {"type": "text", "text": "Yes."},
                    ],
                },
                HI,
            ]
        },
        set(),
    ),
    "reasoning_field, of old": (
        "deepseek", "deepseek-reasoner", MESSAGES,
        {"messages": [HI, {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Yes."}]}, HI]},
        {"messages": [HI, {"role": "assistant", "content": "Yes."}, HI]}, {("/messages/1/content/0", "dropped")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", GOLDEN)
def test_a_deviation_has_its_golden_request(row: str) -> None:
    name, model, client, asked, members, losses = GOLDEN[row]
    body, told = sent(name, model, client, asked)
    assert {member: body.get(member) for member in members} == members
    assert told == losses


def test_every_declared_deviation_has_a_row() -> None:
    rows = {word.strip() for row in GOLDEN for word in row.split(",")}
    assert set(DECLARED) - {"beta_path"} <= rows  # which has a test of its own


# --- where requests go


def test_what_only_the_beta_path_takes_goes_there() -> None:
    begun = {"messages": [HI, {"role": "assistant", "content": "It"}]}
    out, _ = encoded("deepseek", "deepseek-flash", MESSAGES, begun)
    assert out.outgoing.path == "/beta/chat/completions"
    assert json.loads(out.outgoing.body)["messages"][-1] == {"role": "assistant", "content": "It", "prefix": True}
    schema = {**WEATHER, "additionalProperties": False}
    strict = {"tools": [{**TOOL, "input_schema": schema, "strict": True}]}
    assert encoded("deepseek", "deepseek-flash", MESSAGES, strict)[0].outgoing.path == "/beta/chat/completions"
    assert encoded("deepseek", "deepseek-flash", MESSAGES, {"tools": [TOOL]})[0].outgoing.path == "/chat/completions"


@pytest.mark.parametrize(("mark", "path"), [(True, "/beta/chat/completions"), (False, "/chat/completions")])
def test_a_relayed_prefix_goes_to_the_beta_path_too(mark: bool, path: str) -> None:  # noqa: FBT001
    last = {"role": "assistant", "content": "It", "prefix": mark}
    incoming = Incoming(PATHS[CHAT], {}, json.dumps({"model": "m", "messages": [HI, last]}).encode())
    outgoing = CODEC.relay_request(incoming, CODEC.peek(incoming), "m", declared("deepseek", "deepseek-flash"))
    assert (outgoing.path, outgoing.body) == (path, incoming.body)


def test_ids_of_calls_are_letters_and_digits_of_one_length_and_stay_apart() -> None:
    ids = ["toolu_01", "toolu_02", "abcDEF123", "call_1", "ü" * 9, "abcDEF12", "abc-EF123"]
    calls = [{**CALL, "id": one} for one in ids]
    results = [{**RESULT, "tool_use_id": one} for one in ids]
    turns = [HI, {"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    body, _ = sent("mistral", "m", MESSAGES, {"messages": turns, "tools": [TOOL]})
    made = [call["id"] for call in body["messages"][1]["tool_calls"]]
    assert all(len(one) == 9 and one.isascii() and one.isalnum() for one in made)
    assert len(set(made)) == len(ids)
    assert made[2] == "abcDEF123"
    assert [message["tool_call_id"] for message in body["messages"][2:]] == made


OWN = [
    (
        "moonshot",
        {
            "tools": [{"type": "builtin_function", "function": {"name": "$web_search"}}],
            "messages": [HI, {"role": "assistant", "content": "It", "partial": True}],
        },
    ),
    ("openrouter", {"provider": {"order": ["a"], "allow_fallbacks": False}, "models": ["a", "b"], "transforms": []}),
    ("mistral", {"safe_prompt": True, "messages": [HI, {"role": "assistant", "content": "It", "prefix": True}]}),
    ("zhipu", {"tools": [{"type": "retrieval", "retrieval": {"knowledge_id": "k"}}], "do_sample": True}),
    ("groq", {"service_tier": None, "compound_custom": {"models": {"answering_model": "m"}}}),
]


@pytest.mark.parametrize(("name", "asked"), OWN, ids=[name for name, _ in OWN])
def test_what_only_a_vendor_has_reaches_it_from_clients_of_its_protocol(name: str, asked: Json) -> None:
    body, losses = sent(name, "m", CHAT, asked)
    said = {member: value for member, value in asked.items() if value is not None}
    assert {member: body[member] for member in said} == said
    assert losses == set()
    small = {"model": "m", "messages": [HI], **asked}
    elsewhere: list[Loss] = []
    request = CODEC.decode_request(Incoming(PATHS[CHAT], {}, json.dumps(small).encode()))
    CODECS[MESSAGES].encode_request(request, "m", Capabilities(), elsewhere)
    lost = {loss.path for loss in elsewhere}
    for member in said:
        assert any(path.startswith("/" + member) for path in lost), member


# --- what the vendors' own SDKs send for the same


def captured(sdk: str, number: int, case: str = "chat") -> Json:
    asked = json.loads((CAPTURES / sdk / f"{case}.json").read_text())["requests"][number]
    return {name: value for name, value in asked["json"].items() if value is not None}


def function_tool() -> Json:
    return {"type": "function", "name": "get_weather", "description": "d", "parameters": WEATHER, "strict": None}


# SDK, request, who, model, what a client of Responses asks for the same, and what only the SDK can say.
CAPTURED: dict[str, tuple[str, int, str, str, Json, set[str]]] = {
    "groq": ("groq-1.7.0", 0, "groq", "m", {}, set()),
    "groq, stream": ("groq-1.7.0", 1, "groq", "m", {"stream": True}, set()),
    "together": ("together-3.1.1", 0, "together", "m", {}, set()),
    "together, stream": ("together-3.1.1", 1, "together", "m", {"stream": True}, set()),
    "fireworks": ("fireworks-ai-1.2.28", 0, "fireworks", "m", {}, set()),
    "fireworks, stream": ("fireworks-ai-1.2.28", 1, "fireworks", "m", {"stream": True}, set()),
    "cerebras": ("cerebras_cloud_sdk-1.91.0", 1, "cerebras", "m", {}, set()),
    "cerebras, stream": ("cerebras_cloud_sdk-1.91.0", 2, "cerebras", "m", {"stream": True}, set()),
    "mistral": (
        "mistralai-3.7.0", 0, "mistral", "mistral-large-latest",
        {"tools": [function_tool()], "tool_choice": "required", "parallel_tool_calls": False},
        {"random_seed", "safe_prompt"},
    ),
    "mistral, stream": ("mistralai-3.7.0", 1, "mistral", "mistral-large-latest", {"stream": True}, set()),
    "ark": (
        "volcengine-ark-5.0.54", 0, "volcengine", "ep-2025-abc",
        {"tools": [function_tool()], "reasoning": {"effort": "none"}}, set(),
    ),
    "ark, stream": ("volcengine-ark-5.0.54", 1, "volcengine", "doubao-seed-1-6", {"stream": True}, set()),
    "zai, stream": ("zai-sdk-0.2.3", 1, "zai", "glm-4.6", {"stream": True}, {"tool_stream"}),
}  # fmt: skip


@pytest.mark.parametrize("row", CAPTURED)
def test_a_request_is_what_the_vendors_sdk_sends_for_the_same(row: str) -> None:
    sdk, number, name, model, asked, only = CAPTURED[row]
    body, losses = sent(name, model, RESPONSES, asked)
    theirs = captured(sdk, number, "chat_bearer_key" if name == "zai" else "chat")
    assert losses == set()
    # Whether usage is asked for is ours to say; what is false by default need not be said.
    assert without(body, "stream_options") == {
        member: value
        for member, value in without(theirs, "stream_options", *only).items()
        if (member, value) != ("stream", False)
    }


def without(body: Json, *names: str) -> Json:
    return {member: value for member, value in body.items() if member not in names}


def test_a_search_beside_a_tool_is_what_the_vendors_sdk_sends_for_the_same() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    asked = {"tools": [TOOL, search], "thinking": {"type": "adaptive"}}
    body, _ = sent("zai", "glm-4.6", MESSAGES, asked)
    theirs = captured("zai-sdk-0.2.3", 0, "chat_bearer_key")
    assert body["tools"].pop()["web_search"].pop("search_result")  # that it tells what it has found
    assert theirs["tools"].pop() == {"type": "web_search", "web_search": {"enable": True}}
    assert without(body, "max_tokens") == without(theirs, "request_id", "do_sample")


@pytest.mark.parametrize("sdk", ["volcengine-ark-5.0.54", "zai-sdk-0.2.3", "mistralai-3.7.0"])
def test_what_a_vendors_sdk_leaves_null_is_not_asked(sdk: str) -> None:
    case = "chat_bearer_key" if sdk.startswith("zai") else "chat"
    for asked in json.loads((CAPTURES / sdk / f"{case}.json").read_text())["requests"]:
        body = json.dumps(asked["json"]).encode()
        request = CODEC.decode_request(Incoming(PATHS[CHAT], {}, body))
        losses: list[Loss] = []
        CODECS[MESSAGES].encode_request(request, "m", Capabilities(), losses)
        nulls = {"/" + name for name, value in asked["json"].items() if value is None}
        assert not nulls & {loss.path for loss in losses if loss.kind != "synthesized"}
