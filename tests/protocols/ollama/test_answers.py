"""Answers of Ollama: whole and in lines, complete, cut off and broken."""

import contextlib
import json
import random
from typing import Any

import ollama
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import few

from twoapi import ir
from twoapi.conformance.reply import Called, Reply, Used
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.ollama import Ollama
from twoapi.protocols.ollama.call_ids import is_made, made_id
from twoapi.testing.laws import bounds, streams
from twoapi.testing.laws.subject import events_of
from twoapi.testing.mutations import mutated
from twoapi.testing.strategies.hostile import noise
from twoapi.testing.strategies.values import cuts
from twoapi.testing.strategies.vendor_replies import replies
from twoapi.testing.vendors.ollama import STAGED

CODEC = Ollama()
SAY = STAGED.vendor.say
REPLIES = {
    "text": Reply(text="Grüße 你好 🚀\n“x”\u2028\u0085"),
    "thoughts": Reply(reasoning="Let me think.", text="It is iron.", used=Used(input=61, output=17)),
    "calls": Reply(
        text="I look.",
        calls=(Called(id="c1", name="f", arguments='{"a":"ü"}'), Called(id="c2", name="g", arguments="{}")),
        stop="tool_use",
    ),
    "long": Reply(text="It is a tower of", stop="max_tokens"),
}
each = pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
DONE: dict[str, Any] = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}


def stream_of(reply: Reply) -> bytes:
    said = SAY(reply, "m")
    return b"".join([*said.head, *said.tail])


def body_of(reply: Reply) -> bytes:
    return json.dumps(plain_body(reply)).encode()


def plain_body(reply: Reply) -> dict[str, Any]:
    """The fake's answer, whose arguments are still JSON text, as plain values."""
    message = SAY(reply, "m").body
    (last,) = SAY(reply, "m").tail
    calls = [
        line["message"]["tool_calls"]
        for line in map(json.loads, SAY(reply, "m").head)
        if "tool_calls" in line["message"]
    ]
    said = {**message["message"], **({"tool_calls": calls[0]} if calls else {})}
    return {**json.loads(last), "message": said}


def line(**members: Any) -> bytes:
    return json.dumps({"model": "m", "created_at": "2026-11-21T10:00:00.5Z", **members}).encode() + b"\n"


def said(content: str = "", **message: Any) -> bytes:
    return line(message={"role": "assistant", "content": content, **message}, done=False)


def folded(*lines: bytes, restore: Restore | None = None) -> ir.Response:
    decoder = CODEC.stream_decoder(restore or Restore())
    return fold([*(event for one in lines for event in decoder.feed(one)), *decoder.close()])


def whole(**members: Any) -> ir.Response:
    return CODEC.decode_response(line(**{**DONE, **members}), Restore())


def failure(stream: bytes) -> ir.Fault:
    last = events_of(CODEC, [stream])[-1]
    assert isinstance(last, ir.Failed)
    return last.fault


# --- Laws ---


@few
@given(reply=replies(cited=False))
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
    stream = stream_of(data.draw(replies(cited=False)))
    streams.split_invariance(CODEC, stream, data.draw(cuts(stream)))


@each
def test_a_stream_that_stops_short_has_failed(reply: Reply) -> None:
    stream = stream_of(reply)
    for at in range(len(stream) - 1):
        assert failure(stream[:at]).kind == "upstream_error"


def test_whatever_comes_the_events_are_legal() -> None:
    chance = random.Random(7)  # noqa: S311  repeatable
    corpus = [stream_of(reply) for reply in REPLIES.values()] + [b'{"error":"x"}\n', said("x") * 3]
    for _ in range(400):
        streams.decoder_is_legal(CODEC, [mutated(chance, corpus)])


@few
@given(stream=noise)
def test_noise_is_a_failure(stream: bytes) -> None:
    streams.decoder_is_legal(CODEC, [stream])


def test_whatever_comes_is_an_answer_or_a_fault() -> None:
    chance = random.Random(8)  # noqa: S311  repeatable
    corpus = [body_of(reply) for reply in REPLIES.values()] + [b"[]", b"<html>", b'{"error":"no"}']
    for _ in range(400):
        body = mutated(chance, corpus)
        with contextlib.suppress(ir.FaultError):
            assert CODEC.decode_response(body, Restore()).candidates
        assert CODEC.decode_fault(500, {}, body).http_status >= 500


