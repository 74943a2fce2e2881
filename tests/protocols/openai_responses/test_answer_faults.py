"""Errors before, in and at the end of answers, and the tap of a relayed stream."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.openai_responses.answers import CODEC, NAME, documents, events_of, fixture, judged, sse

from twoapi import ir
from twoapi.protocols.base import ModelEntry, Peek, StreamTap
from twoapi.testing.canned import responses_answer, responses_frames
from twoapi.testing.grammars import stream_problems
from twoapi.wire.http import Incoming

STREAM = fixture("stream.reasoning-tools.sse")
PEEK = Peek("m", stream=True)
FAULT = ir.Fault("timeout", "the upstream fell silent", whose="gateway")


def tap() -> StreamTap:
    incoming = Incoming("/v1/responses", {}, b'{"model": "m", "stream": true, "input": "hi"}')
    return CODEC.stream_tap(incoming, CODEC.peek(incoming))


# --- errors


def test_an_error_of_the_vendor_comes_back_verbatim() -> None:
    body = fixture("error.400.json")

    fault = CODEC.decode_fault(400, {b"x-request-id": b"req_7"}, body)
    status, _, again = CODEC.encode_fault(fault, "req_1")

    assert (fault.kind, fault.whose, fault.param, fault.request_id) == ("invalid_request", "client", "input", "req_7")
    assert (status, json.loads(again)) == (400, json.loads(body))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": {"message": "m", "code": "previous_response_not_found"}}, "not_found"),
        (400, {"error": {"message": "m", "code": "context_length_exceeded"}}, "context_length"),
        (
            429,
            {"error": {"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}},
            "quota_exhausted",
        ),
        (503, {"error": {"message": "m", "code": "server_is_overloaded"}}, "overloaded"),
        (200, {"error": {"message": "m", "code": "slow_down"}}, "overloaded"),
    ],
)
def test_codes_say_what_is_wrong(status: int, body: Any, kind: str) -> None:
    assert CODEC.decode_fault(status, {}, json.dumps(body).encode()).kind == kind


def test_a_stream_that_has_not_begun_fails_as_a_whole_one() -> None:
    stream = CODEC.stream_fault(ir.Fault("overloaded", "busy", request_id="req_1"), PEEK)

    judged(stream)
    failed = events_of(stream)[-1]
    assert isinstance(failed, ir.Failed)
    assert (failed.fault.kind, failed.fault.message) == ("overloaded", "busy")


@pytest.mark.parametrize("kind", ["invalid_request", "rate_limited", "quota_exhausted", "context_length", "overloaded"])
def test_a_fault_is_the_same_after_a_stream(kind: Any) -> None:
    failed = events_of(CODEC.stream_fault(ir.Fault(kind, "no"), PEEK))[-1]

    assert isinstance(failed, ir.Failed)
    assert failed.fault.kind == kind


def test_a_whole_answer_that_is_relayed_tells_its_usage_or_its_error() -> None:
    found = CODEC.inspect(json.dumps(responses_answer()).encode())

    assert found.usage is not None
    assert (found.usage.total_input, found.usage.total_output, found.fault) == (3, 2, None)
    for body in (b'{"error":{"message":"m"}}', b'{"status":"failed"}', b"<html>", b"[]"):
        assert CODEC.inspect(body).fault is not None, body


def test_models_are_listed() -> None:
    listed = json.loads(CODEC.encode_models([ModelEntry("m", 5, "o")]))

    assert listed == {"object": "list", "data": [{"id": "m", "object": "model", "created": 5, "owned_by": "o"}]}


# --- the tap


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=6))
def test_bytes_pass_unchanged_and_the_usage_is_seen_however_they_are_cut(cuts: list[int]) -> None:
    watching = tap()

    out = b"".join(watching.feed(STREAM[a:b]) for a, b in pairwise([0, *sorted(cuts), len(STREAM)]))

    assert out == STREAM
    assert watching.usage is not None
    assert (watching.usage.total_input, watching.usage.total_output, watching.usage.reasoning) == (120, 48, 20)
    assert (watching.committed, watching.complete, watching.fault) == (True, True, None)
    assert watching.close() == b""


@given(st.integers(1, len(STREAM) - 1), st.booleans())
def test_a_cut_stream_ends_as_a_failed_one(place: int, told: bool) -> None:  # noqa: FBT001  drawn
    watching = tap()

    out = watching.feed(STREAM[:place])
    out += watching.fail(FAULT) if told else watching.close()

    if watching.complete:
        return
    assert watching.fault is not None
    if watching.committed:
        assert stream_problems(NAME, out) == []
        judged(out)
        assert documents(out)[-1]["response"]["id"] == "resp_1"
    else:
        assert b"response.failed" not in out


@pytest.mark.parametrize("name", ["stream.error.sse", "stream.failed.sse"])
def test_an_error_before_the_answer_is_a_reason_to_fall_back(name: str) -> None:
    watching = tap()

    watching.feed(fixture(name))

    assert not watching.committed
    assert watching.fault is not None
    assert watching.fault.kind == {"stream.error.sse": "rate_limited", "stream.failed.sse": "upstream_error"}[name]
    assert watching.close() == b""


def test_an_error_in_the_answer_is_passed_and_known() -> None:
    watching = tap()
    frames = responses_frames("a")
    error = sse({"type": "error", "code": "server_error", "message": "boom", "sequence_number": 5})

    out = b"".join(map(watching.feed, [*frames[:5], error]))

    assert out == b"".join(frames[:5]) + error
    assert watching.fault is not None
    assert watching.close() == b""


def test_a_stream_of_a_compatible_server_is_complete_with_its_terminal_event() -> None:
    frames = [b"data: " + frame.partition(b"data: ")[2] for frame in responses_frames("a", "b")]
    watching = tap()

    out = b"".join(map(watching.feed, [*frames, b"data: [DONE]\n\n"]))

    assert out == b"".join([*frames, b"data: [DONE]\n\n"])
    assert (watching.committed, watching.complete, watching.fault) == (True, True, None)
    assert watching.close() == b""


def test_a_text_frame_is_passed_without_a_look() -> None:
    watching = tap()
    frames = responses_frames("a")
    for frame in frames[:5]:
        watching.feed(frame)
    broken = b"event: response.output_text.delta\ndata: not even JSON\n\n"

    assert watching.feed(broken) == broken
    assert watching.fault is None


def test_signs_of_life_do_not_cut_a_frame() -> None:
    watching = tap()
    frames = responses_frames("a")
    out = b"".join(map(watching.feed, frames[:5])) + watching.keep_alive()
    out += watching.feed(frames[5][:20]) + watching.keep_alive()
    out += watching.feed(frames[5][20:] + b"".join(frames[6:])) + watching.keep_alive()

    assert stream_problems(NAME, out) == []
    assert out.count(b": keep-alive") == 2
