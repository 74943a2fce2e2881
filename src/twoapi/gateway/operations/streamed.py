"""An operation whose request, or whose answer, is too large to be held, or that is asked for by another method."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import NoReturn

from msgspec.structs import replace

from twoapi.gateway.attempt import Attempt
from twoapi.gateway.headers import RawHeaders, passed_on
from twoapi.gateway.operations.form_sources import FormSource
from twoapi.gateway.operations.operation import OperationExchange
from twoapi.gateway.operations.operation_ways import unserved
from twoapi.gateway.port import ClientPort
from twoapi.gateway.presented import NO_CREDENTIAL, CredentialError, completed, presented_head
from twoapi.gateway.way import Pump
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss, Usage
from twoapi.policy.access import KeyEntry
from twoapi.policy.retry import answer_to_client
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec
from twoapi.protocols.operations.base import Native, Operation
from twoapi.protocols.operations.json_bodies import place
from twoapi.protocols.operations.passing import BytePump, EventPump
from twoapi.wire.http import Headers, Incoming, Outgoing

_CANNOT_CARRY = "cannot_carry"  # a kind of failure: not with this candidate's protocol or connection
_NO_STREAM = Fault("upstream_error", "the upstream answers with a stream that nobody asked for", whose="upstream")
_EVENTS = b"text/event-stream"


class Forwarded:
    """The way of such a request: the answer goes through as it is. `strict`: what is JSON must be an object. `streams`:
    what is not goes on as it comes. `array`: it is not looked at even when it says that it is JSON.
    """

    __slots__ = ("_has_events", "_native", "_strict", "array", "losses", "outgoing", "streams", "usage")

    def __init__(self, native: Native, outgoing: Outgoing, *, strict: bool, streams: bool = True) -> None:
        self._native = native
        self._strict = strict
        self._has_events = False
        self.array = False
        self.streams = streams
        self.outgoing = outgoing
        self.usage: Usage | None = None
        self.losses: list[Loss] | None = None

    def hear(self, headers: RawHeaders) -> None:
        """What stands before the answer."""
        self._has_events = any(name == b"content-type" and _EVENTS in value.lower() for name, value in headers)

    def whole(self, body: bytes) -> bytes:
        """The same body. Raises FaultError for an error hidden in it, and for what is no answer."""
        if self._strict or body.lstrip()[:1] == b"{":
            inspection = self._native.inspect(body)
            if inspection.fault is not None:
                raise FaultError(inspection.fault)
            self.usage = inspection.usage
        return body

    def pump(self) -> Pump:
        """Events or bytes as they come."""
        return EventPump() if self._has_events else BytePump()

    def streamed_as_whole(self, body: bytes) -> NoReturn:  # noqa: ARG002  it would have been pumped
        """Raises FaultError."""
        raise FaultError(_NO_STREAM)

    def whole_as_stream(self, body: bytes) -> bytes:
        """The same body."""
        return self.whole(body)


class StreamedAttempt(Attempt, eq=False):
    """An attempt that is patient while its request is being sent: the client may be slow, the upstream may not."""

    source: FormSource | None = None
    seen: int = -1  # bytes that were sent when that was last looked at
    moved: float = 0.0  # when there were more of them, or the client was to send more
    is_asked: bool = False  # all is sent: from then on the upstream's time runs

    def on_head(self, status: int, headers: RawHeaders) -> None:
        """The answer's status and headers, which may come before all was sent."""
        if isinstance(self.way, Forwarded):
            self.way.hear(headers)
        super().on_head(status, headers)

    def sweep(self, now: float) -> None:
        """Checks the deadlines; those of an answer begin with the end of the request."""
        source = self.source
        if source is not None and not self.status and not self.is_asked:
            if not source.is_sent:
                self._check_sending(source, now)
                return
            self.is_asked = True
            self.started = now
        super().sweep(now)

    def _check_sending(self, source: FormSource, now: float) -> None:
        limit = self.timeouts
        if source.sent != self.seen or not source.is_paused:
            self.seen = source.sent
            self.moved = now
        if limit.total and now - self.started > limit.total:
            self.fail(Fault("timeout", f"the upload did not finish within {limit.total:g} seconds", whose="upstream"))
        elif limit.idle and now - self.moved > limit.idle:
            message = f"the upstream did not read the upload for {limit.idle:g} seconds"
            self.fail(Fault("timeout", message, whose="upstream"))
        elif limit.connect and now - self.started > limit.connect and self.call is not None and not self.call.connected:
            message = f"the upstream could not be connected within {limit.connect:g} seconds"
            self.fail(Fault("timeout", message, whose="upstream"))


