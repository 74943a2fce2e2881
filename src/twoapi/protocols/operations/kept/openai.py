"""Files and batches as OpenAI's clients know them; a batch is made of a file, and makes files."""

from urllib.parse import quote, unquote

import msgspec

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
from twoapi.protocols.operations.members import broken, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError

_LAST = frozenset(("failed", "completed", "expired", "cancelled"))  # states of a batch that it stays in
# How many are listed unless it is said, and at most.
_PAGES: dict[Kind, tuple[int, int]] = {"files": (10_000, 10_000), "batches": (20, 100)}


class _Shown(msgspec.Struct):
    id: str
    created_at: int = 0
    status: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    purpose: str | None = None


class _Asked(msgspec.Struct):
    input_file_id: str


_decode = json.decoder(_Shown)
_decode_asked = json.decoder(_Asked)


def _read(kind: Kind, body: bytes) -> KeptObject:
    found = _shown(body)
    made = tuple(name for name in (found.output_file_id, found.error_file_id) if name)
    is_final = kind == "files" or found.status in _LAST
    return KeptObject(id=found.id, created=found.created_at or None, is_final=is_final, made=made)


def _shown(body: bytes) -> _Shown:
    try:
        return _decode(body)
    except WireError as error:
        raise broken(f"the upstream's answer cannot be found again: {error.message}") from None


def input_file(body: bytes) -> str:
    """The file that a batch is made of; raises FaultError."""
    try:
        return _decode_asked(body).input_file_id
    except WireError as error:
        raise refuse(error.message, "/input_file_id") from None


def _asked(kind: Kind, query: Query) -> PageAsked:
    purpose = last_of(query, "purpose")
    return PageAsked(
        limit=asked_limit(last_of(query, "limit"), *_PAGES[kind]),
        is_oldest_first=last_of(query, "order") == "asc",
        after=last_of(query, "after"),
        fits=None if purpose is None else lambda body: _shown(body).purpose == purpose,
    )


def _page(kind: Kind, page: Page) -> bytes:  # noqa: ARG001  the same for both
    return json.encode(
        {
            "object": "list",
            "data": page.data,
            "first_id": page.first,
            "last_id": page.last,
            "has_more": page.has_more,
        }
    )


def parted(kind: Kind, path: str) -> tuple[str, str]:
    """The id and what is asked of it, from a path that has them behind the collection's name, between slashes."""
    name, _, what = unquote(path.partition(f"/{kind}")[2].removeprefix("/")).partition("/")
    return name, what


def rest(kind: Kind, name: str, what: str) -> str:  # noqa: ARG001  the same for both
    """The same two as such a path has them."""
    return "".join(f"/{quote(part, safe='')}" for part in (name, what) if part)


FACE = Face(
    shape="openai",
    protocol="openai-chat",
    read=_read,
    shown=lambda _kind, body, _url: body,
    asked=_asked,
    page=_page,
    parted=parted,
    rest=rest,
)
