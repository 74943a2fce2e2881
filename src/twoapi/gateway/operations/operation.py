"""An operation that is no answer of a model (embeddings, rerank, moderations, pictures, speech): one request.

Everything is as in an exchange (candidates, credentials, retries, records, headers) but for the way to an upstream.
"""

from asyncio import Future

from msgspec.structs import replace

from twoapi.gateway.attempt import Attempt
from twoapi.gateway.exchange import Exchange
from twoapi.gateway.headers import EVENT_STREAM, RawHeaders, answer_headers, loss_refusal
from twoapi.gateway.local import Answerer
from twoapi.gateway.operations.operation_ways import COMPLETIONS, Converted, continued, streams, unserved, way_to
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Outcome, Record
from twoapi.gateway.report import report_header, wants_report
from twoapi.gateway.way import Counted, Pump, Way
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss
from twoapi.policy.access import KeyEntry
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec
from twoapi.protocols.operations.base import Native, Operation
from twoapi.protocols.operations.passing import BytePump
from twoapi.providers.services import Want
from twoapi.wire.http import Incoming

_STOPPING = Fault("overloaded", "the gateway is stopping; send the request again", whose="gateway")
_LARGE = 1 << 19  # bytes of an answer that take milliseconds to look at
_NO_SUCH_PATH = frozenset((404, 405, 501))  # the answers of a server that does not offer it for this model


