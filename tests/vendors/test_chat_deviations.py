"""What chat-compatible vendors take and tell otherwise: a golden request for each deviation, and their answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from twoapi.ir import Citation, FaultError, Loss, Reasoning, Response, Text, UrlSource
from twoapi.ir.assemble import fold
from twoapi.protocols.base import AnswerContext, Capabilities, Encoded, Restore
from twoapi.protocols.openai_chat.mend_request import DECLARED
from twoapi.protocols.opening import open_sealed
from twoapi.protocols.registry import CODECS
from twoapi.protocols.sealing import PLAIN
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.canned import PATHS
from twoapi.wire.http import Incoming

Json = Any  # a parsed JSON document

CATALOG = load_catalog()
CAPTURES = Path(__file__).parents[1] / "captures"
CHAT, MESSAGES, RESPONSES = "openai-chat", "anthropic-messages", "openai-responses"
CODEC = CODECS[CHAT]

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "get_weather", "description": "d", "input_schema": WEATHER}
OTHER = {"name": "get_time", "description": "d", "input_schema": WEATHER}
HI = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Rome"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_01", "content": "sunny"}
LOOP = [HI, {"role": "assistant", "content": [CALL]}, {"role": "user", "content": [RESULT]}]
ARGUMENTS = '{"city": "Rome"}'
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": ""}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}}


def declared(name: str, model: str) -> Capabilities:
    """What the catalogue says of a model."""
    return capabilities_for(CATALOG[name], CHAT, model)


def encoded(name: str, model: str, client: str, asked: Json) -> tuple[Encoded, list[Loss]]:
    """A client's request as this vendor gets it, and what is reported."""
    small: dict[str, Json] = {"model": "m"}
    if client == MESSAGES:
        small |= {"max_tokens": 100, "messages": [HI]}
    elif client == CHAT:
        small |= {"messages": [HI]}
    else:
        small |= {"input": "hi"}
    body = json.dumps({**small, **asked}).encode()
    request = CODECS[client].decode_request(Incoming(PATHS[client], {}, body))
    losses = open_sealed(request, PLAIN)
    return CODEC.encode_request(request, model, declared(name, model), losses), losses


def sent(name: str, model: str, client: str, asked: Json) -> tuple[Json, set[tuple[str, str]]]:
    """The body, and path and kind of each loss."""
    out, losses = encoded(name, model, client, asked)
    return json.loads(out.outgoing.body), {(loss.path, loss.kind) for loss in losses}


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
        {"tool_choice": None, "tools": None}, {("/tool_choice", "emulated")},
    ),
    "tool_choices, named": (
        "zhipu", "glm-4.6", MESSAGES,
        {"tools": [TOOL, OTHER], "tool_choice": {"type": "tool", "name": "get_weather"}},
        {"tool_choice": "auto", "tools": [FUNCTION]},
        {("/tool_choice", "emulated"), ("/tool_choice", "unsupported")},
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
        {("/tool_choice", "emulated")},
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
        {("/text/format/schema", "emulated")},
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
                {"role": "assistant", "content": "OK."},
                {"role": "user", "content": "and?"},
            ]
        },
        {("/messages", "synthesized")},
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


# --- their answers


def answer(message: Json, *, finish: str | None = "stop", choice: Json | None = None, **more: Json) -> Json:
    one = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, **(choice or {})}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [one],
        "usage": usage,
        **more,
    }


def chunk(delta: Json, *, finish: str | None = None, choice: Json | None = None, **more: Json) -> Json:
    one = {"index": 0, "delta": delta, "finish_reason": finish, **(choice or {})}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [one], **more}


def stream(*chunks: Json, done: bool = True) -> bytes:
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)
    return body + b"data: [DONE]\n\n" if done else body


def whole(name: str, model: str, body: Json) -> Response:
    return CODEC.decode_response(json.dumps(body).encode(), Restore(capabilities=declared(name, model)))


