"""Files and batches: each is asked for where it is, by who it belongs to."""

from urllib.parse import quote, unquote

from twoapi.gateway.form_sources import FormSource, Given
from twoapi.gateway.headers import RawHeaders
from twoapi.gateway.keeping import (
    accounts,
    check_key,
    chosen,
    holder,
    keeper,
    named_upstream,
    rows_of,
    waited,
    want,
    write_down,
)
from twoapi.gateway.port import ClientPort
from twoapi.gateway.streamed import Forwarded, StreamedExchange, addressed
from twoapi.gateway.upload import UploadExchange
from twoapi.gateway.way import Pump
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss, Usage
from twoapi.policy.access import KeyEntry
from twoapi.policy.route import Candidate, Plan
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Native, Operation
from twoapi.protocols.operations.forms import UNCHANGED, Edit, removed, text_of
from twoapi.protocols.operations.kept_objects import input_file, kept_object
from twoapi.protocols.operations.passing import BytePump
from twoapi.store.port import Held
from twoapi.wire.http import Incoming, Outgoing

_MODEL = "model"


class FileUpload(UploadExchange):
    """A new file. The upstream that gets it is named, or that of a model in the form's field `model`, which is not the
    vendor's and is taken out, or the only one that offers files.
    """

    __slots__ = ()

    def _order(self) -> tuple[Candidate, ...] | None:
        named, scanner = named_upstream(self.incoming), self._scanner
        part = scanner.field(_MODEL) if named is None else None
        if named is None and part is None and not (scanner.is_complete or any(one.is_file for one in scanner.parts)):
            return None
        self.peek = Peek("" if part is None else text_of(part), stream=False)
        self._model = part
        if part is None:
            order: tuple[Candidate, ...] = (chosen(self.snapshot, self._operation.name, named),)
            self.plan = Plan(order)
            return order
        self.plan = self.snapshot.plan(self.peek.model, want("files"), self.key)
        return self.plan.order(self.worker.counters.exchanges)

    def _check(self) -> None:
        """A field `model` behind the file means nothing here."""

    def _edit(self, candidate: Candidate) -> Edit:  # noqa: ARG002  the same for each
        return UNCHANGED if self._model is None else removed(self._model)

    def _deliver(self, losses: list[Loss] | None, usage: Usage | None, upstream: RawHeaders, body: bytes) -> None:
        self._soon(lambda: self._keep(losses, usage, upstream, body))

    async def _keep(self, losses: list[Loss] | None, usage: Usage | None, upstream: RawHeaders, body: bytes) -> None:
        state, candidate = self.worker.state, self.candidate
        await state.load()
        account = state.origin(candidate, self.credentials[0]).account
        like = Held(self.key.tenant, "", candidate.upstream, account, "files", b"", state.now())
        await write_down(state, rows_of("files", kept_object(body), body, like=like))
        super()._deliver(losses, usage, upstream, body)


class _Content(Forwarded):
    """The way of a file's content, which may be anything, and nothing."""

    __slots__ = ()

    def __init__(self, native: Native, outgoing: Outgoing) -> None:
        super().__init__(native, outgoing, strict=False)
        self.array = True

    def pump(self) -> Pump:
        """Bytes as they come."""
        return _ContentPump()


class _ContentPump(BytePump):
    def close(self) -> bytes:
        self.complete = True
        return b""


class HeldExchange(StreamedExchange):
    """One thing that an upstream has: shown, read, deleted, cancelled; or a new batch, where its file is."""

    __slots__ = ("_is_readable", "_name", "_row", "_what")

    def __init__(  # noqa: PLR0913  an operation, and how it is asked for
        self,
        worker: Worker,
        codec: Codec,
        method: bytes,
        incoming: Incoming,
        key: KeyEntry,
        port: ClientPort,
        *,
        operation: Operation,
    ) -> None:
        super().__init__(worker, codec, incoming, key, port, operation=operation, shape="openai")
        behind = unquote(incoming.path.partition(f"/{operation.name}")[2].removeprefix("/"))
        self._name, _, self._what = behind.partition("/")
        self.method = "GET" if method == b"HEAD" else method.decode()
        self._is_readable = method != b"HEAD"
        self._row: Held | None = None

    def begin(self) -> None:
        """Starts to look for where it is."""
        self.worker.running += 1
        self.worker.counters.exchanges += 1
        self.peek = Peek("", stream=False)
        self._soon(self._find)

    async def _find(self) -> None:
        state, kind, incoming = self.worker.state, self._operation.name, self.incoming
        check_key(kind, self.key)
        if self._what == "content" and not self._is_readable:
            raise FaultError(Fault("method_not_allowed", "a content is read by GET"))
        named = named_upstream(incoming)
        if self._name:
            row = await holder(state, self.key, kind, self._name, named)
        else:
            row = await holder(state, self.key, "files", input_file(incoming.body), named)
        self._row = row
        self.order = (keeper(self.snapshot, kind, row),)
        # What may have begun a batch is not sent once more to the same account: that would be two.
        self.plan = Plan(self.order, retries=0) if self.method == "POST" else Plan(self.order)
        self._try_candidate(0)

    # --- the way in

    def _try_candidate(self, position: int) -> None:
        self.position = position
        self.candidate = candidate = self.order[position]
        row = self._row
        self.credentials = accounts(self.worker.state, candidate, None if row is None else row.account)
        self.tries = 0
        self._try()

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        rest = "".join(f"/{quote(part, safe='')}" for part in (self._name, self._what) if part)
        return addressed(self._operation, candidate, rest, [])

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:  # noqa: ARG002  the same for each
        body = self.incoming.body if self.method == "POST" else b""
        return (Given(body) if body else None), len(body)

    def _forwarded(self, outgoing: Outgoing) -> Forwarded:
        if self._what == "content":
            return _Content(self._native, outgoing)
        return super()._forwarded(outgoing)

    def _give_up(self, fault: Fault, kind: str) -> None:
        row, attempt = self._row, self.attempt
        is_told = attempt is not None and attempt.status == 404 and fault.raw is not None  # by the vendor, in its words
        if is_told and row is not None and self._name:
            self.worker.state.store.let_go(row.tenant, row.id, row.upstream)
        super()._give_up(fault, kind)

    # --- the way out

    def _deliver(self, losses: list[Loss] | None, usage: Usage | None, upstream: RawHeaders, body: bytes) -> None:
        self._soon(lambda: self._keep(losses, usage, upstream, body))

    async def _keep(self, losses: list[Loss] | None, usage: Usage | None, upstream: RawHeaders, body: bytes) -> None:
        row, store = self._row, self.worker.state.store
        assert row is not None  # noqa: S101  it was asked where the row says
        if self.method == "DELETE":
            await waited(self.worker.state, store.let_go(row.tenant, row.id, row.upstream))
        else:
            await write_down(self.worker.state, rows_of(self._operation.name, kept_object(body), body, like=row))
        super()._deliver(losses, usage, upstream, body)
