"""Answers of Cohere: whole and streamed, complete, cut off and broken."""

import contextlib
import json
import random
from typing import Any

import cohere
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import few

from twoapi import ir
from twoapi.conformance.reply import Called, Cited, Reply, Used, event
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.cohere import Cohere
from twoapi.testing.laws import bounds, streams
from twoapi.testing.laws.subject import events_of
from twoapi.testing.mutations import mutated
from twoapi.testing.strategies.hostile import noise
from twoapi.testing.strategies.values import cuts
from twoapi.testing.strategies.vendor_replies import replies
from twoapi.testing.vendors.cohere import STAGED

CODEC = Cohere()
SAY = STAGED.vendor.say
REPLIES = {
    "text": Reply(text="Grüße 你好 🚀\n“x”"),
    "thoughts": Reply(reasoning="Let me think.", text="It is iron.", used=Used(input=61, cached=20, output=17)),
    "cited": Reply(text="Oh: iron it is.", cited=Cited(passage="iron", url="https://e.example/fe", title="Fe")),
    "calls": Reply(
        text="I look.",
        calls=(Called(id="c1", name="f", arguments='{"a":"ü"}'), Called(id="c2", name="g", arguments="{}")),
        stop="tool_use",
    ),
    "cut": Reply(text="It", calls=(Called(id="c1", name="f", arguments='{"a":"Zür'),), stop="max_tokens"),
}
each = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)


def stream_of(reply: Reply) -> bytes:
    said = SAY(reply, "m")
    return b"".join([*said.head, *said.tail])


def body_of(reply: Reply) -> bytes:
    return json.dumps(SAY(reply, "m").body).encode()


def frame(kind: str, index: int | None = None, /, **message: Any) -> bytes:
    return event({"type": kind, "index": index, "delta": {"message": message}}, kind)


def end(**delta: Any) -> bytes:
    return event({"type": "message-end", "delta": {"finish_reason": "COMPLETE", **delta}}, "message-end")


def whole(message: dict[str, Any], **members: Any) -> ir.Response:
    body = {"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant", **message}, **members}
    return CODEC.decode_response(json.dumps(body).encode(), Restore())


def failure(stream: bytes) -> ir.Fault:
    last = events_of(CODEC, [stream])[-1]
    assert isinstance(last, ir.Failed)
    return last.fault


# --- Laws ---


@few
@given(reply=replies())
def test_a_stream_is_the_whole_answer(reply: Reply) -> None:
    streams.stream_is_whole(CODEC, body_of(reply), stream_of(reply))


@each
def test_where_the_bytes_are_cut_makes_no_difference(reply: Reply) -> None:
    stream = stream_of(reply)
    for at in range(len(stream)):
        streams.split_invariance(CODEC, stream, [stream[:at], stream[at:]])
    streams.split_invariance(CODEC, stream, [stream[at : at + 1] for at in range(len(stream))])


@few
@given(data=st.data())
def test_cuts_make_no_difference_to_any_answer(data: st.DataObject) -> None:
    stream = stream_of(data.draw(replies()))
    streams.split_invariance(CODEC, stream, data.draw(cuts(stream)))


@each
def test_a_stream_that_stops_short_has_failed(reply: Reply) -> None:
    stream = stream_of(reply)
    for at in range(stream.rindex(b"event: ") + 1):
        assert failure(stream[:at]).kind == "upstream_error"


def test_whatever_comes_the_events_are_legal() -> None:
    chance = random.Random(7)  # noqa: S311  repeatable
    corpus = [stream_of(reply) for reply in REPLIES.values()] + [end(error="x"), frame("tool-call-delta", 3)]
    for _ in range(400):
        streams.decoder_is_legal(CODEC, [mutated(chance, corpus)])


@few
@given(stream=noise)
def test_noise_is_a_failure(stream: bytes) -> None:
    streams.decoder_is_legal(CODEC, [stream])


def test_whatever_comes_is_an_answer_or_a_fault() -> None:
    chance = random.Random(8)  # noqa: S311  repeatable
    corpus = [body_of(reply) for reply in REPLIES.values()] + [b"[]", b"<html>", b'{"message":"no"}']
    for _ in range(400):
        body = mutated(chance, corpus)
        with contextlib.suppress(ir.FaultError):
            assert CODEC.decode_response(body, Restore()).candidates
        assert CODEC.decode_fault(500, {}, body).http_status >= 500


