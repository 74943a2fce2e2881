"""Paths at which Gemini's clients ask for what upstreams keep: uploads, files, batches, cached contents."""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from twoapi.protocols.registry import CODECS
from twoapi.server.routes import Route

_GEMINI = CODECS["gemini"]
_KEY = b"x-goog-api-key"
_VERSIONS = frozenset((b"v1", b"v1beta", b"v1alpha"))
_GET, _POST, _DELETE = b"GET", b"POST", b"DELETE"


def _route(operation: str, *methods: bytes) -> Route:
    return Route("held", _GEMINI, methods, operation=operation)


_UPLOADS = Route("resumable", _GEMINI, (_POST, b"PUT"), operation="files")
_CACHES = b"cachedContents"
# Collection -> the route of all that is in it, and of one thing by what is asked of it.
_COLLECTIONS: Mapping[bytes, tuple[Route, Mapping[bytes, Route]]] = {
    b"files": (_route("files", _GET), {b"": _route("files", _GET, _DELETE), b"download": _route("files", _GET)}),
    b"batches": (_route("batches", _GET), {b"": _route("batches", _GET, _DELETE), b"cancel": _route("batches", _POST)}),
    _CACHES: (
        Route("begun", _GEMINI, (_GET, _POST), operation="caches"),
        {b"": Route("begun", _GEMINI, (_GET, _DELETE, b"PATCH"), operation="caches")},
    ),
}


def google_route(path: bytes, headers: Mapping[bytes, bytes], other: Route | None) -> Route | None:
    """The route of a path without its query; `other` where it is none of these, or also of another vendor's clients,
    and the headers do not say that Google's are calling.
    """
    route = _of(unquote_to_bytes(path) if b"%" in path else path)
    return route if route is not None and (other is None or _KEY in headers) else other


def _of(path: bytes) -> Route | None:
    _, *parts = path.split(b"/")
    is_named = parts[0] == b"gemini"
    if is_named:
        parts = parts[1:]
    before = parts.pop(0) if parts[:1] in ([b"upload"], [b"download"]) else b""
    if parts[:1] and parts[0] in _VERSIONS:
        parts = parts[1:]
    elif not is_named and not before:
        return None
    if before == b"upload":
        return _UPLOADS if parts == [b"files"] else None
    found = _COLLECTIONS.get(parts[0]) if parts else None
    if found is None or len(parts) > 2:
        return None
    if len(parts) == 1:
        return None if before else found[0]
    name, _, what = parts[1].partition(b":")
    return found[1].get(what) if name and (not before or what == before) else None
