"""Whose files and batches are where: what is written down of them, and asked before anybody gets at one."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TypeVar
from urllib.parse import parse_qs

from twoapi.gateway.operations.streamed import addressed
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.state import State
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.protocols.operations.base import Operation
from twoapi.protocols.operations.kept.base import Face, Kind
from twoapi.providers.services import Want
from twoapi.store.port import Held, StoreError
from twoapi.wire.http import Incoming, Outgoing

T = TypeVar("T")
_UNREADABLE = Fault("overloaded", "the store cannot be used; send the request again", whose="gateway")
_HEADER = b"twoapi-upstream"
_FORM = ", or a model of it in the form's field `model`, before the file"
_LARGEST = 1 << 20  # bytes of what is shown that are written down; more is asked for anew
_ONE: dict[Kind, str] = {"files": "file", "batches": "batch", "caches": "cached content"}


def want(face: Face, kind: Kind) -> Want:
    """Files or batches, as these clients ask for them."""
    return Want(kind, face.shape, face.protocol)


def check_key(face: Face, kind: Kind, key: KeyEntry) -> None:
    """Raises FaultError for a batch of a client that may use some models only, where nobody looks at its models."""
    if kind == "batches" and not key.may_use_all and not face.limits_models:
        message = "this key may use some models only, and the models of a batch are not looked at"
        raise FaultError(Fault("forbidden", message))


def named_upstream(incoming: Incoming) -> str | None:
    """The upstream that a client names, in a header or in the query."""
    said = incoming.headers.get(_HEADER, b"").decode("latin-1").strip()
    return said or next(iter(parse_qs(incoming.query).get("upstream", [])), None)


def collection_url(incoming: Incoming, kind: Kind) -> str:
    """The URL at which a client asks for all of a kind, as it has written it; without a host when it names none."""
    headers, base = incoming.headers, incoming.path.partition(f"/{kind}")[0]
    host = headers.get(b"x-forwarded-host") or headers.get(b"host", b"")
    scheme = headers.get(b"x-forwarded-proto", b"http")
    origin = b"%b://%b" % (_first(scheme), _first(host)) if host else b""
    return f"{origin.decode('latin-1')}{base}/{kind}"


def asking(
    operation: Operation,
    face: Face,
    candidate: Candidate,
    incoming: Incoming,
    rest: str,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Outgoing:
    """The request to whoever keeps something, without a body: what of the client's goes with it is the face's to say.
    Raises FaultError when the candidate does not offer it.
    """
    said = face.headers(incoming.headers, candidate.capabilities.api_version)
    flags = "&".join(one for one in incoming.query.split("&") if one in face.flags)
    if flags:
        rest += ("&" if "?" in rest else "?") + flags
    return addressed(operation, face.shape, candidate, rest, [*headers, *said])


def offering(snapshot: Snapshot, face: Face, kind: Kind) -> dict[str, Candidate]:
    """Every upstream that offers this in the clients' own shape, by its name."""
    found = snapshot.offering(want(face, kind))
    return {one.upstream: one for one in found if one.service is not None and one.service.shape == face.shape}


def chosen(snapshot: Snapshot, face: Face, kind: Kind, named: str | None, *, form: bool = True) -> Candidate:
    """Who gets something new: the one that is named, else the only one that offers it. Raises FaultError. `form`: a
    client can say it in a form, too.
    """
    offered = offering(snapshot, face, kind)
    names = ", ".join(offered)
    if named is not None:
        if named in offered:
            return offered[named]
        hint = f"those that do: {names}" if offered else "none does"
        message = f"no upstream {named!r} offers {kind}; {hint} (the setting `upstreams.NAME.operations` says so)"
        raise FaultError(Fault("invalid_request", message, code="operation_not_supported"))
    if not offered:
        message = f"no upstream offers {kind}; say so in `upstreams.NAME.operations`, as `{kind}: [{face.shape}]`"
        raise FaultError(Fault("invalid_request", message, code="operation_not_supported"))
    if len(offered) > 1:
        message = (
            f"several upstreams offer {kind}: {names}; name one in the header `twoapi-upstream` or as `?upstream=`"
            f"{_FORM if form else ''}"
        )
        raise FaultError(Fault("invalid_request", message, code="upstream_ambiguous"))
    return next(iter(offered.values()))


