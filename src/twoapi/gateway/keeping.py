"""Whose files and batches are where: what is written down of them, and asked before anybody gets at one."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TypeVar
from urllib.parse import parse_qs

from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.state import State
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.protocols.operations.kept_objects import KeptObject
from twoapi.providers.services import Want
from twoapi.store.port import Held, StoreError
from twoapi.wire.http import Incoming

T = TypeVar("T")
_UNREADABLE = Fault("overloaded", "the store cannot be used; send the request again", whose="gateway")
_HEADER = b"twoapi-upstream"
_ONE = {"files": "file", "batches": "batch"}


def want(kind: str) -> Want:
    """Files or batches, as OpenAI's clients ask for them."""
    return Want(kind, "openai", "openai-chat")


def check_key(kind: str, key: KeyEntry) -> None:
    """Raises FaultError for a batch of a client that may use some models only: nobody looks into its lines."""
    if kind == "batches" and not key.may_use_all:
        message = "this key may use some models only, and the models of a batch are not looked at"
        raise FaultError(Fault("forbidden", message))


def named_upstream(incoming: Incoming) -> str | None:
    """The upstream that a client names, in a header or in the query."""
    said = incoming.headers.get(_HEADER, b"").decode("latin-1").strip()
    return said or next(iter(parse_qs(incoming.query).get("upstream", [])), None)


def chosen(snapshot: Snapshot, kind: str, named: str | None) -> Candidate:
    """Who gets something new: the one that is named, else the only one that offers it. Raises FaultError."""
    offering = {candidate.upstream: candidate for candidate in snapshot.offering(want(kind))}
    names = ", ".join(offering)
    if named is not None:
        if named in offering:
            return offering[named]
        hint = f"those that do: {names}" if offering else "none does"
        message = f"no upstream {named!r} offers {kind}; {hint} (the setting `upstreams.NAME.operations` says so)"
        raise FaultError(Fault("invalid_request", message, code="operation_not_supported"))
    if not offering:
        message = f"no upstream offers {kind}; say so in `upstreams.NAME.operations`, as `{kind}: [openai]`"
        raise FaultError(Fault("invalid_request", message, code="operation_not_supported"))
    if len(offering) > 1:
        message = (
            f"several upstreams offer {kind}: {names}; name one in the header `twoapi-upstream` or as `?upstream=`, "
            "or a model of it in the form's field `model`, before the file"
        )
        raise FaultError(Fault("invalid_request", message, code="upstream_ambiguous"))
    return next(iter(offering.values()))


async def holder(state: State, key: KeyEntry, kind: str, name: str, named: str | None = None) -> Held:
    """Where something of this client's is; raises FaultError when it has no such thing."""
    rows = [row for row in await waited(state, state.store.holders(key.tenant, name)) if row.kind == kind]
    rows = [row for row in rows if named in (None, row.upstream)]
    if not rows:
        raise FaultError(Fault("not_found", f"there is no {_ONE[kind]} {name[:200]!r}"))
    if len(rows) > 1:
        names = ", ".join(row.upstream for row in rows)
        message = f"several upstreams have a {_ONE[kind]} {name!r}: {names}; name one in the header `twoapi-upstream`"
        raise FaultError(Fault("invalid_request", message, code="upstream_ambiguous"))
    await state.load()
    return rows[0]


async def kept_rows(state: State, key: KeyEntry, kind: str) -> list[Held]:
    """All of a kind that this client has, the oldest first; raises FaultError."""
    return await waited(state, state.store.held(key.tenant, kind))


def keeper(snapshot: Snapshot, kind: str, row: Held) -> Candidate:
    """The upstream that has it; raises FaultError when it is configured no more."""
    found = next((one for one in snapshot.offering(want(kind)) if one.upstream == row.upstream), None)
    if found is None:
        message = f"the upstream {row.upstream!r} that has {row.id!r} offers no {kind} any more"
        raise FaultError(Fault("not_found", message))
    return found


def accounts(state: State, candidate: Candidate, account: str | None) -> tuple[Credential, ...]:
    """The credentials of the account that has it; all of them when none is known to be."""
    own = tuple(one for one in candidate.credentials if state.origin(candidate, one).account == account)
    return own or candidate.credentials


def rows_of(kind: str, shown: KeptObject, body: bytes, *, like: Held) -> list[Held]:
    """What to write down of something that an upstream has shown. `like` says whose it is, and where."""
    owner = (like.upstream, like.account)
    rows = [Held(like.tenant, shown.id, *owner, kind, body, shown.created_at or like.created)]
    return rows + [Held(like.tenant, name, *owner, "files", b"", like.created) for name in shown.made]


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
