"""A client's connection, as the server that keeps it sees it, whatever is spoken on it."""

from abc import abstractmethod


class Connection:
    """Ours, among what uvicorn keeps. A base, because to look for a protocol in a thousand objects takes long."""

    __slots__ = ()

    @abstractmethod
    def interrupt(self) -> None:
        """The time for the graceful stop is over: what still runs ends with an error."""

    @abstractmethod
    def sweep(self, now: float) -> None:
        """Called about once a second with the loop's time, to close what is silent for too long."""
