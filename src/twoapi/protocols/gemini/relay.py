"""The client's own bytes for an upstream of the same protocol."""

from twoapi.ir import Fault, FaultError
from twoapi.protocols.base import Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.gemini.target import COUNT, STREAM, VERSION, path_of, target_of, wants_events
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing
from twoapi.wire.json import encode, fields, replace_member

_COUNTED = ("generateContentRequest", "generate_content_request")


def relay_request(incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:  # noqa: ARG001
    """The same body under the upstream's name of the model, which is in the path.

    Only a request to count tokens may name it in the body too. Of the query only the form of a stream is kept: a
    client's key may stand beside it.
    """
    target = target_of(incoming.path)
    path = path_of(model, target.method, capabilities, target.version or VERSION)
    if target.method == STREAM and wants_events(incoming):
        path += "?alt=sse"
    body = incoming.body if target.method != COUNT else _renamed(incoming.body, model)
    return Outgoing(path, body)


def _renamed(body: bytes, model: str) -> bytes:
    """A request to count tokens with the upstream's name of the model."""
    if b'"model"' not in body:
        return body
    name = encode(model if model.startswith(("models/", "tunedModels/")) else f"models/{model}")
    try:
        members = fields(body)
        for key in _COUNTED:
            if key in members and "model" in (inner := fields(members[key])):
                body = replace_member(body, members, key, replace_member(bytes(members[key]), inner, "model", name))
                break
        else:
            body = replace_member(body, members, "model", name) if "model" in members else body
    except WireError as error:
        raise FaultError(Fault("invalid_request", error.message)) from None
    return body
