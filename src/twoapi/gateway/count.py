"""How many tokens a request holds: asked of the upstream where it can tell, estimated and so marked where it cannot."""

import logging
from typing import NoReturn

import msgspec

from twoapi.gateway.attempt import Attempt
from twoapi.gateway.headers import RawHeaders, answer_headers, refusal_headers
from twoapi.gateway.port import ClientPort
from twoapi.gateway.presented import NO_CREDENTIAL, CredentialError, is_renewed, presented_head
from twoapi.gateway.record import Outcome, Record
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss, Request, Usage
from twoapi.policy.access import KeyEntry
from twoapi.policy.estimate import estimated_tokens
from twoapi.policy.retry import answer_to_client, next_step
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec
from twoapi.protocols.counting import COUNTINGS, Counting
from twoapi.protocols.pieces import said_at_once
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.protocols.relaying import why_converted
from twoapi.wire.http import Incoming, Outgoing

_log = logging.getLogger("twoapi.count")
ESTIMATED = b"twoapi-estimated: 1\r\n"
_NO_SUCH_PATH = frozenset((404, 405, 501))  # the answers of a server of the protocol that cannot count
_INTERNAL = Fault("upstream_error", "internal error of the gateway; its log has more", whose="gateway", status=500)
_STOPPING = Fault("overloaded", "the gateway is stopping; send the request again", whose="gateway")


class Asked:
    """The way of a count: from the client's question to the upstream's, and back. Nothing is streamed on it."""

    array = False
    __slots__ = ("_client", "_upstream", "losses", "outgoing", "usage")

    def __init__(self, client: str, upstream: str, outgoing: Outgoing, losses: list[Loss] | None) -> None:
        """`losses` None: the client's question is relayed."""
        self._client = client
        self._upstream = upstream
        self.outgoing = outgoing
        self.losses = losses
        self.usage: Usage | None = None

    def whole(self, body: bytes) -> bytes:
        """The client's body; raises FaultError when the upstream's holds no count."""
        count = COUNTINGS[self._upstream].count(body)
        if count is None:
            raise FaultError(
                Fault("upstream_error", "the upstream's answer holds no count of tokens", whose="upstream")
            )
        return body if self._client == self._upstream else COUNTINGS[self._client].answer(count)

    def pump(self) -> NoReturn:
        """Raises FaultError."""
        raise FaultError(Fault("upstream_error", "a count of tokens is not streamed", whose="upstream"))

    def streamed_as_whole(self, body: bytes) -> NoReturn:  # noqa: ARG002  there is no such body
        """Raises FaultError."""
        self.pump()

    def whole_as_stream(self, body: bytes) -> NoReturn:  # noqa: ARG002  as above
        """Raises FaultError."""
        self.pump()


