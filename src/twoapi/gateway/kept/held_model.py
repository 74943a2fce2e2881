"""What is begun for one model and stays at an upstream: a batch, or contents that later requests go on from."""

from typing import cast

from msgspec.structs import replace

from twoapi.gateway.kept.held import HeldExchange
from twoapi.gateway.kept.keeping import holder, named_upstream, want
from twoapi.gateway.operations.form_sources import FormSource, Given
from twoapi.ir import Fault, FaultError
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Peek
from twoapi.protocols.operations.kept.gemini_new import New, body_for, new, path_for, update_query
from twoapi.wire.http import Outgoing

_LARGE = 1 << 19  # bytes of a body that take milliseconds to look at
_CHANGES = ("POST", "PATCH")


class OfModel(HeldExchange):
    """Something new, which goes to an upstream of the model that it is for, and to no other when that fails: it may
    have been begun there. Or a change of it.
    """

    __slots__ = ("_new",)

    async def _place(self) -> None:
        self._new: New | None = None
        if self._name:
            await super()._place()
            return
        kind, incoming, loop = self._kind, self.incoming, self.worker.loop
        if len(incoming.body) <= _LARGE:
            asked = new(kind, incoming)
        else:
            asked = await loop.run_in_executor(None, new, kind, incoming)
        self._new = asked
        self.peek = Peek(asked.model, stream=False)
        candidate = await self._chosen(asked)
        self.order = (candidate,)
        if len(incoming.body) <= _LARGE:
            body = body_for(kind, incoming, asked, candidate.model)
        else:
            body = await loop.run_in_executor(None, body_for, kind, incoming, asked, candidate.model)
        self.incoming = replace(incoming, body=body)

    async def _chosen(self, asked: New) -> Candidate:
        """The first upstream of the model that offers it, or the one that has the file. Raises FaultError."""
        face, kind, key = self._face, self._kind, self.key
        named = named_upstream(self.incoming)
        plan = self.snapshot.plan(asked.model, want(face, kind), key)
        if asked.file:
            if not key.may_use_all:
                message = "this key may use some models only, and nobody looks into the file of a batch"
                raise FaultError(Fault("forbidden", message))
            self._row = await holder(self.worker.state, key, face, "files", asked.file, named)
            named = self._row.upstream
        for name in asked.caches:
            named = await self._place_of(name, named)
        found = [one for one in self.worker.order(plan) if named in (None, one.upstream)]
        for candidate in found:
            service = candidate.service
            if service is not None and service.shape == face.shape and candidate.local is None:
                return candidate
        if self._row is not None and not found:
            message = f"{self._row.id!r} is at the upstream {named!r}, and the model {asked.model!r} is not"
        else:
            message = f"no upstream of the model {asked.model!r} offers {kind}; say so in `upstreams.NAME.operations`"
        raise FaultError(Fault("invalid_request", message, code="operation_not_supported"))

    async def _place_of(self, name: str, named: str | None) -> str | None:
        """The upstream that has these cached contents; `named` when this gateway has not seen them. Raises FaultError
        when that is another one.
        """
        try:
            row = await holder(self.worker.state, self.key, self._face, "caches", name)
        except FaultError as error:
            if error.fault.kind == "not_found":
                return named
            raise
        if named not in (None, row.upstream):
            message = f"{name!r} is at the upstream {row.upstream!r}, and the batch goes to {named!r}"
            raise FaultError(Fault("invalid_request", message))
        self._row = row
        return row.upstream

    # --- the way in

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        outgoing = super()._outgoing(candidate)
        if self._new is not None:
            return Outgoing(path_for(outgoing.path, self._new, candidate.model), b"", outgoing.headers)
        query = update_query(self.incoming.query) if self.method == "PATCH" else ""
        return Outgoing(outgoing.path + query, b"", outgoing.headers)

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:  # noqa: ARG002  the same for each
        body = self.incoming.body if self.method in _CHANGES else b""
        return (cast("FormSource", Given(body)) if body else None), len(body)
