"""Errors: the vendor's google.rpc.Status, what stands for it elsewhere, and the way back."""

import math
import re

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultKind
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.statuses import KIND_OF_STATUS
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers
from twoapi.wire.sse import CR, LF

_WORDS: dict[str, FaultKind] = {
    "INVALID_ARGUMENT": "invalid_request",
    "FAILED_PRECONDITION": "invalid_request",
    "OUT_OF_RANGE": "invalid_request",
    "UNAUTHENTICATED": "unauthenticated",
    "PERMISSION_DENIED": "forbidden",
    "NOT_FOUND": "not_found",
    "ABORTED": "conflict",
    "ALREADY_EXISTS": "conflict",
    "RESOURCE_EXHAUSTED": "rate_limited",
    "CANCELLED": "cancelled",
    "INTERNAL": "upstream_error",
    "UNKNOWN": "upstream_error",
    "DATA_LOSS": "upstream_error",
    "UNIMPLEMENTED": "upstream_error",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
}
# There is no status for a signature that is another model's.
_FOREIGN_STATE = ("thought signature is not valid", "corrupted thought signature")
# The reason of an ErrorInfo says more than the status beside it.
_REASONS: dict[str, FaultKind] = {
    "API_KEY_INVALID": "unauthenticated",
    "API_KEY_EXPIRED": "unauthenticated",
    "ACCESS_TOKEN_EXPIRED": "unauthenticated",
    "CREDENTIALS_MISSING": "unauthenticated",
    "QUOTA_EXHAUSTED": "quota_exhausted",
    "BILLING_DISABLED": "quota_exhausted",
    "METHOD_NOT_ALLOWED": "method_not_allowed",
}
# kind -> HTTP status and word on this wire, and the reason where the word alone does not tell
_TOLD: dict[FaultKind, tuple[int, str, str | None]] = {
    "invalid_request": (400, "INVALID_ARGUMENT", None),
    "context_length": (400, "INVALID_ARGUMENT", None),
    "unauthenticated": (401, "UNAUTHENTICATED", "API_KEY_INVALID"),
    "quota_exhausted": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXHAUSTED"),
    "forbidden": (403, "PERMISSION_DENIED", None),
    "not_found": (404, "NOT_FOUND", None),
    "method_not_allowed": (405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED"),
    "conflict": (409, "ABORTED", None),
    "too_large": (413, "INVALID_ARGUMENT", None),
    "unprocessable": (400, "INVALID_ARGUMENT", None),
    "rate_limited": (429, "RESOURCE_EXHAUSTED", None),
    "cancelled": (499, "CANCELLED", None),
    "upstream_error": (502, "INTERNAL", None),
    "overloaded": (503, "UNAVAILABLE", None),
    "timeout": (504, "DEADLINE_EXCEEDED", None),
    "content_filtered": (400, "INVALID_ARGUMENT", None),
}
# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset(
    {"invalid_request", "context_length", "not_found", "too_large", "unprocessable", "content_filtered"}
)
# The statuses of an upstream, and of the gateway itself, that a client's SDK should see as they are.
_KEPT_STATUSES = frozenset((400, 403, 404, 408, 409, 413, 415, 429, 431, 500, 502, 503, 504))
_TOO_LONG = "exceeds the maximum number of tokens"  # how the vendor words a prompt that does not fit
_LONGEST_MESSAGE = 1000
_SECRET = re.compile(r"\bAIza[-_A-Za-z0-9]{8,}|\bya29\.[-_.A-Za-z0-9]{8,}|(?<=[?&]key=)[-_.A-Za-z0-9]{8,}")
_DOMAIN = "googleapis.com"
_TYPE = "type.googleapis.com/google.rpc."


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str = ""
    field: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    type: str = msgspec.field(default="", name="@type")
    reason: str | None = None
    retry_delay: str | None = None
    violations: list[_Violation] = []
    field_violations: list[_Violation] = []


