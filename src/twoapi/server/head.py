"""What a request's line and headers say, and what is wrong with them: all that can be known before the body."""

from collections.abc import Mapping
from importlib.util import find_spec

from twoapi.gateway.kept.from_cache import CACHE_MEMBERS
from twoapi.gateway.snapshot import Snapshot
from twoapi.ir import Fault
from twoapi.policy.access import KEY_HEADERS, NOBODY, KeyEntry
from twoapi.policy.origins import answer_lines, preflight_lines
from twoapi.protocols.base import Codec
from twoapi.server.google_routes import google_route
from twoapi.server.routes import Route, client_codec, route_for
from twoapi.server.unpack import unknown_coding
from twoapi.wire.codings import engine_of, known_codings
from twoapi.wire.http import Headers

_STREAMED = frozenset(("upload", "held", "resumable"))  # kinds of routes that take bodies as they come
_HOLDING = frozenset(("operate", "upload", "held", "begun", "resumable"))
_HELD_STREAMS = ("/files", "/messages/batches")  # new files, and batches that hold all of their requests
_GOES_ON = "upload_id="  # in the query of an upload that has begun
_ASGI_PREFIXES = (b"/api/", b"/console")
_NO_SOCKET = "a websocket is not offered here; send the request by POST"
_HAS_SOCKETS = find_spec("websockets") is not None  # an extra


