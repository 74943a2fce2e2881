"""A whole answer, for those who can wait for it."""

import asyncio
from typing import Protocol

import msgspec

from twoapi.transport.call import Call, Sink
from twoapi.transport.errors import TransportError


class Whole(msgspec.Struct, frozen=True):
    """An answer, read to its end."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class _Pool(Protocol):
    def send(self, head: bytes, body: bytes, sink: Sink) -> Call:
        """As of Pool."""
        ...


async def whole_answer(pool: _Pool, head: bytes, body: bytes = b"") -> Whole:
    """The answer to a request; raises TransportError. A caller that is cancelled cancels the request."""
    hearer = _Hearer(asyncio.get_running_loop())
    call = pool.send(head, body, hearer)
    try:
        await hearer.done
    finally:
        call.cancel()
    return Whole(hearer.status, hearer.headers, b"".join(hearer.pieces))


class _Hearer:
    """Collects one whole answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.status, self.headers = status, headers

    def on_data(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def on_failure(self, error: TransportError) -> None:
        if not self.done.done():
            self.done.set_exception(error)
