"""Rows G1-G4, G10, G14-G17 and G19 once more: parameters of Gemini and of Responses."""

import json

import pytest
from tests.gateway.wire import PROTOCOLS
from tests.peers.gateways import GEMINI, asks, post
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_GEM,
    GEM_TO_CHAT,
    GEM_TO_GEM,
    GEM_TO_MSG,
    MSG_TO_GEM,
    RESP_TO_CHAT,
    RESP_TO_GEM,
    RESP_TO_MSG,
    USER,
    Json,
    Pair,
)
from tests.peers.vendors import gemini_answer, gemini_call, gemini_result, gemini_tool

from twoapi.ir import FaultError
from twoapi.protocols.registry import CODECS
from twoapi.testing.canned import whole

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
QUESTION = {"role": "user", "parts": [{"text": "hi"}]}
GEM_TO_RESP = Pair(CODECS["gemini"], CODECS["openai-responses"])


TIERS = [("auto", None), ("default", "standard"), ("flex", "flex"), ("priority", "priority")]


@pytest.mark.parametrize(("tier", "sent"), TIERS)
def test_g01_a_tier_never_becomes_a_dearer_one_at_google(tier, sent):
    fields, losses = CHAT_TO_GEM.fields({"service_tier": tier})
    assert fields == ({} if sent is None else {"serviceTier": sent})
    assert losses == ([("/service_tier", "info")] if sent is None else [])
    assert MSG_TO_GEM.fields({"service_tier": "auto"}) == ({}, [("/service_tier", "info")])


CONFIG = {
    "topK": 5,
    "seed": 7,
    "presencePenalty": 0.5,
    "frequencyPenalty": 0.25,
    "responseLogprobs": True,
    "logprobs": 2,
}
ASKED: dict[str, Json] = {
    "contents": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [gemini_call("f", {"a": "x"}, "c1", thoughtSignature="U0lH")]},
        {"role": "user", "parts": [gemini_result("f", {"output": "ok"}, "c1")]},
    ],
    "generationConfig": {**CONFIG, "thinkingConfig": {"thinkingLevel": "LOW"}},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "tools": [{"googleSearch": {}}, gemini_tool("f", SCHEMA), gemini_tool("g", SCHEMA)],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
}


def test_g02_nothing_that_a_gemini_client_asks_is_gone_without_a_word():
    body, losses = GEM_TO_CHAT.request(ASKED)
    assert {name: body[name] for name in ("seed", "presence_penalty", "frequency_penalty", "top_logprobs")} == {
        "seed": 7,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "top_logprobs": 2,
    }
    assert (body["logprobs"], body["reasoning_effort"]) == (True, "low")
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"] == "c1"
    assert {path for path, _ in losses} == {
        "/tools/0/googleSearch",
        "/generationConfig/topK",
        "/safetySettings",
        "/contents/1/parts/0",
    }
    body, losses = GEM_TO_MSG.request({**ASKED, "generationConfig": CONFIG})
    assert (body["top_k"], body["tool_choice"]) == (5, {"type": "tool", "name": "f"})
    lost = {path for path, _ in losses}
    names = set(CONFIG) - {"topK"}
    assert lost >= {f"/generationConfig/{name}" for name in names} | {"/tools/0/googleSearch", "/safetySettings"}


def test_g03_an_answer_in_json_is_asked_for_at_gemini():
    fields, losses = CHAT_TO_GEM.fields({"response_format": {"type": "json_object"}})
    assert fields["generationConfig"]["responseMimeType"] == "application/json"
    assert losses == []


def test_g04_stop_strings_reach_gemini_and_those_over_its_limit_are_reported():
    fields, losses = MSG_TO_GEM.fields({"stop_sequences": list("abcdef")})
    assert fields["generationConfig"]["stopSequences"] == list("abcde")
    assert losses == [("/stop_sequences/5", "dropped")]


