"""Files and batches: each is asked for where it is, by who it belongs to."""

from typing import cast

from msgspec.structs import replace

from twoapi.gateway.headers import RawHeaders
from twoapi.gateway.kept.keeping import (
    accounts,
    asking,
    check_key,
    chosen,
    collection_url,
    holder,
    keeper,
    named_upstream,
    owner,
    rows_of,
    waited,
    want,
    write_down,
)
from twoapi.gateway.operations.arriving import Arriving
from twoapi.gateway.operations.form_sources import FormSource, Given
from twoapi.gateway.operations.streamed import Forwarded, StreamedExchange
from twoapi.gateway.operations.upload import UploadExchange
from twoapi.gateway.port import ClientPort
from twoapi.gateway.way import Counted, Pump
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss
from twoapi.policy.access import KeyEntry
from twoapi.policy.route import Candidate, Plan
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Native, Operation
from twoapi.protocols.operations.forms import UNCHANGED, Edit, removed, text_of
from twoapi.protocols.operations.kept.base import Face, Kind
from twoapi.protocols.operations.kept.openai import input_file
from twoapi.protocols.operations.passing import BytePump
from twoapi.store.port import Held
from twoapi.wire.http import Incoming, Outgoing

_MODEL = "model"


class FileUpload(UploadExchange):
    """A new file. The upstream that gets it is named, or that of a model in the form's field `model`, which is not the
    vendor's and is taken out, or the only one that offers files.
    """

    __slots__ = ("_face",)

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
        super().__init__(worker, codec, incoming, key, port, operation=operation, shape=face.shape, arriving=arriving)
        self._face = face

    def _order(self) -> tuple[Candidate, ...] | None:
        named, scanner = named_upstream(self.incoming), self._scanner
        part = scanner.field(_MODEL) if named is None else None
        if named is None and part is None and not (scanner.is_complete or any(one.is_file for one in scanner.parts)):
            return None
        self.peek = Peek("" if part is None else text_of(part), stream=False)
        self._model = part
        if part is None:
            order: tuple[Candidate, ...] = (chosen(self.snapshot, self._face, "files", named),)
            self.plan = Plan(order)
            return order
        self.plan = self.snapshot.plan(self.peek.model, want(self._face, "files"), self.key)
        return self.worker.order(self.plan)

    def _check(self) -> None:
        """A field `model` behind the file means nothing here."""

    def _edit(self, candidate: Candidate) -> Edit:  # noqa: ARG002  the same for each
        return UNCHANGED if self._model is None else removed(self._model)

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        said = (b"content-type", self.incoming.headers[b"content-type"])
        return asking(self._operation, self._face, candidate, self.incoming, "", [said])

    def _deliver(self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes) -> None:
        self._soon(lambda: self._keep(losses, counted, upstream, body))

    async def _keep(
        self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes
    ) -> None:
        face, candidate = self._face, self.candidate
        like = await owner(self.worker.state, self.key, candidate, self.credentials[0])
        await write_down(self.worker.state, rows_of(face, "files", body, like=like))
        super()._deliver(losses, counted, upstream, face.shown("files", body, collection_url(self.incoming, "files")))


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

    __slots__ = ("_face", "_is_readable", "_kind", "_name", "_row", "_what")

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
        face: Face,
    ) -> None:
        """The operation must be one of those that are kept."""
        super().__init__(worker, codec, incoming, key, port, operation=operation, shape=face.shape)
        self._face = face
        self._kind = cast("Kind", operation.name)
        self._name, self._what = face.parted(self._kind, incoming.path)
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
        face, kind = self._face, self._kind
        check_key(face, kind, self.key)
        if self._what in face.contents and not self._is_readable:
            raise FaultError(Fault("method_not_allowed", "a content is read by GET"))
        await self._place()
        # What may have begun a batch is not sent once more to the same account: that would be two.
        self.plan = Plan(self.order, retries=0) if self.method == "POST" else Plan(self.order)
        self._try_candidate(0)

    async def _place(self) -> None:
        """Finds out who is to be asked. Raises FaultError."""
        face, kind = self._face, self._kind
        state, named = self.worker.state, named_upstream(self.incoming)
        if self._name:
            row = await holder(state, self.key, face, kind, self._name, named)
        else:
            row = await holder(state, self.key, face, "files", input_file(self.incoming.body), named)
        self._row = row
        self.order = (keeper(self.snapshot, face, kind, row),)

    # --- the way in

    def _try_candidate(self, position: int) -> None:
        self.position = position
        self.candidate = candidate = self.order[position]
        row = self._row
        own = None if row is None else accounts(self.worker.state, candidate, row.account)
        self.credentials = own or self.worker.credentials(candidate)
        self.tries = 0
        self._try()

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        face = self._face
        rest = face.rest(self._kind, self._name, self._what)
        return asking(self._operation, face, candidate, self.incoming, rest)

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:  # noqa: ARG002  the same for each
        body = self.incoming.body if self.method == "POST" else b""
        return (Given(body) if body else None), len(body)

    def _forwarded(self, outgoing: Outgoing) -> Forwarded:
        if self._what in self._face.contents:
            return _Content(self._native, outgoing)
        return super()._forwarded(outgoing)

    def _give_up(self, fault: Fault, kind: str) -> None:
        row, attempt = self._row, self.attempt
        is_told = attempt is not None and attempt.status == 404 and fault.raw is not None  # by the vendor, in its words
        if is_told and row is not None and self._name and not self._what:
            self.worker.state.store.let_go(row.tenant, row.id, row.upstream)
        if attempt is not None and attempt.status == 403 and self._face.hides and self._name:
            kind, fault = "not_found", replace(fault, kind="not_found", status=403)  # and no matter of the credential
        super()._give_up(fault, kind)

    # --- the way out

    def _deliver(self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes) -> None:
        self._soon(lambda: self._keep(losses, counted, upstream, body))

    async def _keep(
        self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes
    ) -> None:
        face, kind, row, state = self._face, self._kind, self._row, self.worker.state
        if self.method == "DELETE" and row is not None:
            await waited(state, state.store.let_go(row.tenant, row.id, row.upstream))
        else:
            like = row or await owner(state, self.key, self.candidate, self.credentials[0])
            await write_down(state, rows_of(face, kind, body, like=like))
            body = face.shown(kind, body, collection_url(self.incoming, kind))
        super()._deliver(losses, counted, upstream, body)
