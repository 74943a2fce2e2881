"""What the nightly profile has found, each in its smallest case."""

import json
from collections import Counter

import pytest
from tests.laws.protocols import others

from twoapi.ir import Loss
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.testing.laws import answers, streams
from twoapi.testing.laws import requests as laws
from twoapi.testing.laws.subject import decoded
from twoapi.testing.replies import Json

HI = {"role": "user", "content": "hi"}
CALLS = [{"type": "function_call", "call_id": f"call_{number}", "name": "f", "arguments": "{}"} for number in (1, 2)]
RESULTS = [{"type": "function_call_output", "call_id": f"call_{number}", "output": "ok"} for number in (1, 2)]
SHOT = {"type": "computer_call_output", "call_id": "call_3", "output": {"type": "computer_screenshot", "file_id": "f"}}

MARKED = {
    "type": "image_url",
    "image_url": {"url": "https://e.example/a.png"},
    "prompt_cache_breakpoint": {"mode": "explicit"},
}

CASES: dict[str, tuple[str, dict[str, Json]]] = {
    "a function tells no parameters": (
        "openai-chat",
        {
            "model": "m",
            "messages": [HI],
            "tools": [{"type": "function", "function": {"name": "f", "description": ""}}],
            "max_completion_tokens": 1,
        },
    ),
    "state is asked for and reasoning switched off": (
        "openai-responses",
        {
            "model": "m",
            "input": "hi",
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": "none"},
            "store": False,
        },
    ),
    "nothing goes out of the turn behind the results": (
        "gemini",
        {
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "id": "call_1"}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "id": "call_1", "response": {}}}]},
                {"role": "model", "parts": [{"text": ""}]},
                {"role": "user", "parts": [{"text": "and then?"}]},
            ],
            "generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}},
        },
    ),
    "the first of too many marks behind equal parts is left out": (
        "openai-chat",
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, *[MARKED] * 5]}]},
    ),
    "the choice is among one tool": (
        "openai-responses",
        {
            "model": "m",
            "input": "hi",
            "tools": [{"type": "function", "name": "0", "parameters": {"type": "object"}}],
            "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "0"}]},
        },
    ),
    "what is dropped stands between two calls": (
        "openai-responses",
        {"model": "m", "input": [HI, CALLS[0], SHOT, CALLS[1], *RESULTS]},
    ),
    "what is dropped stands between a call and its result": (
        "openai-responses",
        {"model": "m", "input": [HI, *CALLS, RESULTS[0], SHOT, RESULTS[1]]},
    ),
    "what is dropped stands between two answers": (
        "openai-responses",
        {
            "model": "m",
            "input": [
                HI,
                {"role": "assistant", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]},
                {"role": "assistant", "content": "c"},
                CALLS[0],
                RESULTS[0],
            ],
        },
    ),
    "sealed state is wished for beside a store": (
        "openai-responses",
        {"model": "m", "input": "hi", "include": ["reasoning.encrypted_content"], "store": True},
    ),
    "what is wished for beside a store is foreign": (
        "openai-responses",
        {"model": "m", "input": "hi", "include": ["file_search_call.results"], "store": True},
    ),
    "the first of two refusals is blank": (
        "openai-responses",
        {
            "model": "m",
            "input": [
                HI,
                {"role": "assistant", "content": [{"type": "refusal", "refusal": " "}]},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
                HI,
            ],
        },
    ),
    "two objects of tools have the same unknown member": (
        "gemini",
        {
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "tools": [
                {"functionDeclarations": [{"name": "f"}], "vendor/y~z": True},
                {"functionDeclarations": [{"name": "g"}], "vendor/y~z": False},
            ],
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_in_silence(name: str) -> None:
    client, document = CASES[name]
    codec, body = CODECS[client], json.dumps(document).encode()
    laws.request_identity(codec, body)
    for other in others(codec):
        laws.round_trip(codec, other, body)
        laws.no_leak(codec, other, body)
        laws.vendor_accepts(codec, other, body)
        laws.idempotence(codec, other, body)
        laws.pairing(codec, other, body)


@pytest.mark.parametrize("target", [name for name in UPSTREAM_CODECS if name != "openai-responses"])
@pytest.mark.parametrize("items", [[CALLS[0], SHOT, CALLS[1], *RESULTS], [*CALLS, RESULTS[0], SHOT, RESULTS[1]]])
def test_what_is_dropped_cuts_no_turn(target: str, items: list[Json]) -> None:
    def sent(said: list[Json]) -> tuple[bytes, list[Loss]]:
        losses: list[Loss] = []
        tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
        document = {"model": "m", "max_output_tokens": 9, "tools": tools, "input": [HI, *said]}
        request = decoded(CODECS["openai-responses"], json.dumps(document).encode())
        outgoing = UPSTREAM_CODECS[target].encode_request(request, "m", Capabilities(), losses).outgoing
        return outgoing.body, losses

    body, losses = sent(items)
    plain, usual = sent([item for item in items if item is not SHOT])
    assert body == plain
    told = [loss for loss in losses if "turns of the model" not in loss.detail]  # which stood apart
    assert Counter(loss.kind for loss in told) - Counter(loss.kind for loss in usual) == {"dropped": 1}


def test_sources_come_through_beside_grounding_that_is_kept_as_it_was() -> None:
    """Grounding that names a source twice is kept as a whole; what was recited stands beside it all the same."""
    chunk = {"web": {"uri": "https://e.example", "title": "e"}}
    support = {"segment": {"endIndex": 2, "text": "hi"}, "groundingChunkIndices": [0]}
    candidate = {
        "index": 0,
        "finishReason": "STOP",
        "content": {"role": "model", "parts": [{"text": "hi"}]},
        "groundingMetadata": {"groundingChunks": [chunk, chunk], "groundingSupports": [support]},
        "citationMetadata": {"citations": [{"startIndex": 0, "endIndex": 2, "uri": "https://e.example"}]},
    }
    usage = {"promptTokenCount": 1, "totalTokenCount": 1}
    document = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}
    body = json.dumps(document).encode()
    answers.response_identity(CODECS["gemini"], body)
    streams.stream_identity(CODECS["gemini"], b"data: " + body + b"\n\n")
