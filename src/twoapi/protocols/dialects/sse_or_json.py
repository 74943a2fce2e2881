"""Streams that some vendors replace by one JSON document when they fail, whatever they call its type."""

from twoapi.wire.errors import WireError
from twoapi.wire.sse import MAX_EVENT, Frame, SseReader

_BRACE = 123
_SPACE = b" \t\r\n"


class SseOrJson:
    """Bytes to frames, as SseReader; a body that begins with a brace is one frame without a name, told at its end."""

    __slots__ = ("_document", "_max", "_reader", "_size")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._reader: SseReader | None = None
        self._document: list[bytes] = []
        self._size = 0
        self._max = max_event

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. Raises WireError when one grows over the bound."""
        if self._reader is not None:
            return self._reader.feed(data)
        if not self._document:
            data = data.lstrip(_SPACE)
            if not data:
                return []
            if data[0] != _BRACE:
                self._reader = SseReader(self._max)
                return self._reader.feed(data)
        self._size += len(data)
        if self._size > self._max:
            raise WireError(f"the answer is larger than {self._max} bytes")
        self._document.append(data)
        return []

    def close(self) -> list[Frame]:
        """The last frame: what is left of a stream, or the document."""
        if self._reader is not None:
            return self._reader.close()
        document, self._document = b"".join(self._document), []
        return [(b"", document)] if document else []
