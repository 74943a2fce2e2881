"""Which path belongs to which protocol, and what is asked for there."""

from collections.abc import Iterator, Mapping
from typing import Literal, cast
from urllib.parse import unquote_to_bytes

import msgspec

from twoapi.protocols.base import Codec
from twoapi.protocols.operations.cohere_answers import CohereClients
from twoapi.protocols.operations.table import OPERATIONS
from twoapi.protocols.registry import CODECS
from twoapi.wire.errors import WireError
from twoapi.wire.json import encode, fields, replace_member

Kind = Literal[
    "generate",
    "count",
    "compact",
    "operate",
    "upload",
    "resumable",
    "held",
    "begun",
    "models",
    "stored",
    "health",
    "ready",
    "root",
]

_CHAT = CODECS["openai-chat"]
_RESPONSES = CODECS["openai-responses"]
_MESSAGES = CODECS["anthropic-messages"]
_GEMINI = CODECS["gemini"]
_COHERE = cast("Codec", CohereClients())  # of a route for an operation no more is asked than how errors are told
_GET, _POST = (b"GET",), (b"POST",)


class Route(msgspec.Struct, frozen=True):
    """What a path is for. `codec` is the protocol of the client that calls it; None where the headers decide.

    `needs_key` is False for what a load balancer asks. `socket`: the same is offered over a websocket. `operation` and
    `shape`: what is asked for that is no answer of a model, and in which form. `names_model`: the path names the model,
    and that counts.
    """

    kind: Kind
    codec: Codec | None
    methods: tuple[bytes, ...]
    needs_key: bool = True
    socket: bool = False
    operation: str = ""
    shape: str = ""
    names_model: bool = False


def _operation(codec: Codec, name: str, shape: str) -> Route:
    assert OPERATIONS[name].shapes[shape].native is not None  # noqa: S101  a client must be able to ask for it
    return Route("operate", codec, _POST, operation=name, shape=shape)


def _upload(name: str) -> Route:
    return Route("upload", _CHAT, _POST, operation=name, shape="openai")


# Below the version; the vendors' SDKs put it into their base URL or before every path.
_OPENAI: Mapping[bytes, Route] = {
    b"/chat/completions": Route("generate", _CHAT, _POST),
    b"/responses": Route("generate", _RESPONSES, _POST, socket=True),
    b"/responses/input_tokens": Route("count", _RESPONSES, _POST),
    b"/responses/compact": Route("compact", _RESPONSES, _POST),
    b"/completions": _operation(_CHAT, "completions", "openai"),
    b"/embeddings": _operation(_CHAT, "embeddings", "openai"),
    b"/moderations": _operation(_CHAT, "moderations", "openai"),
    b"/rerank": _operation(_CHAT, "rerank", "jina"),
    b"/images/generations": _operation(_CHAT, "images", "openai"),
    b"/audio/speech": _operation(_CHAT, "speech", "openai"),
    b"/images/edits": _upload("image-edits"),
    b"/images/variations": _upload("image-variations"),
    b"/audio/transcriptions": _upload("transcriptions"),
    b"/audio/translations": _upload("translations"),
}
_ANTHROPIC: Mapping[bytes, Route] = {
    b"/messages": Route("generate", _MESSAGES, _POST),
    b"/messages/count_tokens": Route("count", _MESSAGES, _POST),
}
# What upstreams keep for clients, without a place below a deployment: the collection, the operation, and which methods
# there are for what is asked of one thing in it.
_Things = tuple[tuple[bytes, str, Mapping[bytes, tuple[bytes, ...]]], ...]
_FILES: _Things = ((b"files", "files", {b"": (b"GET", b"DELETE"), b"content": _GET}),)
_BATCHES: _Things = ((b"batches", "batches", {b"": _GET, b"cancel": _POST}),)
_MESSAGE_BATCHES: _Things = (
    (b"messages/batches", "batches", {b"": (b"GET", b"DELETE"), b"cancel": _POST, b"results": _GET}),
)
# Base -> whose clients call there, None where the headers decide, and what there is.
_HELD: Mapping[bytes, tuple[tuple[Codec | None, _Things], ...]] = {
    b"/v1/": ((None, _FILES), (_CHAT, _BATCHES), (_MESSAGES, _MESSAGE_BATCHES)),
    **dict.fromkeys((b"/openai/v1/", b"/openai/"), ((_CHAT, _FILES + _BATCHES),)),
    **dict.fromkeys((b"/anthropic/v1/", b"/anthropic/"), ((_MESSAGES, _FILES + _MESSAGE_BATCHES),)),
}


