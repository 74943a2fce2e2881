"""Errors, both ways."""

import math
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.statuses import KIND_OF_STATUS
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers
from twoapi.wire.json import EMPTY, decode, decoder, encode, first_byte, items

_TYPES: dict[str, str] = {
    "invalid_request": "invalid_request_error",
    "context_length": "invalid_request_error",
    "unauthenticated": "authentication_error",
    "quota_exhausted": "billing_error",
    "forbidden": "permission_error",
    "not_found": "not_found_error",
    "method_not_allowed": "invalid_request_error",
    "conflict": "conflict_error",
    "too_large": "request_too_large",
    "unprocessable": "invalid_request_error",
    "rate_limited": "rate_limit_error",
    "cancelled": "api_error",
    "upstream_error": "api_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "content_filtered": "invalid_request_error",
}
# Kinds whose status differs here from what other protocols give.
_STATUS = {"quota_exhausted": 402, "unprocessable": 400, "overloaded": 529}

_KINDS: dict[str, ir.FaultKind] = {
    "invalid_request_error": "invalid_request",
    "authentication_error": "unauthenticated",
    "billing_error": "quota_exhausted",
    "permission_error": "forbidden",
    "not_found_error": "not_found",
    "conflict_error": "conflict",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "api_error": "upstream_error",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
}
_CLIENTS = {"invalid_request", "context_length", "not_found", "conflict", "too_large", "unprocessable"}
# The service has no code for it; its message begins with these words, and agents wait for the kind to compact.
_TOO_LONG = ("prompt is too long", "input length and `max_tokens` exceed context limit")
# Nor has it one for signatures of another account or model.
_FOREIGN_STATE = ("`signature` in `thinking`", "`data` in `redacted_thinking`")
_MAX_MESSAGE = 2000


class _Details(msgspec.Struct):
    error_code: str | None = None


class _Error(msgspec.Struct):
    message: str = ""
    type: str | None = None
    details: _Details | None = None


class _Body(msgspec.Struct):
    error: Raw = EMPTY
    request_id: str | None = None
    message: str | None = None
    capital: str | None = msgspec.field(default=None, name="Message")  # AWS, now and then
    detail: Raw = EMPTY


_decode_body = decoder(_Body)
_decode_error = decoder(_Error)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> ir.Fault:
    """The error of an upstream's answer, whatever its form."""
    wait = _retry_after(headers)
    named = headers.get(b"request-id")
    request_id = None if named is None else named.decode("latin-1")
    kind = KIND_OF_STATUS.get(status) or ("invalid_request" if 400 <= status < 500 else "upstream_error")
    try:
        wire = _decode_body(_unlisted(body))
    except WireError:
        return _fault(kind, _plain_message(status, headers, body), wait, request_id)
    if wire.error is not EMPTY:
        return decode_error(wire.error, kind, wait, wire.request_id or request_id)
    message = wire.message or wire.capital or (_as_text(wire.detail) if wire.detail is not EMPTY else "")
    return _fault(kind, message or f"the upstream answered {status}", wait, wire.request_id or request_id)


def _unlisted(body: bytes) -> bytes:
    """The error of a list with one, as Google's services answer a request for a stream; any other body as it is."""
    elements = items(body) if body.lstrip()[:1] == b"[" else []
    return bytes(elements[0]) if elements else body


def decode_error(raw: Raw, kind: ir.FaultKind, wait: float | None = None, request_id: str | None = None) -> ir.Fault:
    """The error object of a body or of a stream's `error` event; `kind` is taken when it has no known type."""
    try:
        error = _decode_error(raw)
    except WireError:
        return _fault(kind, _as_text(raw) or "the upstream failed", wait, request_id)
    known = _KINDS.get(error.type or "")
    kind = known or kind
    if kind == "invalid_request" and error.message.startswith(_TOO_LONG):
        kind = "context_length"
    fault = _fault(kind, error.message or error.type or "the upstream failed", wait, request_id)
    code = None if error.details is None else error.details.error_code
    native = raw if known is not None else None
    return msgspec.structs.replace(
        fault,
        code=code,
        raw=native,
        protocol=NAME if native is not None else None,
        refuses_state=any(words in error.message for words in _FOREIGN_STATE),
    )


