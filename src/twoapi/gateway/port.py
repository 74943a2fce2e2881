"""The client's side of an exchange, as the gateway sees it; the server implements it."""

from typing import Protocol


class ClientPort(Protocol):
    r"""Where an answer goes. Header lines are preformatted (`name: value\r\n` ...), without length and connection."""

    gone: bool  # the client has left; nothing can be said any more

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer, at once."""
        ...

    def start_stream(self, headers: bytes) -> None:
        """Status 200 and a body of unknown length; sent with the first write."""
        ...

    def write(self, data: bytes) -> None:
        """More of the body; never b""."""
        ...

    def finish(self) -> None:
        """The body is complete."""
        ...

    def abort(self) -> None:
        """The answer cannot be completed: the connection is closed without an end mark."""
        ...

    def set_flow(self, flow: "Flow | None") -> None:
        """Whom to pause while the client does not read."""
        ...


class Flow(Protocol):
    """Something that delivers bytes and can be told to wait."""

    def pause(self) -> None:
        """Deliver nothing until resume; one read that is under way may still come."""
        ...

    def resume(self) -> None:
        """Go on delivering."""
        ...
