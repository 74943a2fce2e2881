"""A request's body while it comes in."""

from collections.abc import Callable

_HELD = 64 * 1024  # bytes that wait for whoever takes them; then the client waits


class Arriving:
    """Holds what has come and was not taken yet. `length`: of the whole, where the client says it. `on_more` is called
    when there is more, or all. What is held is bounded by one read of the socket beyond a small buffer.
    """

    __slots__ = ("_held", "_hold", "_pieces", "_resume", "is_complete", "is_held", "length", "on_more", "size")

    def __init__(self, length: int | None, hold: Callable[[], None], resume: Callable[[], None]) -> None:
        """`hold` makes the client wait, `resume` lets it go on."""
        self.length = length
        self.size = 0  # bytes that have come
        self.is_complete = False
        self.is_held = False  # the client waits
        self.on_more: Callable[[], None] | None = None
        self._hold = hold
        self._resume = resume
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, data: bytes) -> None:
        """More has come."""
        self.size += len(data)
        self._held += len(data)
        self._pieces.append(data)
        self._tell()
        if self._held > _HELD and not self.is_held:
            self.is_held = True
            self._hold()

    def finish(self) -> None:
        """That was all."""
        self.is_complete = True
        self._tell()

    def take(self) -> bytes:
        """What has come since the last call; b"" for nothing."""
        pieces, self._pieces = self._pieces, []
        self._held = 0
        if self.is_held:
            self.is_held = False
            if not self.is_complete:
                self._resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    @property
    def is_taken(self) -> bool:
        """True when all has come and was taken."""
        return self.is_complete and not self._pieces

    def _tell(self) -> None:
        if self.on_more is not None:
            self.on_more()
