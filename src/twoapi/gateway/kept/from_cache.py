"""Answers that go on from contents which an upstream keeps for the client: it is asked for them, by its account."""

import asyncio

from msgspec.structs import replace

from twoapi.gateway.exchange import Exchange
from twoapi.gateway.kept.keeping import accounts, waited
from twoapi.gateway.port import ClientPort
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.protocols.operations.kept.base import Kind
from twoapi.protocols.operations.kept.table import FACES
from twoapi.store.port import Held
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming

_KIND: Kind = "caches"
# By protocol the members that name them.
CACHE_MEMBERS = {"gemini": (b"cachedContent", b"cached_content")}


def cache_named(codec: Codec, incoming: Incoming) -> str:
    """The name of the contents that a request goes on from; "" for none."""
    body = incoming.body
    said = [name.decode() for name in CACHE_MEMBERS.get(codec.name, ()) if name in body]
    if not said:
        return ""
    try:
        members = json.fields(body)
    except WireError:
        return ""
    return next((json.string(members[name]) for name in said if name in members), "")


class CachedExchange(Exchange):
    """Such a request. One whose contents this gateway has not seen goes where any other goes."""

    __slots__ = ("_name", "_row", "_task")

    def __init__(
        self, worker: Worker, codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort, *, name: str
    ) -> None:
        super().__init__(worker, codec, incoming, key, port)
        self._name = name
        self._row: Held | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Starts to look for where they are."""
        self.worker.running += 1
        self.worker.counters.exchanges += 1
        self._task = self.worker.loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._find()
        except Exception as error:  # noqa: BLE001  the outermost frame of a request: it must be answered
            if not self.is_over:
                self._answer_for(error)

    async def _find(self) -> None:
        state, codec = self.worker.state, self.codec
        peek = self.peek = codec.peek(self.incoming)
        plan = self.plan = self.snapshot.plan(peek.model, codec.name, self.key)
        order = self.worker.order(plan)
        kind = FACES[codec.name].prefix + _KIND
        rows = {row.upstream: row for row in await waited(state, state.store.holders(self.key.tenant, self._name))}
        rows = {upstream: row for upstream, row in rows.items() if row.kind == kind}
        if rows:
            await state.load()
            order = tuple(one for one in order if one.upstream in rows and one.protocol == codec.name)[:1]
            if not order:
                where = " or ".join(repr(upstream) for upstream in rows)
                message = f"{self._name!r} is at the upstream {where}, and the model {peek.model!r} is not"
                raise FaultError(Fault("invalid_request", message, param="/cachedContent"))
            self._row = rows[order[0].upstream]
        self.order = order
        self._try_candidate(0)

    def _try_candidate(self, position: int) -> None:
        row, candidate = self._row, self.order[position]
        if row is None:
            super()._try_candidate(position)
            return
        self.position, self.candidate = position, candidate
        self.credentials = accounts(self.worker.state, candidate, row.account)
        self.tries = 0
        self.rejected = None
        self.is_stateless = False
        self._try()

    def _failed(self, fault: Fault, kind: str) -> None:
        is_last = len(self.credentials) == 1 and self.position + 1 == len(self.order)
        if kind == "forbidden" and is_last:  # so an upstream says that there are none, and no operator can mend that
            raise FaultError(replace(fault, kind="not_found", status=403))
        super()._failed(fault, kind)

    def _drop(self) -> None:
        super()._drop()
        if self._task is not None:
            self._task.cancel()
