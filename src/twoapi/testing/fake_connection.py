"""One connection to a fake upstream: requests in, replies out, both by hand so that every fault is possible."""

import asyncio
import contextlib
import gzip
import http
import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import parse_qsl

from twoapi.testing.replies import Json, Reply


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it came in. `headers` has lower-case names; of a repeated header `header_list` has every value."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    header_list: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    number: int

    def json(self) -> Json:
        """The body as Python values."""
        return json.loads(self.body)

    @property
    def arguments(self) -> dict[str, str]:
        """The query as a mapping."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class Owner(Protocol):
    """What a connection needs of its server."""

    def opened(self, connection: "FakeConnection") -> int:
        """A connection came; its number."""

    def closed(self, connection: "FakeConnection", unfinished: Received | None) -> None:
        """A connection is gone."""

    def answer(self, request: Received) -> Reply:
        """The reply to a request."""


class FakeConnection(asyncio.Protocol):
    """Reads requests one after another and answers each before it looks at the next."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._buffer = bytearray()
        self._number = 0
        self._served = 0
        self._current: Received | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(0)
        with contextlib.suppress(OSError):
            self._socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._number = self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """More of a request, or of the next one."""
        self._buffer += data
        self._next()

    def eof_received(self) -> bool:
        """The client will say nothing more: the connection is closed."""
        return False

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has read."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the name is asyncio's
        """The connection is gone, whoever ended it."""
        self._transport = None
        self._writable.set()
        if self._task is not None:
            self._task.cancel()
        unfinished, self._current = self._current, None
        self._owner.closed(self, unfinished)

    def abort(self) -> asyncio.Task[None] | None:
        """Cut the connection; the task that is still to be awaited."""
        task = self._task
        self._current = None  # the server ended it, no client left
        if task is not None:
            task.cancel()
        if self._transport is not None:
            self._transport.abort()
        return task

    # --- Requests ---

    def _next(self) -> None:
        if self._task is not None or self._transport is None:
            return
        try:
            request = self._parse()
        except ValueError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self._transport.close()
            return
        if request is not None:
            self._current = request
            self._task = asyncio.get_running_loop().create_task(self._serve(request))

    def _parse(self) -> Received | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        pairs = tuple((name.strip().lower(), value.strip()) for name, _, value in (li.partition(":") for li in lines))
        headers = dict(pairs)
        if headers.get("transfer-encoding", "").lower() == "chunked":
            found = _dechunk(self._buffer, end + 4)
            if found is None:
                return None
            body, used = found
        else:
            used = end + 4 + int(headers.get("content-length", "0"))
            if len(self._buffer) < used:
                self._continue(headers)
                return None
            body = bytes(self._buffer[end + 4 : used])
        del self._buffer[:used]
        method, target, _ = first.split(" ", 2)
        path, _, query = target.partition("?")
        self._served += 1
        return Received(
            method=method,
            path=path,
            query=query,
            headers=headers,
            header_list=pairs,
            body=body,
            connection=self._number,
            number=self._served,
        )

    def _continue(self, headers: dict[str, str]) -> None:
        if headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # --- Replies ---

    async def _serve(self, request: Received) -> None:
        try:
            reply = self._owner.answer(request)
        except Exception as error:  # noqa: BLE001  a broken script must not look like a hanging upstream
            reply = Reply(status=500, content_type="text/plain", pieces=(f"the fake's handler: {error!r}".encode(),))
        try:
            stays = await self._send(reply, request)
        except ConnectionError:
            return
        self._current = None
        self._task = None
        if self._transport is None:
            return
        if stays:
            self._next()
        else:
            self._transport.close()

    async def _send(self, reply: Reply, request: Received) -> bool:
        """Write one reply; True when the connection can go on."""
        faults = reply.faults
        if faults.head_delay:
            await asyncio.sleep(faults.head_delay)
        if faults.hang == "before_head":
            await _forever()
        if reply.verbatim is not None:
            await self._pieces(reply, (reply.verbatim,), chunked=False)
            return not reply.close
        pieces = (gzip.compress(reply.body),) if faults.gzip else reply.pieces
        await self._write(_head(reply, sum(map(len, pieces))))
        if faults.hang == "after_head":
            await _forever()
        if request.method == "HEAD":
            return not reply.close
        if faults.body_delay:
            await asyncio.sleep(faults.body_delay)
        chunked = reply.framing == "chunked" and reply.http == "1.1"
        await self._pieces(reply, pieces, chunked=chunked)
        if faults.hang == "after_body":
            await _forever()
        if chunked:
            await self._write(b"0\r\n\r\n")
        return _keeps_alive(reply)

    async def _pieces(self, reply: Reply, pieces: tuple[bytes, ...], *, chunked: bool) -> None:
        faults = reply.faults
        left = faults.cut_at
        for piece in pieces:
            if faults.gate is not None:
                await faults.gate.enter()
            for part in _parts(piece, faults.chunk):
                written = part if left is None else part[:left]
                if written:
                    await self._write(b"%x\r\n%b\r\n" % (len(written), written) if chunked else written)
                if left is not None:
                    left -= len(written)
                    if left == 0:
                        self._cut(reset=faults.cut == "reset")
                if faults.chunk is not None:
                    await asyncio.sleep(0)

    async def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)
        await self._writable.wait()

    def _cut(self, *, reset: bool) -> None:
        self._current = None  # we end it, no client left
        transport = self._transport
        if transport is not None and reset:
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        elif transport is not None:
            transport.close()
        raise ConnectionAbortedError

    def _socket(self) -> socket.socket:
        assert self._transport is not None  # noqa: S101  only called while connected
        found: socket.socket = self._transport.get_extra_info("socket")
        return found


def _head(reply: Reply, size: int) -> bytes:
    try:
        phrase = http.HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Status"
    lines = [f"HTTP/{reply.http} {reply.status} {phrase}"]
    if reply.content_type is not None:
        lines.append(f"content-type: {reply.content_type}")
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if reply.faults.gzip:
        lines.append("content-encoding: gzip")
    if reply.framing == "length":
        lines.append(f"content-length: {size}")
    elif reply.framing == "chunked" and reply.http == "1.1":
        lines.append("transfer-encoding: chunked")
    if not _keeps_alive(reply):
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _keeps_alive(reply: Reply) -> bool:
    return not reply.close and reply.framing != "close" and reply.http == "1.1"


def _parts(piece: bytes, size: int | None) -> Iterator[bytes]:
    if size is None:
        yield piece
    else:
        for start in range(0, len(piece), size):
            yield piece[start : start + size]


def _dechunk(buffer: bytearray, at: int) -> tuple[bytes, int] | None:
    """The body of a chunked request and where it ends; None while it is not all there."""
    body = bytearray()
    while (end := buffer.find(b"\r\n", at)) >= 0:
        size = int(bytes(buffer[at:end]).split(b";")[0], 16)
        start = end + 2
        if len(buffer) < start + size + 2:
            return None
        body += buffer[start : start + size]
        at = start + size + 2
        if size == 0:
            return bytes(body), at
    return None


async def _forever() -> None:
    await asyncio.Event().wait()
