"""Requests whose body is sent as it comes, each over a connection of its own."""

from typing import Protocol

from twoapi.transport.call import Call
from twoapi.transport.connection import Connection, Limits, Owner

ENDLESS = 1 << 62  # bytes: what streams through is not kept


class Drain(Protocol):
    """Where a source's bytes go."""

    def write(self, data: bytes) -> None:
        """More of the body; never b""."""

    def end(self) -> None:
        """The body is complete."""


class Source(Protocol):
    """Where a request's body comes from."""

    def flow_to(self, drain: Drain) -> None:
        """The head is written: from now on bytes may go there, from within this call too."""

    def pause(self) -> None:
        """Write nothing until resume."""

    def resume(self) -> None:
        """Go on writing."""

    def stop(self) -> None:
        """Write nothing more: the call is over, or its connection gone. May come twice, and after the end."""


class StreamedCall(Call, eq=False):
    """A request with the source of its body, None when it has none. `chunked`: its length is not known."""

    source: Source | None = None
    chunked: bool = False


class UploadingConnection(Connection):
    """A connection for one streamed request, of which no answer is too large."""

    __slots__ = ("_chunked", "_source")

    def __init__(self, owner: Owner, limits: Limits) -> None:
        super().__init__(owner, Limits(limits.head, ENDLESS))
        self._source: Source | None = None
        self._chunked = False

    def start(self, call: Call) -> None:
        """Sends the head; the body follows as it comes."""
        super().start(call)
        if isinstance(call, StreamedCall) and call.source is not None:
            self._source = call.source
            self._chunked = call.chunked
            call.source.flow_to(self)

    # --- The source's side --------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """More of the body."""
        if self._source is not None and self._transport is not None:
            if self._chunked:
                self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
            else:
                self._transport.write(data)

    def end(self) -> None:
        """The body is complete."""
        if self._source is not None and self._transport is not None and self._chunked:
            self._transport.write(b"0\r\n\r\n")
        self._source = None

    # --- The loop's side ----------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The upstream reads too slowly."""
        if self._source is not None:
            self._source.pause()

    def resume_writing(self) -> None:
        """The upstream has read."""
        if self._source is not None:
            self._source.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop()
        super().connection_lost(exc)

    # --- Delivery -----------------------------------------------------------------------------

    def _complete(self, call: Call) -> None:
        self._stop()
        self._keeps_alive = False  # what the source had left would be taken for the next request
        super()._complete(call)

    def _detach(self) -> None:
        self._stop()
        super()._detach()

    def _stop(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.stop()
