"""What HTTP's statuses mean where a vendor says no more, the ones that some have made up included."""

from collections.abc import Mapping

from twoapi.ir import FaultKind

KIND_OF_STATUS: Mapping[int, FaultKind] = {
    400: "invalid_request",
    401: "unauthenticated",
    402: "quota_exhausted",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "unprocessable",
    429: "rate_limited",
    499: "cancelled",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