def test_decoding_takes_linear_time() -> None:
    bounds.is_linear(lambda size: lambda: events_of(CODEC, [said("word ") * size]))
    call = {"function": {"name": "f", "arguments": {}}}
    bounds.is_linear(lambda size: lambda: events_of(CODEC, [said(tool_calls=[call] * size)]))


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    decoder = CODEC.stream_decoder(Restore())
    kilo = b"x" * 1024 * 1024
    events = [event for _ in range(40) for event in decoder.feed(kilo)]
    assert [type(event).__name__ for event in events] == ["Failed"]


# --- The vendor's SDK is the judge of what was said ---


@few
@given(reply=replies(cited=False))
def test_the_vendors_types_say_the_same(reply: Reply) -> None:
    theirs = ollama.ChatResponse(**plain_body(reply))
    response = CODEC.decode_response(body_of(reply), Restore())
    (candidate,) = response.candidates
    assert (theirs.message.content or "") == "".join(texts(candidate, ir.Text))
    assert (theirs.message.thinking or "") == "".join(texts(candidate, ir.Reasoning))
    called = [part for part in candidate.parts if isinstance(part, ir.ToolCall)]
    assert [(call.function.name, call.function.arguments) for call in theirs.message.tool_calls or []] == [
        (part.name, json.loads(part.arguments)) for part in called
    ]
    usage = response.usage
    assert usage is not None
    assert candidate.stop is not None
    assert (usage.input, usage.output) == (theirs.prompt_eval_count, theirs.eval_count)
    assert (response.model, candidate.stop.raw) == (theirs.model, theirs.done_reason)


def texts(candidate: ir.Candidate, kind: type[ir.Text | ir.Reasoning]) -> list[str]:
    return [ir.plain(part.text) for part in candidate.parts if isinstance(part, kind)]


# --- What only this vendor has ---


def test_a_time_has_nanoseconds() -> None:
    assert whole(created_at="2025-01-01T00:00:00.123456789Z").created == 1735689600
    assert whole(created_at="2025-01-01T02:00:00.1+02:00").created == 1735689600
    assert whole(created_at="soon").created is None


@pytest.mark.parametrize(
    ("word", "kind"),
    [("stop", "stop"), ("length", "max_tokens"), ("load", "other"), ("unload", "other"), (None, "stop")],
)
def test_reasons(word: str | None, kind: str) -> None:
    stop = ir.StopReason(kind=kind, raw=word)  # type: ignore[arg-type]  # of the table
    assert whole(done_reason=word).candidates[0].stop == stop
    assert folded(said("x"), line(**{**DONE, "done_reason": word})).candidates[0].stop == stop


def test_a_call_is_seen_though_the_vendor_says_stop() -> None:
    call = {"function": {"index": 0, "name": "f", "arguments": {"b": 1, "a": [1.0, 12345678901234567890]}}}
    response = folded(said(tool_calls=[call, call]), line(**DONE))
    (candidate,) = response.candidates
    assert candidate.stop == ir.StopReason(kind="tool_use", raw="stop")
    one, two = candidate.parts
    assert isinstance(one, ir.ToolCall)
    assert isinstance(two, ir.ToolCall)
    assert one.arguments == two.arguments == '{"b":1,"a":[1.0,12345678901234567890]}'
    assert is_made(one.id)
    assert is_made(two.id)
    assert one.id != two.id
    assert one.id != folded(said(tool_calls=[call]).replace(b".5Z", b".6Z"), line(**DONE)).candidates[0].parts[0].id  # type: ignore[attr-defined]


def test_an_id_that_the_server_gave_is_kept() -> None:
    call = {"id": "call_p7o2gz50", "function": {"name": "f", "arguments": {}}}
    (part,) = folded(said(tool_calls=[call]), line(**DONE)).candidates[0].parts
    assert isinstance(part, ir.ToolCall)
    assert (part.id, is_made(part.id)) == ("call_p7o2gz50", False)
    assert 0 < len(made_id("x", 0)) <= 40