def _collections(base: bytes) -> Iterator[tuple[bytes, Route]]:
    """The paths of all that is kept, of each kind together."""
    for codec, things in _HELD[base]:
        for collection, operation, _ in things:
            yield base + collection, Route("held", codec, (b"GET", b"POST"), operation=operation)


_COHERES: Mapping[bytes, Route] = {
    b"/v2/embed": _operation(_COHERE, "embeddings", "cohere"),
    b"/v2/rerank": _operation(_COHERE, "rerank", "cohere"),
}
_LISTS = b"/models"
_VERSIONS = (b"/v1", b"/v1beta", b"/v1alpha", b"/v1beta1")

# What only exists where it stands; the rest is served under the vendors' names too, with the version and without.
PATHS: Mapping[bytes, Route] = {
    **{b"/v1" + path: route for path, route in (*_OPENAI.items(), *_ANTHROPIC.items())},
    **dict(_collections(b"/v1/")),
    **_COHERES,
    b"/v1/models": Route("models", None, _GET),
    b"/v1beta/models": Route("models", _GEMINI, _GET),
    b"/healthz": Route("health", None, _GET, needs_key=False),
    b"/readyz": Route("ready", None, _GET, needs_key=False),
    b"/": Route("root", None, _GET, needs_key=False),
}


def _named() -> Iterator[tuple[bytes, Route]]:
    """The same, below a vendor's name."""
    for base in (b"/openai/v1", b"/openai"):
        yield from ((base + path, route) for path, route in _OPENAI.items())
        yield base + _LISTS, Route("models", _CHAT, _GET)
    for base in (b"/anthropic/v1", b"/anthropic"):
        yield from ((base + path, route) for path, route in _ANTHROPIC.items())
        yield base + _LISTS, Route("models", _MESSAGES, _GET)
    for base in _HELD:
        yield from _collections(base)
    yield from ((b"/cohere" + path, route) for path, route in _COHERES.items())
    for version in (*_VERSIONS, b""):
        yield b"/gemini" + version + _LISTS, Route("models", _GEMINI, _GET)
        if version not in (b"", b"/v1"):
            yield version + _LISTS, Route("models", _GEMINI, _GET)
    # A client that is given this as its base URL asks whether anybody is there.
    for name in (b"/openai", b"/openai/v1", b"/anthropic", b"/gemini", b"/v1"):
        yield name, PATHS[b"/"]
        yield name + b"/", PATHS[b"/"]


ROUTES: dict[bytes, Route] = {**dict(_named()), **PATHS}

