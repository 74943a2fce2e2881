"""Errors: a message, and a type that stands in a header of the answer, or of a message of its stream."""

import msgspec

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.wire.errors import WireError
from twoapi.wire.eventstream import EventMessage
from twoapi.wire.json import decoder

_KINDS: dict[str, FaultKind] = {
    "accessdenied": "forbidden",
    "notauthorized": "forbidden",
    "optinrequired": "forbidden",
    "unrecognizedclient": "unauthenticated",
    "invalidclienttokenid": "unauthenticated",
    "invalidsignature": "unauthenticated",
    "signaturedoesnotmatch": "unauthenticated",
    "incompletesignature": "unauthenticated",
    "missingauthenticationtoken": "unauthenticated",
    "expiredtoken": "unauthenticated",
    "requestexpired": "unauthenticated",
    "resourcenotfound": "not_found",
    "unknownoperation": "not_found",
    "conflict": "conflict",
    "validation": "invalid_request",
    "serialization": "invalid_request",
    "requestentitytoolarge": "too_large",
    "servicequotaexceeded": "quota_exhausted",
    "throttling": "rate_limited",
    "toomanyrequests": "rate_limited",
    "modelnotready": "overloaded",
    "serviceunavailable": "overloaded",
    "modeltimeout": "timeout",
    "modelerror": "upstream_error",
    "modelstreamerror": "upstream_error",
    "internalserver": "upstream_error",
    "internalfailure": "upstream_error",
}
_CLIENTS = frozenset({"invalid_request", "context_length", "not_found", "conflict", "too_large"})
# The service has no type for it; its messages hold these words.
_TOO_LONG = (
    "input is too long",
    "prompt is too long",
    "too many input tokens",
    "exceed context limit",
    "maximum context length",
)
# Nor has it one for state of another account or model; Claude says this.
_FOREIGN_STATE = ("`signature` in `thinking`", "`data` in `redacted_thinking`")
_MAX_MESSAGE = 1000


class _Error(msgspec.Struct, rename={"capital": "Message", "kind": "__type"}):
    message: str | None = None
    capital: str | None = None
    kind: str | None = None


_decode = decoder(_Error)


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, also when it is a proxy's page."""
    fault = openai_errors.decode_fault(status, headers, body, NAME)
    told = _told(body)
    named = headers.get(b"x-amzn-errortype", b"").decode("latin-1") or told.kind or ""
    message = told.message or told.capital or fault.message
    fault = _typed(named, message, fault)
    found = headers.get(b"x-amzn-requestid")
    return fault if found is None else msgspec.structs.replace(fault, request_id=found.decode("latin-1"))


def stream_fault(message: EventMessage) -> Fault | None:
    """The fault that a message of a stream tells of; None for an event."""
    kind = message.header(":message-type")
    if kind == "error":
        named, words = message.header(":error-code"), message.header(":error-message")
    elif kind == "exception":
        told = _told(message.payload)
        named, words = message.header(":exception-type"), told.message or told.capital or ""
    else:
        return None
    unknown = Fault("upstream_error", "", whose="upstream", protocol=NAME)
    return _typed(named, words or named or "the upstream failed", unknown)


def told_message(body: bytes) -> str:
    """What an answer says of an error; "" when it says nothing."""
    told = _told(body)
    return (told.message or told.capital or "")[:_MAX_MESSAGE]


def _told(body: bytes) -> _Error:
    try:
        return _decode(body)
    except WireError:
        return _Error()


def _typed(named: str, message: str, fault: Fault) -> Fault:
    """The fault with the kind of its type: `ThrottlingException:http://...`, `com.amazon#throttlingException`."""
    code = named.partition(":")[0].rpartition("#")[2]
    kind = _KINDS.get(code.lower().removesuffix("exception"), fault.kind)
    if kind == "invalid_request" and any(words in message.lower() for words in _TOO_LONG):
        kind = "context_length"
    if kind == "unauthenticated":
        # Behind the first line stands what was signed, with the token of the session in it.
        message = message.partition("\n")[0]
    return msgspec.structs.replace(
        fault,
        kind=kind,
        message=message[:_MAX_MESSAGE],
        whose="client" if kind in _CLIENTS else "upstream",
        status=0,
        code=code or fault.code,
        raw=None,
        refuses_state=kind == "invalid_request" and any(words in message for words in _FOREIGN_STATE),
    )
