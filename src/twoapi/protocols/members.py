"""A look at a JSON request that may only be relayed: its members, without what is in them."""

from twoapi.ir import Fault, FaultError
from twoapi.protocols.base import Peek
from twoapi.wire import json
from twoapi.wire.errors import WireError

_decode_str = json.decoder(str)
_BOOLS = {b"true": True, b"false": False, b"null": False}


def peek_members(body: bytes) -> Peek:
    """Model and stream flag of a body that has them as members `model` and `stream`; one scan. Raises FaultError."""
    try:
        members = json.fields(body)
    except WireError as error:
        raise FaultError(Fault("invalid_request", f"the body must be a JSON object: {error.message}")) from None
    spelled = members.get("model")
    if spelled is None:
        raise FaultError(Fault("invalid_request", "model is required", param="/model"))
    try:
        model = _decode_str(spelled)
    except WireError:
        raise FaultError(Fault("invalid_request", "model must be a string", param="/model")) from None
    flag = members.get("stream")
    stream = False if flag is None else _BOOLS.get(bytes(flag))
    if stream is None:
        raise FaultError(Fault("invalid_request", "stream must be true or false", param="/stream"))
    return Peek(model, stream, members)