@pytest.mark.parametrize(("arguments", "expected"), [(None, ""), ('{"a":1}', '{"a":1}'), ({}, "{}"), ([1, 2], "[1,2]")])
def test_arguments_in_any_form(arguments: Any, expected: str) -> None:
    (part,) = whole(message={"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}).candidates[0].parts
    assert isinstance(part, ir.ToolCall)
    assert part.arguments == expected


def test_calls_get_the_clients_names_and_free_text_back() -> None:
    call = {"function": {"name": "short_1", "arguments": {"input": "*** Begin"}}}
    restore = Restore(names={"short_1": "a long name"}, custom=frozenset({"a long name"}))
    (part,) = folded(said(tool_calls=[call]), line(**DONE), restore=restore).candidates[0].parts
    assert isinstance(part, ir.ToolCall)
    assert (part.name, part.kind, part.arguments) == ("a long name", "custom", "*** Begin")


def test_a_count_that_is_not_told_is_not_known() -> None:
    usage = whole(eval_count=3, total_duration=10).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.estimated) == (None, 3, False)
    assert usage.raw is not None
    assert json.loads(bytes(usage.raw)) == {"eval_count": 3, "total_duration": 10}
    assert whole().usage is None


def test_log_probabilities() -> None:
    told = [{"token": "It", "logprob": -0.5, "bytes": [73, 116], "top_logprobs": [{"token": "He", "logprob": -2}]}]
    response = folded(
        line(message={"role": "assistant", "content": "It"}, logprobs=told, done=False),
        line(message={"role": "assistant", "content": " is"}, logprobs=told, done=False),
        line(**DONE),
    )
    (part,) = response.candidates[0].parts
    assert isinstance(part, ir.Text)
    token = ir.TokenLogprob("It", -0.5, [73, 116], (ir.TokenLogprob("He", -2.0),))
    assert part.logprobs == [token, token]
    assert list(whole(logprobs=[{"odd": 1}]).extras) == ["/logprobs"]
    assert whole(logprobs=[]).extras == {}


def test_members_that_nobody_knows_are_kept_aside() -> None:
    response = whole(message={"content": "x", "mood": "good"}, weather=[1])
    kept = {at: json.loads(bytes(raw)) for at, raw in response.extras.items()}
    assert kept == {"/message/mood": "good", "/weather": [1]}
    assert list(folded(said("x", mood="good"), line(**DONE)).extras) == ["/message/mood"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'{"done":false}', b'{"message":{"content":"x"}}', b'{"message":3,"done":true}'],
)
def test_an_answer_without_one_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(body, Restore())
    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


# --- Errors ---


def test_an_error_within_a_stream_ends_it() -> None:
    fault = failure(said("It") + b'{"error":"an error was encountered while running the model"}\n' + line(**DONE))
    assert (fault.kind, fault.whose) == ("upstream_error", "upstream")
    assert fault.message == "an error was encountered while running the model"
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(b'{"error":"out of memory"}', Restore())
    assert (caught.value.fault.kind, caught.value.fault.message) == ("upstream_error", "out of memory")


def test_an_empty_error_is_none() -> None:
    assert folded(line(**DONE, error="")).fault is None


STATUSES = {
    400: "invalid_request",
    401: "unauthenticated",
    402: "quota_exhausted",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    429: "rate_limited",
    500: "upstream_error",
    502: "upstream_error",
    503: "overloaded",
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_every_status_has_its_kind(status: int, kind: str) -> None:
    fault = CODEC.decode_fault(status, {}, b'{"error":"sorry","signin_url":"https://ollama.com/connect"}')
    assert (fault.kind, fault.message) == (kind, "sorry")


@pytest.mark.parametrize(
    "words",
    [
        "the input length exceeds the context length",
        "request (9) exceeds the available context size (4), try increasing it",
    ],
)
def test_a_prompt_that_does_not_fit_is_told_as_that(words: str) -> None:
    assert CODEC.decode_fault(400, {}, json.dumps({"error": words}).encode()).kind == "context_length"
    assert CODEC.decode_fault(500, {}, json.dumps({"error": words}).encode()).kind == "upstream_error"


def test_an_error_of_a_proxy_is_read_by_its_status() -> None:
    fault = CODEC.decode_fault(503, {b"retry-after": b"3"}, b"<html>")
    assert (fault.kind, fault.retry_after) == ("overloaded", 3)