def upstream_fault(message: str, code: str | None = None) -> ir.Fault:
    """An answer that breaks the protocol."""
    return ir.Fault("upstream_error", message, whose="upstream", code=code)


def _fault(kind: ir.FaultKind, message: str, wait: float | None, request_id: str | None) -> ir.Fault:
    whose = "client" if kind in _CLIENTS else "upstream"
    return ir.Fault(
        kind,
        message[:_MAX_MESSAGE],
        whose="client" if whose == "client" else "upstream",
        retry_after=wait,
        request_id=request_id,
    )


def _as_text(raw: Raw) -> str:
    return str(decode(raw)) if first_byte(raw) == 34 else bytes(raw).decode("utf-8", "replace")


def _plain_message(status: int, headers: dict[bytes, bytes], body: bytes) -> str:
    text = body[:_MAX_MESSAGE].decode("utf-8", "replace").strip()
    if not text or text.startswith("<") or b"html" in headers.get(b"content-type", b""):
        return f"the upstream answered {status} without a readable error"
    return text


def _retry_after(headers: dict[bytes, bytes]) -> float | None:
    exact = _number(headers.get(b"retry-after-ms"))
    if exact is not None:
        return exact / 1000
    seconds = _number(headers.get(b"retry-after"))
    return seconds if seconds is not None else _until_reset(headers)


def _number(value: bytes | None) -> float | None:
    try:
        number = float(value or b"")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until_reset(headers: dict[bytes, bytes]) -> float | None:
    """From the answer's own date to the last reset of an exhausted limit; None when the headers do not tell."""
    try:
        now = parsedate_to_datetime(headers[b"date"].decode("latin-1"))
        waits = [
            (datetime.fromisoformat(value.decode("latin-1")) - now).total_seconds()
            for name, value in headers.items()
            if name.startswith(b"anthropic-ratelimit-")
            and name.endswith(b"-reset")
            and headers.get(name.removesuffix(b"reset") + b"remaining") == b"0"
        ]
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, *waits) if waits else None


def encode_fault(fault: ir.Fault, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error answer."""
    headers: Headers = [(b"request-id", request_id.encode("latin-1", "replace"))]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(fault.retry_after)).encode()))
    return _STATUS.get(fault.kind, fault.http_status), headers, encode_error(fault, request_id)


def encode_error(fault: ir.Fault, request_id: str | None) -> bytes:
    """The error document, of an answer or of a stream's `error` event."""
    error: object = fault.raw
    if fault.protocol != NAME or fault.raw is None:
        message = _place(fault) + (fault.message or fault.kind)
        if fault.kind == "context_length" and not message.startswith(_TOO_LONG):
            message = f"{_TOO_LONG[0]}: {message}"  # by these words clients of this protocol know it
        made: dict[str, object] = {"type": _TYPES[fault.kind], "message": message}
        if fault.code is not None:
            made["details"] = _details(fault)
        error = made
    return encode({"type": "error", "error": error, "request_id": request_id})


def _place(fault: ir.Fault) -> str:
    """Where the request is wrong, as the vendor says it: there is no member for it."""
    if fault.param is None or not fault.param.startswith("/") or fault.code is not None:
        return ""
    return fault.param[1:].replace("/", ".") + ": "


def _details(fault: ir.Fault) -> dict[str, object]:
    details: dict[str, object] = {"error_code": fault.code}
    if fault.code == "thread_unsupported_request":
        # The vendor's SDKs then send the whole conversation again, without `thread`.
        details["unsupported"] = [(fault.param or "/thread")[1:]]
    return details
