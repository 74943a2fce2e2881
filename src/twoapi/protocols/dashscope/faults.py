"""Errors: `code`, `message` and `request_id`, as the body of an answer with or without status 200, or as an event."""

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.dashscope.name import NAME
from twoapi.protocols.dashscope.schema import Answer
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import SseReader

# The vendor's codes have parts, from the general to the special: the longest beginning that is here tells.
_CODES: dict[str, FaultKind] = {
    "InvalidParameter": "invalid_request",
    "InvalidURL": "invalid_request",
    "BadRequest": "invalid_request",
    "BadRequest.TooLarge": "too_large",
    "UnsupportedOperation": "invalid_request",
    "DataInspectionFailed": "content_filtered",
    "data_inspection_failed": "content_filtered",
    "Arrearage": "quota_exhausted",  # unpaid, at status 400
    "AllocationQuota": "quota_exhausted",
    "InvalidApiKey": "unauthenticated",
    "AccessDenied": "forbidden",
    "Model.AccessDenied": "forbidden",
    "ModelNotFound": "not_found",
    "RequestTimeOut": "timeout",
    "Throttling": "rate_limited",
    "InternalError": "upstream_error",
    "SystemError": "upstream_error",
    "ModelUnavailable": "overloaded",
    "ModelServingError": "overloaded",
}
# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset({"invalid_request", "not_found", "too_large", "content_filtered"})

_decode = json.decoder(Answer)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, also when it is not in the vendor's format."""
    document = _document(body)
    fault = openai_errors.decode_fault(status, headers, document, NAME)
    try:
        answer = _decode(document)
    except WireError:
        return fault
    return _by_code(fault, answer)


def hidden_fault(answer: Answer, payload: bytes) -> Fault:
    """The fault that an answer or an event tells in place of an output."""
    code = None if answer.code is None else str(answer.code)
    told = answer.message or code or "the upstream failed"
    return _by_code(openai_errors.coded_fault(code, told, None, Raw(payload), NAME), answer)


def _by_code(fault: Fault, answer: Answer) -> Fault:
    """The fault as the vendor's code says, where that is known."""
    if answer.request_id:
        fault = replace(fault, request_id=answer.request_id)
    kind = _kind(str(answer.code or ""))
    if kind is None or kind == fault.kind:
        return fault
    return replace(fault, kind=kind, whose="client" if kind in _CLIENTS else "upstream", status=0)


def _kind(code: str) -> FaultKind | None:
    while code:
        kind = _CODES.get(code)
        if kind is not None:
            return kind
        code = code.rpartition(".")[0]
    return None


def _document(body: bytes) -> bytes:
    """The error's JSON, which comes as an event where a stream was asked for."""
    if body.lstrip()[:1] in (b"{", b"<", b""):
        return body
    reader = SseReader()
    try:
        frames = [*reader.feed(body), *reader.close()]
    except WireError:
        return body
    return frames[0][1] if frames else body
