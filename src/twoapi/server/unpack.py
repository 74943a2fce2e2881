"""A compressed request body, undone within the limit for bodies: a short one at once, a long one in a thread."""

from twoapi.ir import Fault
from twoapi.wire.codings import Engine, engine_of, known_codings

_AT_ONCE = 256 * 1024  # bytes that may come out in the event loop: less than a millisecond
_WHOLE = ("br",)  # whatever is asked for, its library undoes some megabytes at a time
_PIECE = 1 << 20
_STREAMS = 64  # one behind the other in a body; each costs more than its bytes tell


def unknown_coding(coding: str) -> Fault:
    """The refusal of a body whose coding is not known here."""
    known = ", ".join(known_codings())
    message = f"content-encoding {coding[:200]!a} is not supported; send the body uncompressed, or as {known}"
    return Fault("invalid_request", message, status=415)


class Unpacker:
    """One body. `data` is complete when `begin` or `finish` returns True; else `fault` says why there is none."""

    def __init__(self, coding: str, body: bytes, limit: int) -> None:
        """`coding` is one of `known_codings`, `limit` the most bytes that may come out."""
        self._coding = coding
        self._rest = body
        self._limit = limit
        self._size = 0
        self._streams = 0
        self._engine: Engine | None = None
        self._pieces: list[bytes] = []
        self.fault: Fault | None = None

    @property
    def data(self) -> bytes:
        """What has come out."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def begin(self) -> bool:
        """What can be done at once; False when there is more to do, or a fault."""
        return self._coding not in _WHOLE and self._step(_AT_ONCE)

    def finish(self) -> bool:
        """The rest, in whatever thread; False when there is a fault."""
        while self.fault is None:
            if self._step(_PIECE):
                return True
        return False

    def _step(self, size: int) -> bool:
        """Brings up to `size` bytes; True at the end."""
        while size > 0 and self.fault is None:
            engine = self._engine
            if engine is None or engine.finished:
                self._rest = self._rest if engine is None else engine.trailing
                if not self._rest:
                    return True
                engine = self._open()
                if engine is None:
                    break
            size -= self._bring(engine, size)
        return False

    def _open(self) -> Engine | None:
        """The engine of the next stream of the body."""
        make = engine_of(self._coding)
        self._streams += 1
        if make is None or self._streams > _STREAMS:
            self.fault = self._broken(f"consists of more than {_STREAMS} streams")
            return None
        self._engine = make(self._rest)
        return self._engine

    def _bring(self, engine: Engine, size: int) -> int:
        """What the engine gives next; at least 1, as no step is free."""
        data, self._rest = self._rest, b""
        try:
            piece = engine.decompress(data, min(size, self._limit - self._size + 1))
        except Exception:  # noqa: BLE001  each library has an error of its own
            self.fault = self._broken(f"is not valid {self._coding}")
            return 1
        self._size += len(piece)
        if self._size > self._limit:
            self._pieces.clear()
            message = f"the request body is larger than {self._limit} bytes when decompressed"
            self.fault = Fault("too_large", message)
        elif piece:
            self._pieces.append(piece)
        if not (engine.finished or engine.pending):
            self.fault = self.fault or self._broken(f"ends in the middle of its {self._coding} stream")
        return max(1, len(piece))

    def _broken(self, how: str) -> Fault:
        return Fault("invalid_request", f"the request body has content-encoding {self._coding}, but {how}")