def test_decoding_takes_linear_time() -> None:
    many = frame("content-start", 0, content={"type": "text", "text": ""})
    word = frame("content-delta", 0, content={"text": "word "})
    bounds.is_linear(lambda size: lambda: events_of(CODEC, [many + word * size]))
    start = frame("tool-call-start", 0, tool_calls={"id": "c", "function": {"name": "f", "arguments": ""}})
    bounds.is_linear(lambda size: lambda: events_of(CODEC, [start * size]))


def test_an_event_without_end_is_not_kept_for_ever() -> None:
    decoder = CODEC.stream_decoder(Restore())
    kilo = b"x" * 1024 * 1024
    events = [event for _ in range(40) for event in decoder.feed(kilo)]
    assert [type(event).__name__ for event in events] == ["Failed"]


# --- The vendor's SDK is the judge of what was said ---


@few
@given(reply=replies())
def test_the_vendors_types_say_the_same(reply: Reply) -> None:
    theirs: Any = cohere.V2ChatResponse.model_validate(SAY(reply, "m").body)
    response = CODEC.decode_response(body_of(reply), Restore())
    (candidate,) = response.candidates
    content = theirs.message.content or []
    assert [item.text for item in content if item.type == "text"] == texts(candidate, ir.Text)
    assert [item.thinking for item in content if item.type == "thinking"] == texts(candidate, ir.Reasoning)
    called = [part for part in candidate.parts if isinstance(part, ir.ToolCall)]
    assert [(call.id, call.function.name, call.function.arguments) for call in theirs.message.tool_calls or []] == [
        (part.id, part.name, part.arguments) for part in called
    ]
    assert candidate.stop is not None
    assert (response.id, candidate.stop.raw) == (theirs.id, theirs.finish_reason)
    usage, counted = response.usage, theirs.usage.tokens
    assert usage is not None
    assert (usage.total_input, usage.total_output) == (counted.input_tokens, counted.output_tokens)
    assert usage.cache_read == theirs.usage.cached_tokens
    for cited in theirs.message.citations or []:
        (text,) = (part for part in candidate.parts if isinstance(part, ir.Text))
        (citation,) = text.citations
        assert ir.plain(text.text)[citation.start : citation.end] == cited.text == citation.quoted


def texts(candidate: ir.Candidate, kind: type[ir.Text | ir.Reasoning]) -> list[str]:
    return [ir.plain(part.text) for part in candidate.parts if isinstance(part, kind)]


# --- What only this vendor has ---


def test_a_plan_is_reasoning_before_the_calls() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    (candidate,) = whole({"tool_plan": "I will look.", "tool_calls": [call]}, finish_reason="TOOL_CALL").candidates
    plan, made = candidate.parts
    assert isinstance(plan, ir.Reasoning)
    assert (plan.text, plan.at) == ("I will look.", "/message/tool_plan")
    assert isinstance(made, ir.ToolCall)
    stream = (
        frame("tool-plan-delta", None, tool_plan="I will ")
        + frame("tool-plan-delta", None, tool_plan="look.")
        + frame("tool-call-start", 0, tool_calls={**call, "function": {"name": "f", "arguments": ""}})
        + frame("tool-call-delta", 0, tool_calls={"function": {"arguments": "{}"}})
        + end(finish_reason="TOOL_CALL")
    )
    assert fold(events_of(CODEC, [stream])).candidates == [candidate]


def citation(**members: Any) -> dict[str, Any]:
    source = {"type": "tool", "id": "c1:0", "tool_output": {"title": "T"}}
    return {"start": 1.0, "end": 3.0, "text": "bc", "sources": [source], "type": "TEXT_CONTENT", **members}


def test_a_citation_stands_where_the_vendor_says() -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "abcd"}]
    page = {"type": "document", "id": "doc:1", "document": {"id": "doc:1", "url": "https://e.example", "title": "E"}}
    cited = citation(content_index=1, sources=[page, *citation()["sources"]])
    (candidate,) = whole({"content": content, "citations": [cited]}).candidates
    text = candidate.parts[1]
    assert isinstance(text, ir.Text)
    assert text.citations == [
        ir.Citation(ir.UrlSource("https://e.example", "E"), 1, 3, "bc"),
        ir.Citation(ir.SearchSource(1, "c1:0", "T"), 1, 3, "bc"),
    ]