class _Status(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: list[Raw] | None = None


_decode_status = json.decoder(_Status)
_decode_detail = json.decoder(_Detail)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """An error answer, also one in an array, and one that is not in the vendor's format (HTML, empty)."""
    fault = _fault(_error_of(body), status, body)
    waits = fault.retry_after
    if waits is None:
        waits = _seconds(headers.get(b"retry-after", b"").decode("latin-1"))
    stamp = headers.get(b"x-request-id")
    named = None if stamp is None else stamp.decode("latin-1")
    return msgspec.structs.replace(fault, retry_after=waits, request_id=named)


def hidden_fault(error: Raw) -> Fault | None:
    """The fault in an `error` member of an answer with status 200; None when the member is absent, null or empty."""
    if json.is_null(error) or bytes(error) in (b"{}", b'""', b"false", b"[]"):
        return None
    return _fault(error, 0, b"")


def array_fault(body: bytes) -> Fault | None:
    """The fault in an array of one error, as streaming endpoints answer; None when it is something else."""
    error = _error_of(body) if body.lstrip()[:1] == b"[" else None
    return None if error is None else hidden_fault(error)


def _error_of(body: bytes) -> Raw | None:
    """The error in a body, wherever this server puts it; the body itself when it is an object without one."""
    stripped = body.strip()
    try:
        if stripped[:1] == b"[":
            elements = json.items(stripped)
            stripped = bytes(elements[0]) if elements else b""
        members = json.fields(stripped)
    except WireError:
        return None
    return members.get("error") or members.get("detail") or Raw(stripped)


def _fault(error: Raw | None, status: int, body: bytes) -> Fault:
    told = _read(error, body)
    code = int(told.code or 0) if str(told.code or 0).isdecimal() else 0
    status = status or (code if 400 <= code < 600 else 0)
    details = _details(told)
    reason = next((detail.reason for detail in details if detail.reason), None)
    kind = _REASONS.get(reason or "") or KIND_OF_STATUS.get(status) or _WORDS.get(told.status or "")
    if kind is None:
        kind = "invalid_request" if 400 <= status < 500 else "upstream_error"
    elif status >= 500 and kind in _CLIENTS:
        kind = "upstream_error"
    if kind == "rate_limited" and any("PerDay" in one.quota_id for detail in details for one in detail.violations):
        kind = "quota_exhausted"
    told_message = (told.message or "")[:_LONGEST_MESSAGE]
    if kind == "invalid_request" and _TOO_LONG in told_message:
        kind = "context_length"
    message = _SECRET.sub("***", told_message)
    whole = error is not None and message == told.message and json.first_byte(error) == 123
    waits = (_seconds(detail.retry_delay) for detail in details)
    return Fault(
        kind,
        message or f"the upstream answered with status {status or 200} and no message",
        whose="client" if kind in _CLIENTS else "upstream",
        status=status if status in _KEPT_STATUSES else 0,
        code=reason or told.status,
        param=next((one.field for detail in details for one in detail.field_violations if one.field), None),
        retry_after=next((wait for wait in waits if wait is not None), None),
        protocol=NAME,
        raw=error if whole else None,
        refuses_state=any(words in told_message.lower() for words in _FOREIGN_STATE),
    )


def _read(error: Raw | None, body: bytes) -> _Status:
    """The status object, and something like it of anything else."""
    if error is None:
        text = body.strip()
        is_page = text[:1] in (b"<", b"[", b"")
        return _Status(message="" if is_page else text.decode("utf-8", "replace"))
    try:
        kind = json.first_byte(error)
        if kind == 34:
            return _Status(message=str(json.decode(error)))
        if kind == 91:
            elements = json.items(error)
            return _read_loosely(elements[0]) if elements else _Status()
        told = _decode_status(error)
    except WireError:
        return _read_loosely(error)
    return told if told.message is not None else msgspec.structs.replace(told, message=_read_loosely(error).message)


def _read_loosely(error: Raw) -> _Status:
    """Something whose members are not of the vendor's names and types: the message, if there is one."""
    try:
        members = json.fields(error)
        message = json.decode(members.get("message") or members.get("msg") or Raw(b'""'))
    except WireError:
        message = ""
    return _Status(message=message if isinstance(message, str) else "")


def _details(told: _Status) -> list[_Detail]:
    found = []
    for raw in told.details or ():
        try:
            found.append(_decode_detail(raw))
        except WireError:
            continue
    return found


def _seconds(text: str | None) -> float | None:
    """The seconds of "13s", "0.5s" or "13"."""
    try:
        seconds = float((text or "").removesuffix("s"))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def http_status(fault: Fault) -> int:
    """The status that a client of this protocol sees."""
    return fault.status if fault.status in _KEPT_STATUSES else _TOLD[fault.kind][0]


def error_body(fault: Fault) -> bytes:
    """The error document; with the upstream's own error when it spoke this protocol."""
    if fault.protocol == NAME and fault.raw is not None:
        return b'{"error":' + one_line(bytes(fault.raw)) + b"}"
    _, word, reason = _TOLD[fault.kind]
    details: list[dict[str, object]] = []
    if reason is not None:
        details.append({"@type": _TYPE + "ErrorInfo", "reason": reason, "domain": _DOMAIN})
    if fault.param is not None:
        violation = {"field": fault.param, "description": fault.message}
        details.append({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]})
    if fault.retry_after is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{math.ceil(fault.retry_after)}s"})
    error: dict[str, object] = {"code": http_status(fault), "message": fault.message, "status": word}
    if details:
        error["details"] = details
    return json.encode({"error": error})


def one_line(document: bytes) -> bytes:
    """JSON without line breaks: between tokens they mean nothing, inside strings they cannot stand."""
    if LF in document or CR in document:
        return document.replace(b"\r", b" ").replace(b"\n", b" ")
    return document


def encode_fault(fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error answer."""
    headers: Headers = [(b"x-request-id", request_id.encode("latin-1", "replace"))] if request_id else []
    if fault.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(fault.retry_after)))
    return http_status(fault), headers, error_body(fault)
