"""The control plane's seat behind the data plane: an ASGI application below /api.

POST /api/explain                the request in an envelope: {"protocol", "request", "path", "headers"}
POST /api/explain/v1/messages    a client's own request, its path put behind /api/explain
"""

from collections.abc import Mapping
from typing import cast

import msgspec
from msgspec import Raw
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from twoapi.gateway.explain import Explanation, explain
from twoapi.gateway.operations.explain_operation import explain_operation
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.protocols.operations.table import OPERATIONS
from twoapi.protocols.registry import CODECS
from twoapi.server.routes import client_codec, route_for
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming
from twoapi.wire.json import decoder, encode

_EXPLAIN = "/api/explain"


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A request in an envelope. `path` is needed where it names the model."""

    protocol: str
    request: Raw
    path: str = ""
    headers: dict[str, str] = {}


_decode = decoder(_Asked)


class Api:
    """The application of one worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answers one request; errors in the format of the client whose request is asked about."""
        if scope["type"] != "http":
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        path = scope["path"]
        inner = path.removeprefix(_EXPLAIN) if path.startswith(_EXPLAIN + "/") else path
        codec = client_codec(inner.encode(), headers)
        try:
            key = self._allowed(scope, path, headers)
            status, answer = 200, self._answer(scope, headers, await self._body(receive), key)
        except FaultError as error:
            status, _, answer = codec.encode_fault(error.fault, next(self._worker.ids))
        lines = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    async def _body(self, receive: ASGIReceiveCallable) -> bytes:
        pieces, size, limit = [], 0, self._worker.limits.body
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise FaultError(Fault("cancelled", "the client has left"))
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                raise FaultError(Fault("too_large", f"the request body is larger than {limit} bytes"))
            if not message.get("more_body"):
                return b"".join(pieces)

    def _allowed(self, scope: HTTPScope, path: str, headers: Mapping[bytes, bytes]) -> KeyEntry:
        """The key of a request that may be answered."""
        if path != _EXPLAIN and not path.startswith(_EXPLAIN + "/"):
            raise FaultError(Fault("not_found", f"there is no {path[:200]!a} here"))
        if scope["method"] != "POST":
            raise FaultError(Fault("method_not_allowed", f"{_EXPLAIN} takes POST"))
        key = self._worker.snapshot.keys.find(headers, scope["query_string"])
        if key is None:
            raise FaultError(Fault("unauthenticated", "send one of the gateway's client keys", code="invalid_api_key"))
        return key

    def _answer(self, scope: HTTPScope, headers: Mapping[bytes, bytes], body: bytes, key: KeyEntry) -> bytes:
        if scope["path"] != _EXPLAIN:
            return encode(self._bare(scope, headers, body, key))
        codec, incoming = self._enveloped(headers, body)
        return encode(explain(self._worker.snapshot, codec, incoming, key))

    def _bare(self, scope: HTTPScope, headers: Mapping[bytes, bytes], body: bytes, key: KeyEntry) -> Explanation:
        """Of a client's own request, below this path."""
        inner, snapshot = scope["path"].removeprefix(_EXPLAIN), self._worker.snapshot
        incoming = Incoming(inner, headers, body, scope["query_string"].decode("latin-1"))
        route = route_for(inner.encode())
        if route is not None and route.codec is not None and route.kind == "generate":
            return explain(snapshot, route.codec, incoming, key)
        if route is not None and route.codec is not None and route.kind == "operate":
            return explain_operation(snapshot, route.codec, incoming, key, OPERATIONS[route.operation], route.shape)
        raise FaultError(Fault("not_found", f"{inner[:200]!a} is not a path of requests for upstreams"))

    def _enveloped(self, headers: Mapping[bytes, bytes], body: bytes) -> tuple[Codec, Incoming]:
        try:
            asked = _decode(body)
        except WireError as error:
            raise FaultError(Fault("invalid_request", error.message, param=error.pointer or None)) from None
        codec = CODECS.get(asked.protocol)
        if codec is None:
            known = ", ".join(CODECS)
            message = f"{asked.protocol!r} is not a protocol; known: {known}"
            raise FaultError(Fault("invalid_request", message, param="/protocol"))
        own = {name.lower().encode("latin-1", "replace"): value.encode() for name, value in asked.headers.items()}
        said = {name: value for name, value in headers.items() if name.startswith(b"twoapi-")}
        path, _, query = asked.path.partition("?")
        return codec, Incoming(path, {**said, **own}, bytes(cast("bytes", asked.request)), query)
