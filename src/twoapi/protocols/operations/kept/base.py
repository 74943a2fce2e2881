"""A face: how one vendor's clients ask for files and batches, and read them. Data and pure functions; no I/O."""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultError
from twoapi.wire.http import Headers

# What is kept, which is also the name of an operation.
Kind = Literal["files", "batches", "caches"]
Query = Mapping[str, list[str]]


class KeptObject(msgspec.Struct, frozen=True, kw_only=True):
    """What of a thing must be known to find it again. `created` and `expires` in seconds since the epoch, None where
    that is not said; `is_final`: it will not change; `made`: the ids of files that a batch has made.
    """

    id: str
    created: int | None
    is_final: bool
    made: tuple[str, ...] = ()
    expires: int | None = None


class PageAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks of a list. A page begins behind the id `after`, or ends before the id `before`; `after_as` and
    `before_as` name the members of the query that say so. `ids`: nothing else is listed. `fits`: the same, by what an
    upstream shows.
    """

    limit: int
    is_oldest_first: bool = False
    after: str | None = None
    before: str | None = None
    after_as: str = "after"
    before_as: str = "before"
    ids: frozenset[str] | None = None
    fits: Callable[[bytes], bool] | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of a list: things as clients are shown them, the ids of the first and of the last of what it stands for,
    and whether there are more in the direction in which the client reads.
    """

    data: list[Raw]
    first: str | None
    last: str | None
    has_more: bool


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's way to ask for what is kept. `shape` is that of the operations `files` and `batches` which upstreams
    must offer; `protocol` that of its clients; `prefix` begins the kinds under which a store has its things.

    `read` finds what must be known in what an upstream shows, None where it shows nothing; raises FaultError for what
    cannot be found again. `shown` is what the client is shown of it, given the URL at which this client asks for the
    whole collection. `asked` reads a list's query, raises FaultError, and `page` writes the answer. `parted` takes the
    path of a request apart: the id of a thing ("" for the collection) and what is asked of it ("" for itself); `rest`
    is what stands for these two behind an upstream's path of the collection. `contents`: of those, the ones that are
    answered with bytes of any kind and length. `headers`: those that go with every request, given the client's, and the
    version to which an upstream is pinned; `flags`: the parts of a query that go with it. `limits_models`: the models
    in a batch are looked at. `hides`: its upstreams answer 403 for what is not there.
    """

    shape: str
    protocol: str
    read: Callable[[Kind, bytes], KeptObject | None]
    shown: Callable[[Kind, bytes, str], bytes]
    asked: Callable[[Kind, Query], PageAsked]
    page: Callable[[Kind, Page], bytes]
    parted: Callable[[Kind, str], tuple[str, str]]
    rest: Callable[[Kind, str, str], str]
    prefix: str = ""
    contents: frozenset[str] = frozenset(("content",))
    headers: Callable[[Mapping[bytes, bytes], str | None], Headers] = lambda _client, _version: []
    flags: frozenset[str] = frozenset()
    limits_models: bool = False
    hides: bool = False


def asked_limit(asked: str | None, usual: int, most: int) -> int:
    """The length of a page; raises FaultError."""
    if asked is None:
        return usual
    if not (asked.isascii() and asked.isdecimal() and 1 <= int(asked[:9]) <= most):
        raise FaultError(Fault("invalid_request", f"limit must be from 1 to {most}", param="limit"))
    return int(asked)


def last_of(query: Query, name: str) -> str | None:
    """The last value that a query has for this; None when it has none."""
    values = query.get(name)
    return values[-1] if values else None
