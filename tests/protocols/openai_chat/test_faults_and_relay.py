"""Errors in every shape, and bytes that are only passed on."""

import json
from typing import Any

import pytest
from msgspec import Raw

from twoapi.ir import Candidate, Fault, FaultError, Request, Response, Text
from twoapi.protocols.base import AnswerContext, ModelEntry, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.wire.http import Incoming

CODEC = OpenAIChat()
DONE = b"data: [DONE]\n\n"
TEXT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"hi [DONE]"},"finish_reason":null}],"usage":null}\n\n'
STOP = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n'
USAGE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}\n\n'
ERROR = b'data: {"error":{"message":"x","type":"server_error","param":null,"code":null}}\n\n'


def error(**members: Any) -> bytes:
    return json.dumps({"error": {"message": "m", "type": None, "param": None, "code": None, **members}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (429, error(code="rate_limit_exceeded", type="requests"), "rate_limited", "m"),
        (429, error(code="insufficient_quota", type="insufficient_quota"), "quota_exhausted", "m"),
        (429, error(type="insufficient_quota"), "quota_exhausted", "m"),
        (400, error(code="context_length_exceeded"), "context_length", "m"),
        (400, error(type="exceed_context_size_error", code=400), "context_length", "m"),
        (400, error(code="content_filter"), "content_filtered", "m"),
        (404, error(code="model_not_found"), "not_found", "m"),
        (
            401,
            error(message="Incorrect key sk-abc123def456", code="invalid_api_key"),
            "unauthenticated",
            "Incorrect key ***",
        ),
        (402, error(), "quota_exhausted", "m"),
        (500, error(type="invalid_request_error"), "upstream_error", "m"),
        (503, b"<html>busy</html>", "overloaded", "the upstream answered with status 503 and no message"),
        (529, b"", "overloaded", "the upstream answered with status 529 and no message"),
        (422, b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "unprocessable", "field required"),
        (400, b'{"detail":"nope"}', "invalid_request", "nope"),
        (400, b'{"object":"error","message":"old","code":40303}', "invalid_request", "old"),
        (400, b'{"error":"just text"}', "invalid_request", "just text"),
        (502, b"bad gateway", "upstream_error", "bad gateway"),
        (400, b'[{"error":{"message":"listed"}}]', "invalid_request", "listed"),
        (418, b"[]", "invalid_request", "the upstream answered with status 418 and no message"),
    ],
)
def test_an_error_is_understood_in_every_shape(status: int, body: bytes, kind: str, message: str) -> None:
    fault = CODEC.decode_fault(status, {}, body)

    assert (fault.kind, fault.message) == (kind, message)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"7", b"retry-after-ms": b"1500"}, 1.5),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT", b"date": b"Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"x-ratelimit-reset-requests": b"6m0s", b"x-ratelimit-reset-tokens": b"120ms"}, 360.0),
        (
            {
                b"x-ratelimit-reset-requests": b"6m0s",
                b"x-ratelimit-reset-tokens": b"7.66s",
                b"x-ratelimit-remaining-tokens": b"0",
            },
            7.66,
        ),
    ],
)
def test_the_wait_is_read_from_the_headers(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert CODEC.decode_fault(429, headers, error()).retry_after == seconds


@pytest.mark.parametrize(
    ("fault", "status", "kind", "code"),
    [
        (Fault("invalid_request", "m"), 400, "invalid_request_error", None),
        (Fault("context_length", "m"), 400, "invalid_request_error", "context_length_exceeded"),
        (Fault("unauthenticated", "m"), 401, "authentication_error", "invalid_api_key"),
        (Fault("quota_exhausted", "m"), 429, "insufficient_quota", "insufficient_quota"),
        (Fault("not_found", "m"), 404, "invalid_request_error", "model_not_found"),
        (Fault("overloaded", "m", status=529), 503, "server_error", "overloaded"),
        (Fault("invalid_request", "m", code="own"), 400, "invalid_request_error", "own"),
        (Fault("rate_limited", "m", code="x", protocol="anthropic-messages"), 429, "requests", "rate_limit_exceeded"),
    ],
)
def test_a_fault_is_told_in_the_vendors_words(fault: Fault, status: int, kind: str, code: str | None) -> None:
    told = CODEC.encode_fault(fault, "")

    assert (told[0], told[1], json.loads(told[2])) == (
        status,
        [],
        {"error": {"message": "m", "type": kind, "param": None, "code": code}},
    )


def test_an_error_of_this_protocol_is_given_back_verbatim_with_its_wait() -> None:
    fault = CODEC.decode_fault(429, {b"retry-after": b"1.2"}, error(type="tokens", own=1))

    assert CODEC.encode_fault(fault, "req_1") == (
        429,
        [(b"x-request-id", b"req_1"), (b"retry-after", b"2"), (b"retry-after-ms", b"1200")],
        b'{"error":' + json.dumps(json.loads(error(type="tokens", own=1))["error"]).encode() + b"}",
    )


@pytest.mark.parametrize("body", [b"", b"x", b"{}", b"[]", b'{"choices":null}', error(), b'{"choices":[],"error":"x"}'])
def test_an_answer_that_is_none_is_a_fault(body: bytes) -> None:
    with pytest.raises(FaultError) as caught:
        CODEC.decode_response(body, Restore())

    assert (caught.value.fault.kind, caught.value.fault.whose) == ("upstream_error", "upstream")


def test_a_model_list() -> None:
    assert json.loads(CODEC.encode_models([ModelEntry("m", 1, "o")])) == {
        "object": "list",
        "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}],
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{ "model" : "a" , "x":1 }', b'{ "model" : "b" , "x":1 }'),
        (
            b'{"model":"a","stream":true}',
            b'{"stream_options":{"include_usage":true},"model":"b","stream":true}',
        ),
        (
            b'{"model":"a","stream":true,"stream_options":{"include_usage":true}}',
            b'{"model":"b","stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            b'{"model":"a","stream":true,"stream_options":{"include_obfuscation":false}}',
            b'{"model":"b","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}',
        ),
        (
            b'{"model":"a","stream":true,"stream_options":null}',
            b'{"model":"b","stream":true,"stream_options":{"include_usage":true}}',
        ),
        # What no vendor documents and says nothing: some SDKs write every option of theirs.
        (b'{"model":"a", "thinking":null, "seed": null, "x":[null]}', b'{"model":"b", "seed": null, "x":[null]}'),
    ],
)
def test_a_relayed_request_changes_in_its_model_and_its_wish_for_usage_only(body: bytes, expected: bytes) -> None:
    incoming = Incoming("/v1/chat/completions", {}, body)

    outgoing = CODEC.relay_request(incoming, CODEC.peek(incoming), "b", Capabilities())

    assert (outgoing.path, outgoing.body) == ("/chat/completions", expected)


