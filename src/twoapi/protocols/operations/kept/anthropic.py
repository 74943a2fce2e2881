"""Files and batches as Anthropic's clients know them; a batch is made of requests, and its results are its own."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from twoapi.ir import Fault, FaultError
from twoapi.protocols.operations.kept.base import (
    Face,
    KeptObject,
    Kind,
    Page,
    PageAsked,
    Query,
    asked_limit,
    last_of,
)
from twoapi.protocols.operations.kept.openai import parted, rest
from twoapi.protocols.operations.members import broken
from twoapi.protocols.times import seconds
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers

_FIRST_VERSION = b"2023-06-01"  # what a client means that says none
_ENDED = "ended"
_USUAL, _MOST = 20, 1000  # things on a page
_MOST_IDS = 100
_CURSOR = "page_"  # before the id behind which a page of files begins


class _Scope(msgspec.Struct):
    id: str = ""


class _Shown(msgspec.Struct):
    id: str
    created_at: str | None = None
    processing_status: str | None = None
    results_url: str | None = None
    scope: _Scope | None = None


_decode = json.decoder(_Shown)


def _read(kind: Kind, body: bytes) -> KeptObject:
    found = _shown(body)
    is_final = kind == "files" or found.processing_status == _ENDED
    return KeptObject(id=found.id, created=seconds(found.created_at), is_final=is_final)


def _shown(body: bytes) -> _Shown:
    try:
        return _decode(body)
    except WireError as error:
        raise broken(f"the upstream's answer cannot be found again: {error.message}") from None


def _told(kind: Kind, body: bytes, url: str) -> bytes:
    """The same with the URL of the results leading here: clients follow it, with the key that they have."""
    if kind == "files":
        return body
    found = _shown(body)
    if found.results_url is None:
        return body
    return json.replace_field(body, "results_url", json.encode(f"{url}/{quote(found.id, safe='')}/results"))


def _asked(kind: Kind, query: Query) -> PageAsked:
    limit = asked_limit(last_of(query, "limit"), _USUAL, _MOST)
    page, scope = last_of(query, "page"), last_of(query, "scope_id")
    after, before = last_of(query, "after_id"), last_of(query, "before_id")
    if after is not None and before is not None:
        raise FaultError(Fault("invalid_request", "name only one of after_id and before_id", param="before_id"))
    ids = _ids(query) if kind == "files" else None
    return PageAsked(
        limit=limit if ids is None else _MOST_IDS,
        after=after if page is None or kind != "files" else page.removeprefix(_CURSOR),
        before=before,
        after_as="after_id" if page is None else "page",
        before_as="before_id",
        ids=ids,
        fits=None if scope is None or kind != "files" else lambda body: _scope(body) == scope,
    )


def _ids(query: Query) -> frozenset[str] | None:
    ids = frozenset((*query.get("ids", ()), *query.get("ids[]", ())))
    if len(ids) > _MOST_IDS:
        raise FaultError(Fault("invalid_request", f"more than {_MOST_IDS} ids", param="ids"))
    if ids and ("page" in query or "limit" in query):
        raise FaultError(Fault("invalid_request", "ids come without page and limit", param="ids"))
    return ids or None


def _scope(body: bytes) -> str | None:
    found = _shown(body).scope
    return None if found is None else found.id


def _page(kind: Kind, page: Page) -> bytes:
    written: dict[str, object] = {
        "data": page.data,
        "has_more": page.has_more,
        "first_id": page.first,
        "last_id": page.last,
    }
    if kind == "files":  # which newer clients read page by page in another way
        written["next_page"] = f"{_CURSOR}{page.last}" if page.has_more else None
    return json.encode(written)


def _headers(client: Mapping[bytes, bytes], pinned: str | None) -> Headers:
    version = client.get(b"anthropic-version", _FIRST_VERSION) if pinned is None else pinned.encode()
    headers: Headers = [(b"anthropic-version", version)]
    betas = client.get(b"anthropic-beta")
    return headers if betas is None else [*headers, (b"anthropic-beta", betas)]


FACE = Face(
    shape="anthropic",
    protocol="anthropic-messages",
    prefix="anthropic-",
    read=_read,
    shown=_told,
    asked=_asked,
    page=_page,
    parted=parted,
    rest=rest,
    contents=frozenset(("content", "results")),
    headers=_headers,
    flags=frozenset(("beta=true",)),
    limits_models=True,
)
