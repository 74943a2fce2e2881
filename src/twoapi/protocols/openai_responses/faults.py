"""Errors: of an answer, in an answer, and as the end of a stream."""

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.openai_responses.name import NAME
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers

# kind -> code of a failed answer. The words that agents act upon; the SDK's list is shorter, and it takes any.
_CODES: dict[FaultKind, str] = {
    "invalid_request": "invalid_prompt",
    "unprocessable": "invalid_prompt",
    "content_filtered": "invalid_prompt",
    "context_length": "context_length_exceeded",
    "quota_exhausted": "insufficient_quota",
    "rate_limited": "rate_limit_exceeded",
    "overloaded": "server_is_overloaded",
}


class _Error(msgspec.Struct, omit_defaults=True):
    code: str
    message: str
    param: str | None = None


class _Coded(msgspec.Struct, gc=False):
    code: str | None = None
    message: str | None = None
    param: str | None = None


_decode_coded = json.decoder(_Coded)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """An error answer, also one that is not in the vendor's format."""
    return openai_errors.decode_fault(status, headers, body, NAME)


def encode_fault(fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error answer."""
    return openai_errors.encode_fault(fault, request_id, NAME)


def hidden_fault(error: Raw) -> Fault | None:
    """The fault in an `error` member, of an answer with status 200 or of a failed response; None when there is none."""
    return openai_errors.hidden_fault(error, NAME)


def event_fault(event: bytes | Raw) -> Fault:
    """The fault of an `error` event: its members stand by themselves, or in an `error` member."""
    try:
        nested = json.fields(event).get("error")
        fault = None if nested is None else hidden_fault(nested)
        if fault is not None:
            return fault
        told = _decode_coded(event)
    except WireError:
        return openai_errors.coded_fault(None, event_text(event), None, None, NAME)
    raw = Raw(json.encode(told)) if told.code is not None and told.message else None
    return openai_errors.coded_fault(told.code, told.message or "the upstream failed", told.param, raw, NAME)


def event_text(event: bytes | Raw) -> str:
    """What an error event says that is not in the vendor's format."""
    return bytes(event).decode("utf-8", "replace")[:1000] or "the upstream failed"


def failed_error(fault: Fault) -> _Error | Raw:
    """The `error` member of a failed response; the upstream's own when it spoke this protocol."""
    if fault.protocol == NAME and fault.raw is not None and fault.code is not None:
        return fault.raw
    # Of what the gateway itself says only the vendor's words: clients with types know no others.
    vendors = fault.protocol == NAME or (fault.protocol is None and fault.kind in _CODES)
    code = fault.code if vendors else None
    return _Error(code or _CODES.get(fault.kind, "server_error"), fault.message or fault.kind, fault.param)