class Count:
    """One client's question and its answer. Every way out answers the client and leaves a record."""

    def __init__(self, worker: Worker, codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort) -> None:
        self.worker = worker
        self.snapshot = worker.snapshot
        self.codec = codec
        self.incoming = incoming
        self.key = key
        self.port = port
        self.id = next(worker.ids)
        self.named = (self.id.encode(), codec.request_id_header)
        self.begun = worker.time()
        self.model = ""
        self.attempt: Attempt | None = None
        self.attempts = 0
        self.candidate: Candidate | None = None
        self.status = 0
        self.is_over = False

    def begin(self) -> None:
        """Starts; by the time this returns the question is on its way, or answered."""
        worker = self.worker
        worker.running += 1
        worker.counters.exchanges += 1
        try:
            self.peek = self.codec.peek(self.incoming)
            self.model = self.peek.model
            plan = self.snapshot.plan(self.model, self.codec.name, self.key)
            self.order = worker.order(plan)
            self._try_candidate(0)
        except Exception as error:  # noqa: BLE001  the outermost frame of a request: it must be answered
            self._answer_for(error)

    def _try_candidate(self, position: int) -> None:
        self.position = position
        self.candidate = candidate = self.order[position]
        self.credentials = candidate.only or self.worker.credentials(candidate)
        try:
            way = self._way(candidate)
            if way is None:
                self._answer_alone(candidate)
                return
            if candidate.route is not None:
                losses: list[Loss] = [] if way.losses is None else way.losses
                way.outgoing = candidate.route.lead_count(way.outgoing, losses)
                way.losses = losses or way.losses
            self.way = way
            self._send(candidate)
        except FaultError as error:
            self._failed(candidate, error.fault, "cannot_carry")

    def _way(self, candidate: Candidate) -> Asked | None:
        """To this candidate; None when there is nobody to ask."""
        counting = COUNTINGS.get(candidate.protocol)
        if counting is None or not candidate.capabilities.token_counts:
            return None
        return self._asked(candidate, counting)

    def _asked(self, candidate: Candidate, counting: Counting) -> Asked:
        """The upstream's own form of the question: relayed when both sides speak the same protocol, else converted."""
        codec = self.codec
        model, capabilities = candidate.model, candidate.capabilities
        why = why_converted(codec, candidate.protocol, capabilities, self.incoming, self.peek, knows_turns=False)
        if why in (None, "declared"):  # there is no answer that could mislead
            relayed = counting.relayed(codec.relay_request(self.incoming, self.peek, model, capabilities))
            return Asked(codec.name, candidate.protocol, relayed, None)
        losses: list[Loss] = []
        told = said_at_once(self._decoded())
        encoded = UPSTREAM_CODECS[candidate.protocol].encode_request(told, model, capabilities, losses)
        return Asked(codec.name, candidate.protocol, counting.asked(encoded.outgoing), losses)

    def _decoded(self) -> Request:
        return msgspec.structs.replace(self.codec.decode_request(self.incoming), stream=False)

    def _send(self, candidate: Candidate) -> None:
        worker, way = self.worker, self.way
        credential = self.credentials[0]
        try:
            head = presented_head(worker, self.snapshot, candidate, credential, way.outgoing, self._go_on)
        except CredentialError as error:
            self._failed(candidate, error.fault, NO_CREDENTIAL)
            return
        if head is None:
            return
        pool = worker.pools.get(candidate.connection) or worker.open_pool(candidate)
        self.attempts += 1
        attempt = self.attempt = Attempt(self, way, candidate.timeouts, worker.time(), wants_stream=False)
        worker.active.add(attempt)
        attempt.call = pool.send(head, way.outgoing.body, attempt)

    def _go_on(self) -> None:
        """The credential can be presented, or it is known that it cannot."""
        if not self.is_over:
            try:
                self._send(self.order[self.position])
            except Exception as error:  # noqa: BLE001  as in begin
                self._answer_for(error)

    # --- what the attempt tells

    def decided(self, attempt: Attempt) -> None:
        """The upstream's answer, or a failure."""
        self.worker.active.discard(attempt)
        try:
            self._decide(attempt)
        except Exception as error:  # noqa: BLE001  as in begin
            self._answer_for(error)

    def ended(self, attempt: Attempt) -> None:
        """Never called: nothing is streamed."""

    def silent(self, attempt: Attempt) -> None:
        """Never called: nothing is streamed."""

    def _decide(self, attempt: Attempt) -> None:
        candidate = self.order[self.position]
        if attempt.failure is not None:
            self._failed(candidate, attempt.failure, attempt.failure_kind)
        elif attempt.status in _NO_SUCH_PATH:
            self._answer_alone(candidate)
        elif not 200 <= attempt.status < 300:
            upstream = UPSTREAM_CODECS[candidate.protocol]
            headers, body = dict(attempt.headers), attempt.whole_body()
            fault = upstream.decode_fault(attempt.status, headers, body)
            if candidate.errors is not None:
                fault = candidate.errors.judged(fault, attempt.status, headers, body)
            used = self.credentials[0]
            if fault.kind == "unauthenticated" and is_renewed(self.worker, used, self.begun, attempt.started):
                self._send(candidate)
            else:
                self._failed(candidate, fault, fault.kind)
        else:
            try:
                body = self.way.whole(attempt.whole_body())
            except FaultError as error:
                self._failed(candidate, error.fault, error.fault.kind)
                return
            self._deliver(candidate, self.way.losses, attempt.headers, body)

    def _answer_alone(self, candidate: Candidate) -> None:
        """The gateway's own answer: an estimate."""
        body = COUNTINGS[self.codec.name].answer(estimated_tokens(self._decoded()))
        self._deliver(candidate, [], [], body, ESTIMATED)

    def _deliver(
        self, candidate: Candidate, losses: list[Loss] | None, upstream: RawHeaders, body: bytes, mark: bytes = b""
    ) -> None:
        self.status = 200
        self.port.answer(200, answer_headers(self.named, self.attempts, candidate, losses, upstream) + mark, body)
        self._finish("ok", None)

    def _failed(self, candidate: Candidate, fault: Fault, kind: str) -> None:
        """Goes on to the next try that can help, or ends with this fault."""
        step = next_step(
            kind,
            1,
            0,
            credentials_left=len(self.credentials) - 1,
            candidates_left=len(self.order) - self.position - 1,
        )
        if step == "credential":
            self.credentials = self.credentials[1:]
            self._send(candidate)
        elif step == "candidate":
            self._try_candidate(self.position + 1)
        else:
            raise FaultError(answer_to_client(fault, candidate.upstream, self.credentials[0].index))

    # --- the end

    def cancel(self) -> None:
        """The client has left."""
        if not self.is_over:
            self._drop()
            self._finish("cancelled", None)

    def interrupt(self) -> None:
        """The gateway stops."""
        if not self.is_over:
            self._drop()
            self._refuse(_STOPPING)

    def _drop(self) -> None:
        if self.attempt is not None:
            self.worker.active.discard(self.attempt)
            self.attempt.cancel()

    def _answer_for(self, error: Exception) -> None:
        self._drop()
        if self.is_over:
            _log.error("count %s failed behind its answer", self.id, exc_info=error)
        elif isinstance(error, FaultError):
            self._refuse(error.fault)
        else:
            _log.error("count %s failed", self.id, exc_info=error)
            self._refuse(_INTERNAL)

    def _refuse(self, fault: Fault) -> None:
        self.status, headers, body = self.codec.encode_fault(fault, self.id)
        self.port.answer(self.status, refusal_headers(self.named, self.attempts, headers), body)
        self._finish("failed" if self.attempts else "refused", fault)

    def _finish(self, outcome: Outcome, fault: Fault | None) -> None:
        self.is_over = True
        worker = self.worker
        worker.running -= 1
        if worker.sinks:
            worker.records.append(self._record(outcome, fault))
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            attempt.release()

    def _record(self, outcome: Outcome, fault: Fault | None) -> Record:
        candidate, worker = self.candidate, self.worker
        return Record(
            request_id=self.id,
            protocol=self.codec.name,
            started=worker.now,
            model=self.model,
            key=self.key.name,
            upstream="" if candidate is None else candidate.upstream,
            upstream_model="" if candidate is None else candidate.model,
            attempts=self.attempts,
            status=self.status,
            outcome=outcome,
            fault="" if fault is None else fault.kind,
            duration=worker.time() - self.begun,
        )
