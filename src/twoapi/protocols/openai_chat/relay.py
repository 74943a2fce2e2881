"""The client's own bytes for an upstream of this protocol: the model's name is replaced, usage is asked for."""

from twoapi.protocols.base import Capabilities, Peek
from twoapi.protocols.openai_chat.encode_request import PATH
from twoapi.protocols.openai_chat.name import refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

_KEY = b'"stream_options"'
_ASKS = b'"stream_options":{"include_usage":true}'


def relay_request(incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
    """The request with the upstream's name of the model, asking for usage where the client did not."""
    body = incoming.body
    if model != peek.model:
        body = json.splice(body, "model", peek.spelling, json.encode(model))
    if peek.stream and capabilities.stream_usage and not asks_usage(incoming.body):
        body = _ask_usage(body)
    return Outgoing(PATH, body)


def asks_usage(body: bytes) -> bool:
    """True when the client wants the usage chunk of a stream."""
    if _KEY not in body:
        return False
    try:
        options = json.at_pointer(body, "/stream_options/include_usage")
    except WireError:
        return False
    return options is not None and bytes(options) == b"true"


def _ask_usage(body: bytes) -> bytes:
    if _KEY not in body:
        begin = body.index(b"{") + 1
        return body[:begin] + _ASKS + b"," + body[begin:]
    try:
        options = json.fields(body).get("stream_options")
        if options is None:
            return json.replace_field(body, "stream_options", b'{"include_usage":true}')
        if json.is_null(options):
            return json.replace_field(body, "stream_options", b'{"include_usage":true}')
        asking = json.replace_field(bytes(options), "include_usage", b"true")
        return json.replace_field(body, "stream_options", asking)
    except WireError as error:
        raise refuse(error.message, "/stream_options") from None
