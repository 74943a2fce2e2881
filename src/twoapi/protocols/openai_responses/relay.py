"""The client's own bytes for an upstream of this protocol: only the model's name is replaced."""

from twoapi.protocols.base import Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_responses.encode_request import PATH
from twoapi.wire import json
from twoapi.wire.http import Incoming, Outgoing


def relay_request(incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:  # noqa: ARG001
    """The request with the upstream's name of the model; usage is always told here, so nothing is asked for."""
    body = incoming.body
    if model != peek.model:
        body = json.replace_member(body, peek.members, "model", json.encode(model))
    return Outgoing(PATH, body)
