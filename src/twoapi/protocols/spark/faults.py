"""Errors: the vendor's numbers, in answers with status 200, in frames, and as texts in the errors of its front."""

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.spark import schema as wire
from twoapi.protocols.spark.name import HTTP, SOCKET
from twoapi.wire import json
from twoapi.wire.errors import WireError

# From the vendor's table of errors.
_CODES: dict[str, FaultKind] = {
    "10000": "upstream_error",  # 10000 to 10002: its websocket
    "10001": "upstream_error",
    "10002": "upstream_error",
    "10003": "invalid_request",
    "10004": "invalid_request",
    "10005": "invalid_request",
    "10006": "rate_limited",  # the user is connected already
    "10007": "rate_limited",  # the user's last question is not answered yet
    "10008": "overloaded",
    "10009": "upstream_error",  # 10009 to 10012: its engine
    "10010": "upstream_error",
    "10011": "upstream_error",
    "10012": "upstream_error",
    "10013": "content_filtered",  # the question
    "10014": "content_filtered",  # the answer
    "10015": "forbidden",  # the application is on a black list
    "10016": "forbidden",  # the application has no right to this, or too little of it
    "10017": "upstream_error",
    "10019": "content_filtered",  # the conversation leans to it
    "10021": "content_filtered",
    "10110": "overloaded",
    "10163": "invalid_request",
    "10222": "upstream_error",
    "10907": "context_length",
    "11200": "quota_exhausted",  # no right to this, or all of it is used up
    "11201": "quota_exhausted",  # for today
    "11202": "rate_limited",  # by the second
    "11203": "rate_limited",  # at once
}
# Kinds that only the client can mend.
_CLIENTS: frozenset[FaultKind] = frozenset({"invalid_request", "context_length", "content_filtered"})
_OK = ("", "0")
_LONGEST_MESSAGE = 1000

_decode_answer = json.decoder(wire.Answer)
_decode_error = json.decoder(wire.Error)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer over HTTP, also of one that is not in the vendor's format."""
    return _decode_fault(status, headers, body, HTTP)


def decode_handshake(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an upstream that opens no websocket."""
    fault = _decode_fault(status, headers, body, SOCKET)
    # It refuses signatures so, too, and a wrong date.
    return replace(fault, kind="unauthenticated", whose="upstream", status=0) if status in (401, 403) else fault


def _decode_fault(status: int, headers: dict[bytes, bytes], body: bytes, protocol: str) -> Fault:
    general = openai_errors.decode_fault(status, headers, body, protocol)
    try:
        answer = _decode_answer(body)
    except WireError:
        return general
    told = hidden_fault(answer, protocol)
    if told is None or told.code not in _CODES:
        return general
    told = replace(told, retry_after=general.retry_after)
    if status >= 500 and told.kind in _CLIENTS:
        return replace(told, kind="upstream_error", whose="upstream")
    return told


def hidden_fault(answer: wire.Answer, protocol: str) -> Fault | None:
    """The fault in an answer that looks like any other; None when there is none."""
    code, message = answer.code, answer.message
    if not json.is_null(answer.error):
        code, message = _read(answer.error)
    return coded_fault(code, message, answer.sid, protocol)


def coded_fault(code: int | str | None, message: str | None, sid: str | None, protocol: str) -> Fault | None:
    """The fault with this code; None for that of success."""
    word = "" if code is None else str(code)
    if word in _OK:
        return None
    kind = _CODES.get(word, "upstream_error")
    return Fault(
        kind,
        (message or "")[:_LONGEST_MESSAGE] or f"the upstream failed with code {word}",
        whose="client" if kind in _CLIENTS else "upstream",
        code=word,
        request_id=sid,
        protocol=protocol,
    )


def _read(raw: Raw) -> tuple[int | str, str | None]:
    """Code and message of an error; -1 for one without a code."""
    try:
        error = _decode_error(raw)
    except WireError:
        return -1, None
    return (-1 if error.code in (None, "", 0, "0") else error.code or -1), error.message