class StreamedExchange(OperationExchange):
    """An exchange over connections of its own. Those who know what is asked for say `_outgoing` and `_body`."""

    __slots__ = ("_task", "method")

    def __init__(  # noqa: PLR0913  as an operation
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
        super().__init__(worker, codec, incoming, key, port, operation=operation, shape=shape)
        self.method = "POST"  # of the request to the upstream
        self._task: asyncio.Task[None] | None = None

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        """The request, without its body."""
        raise NotImplementedError

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:
        """A source of the body for one attempt, and its length where that is known; 0 for no body."""
        raise NotImplementedError

    def _forwarded(self, outgoing: Outgoing) -> Forwarded:
        """How it is answered."""
        return Forwarded(self._native, outgoing, strict=self._operation.answers != "bytes")

    def _can_repeat(self) -> bool:
        """True while the request can be sent once more."""
        return True

    # --- the way in

    def _try(self) -> None:
        """Sends the request to the candidate at hand, with the first of the credentials that are left."""
        candidate, credential, worker = self.candidate, self.credentials[0], self.worker
        self.timer = None
        try:
            way = self._forwarded(self._outgoing(candidate))
            outgoing = completed(passed_on(way.outgoing, self.incoming.headers, candidate, credential), credential)
            source, length = self._body(candidate)
            framing = _framing(self.method, length)
            head = presented_head(
                worker, self.snapshot, candidate, credential, outgoing, self._go_on, method=self.method, framing=framing
            )
            if head is None:
                return  # to come back when there is a token
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
        attempt = StreamedAttempt(
            self, way, candidate.timeouts, worker.time(), wants_stream=way.streams, wants_array=way.array, source=source
        )
        self.attempt = attempt
        worker.active.add(attempt)
        attempt.call = pool.send_streamed(head, source, attempt, chunked=length is None)

    def _give_up(self, fault: Fault, kind: str) -> None:
        """As an exchange does, as long as the request can be sent once more."""
        attempt = self.attempt
        if attempt is None or self._can_repeat():
            super()._give_up(fault, kind)
            return
        errors = self.candidate.errors
        if errors is not None and attempt.failure is None:
            fault = errors.judged(fault, attempt.status, dict(attempt.headers), attempt.whole_body())
            kind = fault.kind
        self.worker.active.discard(attempt)
        attempt.cancel()
        self._speaks_against(kind, fault.retry_after)
        raise FaultError(answer_to_client(fault, self.candidate.upstream, self.credentials[0].index))

    # --- the way out

    def silent(self, attempt: Attempt) -> None:
        """Nothing: it is not known yet in which form there will be an answer."""

    def _start_stream(self, losses: list[Loss] | None, upstream: RawHeaders) -> None:
        self.peek = replace(self.peek, stream=True)
        super()._start_stream(losses, upstream)

    def refuse(self, fault: Fault) -> None:
        """Ends it with this fault, which is the client's."""
        if self.is_over:
            return
        self._drop()
        if self.started:
            self.port.abort()
            self._finish("broken", fault, None, None)
        else:
            self._refuse(fault)

    # --- what must wait for the store

    def _soon(self, step: Callable[[], Coroutine[None, None, None]]) -> None:
        """Runs what takes its time; whatever happens in it, the client gets an answer."""
        self._task = self.worker.loop.create_task(self._run(step))

    async def _run(self, step: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await step()
        except Exception as error:  # noqa: BLE001  the outermost frame of a request: it must be answered
            if not self.is_over:
                self._answer_for(error)

    def _drop(self) -> None:
        super()._drop()
        if self._task is not None:
            self._task.cancel()


def addressed(operation: Operation, shape: str, candidate: Candidate, rest: str, headers: Headers) -> Outgoing:
    """A request to where an upstream offers the operation in a shape, and to `rest` behind that; raises FaultError when
    it does not offer it.
    """
    service = candidate.service
    if service is None or service.shape != shape or candidate.local is not None:
        raise FaultError(unserved(operation, candidate))
    path = place(service.path, candidate.model) + rest
    if candidate.route is None:
        return Outgoing(path, b"", headers)
    return Outgoing(candidate.route.place(path), b"", [*headers, *candidate.route.headers])


def _framing(method: str, length: int | None) -> bytes:
    if length is None:
        return b"transfer-encoding: chunked\r\n\r\n"
    return b"\r\n" if not length and method in ("GET", "DELETE") else b"content-length: %d\r\n\r\n" % length
