"""THE path: one request, from the client's bytes to the client's bytes.

    peek -> plan -> for each attempt: way (relay or convert) -> send -> decide -> answer or fall back -> record

Nothing here names a protocol or a provider.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from twoapi.gateway.attempt import Attempt
from twoapi.gateway.convert import Convert
from twoapi.gateway.headers import answer_headers
from twoapi.gateway.local import Local
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Record
from twoapi.gateway.relay import Relay
from twoapi.gateway.way import Way
from twoapi.ir import Fault, FaultError, Request
from twoapi.policy.access import KeyEntry
from twoapi.policy.retry import answer_to_client, goes_on
from twoapi.policy.route import Candidate, Credential
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.registry import CODECS
from twoapi.transport.request_head import request_head
from twoapi.wire.http import Incoming

if TYPE_CHECKING:
    from twoapi.gateway.worker import Worker

_log = logging.getLogger("twoapi.exchange")
_INTERNAL = Fault("upstream_error", "internal error of the gateway; its log has the details", whose="gateway", status=500)
_STOPPING = Fault("overloaded", "the gateway is stopping; send the request again", whose="gateway")


async def exchange(worker: "Worker", codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort) -> None:
    """Carry one request; every way out answers the client and leaves a record."""
    run = _Exchange(worker, codec, incoming, key, port)
    worker.running += 1
    try:
        await run.carry()
    except FaultError as error:
        run.refuse(error.fault)
    except asyncio.CancelledError:
        run.interrupt()
    except Exception:
        _log.exception("exchange %s failed", run.record.request_id)
        run.record.outcome = "failed"
        run.refuse(_INTERNAL)
    finally:
        worker.running -= 1
        run.record.duration = worker.loop.time() - run.begun
        worker.records.append(run.record)


class _Exchange:
    """The state of one exchange."""

    __slots__ = ("attempt", "begun", "codec", "incoming", "key", "port", "record", "request", "started", "worker")

    def __init__(self, worker: "Worker", codec: Codec, incoming: Incoming, key: KeyEntry, port: ClientPort) -> None:
        self.worker = worker
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
        plan = self.worker.snapshot.plan(peek.model, codec.name, self.key)
        fault: Fault | None = None
        for candidate, credential in plan:
            if fault is not None and not goes_on(fault):
                break
            record.attempts += 1
            record.upstream, record.upstream_model = candidate.upstream, candidate.model
            fault = await self._try(candidate, credential, peek)
            if fault is None:
                return
        record.outcome = "failed"
        raise FaultError(answer_to_client(fault) if fault is not None else _INTERNAL)

    async def _try(self, candidate: Candidate, credential: Credential, peek: Peek) -> Fault | None:
        """None when the client has been answered; else why this attempt could not."""
        try:
            way = self._way(candidate, peek)
        except FaultError as error:
            return error.fault
        if isinstance(way, Local):
            self._answer_locally(way, candidate, peek)
            return None
        attempt = Attempt(way, peek.stream, candidate.timeouts, self.worker.loop)
        self.attempt = attempt
        self.worker.active.add(attempt)
        try:
            outgoing = way.outgoing
            head = request_head(credential, outgoing.path, outgoing.headers, len(outgoing.body))
            attempt.call = self.worker.pool(candidate).send(head, outgoing.body, attempt)
            await self._decided(attempt)
            if attempt.failure is not None:
                return attempt.failure
            if not 200 <= attempt.status < 300:
                upstream = CODECS[candidate.protocol]
                return upstream.decode_fault(attempt.status, dict(attempt.headers), attempt.whole_body())
            if attempt.pump is None:
                return self._answer_whole(attempt, candidate, peek)
            return await self._answer_stream(attempt, candidate)
        finally:
            self.worker.active.discard(attempt)
            attempt.cancel()

    def _way(self, candidate: Candidate, peek: Peek) -> Way:
        """Relayed when both sides speak the same protocol, else converted."""
        codec, record = self.codec, self.record
        clock = (int(record.started), record.request_id[4:])
        if candidate.protocol == codec.name:
            return Relay(codec, self.incoming, peek, candidate.model, candidate.capabilities, clock)
        if self.request is None:
            self.request = codec.decode_request(self.incoming)
        if candidate.local is not None:
            return Local(codec, self.request, candidate.local, clock)
        way = Convert(codec, CODECS[candidate.protocol], self.request, candidate.model, candidate.capabilities, clock)
        self.worker.snapshot.check_losses(way.losses or [], self.incoming, self.key, candidate)
        return way

    async def _decided(self, attempt: Attempt) -> None:
        """Wait for the attempt; while it is silent, keep a streaming client awake."""
        await attempt.decided()
        while attempt.silent:
            attempt.silent = False
            if not self.started:
                self._start_stream(attempt.way, None)
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
        record.losses = None if way.losses is None else len(way.losses)
        record.first_byte = self.worker.loop.time() - self.begun
        if peek.stream:
            self._start_stream(way, attempt)
            self.port.write(body)
            self.port.finish()
        else:
            self.port.answer(200, answer_headers(record, candidate, way, attempt.headers, b"application/json"), body)
        record.status = 200
        return None

    async def _answer_stream(self, attempt: Attempt, candidate: Candidate) -> Fault | None:
        pump = attempt.pump
        assert pump is not None  # noqa: S101  the caller looked
        if not pump.committed and pump.fault is not None:
            return pump.fault
        record = self.record
        record.first_byte = self.worker.loop.time() - self.begun
        record.status = 200
        if not self.started:
            self._start_stream(attempt.way, attempt)
        attempt.flow_to(self.port)
        await attempt.completed()
        if attempt.failure is not None:
            self.port.write(pump.fail(attempt.failure))
        record.usage = pump.usage
        record.losses = None if attempt.way.losses is None else len(attempt.way.losses)
        if attempt.failure is not None or pump.fault is not None:
            record.outcome = "broken"
            record.fault = (attempt.failure or pump.fault or _INTERNAL).kind
        self.port.finish()
        return None

    def _answer_locally(self, way: Local, candidate: Candidate, peek: Peek) -> None:
        record = self.record
        body = way.stream() if peek.stream else way.answer()
        record.usage = way.usage
        record.losses = len(way.losses or [])
        record.status = 200
        if peek.stream:
            self._start_stream(way, None)
            self.port.write(body)
            self.port.finish()
        else:
            self.port.answer(200, answer_headers(record, candidate, way, [], b"application/json"), body)

    def _start_stream(self, way: Way, attempt: Attempt | None) -> None:
        if not self.started:
            self.started = True
            headers = attempt.headers if attempt is not None else []
            self.port.start_stream(answer_headers(self.record, None, way, headers, b"text/event-stream; charset=utf-8"))

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
        lines = answer_headers(record, None, None, [], self.codec.error_content_type)
        self.port.answer(status, lines + b"".join(b"%s: %s\r\n" % header for header in headers), body)

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
