"""Errors: a message, and what the status says."""

import msgspec

from twoapi.ir import Fault, FaultKind
from twoapi.protocols import openai_errors
from twoapi.protocols.cohere.name import NAME

# Where a status says something else here than with most vendors.
_KINDS: dict[int, FaultKind] = {498: "unauthenticated"}
# There is no code for it.  # recalled
_TOO_LONG = "too many tokens"


def decode_fault(status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
    """The fault of an error answer, also when it is a proxy's page."""
    fault = openai_errors.decode_fault(status, headers, body, NAME)
    kind = _KINDS.get(status, fault.kind)
    whose = "upstream" if status in _KINDS else fault.whose
    if kind in ("invalid_request", "unprocessable") and fault.message.lower().startswith(_TOO_LONG):
        kind = "context_length"
    trace = headers.get(b"x-debug-trace-id")
    request_id = fault.request_id if trace is None else trace.decode("latin-1")
    return msgspec.structs.replace(fault, kind=kind, whose=whose, request_id=request_id)
