"""What an exchange says to its client, whichever way it went, and the record that it leaves."""

from typing import TYPE_CHECKING

from twoapi.gateway.headers import (
    EVENT_STREAM,
    JSON,
    Named,
    RawHeaders,
    answer_headers,
    loss_summary,
    refusal_headers,
)
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Outcome, Record
from twoapi.gateway.report import report_comment, report_frame, report_header, wants_report
from twoapi.gateway.way import Counted
from twoapi.ir import Fault, Loss
from twoapi.policy.access import KeyEntry
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec, Peek
from twoapi.wire.http import Incoming

if TYPE_CHECKING:
    from twoapi.gateway.attempt import Attempt
    from twoapi.gateway.worker import Worker


class Telling:
    """The half of an exchange that faces the client."""

    __slots__ = (
        "attempt",
        "attempts",
        "begun",
        "candidate",
        "codec",
        "credentials",
        "first_byte",
        "id",
        "incoming",
        "is_over",
        "key",
        "named",
        "peek",
        "port",
        "rejected",
        "started",
        "status",
        "told",
        "worker",
    )

    worker: "Worker"
    codec: Codec
    incoming: Incoming
    key: KeyEntry
    port: ClientPort
    id: str
    named: Named
    begun: float  # the loop's time
    peek: Peek
    candidate: Candidate
    credentials: tuple[Credential, ...]  # those that are left; the first is the one at hand
    attempt: "Attempt | None"
    attempts: int
    first_byte: float
    status: int
    started: bool  # the client has the head of a stream
    rejected: list[Loss] | None  # what a request would lose that must not lose anything
    told: int  # how many losses that head tells in full; -1: nobody asked
    is_over: bool

    def _deliver(self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes) -> None:
        """A complete body: as an answer, or as a whole stream when one was asked for."""
        self.status = 200
        if self.peek.stream:
            self._start_stream(losses, upstream)
            self.port.write(body)
            if self.told >= 0:
                self._report_rest(losses)
            self.port.finish()
        else:
            headers = answer_headers(self.named, self.attempts, self.candidate, losses, upstream)
            if losses and wants_report(self.incoming.headers):
                headers += report_header(losses)
            self.port.answer(200, headers, body)
        self._finish("ok", None, losses, counted)

    def _start_stream(self, losses: list[Loss] | None, upstream: RawHeaders) -> None:
        if not self.started:
            self.started = True
            headers = answer_headers(
                self.named, self.attempts, self.candidate, losses, upstream, JSON if self.peek.array else EVENT_STREAM
            )
            if losses is not None and wants_report(self.incoming.headers):
                headers += report_header(losses)
                self.told = len(losses)
            self.port.start_stream(headers)

    def _report_rest(self, losses: list[Loss] | None) -> None:
        """What was lost after the head of the stream, behind its end; an array that is closed has no room for it."""
        if losses is None or len(losses) <= self.told or self.peek.array:
            return
        tell = report_comment if self.codec.comments else report_frame
        self.port.write(tell(losses[self.told :]))

    def _refuse(self, fault: Fault) -> None:
        """Answers with an error in the client's own protocol; in a stream, with its error ending."""
        if self.started:
            self.port.write(self.codec.stream_fault(fault, self.peek))
            self.port.finish()
        else:
            self.status, headers, body = self.codec.encode_fault(fault, self.id)
            lines = refusal_headers(self.named, self.attempts, headers)
            if self.rejected is not None:
                lines += b"twoapi-losses: %b\r\n" % loss_summary(self.rejected)
                if wants_report(self.incoming.headers):
                    lines += report_header(self.rejected)
            self.port.answer(self.status, lines, body)
        self._finish("failed" if self.attempts else "refused", fault, [], None)

    def _finish(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> None:
        self.is_over = True
        worker = self.worker
        worker.running -= 1
        if outcome == "ok" and worker.cooldowns.places:
            worker.cooldowns.succeeded(self.candidate, self.credentials[0])
        if worker.sinks:
            worker.records.append(self._record(outcome, fault, losses, counted))
        attempt = self.attempt
        if attempt is not None:
            self.attempt = None
            attempt.release()

    def _record(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> Record:
        candidate: Candidate | None = getattr(self, "candidate", None)
        peek: Peek | None = getattr(self, "peek", None)
        worker = self.worker
        return Record(
            request_id=self.id,
            protocol=self.codec.name,
            started=worker.now,
            model="" if peek is None else peek.model,
            key=self.key.name,
            upstream="" if candidate is None else candidate.upstream,
            upstream_model="" if candidate is None else candidate.model,
            attempts=self.attempts,
            stream=peek is not None and peek.stream,
            status=self.status,
            outcome=outcome,
            fault="" if fault is None else fault.kind,
            first_byte=self.first_byte,
            duration=worker.time() - self.begun,
            usage=None if counted is None else counted.usage,
            losses=losses,
        )
