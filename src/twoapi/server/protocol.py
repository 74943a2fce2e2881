"""The data plane's HTTP server: a protocol inside uvicorn that answers the API's routes without ASGI.

uvicorn keeps sockets, TLS, signals and the graceful stop. Requests are parsed by llhttp; a request that is complete
becomes an exchange, which writes its answer through the ClientPort methods here.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from twoapi.gateway.exchange import Exchange
from twoapi.gateway.headers import refusal_headers
from twoapi.gateway.port import Flow
from twoapi.ir import Fault
from twoapi.policy.access import KeyEntry
from twoapi.server.asking import answer_for, asked_for
from twoapi.server.connection import Connection
from twoapi.server.handing_over import DRAIN_LIMIT, LATE, HandingOver
from twoapi.server.head import Head, head_size, refusal_hints
from twoapi.server.inbound import Inbound, InboundStream
from twoapi.server.routes import client_codec, with_deployment
from twoapi.server.site import Site
from twoapi.server.unpack import Unpacker
from twoapi.wire.http import Incoming

_STATUS = {
    code: b"HTTP/1.1 %d %s\r\n" % (code, phrase.encode())
    for code, phrase in ((status.value, status.phrase) for status in HTTPStatus)
}
_STATUS[529] = b"HTTP/1.1 529 Overloaded\r\n"
_SPELLED = 2048
_SIZE_LINES = [b"%x\r\n" % size for size in range(_SPELLED)]  # of the chunks that most events of a stream are
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_JOIN_LIMIT = 32768  # larger bodies are written beside their head instead of being copied behind it
_LINGER = 2.0  # seconds in which a refused client may read its answer while it is still sending
_UNKNOWN_CLIENT = client_codec(b"", {})  # who sends no whole head cannot be asked what it speaks
_TOO_MANY = Fault("overloaded", "too many requests are open on this gateway", whose="gateway", retry_after=1)
_NO_REQUEST = Fault("invalid_request", "this is not a request")


class GatewayProtocol(HandingOver, Connection):
    """One client connection."""

    site: Site  # set by the subclass that the server makes for its worker, as that is

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # The parser puts these into a dict and lists without a Python frame; of a name that comes twice the last value.
        self.raw_headers: dict[bytes, bytes] = {}
        self.on_header = self.raw_headers.__setitem__  # type: ignore[assignment,method-assign]
        self.url_pieces: list[bytes] = []
        self.on_url = self.url_pieces.append  # type: ignore[assignment,method-assign]
        self.body_pieces = []
        self.on_body = self.body_pieces.append  # type: ignore[assignment,method-assign]
        # A request that begins takes the token, without a Python frame; its head puts it back when it is complete.
        self.tokens = [None]
        self.on_message_begin = self.tokens.pop  # type: ignore[method-assign]
        # uvicorn's would read on behind a message that closes the connection; a gateway must not.
        self.parser = httptools.HttpRequestParser(self)
        self.worker = self.site.worker
        self.head_read = 0  # bytes of the request's head in earlier reads
        self.last_head: Head | None = None
        self.is_last_line = False  # the read begins with a request, and that with the same line as the last one
        self.inbound = None
        self.waiting = deque()
        self.running = None
        self.exchange = None
        self.upload = None
        self.client_flow: Flow | None = None
        self.pending_head = b""
        self.chunked = True
        self.last_active = self.loop.time()
        self.read = 0  # size of the read at hand
        self.asgi = False
        self.gone = False
        self.draining = False
        self.closing = False  # whatever the client still sends is dropped
        self.lingering = 0.0  # since when a refused client may still send before it is cut off

    # ---- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.worker.limits.connections:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        if self.exchange is not None:
            self.exchange.cancel()
            self.exchange = None
        self.waiting.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        self.last_active = self.loop.time()
        self.read = len(data)
        last = self.last_head
        if self.asgi:
            self._unset_keepalive_if_required()  # and the read may be more of a body
        elif last is not None and self.inbound is None and self.upload is None and self.tokens:
            self.is_last_line = data.startswith(last.line)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_malformed(error)
        inbound = self.inbound
        if inbound is not None:
            self._look_at_part(inbound)
        elif not self.tokens:
            self.asgi = False
            self.inbound = inbound = Inbound()
            self._look_at_part(inbound)
        elif self.body_pieces:
            self._pass_body()

    def _upgrade(self, rest: bytes) -> None:
        """The message itself is complete. If it asked for a websocket, and nothing runs before it, it gets one; else it
        is answered as plain HTTP, and what follows it is not for us.
        """
        self.closing = True
        running = self.running
        if running is None:
            return
        head = running.head
        if head is None or not head.wants_socket or running.refusal is not None or head.key is None:
            running.keep_alive = False
            return
        from twoapi.server.socket import ResponsesSocket  # noqa: PLC0415  an extra, and few clients ask for it

        self.connections.discard(self)
        self.running = None
        ResponsesSocket(self.worker, head, self.connections).take_over(self.transport, rest)

    def _look_at_part(self, inbound: Inbound) -> None:
        """A request that this read did not complete: it must stay within the limits."""
        if inbound.head is None:
            self.head_read += self.read
            if self.head_read > 2 * self.worker.limits.header:
                self._refuse_now(inbound, _head_too_large(self.worker.limits.header))
            return
        pieces = self.body_pieces
        inbound.size += sum(map(len, pieces[inbound.counted :]))
        if inbound.refusal is not None:
            pieces.clear()
            if inbound.size > DRAIN_LIMIT:
                self._refuse_now(inbound, inbound.refusal)
        elif inbound.size > self.worker.limits.body:
            self._refuse_now(inbound, _too_large(self.worker.limits.body))
        inbound.counted = len(pieces)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.client_flow is not None:
            self.client_flow.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.client_flow is not None:
            self.client_flow.resume()

    def shutdown(self) -> None:
        """The server stops: idle connections close at once, others after their answer."""
        self.draining = True
        if self.asgi:
            super().shutdown()
        elif self.running is None and self.inbound is None:
            self.transport.close()

    def interrupt(self) -> None:
        """The time for the graceful stop is over: what still runs ends with an error."""
        if self.exchange is not None:
            self.exchange.interrupt()

    def sweep(self, now: float) -> None:
        """Closes a connection that is idle, or whose request does not arrive, for too long."""
        limits = self.worker.limits
        idle = now - self.last_active
        if self.running is not None or self.asgi:
            self._look_at_upload(idle)
            return
        if self.lingering:
            if now - self.lingering > _LINGER:
                self.transport.abort()
        elif self.inbound is None:
            if idle > limits.idle:
                self.transport.close()
        elif idle > limits.receive:
            self._refuse_now(self.inbound, LATE)

    # ---- the parser

    def on_headers_complete(self) -> None:
        self.asgi = False
        self.tokens.append(None)
        worker, raw, pieces = self.worker, self.raw_headers, self.url_pieces
        limits = worker.limits
        size = self.head_read + self.read
        self.head_read = 0
        length = raw.pop(b"content-length", None) or raw.pop(b"Content-Length", None)
        head = self._head(raw, pieces)
        refusal = head.objection
        if size > limits.header and head_size(head.url, raw) > limits.header:
            refusal = _head_too_large(limits.header)
        raw.clear()
        pieces.clear()
        self.inbound = inbound = Inbound(head, refusal, head.keep_alive, head.cors)
        if head.is_apart:
            self._set_apart(inbound, head, length)
            return
        if refusal is None:
            if length is not None and int(length) > limits.body:
                inbound.refusal = refusal = _too_large(limits.body)
            elif worker.running >= limits.streams and head.holds:
                inbound.refusal = refusal = _TOO_MANY
        if refusal is not None:
            if head.expects or (length is not None and int(length) > DRAIN_LIMIT):
                self._refuse_now(inbound, refusal)
        elif head.expects and self.running is None and not head.is_http_10:
            self.transport.write(_CONTINUE)

    def _head(self, raw: dict[bytes, bytes], pieces: list[bytes]) -> Head:
        """The head of the request at hand; the last one again when the client says the same."""
        snapshot = self.worker.snapshot
        if self.is_last_line:
            self.is_last_line = False  # what follows in the same read has a line of its own
            last = self.last_head
            if last is not None and last.raw == raw and last.snapshot is snapshot:
                return last
        parser, url = self.parser, b"".join(pieces)
        method, version = parser.get_method(), parser.get_http_version()
        self.last_head = head = Head(url, raw.copy(), method, version, snapshot, keep_alive=parser.should_keep_alive())
        return head

    def on_message_complete(self) -> None:
        if self.asgi:
            self._pass_body()
            super().on_message_complete()
            return
        inbound, self.inbound = self.inbound, None
        pieces = self.body_pieces
        if inbound is None:
            self._end_upload()
            pieces.clear()
            return
        if pieces:
            if inbound.refusal is None:
                inbound.body = body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                if len(body) > self.worker.limits.body:
                    inbound.refusal = _too_large(self.worker.limits.body)
                elif inbound.head is not None and inbound.head.coding:
                    inbound.is_packed = True
            pieces.clear()
        if not inbound.keep_alive:
            self.closing = True
        if self.running is not None or self.waiting:
            self.waiting.append(inbound)
            self.flow.pause_reading()  # one request ahead is enough
        else:
            self._start(inbound)

    # ---- ClientPort: what the exchange calls

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer."""
        running = self.running
        assert running is not None  # noqa: S101  the port is used only while a request is answered
        head = b"%s%s%scontent-length: %d\r\n%s\r\n" % (
            _STATUS.get(status) or b"HTTP/1.1 %d \r\n" % status,
            headers,
            running.cors,
            len(body),
            b"" if running.keep_alive and not self.draining else b"connection: close\r\n",
        )
        if running.head is not None and running.head.method == b"HEAD":
            self.transport.write(head)
        elif len(body) < _JOIN_LIMIT:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self._finished()

    def start_stream(self, headers: bytes) -> None:
        """Status 200 and a body of unknown length."""
        running = self.running
        assert running is not None  # noqa: S101  as above
        self.chunked = running.head is None or not running.head.is_http_10
        if not self.chunked:
            running.keep_alive = False
        self.pending_head = b"HTTP/1.1 200 OK\r\n%s%scache-control: no-cache\r\n%s%s\r\n" % (
            headers,
            running.cors,
            b"transfer-encoding: chunked\r\n" if self.chunked else b"",
            b"" if running.keep_alive and not self.draining else b"connection: close\r\n",
        )

    def write(self, data: bytes) -> None:
        """More of a stream."""
        if self.chunked:
            size = len(data)
            data = b"".join((_SIZE_LINES[size] if size < _SPELLED else b"%x\r\n" % size, data, b"\r\n"))
        if self.pending_head:
            data = self.pending_head + data
            self.pending_head = b""
        self.transport.write(data)

    def finish(self) -> None:
        """The stream is complete."""
        tail = self.pending_head + (b"0\r\n\r\n" if self.chunked else b"")
        self.pending_head = b""
        if tail:
            self.transport.write(tail)
        self._finished()

    def abort(self) -> None:
        """The answer cannot be completed."""
        self.client_flow = None
        self.transport.abort()

    def set_flow(self, flow: Flow | None) -> None:
        """Whom to pause while the client does not read."""
        self.client_flow = flow
        if flow is not None and self.flow.write_paused:
            flow.pause()

    # ---- in between

    def _start(self, inbound: Inbound) -> None:
        self.running = inbound
        worker = self.worker
        head = inbound.head
        if inbound.is_packed and head is not None:
            self._unpack(inbound, head.coding)
            return
        worker.counters.requests += 1
        if head is None or inbound.refusal is not None:
            codec = _UNKNOWN_CLIENT if head is None else head.codec
            request_id = next(worker.ids)
            status, headers, body = codec.encode_fault(inbound.refusal or _NO_REQUEST, request_id)
            headers = [*headers, *refusal_hints(status, head)]
            self.answer(status, refusal_headers((request_id.encode(), codec.request_id_header), 0, headers), body)
            return
        key = head.key
        if head.route is not None and head.route.names_model:
            inbound.body = with_deployment(head.path, inbound.body)
        if not head.generates or key is None:
            self._start_other(head, inbound, key)
            return
        if head.may_name_cache:
            exchange = answer_for(worker, head, inbound, key, self)
        else:
            incoming = Incoming(head.path, head.headers, inbound.body, head.query)
            exchange = Exchange(worker, head.codec, incoming, key, self)
        exchange.begin()
        if not exchange.is_over:
            self.exchange = exchange

    def _unpack(self, inbound: Inbound, coding: str) -> None:
        """Undoes the compression of the body; then the request goes on."""
        inbound.is_packed = False
        unpacker = Unpacker(coding, inbound.body, self.worker.limits.body)
        if unpacker.begin() or unpacker.fault is not None:
            self._unpacked(inbound, unpacker)
        else:
            done = self.loop.run_in_executor(None, unpacker.finish)
            done.add_done_callback(lambda _: self._unpacked(inbound, unpacker))

    def _unpacked(self, inbound: Inbound, unpacker: Unpacker) -> None:
        if not self.gone:
            inbound.refusal = unpacker.fault
            inbound.body = b"" if unpacker.fault is not None else unpacker.data
            self._start(inbound)

    def _start_other(self, head: Head, inbound: Inbound, key: KeyEntry | None) -> None:
        """What is no request for an answer of a model."""
        if head.wants_socket:
            return  # the parser tells at once that the connection is one from now on
        if head.is_preflight:
            self.answer(200, b"", b"")
            return
        asked = None if key is None else asked_for(self.worker, head, inbound, key, self)
        if asked is None:
            self.answer(*self.site.answer(head))
            return
        if isinstance(inbound, InboundStream):
            if head.expects and not head.is_http_10:
                self.transport.write(_CONTINUE)
            if not (inbound.arriving.is_complete or inbound.arriving.is_held):
                self.flow.resume_reading()  # it may have waited for the request before it
        asked.begin()
        if not asked.is_over:
            self.exchange = asked

    def _finished(self) -> None:
        self.client_flow = None
        running, self.running = self.running, None
        self.exchange = None
        self.server_state.total_requests += 1
        self.last_active = self.loop.time()
        if running is None or not running.keep_alive or (self.draining and not self.waiting and self.inbound is None):
            self._leave(running)
        elif self.waiting:
            self.loop.call_soon(self._start_next)  # not from here: a packet may hold a thousand requests
        else:
            if self.flow.read_paused:
                self.flow.resume_reading()
            inbound = self.inbound
            if inbound is not None and inbound.head is not None and inbound.head.expects and inbound.refusal is None:
                self.transport.write(_CONTINUE)

    def _start_next(self) -> None:
        if self.waiting and self.running is None and not self.gone:
            self._start(self.waiting.popleft())

    def _leave(self, running: Inbound | None) -> None:
        self.closing = True
        self.upload = None
        unread = running is not None and running.cut_short
        if unread and self.transport.can_write_eof():
            # Closing with unread bytes resets the connection, and the client may lose the answer.
            self.transport.write_eof()
            self.lingering = self.last_active
            self.flow.resume_reading()  # to drop it
        else:
            self.transport.close()

    def _refuse_now(self, inbound: Inbound, fault: Fault) -> None:
        """Answers before the request is complete, and closes: what still comes is not read."""
        self.inbound = None
        self.body_pieces.clear()
        inbound.keep_alive = False
        inbound.cut_short = True
        inbound.refusal = fault
        self.closing = True
        if self.running is not None or self.waiting:
            self.waiting.append(inbound)
        else:
            self._start(inbound)

    def _refuse_malformed(self, error: httptools.HttpParserError) -> None:
        if self.closing:
            return
        fault = Fault("invalid_request", f"this is not valid HTTP/1.1: {error}")
        if not self._refuse_upload(fault):
            self._refuse_now(self.inbound or Inbound(), fault)


def _head_too_large(limit: int) -> Fault:
    return Fault("too_large", f"the request's headers are larger than {limit} bytes", status=431)


def _too_large(limit: int) -> Fault:
    return Fault("too_large", f"the request body is larger than {limit} bytes")
