"""The client's own bytes for an upstream of the same protocol."""

from twoapi.protocols.anthropic_messages.decode_request import refuse
from twoapi.protocols.anthropic_messages.encode_request import PATH
from twoapi.protocols.anthropic_messages.encoding import FIRST_VERSION
from twoapi.protocols.base import Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers, Incoming, Outgoing
from twoapi.wire.json import encode, fields, replace_member

_SAMPLING = ("temperature", "top_p", "top_k")
_COUNT = "/count_tokens"


def relay_request(incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
    """The same body with `model` replaced in place.

    An upstream that is pinned to an API version without sampling parameters refuses them, even at their defaults:
    they are taken out of a request of another version. The other members keep their bytes.
    """
    asked = incoming.headers.get(b"anthropic-version", FIRST_VERSION.encode())
    pinned = capabilities.api_version
    version = asked if pinned is None else pinned.encode()
    headers: Headers = [(b"anthropic-version", version)]
    betas = incoming.headers.get(b"anthropic-beta")
    if betas is not None:
        headers.append((b"anthropic-beta", betas))
    try:
        body = replace_member(incoming.body, peek.members, "model", encode(model))
        if version != asked and version != FIRST_VERSION.encode():
            body = _without_sampling(body)
    except WireError as error:
        raise refuse(error) from None
    path = PATH + _COUNT if incoming.path.endswith(_COUNT) else PATH
    # Of the query only this flag is the protocol's; a client's key may stand beside it.
    return Outgoing(path + "?beta=true" if "beta=true" in incoming.query.split("&") else path, body, headers)


def _without_sampling(body: bytes) -> bytes:
    if not any(b'"' + name.encode() + b'"' in body for name in _SAMPLING):
        return body
    members = fields(body)
    kept = {name: value for name, value in members.items() if name not in _SAMPLING}
    return body if len(kept) == len(members) else encode(kept)
