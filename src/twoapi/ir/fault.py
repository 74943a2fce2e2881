"""An error as a value: what went wrong, whose it is, and what a client should see."""

from typing import Literal

import msgspec

FaultKind = Literal[
    "invalid_request",
    "context_length",
    "unauthenticated",
    "quota_exhausted",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "conflict",
    "too_large",
    "unprocessable",
    "rate_limited",
    "cancelled",
    "upstream_error",
    "overloaded",
    "timeout",
    "content_filtered",
]

# The status a client sees for a kind when the fault carries none of its own.
STATUS: dict[str, int] = {
    "invalid_request": 400,
    "context_length": 400,
    "unauthenticated": 401,
    "quota_exhausted": 429,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "too_large": 413,
    "unprocessable": 422,
    "rate_limited": 429,
    "cancelled": 499,
    "upstream_error": 502,
    "overloaded": 503,
    "timeout": 504,
    "content_filtered": 400,
}

# Retrying the same request later, or elsewhere, can help. A function of the kind alone, never of the message.
RETRYABLE: frozenset[str] = frozenset({"rate_limited", "upstream_error", "overloaded", "timeout"})


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error answer, independent of the protocol that reported it or will report it.

    `whose` says who must act: the client (its request is wrong), the upstream, or the gateway. `status` is the HTTP
    status for the client; 0 means the one of the kind. `retry_after` is in seconds. `message` is for people and never
    holds a secret. `code`, `param`: as the source protocol gave them. `raw` is the verbatim error object, written back
    to a client of the same `protocol` only. `refuses_state`: the upstream cannot read state in the request, which
    another account or model may have made; it may still answer the same request without.
    """

    kind: FaultKind
    message: str
    whose: Literal["client", "upstream", "gateway"] = "client"
    status: int = 0
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    request_id: str | None = None
    protocol: str | None = None
    raw: msgspec.Raw | None = None
    refuses_state: bool = False

    @property
    def http_status(self) -> int:
        """The HTTP status that a client sees."""
        return self.status or STATUS[self.kind]

    @property
    def retryable(self) -> bool:
        """True when the same request may succeed later or at another upstream."""
        return self.kind in RETRYABLE


class FaultError(Exception):
    """Carries a Fault to the place that answers: raised by decoders on bad input and by encoders that must refuse."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault
