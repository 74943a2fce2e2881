"""Errors: a number and a message, in an answer with status 200 or as an event."""

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.qianfan_v1.name import NAME
from twoapi.protocols.qianfan_v1.schema import Answer
from twoapi.wire import json
from twoapi.wire.errors import WireError

_CODES: dict[str, FaultKind] = {
    "1": "upstream_error",  # unknown
    "2": "overloaded",  # the service is not available
    "3": "not_found",  # no such method
    "4": "rate_limited",  # of the cluster
    "6": "forbidden",
    "13": "unauthenticated",
    "14": "unauthenticated",
    "15": "unauthenticated",
    "17": "quota_exhausted",  # of the day
    "18": "rate_limited",  # requests per second
    "19": "quota_exhausted",  # of all
    "100": "invalid_request",
    "110": "unauthenticated",  # the token is wrong
    "111": "unauthenticated",  # or has expired; another one helps in both cases
    "336000": "upstream_error",
    "336001": "invalid_request",
    "336002": "invalid_request",  # not JSON
    "336003": "invalid_request",
    "336004": "forbidden",
    "336005": "not_found",  # no such model
    "336100": "overloaded",
    "336101": "method_not_allowed",
    "336104": "invalid_request",
    "336105": "invalid_request",
    "336501": "rate_limited",  # requests per minute
    "336502": "rate_limited",  # tokens per minute
}
# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset({"invalid_request", "not_found"})

_decode = json.decoder(Answer)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, also when it is not in the vendor's format."""
    fault = openai_errors.decode_fault(status, headers, body, NAME)
    try:
        answer = _decode(body)
    except WireError:
        return fault
    return replace(hidden_fault(answer, body), retry_after=fault.retry_after) if answer.error_code else fault


def hidden_fault(answer: Answer, payload: bytes) -> Fault:
    """The fault that an answer or an event tells in place of a result."""
    code = str(answer.error_code)
    told = answer.error_msg or f"the upstream failed with code {code}"
    fault = openai_errors.coded_fault(code, told, None, Raw(payload), NAME)
    kind = _CODES.get(code, fault.kind)
    whose = "client" if kind in _CLIENTS else "upstream"
    return replace(fault, kind=kind, whose="client" if whose == "client" else "upstream", status=0)