def streamed(name: str, model: str, data: bytes, step: int | None = None) -> Response:
    decoder = CODEC.stream_decoder(Restore(capabilities=declared(name, model)))
    pieces = [data] if step is None else [data[i : i + step] for i in range(0, len(data), step)]
    return fold([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.close()])


def said(response: Response) -> list[tuple[str, str]]:
    return [
        (type(part).__name__, str(part.text))
        for part in response.candidates[0].parts
        if isinstance(part, Text | Reasoning)
    ]


def test_usage_inside_a_choice_is_read_once() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 4}
    last = chunk({}, finish="stop", choice={"usage": usage})
    for more in ([], [{**chunk({}), "choices": [], "usage": usage}]):
        found = streamed("moonshot", "kimi-k2", stream(chunk({"content": "hi"}), last, *more)).usage
        assert found is not None
        assert (found.input, found.cache_read, found.output) == (6, 4, 5)


def test_usage_beside_the_chunk_is_read() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    last = chunk({}, finish="stop", x_groq={"id": "r", "usage": usage})
    found = streamed("groq", "m", stream(chunk({"content": "hi"}), last)).usage
    assert found is not None
    assert (found.input, found.output) == (10, 5)


def test_reasoning_beside_the_completion_is_not_taken_from_it() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 20}}
    body = answer({"content": "hi"}, usage=usage)
    found = {name: whole(name, "m", body).usage for name in ("xai", "groq")}
    assert [(one.output, one.reasoning) for one in found.values() if one] == [(50, 20), (30, 20)]


def test_the_hit_and_the_miss_of_a_cache_are_the_input() -> None:
    usage = {"prompt_tokens": 10, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3, "completion_tokens": 5}
    found = whole("deepseek", "m", answer({"content": "hi"}, usage=usage)).usage
    assert found is not None
    assert (found.input, found.cache_read) == (3, 7)


@pytest.mark.parametrize(("name", "cost"), [("openrouter", 0.25), ("perplexity", {"total_cost": 0.25})])
def test_a_price_that_is_told_is_kept(name: str, cost: Json) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cost": cost, "num_search_queries": 2}
    body = answer({"content": "hi"}, usage=usage)
    last = chunk({}, finish="stop", usage=usage)
    for response in (whole(name, "m", body), streamed(name, "m", stream(chunk({"content": "hi"}), last))):
        assert response.usage is not None
        assert response.usage.cost == 0.25
        assert response.usage.server_tools == {"web_search": 2}
    assert whole("groq", "m", body).usage.cost is None  # type: ignore[union-attr]


SOURCES = [
    ("perplexity", {"search_results": [{"title": "T", "url": "https://a.example", "date": "2026-01-01"}],
                    "citations": ["https://a.example"]}, "T"),
    ("perplexity", {"citations": ["https://a.example"]}, None),
    ("xai", {"citations": ["https://a.example"]}, None),
    ("zhipu", {"web_search": [{"title": "T", "link": "https://a.example", "content": "c", "refer": "ref_1"}]}, "T"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "members", "title"), SOURCES)
def test_sources_are_citations_of_the_text(name: str, members: Json, title: str | None) -> None:
    body = answer({"content": "It is."}, **members)
    data = stream(chunk({"content": "It "}, **members), chunk({"content": "is."}, **members), chunk({}, finish="stop"))
    for response in (whole(name, "m", body), streamed(name, "m", data), streamed(name, "m", data, 7)):
        (text,) = response.candidates[0].parts
        assert isinstance(text, Text)
        assert text.citations == [Citation(UrlSource("https://a.example", title))]
        assert not response.extras


def test_sources_without_a_text_are_reported() -> None:
    body = answer({"content": None, "refusal": "no"}, citations=["https://a.example"])
    assert "/citations" in whole("xai", "m", body).extras


