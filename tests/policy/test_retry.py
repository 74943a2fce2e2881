"""What follows a failed attempt."""

from typing import get_args

import msgspec
import pytest

from twoapi.ir import Fault
from twoapi.ir.fault import STATUS, FaultKind
from twoapi.policy.retry import Step, answer_to_client, next_step, pause
from twoapi.transport.errors import FailureKind

# kind: (with everything left, without credentials, without candidates, with neither and no retries)
TABLE: dict[str, tuple[Step, Step, Step, Step]] = {
    "unauthenticated": ("credential", "candidate", "credential", "stop"),
    "forbidden": ("credential", "candidate", "credential", "stop"),
    "quota_exhausted": ("credential", "candidate", "credential", "stop"),
    "rate_limited": ("credential", "candidate", "credential", "stop"),
    "overloaded": ("candidate", "candidate", "same", "stop"),
    "upstream_error": ("same", "same", "same", "stop"),
    "timeout": ("candidate", "candidate", "stop", "stop"),
    "refused": ("candidate", "candidate", "same", "stop"),
    "dns": ("candidate", "candidate", "same", "stop"),
    "tls": ("candidate", "candidate", "stop", "stop"),
    "closed": ("same", "same", "same", "stop"),
    "protocol": ("candidate", "candidate", "stop", "stop"),
    **dict.fromkeys(
        (
            "invalid_request",
            "context_length",
            "not_found",
            "method_not_allowed",
            "conflict",
            "too_large",
            "unprocessable",
            "cancelled",
            "content_filtered",
        ),
        ("stop", "stop", "stop", "stop"),
    ),
}


@pytest.mark.parametrize("kind", TABLE)
def test_a_kind_of_failure_has_its_remedy(kind: str) -> None:
    found = (
        next_step(kind, 1, 2, credentials_left=1, candidates_left=1),
        next_step(kind, 1, 2, credentials_left=0, candidates_left=1),
        next_step(kind, 1, 2, credentials_left=1, candidates_left=0),
        next_step(kind, 1, 0, credentials_left=0, candidates_left=0),
    )
    assert found == TABLE[kind]


def test_every_kind_is_decided_here() -> None:
    assert set(STATUS) <= set(TABLE)


def test_the_same_candidate_is_tried_as_often_as_retries_say() -> None:
    steps = [next_step("upstream_error", attempt, 2, credentials_left=0, candidates_left=1) for attempt in (1, 2, 3)]
    assert steps == ["same", "same", "candidate"]


def test_pauses_double_up_to_a_bound_and_follow_the_upstream() -> None:
    assert [pause(attempt) for attempt in range(1, 8)] == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert [pause(1, 0.0), pause(3, 1.5), pause(1, 4.0), pause(1, 4.1)] == [0.0, 1.5, 4.0, None]


def test_the_gateways_own_credential_is_not_the_clients_affair() -> None:
    fault = Fault(
        "unauthenticated",
        "Incorrect API key provided: sk-ab***yz",
        whose="upstream",
        status=401,
        code="invalid_api_key",
        param="key",
        request_id="req_1",
        raw=msgspec.Raw(b'{"message":"sk-ab***yz"}'),
    )
    assert answer_to_client(fault, "claude", 1) == Fault(
        "upstream_error",
        "the upstream 'claude' does not accept the gateway's credential (credentials.1); its operator must mend this",
        whose="upstream",
        status=502,
        code="upstream_credential",
        request_id="req_1",
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [("forbidden", "denies this to"), ("quota_exhausted", "has no quota left for")],
)
def test_other_troubles_of_the_credential_are_told_alike(kind: FaultKind, words: str) -> None:
    fault = answer_to_client(Fault(kind, "secret words", whose="upstream"))
    assert fault.message == f"the upstream {words} the gateway's credential; its operator must mend this"
    assert fault.http_status == 502


def test_every_other_fault_reaches_the_client_as_it_is() -> None:
    fault = Fault("rate_limited", "slow down", whose="upstream", status=429, retry_after=7.0)
    assert answer_to_client(fault, "claude", 0) is fault


def test_what_a_connection_can_say_is_in_the_table() -> None:
    assert set(get_args(FailureKind)) <= set(TABLE)
