"""Errors of this protocol: the vendor's, as in all of its protocols, and the one that ends a stream."""

from msgspec import Raw

from twoapi.ir import Fault
from twoapi.protocols import openai_errors
from twoapi.protocols.openai_chat.name import NAME
from twoapi.wire.http import Headers


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, whatever server it is from."""
    return openai_errors.decode_fault(status, headers, body, NAME)


def hidden_fault(error: Raw) -> Fault | None:
    """The fault in an `error` member of an answer with status 200; None when the member says nothing."""
    return openai_errors.hidden_fault(error, NAME)


def encode_fault(fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers of the protocol's own, and body."""
    return openai_errors.encode_fault(fault, request_id, NAME)


def error_body(fault: Fault) -> bytes:
    """The error as JSON."""
    return openai_errors.error_body(fault, NAME)


def error_frame(fault: Fault) -> bytes:
    """The error ending of a stream."""
    # Between tokens line breaks mean nothing, inside strings they cannot stand.
    return b"data: " + error_body(fault).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n\n"