TAGGED = [
    ("<think>Hm.</think>Yes.", [("Reasoning", "Hm."), ("Text", "Yes.")]),
    ("\n<think>\nHm.\n</think>\n\nYes <think>no</think>.", [("Reasoning", "Hm."), ("Text", "Yes <think>no</think>.")]),
    ("<think></think>Yes.", [("Text", "Yes.")]),
    ("<think>Hm < b </thin", [("Reasoning", "Hm < b </thin")]),
    ("Yes.", [("Text", "Yes.")]),
    ("<thinker> is a word", [("Text", "<thinker> is a word")]),
    ("<thi", [("Text", "<thi")]),
]


@pytest.mark.parametrize(("content", "parts"), TAGGED)
def test_reasoning_between_tags_is_reasoning_wherever_the_stream_is_cut(content: str, parts: Json) -> None:
    assert said(whole("perplexity", "sonar-reasoning", answer({"content": content}))) == parts
    for step in range(1, len(content) + 1):
        deltas = [chunk({"content": content[i : i + step]}) for i in range(0, len(content), step)]
        assert said(streamed("perplexity", "sonar-reasoning", stream(*deltas, chunk({}, finish="stop")))) == parts


def test_a_tag_that_only_closes_ends_reasoning_where_that_is_declared() -> None:
    capabilities = Capabilities(think_tags="closing")
    body = json.dumps(answer({"content": "Hm.</think>Yes."})).encode()
    response = CODEC.decode_response(body, Restore(capabilities=capabilities))
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]


def test_tags_are_text_where_nothing_is_declared() -> None:
    assert said(whole("groq", "m", answer({"content": TAGGED[0][0]}))) == [("Text", TAGGED[0][0])]


def test_a_chunk_that_repeats_the_whole_answer_adds_nothing() -> None:
    repeated = answer({"content": "It is."})
    data = stream(chunk({"content": "It "}), chunk({"content": "is."}), repeated, done=False)
    assert said(streamed("minimax", "MiniMax-M2", data)) == [("Text", "It is.")]


