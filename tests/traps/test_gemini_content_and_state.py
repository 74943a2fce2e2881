"""Traps 58, 59, 61, 70 to 72, 76, 106, 111, 117, 118, 125 to 128: content, state, settings and counts of Gemini."""

import json

import pytest
from tests.gateway.wire import ALIASES
from tests.peers.gateways import asks, post
from tests.peers.vendors import gemini_answer, gemini_call, response_usage
from tests.traps.conversion import (
    CHAT,
    GEMINI,
    MESSAGES,
    RESPONSES,
    SCHEMA,
    assistant,
    chat_answer,
    chat_body,
    chat_result,
    chat_tool,
    completion,
    convert_answer,
    convert_request,
    convert_stream,
    deltas,
    gemini_body,
    messages_body,
    messages_tool,
    refused,
    said,
    text,
    tool_result,
    tool_use,
    user,
)

from twoapi.testing.canned import whole
from twoapi.testing.replies import json_reply

SKIP = {"thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="}  # the vendor's word for "I have none"
TOOL = {"type": "function", "name": "f", "parameters": SCHEMA}


def in_gemini(**fields):
    return {"contents": [said("user", "hi")], **fields}


def told(body):
    """A chat completion without what every answer has of its own."""
    return {**body, "created": 0}


def test_058_sound_that_is_inline_is_heard_as_sound():
    sound = {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}}
    body = gemini_body(said("user", "x", sound))

    heard = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
    assert convert_request(GEMINI, CHAT, body) == ({"model": "m", "messages": [user([text("x"), heard])]}, [])
    status, error = refused(GEMINI, MESSAGES, body)
    assert (status, error["error"]["message"]) == (400, "audio input is not supported by the target")


CODE = [
    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
    {"text": "One."},
]


def test_059_code_that_the_vendor_ran_is_told_as_fenced_text():
    body = gemini_body(said("user", "q"), said("model", *CODE), said("user", "r"))
    fences = ["```python\nprint(1)\n```", "```\n1\n\n```", "One."]
    lost = [("/contents/1/parts/0", "emulated"), ("/contents/1/parts/1", "emulated")]

    sent, losses = convert_request(GEMINI, CHAT, body)
    assert sent["messages"][1] == assistant("\n\n".join(fences))
    assert losses == lost
    sent, losses = convert_request(GEMINI, MESSAGES, body)
    assert sent["messages"][1] == assistant([text(fence) for fence in fences])
    assert losses[1:] == lost
    sent, losses = convert_request(GEMINI, RESPONSES, body)
    assert [item["content"] for item in sent["input"][1:4]] == fences
    assert losses == lost
    assert convert_request(GEMINI, GEMINI, body) == (body, [])


def test_061_the_type_of_an_image_by_url_is_its_names_or_said_to_be_assumed():
    def image(url):
        return chat_body(user([{"type": "image_url", "image_url": {"url": url}}]))

    def file(url):
        return {"contents": [said("user", {"fileData": {"mimeType": "image/png", "fileUri": url}})]}

    assert convert_request(CHAT, GEMINI, image("https://a.org/x.png")) == (file("https://a.org/x.png"), [])
    assert convert_request(CHAT, GEMINI, image("https://a.org/x")) == (
        file("https://a.org/x"),
        [("/messages/0/content/0", "synthesized")],
    )
    status, error = refused(CHAT, GEMINI, image("https://a.org/x.png"), url_media=False)
    assert (status, error["error"]["param"]) == (400, "/messages/0/content/0")


# --- Thought signatures

SIGNED = gemini_answer(
    {"text": "hm", "thought": True},
    gemini_call("f", {"x": 1}, "c1", thoughtSignature="U0lH"),
    gemini_call("f", {"x": 2}, "c2"),
)
SIGNED_CALLS = [gemini_call("f", {"x": 1}, "c1", thoughtSignature="U0lH"), gemini_call("f", {"x": 2}, "c2")]


def replayed_by_chat(seen):
    calls = seen["choices"][0]["message"]["tool_calls"]
    results = [chat_result(call["id"]) for call in calls]
    return {"messages": [user("q"), assistant(None, tool_calls=calls), *results], "tools": [chat_tool()]}


def replayed_by_messages(seen):
    uses = [block for block in seen["content"] if block["type"] == "tool_use"]
    results = [tool_result(use["id"]) for use in uses]
    return {"max_tokens": 9, "messages": [user("q"), assistant(uses), user(results)], "tools": [messages_tool()]}


