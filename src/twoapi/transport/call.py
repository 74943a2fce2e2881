"""One request to an upstream, and who hears its answer."""

from typing import Protocol

import msgspec

from twoapi.transport.errors import TransportError


class Sink(Protocol):
    """Hears an answer. Nothing is called inside Pool.send(), and nothing after Call.cancel()."""

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The final status (never 1xx) and its headers, names in lower case.

        Where a content coding is undone, the headers do not have it, nor the length of the coded body.
        """

    def on_data(self, data: bytes) -> None:
        """All of the body that one read of the socket brought, never empty."""

    def on_end(self) -> None:
        """The answer is complete, and its connection free: a request sent from here may use it."""

    def on_failure(self, error: TransportError) -> None:
        """There will be no more. Exactly one of on_end and on_failure is called, once."""


class Carrier(Protocol):
    """What has a call in hand: a pool while it waits or is dialled for, then a connection."""

    def drop(self, call: "Call") -> None:
        """Stops working for the call."""

    def hold(self, call: "Call") -> None:
        """Reads no more of its answer."""

    def go_on(self, call: "Call") -> None:
        """Reads its answer again."""


class Call(msgspec.Struct, eq=False):
    """A request on its way. It belongs to the pool that made it until it is over."""

    head: bytes
    body: bytes
    sink: Sink
    carrier: Carrier
    connected: bool = False  # the request was handed to a connection
    is_over: bool = False
    is_paused: bool = False

    def cancel(self) -> None:
        """Stops: the sink hears nothing more, and the upstream sees its connection closed."""
        if not self.is_over:
            self.is_over = True
            self.carrier.drop(self)

    def pause(self) -> None:
        """Stops reading the upstream; what has been read is still delivered."""
        if not (self.is_over or self.is_paused):
            self.is_paused = True
            self.carrier.hold(self)

    def resume(self) -> None:
        """Reads on after pause()."""
        if self.is_paused and not self.is_over:
            self.is_paused = False
            self.carrier.go_on(self)
