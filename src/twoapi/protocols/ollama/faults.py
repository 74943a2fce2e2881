"""Errors: a text, and what the status says; in a stream the text alone."""

import msgspec
from msgspec import Raw

from twoapi.ir import Fault
from twoapi.protocols import openai_errors
from twoapi.protocols.ollama.name import NAME

# There is no code for a prompt that does not fit.  # recalled
_TOO_LONG = ("context length", "context size", "context window", "prompt too long")


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, also when it is a proxy's page."""
    return _fitted(openai_errors.decode_fault(status, headers, body, NAME))


def hidden_fault(error: Raw) -> Fault | None:
    """The fault in an `error` member of an answer with status 200; None when the member is absent, null or empty."""
    fault = openai_errors.hidden_fault(error, NAME)
    return None if fault is None else _fitted(fault)


def _fitted(fault: Fault) -> Fault:
    if fault.kind == "invalid_request" and any(words in fault.message.lower() for words in _TOO_LONG):
        return msgspec.structs.replace(fault, kind="context_length")
    return fault
