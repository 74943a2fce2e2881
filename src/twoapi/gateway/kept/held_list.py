"""Lists of files and of batches, over all upstreams: from what is written down, and fresh where it may have changed."""

import asyncio
from collections.abc import Sequence
from typing import cast
from urllib.parse import parse_qs

from msgspec import Raw

from twoapi.gateway.forward import Answered
from twoapi.gateway.kept.keeping import (
    accounts,
    asking,
    check_key,
    collection_url,
    keeper,
    kept_rows,
    named_upstream,
    rows_of,
    write_down,
)
from twoapi.gateway.port import ClientPort
from twoapi.gateway.presented import awaited_head
from twoapi.gateway.retrieve import Retrieval
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.protocols.operations.base import Operation
from twoapi.protocols.operations.kept.base import Face, Kind, Page, PageAsked
from twoapi.store.port import Held
from twoapi.transport.errors import TransportError
from twoapi.transport.whole import whole_answer
from twoapi.wire.http import Incoming

_AT_ONCE = 8  # questions to upstreams


class HeldList(Retrieval):
    """One client's question for what it has, and the answer."""

    def __init__(  # noqa: PLR0913  a retrieval, and what is listed
        self,
        worker: Worker,
        codec: Codec,
        method: bytes,
        incoming: Incoming,
        key: KeyEntry,
        port: ClientPort,
        *,
        operation: Operation,
        face: Face,
    ) -> None:
        """The operation must be one of those that are kept."""
        super().__init__(worker, codec, method, incoming, key, port)
        self._operation = operation
        self._kind = cast("Kind", operation.name)
        self._face = face

    async def _asked(self, missing: FaultError) -> Answered:
        raise missing

    async def _found(self) -> bytes:
        face, kind, incoming = self._face, self._kind, self._incoming
        check_key(face, kind, self._key)
        asked = face.asked(kind, parse_qs(incoming.query))
        await self._worker.state.load()
        named = named_upstream(incoming)
        rows = await kept_rows(self._worker.state, self._key, face, kind)
        rows = [row for row in rows if named in (None, row.upstream) and (asked.ids is None or row.id in asked.ids)]
        rows = [row for row in rows if not self._has_expired(row)]
        if asked.fits is not None:
            bodies = await self._all_fresh(rows)
            rows = [row for row, body in zip(rows, bodies, strict=True) if body and asked.fits(body)]
        rows, has_more = _page(rows, asked)
        url = collection_url(incoming, kind)
        data = [Raw(face.shown(kind, body, url)) for body in await self._all_fresh(rows) if body]
        first, last = (rows[0].id, rows[-1].id) if rows else (None, None)
        return face.page(kind, Page(data, first, last, has_more))

    def _has_expired(self, row: Held) -> bool:
        """True for what will not change any more, and was to be gone by now."""
        known = self._face.read(self._kind, row.body) if row.body else None
        if known is None or known.expires is None or not known.is_final:
            return False
        return known.expires <= self._worker.state.now()

    async def _all_fresh(self, rows: Sequence[Held]) -> list[bytes]:
        turns = asyncio.Semaphore(_AT_ONCE)
        return await asyncio.gather(*(self._fresh(row, turns) for row in rows))

    async def _fresh(self, row: Held, turns: asyncio.Semaphore) -> bytes:
        """It as it is now; as it was when that cannot be found out, b"" when it is not there, or never was seen."""
        known = self._face.read(self._kind, row.body) if row.body else None
        if known is not None and known.is_final:
            return row.body
        try:
            async with turns:
                return await self._ask(row)
        except (FaultError, TransportError, TimeoutError):
            return row.body

    async def _ask(self, row: Held) -> bytes:
        worker, state, face, kind = self._worker, self._worker.state, self._face, self._kind
        candidate = keeper(worker.snapshot, face, kind, row)
        credential = accounts(state, candidate, row.account)[0]
        outgoing = asking(self._operation, face, candidate, self._incoming, face.rest(kind, row.id, ""))
        pool = worker.pools.get(candidate.connection) or worker.open_pool(candidate)
        async with asyncio.timeout(candidate.timeouts.first_byte or None):
            answer = await whole_answer(pool, await awaited_head(worker, candidate, credential, outgoing, method="GET"))
        if answer.status != 200:
            return b"" if answer.status == 404 or (answer.status == 403 and face.hides) else row.body
        await write_down(state, rows_of(face, kind, answer.body, like=row))
        return answer.body


def _page(rows: list[Held], asked: PageAsked) -> tuple[list[Held], bool]:
    """The rows that are asked for, and whether there are more; raises FaultError."""
    order = rows if asked.is_oldest_first else rows[::-1]
    if asked.after is not None:
        order = order[_place(order, asked.after, asked.after_as) + 1 :]
    if asked.before is not None:
        order = order[: _place(order, asked.before, asked.before_as)]
        return order[-asked.limit :], len(order) > asked.limit
    return order[: asked.limit], len(order) > asked.limit


def _place(rows: list[Held], name: str, param: str) -> int:
    found = next((index for index, row in enumerate(rows) if row.id == name), None)
    if found is None:
        raise FaultError(Fault("invalid_request", f"there is nothing {name[:200]!r} in this list", param=param))
    return found
