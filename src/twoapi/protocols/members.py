"""A look at a JSON request that may only be relayed: its members, without what is in them."""

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultError
from twoapi.protocols.base import Peek
from twoapi.wire.http import Incoming
from twoapi.wire.json import guess_string

_decode = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_str = msgspec.json.Decoder(str).decode
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BOOLS = {b"true": True, b"false": False, b"null": False}


def mentions(incoming: Incoming, model: str) -> bool:
    """Whether the name stands anywhere in the body as a string."""
    return incoming.body.find(b'"%b"' % model.encode("utf-8", "replace")) >= 0


def guess_model(incoming: Incoming) -> str:
    """The model if it is the first member or near the end."""
    return guess_string(incoming.body, b'"model":')


def peek_members(incoming: Incoming) -> Peek:
    """Model and stream flag of a body that has them as members `model` and `stream`; one scan. Raises FaultError."""
    try:
        members = _decode(incoming.body)
    except _BAD as error:
        message = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FaultError(Fault("invalid_request", f"the body must be a JSON object: {message}")) from None
    try:
        model = _decode_str(members["model"])
    except KeyError:
        raise FaultError(Fault("invalid_request", "model is required", param="/model")) from None
    except _BAD:
        raise FaultError(Fault("invalid_request", "model must be a string", param="/model")) from None
    flag = members.get("stream")
    stream = False if flag is None else _BOOLS.get(bytes(flag))
    if stream is None:
        raise FaultError(Fault("invalid_request", "stream must be true or false", param="/stream"))
    return Peek(model, stream, members)


def check_utf8(body: bytes) -> None:
    """Raises FaultError for a body with bytes that are no text: what nobody looks at must not break the next one."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise FaultError(Fault("invalid_request", f"the body is not UTF-8: {error.reason} at {error.start}")) from None