ENTRIES = [
    {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
    {
        "type": "reasoning.encrypted",
        "data": "ZW5j",
        "id": "rs_1",
        "format": "openai-responses-v1",
        "index": 1,
        "x": 1.0,
    },
]


def test_entries_of_reasoning_come_back_byte_by_byte() -> None:
    message = {"content": "Yes.", "reasoning": "Hm.", "reasoning_details": ENTRIES}
    response = whole("openrouter", "m", answer(message))
    assert said(response)[0] == ("Reasoning", "Hm.")
    assert replayed("openrouter", response)["reasoning_details"] == ENTRIES
    raw = [opaque.data for part in response.candidates[0].parts for opaque in part.opaque]
    assert raw == [json.dumps(entry) for entry in ENTRIES]


@pytest.mark.parametrize("told", [False, True])
def test_entries_of_a_stream_come_back_joined(told: bool) -> None:  # noqa: FBT001
    def piece(text: str, **more: Json) -> Json:
        entry = {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0, **more}
        return chunk({"reasoning_details": [entry], **({"reasoning": text} if told else {})})

    sealed = chunk({"reasoning_details": [ENTRIES[1]]})
    data = stream(
        piece("H"),
        piece("m."),
        piece("", signature="c2ln"),
        sealed,
        chunk({"content": "Yes."}),
        chunk({}, finish="stop"),
    )
    for step in (None, 1, 13):
        response = streamed("openrouter", "m", data, step)
        assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
        assert replayed("openrouter", response)["reasoning_details"] == ENTRIES
        assert not response.extras


def test_entries_of_another_vendor_stay_away() -> None:
    response = whole("openrouter", "m", answer({"content": "Yes.", "reasoning": "Hm.", "reasoning_details": ENTRIES}))
    message = replayed("groq", response)
    assert "reasoning_details" not in message
    assert message["reasoning"] == "Hm."


def test_entries_that_repeat_what_was_said_say_it_once() -> None:
    def piece(text: str) -> Json:
        return chunk({"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]})

    data = stream(piece("H"), piece("Hm"), piece("Hm."), chunk({"content": "Yes."}), chunk({}, finish="stop"))
    response = streamed("minimax", "MiniMax-M2", data)
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
    entry = {"type": "reasoning.text", "text": "Hm.", "index": 0}
    assert replayed("minimax", response)["reasoning_details"] == [entry]


def replayed(name: str, response: Response) -> Json:
    """The message of an answer, as it is after a client of Messages has had it in its hands."""
    small = {"model": "m", "max_tokens": 100, "messages": [HI]}
    asked = CODECS[MESSAGES].decode_request(Incoming(PATHS[MESSAGES], {}, json.dumps(small).encode()))
    seen = json.loads(CODECS[MESSAGES].encode_response(response, AnswerContext(asked, 1, "x"), []))
    body, _ = sent(name, "m", MESSAGES, {"messages": [HI, {"role": "assistant", "content": seen["content"]}, HI]})
    return body["messages"][1]


CHUNKS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "c2ln", "closed": True},
    {"type": "text", "text": "Yes."},
    {"type": "reference", "reference_ids": [1]},
]


def test_reasoning_among_the_parts_of_the_content_comes_back_there() -> None:
    response = whole("mistral", "magistral-medium", answer({"content": CHUNKS}))
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
    assert replayed("mistral", response)["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "c2ln"},
        CHUNKS[1],
    ]
    assert set(response.extras) == {"/choices/0/message/content/2"}  # to be reported
    deltas = [
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "."}], "signature": "c2ln"}]},
        {"content": "Yes."},
        {"content": [CHUNKS[2]]},
    ]
    response = streamed("mistral", "magistral-medium", stream(*map(chunk, deltas), chunk({}, finish="stop")))
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
    assert replayed("mistral", response)["content"][0]["signature"] == "c2ln"
    assert len(response.extras) == 1


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("sensitive", "content_filter"),
        ("model_context_window_exceeded", "context_window"),
        ("model_length", "context_window"),
        ("eos", "stop"),
        ("", "stop"),
    ],
)
def test_words_of_compatible_servers_for_the_end(word: str, kind: str) -> None:
    data = stream(chunk({"content": "hi"}), chunk({}, finish=word))
    for response in (whole("zhipu", "m", answer({"content": "hi"}, finish=word)), streamed("zhipu", "m", data)):
        stop = response.candidates[0].stop
        assert (stop.kind if stop is not None else "stop") == kind


@pytest.mark.parametrize("word", ["network_error", "insufficient_system_resource", "error", "abort", "timeout"])
def test_an_answer_that_ended_in_a_failure_is_one(word: str) -> None:
    with pytest.raises(FaultError) as raised:
        whole("zhipu", "m", answer({"content": "hi"}, finish=word))
    assert (raised.value.fault.kind, raised.value.fault.whose) == ("upstream_error", "upstream")
    broken = streamed("zhipu", "m", stream(chunk({"content": "hi"}), chunk({}, finish=word)))
    assert broken.fault is not None


@pytest.mark.parametrize("finish", ["", "stop"])
def test_a_call_ends_as_a_call_whatever_the_word(finish: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    response = whole("xai", "grok-4", answer({"content": "", "tool_calls": [call]}, finish=finish))
    stop = response.candidates[0].stop
    assert stop is None or stop.kind == "tool_use"
    data = stream(chunk({"tool_calls": [{"index": 0, **call}]}), chunk({}, finish=finish))
    stop = streamed("xai", "grok-4", data).candidates[0].stop
    assert stop is not None
    assert stop.kind == "tool_use"


def test_blank_lines_before_an_answer_are_nothing() -> None:
    body = b"\n\n\n" + json.dumps(answer({"content": "hi"})).encode()
    restore = Restore(capabilities=declared("deepseek", "deepseek-flash"))
    assert said(CODEC.decode_response(body, restore)) == [("Text", "hi")]
    data = b": keep-alive\n\n\n\n: keep-alive\n\n" + stream(chunk({"content": "hi"}), chunk({}, finish="stop"))
    assert said(streamed("deepseek", "deepseek-flash", data)) == [("Text", "hi")]