def replayed_by_responses(seen):
    calls = [item for item in seen["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "ok"} for call in calls]
    return {"input": [user("q"), *calls, *results], "tools": [TOOL]}


@pytest.mark.parametrize(
    ("client", "first", "replayed"),
    [
        (CHAT, {"messages": [user("q")], "tools": [chat_tool()]}, replayed_by_chat),
        (MESSAGES, {"max_tokens": 9, "messages": [user("q")], "tools": [messages_tool()]}, replayed_by_messages),
        (RESPONSES, {"input": [user("q")], "tools": [TOOL]}, replayed_by_responses),
    ],
)
def test_070_the_signature_of_a_call_comes_back_on_the_same_part(running, client, first, replayed):
    running.one.reply(json_reply(SIGNED), whole(GEMINI))
    seen = running.post(client, {"model": "gemini", **first})
    assert len(json.dumps(seen.json())) < 8000
    assert all(
        len(call["id"]) <= 40 for call in seen.json().get("choices", [{}])[0].get("message", {}).get("tool_calls", ())
    )

    later = running.post(client, {"model": "gemini", **replayed(seen.json())})

    assert later.status == 200
    (sent,) = [content for content in running.one.requests[-1].json()["contents"] if content["role"] == "model"]
    assert [part for part in sent["parts"] if "functionCall" in part] == SIGNED_CALLS


def test_071_calls_of_another_vendor_have_the_documented_word_on_the_first_alone():
    thinking = {"type": "thinking", "thinking": "hm", "signature": "ANTHROPICS"}
    body = messages_body(
        user("q"),
        assistant([thinking, tool_use("a"), tool_use("b")]),
        user([tool_result("a"), tool_result("b")]),
        tools=[messages_tool()],
    )

    sent, losses = convert_request(MESSAGES, GEMINI, body)

    assert sent["contents"][1] == said(
        "model", {"text": "hm", "thought": True}, gemini_call("f", {}, "a", **SKIP), gemini_call("f", {}, "b")
    )
    assert "ANTHROPICS" not in json.dumps(sent)
    assert losses == [("/messages/1/content/0", "reasoning_foreign"), ("/messages/1/content/1", "synthesized")]
    # An older model asks for none, and gets none.
    sent, losses = convert_request(MESSAGES, GEMINI, body, thought_signatures=False)
    assert "thoughtSignature" not in json.dumps(sent)
    assert losses == [("/messages/1/content/0", "reasoning_foreign")]


THOUGHTS = gemini_body(said("user", "q"), said("model", {"text": "hmm", "thought": True}, "x"), said("user", "z"))


def test_072_thoughts_of_the_history_are_reasoning_and_never_words_of_the_answer():
    sent, losses = convert_request(GEMINI, CHAT, THOUGHTS)
    assert sent["messages"][1] == assistant("x")
    assert losses == [("/contents/1/parts/0", "dropped")]
    sent, losses = convert_request(GEMINI, CHAT, THOUGHTS, reasoning_field="reasoning_content")
    assert sent["messages"][1] == assistant("x", reasoning_content="hmm")
    assert losses == []
    sent, losses = convert_request(GEMINI, RESPONSES, THOUGHTS)
    assert "hmm" not in json.dumps(sent)
    assert losses == [("/contents/1/parts/0", "dropped")]
    sent, losses = convert_request(GEMINI, MESSAGES, THOUGHTS)
    assert sent["messages"][1] == assistant([text("x")])
    assert losses[1:] == [("/contents/1/parts/0", "reasoning_foreign")]


def test_072_thoughts_of_an_answer_are_reasoning_too():
    answer = gemini_answer({"text": "hmm", "thought": True}, "x")

    seen, losses = convert_answer(GEMINI, CHAT, answer)
    assert (told(seen), losses) == (completion({"content": "x", "reasoning_content": "hmm"}, "stop", model="m-1"), [])
    blocks = convert_answer(GEMINI, MESSAGES, answer)[0]["content"]
    assert [(block["type"], block.get("text")) for block in blocks] == [("thinking", None), ("text", "x")]


@pytest.mark.parametrize(
    ("capabilities", "config"),
    [
        ({}, {"thinkingLevel": "XHIGH"}),
        ({"thinking_levels": ("low", "high")}, {"thinkingLevel": "HIGH"}),
        ({"thinking_levels": ()}, {"thinkingBudget": 32768}),
        ({"thinking_levels": (), "thinking_budget": (128, 8192)}, {"thinkingBudget": 8192}),
    ],
)
def test_076_an_effort_is_a_level_that_the_model_knows_or_a_budget_that_it_takes(capabilities, config):
    assert convert_request(CHAT, GEMINI, chat_body(reasoning_effort="max"), **capabilities) == (
        in_gemini(generationConfig={"thinkingConfig": config}),
        [("/reasoning_effort", "approximated")],
    )


# --- Ends without an answer

BLOCKED = {
    "promptFeedback": {"blockReason": "SAFETY"},
    "modelVersion": "m-1",
    "responseId": "r-1",
    "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
}
NOTHING = [
    gemini_answer(finish="SAFETY"),
    {**gemini_answer(), "candidates": [{"finishReason": "SAFETY", "content": {}}]},
    {**gemini_answer(), "candidates": [{"finishReason": "SAFETY", "content": {"role": "model"}}]},
    BLOCKED,
]


@pytest.mark.parametrize("answer", NOTHING, ids=["no content", "empty content", "no parts", "prompt"])
def test_106_a_filtered_answer_of_gemini_is_an_answer(answer):
    seen, _ = convert_answer(GEMINI, CHAT, answer)
    assert seen["choices"][0]["finish_reason"] == "content_filter"
    assert seen["choices"][0]["message"]["content"] == ""
    seen, _ = convert_answer(GEMINI, MESSAGES, answer)
    assert (seen["content"], seen["stop_reason"]) == ([], "refusal")
    seen, _ = convert_answer(GEMINI, RESPONSES, answer)
    assert (seen["status"], seen["incomplete_details"], seen["output"]) == (
        "incomplete",
        {"reason": "content_filter"},
        [],
    )


def test_106_so_it_is_in_a_stream():
    frame = b"data: " + json.dumps(BLOCKED).encode() + b"\r\n\r\n"

    chunks, losses = convert_stream(GEMINI, CHAT, [frame])

    assert [told(chunk) if chunk != "[DONE]" else chunk for chunk in chunks] == [
        *deltas(({}, "content_filter"), begun_with="", model="m-1"),
        "[DONE]",
    ]
    assert losses == [("/promptFeedback", "dropped")]  # why, in the vendor's words


@pytest.mark.parametrize("client", ALIASES)
def test_106_no_candidates_and_no_reason_is_the_upstreams_error_and_no_crash(running, client):
    nothing = json_reply({"candidates": [], "modelVersion": "m-1"})
    running.one.reply(nothing, nothing)

    answer = post(running, asks(client, GEMINI, stream=False))

    assert (answer.status, answer.json()["error"]["message"]) == (502, "the upstream's answer has no candidates")


# --- Counts, settings, spellings, citations


def test_111_reasoning_and_cached_tokens_are_counted_apart():
    counts = {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "total_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }

    seen, losses = convert_answer(CHAT, GEMINI, chat_answer({"content": "x"}, usage=counts))

    assert (seen["usageMetadata"], losses) == (
        {
            "promptTokenCount": 10,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 15,
            "thoughtsTokenCount": 5,
            "totalTokenCount": 30,
        },
        [],
    )
    back, _ = convert_answer(GEMINI, RESPONSES, gemini_answer("x", usageMetadata=seen["usageMetadata"]))
    assert back["usage"] == response_usage(10, 20, cached=4, reasoning=5)


def test_117_no_key_of_another_protocol_leaks_into_gemini():
    body = messages_body(
        service_tier="standard_only", container="c1", speed="fast", top_k=5, inference_geo="us", made_up={"a": 1}
    )

    sent, losses = convert_request(MESSAGES, GEMINI, body)

    assert sent == in_gemini(generationConfig={"maxOutputTokens": 4000, "topK": 5}, serviceTier="standard")
    assert sorted(losses) == [(f"/{name}", "dropped") for name in ("container", "inference_geo", "made_up", "speed")]


CONFIG = {
    "seed": 7,
    "topK": 5,
    "candidateCount": 2,
    "thinkingConfig": {"thinkingLevel": "HIGH"},
    "presencePenalty": 0.5,
    "frequencyPenalty": 0.25,
    "responseLogprobs": True,
    "logprobs": 3,
}


def test_118_settings_of_gemini_are_mapped_or_losses():
    assert convert_request(GEMINI, CHAT, gemini_body(generationConfig=CONFIG)) == (
        {
            "model": "m",
            "messages": [user("hi")],
            "seed": 7,
            "n": 2,
            "reasoning_effort": "high",
            "presence_penalty": 0.5,
            "frequency_penalty": 0.25,
            "logprobs": True,
            "top_logprobs": 3,
        },
        [("/generationConfig/topK", "dropped")],
    )
    one = {**CONFIG, "candidateCount": 1}
    sent, losses = convert_request(GEMINI, MESSAGES, gemini_body(generationConfig=one), max_output=100)
    assert sent["output_config"] == {"effort": "high"}
    assert sorted(path.removeprefix("/generationConfig/") for path, _ in losses) == [
        "frequencyPenalty",
        "logprobs",
        "presencePenalty",
        "responseLogprobs",
        "seed",
        "topK",
    ]
    assert refused(GEMINI, MESSAGES, gemini_body(generationConfig=CONFIG))[0] == 400


MIXED = {
    "contents": [
        {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}, {"text": "x"}]}
    ],
    "system_instruction": {"parts": [{"text": "S"}]},
    "generation_config": {"max_output_tokens": 9, "topP": 0.5, "thinkingConfig": {"thinking_level": "LOW"}},
    "toolConfig": {"function_calling_config": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
}


def test_125_both_spellings_are_read_at_any_depth_and_names_inside_a_schema_stay():
    schema = {
        "type": "object",
        "properties": {"max_output_tokens": {"type": "string"}},
        "required": ["max_output_tokens"],
    }
    body = {**MIXED, "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": schema}]}]}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}

    assert convert_request(GEMINI, CHAT, body) == (
        {
            "model": "m",
            "messages": [{"role": "system", "content": "S"}, user([picture, text("x")])],
            "tools": [chat_tool(parameters=schema)],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "max_completion_tokens": 9,
            "top_p": 0.5,
            "reasoning_effort": "low",
        },
        [],
    )


