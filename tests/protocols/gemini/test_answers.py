"""Whole answers: what the reference's examples mean, and what each thing becomes for a client."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.gemini.answers import (
    CODEC,
    answer,
    context,
    decode,
    document,
    encode,
    fixture,
    foreign,
    parts_of,
    signature,
)

from twoapi import ir
from twoapi.protocols.base import Restore
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.sealing import PLAIN, from_base64
from twoapi.testing.strategies.values import filled_texts, texts

EXAMPLES = ["code-execution", "grounding", "prompt-blocked", "safety-no-content", "thinking-tools"]


def only(response: ir.Response) -> ir.Candidate:
    assert len(response.candidates) == 1
    return response.candidates[0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_comes_back_as_it_was(name: str) -> None:
    body = fixture(f"resp.{name}.json")
    found, losses = encode(decode(body))
    assert found == json.loads(body)
    assert losses == []


def test_thoughts_calls_and_their_signatures() -> None:
    found = only(decode(fixture("resp.thinking-tools.json")))
    thought, first, second = found.parts
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, thought.form) == ("Plan it.", "summary")
    assert isinstance(first, ir.ToolCall)
    assert (first.id, first.name, first.arguments) == ("fc-1", "get_weather", '{"city":"Paris","unit":"c"}')
    assert first.opaque == (signature("U0lHMQ=="),)
    assert isinstance(second, ir.ToolCall)
    assert second.opaque == ()
    assert found.stop is not None
    assert (found.stop.kind, found.stop.raw) == ("tool_use", "STOP")


def test_calls_without_ids_get_ids_of_their_own_that_stay() -> None:
    body = answer({"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {}}})
    ids = [part.id for part in only(decode(body)).parts if isinstance(part, ir.ToolCall)]
    assert len(set(ids)) == 2
    assert all(len(one) == 29 and one.startswith("call_") for one in ids)
    assert [part.id for part in only(decode(body)).parts if isinstance(part, ir.ToolCall)] == ids
    other = body.replace(b'"rid"', b'"rid2"')
    assert not set(ids) & {part.id for part in only(decode(other)).parts if isinstance(part, ir.ToolCall)}


def test_numbers_in_arguments_keep_their_digits() -> None:
    body = answer({"text": "x"}).replace(b'{"text": "x"}', b'{"functionCall": {"name": "f", "args": {"n": 1.0e400 }}}')
    (call,) = only(decode(body)).parts
    assert isinstance(call, ir.ToolCall)
    assert call.arguments == '{"n":1.0e400}'


def test_names_and_custom_tools_are_given_back() -> None:
    body = answer({"functionCall": {"name": "ns__f", "args": {"input": "free *text*"}, "id": "wire"}})
    (call,) = only(decode(body, Restore({"ns__f": "f"}, frozenset({"f"}), {"wire": "mine"}))).parts
    assert isinstance(call, ir.ToolCall)
    assert (call.name, call.kind, call.arguments, call.id) == ("f", "custom", "free *text*", "mine")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("RECITATION", "recitation"),
        ("CONTINUATION", "pause"),
        ("OTHER", "other"),
        ("A_NEW_ONE", "other"),
    ],
)
def test_finish_reasons(word: str, kind: str) -> None:
    stop = only(decode(answer({"text": "x"}, finishReason=word))).stop
    assert stop is not None
    assert (stop.kind, stop.raw) == (kind, word)


def test_a_call_beats_stop_and_not_a_cut() -> None:
    call = {"functionCall": {"name": "f"}}
    for word, kind in (("STOP", "tool_use"), ("OTHER", "tool_use"), ("MAX_TOKENS", "max_tokens")):
        stop = only(decode(answer(call, finishReason=word))).stop
        assert stop is not None
        assert stop.kind == kind


@pytest.mark.parametrize(
    "word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"]
)
def test_an_ending_that_is_a_failure_is_the_upstreams_fault(word: str) -> None:
    with pytest.raises(ir.FaultError) as caught:
        decode(answer(finishReason=word, finishMessage="print(f())"))
    fault = caught.value.fault
    assert (fault.kind, fault.whose, fault.code, fault.message) == ("upstream_error", "upstream", word, "print(f())")
    assert fault.retryable


def test_a_refused_prompt_is_an_answer_without_words() -> None:
    response = decode(fixture("resp.prompt-blocked.json"))
    found = only(response)
    assert found.parts == []
    assert found.stop is not None
    assert (found.stop.kind, found.stop.raw) == ("content_filter", "PROHIBITED_CONTENT")
    chat = json.loads(OpenAIChat().encode_response(response, context(), []))
    assert (chat["choices"][0]["finish_reason"], chat["choices"][0]["message"]["refusal"]) == ("content_filter", None)
    assert chat["usage"]["prompt_tokens"] == 12


@pytest.mark.parametrize("content", [None, {}, {"role": "model"}, {"parts": None}, {"parts": []}])
def test_a_candidate_without_content_is_one(content: Any) -> None:
    body = {"candidates": [{"content": content, "finishReason": "SAFETY"}]}
    assert only(decode(json.dumps(body).encode())).parts == []


@pytest.mark.parametrize("body", [b"{}", b'{"candidates": []}', b"[]", b"null", b"<html>", b'{"candidates": [7]}'])
def test_what_is_no_answer_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        decode(body)
    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


@pytest.mark.parametrize("form", [b"%b", b"[%b]"])
def test_an_error_in_a_200_is_one(form: bytes) -> None:
    body = form % b'{"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}'
    with pytest.raises(ir.FaultError) as caught:
        decode(body)
    assert caught.value.fault.kind == "rate_limited"
    inspected = CODEC.inspect(body).fault
    assert inspected is not None
    assert inspected.kind == "rate_limited"


# --- Usage ---------------------------------------------------------------------------------------


def usage_of(**counts: int) -> ir.Usage:
    body = document({"text": "x"}) | {"usageMetadata": counts}
    usage = decode(json.dumps(body).encode()).usage
    assert usage is not None
    assert CODEC.inspect(json.dumps(body).encode()).usage == usage
    return usage


def test_usage_is_disjoint() -> None:
    usage = usage_of(
        promptTokenCount=120,
        cachedContentTokenCount=64,
        candidatesTokenCount=28,
        thoughtsTokenCount=20,
        toolUsePromptTokenCount=7,
        totalTokenCount=175,
    )
    assert (usage.input, usage.cache_read, usage.output, usage.reasoning, usage.tool_prompt) == (56, 64, 28, 20, 7)
    assert (usage.total_input, usage.total_output) == (127, 48)


def test_counts_of_zero_that_the_vendor_leaves_out_are_zero_and_others_are_unknown() -> None:
    assert usage_of(promptTokenCount=5, totalTokenCount=5).output == 0
    assert usage_of(promptTokenCount=5).output is None
    assert usage_of(promptTokenCount=5, totalTokenCount=5).reasoning is None


def test_a_cache_larger_than_the_prompt_is_counted_beside_it() -> None:
    usage = usage_of(promptTokenCount=5, cachedContentTokenCount=64)
    assert (usage.input, usage.cache_read, usage.estimated) == (5, 64, True)


def test_usage_of_another_protocol() -> None:
    usage = ir.Usage(input=10, cache_read=4, cache_write=2, output=7, reasoning=3, tool_prompt=1)
    found, losses = encode(foreign(ir.Text(text="x"), usage=usage))
    assert found["usageMetadata"] == {
        "promptTokenCount": 16,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 3,
        "toolUsePromptTokenCount": 1,
        "totalTokenCount": 27,
    }
    assert [(loss.path, loss.kind) for loss in losses] == [("/usage", "approximated")]


def test_usage_that_nobody_told_is_not_made_up() -> None:
    assert "usageMetadata" not in encode(foreign(ir.Text(text="x")))[0]


# --- Citations and log probabilities -------------------------------------------------------------


def test_places_of_citations_are_code_points() -> None:
    (text,) = only(decode(fixture("resp.grounding.json"))).parts
    assert isinstance(text, ir.Text)
    assert [(one.start, one.end) for one in text.citations] == [(0, 11), (12, 26), (12, 26)]
    assert str(text.text)[0:11] == "北京 is cold."
    assert [one.source.url for one in text.citations if isinstance(one.source, ir.UrlSource)] == [
        "https://w.example",
        "https://w.example",
        "https://p.example",
    ]


def test_places_of_another_protocols_citations_are_bytes() -> None:
    cited = [ir.Citation(ir.UrlSource("https://a.example", "A"), 3, 5), ir.Citation(ir.UrlSource("https://b.example"))]
    found, losses = encode(foreign(ir.Reasoning(text="hm"), ir.Text(text="Grüß 北京", citations=cited)))
    grounding = found["candidates"][0]["groundingMetadata"]
    assert grounding["groundingChunks"] == [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"web": {"uri": "https://b.example"}},
    ]
    assert [support["segment"] for support in grounding["groundingSupports"]] == [
        {"partIndex": 1, "startIndex": 4, "endIndex": 7, "text": "ß "},
        {"partIndex": 1, "endIndex": 13, "text": "Grüß 北京"},
    ]
    assert losses == []


def test_places_are_found_by_their_words_when_thoughts_are_not_counted() -> None:
    segment = {"startIndex": 7, "endIndex": 9, "text": "is"}
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 9]}],
    }
    body = answer({"text": "a long thought", "thought": True}, {"text": "北京 is"}, groundingMetadata=grounding)
    response = decode(body)
    text = only(response).parts[1]
    assert isinstance(text, ir.Text)
    assert [(one.start, one.end) for one in text.citations] == [(3, 5)]
    assert encode(response)[0]["candidates"][0]["groundingMetadata"] == grounding


@given(data=st.data(), before=texts, text=filled_texts)
def test_l16_a_citation_stays_at_its_words(data: st.DataObject, before: str, text: str) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    cited = [ir.Citation(ir.UrlSource("https://a.example"), start, end)]
    body = CODEC.encode_response(foreign(ir.Text(text=before), ir.Text(text=text, citations=cited)), context(), [])
    part = only(decode(body)).parts[-1]
    assert isinstance(part, ir.Text)
    assert [(one.start, one.end) for one in part.citations] == [(start, end)]
    (support,) = json.loads(body)["candidates"][0]["groundingMetadata"]["groundingSupports"]
    segment = support["segment"]
    assert text.encode()[segment.get("startIndex", 0) : segment["endIndex"]].decode() == text[start:end]


def test_recited_sources_are_places_in_all_texts_as_one() -> None:
    sources = {"citations": [{"startIndex": 7, "endIndex": 11, "uri": "https://a.example", "license": "mit"}]}
    response = decode(answer({"text": "北"}, {"text": "京 x京"}, citationMetadata=sources))
    text = only(response).parts[1]
    assert isinstance(text, ir.Text)
    assert [(one.start, one.end) for one in text.citations] == [(2, 4)]
    assert encode(response)[0]["candidates"][0]["citationMetadata"] == sources


def test_log_probabilities_come_and_go() -> None:
    result = {
        "chosenCandidates": [{"token": "x", "logProbability": -0.5}],
        "topCandidates": [
            {"candidates": [{"token": "x", "logProbability": -0.5}, {"token": "y", "logProbability": -2}]}
        ],
    }
    response = decode(answer({"text": "x"}, logprobsResult=result))
    (text,) = only(response).parts
    assert isinstance(text, ir.Text)
    tops = (ir.TokenLogprob("x", -0.5), ir.TokenLogprob("y", -2.0))
    assert text.logprobs == [ir.TokenLogprob("x", -0.5, None, tops)]
    assert encode(response)[0]["candidates"][0]["logprobsResult"] == result
    response.protocol = "openai-chat"
    assert encode(response)[0]["candidates"][0]["logprobsResult"] == result


# --- For a client of another protocol's answer ---------------------------------------------------

STATE = ir.Opaque("signature", "EqQB", ir.Origin("anthropic-messages"))


def opened(part: dict[str, Any]) -> tuple[ir.Opaque, ...] | None:
    carrier = from_base64(part["thoughtSignature"])
    assert carrier is not None
    return PLAIN.open(carrier)


def test_foreign_state_goes_out_sealed_on_its_part_and_on_the_next_call() -> None:
    found, losses = encode(
        foreign(
            ir.Reasoning(text="hm", opaque=(STATE,)),
            ir.Text(text="so"),
            ir.ToolCall(id="1", name="f", arguments="{}"),
            ir.ToolCall(id="2", name="g", arguments="{}"),
            kind="tool_use",
            protocol="anthropic-messages",
        )
    )
    thought, text, first, second = parts_of(found)
    assert (thought["text"], thought["thought"]) == ("hm", True)
    assert opened(thought) == opened(first) == (STATE,)
    assert "thoughtSignature" not in text
    assert "thoughtSignature" not in second
    assert losses == []


def test_foreign_reasoning_without_state_says_whose_it_is() -> None:
    found, _ = encode(foreign(ir.Reasoning(text="hm"), ir.ToolCall(id="1", name="f", arguments="{}")))
    thought, call = parts_of(found)
    assert opened(thought) == (ir.Opaque("other", "", ir.Origin("openai-chat")),)
    assert "thoughtSignature" not in call


def test_native_signatures_are_not_touched() -> None:
    part = {"text": "x", "thoughtSignature": "AQID+/=="}
    assert parts_of(encode(decode(answer(part)))[0]) == [part]


def test_a_call_that_a_limit_cut_is_left_out_and_any_other_broken_one_is_an_error() -> None:
    call = ir.ToolCall(id="1", name="f", arguments='{"a": 1', at="/choices/0/message/tool_calls/0")
    found, losses = encode(foreign(ir.Text(text="x"), call, kind="max_tokens"))
    assert parts_of(found) == [{"text": "x"}]
    assert found["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert [(loss.path, loss.kind) for loss in losses] == [("/choices/0/message/tool_calls/0", "dropped")]
    with pytest.raises(ir.FaultError) as caught:
        encode(foreign(call, kind="tool_use"))
    assert caught.value.fault.code == "invalid_tool_arguments"


def test_custom_calls_and_calls_without_arguments() -> None:
    calls = [
        ir.ToolCall(id="1", name="f", arguments='say "hi"', kind="custom"),
        ir.ToolCall(id="2", name="g", arguments=""),
    ]
    assert parts_of(encode(foreign(*calls, kind="tool_use"))[0]) == [
        {"functionCall": {"name": "f", "id": "1", "args": {"input": 'say "hi"'}}},
        {"functionCall": {"name": "g", "id": "2", "args": {}}},
    ]


def test_a_sound_is_inline_data() -> None:
    sound = ir.Media(kind="audio", source=ir.Base64("AAAA"), transcript="hi", audio_id="a", at="/a")
    found, losses = encode(foreign(sound))
    assert parts_of(found) == [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]
    assert [loss.kind for loss in losses] == ["dropped", "dropped"]


def test_nothing_is_lost_in_silence() -> None:
    response = foreign(
        ir.Text(text="x", citations=[ir.Citation(ir.DocumentSource(0, "T"), quoted="q")]),
        ir.ServerTool(protocol="anthropic-messages", tool="web_search", at="/content/1"),
        fingerprint="fp",
        tier="scale",
        usage=ir.Usage(input=1, server_tools={"web_search": 1}),
    )
    response.extras = {"/container": ir.Unknown().raw}
    response.candidates[0].stop = ir.StopReason(kind="stop_sequence", sequence="END")
    _, losses = encode(response)
    assert sorted((loss.path, loss.kind) for loss in losses) == [
        ("", "approximated"),
        ("", "dropped"),
        ("/choices/0/finish_reason", "approximated"),
        ("/choices/0/finish_reason", "dropped"),
        ("/container", "dropped"),
        ("/content/1", "dropped"),
        ("/service_tier", "dropped"),
        ("/system_fingerprint", "dropped"),
        ("/usage", "dropped"),
    ]


@pytest.mark.parametrize("kind", ["cancelled", "malformed_call"])
def test_an_answer_that_broke_off_is_an_error(kind: str) -> None:
    with pytest.raises(ir.FaultError):
        encode(foreign(ir.Text(text="x"), kind=kind))


def test_a_model_list_says_what_can_be_done() -> None:
    assert json.loads(Gemini().encode_models([]))["models"] == []
