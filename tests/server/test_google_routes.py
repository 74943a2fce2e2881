"""Paths of what upstreams keep, by which of Google's clients they are asked for, and which are other vendors'."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.protocols.registry import CODECS
from twoapi.server.google_routes import google_route
from twoapi.server.routes import route_for

KEY = {b"x-goog-api-key": b"k"}
VERSIONS = ("/v1", "/v1beta", "/v1alpha")
BASES = (*VERSIONS, "/gemini", *(f"/gemini{version}" for version in VERSIONS))


def found(path: str, headers: dict[bytes, bytes] = KEY) -> tuple[str, str, str, tuple[bytes, ...]] | None:
    route = google_route(path.encode(), headers, route_for(path.encode()))
    if route is None:
        return None
    return route.kind, route.operation, "" if route.codec is None else route.codec.name, route.methods


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("path", "kind", "operation", "methods"),
    [
        ("/files", "held", "files", (b"GET",)),
        ("/files/a-1", "held", "files", (b"GET", b"DELETE")),
        ("/files/a-1:download", "held", "files", (b"GET",)),
        ("/batches", "held", "batches", (b"GET",)),
        ("/batches/a", "held", "batches", (b"GET", b"DELETE")),
        ("/batches/a:cancel", "held", "batches", (b"POST",)),
        ("/batches/a%3Acancel", "held", "batches", (b"POST",)),
        ("/cachedContents", "begun", "caches", (b"GET", b"POST")),
        ("/cachedContents/a", "begun", "caches", (b"GET", b"DELETE", b"PATCH")),
        ("/models/a/b:batchGenerateContent", "begun", "batches", (b"POST",)),
        ("/models/a:asyncBatchEmbedContent", "begun", "batches", (b"POST",)),
    ],
)
def test_what_there_is(base: str, path: str, kind: str, operation: str, methods: tuple[bytes, ...]) -> None:
    assert found(base + path) == (kind, operation, "gemini", methods)


@pytest.mark.parametrize("version", [*VERSIONS, ""])
@pytest.mark.parametrize("prefix", ["", "/gemini"])
def test_uploads_and_downloads(prefix: str, version: str) -> None:
    assert found(f"{prefix}/upload{version}/files", {}) == ("resumable", "files", "gemini", (b"POST", b"PUT"))
    assert found(f"{prefix}/download{version}/files/a:download", {}) == ("held", "files", "gemini", (b"GET",))


@pytest.mark.parametrize(
    "path",
    [
        *("/files", "/v2/files", "/gemini/v2/files", "/v1beta/files/", "/v1beta/files/a/b", "/v1beta/files/a:cancel"),
        *("/v1beta/files/:download", "/v1beta/batches/a:download", "/upload/v1beta/batches", "/upload", "/download"),
        *("/download/v1beta/files", "/download/v1beta/files/a", "/upload/v1beta/files/a", "/gemini/x", "/v1betafiles"),
    ],
)
def test_what_there_is_not(path: str) -> None:
    assert found(path) is None


@pytest.mark.parametrize("path", ["/v1/files", "/v1/files/a", "/v1/batches", "/v1/batches/a", "/v1/files/a/content"])
def test_other_vendors_clients_are_told_by_their_headers(path: str) -> None:
    known = route_for(path.encode())
    assert google_route(path.encode(), {}, known) is known is not None
    mine = google_route(path.encode(), KEY, known)
    assert mine is not None
    assert (mine is known) == path.endswith("/content")


@given(st.text())
def test_any_path_has_an_answer(path: str) -> None:
    route = google_route(b"/" + path.encode(), KEY, None)
    assert route is None or route.codec is CODECS["gemini"]
