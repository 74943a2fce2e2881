"""Content codings of answers, undone piece by piece and bounded.

We ask for identity, so this is for upstreams that do not listen.
"""

from twoapi.transport.errors import FailureKind, TransportError
from twoapi.wire.codings import Engine, engine_of

GROWTH = 256  # how much larger than its compressed form a body may be
FREE_GROWTH = 1024 * 1024  # bytes that may come out whatever the growth: short bodies compress best


class Decompressor:
    """Undoes one content coding. It raises TransportError: protocol for bytes that do not follow it, too_large."""

    def __init__(self, coding: str, max_size: int) -> None:
        make = engine_of(coding)
        if make is None:
            raise _error("protocol", f"the answer has the content encoding {coding!r}, which cannot be decoded here")
        self._coding = coding
        self._make = make
        self._engine: Engine | None = None
        self._max_size = max_size
        self._taken = 0
        self._given = 0

    def feed(self, data: bytes) -> bytes:
        """What these compressed bytes bring."""
        self._taken += len(data)
        allowed = min(self._max_size, max(FREE_GROWTH, GROWTH * self._taken))
        pieces = []
        while data:
            engine = self._engine
            if engine is None or engine.finished:  # bodies may be several streams in a row
                engine = self._engine = self._make(data)
            try:
                piece = engine.decompress(data, allowed - self._given + 1)
            except Exception:  # noqa: BLE001  each library has an error of its own
                raise _error("protocol", f"the answer is not valid {self._coding}") from None
            self._given += len(piece)
            if self._given > allowed or engine.pending:
                raise _error("too_large", f"the answer grows beyond {allowed} bytes when decompressed")
            pieces.append(piece)
            data = engine.trailing
        return b"".join(pieces)

    def finish(self) -> None:
        """Says that the body is over; raises TransportError when the compressed stream is not."""
        if self._engine is not None and not self._engine.finished:
            raise _error("protocol", f"the answer ends in the middle of its {self._coding} stream")


def _error(kind: FailureKind, message: str) -> TransportError:
    return TransportError(kind, message, sent=True, received=True)
