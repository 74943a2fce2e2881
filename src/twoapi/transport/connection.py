"""One HTTP/1.1 connection to an upstream: writes a request, reads its answer, is reused."""

import asyncio
from functools import partial
from typing import Protocol, cast

import httptools
import msgspec

from twoapi.transport.call import Call
from twoapi.transport.decompress import Decompressor
from twoapi.transport.errors import FailureKind, TransportError

_KEPT = 4096  # bytes of a request that may be kept until its answer is complete
COPY_LIMIT = 32 * 1024  # a larger body is written beside its head, not copied behind it
_WITHOUT_BODY = (204, 304)
_FRAMING = (b"content-length", b"transfer-encoding")
# Chunks that the parser need not see: by the size of the whole, the line that it must begin with, where its data
# begins, and how much that is.
_CHUNKS = {len(line) + size + 2: (line, len(line), size) for size in range(1, 2048) for line in (b"%x\r\n" % size,)}
_LOOKED_AT = (b"content-encoding", b"transfer-encoding")
_trimmed = bytes.rstrip
_REMEMBERED, _ROW = 256, 4096  # rows of header names, and bytes of one; an upstream that makes them up gains nothing


class Limits(msgspec.Struct, frozen=True):
    """How much of one answer is taken, in bytes. Trailers and chunk extensions count as heads do."""

    head: int = 64 * 1024
    body: int = 256 * 1024 * 1024


class _Names(msgspec.Struct, frozen=True):
    """The names of an answer's headers in order, which are the same from answer to answer. `looked_at`: the places of
    those that say how the body is coded.
    """

    lower: tuple[bytes, ...]
    looked_at: tuple[int, ...]


_names: dict[tuple[bytes, ...], _Names] = {}  # by the names as they were spelled


class Owner(Protocol):
    """The pool, as a connection sees it."""

    def opened(self, connection: "Connection") -> None:
        """It stands."""

    def freed(self, connection: "Connection") -> None:
        """Its answer is complete, and it can carry another."""

    def unusable(self, connection: "Connection") -> None:
        """It must not be used again, though it still stands."""

    def lost(self, connection: "Connection") -> None:
        """It is gone."""

    def retry(self, connection: "Connection", call: Call) -> bool:
        """Sends a call once more whose reused connection turned out closed; False when it is too late for that."""


class _RefusedError(Exception):
    """Raised into the parser, which stops: the answer must not be read on."""


