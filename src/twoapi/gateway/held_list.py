"""Lists of files and of batches, over all upstreams: from what is written down, and fresh where it may have changed."""

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qs, quote

from msgspec import Raw

from twoapi.gateway.forward import Answered
from twoapi.gateway.keeping import accounts, check_key, keeper, kept_rows, named_upstream, rows_of, write_down
from twoapi.gateway.presented import awaited_head
from twoapi.gateway.retrieve import Retrieval, asked_limit
from twoapi.gateway.streamed import addressed
from twoapi.ir import Fault, FaultError
from twoapi.protocols.operations.kept_objects import kept_object
from twoapi.protocols.operations.table import OPERATIONS
from twoapi.store.port import Held
from twoapi.transport.errors import TransportError
from twoapi.transport.whole import whole_answer
from twoapi.wire import json

# kind -> how many are listed unless it is said, and at most
_PAGES = {"files": (10_000, 10_000), "batches": (20, 100)}
_AT_ONCE = 8  # questions to upstreams


class HeldList(Retrieval):
    """One client's question for what it has, and the answer."""

    async def _asked(self, missing: FaultError) -> Answered:
        raise missing

    async def _found(self) -> bytes:
        kind = self._incoming.path.rpartition("/")[2]
        check_key(kind, self._key)
        await self._worker.state.load()
        rows = await kept_rows(self._worker.state, self._key, kind)
        named = named_upstream(self._incoming)
        query = {name: values[-1] for name, values in parse_qs(self._incoming.query).items()}
        rows = [row for row in rows if named in (None, row.upstream)]
        purpose = query.get("purpose")
        if purpose is not None:
            bodies = await self._all_fresh(kind, rows)
            rows = [row for row, body in zip(rows, bodies, strict=True) if _is_for(purpose, body)]
        shown, has_more = _page(kind, rows, query)
        data = [Raw(body) for body in await self._all_fresh(kind, shown) if body]
        first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
        return json.encode({"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more})

    async def _all_fresh(self, kind: str, rows: Sequence[Held]) -> list[bytes]:
        turns = asyncio.Semaphore(_AT_ONCE)
        return await asyncio.gather(*(self._fresh(kind, row, turns) for row in rows))

    async def _fresh(self, kind: str, row: Held, turns: asyncio.Semaphore) -> bytes:
        """It as it is now; as it was when that cannot be found out, b"" when it is not there, or never was seen."""
        if row.body and (kind == "files" or kept_object(row.body).is_final):
            return row.body
        try:
            async with turns:
                return await self._ask(kind, row)
        except (FaultError, TransportError, TimeoutError):
            return row.body

    async def _ask(self, kind: str, row: Held) -> bytes:
        worker, state = self._worker, self._worker.state
        candidate = keeper(worker.snapshot, kind, row)
        credential = accounts(state, candidate, row.account)[0]
        outgoing = addressed(OPERATIONS[kind], candidate, f"/{quote(row.id, safe='')}", [])
        pool = worker.pools.get(candidate.connection) or worker.open_pool(candidate)
        async with asyncio.timeout(candidate.timeouts.first_byte or None):
            answer = await whole_answer(pool, await awaited_head(worker, candidate, credential, outgoing, method="GET"))
        if answer.status != 200:
            return b"" if answer.status == 404 else row.body
        await write_down(state, rows_of(kind, kept_object(answer.body), answer.body, like=row))
        return answer.body


def _is_for(purpose: str, body: bytes) -> bool:
    return bool(body) and kept_object(body).purpose == purpose


def _page(kind: str, rows: Sequence[Held], query: dict[str, str]) -> tuple[list[Held], bool]:
    """The rows that are asked for, and whether there are more; raises FaultError."""
    order = list(rows) if query.get("order") == "asc" else list(rows)[::-1]
    after = query.get("after")
    if after is not None:
        names = [row.id for row in order]
        if after not in names:
            raise FaultError(Fault("invalid_request", f"there is nothing {after[:200]!r} in this list", param="after"))
        order = order[names.index(after) + 1 :]
    usual, most = _PAGES[kind]
    limit = asked_limit(query.get("limit"), usual, most)
    return order[:limit], len(order) > limit