class OperationExchange(Exchange):
    """One client's request for an operation, in a shape, and its answer."""

    __slots__ = ("_asked", "_converted", "_native", "_operation", "_shape", "_unserving")

    def __init__(  # noqa: PLR0913  an exchange, and what is asked for
        self,
        worker: Worker,
        codec: Codec,
        incoming: Incoming,
        key: KeyEntry,
        port: ClientPort,
        *,
        operation: Operation,
        shape: str,
    ) -> None:
        """`codec`: the protocol in which the client is told of errors. The shape must be one that clients speak."""
        super().__init__(worker, COMPLETIONS if operation.answers == "chat" else codec, incoming, key, port)
        self._operation = operation
        self._shape = operation.shapes[shape]
        native = self._shape.native
        assert native is not None  # noqa: S101  as the docstring says
        self._native: Native = native
        self._asked: object | None = None  # decoded when the first conversion needs it
        self._converted: tuple[Candidate, Converted] | None = None  # the way at hand
        self._unserving: set[Candidate] = set()  # that have no such path after all, or not for this model

    def begin(self) -> None:
        """Starts; by the time this returns the request is on its way, or answered."""
        worker, operation, snapshot = self.worker, self._operation, self.snapshot
        worker.running += 1
        worker.counters.exchanges += 1
        try:
            peek = self._native.peek(self.incoming)
            peek = self.peek = replace(peek, stream=streams(operation, peek))
            want = Want(operation.name, self._shape.name, operation.like or self.codec.name)
            known = snapshot.plans.get((peek.model, want, self.key))
            plan = self.plan = known or snapshot.plan(peek.model, want, self.key)
            self.order = worker.order(plan)
            self._try_candidate(0)
        except Exception as error:  # noqa: BLE001  the outermost frame of a request: it must be answered
            self._answer_for(error)

    # --- the way in

    def _way(self, candidate: Candidate, credential: Credential) -> Way | None:
        operation, service = self._operation, candidate.service
        if operation.answers == "chat" and (service is None or candidate in self._unserving):
            return self._chatted(candidate, credential)
        begun = self._converted
        if begun is not None and begun[0] is candidate:
            return begun[1]  # a further request of several, or once more the one that failed
        way = way_to(operation, self._shape, candidate, self.incoming, self.peek, self._decoded_once)
        if isinstance(way, Converted):
            self._accept(way.losses)
            self._converted = (candidate, way)
        return way

    def _decoded_once(self) -> object:
        if self._asked is None and self._shape.face is not None:
            self._asked = self._shape.face.decode(self.incoming)
        return self._asked

    def _chatted(self, candidate: Candidate, credential: Credential) -> Way | None:
        """Through the canonical model, by whatever this upstream speaks."""
        way = super()._way(candidate, credential)
        if way is not None and way.losses is not None:
            way.losses.append(continued(candidate))
            self._accept(way.losses)
        return way

    def _accept(self, losses: list[Loss]) -> None:
        """Raises FaultError when nothing must be lost, and something is."""
        if losses and self.snapshot.rejects_losses(self.incoming.headers, self.key, self.plan):
            self.rejected = losses
            raise FaultError(loss_refusal(losses))

    def _answer_locally(self, candidate: Candidate, answerer: Answerer) -> None:
        if self._operation.answers != "chat":
            raise FaultError(unserved(self._operation, candidate))
        super()._answer_locally(candidate, answerer)

    def _give_up(self, fault: Fault, kind: str) -> None:
        """As an exchange does; but an upstream without the path is asked in the other way, where there is one."""
        attempt, candidate = self.attempt, self.candidate
        chats = self._operation.answers == "chat" and candidate.service is not None
        if chats and attempt is not None and attempt.status in _NO_SUCH_PATH and candidate not in self._unserving:
            self._unserving.add(candidate)
            self.worker.active.discard(attempt)
            attempt.cancel()
            self._try()
        else:
            super()._give_up(fault, kind)

    # --- the way out

    def _answer_whole(self, attempt: Attempt) -> None:
        """As an exchange does; but first whatever else must be asked of the same upstream."""
        begun, body = self._converted, attempt.whole_body()
        if begun is not None:
            begun[1].hear(attempt.headers)
        if begun is None or begun[0] is not self.candidate or begun[1].is_last:
            if len(body) > _LARGE and not self.peek.stream and not attempt.looks_like_stream:
                self._answer_elsewhere(attempt, body)
            else:
                super()._answer_whole(attempt)
            return
        try:
            begun[1].take(body)
        except FaultError as error:
            self._give_up(error.fault, error.fault.kind)
            return
        self.worker.active.discard(attempt)
        self.tries = 0
        self._try()

    def _answer_elsewhere(self, attempt: Attempt, body: bytes) -> None:
        """Looks at a large body in another thread: many vectors must not keep other requests waiting."""
        self.worker.active.discard(attempt)
        made = self.worker.loop.run_in_executor(None, attempt.way.whole, body)
        made.add_done_callback(lambda made: None if self.is_over else self._guarded(lambda: self._made(attempt, made)))

    def _made(self, attempt: Attempt, made: Future[bytes]) -> None:
        try:
            body = made.result()
        except FaultError as error:
            self._give_up(error.fault, error.fault.kind)
        else:
            self._deliver(attempt.way.losses, attempt.way, attempt.headers, body)

    def silent(self, attempt: Attempt) -> None:
        """Keeps a client awake that reads events; others would take it for part of their answer."""
        if self._operation.answers != "bytes":
            super().silent(attempt)

    def _start_stream(self, losses: list[Loss] | None, upstream: RawHeaders) -> None:
        """As the upstream's type says, where bytes go through."""
        if self.started:
            return
        self.started = True
        told = next((value for name, value in upstream if name == b"content-type"), None)
        kind = EVENT_STREAM
        if told is not None and self._operation.answers != "chat":
            kind = b"content-type: %b\r\n" % told
        headers = answer_headers(self.named, self.attempts, self.candidate, losses, upstream, kind)
        if losses is not None and wants_report(self.incoming.headers):
            headers += report_header(losses)
            self.told = len(losses)
        self.port.start_stream(headers)

    def _close_stream(self, attempt: Attempt, pump: Pump) -> None:
        if attempt.failure is not None and isinstance(pump, BytePump):
            self._speaks_against(attempt.failure_kind, None)
            self._break_off(attempt, attempt.failure)
        else:
            super()._close_stream(attempt, pump)

    def interrupt(self) -> None:
        """The gateway stops."""
        attempt = self.attempt
        if not self.is_over and attempt is not None and attempt.port is not None and isinstance(attempt.pump, BytePump):
            self._drop()
            self._break_off(attempt, _STOPPING)
        else:
            super().interrupt()

    def _break_off(self, attempt: Attempt, fault: Fault) -> None:
        """Bytes that do not end as they should: only a closed connection can say so."""
        self.port.abort()
        self._finish("broken", fault, attempt.way.losses, None)

    def _record(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> Record:
        record = super()._record(outcome, fault, losses, counted)
        record.operation = self._operation.name
        return record
