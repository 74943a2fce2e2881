"""Which path belongs to which protocol, and which key a request carries."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS

Kind = Literal["generate", "models", "health", "ready", "root"]


class Route(msgspec.Struct, frozen=True):
    """What a path is for. `codec` is the protocol of the client that calls it; None where the headers decide.

    `needs_key` is False for what a load balancer asks.
    """

    kind: Kind
    codec: Codec | None
    method: bytes
    needs_key: bool = True


_CHAT = CODECS["openai-chat"]
_MESSAGES = CODECS["anthropic-messages"]

# The bare paths, and the same under a prefix for clients that want a base URL of their own.
ROUTES: dict[bytes, Route] = {
    b"/v1/chat/completions": Route("generate", _CHAT, b"POST"),
    b"/openai/v1/chat/completions": Route("generate", _CHAT, b"POST"),
    b"/v1/messages": Route("generate", _MESSAGES, b"POST"),
    b"/anthropic/v1/messages": Route("generate", _MESSAGES, b"POST"),
    b"/v1/models": Route("models", None, b"GET"),
    b"/openai/v1/models": Route("models", _CHAT, b"GET"),
    b"/anthropic/v1/models": Route("models", _MESSAGES, b"GET"),
    b"/healthz": Route("health", None, b"GET", needs_key=False),
    b"/readyz": Route("ready", None, b"GET", needs_key=False),
    b"/": Route("root", None, b"GET", needs_key=False),
}

_MODEL_PREFIXES = (b"/v1/models/", b"/openai/v1/models/", b"/anthropic/v1/models/")


def route_for(path: bytes) -> Route | None:
    """The route of a path without its query; None when there is none."""
    route = ROUTES.get(path)
    if route is None and path.startswith(_MODEL_PREFIXES):
        return ROUTES[path[: path.index(b"/models/") + 7]]
    return route


def client_codec(path: bytes, headers: Mapping[bytes, bytes]) -> Codec:
    """The protocol in which a client wants its errors and lists when the path alone does not tell."""
    if b"anthropic-version" in headers or path.startswith((b"/anthropic", b"/v1/messages")):
        return _MESSAGES
    return _CHAT
