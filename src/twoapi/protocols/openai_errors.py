"""Errors as OpenAI's services tell them in every protocol of theirs, what other servers send instead, and the way back.

Every function takes the protocol that speaks: an error object is given back verbatim to a client of the same one.
"""

import math
import re
from datetime import datetime

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultKind
from twoapi.protocols.statuses import KIND_OF_STATUS
from twoapi.wire import json
from twoapi.wire.durations import number, seconds
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers

_CODES: dict[str, FaultKind] = {
    "insufficient_quota": "quota_exhausted",
    "billing_hard_limit_reached": "quota_exhausted",
    "billing_not_active": "quota_exhausted",
    "insufficient_balance": "quota_exhausted",
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "model_not_found": "not_found",
    "content_filter": "content_filtered",
    "content_policy_violation": "content_filtered",
    "invalid_api_key": "unauthenticated",
    "account_deactivated": "unauthenticated",
    "rate_limit_exceeded": "rate_limited",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "server_overloaded": "overloaded",
    "engine_overloaded": "overloaded",
    "server_is_overloaded": "overloaded",
    "slow_down": "overloaded",
    "server_error": "upstream_error",
    "previous_response_not_found": "not_found",
    "invalid_prompt": "invalid_request",
    "bio_policy": "content_filtered",
    "misalignment_policy_violation": "content_filtered",
    "image_content_policy_violation": "content_filtered",
    "vector_store_timeout": "timeout",
    "timeout": "timeout",
    "timeout_error": "timeout",
}
_TYPES: dict[str, FaultKind] = {
    "insufficient_quota": "quota_exhausted",
    "authentication_error": "unauthenticated",
    "permission_error": "forbidden",
    "rate_limit_error": "rate_limited",
    "requests": "rate_limited",
    "tokens": "rate_limited",
    "overloaded_error": "overloaded",
    "exceed_context_size_error": "context_length",
    "not_found_error": "not_found",
    "invalid_request_error": "invalid_request",
}
_STATUSES: dict[int, FaultKind] = {**KIND_OF_STATUS, 424: "upstream_error", 498: "overloaded", 524: "timeout"}
# How compatible servers begin to say that a prompt is too long, who tell it by no code.
_TOO_LONG = (
    "this model's maximum context length is",
    "this endpoint's maximum context length is",
    "requested token count exceeds the model's maximum context length",
    "the request exceeds the available context size",
    "input is too long",
    "input too long",
    "prompt is too long",
    "too many tokens",
)
# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset(
    {"invalid_request", "context_length", "not_found", "too_large", "unprocessable", "content_filtered"}
)
# The kinds for which a client's SDK should see the upstream's own status.
_KEPT_STATUSES = frozenset({400, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504})
# kind -> type and code on this wire
_WORDS: dict[FaultKind, tuple[str, str | None]] = {
    "invalid_request": ("invalid_request_error", None),
    "context_length": ("invalid_request_error", "context_length_exceeded"),
    "unauthenticated": ("authentication_error", "invalid_api_key"),
    "quota_exhausted": ("insufficient_quota", "insufficient_quota"),
    "forbidden": ("permission_error", None),
    "not_found": ("invalid_request_error", "model_not_found"),
    "method_not_allowed": ("invalid_request_error", "method_not_allowed"),
    "conflict": ("conflict", None),
    "too_large": ("invalid_request_error", None),
    "unprocessable": ("invalid_request_error", None),
    "rate_limited": ("requests", "rate_limit_exceeded"),
    "cancelled": ("server_error", "cancelled"),
    "upstream_error": ("server_error", None),
    "overloaded": ("server_error", "overloaded"),
    "timeout": ("server_error", "timeout"),
    "content_filtered": ("invalid_request_error", "content_filter"),
}
_LONGEST_MESSAGE = 1000
_SECRET = re.compile(r"\b(?:sk|org|proj|key|gsk|xai|AIza)[-_][-_A-Za-z0-9*.]{6,}")


class _WireError(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | float | None = None
    param: str | None = None


_decode_error = json.decoder(_WireError)


class _Told:
    """What an error body says."""

    __slots__ = ("code", "message", "param", "raw", "type")

    def __init__(self, message: str, raw: Raw | None = None) -> None:
        self.message = message
        self.type = ""
        self.code: str | None = None
        self.param: str | None = None
        self.raw = raw


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes, protocol: str) -> Fault:
    """An error answer, also one that is not in the vendor's format."""
    try:
        told = _read(body) or _Told("")
    except WireError:
        told = _Told("")
    fault = _fault(told, status, protocol)
    return msgspec.structs.replace(
        fault,
        retry_after=_retry_after(headers, limited=fault.kind == "rate_limited"),
        request_id=_text(headers.get(b"x-request-id")),
    )


def hidden_fault(error: Raw, protocol: str) -> Fault | None:
    """The fault in an `error` member of an answer with status 200; None when the member is absent, null or empty."""
    if json.is_null(error) or bytes(error) in (b"{}", b'""', b"false", b"[]"):
        return None
    try:
        told = _read_error(error)
    except WireError:
        told = _Told("")
    status = int(told.code) if told.code is not None and told.code.isdecimal() and len(told.code) == 3 else 0
    return _fault(told, status, protocol)


def coded_fault(code: str | None, message: str, param: str | None, raw: Raw | None, protocol: str) -> Fault:
    """The fault of an error whose members stand by themselves, as in an event of a stream."""
    told = _Told(message[:_LONGEST_MESSAGE], raw)
    told.code, told.param = code, param
    return _fault(told, 0, protocol)