class Connection(asyncio.Protocol):
    """A protocol for the loop, a carrier for its call, the callbacks of its parser.

    The parser only collects; the sink is called after it has returned, so that a sink may do what it likes (cancel,
    pause, send the next request) without being inside the parser.
    """

    # What the parser only has to note goes into a list or dict, without a Python frame: on_body is an append, on_header
    # a setitem, and at a beginning or an end a token is taken, of which there is one for each answer.
    __slots__ = (
        "_barren",
        "_begins",
        "_body",
        "_call",
        "_chunks",
        "_decompressor",
        "_ends",
        "_feed",
        "_has_head",
        "_head",
        "_headers",
        "_is_aborted",
        "_is_between",
        "_is_reused",
        "_is_until_eof",
        "_keeps_alive",
        "_limits",
        "_looked_at",
        "_owner",
        "_parser",
        "_size",
        "_status",
        "_transport",
        "on_body",
        "on_chunk_complete",
        "on_chunk_header",
        "on_header",
        "on_message_begin",
        "on_message_complete",
        "since",
    )

    def __init__(self, owner: Owner, limits: Limits) -> None:
        self._owner = owner
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._call: Call | None = None
        self._body: list[bytes] = []
        self.on_body = self._body.append
        self._headers: dict[bytes, bytes] = {}  # of a name that comes twice the last value
        self.on_header = self._headers.__setitem__
        self._begins = [None]
        self.on_message_begin = self._begins.pop  # fails, and stops the parser, at what follows the end of the answer
        self._ends = [None]
        self.on_message_complete = self._ends.pop
        self._chunks: list[None] = []  # empty in the middle of a chunk
        self.on_chunk_header = self._chunks.clear
        self.on_chunk_complete = partial(self._chunks.append, None)
        self._is_between = False  # the parser stands right behind a chunk
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._head: list[tuple[bytes, bytes]] = []
        self._looked_at: tuple[int, ...] = ()
        self._decompressor: Decompressor | None = None
        self._is_aborted = False
        self._is_reused = False
        self.since = 0.0  # when the owner last gave it a request or took it back

    # --- The owner's side ---------------------------------------------------------------------

    def start(self, call: Call) -> None:
        """Sends a call's request; the connection must be free."""
        transport = self._transport
        assert transport is not None  # noqa: S101  a call is started on a standing connection
        self._call = call
        if call.carrier is not self:
            call.carrier = self
            call.connected = True
        self._has_head = self._is_until_eof = self._is_between = False
        self._barren = self._size = 0
        if not self._begins:
            self._begins.append(None)
        if not self._ends:
            self._ends.append(None)
        if self._headers:
            self._headers.clear()  # trailers of the last answer
        body = call.body
        if len(body) <= COPY_LIMIT:
            transport.write(call.head + body)
        else:
            transport.writelines((call.head, body))
        if call.is_paused:
            transport.pause_reading()

    @property
    def is_open(self) -> bool:
        """True while a request can be written."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Says goodbye: for a connection without a call."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Closes at once, whatever is unsent; also when it does not stand yet."""
        self._is_aborted = True
        if self._transport is not None:
            self._transport.abort()

    def fail(self, kind: FailureKind, message: str) -> None:
        """Ends the call, if there is one, and the connection."""
        self._fail(TransportError(kind, message, sent=True, received=not self._begins))

    # --- The call's side ----------------------------------------------------------------------

    def drop(self, call: Call) -> None:  # noqa: ARG002  it is the one at hand
        """Closes: the rest of the answer cannot be told from the next one otherwise."""
        self._detach()
        self.abort()

    def hold(self, call: Call) -> None:  # noqa: ARG002
        """Pauses the socket."""
        cast("asyncio.Transport", self._transport).pause_reading()

    def go_on(self, call: Call) -> None:  # noqa: ARG002
        """Reads the socket again."""
        cast("asyncio.Transport", self._transport).resume_reading()

    # --- The loop's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast("asyncio.Transport", transport)
        if self._is_aborted:
            self._transport.abort()
        else:
            self._owner.opened(self)

    def data_received(self, data: bytes) -> None:  # noqa: C901, PLR0912, PLR0915  one frame for a read, not three
        """What one read brought: parsed, then told to the sink at once."""
        call = self._call
        if call is None:  # nobody asked: whatever it is, it must not become the next answer
            self._owner.unusable(self)
            self.abort()
            return
        if self._is_between:
            # Nearly every event of a stream comes as one chunk in one read: the parser need not see it.
            chunk = _CHUNKS.get(len(data))
            if chunk is not None:
                line, begin, size = chunk
                total = self._size + size
                if data[:begin] == line and data[-2:] == b"\r\n" and total <= self._limits.body:
                    self._size = total
                    call.sink.on_data(data[begin:-2])
                    return
            self._is_between = False
        error = None
        try:
            self._feed(data)
        except httptools.HttpParserError as stop:
            error = self._broken(stop)
        if self._has_head:
            self._has_head = False
            if len(call.body) > _KEPT:
                call.head = call.body = b""  # not to be sent again
            if not self._deliver_head(call, len(data)):
                return
        pieces = self._body
        if pieces:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            self._barren = 0
            self._size += len(body)
            if self._decompressor is not None or self._size > self._limits.body:
                body = self._checked(body)
                if self._call is not call:
                    return
            if body:
                call.sink.on_data(body)
                if self._call is not call:
                    return
            if self._chunks and self._decompressor is None and data.endswith(b"\r\n"):
                self._is_between = True
        elif self._ends:
            error = error or self._without_body(len(data))
        if error is not None:
            self._fail(error)
        elif not self._ends:
            self._complete(call)

    def eof_received(self) -> None:
        """The upstream will write no more; the loop closes the connection after this."""
        if self._call is None:
            self._owner.unusable(self)
        else:
            self._cut(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._owner.lost(self)
        if self._call is not None:
            self._cut(exc)
        self._transport = None

    # --- The parser's side --------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        """The head of an answer, interim ones included."""
        status = self._parser.get_status_code()
        if status < 200:
            self._swallow(status)
            return
        self._status = status
        headers = self._headers
        spelled = tuple(headers)
        names = _names.get(spelled) or _named(spelled)
        self._head = [*zip(names.lower, map(_trimmed, headers.values()))]  # noqa: B905  as many as it was made of
        self._looked_at = names.looked_at
        headers.clear()  # for trailers, which are forgotten
        self._has_head = True
        # The parser knows this from the head on, and forgets it after on_message_complete.
        self._keeps_alive = keeps_alive = self._parser.should_keep_alive()
        if not keeps_alive:
            self._is_until_eof = not _is_framed(self._head)
        call = self._call
        if status in _WITHOUT_BODY or (call is not None and call.head.startswith(b"HEAD ")):
            self._end_with_head(status)

    def _swallow(self, status: int) -> None:
        """100, 102, 103: the answer is still to come."""
        if status < 100:
            raise _RefusedError(f"status {status}")
        if status == 101:
            raise _RefusedError("a switch of protocols that was not asked for")
        if any(name.lower() in _FRAMING for name in self._headers):
            raise _RefusedError(f"status {status} with a body")
        self._headers.clear()
        self._begins.append(None)
        self._ends.append(None)

    def _end_with_head(self, status: int) -> None:
        """The parser does not know that this answer has no body: where it would wait for one, it is stopped here."""
        self._is_until_eof = False
        if status not in _WITHOUT_BODY or _is_framed(self._head):
            self._ends.clear()
            self._keeps_alive = False
            raise _RefusedError("the answer has no body")

    # --- Delivery -----------------------------------------------------------------------------

    def _deliver_head(self, call: Call, read: int) -> bool:
        """False when the call is over."""
        headers = self._head
        limit = self._limits.head
        if self._barren + read > limit and _size(headers) > limit:
            self._fail(_too_large("head", limit))
            return False
        self._barren = 0
        for place in self._looked_at:
            if headers[place][1] != b"chunked":
                try:
                    headers = self._decoded(headers)
                except TransportError as error:
                    self._fail(error)
                    return False
                break
        call.sink.on_head(self._status, headers)
        return self._call is call

    def _decoded(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers without a content coding that is undone here; raises TransportError for one that cannot be."""
        values = dict(headers)
        if values.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise _protocol("a transfer encoding other than chunked")
        coding = values.get(b"content-encoding", b"").decode("latin-1").strip().lower()
        if coding in ("", "identity"):
            return headers
        self._decompressor = Decompressor(coding, self._limits.body)
        coded = (b"content-encoding", b"content-length")
        return [header for header in headers if header[0] not in coded]

    def _checked(self, data: bytes) -> bytes:
        """The body's bytes decompressed; when they are too many or broken the call fails, and b"" comes back."""
        try:
            if self._size > self._limits.body:
                raise _too_large("body", self._limits.body)
            return data if self._decompressor is None else self._decompressor.feed(data)
        except TransportError as error:
            self._fail(error)
            return b""

    def _without_body(self, read: int) -> TransportError | None:
        """Counts what is neither body nor end: a head, trailers or chunk extensions that may have no end."""
        self._barren += read
        limit = self._limits.head
        return _too_large("head or trailers", limit) if self._barren > limit else None

    def _complete(self, call: Call) -> None:
        if self._decompressor is not None:
            try:
                self._decompressor.finish()
            except TransportError as error:
                self._fail(error)
                return
        transport = self._transport
        assert transport is not None  # noqa: S101  a call is started on a standing connection
        self._call = self._decompressor = None
        call.is_over = True
        if transport.get_write_buffer_size():  # an early answer: the rest of the request is not wanted
            self.abort()
        elif self._keeps_alive and not transport.is_closing():
            if call.is_paused:
                transport.resume_reading()
            self._is_reused = True
            self._owner.freed(self)
        else:
            transport.close()
        call.sink.on_end()

    def _cut(self, exc: Exception | None) -> None:
        """The upstream closed while a call was at hand."""
        call = cast("Call", self._call)
        if self._is_until_eof and exc is None:
            self._keeps_alive = False
            self._complete(call)
        elif self._is_reused and self._begins:
            # It was closed while it lay idle, and we wrote before we knew.
            self._detach()
            self.abort()
            if not self._owner.retry(self, call):
                call.is_over = True
                call.sink.on_failure(TransportError("closed", _closed(exc), sent=True, received=False))
        else:
            self.fail("closed", _closed(exc))

    def _fail(self, error: TransportError) -> None:
        call = self._call
        if call is not None:
            self._detach()
            call.is_over = True
        self.abort()
        if call is not None:
            call.sink.on_failure(error)

    def _detach(self) -> None:
        self._call = None
        self._decompressor = None

    def _broken(self, error: httptools.HttpParserError) -> TransportError | None:
        """What a stop of the parser means; None when the answer is complete all the same."""
        if not self._ends:
            self._keeps_alive = False
            return None
        cause = error.__context__
        reason = cause if isinstance(cause, _RefusedError) else error
        return _protocol(reason)


def _protocol(reason: object) -> TransportError:
    return TransportError("protocol", f"the answer is not valid HTTP: {reason}", sent=True, received=True)


def _too_large(what: str, limit: int) -> TransportError:
    return TransportError("too_large", f"the answer's {what} is larger than {limit} bytes", sent=True, received=True)


def _named(spelled: tuple[bytes, ...]) -> _Names:
    lower = tuple(name.lower() for name in spelled)
    names = _Names(lower, tuple(place for place, name in enumerate(lower) if name in _LOOKED_AT))
    if len(_names) < _REMEMBERED and sum(map(len, spelled)) < _ROW:
        _names[spelled] = names
    return names


def _is_framed(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name in _FRAMING for name, _ in headers)


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)


def _closed(exc: Exception | None) -> str:
    return "the upstream closed the connection" + (f": {exc}" if exc is not None else "")
