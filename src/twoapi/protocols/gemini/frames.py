"""The framings of a stream: server-sent events, one growing JSON array, and a bare JSON document where neither came."""

from twoapi.wire.errors import WireError
from twoapi.wire.json_array import JsonArrayReader
from twoapi.wire.sse import SseReader

_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_MOST_BARE = 1024 * 1024  # bytes of a document that stands outside the framing


class FrameReader:
    """Bytes of an upstream's stream to JSON documents, whichever framing it chose.

    A line that begins with a brace is no event: some errors come so, in the middle of a stream too. What begins there
    is one document up to the end. `array`: the stream is one array; None until its first byte tells.
    """

    __slots__ = ("_array", "_bare", "_bare_size", "_fresh", "_head", "_sse", "array")

    def __init__(self) -> None:
        self.array: bool | None = None
        self._array = JsonArrayReader()
        self._sse = SseReader()
        self._head = b""  # what came before the first byte that tells
        self._bare: list[bytes] | None = None
        self._bare_size = 0
        self._fresh = True  # the next byte begins a line

    def feed(self, data: bytes) -> list[bytes]:
        """The documents that these bytes complete. Raises WireError when one grows over its bound."""
        if self._bare is not None:
            return self._hold(data)
        if self.array is None:
            data = self._head + data
            seen = data.removeprefix(_BOM).lstrip(_SPACE)
            if not seen or _BOM.startswith(seen):
                self._head = data if seen else b""  # half a byte order mark, perhaps
                return []
            self.array = seen[:1] == b"["
            data, self._head = seen, b""
        if self.array:
            return self._array.feed(data)
        return self._events(data)

    def close(self) -> list[bytes]:
        """The last documents, when the connection has ended."""
        if self._bare is not None:
            bare = b"".join(self._bare).strip()
            self._bare = []
            return [bare] if bare else []
        if self.array:
            held = self._array.close()
            return [held] if held else []
        return [payload for _, payload in self._sse.close()]

    @property
    def ended(self) -> bool:
        """True when the array has its closing bracket."""
        return self._array.ended

    def _events(self, data: bytes) -> list[bytes]:
        at = 0 if self._fresh and data[:1] == b"{" else _bare_line(data)
        self._fresh = data[-1:] in (b"\n", b"\r") if data else self._fresh
        if at < 0:
            frames = self._sse.feed(data)
            return [frames[0][1]] if len(frames) == 1 else [payload for _, payload in frames]
        found = [payload for _, payload in (*self._sse.feed(data[:at]), *self._sse.close())]
        self._bare = []
        return found + self._hold(data[at:])

    def _hold(self, data: bytes) -> list[bytes]:
        self._bare_size += len(data)
        if self._bare is None or self._bare_size > _MOST_BARE:
            raise WireError("the stream holds a document that is too large")
        self._bare.append(data)
        return []


def _bare_line(data: bytes) -> int:
    """Where a line begins with a brace; -1 when none does."""
    found = [at + 1 for at in (data.find(b"\n{"), data.find(b"\r{")) if at >= 0]
    return min(found) if found else -1