@pytest.mark.parametrize(
    "members", [{"type": "PLAN"}, {"type": "THINKING_CONTENT"}, {"sources": []}, {"content_index": 7}]
)
def test_what_a_plan_rests_on_is_kept_aside(members: dict[str, Any]) -> None:
    response = whole({"content": [{"type": "text", "text": "abcd"}], "citations": [citation(**members)]})
    assert list(response.extras) == ["/message/citations/0"]
    kept = json.loads(bytes(response.extras["/message/citations/0"]))
    assert kept == citation(**members)
    stream = (
        frame("content-delta", 0, content={"text": "abcd"})
        + frame("citation-start", 0, citations=citation(**members))
        + end()
    )
    assert list(fold(events_of(CODEC, [stream])).extras) == ["/message/citations/0"]


def test_a_citation_may_come_behind_its_text() -> None:
    stream = (
        frame("content-start", 0, content={"type": "text", "text": ""})
        + frame("content-delta", 0, content={"text": "abcd"})
        + frame("content-end", 0)
        + frame("citation-start", 0, citations=citation())
        + frame("citation-end", 0)
        + end()
    )
    (part,) = fold(events_of(CODEC, [stream])).candidates[0].parts
    assert isinstance(part, ir.Text)
    assert [(cited.start, cited.end) for cited in part.citations] == [(1, 3)]


def test_what_is_paid_is_kept_beside_what_is_counted() -> None:
    usage = whole(
        {"content": "x"}, usage={"billed_units": {"input_tokens": 5.0}, "tokens": {"input_tokens": 61.0}}
    ).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.cache_read, usage.estimated) == (61, None, None, False)
    assert usage.raw is not None
    assert json.loads(bytes(usage.raw)) == {"billed_units": {"input_tokens": 5.0}, "tokens": {"input_tokens": 61.0}}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"tokens": {"input_tokens": 61.0, "output_tokens": 17.0}, "cached_tokens": 20.0}, (41, 20, 17, False)),
        ({"tokens": {"input_tokens": 10.0, "output_tokens": 1.0}, "cached_tokens": 20.0}, (10, 20, 1, True)),
        ({"billed_units": {"input_tokens": 5.0, "output_tokens": 2.0}}, (5, None, 2, True)),
        ({"tokens": {"input_tokens": -1.0, "output_tokens": 2.0}}, (None, None, 2, False)),
        ({}, (None, None, None, False)),
    ],
)
def test_counts_are_floats(told: dict[str, Any], expected: tuple[int | None, int | None, int | None, bool]) -> None:
    usage = whole({"content": "x"}, usage=told).usage
    assert usage is not None
    assert (usage.input, usage.cache_read, usage.output, usage.estimated) == expected


def test_searches_are_counted_as_the_vendors_own_tools() -> None:
    usage = whole({"content": "x"}, usage={"billed_units": {"search_units": 2.0}, "tokens": {}}).usage
    assert usage is not None
    assert usage.server_tools == {"search_units": 2}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop_sequence"),
        ("MAX_TOKENS", "max_tokens"),
        ("TOOL_CALL", "tool_use"),
        ("ERROR_TOXIC", "content_filter"),
        ("NEW_WORD", "other"),
    ],
)
def test_reasons(word: str, kind: str) -> None:
    stop = ir.StopReason(kind=kind, raw=word)  # type: ignore[arg-type]  # of the table
    assert whole({"content": "x"}, finish_reason=word).candidates[0].stop == stop
    stream = frame("content-delta", 0, content={"text": "x"}) + end(finish_reason=word)
    assert fold(events_of(CODEC, [stream])).candidates[0].stop == stop


@pytest.mark.parametrize(("word", "kind"), [("ERROR", "upstream_error"), ("TIMEOUT", "timeout")])
def test_an_answer_that_failed_is_none(word: str, kind: str) -> None:
    with pytest.raises(ir.FaultError) as caught:
        whole({"content": "It"}, finish_reason=word)
    assert (caught.value.fault.kind, caught.value.fault.whose) == (kind, "upstream")
    begun = frame("content-delta", 0, content={"text": "It"})
    fault = failure(begun + end(finish_reason=word, error="out of memory") + end())
    assert (fault.kind, fault.message, fault.code) == (kind, "out of memory", word)


def test_an_error_may_come_as_outside_of_a_stream() -> None:
    fault = failure(b'data: {"message": "too busy"}\n\n')
    assert (fault.kind, fault.message) == ("upstream_error", "too busy")


