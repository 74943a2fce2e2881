"""Whole answers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.laws.protocols import few

from twoapi import ir
from twoapi.protocols.base import Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.testing.laws.answers import crosses
from twoapi.testing.laws.bounds import deep_answer_is_refused
from twoapi.testing.strategies.converse_answers import converse_answers
from twoapi.testing.strategies.values import json_bytes, json_values

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]


def answer(*content: Any, **members: Any) -> bytes:
    message = {"role": "assistant", "content": list(content)}
    return json.dumps({"output": {"message": message}, "stopReason": "end_turn", **members}).encode()


def decode(body: bytes, restore: Restore | None = None) -> ir.Response:
    return CONVERSE.decode_response(body, restore or Restore())


def only(body: bytes, restore: Restore | None = None) -> ir.Part:
    (part,) = decode(body, restore).candidates[0].parts
    return part


@pytest.mark.parametrize("client", CODECS)
@few
@given(body=converse_answers())
def test_it_crosses_to_every_client(client: str, body: bytes) -> None:
    crosses(CONVERSE, CODECS[client], body)


@few
@given(st.binary(max_size=40) | json_values.flatmap(json_bytes) | json_values.map(answer))
def test_any_bytes_are_an_answer_or_the_upstreams_fault(body: bytes) -> None:
    fault = refused(body)
    assert fault is None or (fault.whose, fault.kind) == ("upstream", "upstream_error")


def refused(body: bytes) -> ir.Fault | None:
    try:
        decode(body)
    except ir.FaultError as error:
        return error.fault
    return None


def test_a_deep_answer_is_refused() -> None:
    deep_answer_is_refused(CONVERSE, b'{"output":' + b'{"message":' * 10_000)
    deep_answer_is_refused(CONVERSE, answer().replace(b"[]", b"[" * 10_000 + b"]" * 10_000))


def test_reasoning_has_its_state() -> None:
    part = only(answer({"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}}))
    assert isinstance(part, ir.Reasoning)
    assert (part.text, part.opaque) == ("hm", (ir.Opaque("signature", "c2ln", ir.Origin("bedrock-converse")),))
    part = only(answer({"reasoningContent": {"redactedContent": "eA=="}}))
    assert isinstance(part, ir.Reasoning)
    assert (part.form, part.opaque) == ("hidden", (ir.Opaque("redacted", "eA==", ir.Origin("bedrock-converse")),))
    part = only(answer({"reasoningContent": {"reasoningText": {"text": "hm"}}}))
    assert part.opaque == ()


def test_calls_have_the_clients_names() -> None:
    restore = Restore(names={"a_1": "a/1"}, custom=frozenset({"a/1"}))
    call = {"toolUseId": "x", "name": "a_1", "input": {"input": "free"}}
    part = only(answer({"toolUse": call}), restore)
    assert part == ir.ToolCall(id="x", name="a/1", arguments="free", kind="custom", at="/output/message/content/0")
    part = only(answer({"toolUse": {"toolUseId": "x", "name": "f"}}))
    assert isinstance(part, ir.ToolCall)
    assert part.arguments == "{}"


def test_a_call_beats_a_plain_end() -> None:
    stop = decode(answer({"toolUse": {"toolUseId": "x", "name": "f", "input": {}}})).candidates[0].stop
    assert stop == ir.StopReason(kind="tool_use", raw="end_turn")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_use"),
        ("max_tokens", "max_tokens"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "context_window"),
        ("a_new_word", "other"),
    ],
)
def test_stop_reasons(word: str, kind: str) -> None:
    assert decode(answer({"text": "x"}, stopReason=word)).candidates[0].stop == ir.StopReason(kind=kind, raw=word)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
def test_a_model_that_breaks_down_is_the_upstreams_fault(word: str) -> None:
    with pytest.raises(ir.FaultError) as caught:
        decode(answer({"text": "x"}, stopReason=word))
    fault = caught.value.fault
    assert (fault.kind, fault.whose, fault.code, fault.http_status) == ("upstream_error", "upstream", word, 502)


def test_which_stop_string_it_was_is_told_where_it_was_asked() -> None:
    restore = Restore(capabilities=Capabilities(stop_field="/stop_sequence"))
    body = answer({"text": "x"}, stopReason="stop_sequence", additionalModelResponseFields={"stop_sequence": "END"})
    found = decode(body, restore)
    assert found.candidates[0].stop == ir.StopReason(kind="stop_sequence", raw="stop_sequence", sequence="END")
    assert found.extras == {}
    assert list(decode(body).extras) == ["/additionalModelResponseFields"]
    other = answer({"text": "x"}, stopReason="end_turn", additionalModelResponseFields={"stop_sequence": "END", "a": 1})
    assert decode(other, restore).candidates[0].stop == ir.StopReason(kind="stop", raw="end_turn")
    assert list(decode(other, restore).extras) == ["/additionalModelResponseFields"]


def test_usage() -> None:
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 25,
        "cacheReadInputTokens": 3,
        "cacheWriteInputTokens": 7,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 3}],
    }
    found = decode(answer({"text": "x"}, usage=usage)).usage
    assert found == ir.Usage(input=10, cache_read=3, cache_write=7, cache_write_5m=4, cache_write_1h=3, output=5)
    assert found.total_input == 20
    assert decode(answer({"text": "x"})).usage is None


def test_citations() -> None:
    cited = {"title": "T", "source": "S", "sourceContent": [{"text": "a"}, {"text": "b"}]}
    places: list[tuple[Any, Any]] = [
        ({"web": {"url": "u", "domain": "d"}}, ir.UrlSource("u", "T")),
        ({"documentChar": {"documentIndex": 1, "start": 2, "end": 3}}, ir.DocumentSource(1, "T", None, "char", 2, 3)),
        ({"documentPage": {"documentIndex": 1, "start": 2, "end": 3}}, ir.DocumentSource(1, "T", None, "page", 2, 3)),
        ({"documentChunk": {"documentIndex": 1, "start": 2, "end": 3}}, ir.DocumentSource(1, "T", None, "block", 2, 3)),
        (
            {"searchResultLocation": {"searchResultIndex": 1, "start": 2, "end": 3}},
            ir.SearchSource(1, "S", "T", 2, 3),
        ),
    ]
    citations = [{**cited, "location": place} for place, _ in places]
    part = only(answer({"citationsContent": {"content": [{"text": "x"}, {"text": "y"}], "citations": citations}}))
    assert isinstance(part, ir.Text)
    assert part.text == "xy"
    assert part.citations == [ir.Citation(source, quoted="ab") for _, source in places]


def test_what_is_not_known_is_kept_for_the_report() -> None:
    body = answer(
        {"text": "x", "odd": 1},
        {"newBlock": {"a": 1}},
        {"citationsContent": {"content": [{"text": "y"}], "citations": [{"location": {"moon": {}}}]}},
        metrics={"latencyMs": 1},
        serviceTier={"type": "flex"},
        new=[1],
        usage={"inputTokens": 1, "newTokens": 2},
    )
    found = decode(body)
    assert [type(part) for part in found.candidates[0].parts] == [ir.Text, ir.Text]
    assert found.tier == "flex"
    assert {pointer: json.loads(bytes(raw)) for pointer, raw in found.extras.items()} == {
        "/output/message/content/0/odd": 1,
        "/output/message/content/1/newBlock": {"a": 1},
        "/output/message/content/2/citationsContent/citations": [{"location": {"moon": {}}}],
        "/metrics": {"latencyMs": 1},
        "/new": [1],
        "/usage/newTokens": 2,
    }


def test_tools_of_the_service_and_images() -> None:
    call = {"toolUseId": "x", "name": "nova_grounding", "type": "server_tool_use", "input": {"q": 1}}
    result = {"toolUseId": "x", "content": [{"text": "found"}]}
    found = decode(
        answer({"toolUse": call}, {"toolResult": result}, {"image": {"format": "png", "source": {"bytes": "eA=="}}})
    )
    made, told, image = found.candidates[0].parts
    assert isinstance(made, ir.ServerTool)
    assert isinstance(told, ir.ServerTool)
    assert (made.tool, made.phase, told.phase, told.id) == ("nova_grounding", "call", "result", "x")
    assert json.loads(bytes(told.raw)) == {"toolResult": result}
    assert image == ir.Media(kind="image", source=ir.Base64("eA=="), mime="image/png", at="/output/message/content/2")
    assert found.candidates[0].stop == ir.StopReason(kind="stop", raw="end_turn")


def test_an_error_hidden_in_a_good_answer() -> None:
    with pytest.raises(ir.FaultError, match="Too many tokens"):
        decode(b'{"message":"Too many tokens"}')
    with pytest.raises(ir.FaultError, match="holds no message"):
        decode(b"{}")


def test_extras_are_verbatim() -> None:
    body = answer({"text": "x"}).replace(b'"stopReason"', b'"trace": {"a" : 1.0}, "stopReason"')
    assert decode(body).extras == {"/trace": Raw(b'{"a" : 1.0}')}
