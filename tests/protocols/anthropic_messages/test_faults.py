"""Errors and model lists, both ways."""

import json
from typing import Any

import pytest
from tests.protocols.anthropic_messages.wire import CODEC, context, fixture

from twoapi import ir
from twoapi.protocols.base import ModelEntry, Restore


@pytest.mark.parametrize(("name", "status", "kind"), [("429", 429, "rate_limited"), ("529", 529, "overloaded")])
def test_the_vendors_error_comes_back_as_it_was(name: str, status: int, kind: str) -> None:
    body = json.loads(fixture(f"anthropic.error.{name}.json"))

    fault = CODEC.decode_fault(status, {b"retry-after": b"7"}, json.dumps(body).encode())
    encoded = CODEC.encode_fault(fault, body["request_id"])

    assert (fault.kind, fault.retryable, fault.retry_after) == (kind, True, 7.0)
    assert encoded[:2] == (status, [(b"request-id", body["request_id"].encode()), (b"retry-after", b"7")])
    assert json.loads(encoded[2]) == body


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (502, b"<html>Bad gateway</html>", "upstream_error", "the upstream answered 502 without a readable error"),
        (503, b"", "overloaded", "the upstream answered 503 without a readable error"),
        (404, b"no such route", "not_found", "no such route"),
        (418, b'{"detail":"teapot"}', "invalid_request", "teapot"),
        (400, b'{"error":"bad"}', "invalid_request", "bad"),
        (400, b'{"error":{"message":"m","type":"strange"}}', "invalid_request", "m"),
        (402, b'{"message":"pay"}', "quota_exhausted", "pay"),
        (500, b'{"error":{"type":"overloaded_error","message":"o"}}', "overloaded", "o"),
        (
            400,
            b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens"}}',
            "context_length",
            "prompt is too long: 9 tokens",
        ),
    ],
)
def test_any_error_body_becomes_a_fault(status: int, body: bytes, kind: str, message: str) -> None:
    fault = CODEC.decode_fault(status, {}, body)

    assert (fault.kind, fault.message) == (kind, message)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({b"retry-after": b"3", b"retry-after-ms": b"1500"}, 1.5),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"-1"}, None),
        (
            {
                b"date": b"Wed, 21 Oct 2026 07:28:00 GMT",
                b"anthropic-ratelimit-requests-remaining": b"0",
                b"anthropic-ratelimit-requests-reset": b"2026-10-21T07:28:30Z",
                b"anthropic-ratelimit-tokens-remaining": b"5",
                b"anthropic-ratelimit-tokens-reset": b"2026-10-21T08:28:30Z",
            },
            30.0,
        ),
    ],
)
def test_the_wait_is_read_without_a_clock(headers: dict[bytes, bytes], wait: float | None) -> None:
    assert CODEC.decode_fault(429, headers, b"").retry_after == wait


@pytest.mark.parametrize(
    ("kind", "status", "type_"),
    [
        ("invalid_request", 400, "invalid_request_error"),
        ("context_length", 400, "invalid_request_error"),
        ("unauthenticated", 401, "authentication_error"),
        ("quota_exhausted", 402, "billing_error"),
        ("forbidden", 403, "permission_error"),
        ("not_found", 404, "not_found_error"),
        ("conflict", 409, "conflict_error"),
        ("too_large", 413, "request_too_large"),
        ("unprocessable", 400, "invalid_request_error"),
        ("rate_limited", 429, "rate_limit_error"),
        ("upstream_error", 502, "api_error"),
        ("overloaded", 529, "overloaded_error"),
        ("timeout", 504, "timeout_error"),
    ],
)
def test_each_kind_has_its_status_and_type(kind: Any, status: int, type_: str) -> None:
    got, headers, body = CODEC.encode_fault(ir.Fault(kind, "m", retry_after=0.2), "r")

    assert (got, headers) == (status, [(b"request-id", b"r"), (b"retry-after", b"1")])
    message = "prompt is too long: m" if kind == "context_length" else "m"  # the words that clients look for
    assert json.loads(body) == {"type": "error", "error": {"type": type_, "message": message}, "request_id": "r"}


def test_a_refused_thread_tells_the_sdk_to_send_everything_again() -> None:
    fault = ir.Fault("invalid_request", "m", code="thread_unsupported_request", param="/thread")

    assert json.loads(CODEC.encode_fault(fault, "r")[2])["error"] == {
        "type": "invalid_request_error",
        "message": "m",
        "details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
    }


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"content":5}', b'{"error":{"message":"x"}}'])
def test_a_broken_or_hidden_error_answer_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_response(body, Restore())

    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


def test_arguments_that_are_cut_off_are_no_call() -> None:
    call = ir.ToolCall(id="a", name="f", arguments='{"x":', at="/p")
    losses: list[ir.Loss] = []
    cut = ir.Response(
        protocol="openai-chat",
        id="",
        model="m",
        candidates=[ir.Candidate(0, [call], ir.StopReason(kind="max_tokens"))],
        usage=ir.Usage(input=1, output=1),
    )

    body = json.loads(CODEC.encode_response(cut, context(), losses))

    assert (body["content"], body["stop_reason"]) == ([], "max_tokens")
    assert [(loss.path, loss.kind) for loss in losses] == [("/p", "dropped")]


def test_other_broken_arguments_are_the_upstreams_fault() -> None:
    call = ir.ToolCall(id="a", name="f", arguments='{"x":')
    stop = ir.StopReason(kind="tool_use")
    broken = ir.Response(protocol="openai-chat", id="", model="m", candidates=[ir.Candidate(0, [call], stop)])

    with pytest.raises(ir.FaultError) as caught:
        CODEC.encode_response(broken, context(), [])

    assert caught.value.fault.code == "invalid_tool_arguments"


def test_citations_of_spans_split_the_text() -> None:
    cited = ir.Citation(ir.UrlSource("https://w.example", "W"), 3, 7, "cold")
    text = ir.Text(text="🌍: cold now", citations=[cited])
    answer = ir.Response(
        protocol="openai-chat",
        id="",
        model="m",
        candidates=[ir.Candidate(0, [text], ir.StopReason(kind="stop"))],
        usage=ir.Usage(input=1, output=1),
    )

    location = {
        "type": "search_result_location",
        "cited_text": "cold",
        "source": "https://w.example",
        "title": "W",
        "search_result_index": 0,
        "start_block_index": 0,
        "end_block_index": 1,
    }
    assert json.loads(CODEC.encode_response(answer, context(), []))["content"] == [
        {"type": "text", "text": "🌍: "},
        {"type": "text", "text": "cold", "citations": [location]},
        {"type": "text", "text": " now"},
    ]


def test_a_relayed_answer_is_inspected() -> None:
    usage = CODEC.inspect(fixture("anthropic.resp.refusal.json")).usage

    assert usage is not None
    assert (usage.total_input, usage.total_output) == (120, 48)
    hidden = CODEC.inspect(fixture("anthropic.error.529.json")).fault
    assert hidden is not None
    assert hidden.kind == "overloaded"


def test_a_model_list_has_the_vendors_shape() -> None:
    common = {"type": "model", "lifecycle": "active"}
    assert json.loads(CODEC.encode_models([ModelEntry("a", 0, "o"), ModelEntry("b", 1, "o")])) == {
        "data": [
            {**common, "id": "a", "display_name": "a", "created_at": "1970-01-01T00:00:00Z"},
            {**common, "id": "b", "display_name": "b", "created_at": "1970-01-01T00:00:01Z"},
        ],
        "has_more": False,
        "first_id": "a",
        "last_id": "b",
    }
