"""A form that is sent on as it comes: its beginning is looked at, the model's name in it replaced, the rest streams.

    look -> plan -> send, the client and the upstream waiting for each other -> answer

What the plan needs may stand behind a large file. Then the form goes to a temporary file first.
"""

from twoapi.gateway.operations.arriving import Arriving
from twoapi.gateway.operations.form_sources import Flowing, FormSource, Rest, Spooled
from twoapi.gateway.operations.spool import Spool
from twoapi.gateway.operations.streamed import StreamedExchange, addressed
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Outcome, Record
from twoapi.gateway.way import Counted
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss
from twoapi.policy.access import KeyEntry
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Operation
from twoapi.protocols.operations.forms import (
    UNCHANGED,
    Edit,
    FormScanner,
    Part,
    added,
    boundary_of,
    replaced,
    text_of,
)
from twoapi.protocols.operations.members import refuse
from twoapi.providers.services import Want
from twoapi.wire.http import Incoming, Outgoing

_BEGINNING = 64 * 1024  # bytes in which the model's name should stand
_MODEL = "model"


class UploadExchange(StreamedExchange):
    """One client's form, and its answer."""

    __slots__ = ("_arriving", "_boundary", "_form", "_is_writing", "_model", "_named", "_rest", "_scanner", "_source")

    def __init__(  # noqa: PLR0913  an operation, and its body
        self,
        worker: Worker,
        codec: Codec,
        incoming: Incoming,
        key: KeyEntry,
        port: ClientPort,
        *,
        operation: Operation,
        shape: str,
        arriving: Arriving,
        named: str | None = None,
    ) -> None:
        """`named`: the model that the path names, whatever the form says."""
        super().__init__(worker, codec, incoming, key, port, operation=operation, shape=shape)
        self._arriving = arriving
        self._named = named
        self._form: bytes | Spool = b""  # its beginning, or all of it
        self._boundary = b""
        self._model: Part | None = None
        self._rest: Rest | None = None  # from when it is known where the form goes
        self._source: FormSource | None = None
        self._is_writing = False

    def begin(self) -> None:
        """Starts with what has come so far."""
        self.worker.running += 1
        self.worker.counters.exchanges += 1
        self._guarded(self._open)

    def _open(self) -> None:
        self._boundary = boundary_of(self.incoming.headers)
        self._scanner = FormScanner(self._boundary)
        self._arriving.on_more = self._more
        self._read_on()

    def _more(self) -> None:
        """More of the form has come, or its end."""
        if self._source is not None:
            self._guarded(self._source.flow)
        elif self._rest is None and not self.is_over:
            self._guarded(self._read_on)

    # --- what is asked for

    def _read_on(self) -> None:
        """Takes more of the form until it is known where it goes."""
        if self._is_writing:
            return
        data = self._arriving.take()
        if data:
            self._scanner.feed(data)
        if isinstance(self._form, Spool):
            if data:
                self._store(self._form, data)
            elif self._arriving.is_taken:
                self._scanner.close()
                self._plan()
            return
        self._form += data
        if self._plan():
            return
        if self._arriving.is_taken:
            self._scanner.close()
        elif len(self._form) > _BEGINNING:
            beginning, self._form = self._form, Spool(self.worker.loop)
            self._store(self._form, beginning)

    def _store(self, spool: Spool, data: bytes) -> None:
        self._is_writing = True
        spool.write(data, self._stored, self._fail)

    def _stored(self) -> None:
        self._is_writing = False
        self._guarded(self._read_on)

    def _plan(self) -> bool:
        """Begins to send when enough is known, else False. Raises FaultError."""
        order = self._order()
        if order is None:
            return False
        self.order = order
        self._rest = Rest(self._arriving, self._scanner, self._check)
        self._try_candidate(0)
        return True

    def _order(self) -> tuple[Candidate, ...] | None:
        """Where the form goes; None while that is not known."""
        part = self._scanner.field(_MODEL)
        if part is None and not self._scanner.is_complete:
            return None
        self._model = part
        model = self._named or (self._operation.model if part is None else text_of(part))
        if not model:
            raise refuse("the form must name a model", f"/{_MODEL}")
        self.peek = Peek(model, stream=False)
        self.plan = self.snapshot.plan(model, Want(self._operation.name, self._shape.name, self.codec.name), self.key)
        return self.worker.order(self.plan)

    def _check(self) -> None:
        """Raises FaultError when the rest of the form names another model."""
        self._scanner.field(_MODEL)

    # --- the way in

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        said = self.incoming.headers[b"content-type"]
        return addressed(self._operation, self._shape.name, candidate, "", [(b"content-type", said)])

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:
        edit, form, arriving = self._edit(candidate), self._form, self._arriving
        if isinstance(form, Spool):
            self._source = Spooled(form, edit, self._fail)
            return self._source, form.size + edit.growth
        assert self._rest is not None  # noqa: S101  it is made before the first try
        self._source = Flowing(edit.applied(form), self._rest, self._fail)
        length = arriving.size if arriving.is_complete else arriving.length
        return self._source, None if length is None else length + edit.growth

    def _edit(self, candidate: Candidate) -> Edit:
        """What changes in the form for this upstream."""
        part, model = self._model, candidate.model
        if part is not None:
            return UNCHANGED if text_of(part) == model else replaced(part, model)
        return UNCHANGED if model == self._operation.model else added(self._boundary, _MODEL, model)

    def _can_repeat(self) -> bool:
        return isinstance(self._form, Spool) or self._rest is None or self._rest.is_kept

    # --- when it is over

    def _fail(self, error: FaultError) -> None:
        self.refuse(error.fault)

    def _finish(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> None:
        super()._finish(outcome, fault, losses, counted)
        self._arriving.on_more = None
        self._source = None
        if isinstance(self._form, Spool):
            self._form.close()
        self._form = b""

    def _record(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> Record:
        record = super()._record(outcome, fault, losses, counted)
        record.received = self._arriving.size
        return record