_STORED: Mapping[bytes, Route] = {
    b"": Route("stored", _RESPONSES, (b"GET", b"DELETE")),
    b"/cancel": Route("stored", _RESPONSES, _POST),
    b"/input_items": Route("stored", _RESPONSES, _GET),
}
_RESPONSE_BASES = tuple(base + b"responses/" for base in (b"/v1/", b"/openai/v1/", b"/openai/"))
# Base and collection -> what is asked of one thing -> its route.
_HELD_ONES: Mapping[bytes, Mapping[bytes, Route]] = {
    base + collection + b"/": {
        what: Route("held", codec, methods, operation=operation) for what, methods in parts.items()
    }
    for base, held in _HELD.items()
    for codec, things in held
    for collection, operation, parts in things
}
_METHODS: Mapping[bytes, Route] = {
    b"generateContent": Route("generate", _GEMINI, _POST),
    b"streamGenerateContent": Route("generate", _GEMINI, _POST),
    b"countTokens": Route("count", _GEMINI, _POST),
    b"embedContent": _operation(_GEMINI, "embeddings", "gemini"),
    b"batchEmbedContents": _operation(_GEMINI, "embeddings", "gemini"),
    b"predict": _operation(_GEMINI, "images", "imagen"),
    b"batchGenerateContent": Route("begun", _GEMINI, _POST, operation="batches"),
    b"asyncBatchEmbedContent": Route("begun", _GEMINI, _POST, operation="batches"),
}
_MODEL_BASES = (b"/gemini/", *(version + b"/" for version in _VERSIONS))
_COLLECTIONS = (b"/models/", b"/tunedModels/")
# Where Azure's clients name the model, as their deployment; all but responses stand there.
_DEPLOYMENTS = b"/openai/deployments/"
_DEPLOYED = {
    path: msgspec.structs.replace(route, names_model=True)
    for path, route in sorted(_OPENAI.items(), key=lambda item: -len(item[0]))
    if not path.startswith(b"/responses")
}
_LONGEST = 2048  # of a path whose parts are looked at


def route_for(path: bytes) -> Route | None:
    """The route of a path without its query; None when there is none."""
    return ROUTES.get(path) or (_open_route(path) if len(path) <= _LONGEST else None)


def _open_route(path: bytes) -> Route | None:
    """The route of a path that names a model, a stored response, a file or a batch."""
    if b"%" in path:
        path = unquote_to_bytes(path)
    head, _, method = path.rpartition(b":")
    route = _METHODS.get(method)
    if route is not None and path.startswith(_MODEL_BASES) and any(one in head for one in _COLLECTIONS):
        return route
    if path.startswith(_DEPLOYMENTS):
        return _deployed(path)[1]
    base, found, name = path.partition(_LISTS + b"/")
    if found and name:
        return ROUTES.get(base + _LISTS)
    for base in _RESPONSE_BASES:
        if path.startswith(base):
            name, slash, rest = path[len(base) :].partition(b"/")
            return _STORED.get(slash + rest) if name else None
    for base, routes in _HELD_ONES.items():
        if path.startswith(base):  # of one thing that an upstream keeps
            name, slash, what = path[len(base) :].partition(b"/")
            return routes.get(what) if name and bool(slash) == bool(what) else None
    return None


def _deployed(path: bytes) -> tuple[bytes, Route | None]:
    """The deployment that a path names, which may have slashes in it, and what is asked of that."""
    for end, route in _DEPLOYED.items():
        name = path[len(_DEPLOYMENTS) : -len(end)]
        if name and path.endswith(end):
            return name, route
    return b"", None


def deployment(path: str) -> str:
    """The model that the path of a route that names one names."""
    name, _ = _deployed(unquote_to_bytes(path.encode("latin-1")))
    return name.decode("utf-8", "replace")


def with_deployment(path: str, body: bytes) -> bytes:
    """The body for the model that the path of such a route names, whatever it says itself; as it is when it is no
    object.
    """
    model = encode(deployment(path))
    try:
        members = fields(body)
    except WireError:
        return body
    return body if bytes(members.get("model", b"")) == model else replace_member(body, members, "model", model)


def client_codec(path: bytes, headers: Mapping[bytes, bytes]) -> Codec:
    """The protocol in which a client wants its errors and lists when the path alone does not tell."""
    if b"x-goog-api-key" in headers or path.startswith((b"/gemini", b"/v1beta", b"/v1alpha")):
        return _GEMINI
    if b"anthropic-version" in headers or path.startswith((b"/anthropic", b"/v1/messages")):
        return _MESSAGES
    if path.startswith((b"/v1/responses", b"/openai/v1/responses", b"/openai/responses")):
        return _RESPONSES
    return _CHAT