def _fault(told: _Told, status: int, protocol: str) -> Fault:
    kind = _CODES.get(told.code or "") or _STATUSES.get(status) or _TYPES.get(told.type)
    if kind is None:
        kind = "invalid_request" if 400 <= status < 500 else "upstream_error"
    elif status >= 500 and kind in _CLIENTS:
        kind = "upstream_error"
    if kind in ("rate_limited", "invalid_request") and told.type in ("insufficient_quota", "exceed_context_size_error"):
        kind = _TYPES[told.type]
    raw, code = told.raw, told.code
    if kind == "invalid_request" and told.message.lower().startswith(_TOO_LONG):
        kind, raw, code = "context_length", None, None  # clients look for the vendor's code, which is not there
    message = _SECRET.sub("***", told.message)
    return Fault(
        kind,
        message or f"the upstream answered with status {status or 200} and no message",
        whose="client" if kind in _CLIENTS else "upstream",
        status=status if status in _KEPT_STATUSES else 0,
        code=code,
        param=told.param,
        protocol=protocol,
        raw=raw if message == told.message else None,
        refuses_state=told.code == "invalid_encrypted_content",
    )


def _read(body: bytes) -> _Told | None:
    """The error in a body, wherever this server puts it."""
    stripped = body.strip()
    if not stripped or stripped[:1] == b"<":
        return None  # nothing, or a proxy's page
    if stripped[:1] == b"[":
        try:
            elements = json.items(stripped)
        except WireError:
            elements = []
        return _read(bytes(elements[0])) if len(elements) > 0 and bytes(elements[0])[:1] == b"{" else None
    try:
        members = json.fields(stripped)
    except WireError:
        return _Told(stripped.decode("utf-8", "replace")[:_LONGEST_MESSAGE])
    for name in ("error", "errors", "detail"):
        value = members.get(name)
        if value is not None and not json.is_null(value):
            return _read_error(value)
    return _read_error(Raw(stripped))


def _read_error(raw: Raw) -> _Told:
    kind = json.first_byte(raw)
    if kind == 123:
        return _read_object(raw)
    if kind == 91:
        elements = json.items(raw)
        return _read_error(elements[0]) if elements else _Told("")
    value = json.decode(raw)
    return _Told(value[:_LONGEST_MESSAGE] if isinstance(value, str) else "")


def _read_object(raw: Raw) -> _Told:
    try:
        error = _decode_error(raw)
    except WireError:
        return _read_loosely(raw)
    told = _Told((error.message or "")[:_LONGEST_MESSAGE], raw)
    told.type, told.param = error.type or "", error.param
    if error.code is not None and error.code != "":
        told.code = str(error.code)
    if error.message is None:
        loose = _read_loosely(raw)
        told.message, told.raw = loose.message, None
    return told


def _read_loosely(raw: Raw) -> _Told:
    """An object of another shape: its first member with a telling name."""
    members = json.fields(raw)
    for name in ("message", "msg", "error_msg", "detail", "error"):
        value = members.get(name)
        if value is None:
            continue
        byte = json.first_byte(value)
        if byte == 34:
            return _Told(str(json.decode(value))[:_LONGEST_MESSAGE])
        if byte in (91, 123):
            return _Told(bytes(value).decode("utf-8", "replace")[:_LONGEST_MESSAGE])
    return _Told("")


def _retry_after(headers: dict[bytes, bytes], *, limited: bool) -> float | None:
    """Seconds until a retry may help."""
    milliseconds = _number(headers.get(b"retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get(b"retry-after")
    if said is not None:
        wait = _number(said)
        return wait if wait is not None else _until(said, headers.get(b"date"))
    if not limited:
        return None
    waits = []
    for what in (b"requests", b"tokens"):
        wait = _duration(headers.get(b"x-ratelimit-reset-" + what))
        if wait is not None:
            if headers.get(b"x-ratelimit-remaining-" + what) == b"0":
                return wait
            waits.append(wait)
    return max(waits) if waits else None


def _number(value: bytes | None) -> float | None:
    return None if value is None else number(value.decode("latin-1"))


def _until(said: bytes, date: bytes | None) -> float | None:
    """The seconds between the answer's own date and an HTTP date; without the former nobody can tell."""
    form = "%a, %d %b %Y %H:%M:%S GMT"
    try:
        then = datetime.strptime(said.decode("latin-1"), form)  # noqa: DTZ007  both are GMT; only the difference counts
        now = datetime.strptime((date or b"").decode("latin-1"), form)  # noqa: DTZ007
    except ValueError:
        return None
    return max(0.0, (then - now).total_seconds())


def _duration(value: bytes | None) -> float | None:
    """Seconds of "6m0s", "7.66s", "120ms" or a bare number."""
    return None if value is None else seconds(value.decode("latin-1"))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


class _Error(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class _ErrorBody(msgspec.Struct):
    error: _Error | Raw


def error_body(fault: Fault, protocol: str) -> bytes:
    """The error object as JSON; the upstream's own when it spoke this protocol."""
    if fault.protocol == protocol and fault.raw is not None:
        return b'{"error":' + bytes(fault.raw) + b"}"
    kind, code = _WORDS[fault.kind]
    if fault.code is not None and fault.protocol in (None, protocol):
        code = fault.code
    return json.encode(_ErrorBody(_Error(fault.message, kind, fault.param, code)))


def encode_fault(fault: Fault, request_id: str, protocol: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error answer."""
    headers: Headers = [(b"x-request-id", request_id.encode("latin-1", "replace"))] if request_id else []
    if fault.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(fault.retry_after)))
        headers.append((b"retry-after-ms", b"%d" % math.ceil(fault.retry_after * 1000)))
    status = fault.http_status
    return 503 if status == 529 else status, headers, error_body(fault, protocol)