class Head:
    """A request's head, understood. A client that stays connected sends the same one again and again, so one object
    serves many requests; nothing in it changes. The declared length is not part of it.
    """

    __slots__ = (
        "codec",
        "coding",
        "cors",
        "expects",
        "generates",
        "headers",
        "holds",
        "is_apart",
        "is_asgi",
        "is_http_10",
        "is_preflight",
        "keep_alive",
        "key",
        "line",
        "may_name_cache",
        "method",
        "objection",
        "path",
        "query",
        "raw",
        "route",
        "snapshot",
        "url",
        "version",
        "wants_socket",
    )

    def __init__(
        self,
        url: bytes,
        raw: dict[bytes, bytes],
        method: bytes,
        version: str,
        snapshot: Snapshot,
        *,
        keep_alive: bool,
    ) -> None:
        self.url = url
        self.raw = raw  # header names as they were spelled
        self.method = method
        self.version = version
        self.snapshot = snapshot
        self.line = b"%b %b HTTP/%b\r\n" % (method, url, version.encode())
        self.keep_alive = keep_alive
        self.headers: Mapping[bytes, bytes] = {name.lower(): value for name, value in raw.items()}
        path, _, query = url.partition(b"?")
        self.path = path.decode("latin-1")
        self.query = query.decode("latin-1")
        self.is_http_10 = version == "1.0"
        self.route: Route | None = route_for(path)
        if self.route is None or self.route.kind == "held":
            self.route = google_route(path, self.headers, self.route)
        self.codec: Codec = (self.route and self.route.codec) or client_codec(path, self.headers)
        self.may_name_cache = self.codec.name in CACHE_MEMBERS
        self.wants_socket = (
            method == b"GET"
            and self.route is not None
            and self.route.socket
            and self.headers.get(b"upgrade", b"").lower() == b"websocket"
            and b"upgrade" in self.headers.get(b"connection", b"").lower()
        )
        self.generates = self.route is not None and self.route.kind == "generate" and not self.wants_socket
        self.is_asgi = url.startswith(_ASGI_PREFIXES)
        # Its body is not collected.
        self.is_apart = self.is_asgi or (self.route is not None and self.route.kind in _STREAMED and self._streams_in())
        self.expects = self.headers.get(b"expect", b"").lower() == b"100-continue"
        coding = self.headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        self.coding = "" if coding == "identity" else coding  # of the body
        self.key: KeyEntry | None = snapshot.keys.find(self.headers, query)
        if self.key is None and self._shows_upload():
            self.key = NOBODY
        self.cors = b""  # header lines of every answer
        self.is_preflight = False
        origin = self.headers.get(b"origin")
        self.objection = self._object() if origin is None else self._object_to_page(origin)
        # It takes one of the places for requests at once.
        operates = self.route is not None and self.route.kind in _HOLDING and not self.is_preflight
        self.holds = self.generates or operates

    def _shows_upload(self) -> bool:
        """True for a client that shows no key but the URL of an upload, which is enough; the URL must still be ours."""
        goes_on = self.route is not None and self.route.kind == "resumable" and _GOES_ON in self.query
        return goes_on and not self._shows_key()

    def _shows_key(self) -> bool:
        headers = self.headers
        return b"authorization" in headers or any(name in headers for name in KEY_HEADERS) or "key=" in self.query

    def _streams_in(self) -> bool:
        """True for what may be larger than what is held in memory. Some of the paths take JSON as well."""
        if self.route is not None and self.route.kind == "resumable":
            return self.method in self.route.methods and _GOES_ON in self.query
        if self.route is None or self.method != b"POST":
            return False
        if self.route.kind == "held":
            return self.path.endswith(_HELD_STREAMS)
        return not self.headers.get(b"content-type", b"").lower().startswith(b"application/json")

    def _object_to_page(self, origin: bytes) -> Fault | None:
        """The same for a request that a web page sends; its browser wants to be told whether the page may."""
        if self.snapshot.origins.allows(origin):
            self.cors = answer_lines(origin)
            if self.method == b"OPTIONS" and b"access-control-request-method" in self.headers:
                self.is_preflight, self.generates = True, False
                private = self.headers.get(b"access-control-request-private-network") == b"true"
                self.cors += preflight_lines(self.headers.get(b"access-control-request-headers", b""), private=private)
                return None
        elif self.wants_socket or self.snapshot.origins.refuses(origin):  # a socket is not bound by what browsers read
            shown = _shown(origin.decode("latin-1"))
            return Fault(
                "forbidden", f"pages of {shown} may not call this gateway; its operator can list it in `origins`"
            )
        return self._object()

    def _object(self) -> Fault | None:
        """Why a request with this head is refused whatever its body is."""
        route = self.route
        if self.version not in ("1.1", "1.0"):
            return Fault("invalid_request", f"HTTP/{self.version} is not spoken here, HTTP/1.1 is")
        if route is None:
            return self._nothing_here()
        wrong = self._object_to_method(route)
        if wrong is not None:
            return wrong
        if route.needs_key and self.key is None:
            return self._unauthenticated()
        if self.coding and engine_of(self.coding) is None:
            return unknown_coding(self.coding)
        return None

    def _object_to_method(self, route: Route) -> Fault | None:
        method = self.method
        if self.wants_socket:
            taken_over = _HAS_SOCKETS and not self.is_http_10
            return (
                None if taken_over else Fault("invalid_request", _NO_SOCKET, status=426, code="websocket_not_supported")
            )
        if method in route.methods or (method == b"HEAD" and b"GET" in route.methods):
            return None
        if route.kind == "models" and ":" in self.path:
            return self._nothing_here()  # a method of a model that there is not
        taken = b" or ".join(route.methods).decode()
        message = f"{_shown(self.path)} takes {taken}, not {_shown(method.decode('latin-1'))}"
        return Fault("method_not_allowed", message)

    def _nothing_here(self) -> Fault:
        return Fault("not_found", f"there is no {_shown(self.path)} here; see the README for the paths")

    def _unauthenticated(self) -> Fault:
        what = "this gateway does not know the key" if self._shows_key() else "no key was sent"
        return Fault(
            "unauthenticated",
            f"{what}; send a client key as `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or `api-key`",
            code="invalid_api_key",
        )


def refusal_hints(status: int, head: Head | None) -> Headers:
    """The headers with which HTTP tells a refused client what would be taken."""
    if status == 405 and head is not None and head.route is not None:
        return [(b"allow", b", ".join(head.route.methods))]
    if status == 415:
        return [(b"accept-encoding", ", ".join(known_codings()).encode())]
    return [(b"upgrade", b"websocket")] if status == 426 else []


def head_size(url: bytes, raw: Mapping[bytes, bytes]) -> int:
    """The bytes of a head, nearly."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in raw.items())


def _shown(text: str) -> str:
    return ascii(text[:200])
