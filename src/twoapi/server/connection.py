"""A client's connection, as the server that keeps it sees it, whatever is spoken on it."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Connection(Protocol):
    """Ours, among what uvicorn keeps."""

    def interrupt(self) -> None:
        """The time for the graceful stop is over: what still runs ends with an error."""
        ...

    def sweep(self, now: float) -> None:
        """Called about once a second with the loop's time, to close what is silent for too long."""
        ...
