"""Errors, both ways."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.gemini.answers import CODEC, fixture

from twoapi.ir import Fault, FaultKind
from twoapi.ir.fault import STATUS
from twoapi.protocols.base import Peek
from twoapi.testing.laws import answers as laws
from twoapi.testing.strategies.values import texts


def error(code: int, status: str, *details: Mapping[str, object], message: str = "no") -> bytes:
    found: dict[str, object] = {"code": code, "message": message, "status": status}
    return json.dumps({"error": {**found, "details": list(details)} if details else found}).encode()


def info(reason: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}


DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}],
}
MINUTELY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
}


@pytest.mark.parametrize("kind", sorted(STATUS.keys() - {"cancelled"}))
@given(message=texts, retry_after=st.one_of(st.none(), st.integers(0, 86400).map(float)))
def test_l18_a_fault_survives(kind: FaultKind, message: str, retry_after: float | None) -> None:
    laws.fault_survives(CODEC, Fault(kind=kind, message=message, whose="upstream", retry_after=retry_after))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(400, "INVALID_ARGUMENT"), "invalid_request"),
        (400, error(400, "INVALID_ARGUMENT", info("API_KEY_INVALID")), "unauthenticated"),
        (
            400,
            error(400, "INVALID_ARGUMENT", message="The input token count (9) exceeds the maximum number of tokens"),
            "context_length",
        ),
        (401, error(401, "UNAUTHENTICATED"), "unauthenticated"),
        (403, error(403, "PERMISSION_DENIED"), "forbidden"),
        (404, error(404, "NOT_FOUND"), "not_found"),
        (429, error(429, "RESOURCE_EXHAUSTED", MINUTELY), "rate_limited"),
        (429, error(429, "RESOURCE_EXHAUSTED", DAILY), "quota_exhausted"),
        (499, error(499, "CANCELLED"), "cancelled"),
        (500, error(500, "INTERNAL"), "upstream_error"),
        (503, error(503, "UNAVAILABLE"), "overloaded"),
        (504, error(504, "DEADLINE_EXCEEDED"), "timeout"),
        (503, b"[" + error(503, "UNAVAILABLE") + b"]", "overloaded"),
        (502, b"<html>", "upstream_error"),
        (429, b"", "rate_limited"),
        (500, b'{"error": "text"}', "upstream_error"),
        (500, b'{"error": {"message": 7, "code": []}}', "upstream_error"),
        (418, b"[[]]", "invalid_request"),
    ],
)
def test_what_an_upstream_means(status: int, body: bytes, kind: str) -> None:
    fault = CODEC.decode_fault(status, {}, body)
    assert fault.kind == kind
    assert fault.message
    assert fault.whose == ("client" if kind in {"invalid_request", "context_length", "not_found"} else "upstream")


def test_the_wait_is_in_the_body_or_in_a_header() -> None:
    assert CODEC.decode_fault(429, {}, fixture("error.429.json")).retry_after == 13
    half = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.5s"}
    assert CODEC.decode_fault(429, {b"retry-after": b"9"}, error(429, "RESOURCE_EXHAUSTED", half)).retry_after == 0.5
    assert CODEC.decode_fault(429, {b"retry-after": b"9"}, error(429, "RESOURCE_EXHAUSTED")).retry_after == 9
    for odd in ("soon", "-1s", "nans", ""):
        assert CODEC.decode_fault(429, {}, error(429, "X", {**half, "retryDelay": odd})).retry_after is None


def test_an_error_goes_back_to_its_own_protocol_as_it_was() -> None:
    body = error(429, "RESOURCE_EXHAUSTED", MINUTELY)
    fault = CODEC.decode_fault(429, {}, body)
    status, _, found = CODEC.encode_fault(fault, "req_1")
    assert status == 429
    assert json.loads(found) == json.loads(body)


def test_a_key_in_a_message_is_not_passed_on() -> None:
    body = error(400, "INVALID_ARGUMENT", message="bad key AIzaSyD-1234567890abcdef at https://x/?key=AIzaSyD-12345678")
    fault = CODEC.decode_fault(400, {}, body)
    assert "1234567" not in fault.message
    assert b"1234567" not in CODEC.encode_fault(fault, "")[2]


def test_a_fault_of_the_gateway_in_the_vendors_words() -> None:
    fault = Fault("rate_limited", "slow", retry_after=12.2, param="/contents/0")
    status, headers, body = CODEC.encode_fault(fault, "req_1")
    assert status == 429
    assert dict(headers) == {b"x-request-id": b"req_1", b"retry-after": b"13"}
    found = json.loads(body)["error"]
    assert (found["code"], found["message"], found["status"]) == (429, "slow", "RESOURCE_EXHAUSTED")
    kinds = [one["@type"].rpartition(".")[2] for one in found["details"]]
    assert kinds == ["BadRequest", "RetryInfo"]
    assert found["details"][1]["retryDelay"] == "13s"
    assert CODEC.stream_fault(fault, Peek("m", stream=True)) == b"data: " + body + b"\n\n"
    assert CODEC.stream_fault(fault, Peek("m", stream=True, array=True)) == b"[" + body + b"]"