def tapped(stream: bytes, size: int, *, asks: bool) -> tuple[bytes, Any]:
    options = b',"stream_options":{"include_usage":true}' if asks else b""
    incoming = Incoming("/", {}, b'{"model":"m","stream":true' + options + b"}")
    tap = CODEC.stream_tap(incoming, CODEC.peek(incoming))
    passed = b"".join([tap.feed(stream[at : at + size]) for at in range(0, len(stream), size)])
    return passed + tap.close(), tap


@pytest.mark.parametrize("size", [1, 5, 64, 10_000])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("asks", [True, False])
def test_a_tap_passes_bytes_and_strips_usage_that_was_not_asked_for(*, size: int, ends: str, asks: bool) -> None:
    stream = (TEXT + STOP + USAGE + DONE).replace(b"\n", ends.encode())

    passed, tap = tapped(stream, size, asks=asks)

    assert passed == (stream if asks else stream.replace(USAGE.replace(b"\n", ends.encode()), b""))
    assert (tap.committed, tap.complete, tap.fault) == (True, True, None)
    assert (tap.usage.input, tap.usage.output) == (10, 2)


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("asks", [True, False])
def test_a_cut_stream_ends_with_an_error_of_its_own_frame(*, size: int, asks: bool) -> None:
    passed, tap = tapped(TEXT + b'data: {"id":', size, asks=asks)

    # Where whole frames are passed the error takes the place of the half one, else it stands apart from it.
    assert passed.startswith(TEXT + (b'data: {"id":\n\n' if asks else b"") + b'data: {"error":')
    assert (tap.complete, tap.fault.kind) == (False, "upstream_error")


@pytest.mark.parametrize(
    "stream", [ERROR, b"", b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n' + ERROR]
)
def test_an_error_before_the_answer_commits_nothing(stream: bytes) -> None:
    passed, tap = tapped(stream, 10_000, asks=True)

    assert (tap.committed, tap.complete, tap.fault.kind) == (False, False, "upstream_error")
    assert passed == stream


@pytest.mark.parametrize("size", [1, 10_000])
def test_an_error_in_the_middle_is_passed_and_not_told_twice(size: int) -> None:
    passed, tap = tapped(TEXT + ERROR, size, asks=True)

    assert passed == TEXT + ERROR
    assert (tap.complete, tap.fault.message) == (False, "x")


def test_a_finish_without_the_end_mark_is_complete() -> None:
    passed, tap = tapped(TEXT + STOP, 9, asks=False)

    assert (passed, tap.complete) == (TEXT + STOP, True)


def test_a_fault_of_the_gateway_closes_the_open_frame_first() -> None:
    incoming = Incoming("/", {}, b'{"model":"m","stream_options":{"include_usage":true}}')
    tap = CODEC.stream_tap(incoming, CODEC.peek(incoming))
    tap.feed(TEXT + b"data: {")

    assert tap.keep_alive() == b""
    assert tap.fail(Fault("timeout", "late")) == (
        b'\n\ndata: {"error":{"message":"late","type":"server_error","param":null,"code":"timeout"}}\n\n'
    )


@pytest.mark.parametrize(
    "member", [rb'"\q"', rb'{"message":"\q"}', b'"\xff"', b"[" * 5000 + b"]" * 5000, b"1e999", b"7"]
)
def test_an_error_that_cannot_be_read_is_still_an_error(member: bytes) -> None:
    chunk = b'{"error":' + member + b"}"
    decoder = CODEC.stream_decoder(Restore())

    events = [*decoder.feed(b"data: " + chunk + b"\n\n"), *decoder.close()]

    assert [type(event).__name__ for event in events] == ["Failed"]
    assert CODEC.decode_fault(500, {}, chunk).kind == "upstream_error"
    with pytest.raises(FaultError):
        CODEC.decode_response(chunk, Restore())
    assert CODEC.inspect(chunk).fault is not None


def test_a_text_of_another_upstream_that_is_not_utf8_is_no_answer() -> None:
    asked = AnswerContext(Request(protocol="openai-chat", model="m", messages=[]), 1, "x")

    def answered(spelled: bytes) -> bytes:
        said = [Candidate(0, [Text(text=Raw(spelled))])]
        return CODEC.encode_response(Response(protocol="gemini", id="1", model="m", candidates=said), asked, [])

    assert json.loads(answered('"né \\u00e9"'.encode()))["choices"][0]["message"]["content"] == "né é"
    with pytest.raises(FaultError):
        answered(b'"n\xff"')
