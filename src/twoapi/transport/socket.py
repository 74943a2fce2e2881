"""The face of Pool for upstreams that are asked over a websocket: one connection for each question."""

import asyncio
import ssl
from collections.abc import Callable

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI

from twoapi.transport.call import Call, Sink
from twoapi.transport.connection import Limits
from twoapi.transport.dial import dial, tls_context
from twoapi.transport.endpoint import Endpoint
from twoapi.transport.errors import FailureKind, TransportError
from twoapi.transport.uploading import Source

PARTING = 5.0  # seconds: how long the upstream has to say goodbye, too
_LONGEST_MESSAGE = 16 * 1024 * 1024  # bytes
_EVENTS = [(b"content-type", b"text/event-stream")]  # the answer comes in pieces
# Of an HTTP request; a handshake has its own, and no body.
_OF_HTTP = frozenset((b"host", b"accept-encoding", b"content-type", b"content-length"))
_WORDS = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class SocketPool:
    """Asks one endpoint, whose scheme is ws or wss. Belongs to one event loop.

    A question is one text message, its answer the messages until one that `is_last`, or until the upstream closes.
    Each message is told to the sink on a line of its own: line breaks within become spaces, which in JSON mean the
    same. The status is 200 with the content type of an event stream, or that of the HTTP answer to the handshake when
    the upstream refuses it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        loop: asyncio.AbstractEventLoop,
        is_last: Callable[[bytes], bool],
        ssl_context: ssl.SSLContext | None = None,
        limits: Limits = Limits(),  # noqa: B008  immutable
    ) -> None:
        self.endpoint = endpoint
        self.is_last = is_last
        self.limits = limits
        self.loop = loop
        self.ssl = (ssl_context or tls_context()) if endpoint.scheme == "wss" else None
        self._questions: set[_Question] = set()
        self._is_closed = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def open_connections(self) -> int:
        """Connections that stand."""
        return sum(question.is_open for question in self._questions)

    @property
    def idle_connections(self) -> int:
        """None is kept."""
        return 0

    def send(self, head: bytes, body: bytes, sink: Sink) -> Call:
        """Asks: `head` is that of an HTTP request with its blank line, whose path and own headers the handshake gets.
        Never blocks; the sink is called later.
        """
        question = _Question(self, head, body, sink)
        if self._is_closed:
            self.loop.call_soon(question.fail, "closed", "the pool is closed")
        else:
            self._questions.add(question)
            question.task = self.loop.create_task(question.ask())
            question.task.add_done_callback(question.asked)
        return question.call

    def send_streamed(self, head: bytes, source: Source | None, sink: Sink, *, chunked: bool = False) -> Call:  # noqa: ARG002
        """Fails: a question is one message."""
        question = _Question(self, head, b"", sink)
        self.loop.call_soon(question.fail, "protocol", "nothing is streamed to a websocket")
        return question.call

    def sweep(self, now: float) -> None:
        """Nothing lies idle."""

    async def close(self) -> None:
        """Ends everything: calls at hand fail. Returns when all sockets are closed."""
        self._is_closed = True
        tasks = [question.task for question in self._questions if question.task is not None]
        for question in list(self._questions):
            question.fail("closed", "the pool was closed")
            question.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._questions:
            self._emptied = self.loop.create_future()
            await self._emptied

    def done(self, question: "_Question") -> None:
        """Its connection is gone."""
        self._questions.discard(question)
        if self._emptied is not None and not self._questions and not self._emptied.done():
            self._emptied.set_result(None)


class _Question(asyncio.Protocol):
    """One connection, and the carrier of its call."""

    def __init__(self, pool: SocketPool, head: bytes, body: bytes, sink: Sink) -> None:
        self.call = Call(head, body, sink, self)
        self.task: asyncio.Task[None] | None = None
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._was_open = False
        self._socket: ClientProtocol | None = None
        self._pieces: list[bytes] = []  # of a message that comes in several frames
        self._received = False
        self._told = 0  # bytes of the answer
        self._parting: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """True while its connection stands."""
        return self._transport is not None

    # --- The call's side ----------------------------------------------------------------------

    def drop(self, call: Call) -> None:  # noqa: ARG002  it is the one at hand
        """Closes the connection without a word: nobody wants the rest."""
        self.abort()

    def hold(self, call: Call) -> None:  # noqa: ARG002
        """Reads no more; while it dials, `connection_made` looks at the call."""
        if self._transport is not None:
            self._transport.pause_reading()

    def go_on(self, call: Call) -> None:  # noqa: ARG002
        """Reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Gives up dialling, or closes the socket."""
        if self._transport is not None:
            self._transport.abort()
        elif self.task is not None:
            self.task.cancel()

    # --- The task -----------------------------------------------------------------------------

    async def ask(self) -> None:
        """Connects; all else happens when something comes."""
        try:
            await dial(self._pool.loop, self._pool.endpoint, self._pool.ssl, lambda: self)
        except TransportError as error:
            self._fail(error)

    def asked(self, _: object) -> None:
        """The task is over, also when it was cancelled before it began."""
        if not self._was_open:
            self._pool.done(self)

    # --- The connection -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # dial makes no other
        """Connected: begins the handshake."""
        if self.call.is_over:  # cancelled in the moment in which it was connected
            transport.abort()
            return
        self._transport = transport
        self._was_open = True
        self.call.connected = True
        endpoint, (path, headers) = self._pool.endpoint, _parsed(self.call.head)
        uri = WebSocketURI(endpoint.scheme == "wss", endpoint.host, endpoint.port, path, "")
        self._socket = ClientProtocol(uri, max_size=min(_LONGEST_MESSAGE, self._pool.limits.body))
        request = self._socket.connect()
        for name, value in headers:
            request.headers[name] = value
        self._socket.send_request(request)
        self._send()
        if self.call.is_paused:
            transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes of the upstream's."""
        socket = self._socket
        if socket is None:
            return
        self._received = True
        socket.receive_data(data)
        for event in socket.events_received():
            if isinstance(event, Response):
                self._greeted(socket, event)
            elif isinstance(event, Frame) and event.opcode in _WORDS:
                self._hear(event)
        if isinstance(socket.parser_exc, PayloadTooBig):
            self.fail("too_large", "a message of the answer is too large")
        elif socket.parser_exc is not None:
            self.fail("protocol", "the answer is no valid websocket")
        elif socket.handshake_exc is not None:
            self.fail("protocol", "the upstream does not open a websocket")
        elif socket.close_rcvd is not None:
            self._closed(socket.close_rcvd.code)
        self._send()

    def eof_received(self) -> None:
        """The upstream sends no more."""
        if self._socket is not None:
            self._socket.receive_eof()
            for event in self._socket.events_received():
                if isinstance(event, Response):  # one whose body ended with the connection
                    self._greeted(self._socket, event)
        self.fail("closed", "the upstream closed the connection in the middle of its answer")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why does not matter
        """It is over."""
        self._transport = None
        if self._parting is not None:
            self._parting.cancel()
        self.fail("closed", "the connection to the upstream broke")
        self._pool.done(self)

    def _greeted(self, socket: ClientProtocol, response: Response) -> None:
        """The answer to the handshake: the question goes out, or what the upstream says instead is the answer."""
        if socket.state is State.OPEN:
            socket.send_text(self.call.body)
            return
        if response.status_code == 101 or self.call.is_over:
            return  # of another protocol
        self.call.is_over = True
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.raw_items()
        ]
        self.call.sink.on_head(response.status_code, headers)
        if response.body:
            self.call.sink.on_data(bytes(response.body))
        self.call.sink.on_end()
        self._part()

    def _hear(self, frame: Frame) -> None:
        """A frame; the last one completes a message."""
        self._pieces.append(bytes(frame.data))
        if not frame.fin or self.call.is_over:
            return
        message = b"".join(self._pieces)
        self._pieces.clear()
        if not self._told:
            self.call.sink.on_head(200, _EVENTS)
        self._told += len(message) + 1
        if self._told > self._pool.limits.body:
            self.fail("too_large", f"the answer is larger than {self._pool.limits.body} bytes")
            return
        self.call.sink.on_data(message.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
        if self._pool.is_last(message):
            self._end()

    def _closed(self, code: int) -> None:
        """The upstream said goodbye; whether its answer is complete is for who reads it to say."""
        if self._told and code in (CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD):
            self._end()
        else:
            self.fail("closed", f"the upstream closed the websocket with code {code}")

    def _end(self) -> None:
        if not self.call.is_over:
            self.call.is_over = True
            self.call.sink.on_end()
            self._part()

    def fail(self, kind: FailureKind, message: str) -> None:
        """Ends the call, unless it is over."""
        self._fail(TransportError(kind, message, sent=self._was_open, received=self._received))

    def _fail(self, error: TransportError) -> None:
        if not self.call.is_over:
            self.call.is_over = True
            self.call.sink.on_failure(error)
            self._part()

    def _part(self) -> None:
        """Says goodbye; an upstream that does not answer is not waited for."""
        socket = self._socket
        if socket is None or self._transport is None:
            return
        self._transport.resume_reading()
        if socket.state is State.OPEN:
            socket.send_close(CloseCode.NORMAL_CLOSURE)
            self._send()
            self._parting = self._pool.loop.call_later(PARTING, self.abort)
        elif socket.state is not State.CLOSING:
            self._transport.close()

    def _send(self) -> None:
        """Hands over what the websocket has to say; an empty piece means that it is over."""
        if self._socket is None or self._transport is None:
            return
        for piece in self._socket.data_to_send():
            if piece:
                self._transport.write(piece)
            else:
                self._transport.close()


def _parsed(head: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The path with its query, and the headers that are no matter of HTTP's own."""
    first, *lines = head[:-4].split(b"\r\n")
    pairs = (line.partition(b": ") for line in lines)
    return first.split(b" ")[1].decode(), [
        (name.decode("latin-1"), value.decode("latin-1")) for name, _, value in pairs if name.lower() not in _OF_HTTP
    ]