async def holder(state: State, key: KeyEntry, face: Face, kind: Kind, name: str, named: str | None = None) -> Held:
    """Where something of this client's is; raises FaultError when it has no such thing."""
    rows = [row for row in await waited(state, state.store.holders(key.tenant, name)) if row.kind == face.prefix + kind]
    rows = [row for row in rows if named in (None, row.upstream)]
    if not rows:
        raise FaultError(Fault("not_found", f"there is no {_ONE[kind]} {name[:200]!r}"))
    if len(rows) > 1:
        names = ", ".join(row.upstream for row in rows)
        message = f"several upstreams have a {_ONE[kind]} {name!r}: {names}; name one in the header `twoapi-upstream`"
        raise FaultError(Fault("invalid_request", message, code="upstream_ambiguous"))
    await state.load()
    return rows[0]


async def kept_rows(state: State, key: KeyEntry, face: Face, kind: Kind) -> list[Held]:
    """All of a kind that this client has, the oldest first; raises FaultError."""
    return await waited(state, state.store.held(key.tenant, face.prefix + kind))


def keeper(snapshot: Snapshot, face: Face, kind: Kind, row: Held) -> Candidate:
    """The upstream that has it; raises FaultError when it is configured no more."""
    found = offering(snapshot, face, kind).get(row.upstream)
    if found is None:
        message = f"the upstream {row.upstream!r} that has {row.id!r} offers no {kind} any more"
        raise FaultError(Fault("not_found", message))
    return found


def accounts(state: State, candidate: Candidate, account: str | None) -> tuple[Credential, ...]:
    """The credentials of the account that has it; all of them when none is known to be."""
    own = tuple(one for one in candidate.credentials if state.origin(candidate, one).account == account)
    return own or candidate.credentials


async def owner(state: State, key: KeyEntry, candidate: Candidate, credential: Credential) -> Held:
    """Whose something new is, and where: a row without a name."""
    await state.load()
    account = state.origin(candidate, credential).account
    return Held(key.tenant, "", candidate.upstream, account, "", b"", state.now())


def rows_of(face: Face, kind: Kind, body: bytes, *, like: Held) -> list[Held]:
    """What to write down of something that an upstream has shown. `like` says whose it is, and where. Raises FaultError
    when it cannot be found again.
    """
    shown = face.read(kind, body)
    if shown is None:
        return []
    place, files = (like.upstream, like.account), f"{face.prefix}files"
    created = like.created if shown.created is None else shown.created
    if len(body) > _LARGEST:
        body = b""
    rows = [Held(like.tenant, shown.id, *place, face.prefix + kind, body, created)]
    return rows + [Held(like.tenant, name, *place, files, b"", like.created) for name in shown.made]


async def waited(state: State, future: "Future[T]") -> T:
    """What the store says; raises FaultError when it does not."""
    try:
        return await asyncio.wrap_future(future, loop=state.loop)
    except StoreError:
        raise FaultError(_UNREADABLE) from None


async def write_down(state: State, rows: Sequence[Held]) -> None:
    """Until this is durable nobody may be told the ids. What is known of a file that a batch has made stays known.

    Raises FaultError.
    """
    fresh = []
    for row in rows:
        if not row.body:
            known = await waited(state, state.store.holders(row.tenant, row.id))
            if any(one.upstream == row.upstream for one in known):
                continue
        fresh.append(row)
    await waited(state, state.store.hold(fresh))


def _first(said: bytes) -> bytes:
    """The word of the proxy that is nearest to the client."""
    return said.partition(b",")[0].strip()
