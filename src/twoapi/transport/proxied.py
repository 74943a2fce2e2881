"""The face of Pool over aiohttp, for upstreams behind a forward proxy or that want a client certificate."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from twoapi.transport.call import Call, Sink
from twoapi.transport.connection import Limits
from twoapi.transport.decompress import Decompressor
from twoapi.transport.dial import tls_context
from twoapi.transport.endpoint import Endpoint
from twoapi.transport.errors import FailureKind, TransportError
from twoapi.transport.uploading import ENDLESS, Source, StreamedCall

if TYPE_CHECKING:
    from types import SimpleNamespace

    import aiohttp

_CODED = (b"content-encoding", b"content-length")


class ProxiedPool:
    """Sends requests to one endpoint through aiohttp, which is loaded only when such a pool is made."""

    def __init__(  # noqa: PLR0913  each has a default
        self,
        endpoint: Endpoint,
        *,
        loop: asyncio.AbstractEventLoop,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        idle_timeout: float = 60.0,
        max_connections: int | None = None,
        limits: Limits = Limits(),  # noqa: B008  immutable
    ) -> None:
        """`proxy` is http://host:port, with user and password where it wants them; raises ValueError."""
        if proxy is not None and (urlsplit(proxy).scheme != "http" or not urlsplit(proxy).hostname):
            raise ValueError("a proxy must be given as http://host:port")
        self.endpoint = endpoint
        self.limits = limits
        self.proxy = proxy
        self.aiohttp = _load()
        self._loop = loop
        self._ssl = (ssl_context or tls_context()) if endpoint.scheme == "https" else None
        self._idle_timeout = idle_timeout
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None
        self._exchanges: set[_Exchange] = set()
        self._is_closed = False

    @property
    def open_connections(self) -> int:
        """Connections with a request on them; idle ones are aiohttp's own affair."""
        return sum(exchange.call.connected for exchange in self._exchanges)

    @property
    def idle_connections(self) -> int:
        """Not known."""
        return 0

    def send(self, head: bytes, body: bytes, sink: Sink) -> Call:
        """Sends a request: `head` complete with its blank line. Never blocks; the sink is called later."""
        return self._begin(_Exchange(self, lambda carrier: Call(head, body, sink, carrier)))

    def send_streamed(self, head: bytes, source: Source | None, sink: Sink, *, chunked: bool = False) -> Call:
        """The same for a body that comes from a source, and an answer of any size."""
        exchange = _Exchange(
            self, lambda carrier: StreamedCall(head, b"", sink, carrier, source=source, chunked=chunked)
        )
        return self._begin(exchange)

    def _begin(self, exchange: "_Exchange") -> Call:
        if self._is_closed:
            self._loop.call_soon(exchange.fail, exchange.error("closed", "the pool is closed"))
        else:
            self._exchanges.add(exchange)
            exchange.task = self._loop.create_task(exchange.run())
        return exchange.call

    def sweep(self, now: float) -> None:
        """aiohttp closes idle connections by itself."""

    async def close(self) -> None:
        """Ends everything: calls at hand fail. Returns when all sockets are closed."""
        self._is_closed = True
        exchanges = list(self._exchanges)
        for exchange in exchanges:
            exchange.fail(exchange.error("closed", "the pool was closed"))
        await asyncio.gather(*(exchange.task for exchange in exchanges if exchange.task), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def session(self) -> "aiohttp.ClientSession":
        """The one session. It keeps no cookies: they would be shared among clients."""
        if self._session is None:
            http = self.aiohttp
            trace = http.TraceConfig()
            trace.on_connection_reuseconn.append(_on_reuse)
            trace.on_connection_create_end.append(_on_connected)
            trace.on_request_headers_sent.append(_on_sent)
            self._session = http.ClientSession(
                connector=http.TCPConnector(
                    limit=self._max_connections or 0,
                    keepalive_timeout=self._idle_timeout,
                    use_dns_cache=False,
                    ssl=True if self._ssl is None else self._ssl,
                ),
                cookie_jar=http.DummyCookieJar(),
                timeout=http.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
                auto_decompress=False,
                skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
                max_line_size=self.limits.head,
                max_field_size=self.limits.head,
                trace_configs=[trace],
            )
        return self._session

    def done(self, exchange: "_Exchange") -> None:
        """The exchange has ended."""
        self._exchanges.discard(exchange)


class _Exchange:
    """One request in its task; the carrier of its call."""

    def __init__(self, pool: ProxiedPool, make: Callable[["_Exchange"], Call]) -> None:
        self.call = call = make(self)
        self.task: asyncio.Task[None] | None = None
        self.is_reused = False
        self.is_sent = False
        self._pool = pool
        self._received = False
        self._size = 0
        self._limit = ENDLESS if isinstance(call, StreamedCall) else pool.limits.body
        self._may_read = asyncio.Event()
        self._may_read.set()

    # --- The call's side ----------------------------------------------------------------------

    def drop(self, call: Call) -> None:  # noqa: ARG002  it is the one at hand
        """Stops the task, which closes the connection."""
        if self.task is not None:
            self.task.cancel()

    def hold(self, call: Call) -> None:  # noqa: ARG002
        """aiohttp stops reading the socket when its own small buffer is full."""
        self._may_read.clear()

    def go_on(self, call: Call) -> None:  # noqa: ARG002
        """Reads again."""
        self._may_read.set()

    # --- The task -----------------------------------------------------------------------------

    async def run(self) -> None:
        """The request and its answer, told to the sink."""
        try:
            try:
                await self._attempt()
            except self._pool.aiohttp.ClientConnectionError:
                if not (self.is_reused and not self._received) or isinstance(self.call, StreamedCall):
                    raise
                self.is_reused = self.is_sent = False  # it was closed while it lay idle: once more
                await self._attempt()
        except TransportError as error:
            self.fail(error)
        except (self._pool.aiohttp.ClientError, OSError) as error:
            self.fail(self.error(*_cause(self._pool.aiohttp, error)))
        finally:
            self._pool.done(self)

    async def _attempt(self) -> None:
        pool, call = self._pool, self.call
        method, target, headers = _parsed(call.head)
        source = call.source if isinstance(call, StreamedCall) else None
        chunked = source is not None and "transfer-encoding" in dict(headers)  # which aiohttp will say itself
        async with pool.session().request(
            method,
            f"{pool.endpoint.scheme}://{pool.endpoint.authority}{target}",
            headers=[header for header in headers if header[0] != "transfer-encoding"],
            data=(call.body or None) if source is None else _Pipe(source).pieces(),
            chunked=chunked or None,
            proxy=pool.proxy,
            allow_redirects=False,
            server_hostname=pool.endpoint.server_name or None if pool.endpoint.scheme == "https" else None,
            trace_request_ctx=self,
        ) as response:
            self._received = True
            found = [(name.lower(), value) for name, value in response.raw_headers]
            coding = ", ".join(value.decode("latin-1") for name, value in found if name == b"content-encoding")
            decompressor = self._decompressor(coding.strip().lower())
            if decompressor is not None:
                found = [header for header in found if header[0] not in _CODED]
            await self._may_read.wait()
            call.sink.on_head(response.status, found)
            async for data in response.content.iter_any():
                await self._may_read.wait()
                self._deliver(data, decompressor)
            await self._may_read.wait()
            if decompressor is not None:
                decompressor.finish()
        if not call.is_over:
            call.is_over = True
            call.sink.on_end()

    def _decompressor(self, coding: str) -> Decompressor | None:
        return None if coding in ("", "identity") else Decompressor(coding, self._limit)

    def _deliver(self, data: bytes, decompressor: Decompressor | None) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise self.error("too_large", f"the answer's body is larger than {self._limit} bytes")
        if decompressor is not None:
            data = decompressor.feed(data)
        if data and not self.call.is_over:
            self.call.sink.on_data(data)

    def fail(self, error: TransportError) -> None:
        """Ends the call, unless it is over."""
        if not self.call.is_over:
            self.call.is_over = True
            self.call.sink.on_failure(error)
            if self.task is not None and self.task is not asyncio.current_task():
                self.task.cancel()

    def error(self, kind: FailureKind, message: str) -> TransportError:
        """What went wrong, as far as this exchange has come."""
        return TransportError(kind, message, sent=self.is_sent, received=self._received)


class _Pipe:
    """What a source writes, for aiohttp to fetch."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces: deque[bytes] = deque()
        self._more = asyncio.Event()
        self._is_complete = False

    def write(self, data: bytes) -> None:
        self._pieces.append(data)
        self._source.pause()
        self._more.set()

    def end(self) -> None:
        self._is_complete = True
        self._more.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            self._source.flow_to(self)
            while True:
                while self._pieces:
                    yield self._pieces.popleft()
                if self._is_complete:
                    return
                self._more.clear()
                self._source.resume()
                if not (self._pieces or self._is_complete):
                    await self._more.wait()
        finally:
            self._source.stop()


def _load() -> ModuleType:
    try:
        import aiohttp  # noqa: PLC0415  an extra, and 60 ms of start-up
    except ImportError:
        raise RuntimeError("a proxy needs aiohttp: install twoapi[proxy]") from None
    return aiohttp


def _parsed(head: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    first, *lines = head[:-4].split(b"\r\n")
    method, target, _ = first.decode().split(" ")
    pairs = (line.partition(b": ") for line in lines)
    return method, target, [(name.decode(), _text(value)) for name, _, value in pairs]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _cause(http: ModuleType, error: Exception) -> tuple[FailureKind, str]:
    """The kind, and a message of our own: aiohttp's may show the proxy's URL with its password."""
    causes: list[tuple[type[Exception] | tuple[type[Exception], ...], FailureKind, str]] = [
        (http.ClientHttpProxyError, "refused", f"the proxy answered {getattr(error, 'status', '')}"),
        (http.ClientProxyConnectionError, "refused", "the proxy cannot be reached"),
        (http.ClientConnectorDNSError, "dns", "the name cannot be resolved"),
        (http.ClientConnectorCertificateError, "tls", "the upstream's certificate is not accepted"),
        ((http.ClientSSLError, ssl.SSLError), "tls", "the TLS handshake failed"),
        (http.ClientConnectorError, "refused", "the upstream cannot be reached"),
        (TimeoutError, "timeout", "connection timed out"),
        ((http.ClientConnectionError, http.ClientPayloadError, OSError), "closed", "the connection was closed"),
    ]
    for kinds, kind, message in causes:
        if isinstance(error, kinds):
            return kind, message
    return "protocol", "the answer is not valid HTTP"


async def _on_reuse(_: object, context: "SimpleNamespace", __: object) -> None:
    context.trace_request_ctx.is_reused = True
    context.trace_request_ctx.call.connected = True


async def _on_connected(_: object, context: "SimpleNamespace", __: object) -> None:
    context.trace_request_ctx.call.connected = True


async def _on_sent(_: object, context: "SimpleNamespace", __: object) -> None:
    context.trace_request_ctx.is_sent = True
