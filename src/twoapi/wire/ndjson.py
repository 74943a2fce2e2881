"""JSON documents, one in each line: bytes to lines."""

from twoapi.wire.errors import WireError

MAX_LINE = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class NdjsonReader:
    """Turns any split of a byte stream into its lines; linear in time, bounded in memory.

    Lines end at LF; a CR before it, space around a line and empty lines are left out, and so is a byte order mark at
    the very beginning. What is in a line is not validated.
    """

    __slots__ = ("_held", "_held_size", "_max", "_started")

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._held: list[bytes] = []
        self._held_size = 0
        self._max = max_line
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete. Raises WireError when one line grows over the bound."""
        # Nearly all reads bring one whole line.
        if not self._held and self._started and 0 < len(data) <= self._max and data.find(b"\n") == len(data) - 1:
            return _lines([data])
        first, *rest = data.split(b"\n")
        if not rest:
            self._hold(first)
            return []
        self._hold(first)
        whole = [self._release(), *rest[:-1]]
        if any(len(line) > self._max for line in rest):
            raise self._too_large()
        if rest[-1]:
            self._hold(rest[-1])
        return _lines(whole)

    def close(self) -> list[bytes]:
        """The last line, when the stream ended without a line end."""
        return _lines([self._release()])

    def _hold(self, data: bytes) -> None:
        self._held_size += len(data)
        if self._held_size > self._max:
            raise self._too_large()
        self._held.append(data)

    def _release(self) -> bytes:
        line = b"".join(self._held)
        self._held.clear()
        self._held_size = 0
        if not self._started:
            self._started = True
            return line.removeprefix(_BOM)
        return line

    def _too_large(self) -> WireError:
        return WireError(f"a line of the stream is larger than {self._max} bytes")


def _lines(raw: list[bytes]) -> list[bytes]:
    return [line for one in raw if (line := one.strip())]
