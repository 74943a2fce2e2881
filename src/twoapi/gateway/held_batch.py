"""A new batch whose body holds its requests: the models in it decide which upstream gets it."""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from twoapi.gateway.form_sources import FormSource, Pieces
from twoapi.gateway.held import HeldExchange
from twoapi.gateway.keeping import named_upstream, offering, want
from twoapi.ir import Fault, FaultError
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Peek
from twoapi.protocols.operations.kept.message_batches import MessageBatch, read_batch, written_batch

T = TypeVar("T")
_LARGE = 1 << 19  # bytes of a body that take milliseconds to look at


class RequestsBatch(HeldExchange):
    """One such batch, of which all goes to one upstream. It is sent there once: who takes long may have begun it."""

    __slots__ = ("_pieces",)

    async def _place(self) -> None:
        body = self.incoming.body
        batch = await self._elsewhere(len(body), lambda: read_batch(body))
        self.peek = Peek(next(iter(batch.models)), stream=False)
        candidate, names = self._chosen(batch)
        self._pieces = await self._elsewhere(len(body), lambda: written_batch(batch, names))
        self.incoming = replace(self.incoming, body=b"")
        self.order = (candidate,)

    async def _elsewhere(self, size: int, work: Callable[[], T]) -> T:
        """What the work makes; much of it is done in another thread, so that other requests go on."""
        return work() if size <= _LARGE else await self.worker.loop.run_in_executor(None, work)

    def _chosen(self, batch: MessageBatch) -> tuple[Candidate, dict[str, str]]:
        """The first upstream that has all the models, and its own names of them; raises FaultError."""
        named, offered = named_upstream(self.incoming), offering(self.snapshot, self._face, self._kind)
        places = {model: self._places(model, at) for model, at in batch.models.items()}
        first, *others = places.values()
        for upstream in first:
            has_all = all(upstream in place for place in others)
            if upstream in offered and has_all and named in (None, upstream):
                return offered[upstream], {model: place[upstream] for model, place in places.items()}
        raise FaultError(self._unserved(places, frozenset(offered), named))

    def _places(self, model: str, at: str) -> dict[str, str]:
        """The upstreams that have a model, in the order in which they are asked, and its name there."""
        try:
            plan = self.snapshot.plan(model, want(self._face, self._kind), self.key)
        except FaultError as error:
            raise FaultError(replace(error.fault, param=at)) from None
        places: dict[str, str] = {}
        for candidate in plan.order(self.worker.counters.exchanges):
            service = candidate.service
            if service is not None and service.shape == self._face.shape:
                places.setdefault(candidate.upstream, candidate.model)
        return places

    def _unserved(self, places: dict[str, dict[str, str]], offered: frozenset[str], named: str | None) -> Fault:
        for model, place in places.items():
            if not offered & place.keys():
                message = (
                    f"no upstream of the model {model!r} offers batches of this kind; where one does, say so in "
                    f"`upstreams.NAME.operations`, as `batches: [{self._face.shape}]`"
                )
                return Fault("invalid_request", message, code="operation_not_supported")
        shown = "; ".join(f"{model!r} at {' or '.join(place)}" for model, place in list(places.items())[:5])
        where = "one upstream" if named is None else f"the upstream {named!r}"
        message = f"all requests of a batch go to {where}, and its models are elsewhere: {shown}; send several batches"
        return Fault("invalid_request", message, code="operation_not_supported")

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:  # noqa: ARG002  there is but one
        return Pieces(self._pieces), sum(map(len, self._pieces))
