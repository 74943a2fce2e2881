"""Files, batches and cached contents as Gemini's clients know them: each by its full name, `files/abc`."""

from urllib.parse import quote, unquote

import msgspec

from twoapi.ir import Fault, FaultError
from twoapi.protocols.base import Inspection
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Native, Shape
from twoapi.protocols.operations.kept.base import Face, KeptObject, Kind, Page, PageAsked, Query, last_of
from twoapi.protocols.operations.members import broken
from twoapi.protocols.times import seconds
from twoapi.wire import json
from twoapi.wire.errors import WireError

NAME = "gemini"
COLLECTIONS: dict[Kind, str] = {"files": "files", "batches": "batches", "caches": "cachedContents"}
DOWNLOAD = "download"
# The member of a list that has the things.
_MEMBERS: dict[Kind, str] = {"files": "files", "batches": "operations", "caches": "cachedContents"}
# How many are listed unless it is said, and at most; of more that are asked for, so many come.
_PAGES: dict[Kind, tuple[int, int]] = {"files": (10, 100), "batches": (50, 1000), "caches": (50, 1000)}
_GOING_ON = "PROCESSING"  # the state of a file that is to change
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")  # how the states end in which a batch stays


class _Output(msgspec.Struct, frozen=True, rename="camel"):
    responses_file: str = ""


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    state: str = ""
    create_time: str | None = None
    output: _Output = _Output()


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    create_time: str | None = None
    expiration_time: str | None = None  # of a file
    expire_time: str | None = None  # of cached contents
    state: str = ""
    done: bool = False
    metadata: _Metadata = _Metadata()
    response: _Output = _Output()


_decode = json.decoder(_Shown)


def _read(kind: Kind, body: bytes) -> KeptObject | None:
    try:
        found = _decode(body)
    except WireError as error:
        raise broken(f"the upstream's answer cannot be found again: {error.message}") from None
    if not found.name:
        return None
    has_ended = found.done or found.metadata.state.endswith(_ENDED)
    made = dict.fromkeys((found.metadata.output.responses_file, found.response.responses_file))
    return KeptObject(
        id=found.name,
        created=seconds(found.create_time or found.metadata.create_time),
        is_final=found.state != _GOING_ON if kind == "files" else has_ended,
        made=tuple(name for name in made if name),
        expires=seconds(found.expiration_time or found.expire_time),
    )


def _asked(kind: Kind, query: Query) -> PageAsked:
    usual, most = _PAGES[kind]
    said = last_of(query, "pageSize") or last_of(query, "page_size") or "0"
    if not (said.isascii() and said.isdecimal()):
        raise FaultError(Fault("invalid_request", "pageSize must be a whole number", param="pageSize"))
    token = last_of(query, "pageToken") or last_of(query, "page_token")
    return PageAsked(limit=min(int(said[:9]) or usual, most), after=token or None, after_as="pageToken")


def _page(kind: Kind, page: Page) -> bytes:
    document: dict[str, object] = {_MEMBERS[kind]: page.data} if page.data else {}
    if page.has_more:
        document["nextPageToken"] = page.last
    return json.encode(document)


def _parted(kind: Kind, path: str) -> tuple[str, str]:
    collection = COLLECTIONS[kind]
    _, found, behind = unquote(path).partition(f"/{collection}/")
    name, _, what = behind.partition(":")
    return (f"{collection}/{name}" if found and name else ""), what


def _rest(kind: Kind, name: str, what: str) -> str:  # noqa: ARG001  the same for all
    """What stands behind the collection."""
    if not name:
        return ""
    place = f"/{quote(name.partition('/')[2], safe='')}"
    if what == DOWNLOAD:
        return f"{place}:{what}?alt=media"
    return f"{place}:{quote(what, safe='')}" if what else place


def _inspect(body: bytes) -> Inspection:
    """A hidden error. What has a name is a thing, whose own `error` says how it ended."""
    try:
        members = json.fields(body)
    except WireError:
        return Inspection(fault=broken("the upstream's answer is not a JSON object").fault)
    return Inspection(fault=None if "name" in members else json_bodies.hidden_fault(members, NAME))


SHAPE = Shape(name=NAME, native=Native(peek=json_bodies.peek_model, relay=json_bodies.relay, inspect=_inspect))
FACE = Face(
    shape=NAME,
    protocol=NAME,
    prefix="gemini-",
    read=_read,
    shown=lambda _kind, body, _url: body,
    asked=_asked,
    page=_page,
    parted=_parted,
    rest=_rest,
    contents=frozenset((DOWNLOAD,)),
    limits_models=True,
    hides=True,
)
