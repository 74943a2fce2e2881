"""THE path: one request, from the client's bytes to the client's bytes.

    plan -> try a candidate: way (relay or convert) -> send -> decide -> answer, or the next try -> record

The transport calls back, so a request that goes well costs no task and no future. Nothing here names a protocol or a
provider. What is said to the client, and how, is in telling.py.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twoapi.gateway.attempt import Attempt
from twoapi.gateway.convert import Convert
from twoapi.gateway.fetch import Files, why_inlined
from twoapi.gateway.headers import loss_refusal, passed_on
from twoapi.gateway.local import Answerer, LocalAnswer
from twoapi.gateway.memory import Memory, memory_of
from twoapi.gateway.port import ClientPort
from twoapi.gateway.presented import NO_CREDENTIAL, CredentialError, completed, is_renewed, presented_head
from twoapi.gateway.relay import Relay
from twoapi.gateway.routed import Routed
from twoapi.gateway.telling import Telling
from twoapi.gateway.way import Pump, Way
from twoapi.ir import Fault, FaultError, Loss, Request
from twoapi.policy.access import KeyEntry
from twoapi.policy.credentials import Credential
from twoapi.policy.fetching import Guard
from twoapi.policy.retry import answer_to_client, next_step, pause
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.members import check_utf8
from twoapi.protocols.opening import without_state
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.protocols.relaying import Reason, why_converted
from twoapi.protocols.url_media import Inlining
from twoapi.wire.http import Incoming

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from twoapi.gateway.worker import Worker

_log = logging.getLogger("twoapi.exchange")
_INTERNAL = Fault("upstream_error", "internal error of the gateway; its log has more", whose="gateway", status=500)
_STOPPING = Fault("overloaded", "the gateway is stopping; send the request again", whose="gateway")
_LARGE = 8192  # bytes of a body from which a second scan costs more than a guess, whatever will be
_CANNOT_CARRY = "cannot_carry"  # a kind of failure: not with this candidate's protocol or connection


class Exchange(Telling):
    """One client request and its answer. Every way out answers the client and leaves a record."""

    __slots__ = (
        "files",
        "is_stateless",
        "last",
        "memory",
        "order",
        "plan",
        "position",
        "request",
        "snapshot",
        "timer",
        "tries",
    )

    def __init__(self, worker: "Worker", codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort) -> None:
        self.worker = worker
        self.snapshot = worker.snapshot  # the same one to the end, whatever is published meanwhile
        self.codec = codec
        self.incoming = incoming
        self.key = key
        self.port = port
        self.id = next(worker.ids)
        self.named = (self.id.encode(), codec.request_id_header)
        self.begun = worker.loop.time()
        self.request: Request | None = None  # decoded when the first conversion needs it
        self.memory: Memory | None = None  # made with the first conversion
        self.files: Files | None = None  # made for the first file that must be fetched
        self.attempt = None
        self.attempts = 0
        self.first_byte = 0.0
        self.status = 0
        self.timer: TimerHandle | None = None  # of a pause before the same candidate is tried again
        self.last: Callable[[], None] | None = None  # the last step, while it waits for what must be stored before
        self.started = False
        self.rejected = None
        self.told = -1
        self.is_over = False

    # --- the way in

    def begin(self) -> None:
        """Starts; by the time this returns the request is on its way, or answered."""
        worker = self.worker
        worker.running += 1
        worker.counters.exchanges += 1
        try:
            codec, key, snapshot, incoming = self.codec, self.key, self.snapshot, self.incoming
            protocol = codec.name
            converted = worker.converted.get(protocol)
            if converted is not None and codec.mentions(incoming, converted):
                peek = self._look()
            else:
                peek = codec.peek(incoming) if len(incoming.body) <= _LARGE else self._guess()
            self.peek, model = peek, peek.model
            plan = self.plan = snapshot.plans.get((model, protocol, key)) or snapshot.plan(model, protocol, key)
            self.order = plan.only or worker.order(plan)
            self._try_candidate(0)
        except Exception as error:  # noqa: BLE001  as in _guarded
            self._answer_for(error)

    def _guess(self) -> Peek:
        """The model and whether to stream, of a large request."""
        codec, incoming = self.codec, self.incoming
        plan = self.snapshot.plans.get((codec.guess_model(incoming), codec.name, self.key))
        converts = plan is not None and plan.candidates[0].protocol != codec.name
        return self._look() if converts else codec.peek(incoming)

    def _look(self) -> Peek:
        """The same of a request that will probably be converted: it is decoded at once, so that it is scanned once."""
        try:
            request = self._decoded()
        except FaultError:
            return self.codec.peek(self.incoming)  # a later candidate may be one to which it is relayed
        return Peek(request.model, request.stream, array=request.stream_array)

    def _try_candidate(self, position: int) -> None:
        self.position = position
        candidate = self.order[position]
        self.candidate = candidate
        self.credentials = candidate.only or self.worker.credentials(candidate)
        self.tries = 0
        self.rejected = None
        self.is_stateless = False  # set when it has refused the state in the request
        self._try()

    def _try(self) -> None:
        """Sends the request to the candidate at hand, with the first of the credentials that are left."""
        candidate, credential = self.candidate, self.credentials[0]
        self.timer = None
        try:
            if candidate.local is not None:
                self._answer_locally(candidate, candidate.local)
                return
            way = self._way(candidate, credential)
            if way is None:
                return  # to come back when it is known what the request goes on from
            if candidate.route is not None:
                way = Routed(way, candidate.route, stream=self.peek.stream)
            if way.losses:
                self._check_losses(way.losses)
            outgoing, worker = way.outgoing, self.worker
            if candidate.capabilities.passed_headers:
                outgoing = passed_on(outgoing, self.incoming.headers, candidate, credential)
            if credential.made is None:
                head = self.snapshot.head(candidate, credential, outgoing)
            else:
                outgoing = completed(outgoing, credential)
                made = presented_head(worker, self.snapshot, candidate, credential, outgoing, self._go_on)
                if made is None:
                    return  # to come back when there is a token
                head = made
            pool = worker.pools.get(candidate.connection) or worker.open_pool(candidate)
        except CredentialError as error:
            self.tries += 1
            self._failed(error.fault, NO_CREDENTIAL)
            return
        except FaultError as error:
            self.tries += 1
            self._failed(error.fault, _CANNOT_CARRY)
            return
        self.tries += 1
        self.attempts += 1
        attempt = self.attempt = Attempt(self, way, candidate.timeouts, worker.loop.time(), self.peek.stream, way.array)
        worker.active.add(attempt)
        attempt.call = pool.send(head, outgoing.body, attempt)

    def _way(self, candidate: Candidate, credential: Credential) -> Way | None:  # noqa: C901  one frame for a request
        """Relayed or converted. None while what the request goes on from is read, or its files are fetched."""
        codec, incoming, clock = self.codec, self.incoming, (self.worker.now, self.id[4:])
        protocol, capabilities = candidate.protocol, candidate.capabilities
        if self.request is not None and protocol == codec.name and not self.peek.members:
            self.peek = codec.peek(incoming)  # it was decoded without it, for a candidate before
        why: Reason | None = "protocol"
        if protocol == codec.name:
            why = why_converted(codec, protocol, capabilities, incoming, self.peek, is_refused=self.is_stateless)
        guard = self.snapshot.guard
        if guard is not None and why is None and not capabilities.url_media:
            why = why_inlined(candidate, incoming, self._decoded)
        memory = None
        if why is not None:
            memory = self._remembered()
            if memory is None:
                return None
            if why == "turn" and memory.fault is not None:  # the upstream may know what we do not
                why = why_converted(codec, protocol, capabilities, incoming, self.peek, knows_turns=False)
        if why is None or memory is None:
            return Relay(codec, incoming, self.peek, candidate.model, capabilities, clock)
        request = memory.for_upstream(candidate, credential)
        if self.is_stateless:
            request = without_state(request)
        changed: Sequence[Loss] = ()
        if guard is not None:
            inlined = self._inlined(guard, candidate, request)
            if inlined is None:
                return None
            request, changed = inlined
        return Convert(codec, candidate, request, clock, memory, changed)

    def _inlined(self, guard: Guard, candidate: Candidate, request: Request) -> tuple[Request, list[Loss]] | None:
        """The request with the files that the candidate does not fetch, and that so it is; None while they are fetched.
        Raises FaultError for one that cannot be had.
        """
        inlining = Inlining(candidate.protocol, candidate.capabilities, native=candidate.protocol == self.codec.name)
        wanted = inlining.wanted(request)
        if not wanted:
            return request, []
        changed = inlining.losses(wanted)
        self._check_losses(changed)  # for a request that is not sent nothing is fetched
        files = self.files = self.files or Files(self.worker.fetcher, guard)
        return (inlining.put(request, files.found), changed) if files.ready(wanted, self._go_on) else None

    def _check_losses(self, losses: list[Loss]) -> None:
        """Raises FaultError for a request that must not lose anything."""
        if self.snapshot.rejects_losses(self.incoming.headers, self.key, self.plan):
            self.rejected = losses
            raise FaultError(loss_refusal(losses))

    def _remembered(self) -> Memory | None:
        """What is known of the conversation that the request belongs to; None while it is being read."""
        memory = self.memory
        if memory is None:
            memory = self.memory = memory_of(
                self.worker.state, self.codec, self.incoming, self._decoded(), self.key.tenant, self.order
            )
            if not (memory.is_ready or memory.ready(self._go_on)):
                return None
        return memory

    def _go_on(self) -> None:
        """What the request goes on from has been read, or its credential can be presented."""
        if not self.is_over:
            self._guarded(self._try)

    def _decoded(self) -> Request:
        request = self.request
        if request is None:
            if not self.incoming.body.isascii():
                check_utf8(self.incoming.body)  # texts that nobody looks at go upstream as they are spelled
            request = self.request = self.codec.decode_request(self.incoming)
            self.worker.converted[self.codec.name] = request.model
        return request

    # --- the way out: what the attempt tells

    def decided(self, attempt: Attempt) -> None:
        """A whole answer, a stream's first piece, or a failure."""
        pump = attempt.pump
        self.first_byte = self.worker.loop.time() - self.begun
        try:
            if attempt.failure is not None:
                self._give_up(attempt.failure, attempt.failure_kind)
            elif not 200 <= attempt.status < 300:
                upstream = UPSTREAM_CODECS[self.candidate.protocol]
                fault = upstream.decode_fault(attempt.status, dict(attempt.headers), attempt.whole_body())
                self._give_up(fault, fault.kind)
            elif pump is None:
                self._answer_whole(attempt)
            elif not pump.committed and pump.fault is not None:
                self._give_up(pump.fault, pump.fault.kind)
            else:
                self.status = 200
                self.files = None  # there is no further try
                self._start_stream(attempt.way.losses, attempt.headers)
                attempt.flow_to(self.port)
                if attempt.is_over:
                    self._end_stream(attempt, pump)
        except Exception as error:  # noqa: BLE001  as in _guarded
            self._answer_for(error)

    def ended(self, attempt: Attempt) -> None:
        """The stream is over, well or not."""
        if attempt.pump is not None:
            self._end_stream(attempt, attempt.pump)

    def silent(self, attempt: Attempt) -> None:
        """Keeps a streaming client awake before there is anything to say; another upstream may still answer."""
        self._start_stream(attempt.way.losses, [])
        self.port.write(self.codec.silence)

    def _answer_whole(self, attempt: Attempt) -> None:
        way = attempt.way
        pieces = attempt.body
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        try:
            if self.peek.stream:
                body = way.whole_as_stream(body)
            elif attempt.looks_like_stream:
                body = way.streamed_as_whole(body)
            else:
                body = way.whole(body)
        except FaultError as error:
            self._give_up(error.fault, error.fault.kind)
            return
        self.worker.active.discard(attempt)
        if self.memory is None or not self.memory.rows:
            self._deliver(way.losses, way, attempt.headers, body)
        else:
            self._finally(lambda: self._deliver(way.losses, way, attempt.headers, body))

    def _end_stream(self, attempt: Attempt, pump: Pump) -> None:
        self.worker.active.discard(attempt)
        self._finally(lambda: self._close_stream(attempt, pump))

    def _close_stream(self, attempt: Attempt, pump: Pump) -> None:
        memory, failure = self.memory, attempt.failure
        if memory is not None and memory.tail:
            self.port.write(memory.tail)
            failure = None  # of a connection that nothing more was to come from
        elif failure is not None:
            self.port.write(pump.fail(failure))
        fault = failure or pump.fault
        if fault is not None:
            self._speaks_against(attempt.failure_kind or fault.kind, None)
        if self.told >= 0:
            self._report_rest(attempt.way.losses)
        self.port.finish()
        self._finish("ok" if fault is None else "broken", fault, attempt.way.losses, pump)

    def _answer_locally(self, candidate: Candidate, answerer: Answerer) -> None:
        memory = self._remembered()
        if memory is None:
            return
        request = memory.for_upstream(candidate, None)
        answer = LocalAnswer(self.codec, memory, request, answerer, (self.worker.now, self.id[4:]))
        body = answer.stream() if self.peek.stream else answer.whole()
        self._finally(lambda: self._deliver(answer.losses, answer, [], body))

    def _finally(self, step: Callable[[], None]) -> None:
        """The last step of an answer, after what the next request may ask for is durable."""
        memory = self.memory
        if memory is None or not memory.rows:
            step()
            return
        self.last = step
        memory.save(self._take_last_step)

    def _take_last_step(self) -> None:
        step, self.last = self.last, None
        if step is not None and not self.is_over:
            self._guarded(step)

    # --- when it goes wrong

    def _give_up(self, fault: Fault, kind: str) -> None:
        """The attempt at hand has failed before it said anything to the client."""
        attempt = self.attempt
        assert attempt is not None  # noqa: S101  it is what failed
        errors = self.candidate.errors
        if errors is not None and attempt.failure is None:
            fault = errors.judged(fault, attempt.status, dict(attempt.headers), attempt.whole_body())
            kind = fault.kind
        self.worker.active.discard(attempt)
        attempt.cancel()
        if fault.refuses_state and not self.is_stateless:
            self.is_stateless = True  # the state is another's, and no fault of this account
            self._try()
        elif fault.kind == "unauthenticated" and is_renewed(
            self.worker, self.credentials[0], self.begun, attempt.started
        ):
            self._try()
        else:
            self._failed(fault, kind)

    def _failed(self, fault: Fault, kind: str) -> None:
        """Goes on to the next try that can help, or ends with this fault."""
        self._speaks_against(kind, fault.retry_after)
        candidates_left = len(self.order) - self.position - 1
        step = next_step(
            kind,
            self.tries,
            self.plan.retries,
            credentials_left=len(self.credentials) - 1,
            candidates_left=candidates_left,
        )
        wait = pause(self.tries, fault.retry_after) if step == "same" else None
        if wait is not None:
            self.timer = self.worker.loop.call_later(wait, self._guarded, self._try)
        elif step == "credential":
            self.credentials = self.credentials[1:]
            self._try()
        elif step != "stop" and candidates_left:
            self._try_candidate(self.position + 1)
        else:
            raise FaultError(answer_to_client(fault, self.candidate.upstream, self.credentials[0].index))

    def _speaks_against(self, kind: str, retry_after: float | None) -> None:
        worker = self.worker
        worker.cooldowns.failed(self.candidate, self.credentials[0], kind, retry_after, worker.time())

    def cancel(self) -> None:
        """The client has left: in the middle, or behind the last event while the upstream's end is still to come."""
        if self.is_over:
            return
        attempt = self.attempt
        pump = None if attempt is None else attempt.pump
        self._drop()
        if attempt is not None and pump is not None and self._has_said_all(attempt, pump):
            self._finish("ok", None, attempt.way.losses, pump)
        else:
            self._finish("cancelled", None, [], pump)

    def _has_said_all(self, attempt: Attempt, pump: Pump) -> bool:
        """Whether the stream's end has gone to the client; it may wait for what the next request will ask for."""
        held_back = self.memory is not None and self.memory.tail
        return attempt.port is not None and pump.complete and pump.fault is None and not held_back

    def interrupt(self) -> None:
        """The gateway stops: what cannot finish in time ends with an error that the client understands."""
        if self.last is not None:
            self._take_last_step()  # all has been said but the end
        if self.is_over:
            return
        attempt = self.attempt
        self._drop()
        if attempt is not None and attempt.port is not None and attempt.pump is not None:
            self.port.write(attempt.pump.fail(_STOPPING))
            self.port.finish()
            self._finish("broken", _STOPPING, attempt.way.losses, attempt.pump)
        else:
            self._refuse(_STOPPING)

    def _drop(self) -> None:
        attempt = self.attempt
        if attempt is not None:
            self.worker.active.discard(attempt)
            attempt.cancel()
        if self.timer is not None:
            self.timer.cancel()
        if self.files is not None:
            self.files.cancel()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Runs a step; whatever happens in it, the client gets an answer."""
        try:
            step()
        except Exception as error:  # noqa: BLE001  the outermost frame of a request: it must be answered
            self._answer_for(error)

    def _answer_for(self, error: Exception) -> None:
        if isinstance(error, FaultError):
            self._refuse(error.fault)
        else:
            _log.error("exchange %s failed", self.id, exc_info=error)
            self._apologize()

    def _apologize(self) -> None:
        """Something of the gateway's own broke: say so if anything can still be said, else close."""
        attempt = self.attempt
        self._drop()
        if self.is_over:
            return
        if attempt is not None and attempt.port is not None:
            self.port.abort()  # in the middle of a stream whose encoder may be what broke
            self._finish("broken", _INTERNAL, [], None)
        else:
            self._refuse(_INTERNAL)
