"""A new batch whose body holds its requests: the models in it decide which upstream gets it.

It is looked at while it comes, for it may be as large as an upload, and goes out when all of it is there.
"""

from msgspec.structs import replace

from twoapi.gateway.kept.held import HeldExchange
from twoapi.gateway.kept.keeping import named_upstream, offering, want
from twoapi.gateway.operations.arriving import Arriving
from twoapi.gateway.operations.form_sources import FormSource, Written
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Outcome, Record
from twoapi.gateway.way import Counted
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss
from twoapi.policy.access import KeyEntry
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Operation
from twoapi.protocols.operations.kept.base import Face
from twoapi.protocols.operations.kept.message_batches import BatchReader, MessageBatch
from twoapi.wire.http import Incoming


class RequestsBatch(HeldExchange):
    """One such batch, of which all goes to one upstream. It is sent there once: who takes long may have begun it."""

    __slots__ = ("_arriving", "_batch", "_is_next", "_names", "_reader")

    def __init__(  # noqa: PLR0913  an operation, and its body
        self,
        worker: Worker,
        codec: Codec,
        incoming: Incoming,
        key: KeyEntry,
        port: ClientPort,
        *,
        operation: Operation,
        face: Face,
        arriving: Arriving,
    ) -> None:
        super().__init__(worker, codec, b"POST", incoming, key, port, operation=operation, face=face)
        self._arriving = arriving
        self._reader = BatchReader(worker.limits.body)
        self._is_next = False  # its turn is to come
        self._batch: MessageBatch | None = None  # when all of it is there
        self._names: dict[str, str] = {}  # of models, at the upstream that gets it

    def begin(self) -> None:
        """Starts with what has come so far."""
        self.worker.running += 1
        self.worker.counters.exchanges += 1
        self.peek = Peek("", stream=False)
        self._arriving.on_more = self._more
        self._more()

    def _more(self) -> None:
        """More of it has come, or its end. It is looked at after whatever else is to be done: when it comes faster than
        that, the client waits.
        """
        if not self._is_next and self._batch is None:
            self._is_next = True
            self.worker.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_next = False
        if not self.is_over:
            self._guarded(self._read_on)

    def _read_on(self) -> None:
        self._reader.feed(self._arriving.take())
        if self._arriving.is_taken:
            self._batch = self._reader.close()
            self._soon(self._find)

    async def _place(self) -> None:
        batch = self._batch
        assert batch is not None  # noqa: S101  nothing is looked for before
        self.peek = Peek(next(iter(batch.models)), stream=False)
        candidate, self._names = self._chosen(batch)
        self.order = (candidate,)

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
        for candidate in self.worker.order(plan):
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
        batch, names = self._batch, self._names
        assert batch is not None  # noqa: S101  as above
        return Written(batch.written(names), self.worker.loop.call_soon), batch.size(names)

    # --- when it is over

    def _finish(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> None:
        super()._finish(outcome, fault, losses, counted)
        self._arriving.on_more = None

    def _record(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> Record:
        record = super()._record(outcome, fault, losses, counted)
        record.received = self._arriving.size
        return record
