"""Errors: codes in words, in an answer with status 200, and numbers in a stream."""

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.hunyuan import schema as wire
from twoapi.protocols.hunyuan.name import NAME
from twoapi.wire import json
from twoapi.wire.errors import WireError

# A code, or what stands before a dot in it, -> kind. From the list of errors in the vendor's SDK.
_CODES: dict[str, FaultKind] = {
    "AuthFailure": "unauthenticated",
    "AuthFailure.UnauthorizedOperation": "forbidden",
    "DryRunOperation": "invalid_request",
    "FailedOperation": "upstream_error",
    "FailedOperation.EngineRequestTimeout": "timeout",
    "FailedOperation.EngineServerLimitExceeded": "overloaded",
    "FailedOperation.FreeResourcePackExhausted": "quota_exhausted",
    "FailedOperation.GenerateImageFailed": "content_filtered",
    "FailedOperation.PartnerAccountUnSupport": "forbidden",
    "FailedOperation.ResourcePackExhausted": "quota_exhausted",
    "FailedOperation.ServiceNotActivated": "forbidden",
    "FailedOperation.ServiceStop": "forbidden",
    "FailedOperation.ServiceStopArrears": "quota_exhausted",
    "FailedOperation.UserUnAuthError": "forbidden",
    "InternalError": "upstream_error",
    "InvalidParameter": "invalid_request",
    "InvalidParameterValue": "invalid_request",
    "InvalidParameterValue.Model": "not_found",
    "LimitExceeded": "rate_limited",
    "MissingParameter": "invalid_request",
    "OperationDenied": "forbidden",
    "OperationDenied.ImageIllegalDetected": "content_filtered",
    "OperationDenied.TextIllegalDetected": "content_filtered",
    "RequestLimitExceeded": "rate_limited",
    "RequestSizeLimitExceeded": "too_large",
    "ResourceInsufficient": "overloaded",
    "ResourceInsufficient.ChargeResourceExhaust": "quota_exhausted",
    "ResourceNotFound": "not_found",
    "ResourceUnavailable": "forbidden",
    "ResourceUnavailable.InArrears": "quota_exhausted",
    "ResourceUnavailable.LowBalance": "quota_exhausted",
    "UnauthorizedOperation": "forbidden",
    "UnknownParameter": "invalid_request",
    "UnsupportedOperation": "invalid_request",
    "4001": "timeout",  # in a stream; recalled
}
# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset({"invalid_request", "not_found", "too_large", "content_filtered"})
_LONGEST_MESSAGE = 1000

_decode_wrapped = json.decoder(wire.Wrapped)
_decode_answer = json.decoder(wire.Answer)
_decode_error = json.decoder(wire.Error)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, also of one that is not in the vendor's format."""
    try:
        response = _decode_wrapped(body).response
        answer = None if json.is_null(response) else _decode_answer(response)
    except WireError:
        answer = None
    fault = None if answer is None else hidden_fault(answer)
    if fault is None:
        return openai_errors.decode_fault(status, headers, body, NAME)
    return replace(fault, kind="upstream_error", whose="upstream") if status >= 500 and _is_clients(fault) else fault


def hidden_fault(answer: wire.Answer) -> Fault | None:
    """The fault in an answer that looks like any other; None when there is none."""
    if not json.is_null(answer.error):
        return _read(answer.error, answer.request_id)
    message = answer.error_msg
    if message is None or not (message.msg or message.code):
        return None
    return coded_fault("" if message.code is None else str(message.code), message.msg or "", answer.id)


def coded_fault(code: str, message: str, request_id: str | None) -> Fault:
    """The fault with this code."""
    kind = _CODES.get(code) or _CODES.get(code.partition(".")[0], "upstream_error")
    return Fault(
        kind,
        message[:_LONGEST_MESSAGE] or f"the upstream failed with {code or 'no code'}",
        whose="client" if kind in _CLIENTS else "upstream",
        code=code or None,
        request_id=request_id,
        protocol=NAME,
    )


def _read(raw: Raw, request_id: str | None) -> Fault:
    try:
        error = _decode_error(raw)
    except WireError:
        return coded_fault("", "", request_id)
    return coded_fault(error.code or "", error.message or "", request_id)


def _is_clients(fault: Fault) -> bool:
    return fault.kind in _CLIENTS
