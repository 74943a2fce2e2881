"""The part of the server's protocol that hands a body over as it comes: to ASGI, or to an upload."""

from abc import abstractmethod
from collections import deque

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from twoapi.gateway.exchange import Exchange
from twoapi.gateway.operations.arriving import Arriving
from twoapi.gateway.operations.streamed import StreamedExchange
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault
from twoapi.server.asking import Asked, upload_objection, upload_too_large
from twoapi.server.head import Head
from twoapi.server.inbound import Inbound, InboundStream

DRAIN_LIMIT = 1 << 20  # a refused request's body up to this size is read and dropped, so the connection can stay
LATE = Fault("timeout", "the request did not arrive in time", status=408)


class HandingOver(HttpToolsProtocol):
    """What GatewayProtocol does with requests that it does not collect."""

    worker: Worker
    body_pieces: list[bytes]
    inbound: Inbound | None  # being received
    waiting: deque[Inbound]  # pipelined behind the running one
    running: Inbound | None  # being answered
    exchange: Exchange | Asked | None  # that answers it
    upload: InboundStream | None  # whose body is coming
    last_active: float
    asgi: bool
    closing: bool  # whatever the client still sends is dropped

    @abstractmethod
    def _start(self, inbound: Inbound) -> None:
        """Answers it, now that it is its turn."""

    @abstractmethod
    def _refuse_now(self, inbound: Inbound, fault: Fault) -> None:
        """Answers before the request is complete, and closes."""

    def _set_apart(self, inbound: Inbound, head: Head, length: bytes | None) -> None:
        """A request whose body is not collected: ASGI gets it, or an upload begins, unless it is refused."""
        if head.is_asgi:
            self._hand_to_asgi(head, length)
            return
        size = None if length is None else int(length)
        refusal = inbound.refusal or head.objection or upload_objection(self.worker, head, size)
        if refusal is not None:
            inbound.head, inbound.refusal = head, refusal
            inbound.keep_alive, inbound.cors = head.keep_alive, head.cors
            if head.expects or (size or 0) > DRAIN_LIMIT:
                self._refuse_now(inbound, refusal)
            return
        arriving = Arriving(size, self.flow.pause_reading, self.flow.resume_reading)
        upload = InboundStream(head=head, cors=head.cors, keep_alive=False, cut_short=True, arriving=arriving)
        self.inbound, self.upload = None, upload
        if self.running is not None or self.waiting:
            self.waiting.append(upload)
            self.flow.pause_reading()
        else:
            self._start(upload)

    def _end_upload(self) -> None:
        """The body is whole: the connection can stay, unless the answer has said already that it will not."""
        upload, exchange = self.upload, self.exchange
        if upload is None or upload.head is None:
            return
        started = isinstance(exchange, StreamedExchange) and exchange.started
        upload.keep_alive = upload.head.keep_alive and not started
        upload.cut_short = False
        if not upload.keep_alive:
            self.closing = True
        self._pass_body()
        self.upload = None
        upload.arriving.finish()

    def _pass_body(self) -> None:
        """The body of a request that has been handed over."""
        pieces, upload = self.body_pieces[:], self.upload
        self.body_pieces.clear()
        if not pieces:
            return
        if upload is not None:
            upload.arriving.feed(b"".join(pieces))
            if upload.arriving.size > self.worker.limits.upload:
                self._refuse_upload(upload_too_large(self.worker.limits.upload))
        elif self.asgi:
            for piece in pieces:
                super().on_body(piece)

    def _look_at_upload(self, idle: float) -> None:
        """As long as nobody makes it wait, the client of an upload must send."""
        if self.upload is None:
            return
        if self.flow.read_paused:
            self.last_active = self.loop.time()
        elif idle > self.worker.limits.receive:
            self._refuse_upload(LATE)

    def _refuse_upload(self, fault: Fault) -> bool:
        """Ends the upload that is running; False when there is none."""
        exchange = self.exchange
        if self.upload is None or self.upload is not self.running or not isinstance(exchange, StreamedExchange):
            return False
        exchange.refuse(fault)
        return True

    def _hand_to_asgi(self, head: Head, length: bytes | None) -> None:
        self.asgi = True
        self.inbound = None
        super().on_message_begin()  # uvicorn's own callbacks, by their class: on_header of this object is the dict's
        super().on_url(head.url)
        for name, value in head.raw.items():
            super().on_header(name, value)
        if length is not None:
            super().on_header(b"content-length", length)
        super().on_headers_complete()