def test_g10_ratings_and_likelihoods_stay_with_gemini_and_are_reported_elsewhere():
    answer = gemini_answer("x")
    extra = {"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}], "avgLogprobs": -0.1}
    answer["candidates"][0] |= extra
    (candidate,) = GEM_TO_GEM.whole(answer)[0]["candidates"]
    assert {name: candidate[name] for name in extra} == extra
    for pair in (CHAT_TO_GEM, MSG_TO_GEM, RESP_TO_GEM):
        losses = pair.whole(answer)[1]
        assert losses == [("/candidates/0/safetyRatings", "dropped"), ("/candidates/0/avgLogprobs", "dropped")]


FORM = {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}


def test_g14_the_form_of_an_answer_crosses_from_responses():
    asked = {"model": "m", "input": "hi", "text": FORM}
    form = {"name": "n", "schema": SCHEMA, "strict": True}
    body, losses = RESP_TO_CHAT.request(asked)
    assert body["response_format"] == {"type": "json_schema", "json_schema": form}
    assert losses == []
    assert RESP_TO_MSG.request(asked)[0]["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    config = RESP_TO_GEM.request(asked)[0]["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", SCHEMA)


def test_g15_what_messages_cannot_take_of_a_response_request_is_reported():
    blob = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "BLOB"}
    asked = {"model": "m", "input": [USER, blob, USER], "max_output_tokens": 99}
    settings = {"metadata": {"a": "b"}, "prompt_cache_key": "k", "top_logprobs": 2}
    asked |= {**settings, "include": ["reasoning.encrypted_content", "message.output_text.logprobs"]}
    body, losses = RESP_TO_MSG.request(asked)
    assert set(body) == {"model", "max_tokens", "messages"}
    assert "BLOB" not in json.dumps(body)
    assert {path for path, _ in losses} >= {"/input/1", *(f"/{name}" for name in settings)}


RICH: dict[str, Json] = {
    "contents": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [gemini_call("f", {"a": "x"}, "c1")]},
        {"role": "user", "parts": [gemini_result("f", {"output": "ok"}, "c1")]},
    ],
    "systemInstruction": {"parts": [{"text": "S"}]},
    "tools": [gemini_tool("f", SCHEMA)],
    "generationConfig": {
        "temperature": 0.5,
        "topP": 0.9,
        "maxOutputTokens": 50,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "thinkingConfig": {"thinkingLevel": "LOW"},
    },
}


def test_g16_a_rich_request_of_a_gemini_client_arrives_at_both_of_openais_services():
    named = [("/generationConfig/responseJsonSchema", "info")]
    form = {"name": "response", "schema": SCHEMA, "strict": True}
    body, losses = GEM_TO_CHAT.request(RICH)
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": "x"}'}}
    assert body["messages"] == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]
    assert (body["temperature"], body["top_p"], body["max_completion_tokens"]) == (0.5, 0.9, 50)
    assert (body["reasoning_effort"], body["response_format"]) == ("low", {"type": "json_schema", "json_schema": form})
    assert losses == named
    body, losses = GEM_TO_RESP.request(RICH)
    assert body["instructions"] == "S"
    assert [item["type"] for item in body["input"]] == ["message", "function_call", "function_call_output"]
    assert (body["temperature"], body["top_p"], body["max_output_tokens"]) == (0.5, 0.9, 50)
    assert (body["reasoning"], body["text"]) == ({"effort": "low"}, {"format": {"type": "json_schema", **form}})
    assert losses == named


@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_g16_a_gemini_client_is_answered_by_every_upstream(running, upstream):
    running.one.reply(whole(upstream))
    answer = post(running, asks(GEMINI, upstream, stream=False)).json()
    (candidate,) = answer["candidates"]
    assert (candidate["content"]["parts"], candidate["finishReason"]) == ([{"text": "hello"}], "STOP")
    counts = answer["usageMetadata"]
    assert (counts["promptTokenCount"], counts["candidatesTokenCount"], counts["totalTokenCount"]) == (3, 2, 5)


def test_g17_several_answers_are_asked_for_and_all_arrive_or_are_refused():
    fields, losses = CHAT_TO_GEM.fields({"n": 2})
    assert fields["generationConfig"]["candidateCount"] == 2
    assert losses == []
    answer = gemini_answer("x")
    answer["candidates"].append({**gemini_answer("y")["candidates"][0], "index": 1})
    choices = CHAT_TO_GEM.whole(answer)[0]["choices"]
    assert [(choice["index"], choice["message"]["content"]) for choice in choices] == [(0, "x"), (1, "y")]
    body = {"contents": [QUESTION], "generationConfig": {"candidateCount": 2}}
    assert GEM_TO_CHAT.request(body)[0]["n"] == 2
    for pair in (GEM_TO_MSG, GEM_TO_RESP):
        with pytest.raises(FaultError) as raised:
            pair.request(body)
        assert (raised.value.fault.http_status, raised.value.fault.param) == (400, "/generationConfig/candidateCount")


def test_g19_an_image_of_the_web_is_refused_where_nobody_fetches_it():
    image = {"type": "image_url", "image_url": {"url": "https://a.org/x.png"}}
    asked = {"messages": [{"role": "user", "content": [image]}]}
    with pytest.raises(FaultError) as raised:
        CHAT_TO_GEM.fields(asked, url_media=False)
    assert raised.value.fault.param == "/messages/0/content/0"
    fields, losses = CHAT_TO_GEM.fields(asked)  # the service of today does
    (part,) = fields["contents"][0]["parts"]
    assert part == {"fileData": {"mimeType": "image/png", "fileUri": "https://a.org/x.png"}}
    assert losses == []
    assert CHAT_TO_CHAT.fields(asked)[0] == {"messages": asked["messages"]}
