"""Errors: each type of the service, before an answer and in its stream."""

import json

import botocore.session  # type: ignore[import-untyped]
import pytest

from twoapi.ir import Failed, Fault
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.testing.eventstream import write_error, write_event, write_exception
from twoapi.testing.laws.subject import events_of

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]
# type -> status on the wire, kind, whose it is, status for a client
TYPES = {
    "AccessDeniedException": (403, "forbidden", "upstream", 403),
    "UnrecognizedClientException": (403, "unauthenticated", "upstream", 401),
    "InvalidSignatureException": (403, "unauthenticated", "upstream", 401),
    "ExpiredTokenException": (403, "unauthenticated", "upstream", 401),
    "RequestExpired": (403, "unauthenticated", "upstream", 401),
    "IncompleteSignature": (403, "unauthenticated", "upstream", 401),
    "MissingAuthenticationTokenException": (403, "unauthenticated", "upstream", 401),
    "ResourceNotFoundException": (404, "not_found", "client", 404),
    "ModelTimeoutException": (408, "timeout", "upstream", 504),
    "ConflictException": (409, "conflict", "client", 409),
    "ThrottlingException": (429, "rate_limited", "upstream", 429),
    "ModelNotReadyException": (429, "overloaded", "upstream", 503),
    "ValidationException": (400, "invalid_request", "client", 400),
    "ServiceQuotaExceededException": (400, "quota_exhausted", "upstream", 429),
    "ModelErrorException": (424, "upstream_error", "upstream", 502),
    "ModelStreamErrorException": (424, "upstream_error", "upstream", 502),
    "InternalServerException": (500, "upstream_error", "upstream", 502),
    "ServiceUnavailableException": (503, "overloaded", "upstream", 503),
}


def error(status: int, kind: str, message: str = "no", **headers: str) -> Fault:
    told = {b"x-amzn-errortype": kind.encode(), b"x-amzn-requestid": b"req-1"}
    told |= {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return CONVERSE.decode_fault(status, told, json.dumps({"message": message}).encode())


@pytest.mark.parametrize("kind", TYPES)
def test_every_type(kind: str) -> None:
    status, expected, whose, shown = TYPES[kind]
    for spelled in (kind, f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"):
        fault = error(status, spelled)
        assert (fault.kind, fault.whose, fault.http_status, fault.code) == (expected, whose, shown, kind)
        assert fault.message == "no"
        assert fault.request_id == "req-1"


def test_every_error_of_the_service_model_is_there() -> None:
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    for name in ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"):
        for shape in model.operation_model(name).error_shapes:
            assert TYPES[shape.name][0] == shape.metadata["error"]["httpStatusCode"]


@pytest.mark.parametrize("kind", ["ThrottlingException", "ModelNotReadyException", "ServiceUnavailableException"])
def test_what_passes_may_be_tried_again(kind: str) -> None:
    assert error(TYPES[kind][0], kind).retryable
    assert error(TYPES[kind][0], kind, retry_after="7").retry_after == 7


@pytest.mark.parametrize(
    "message",
    [
        "Input is too long for requested model.",
        "The model returned the following errors: prompt is too long: 200001 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 204698",
    ],
)
def test_a_prompt_that_is_too_long(message: str) -> None:
    assert error(400, "ValidationException", message).kind == "context_length"
    assert error(429, "ThrottlingException", message).kind == "rate_limited"


def test_state_of_another_account_is_refused() -> None:
    message = "messages.1.content.0: Invalid `signature` in `thinking` block"
    assert error(400, "ValidationException", message).refuses_state
    assert not error(400, "ValidationException").refuses_state


def test_what_was_signed_is_not_told() -> None:
    message = "The signature does not match.\n\nThe Canonical String should have been\nx-amz-security-token:SECRET"
    assert error(403, "InvalidSignatureException", message).message == "The signature does not match."


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (403, b'{"Message":"Authentication failed"}', "forbidden", "Authentication failed"),
        (
            400,
            b'{"__type":"com.amazon.coral.service#ThrottlingException","message":"slow"}',
            "rate_limited",
            "slow",
        ),
        (502, b"<html>Bad Gateway</html>", "upstream_error", "the upstream answered with status 502 and no message"),
        (503, b"", "overloaded", "the upstream answered with status 503 and no message"),
        (413, b"too much", "too_large", "too much"),
        (424, b"{}", "upstream_error", "the upstream answered with status 424 and no message"),
    ],
)
def test_errors_without_a_header(status: int, body: bytes, kind: str, message: str) -> None:
    fault = CONVERSE.decode_fault(status, {}, body)
    assert (fault.kind, fault.message) == (kind, message)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("internalServerException", "upstream_error"),
        ("modelStreamErrorException", "upstream_error"),
        ("validationException", "invalid_request"),
        ("throttlingException", "rate_limited"),
        ("serviceUnavailableException", "overloaded"),
        ("modelTimeoutException", "timeout"),
        ("somethingNewException", "upstream_error"),
    ],
)
def test_exceptions_in_a_stream(kind: str, expected: str) -> None:
    start = write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})
    payload = {"message": "no more", "originalStatusCode": 500, "originalMessage": "x"}
    events = events_of(CONVERSE, [start + write_exception(kind, payload) + start])
    last = events[-1]
    assert isinstance(last, Failed)
    assert (last.fault.kind, last.fault.message, last.fault.code) == (expected, "no more", kind)
    assert sum(isinstance(event, Failed) for event in events) == 1


def test_errors_in_a_stream() -> None:
    (last,) = events_of(CONVERSE, [write_error("InternalFailure", "broke")])
    assert isinstance(last, Failed)
    assert (last.fault.kind, last.fault.message, last.fault.code) == ("upstream_error", "broke", "InternalFailure")
    (last,) = events_of(CONVERSE, [write_exception("throttlingException", [])])
    assert isinstance(last, Failed)
    assert (last.fault.kind, last.fault.message) == ("rate_limited", "throttlingException")
