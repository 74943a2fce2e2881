"""The client's own bytes for an upstream of this protocol: the model's name is replaced, usage is asked for."""

from msgspec import Raw

from twoapi.protocols.base import Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.encode_request import PATH
from twoapi.protocols.openai_chat.name import refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

_ASKS = b'"stream_options":{"include_usage":true}'
_TRUE = Raw(b'{"include_usage":true}')
_KNOWN = frozenset(wire.Body.__struct_fields__)


def relay_request(incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
    """The request with the upstream's name of the model, asking for usage where the client did not."""
    body = incoming.body
    if model != peek.model:
        body = json.replace_member(body, peek.members, "model", json.encode(model))
    if peek.stream and capabilities.stream_usage and not asks_usage(peek):
        body = _ask_usage(body, peek)
    if not peek.members.keys() <= _KNOWN:
        body = _without_strays(body, peek)
    if capabilities.beta_path is not None and _goes_on(peek, capabilities.prefill_mark):
        return Outgoing(capabilities.beta_path, body)
    return Outgoing(PATH, body)


def _without_strays(body: bytes, peek: Peek) -> bytes:
    """Without the nulls that some SDKs write for each option of their own that is not used."""
    strays = [name for name, raw in peek.members.items() if name not in _KNOWN and json.is_null(raw)]
    return json.edit_members(body, strays, {}) if strays else body


def _goes_on(peek: Peek, mark: str | None) -> bool:
    """True when the client has marked its last message as one to go on from."""
    try:
        last = json.items(peek.members["messages"])[-1]
        said = None if mark is None else json.fields(last).get(mark)
    except (WireError, LookupError):
        return False
    return said is not None and bytes(said) == b"true"


def asks_usage(peek: Peek) -> bool:
    """True when the client wants the usage chunk of a stream."""
    options = peek.members.get("stream_options")
    if options is None or json.first_byte(options) != 123:
        return False
    asked = json.fields(options).get("include_usage")
    return asked is not None and bytes(asked) == b"true"


def _ask_usage(body: bytes, peek: Peek) -> bytes:
    options = peek.members.get("stream_options")
    if options is None:
        begin = body.index(b"{") + 1
        return body[:begin] + _ASKS + b"," + body[begin:]
    try:
        asking = _TRUE if json.is_null(options) else json.replace_field(bytes(options), "include_usage", b"true")
        return json.replace_field(body, "stream_options", bytes(asking))
    except WireError as error:
        raise refuse(error.message, "/stream_options") from None