def test_what_other_servers_add_does_no_harm() -> None:
    stream = stream_of(REPLIES["text"]).replace(b"event: message-end", b"data: [DONE]\n\nevent: message-end")
    added = (
        event({"type": "debug", "prompt": "<BOS>"}, "debug")
        + event({"type": "new-event", "x": 1}, "new-event")
        + stream
    )
    response = fold(events_of(CODEC, [added]))
    assert response.candidates == fold(events_of(CODEC, [stream_of(REPLIES["text"])])).candidates
    assert list(response.extras) == ["/x"]


def test_log_probabilities_are_those_of_pieces() -> None:
    items = [
        {"text": "It", "token_ids": [1], "logprobs": [-0.5]},
        {"text": " is", "token_ids": [2, 3], "logprobs": [-1, -2]},
    ]
    (part,) = whole({"content": [{"type": "text", "text": "It is"}]}, logprobs=items).candidates[0].parts
    assert isinstance(part, ir.Text)
    assert part.logprobs == [ir.TokenLogprob("It", -0.5), ir.TokenLogprob(" is", -3.0)]
    pieces = b"".join(
        event(
            {
                "type": "content-delta",
                "index": 0,
                "delta": {"message": {"content": {"text": one["text"]}}},
                "logprobs": one,
            }
        )
        for one in items
    )
    (streamed,) = fold(events_of(CODEC, [pieces + end()])).candidates[0].parts
    assert isinstance(streamed, ir.Text)
    assert streamed.logprobs == part.logprobs
    assert list(whole({}, logprobs=items).extras) == ["/logprobs"]


def test_calls_get_the_clients_names_ids_and_free_text_back() -> None:
    calls = [{"type": "function", "function": {"name": "short_1", "arguments": '{"input": "*** Begin"}'}}]
    body = json.dumps({"id": "a", "finish_reason": "TOOL_CALL", "message": {"tool_calls": calls}}).encode()
    restore = Restore(names={"short_1": "a long name"}, custom=frozenset({"a long name"}))
    (part,) = CODEC.decode_response(body, restore).candidates[0].parts
    assert isinstance(part, ir.ToolCall)
    assert (part.name, part.kind, part.arguments) == ("a long name", "custom", "*** Begin")
    assert part.id.startswith("call_")
    stream = (
        event({"type": "message-start", "id": "a", "delta": {"message": {"role": "assistant"}}}, "message-start")
        + frame("tool-call-start", 0, tool_calls=calls[0])
        + end(finish_reason="TOOL_CALL")
    )
    decoder = CODEC.stream_decoder(restore)
    assert fold([*decoder.feed(stream), *decoder.close()]).candidates[0].parts == [part]


def test_members_that_nobody_knows_are_kept_aside() -> None:
    response = whole({"content": "x", "mood": "good"}, weather=[1])
    assert {at: json.loads(bytes(raw)) for at, raw in response.extras.items()} == {
        "/message/mood": "good",
        "/weather": [1],
    }
    stream = frame("content-delta", 0, content={"text": "x"}) + end(weather=[1])
    assert json.loads(bytes(fold(events_of(CODEC, [stream])).extras["/weather"])) == [1]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b'{"message":null}', b'{"message":{"content":3}}'])
def test_an_answer_without_one_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(body, Restore())
    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


# --- Errors ---

STATUSES = {
    400: "invalid_request",
    401: "unauthenticated",
    402: "quota_exhausted",
    403: "forbidden",
    404: "not_found",
    422: "unprocessable",
    429: "rate_limited",
    498: "unauthenticated",
    499: "cancelled",
    500: "upstream_error",
    501: "upstream_error",
    503: "overloaded",
    504: "timeout",
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_every_error_that_the_sdk_knows_has_its_kind(status: int, kind: str) -> None:
    fault = CODEC.decode_fault(status, {b"x-debug-trace-id": b"t1"}, b'{"id": "e1", "message": "sorry"}')
    assert (fault.kind, fault.message, fault.request_id) == (kind, "sorry", "t1")
    assert fault.whose == ("client" if status in (400, 404, 422) else "upstream")


def test_a_prompt_that_does_not_fit_is_told_as_that() -> None:
    told = b'{"message": "too many tokens: size limit exceeded by 7 tokens. Try using shorter or fewer inputs"}'
    assert CODEC.decode_fault(400, {}, told).kind == "context_length"
    assert CODEC.decode_fault(429, {}, told).kind == "rate_limited"


def test_an_error_of_a_proxy_is_read_by_its_status() -> None:
    fault = CODEC.decode_fault(503, {b"retry-after": b"3"}, b"<html>")
    assert (fault.kind, fault.retry_after) == ("overloaded", 3)