@pytest.mark.parametrize("prefix", ["/v1beta", "/v1"])
@pytest.mark.parametrize("upstream", ALIASES)
def test_125_both_prefixes_of_the_path_are_served(running, upstream, prefix):
    asked = asks(GEMINI, upstream, stream=False)
    running.one.reply(whole(upstream))

    answer = running.post(GEMINI, asked.body, None, asked.path.replace("/v1beta", prefix))

    assert answer.status == 200
    assert answer.json()["candidates"][0]["content"]["parts"] == [{"text": "hello"}]


def grounded(*parts, supports):
    """An answer whose places are told in bytes of each part."""
    answer = gemini_answer(*parts)
    chunks = [{"web": {"uri": "https://a.org", "title": "A"}}]
    told = [{"segment": segment, "groundingChunkIndices": [0]} for segment in supports]
    answer["candidates"][0]["groundingMetadata"] = {"groundingChunks": chunks, "groundingSupports": told}
    return answer


def test_127_places_in_bytes_of_a_part_are_places_in_characters_of_the_text():
    supports = [{"endIndex": 3, "text": "né"}, {"partIndex": 1, "startIndex": 5, "endIndex": 6, "text": "x"}]
    answer = grounded("né ", "😀 x", supports=supports)

    def cited(start, end):
        place = {"start_index": start, "end_index": end, "title": "A", "url": "https://a.org"}
        return {"type": "url_citation", "url_citation": place}

    seen, losses = convert_answer(GEMINI, CHAT, answer)
    assert (told(seen), losses) == (
        completion({"content": "né 😀 x", "annotations": [cited(0, 2), cited(5, 6)]}, "stop", model="m-1"),
        [],
    )
    parts = convert_answer(GEMINI, RESPONSES, answer)[0]["output"][0]["content"]
    assert [
        (part["text"], *((one["start_index"], one["end_index"]) for one in part["annotations"])) for part in parts
    ] == [
        ("né ", (0, 2)),
        ("😀 x", (2, 3)),
    ]
    blocks = convert_answer(GEMINI, MESSAGES, answer)[0]["content"]
    assert [(block["text"], "citations" in block) for block in blocks] == [
        ("né", True),
        (" ", False),
        ("😀 ", False),
        ("x", True),
    ]


def test_126_citations_of_others_are_places_in_bytes_for_gemini():
    place = {"start_index": 4, "end_index": 9, "title": "T", "url": "https://a.org"}
    answer = chat_answer({"content": "né😀 cited", "annotations": [{"type": "url_citation", "url_citation": place}]})

    seen, losses = convert_answer(CHAT, GEMINI, answer)

    (support,) = seen["candidates"][0]["groundingMetadata"]["groundingSupports"]
    assert support["segment"] == {"startIndex": 8, "endIndex": 13, "text": "cited"}
    assert losses == []


def test_128_what_gemini_has_of_chats_settings_it_gets():
    asked = {"logprobs": True, "top_logprobs": 2, "seed": 1, "n": 2, "presence_penalty": 0.5, "logit_bias": {"1": 2}}

    assert convert_request(CHAT, GEMINI, chat_body(**asked)) == (
        in_gemini(
            generationConfig={
                "candidateCount": 2,
                "responseLogprobs": True,
                "logprobs": 2,
                "seed": 1,
                "presencePenalty": 0.5,
            }
        ),
        [("/logit_bias", "dropped")],
    )
