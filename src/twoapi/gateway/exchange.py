"""THE path: one request, from the client's bytes to the client's bytes.

    peek -> plan -> for each attempt: way (relay or convert) -> send -> decide -> answer or fall back -> record

Nothing here names a protocol or a provider.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from twoapi.gateway.attempt import Attempt
from twoapi.gateway.convert import Convert
from twoapi.gateway.headers import (
    RawHeaders,
    answer_headers,
    loss_refusal,
    refusal_headers,
    stream_headers,
)
from twoapi.gateway.local import Answerer, LocalAnswer
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Record
from twoapi.gateway.relay import Relay
from twoapi.gateway.way import Pump, Way
from twoapi.ir import Fault, FaultError, Loss, Request
from twoapi.policy.access import KeyEntry
from twoapi.policy.retry import Step, answer_to_client, next_step, pause
from twoapi.policy.route import Candidate, Credential, Plan
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.registry import CODECS
from twoapi.wire.http import Incoming

if TYPE_CHECKING:
    from twoapi.gateway.worker import Worker

_log = logging.getLogger("twoapi.exchange")
_INTERNAL = Fault("upstream_error", "internal error of the gateway; its log has more", whose="gateway", status=500)
_STOPPING = Fault("overloaded", "the gateway is stopping; send the request again", whose="gateway")


async def exchange(worker: "Worker", codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort) -> None:
    """Carry one request; every way out answers the client and leaves a record."""
    run = _Exchange(worker, codec, incoming, key, port)
    worker.running += 1
    worker.counters.exchanges += 1
    try:
        await run.carry()
    except FaultError as error:
        run.refuse(error.fault)
    except asyncio.CancelledError:
        run.interrupt()
    except Exception:  # noqa: BLE001  the outermost frame of a request: it must be answered, whatever happened
        _log.exception("exchange %s failed", run.record.request_id)
        run.record.outcome = "failed"
        run.apologize()
    finally:
        worker.running -= 1
        run.record.duration = worker.loop.time() - run.begun
        worker.records.append(run.record)


class _Exchange:
    """The state of one exchange."""

    __slots__ = (
        "attempt",
        "begun",
        "codec",
        "incoming",
        "key",
        "plan",
        "port",
        "record",
        "request",
        "snapshot",
        "started",
        "worker",
    )

    def __init__(self, worker: "Worker", codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort) -> None:
        self.worker = worker
        self.snapshot = worker.snapshot  # the same one to the end, whatever is published meanwhile
        self.plan: Plan | None = None
        self.codec = codec
        self.incoming = incoming
        self.key = key
        self.port = port
        self.request: Request | None = None  # decoded when the first conversion needs it
        self.attempt: Attempt | None = None
        self.started = False  # the client has the head of a stream
        self.begun = worker.loop.time()
        self.record = Record(request_id=worker.next_id(), protocol=codec.name, started=worker.now(), key=key.name)

    async def carry(self) -> None:
        """Try what the plan says, in its order, until one attempt answers."""
        codec = self.codec
        peek = codec.peek(self.incoming)
        record = self.record
        record.model, record.stream = peek.model, peek.stream
        plan = self.plan = self.snapshot.plan(peek.model, codec.name, self.key)
        candidates = plan.order(self.worker.counters.exchanges)
        fault = _INTERNAL
        for left, candidate in zip(range(len(candidates) - 1, -1, -1), candidates, strict=True):
            record.upstream, record.upstream_model = candidate.upstream, candidate.model
            tried = await self._try_candidate(candidate, peek, left)
            if tried is None:
                return
            fault, step = tried
            if step == "stop":
                break
        record.outcome = "failed" if record.attempts else "refused"
        raise FaultError(fault)

    async def _try_candidate(self, candidate: Candidate, peek: Peek, candidates_left: int) -> tuple[Fault, Step] | None:
        """None when the client has been answered; else why not, and whether the next candidate may try."""
        credentials = candidate.credential_turn()
        used = tries = 0
        while True:
            credential = credentials[used]
            fault = await self._try(candidate, credential, peek)
            if fault is None:
                return None
            tries += 1
            kind = fault.kind if self.attempt is None else self.attempt.failure_kind or fault.kind
            step = next_step(
                kind,
                tries,
                self._plan().retries,
                credentials_left=len(credentials) - used - 1,
                candidates_left=candidates_left,
            )
            if self.attempt is None and candidates_left:
                step = "candidate"  # this candidate's protocol cannot carry the request; another's may
            if step == "same":
                wait = pause(tries, fault.retry_after)
                if wait is None:
                    step = "candidate" if candidates_left else "stop"
                else:
                    await asyncio.sleep(wait)
                    continue
            if step == "credential":
                used += 1
                continue
            return answer_to_client(fault, candidate.upstream, credential.index), step

    async def _try(self, candidate: Candidate, credential: Credential, peek: Peek) -> Fault | None:
        """None when the client has been answered; else why this attempt could not."""
        self.attempt = None
        try:
            if candidate.local is not None:
                return self._answer_locally(candidate, candidate.local, peek)
            way = self._way(candidate, peek)
        except FaultError as error:
            return error.fault
        attempt = self.attempt = Attempt(way, peek.stream, candidate.timeouts, self.worker.loop)
        self.record.attempts += 1
        self.worker.active.add(attempt)
        try:
            head = self.snapshot.head(candidate, credential, way.outgoing)
            attempt.call = self.worker.pool(candidate).send(head, way.outgoing.body, attempt)
            await self._decided(attempt, candidate)
            if attempt.failure is not None:
                return attempt.failure
            if not 200 <= attempt.status < 300:
                upstream = CODECS[candidate.protocol]
                return upstream.decode_fault(attempt.status, dict(attempt.headers), attempt.whole_body())
            if attempt.pump is None:
                return self._answer_whole(attempt, candidate, peek)
            return await self._answer_stream(attempt, attempt.pump, candidate)
        finally:
            self.worker.active.discard(attempt)
            attempt.cancel()

    def _way(self, candidate: Candidate, peek: Peek) -> Way:
        """Relayed when both sides speak the same protocol, else converted."""
        codec = self.codec
        if candidate.protocol == codec.name:
            return Relay(codec, self.incoming, peek, candidate.model, candidate.capabilities, self._clock())
        upstream = CODECS[candidate.protocol]
        way = Convert(codec, upstream, self._request(), candidate.model, candidate.capabilities, self._clock())
        if way.losses and self.snapshot.rejects_losses(self.incoming.headers, self.key, self._plan()):
            raise FaultError(loss_refusal(way.losses))
        return way

    def _request(self) -> Request:
        request = self.request
        if request is None:
            _check_utf8(self.incoming.body)  # texts that nobody looks at go upstream as they are spelled
            request = self.request = self.codec.decode_request(self.incoming)
        return request

    def _plan(self) -> Plan:
        plan = self.plan
        assert plan is not None  # noqa: S101  nothing is tried without one
        return plan

    def _clock(self) -> tuple[int, str]:
        return int(self.record.started), self.record.request_id[4:]

    async def _decided(self, attempt: Attempt, candidate: Candidate) -> None:
        """Wait for the attempt; while it is silent, keep a streaming client awake."""
        await attempt.decided()
        while attempt.silent:
            attempt.silent = False
            self._start_stream(candidate, attempt.way.losses, [])
            self.port.write(self.codec.silence)
            await attempt.decided()

    def _answer_whole(self, attempt: Attempt, candidate: Candidate, peek: Peek) -> Fault | None:
        way, record = attempt.way, self.record
        body = attempt.whole_body()
        try:
            if peek.stream:
                body = way.whole_as_stream(body)
            elif attempt.looks_like_stream:
                body = way.streamed_as_whole(body)
            else:
                body = way.whole(body)
        except FaultError as error:
            return error.fault
        record.usage = way.usage
        self._deliver(candidate, way.losses, attempt.headers, body)
        return None

    async def _answer_stream(self, attempt: Attempt, pump: Pump, candidate: Candidate) -> Fault | None:
        if not pump.committed and pump.fault is not None:
            return pump.fault
        record, losses = self.record, attempt.way.losses
        record.first_byte = self.worker.loop.time() - self.begun
        record.status = 200
        self._start_stream(candidate, losses, attempt.headers)
        attempt.flow_to(self.port)
        await attempt.completed()
        if attempt.failure is not None:
            self.port.write(pump.fail(attempt.failure))
        record.usage = pump.usage
        record.losses = None if losses is None else len(losses)
        fault = attempt.failure or pump.fault
        if fault is not None:
            record.outcome, record.fault = "broken", fault.kind
        self.port.finish()
        return None

    def _answer_locally(self, candidate: Candidate, answerer: Answerer, peek: Peek) -> Fault | None:
        answer = LocalAnswer(self.codec, self._request(), answerer, self._clock())
        body = answer.stream() if peek.stream else answer.whole()
        self.record.usage = answer.usage
        self._deliver(candidate, answer.losses, [], body)
        return None

    def _deliver(self, candidate: Candidate, losses: list[Loss] | None, upstream: RawHeaders, body: bytes) -> None:
        """A complete body: as an answer, or as a whole stream when one was asked for."""
        record = self.record
        record.status = 200
        record.losses = None if losses is None else len(losses)
        record.first_byte = self.worker.loop.time() - self.begun
        if record.stream:
            self._start_stream(candidate, losses, upstream)
            self.port.write(body)
            self.port.finish()
        else:
            self.port.answer(200, answer_headers(record, candidate, losses, upstream), body)

    def _start_stream(self, candidate: Candidate, losses: list[Loss] | None, upstream: RawHeaders) -> None:
        if not self.started:
            self.started = True
            self.port.start_stream(stream_headers(self.record, candidate, losses, upstream))

    def refuse(self, fault: Fault) -> None:
        """Answer with an error in the client's own protocol; in a stream, with its error ending."""
        record = self.record
        if record.outcome == "ok":
            record.outcome = "refused"
        record.fault = fault.kind
        if self.started:
            self.port.write(self.codec.stream_fault(fault))
            self.port.finish()
            return
        status, headers, body = self.codec.encode_fault(fault, record.request_id)
        record.status = status
        self.port.answer(status, refusal_headers(record, headers), body)

    def apologize(self) -> None:
        """Something of the gateway's own broke: say so if anything can still be said, else close."""
        attempt = self.attempt
        if attempt is not None and attempt.port is not None:
            self.port.abort()  # in the middle of a stream whose encoder may be what broke
        else:
            self.refuse(_INTERNAL)

    def interrupt(self) -> None:
        """The client left, or the gateway stops while the answer is under way."""
        self.record.outcome = "cancelled"
        attempt = self.attempt
        if self.port.gone:
            return
        if attempt is not None and attempt.port is not None and attempt.pump is not None:
            self.port.write(attempt.pump.fail(_STOPPING))
            self.port.finish()
        else:
            self.refuse(_STOPPING)


def _check_utf8(body: bytes) -> None:
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise FaultError(Fault("invalid_request", f"the body is not UTF-8: {error.reason} at {error.start}")) from None
