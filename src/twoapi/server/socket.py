"""Responses over a websocket: every message of the client's is a request, every event of the answer a message."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from msgspec import Raw
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from twoapi.gateway.conversation import Conversation, Turn, answered_by_nobody
from twoapi.gateway.exchange import Exchange
from twoapi.gateway.port import Flow
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.server.connection import Connection
from twoapi.server.head import Head
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming
from twoapi.wire.sse import MAX_EVENT, SseReader

_WAITING = 16  # messages that may wait for the one that is answered
_PING, _DEAD = 60.0, 180.0  # seconds without a word of the client until it is asked, until it is given up
_LONGEST_EVENT = 2 * MAX_EVENT  # of our own; an upstream's is bounded before
_DONE = (b'"response.completed"', b'"response.incomplete"')
_TOO_MANY = Fault("overloaded", "too many requests are open on this gateway", whose="gateway", retry_after=1)
_REVOKED = Fault("unauthenticated", "this gateway does not know the key any more", code="invalid_api_key")
_STOPPING = "the gateway is stopping"


class ResponsesSocket(asyncio.Protocol, Connection):
    """One client connection that was an HTTP request before, and the port of the exchange that runs on it."""

    def __init__(self, worker: Worker, head: Head, connections: set[Any]) -> None:
        self._worker = worker
        self._head = head
        self._connections = connections
        self._socket = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()], max_size=max(1, worker.limits.body)
        )
        self._conversation = Conversation(worker.limits.body)
        self._pieces: list[bytes] = []  # of a message that comes in several frames
        self._waiting: deque[bytes] = deque()
        self._turn: Turn | None = None
        self._exchange: Exchange | None = None
        self._reader = SseReader(_LONGEST_EVENT)
        self._flow: Flow | None = None
        self._is_writable = True
        self._last_heard = worker.time()
        self._transport: asyncio.Transport
        self.gone = False
        self._draining = False

    def take_over(self, transport: asyncio.Transport, rest: bytes) -> None:
        """Goes on with a connection whose request for a websocket has been read; `rest` came behind it."""
        self._transport = transport
        self._connections.add(self)
        transport.set_protocol(self)
        head = self._head
        lines = [b"%b: %b\r\n" % header for header in head.raw.items()]
        self.data_received(b"GET %b HTTP/1.1\r\n%b\r\n" % (head.url, b"".join(lines)) + rest)

    # ---- the connection

    def data_received(self, data: bytes) -> None:
        """Bytes of the client's."""
        self._last_heard = self._worker.time()
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Request):
                self._socket.send_response(self._socket.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._hear(event)
        self._send()
        self._start_next()

    def eof_received(self) -> None:
        """The client sends no more."""
        self._socket.receive_eof()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why does not matter
        """The client has left."""
        self.gone = True
        self._connections.discard(self)
        self._waiting.clear()
        if self._exchange is not None:
            self._exchange.cancel()
            self._exchange = None

    def pause_writing(self) -> None:
        """The client does not read."""
        self._is_writable = False
        if self._flow is not None:
            self._flow.pause()

    def resume_writing(self) -> None:
        """It does again."""
        self._is_writable = True
        if self._flow is not None:
            self._flow.resume()

    def shutdown(self) -> None:
        """The server stops: an idle connection closes at once, another one behind its answer."""
        self._draining = True
        if self._exchange is None:
            self._close(CloseCode.GOING_AWAY, _STOPPING)

    def interrupt(self) -> None:
        """The time for the graceful stop is over."""
        self._waiting.clear()
        if self._exchange is not None:
            self._exchange.interrupt()
        self._close(CloseCode.GOING_AWAY, _STOPPING)

    def sweep(self, now: float) -> None:
        """Asks a silent client whether it is there, and gives up one that does not answer."""
        silence = now - self._last_heard
        if silence > _DEAD:
            self._transport.abort()
        elif silence > _PING and self._socket.state is State.OPEN:
            self._socket.send_ping(b"")
            self._send()

    # ---- ClientPort: what the exchange calls

    def answer(self, status: int, headers: bytes, body: bytes) -> None:  # noqa: ARG002  a message has no headers
        """An error before the stream began."""
        told: dict[str, object] = {"type": "error", "status": status}
        try:
            told |= json.fields(body)
        except WireError:
            told["error"] = {"message": body.decode("utf-8", "replace")}
        self._say(json.encode(told))
        self._finished()

    def start_stream(self, headers: bytes) -> None:
        """Nothing is said before the first event."""

    def write(self, data: bytes) -> None:
        """Events of the answer; what is only a sign of life becomes the websocket's own."""
        frames = self._reader.feed(data)
        for _, payload in frames:
            self._say(payload)
            if any(mark in payload for mark in _DONE):
                self._remember(payload)
        if not frames and data.startswith(b":") and self._socket.state is State.OPEN:
            self._socket.send_ping(b"")
        self._send()

    def finish(self) -> None:
        """The answer is complete."""
        for _, payload in self._reader.close():
            self._say(payload)
        self._finished()

    def abort(self) -> None:
        """The answer cannot be completed."""
        self._flow = None
        self._close(CloseCode.INTERNAL_ERROR, "")
        self._transport.close()

    def set_flow(self, flow: Flow | None) -> None:
        """Whom to pause while the client does not read."""
        self._flow = flow
        if flow is not None and not self._is_writable:
            flow.pause()

    # ---- in between

    def _hear(self, frame: Frame) -> None:
        """A frame; the last one completes a message."""
        self._pieces.append(bytes(frame.data))
        if frame.fin:
            message = b"".join(self._pieces)
            self._pieces.clear()
            if len(self._waiting) >= _WAITING:
                self._close(CloseCode.TRY_AGAIN_LATER, "too many messages at once")
            else:
                self._waiting.append(message)

    def _start_next(self) -> None:
        while self._waiting and self._exchange is None and not self.gone and self._socket.state is State.OPEN:
            self._start(self._waiting.popleft())

    def _start(self, message: bytes) -> None:
        worker, head = self._worker, self._head
        key = worker.snapshot.keys.find(head.headers, head.query.encode("latin-1"))
        if key is None:
            self._refuse(_REVOKED)  # it was known when the connection was made
            return
        try:
            turn = self._turn = self._conversation.turn(message)
            incoming = Incoming(head.path, head.headers, turn.body, head.query)
            if turn.warm_up:
                self.write(answered_by_nobody(head.codec, incoming, worker.now, next(worker.ids)[4:]))
                self._finished()
                return
        except FaultError as error:
            self._refuse(error.fault)
            return
        if worker.running >= worker.limits.streams:
            self._refuse(_TOO_MANY)
            return
        exchange = self._exchange = Exchange(worker, head.codec, incoming, key, self)
        exchange.begin()

    def _refuse(self, fault: Fault) -> None:
        status, _, body = self._head.codec.encode_fault(fault, next(self._worker.ids))
        self.answer(status, b"", body)

    def _remember(self, payload: bytes) -> None:
        try:
            event: Mapping[str, Raw] = json.fields(payload)
            kind, answer = event.get("type"), event.get("response")
            if self._turn is not None and kind is not None and answer is not None and bytes(kind) in _DONE:
                self._conversation.remember(self._turn, json.fields(answer))
        except WireError:
            return  # an upstream's event without what it must have: nobody can go on from it

    def _finished(self) -> None:
        """One message is answered; the next one may wait."""
        self._turn = None
        self._exchange = None
        self._flow = None
        self._reader = SseReader(_LONGEST_EVENT)
        self._send()
        if self._draining:
            self._close(CloseCode.GOING_AWAY, _STOPPING)
        elif self._waiting:
            self._worker.loop.call_soon(self._start_next)

    def _say(self, payload: bytes) -> None:
        if self._socket.state is State.OPEN:
            self._socket.send_text(payload)
            self._send()

    def _close(self, code: CloseCode, reason: str) -> None:
        if self._socket.state is State.OPEN:
            self._socket.send_close(code, reason)
            self._send()

    def _send(self) -> None:
        """Hands over what the websocket has to say; an empty piece means that it is over."""
        for piece in self._socket.data_to_send():
            if piece:
                self._transport.write(piece)
            else:
                self._transport.close()
