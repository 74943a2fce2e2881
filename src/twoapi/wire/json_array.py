"""A JSON array of objects that grows: bytes to its elements, each as soon as it is whole."""

import re

from twoapi.wire.errors import WireError

MAX_ELEMENT = 16 * 1024 * 1024
_IGNORED = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
# The bytes that change the state, outside of a string and inside of one.
_OUTSIDE = re.compile(rb'["{}\[\]]').search
_INSIDE = re.compile(rb'["\\]').search


class JsonArrayReader:
    """Turns any split of the bytes of one array of objects into its elements; linear in time, bounded in memory.

    An element is given when its last brace comes, not with the comma behind it; what is in it is not validated.
    `ended`: the closing bracket has come. `whole`: the bytes so far end between two elements.
    """

    __slots__ = ("_begun", "_depth", "_escaped", "_held", "_held_size", "_max", "_quoted", "_wanted", "ended")

    def __init__(self, max_element: int = MAX_ELEMENT) -> None:
        self.ended = False
        self._begun = False  # the opening bracket has come
        self._wanted = True  # an element may begin: behind the bracket or a comma
        self._depth = 0  # of braces and brackets inside the array
        self._quoted = False  # inside a string
        self._escaped = False  # behind a backslash
        self._held: list[bytes] = []  # the element that is not whole yet
        self._held_size = 0
        self._max = max_element

    @property
    def whole(self) -> bool:
        """False in the middle of an element."""
        return self._depth == 0

    def feed(self, data: bytes) -> list[bytes]:
        """The elements that these bytes complete.

        Raises WireError when they are no array of objects, and when an element grows over the bound.
        """
        found: list[bytes] = []
        at = start = 0
        size = len(data)
        while at < size:
            if self._depth == 0:
                if not self._opens(data[at]):
                    at += 1
                    continue
                start = at
            at = self._scan(data, at)
            if self._depth == 0:
                self._hold(data[start:at])
                found.append(self.close())
                start = at
        if self._depth:
            self._hold(data[start:])
        return found

    def close(self) -> bytes:
        """The bytes held: of an element that never became whole."""
        held = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held.clear()
        self._held_size = 0
        return held

    def _opens(self, byte: int) -> bool:
        """True for the brace that opens an element; other bytes between elements are taken, or refused."""
        if byte in _IGNORED or (not self._begun and byte in _BOM):
            return False
        if not self._begun:
            self._begun = byte == 91
            legal = self._begun
        elif self.ended:
            legal = False
        elif byte == 123:
            legal, self._wanted = self._wanted, False
        elif byte == 44:
            legal, self._wanted = not self._wanted, True
        else:
            legal = self.ended = byte == 93
        if not legal:
            raise WireError("the stream is not an array of JSON objects")
        return byte == 123

    def _scan(self, data: bytes, at: int) -> int:
        """Where the element ends, or the data."""
        while at < len(data):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE if self._quoted else _OUTSIDE)(data, at)
            if found is None:
                return len(data)
            at = found.end()
            byte = data[at - 1]
            if byte == 92:
                self._escaped = True
            elif byte == 34:
                self._quoted = not self._quoted
            elif byte in b"{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    return at
        return at

    def _hold(self, data: bytes) -> None:
        self._held_size += len(data)
        if self._held_size > self._max:
            raise WireError(f"an element of the stream is larger than {self._max} bytes")
        self._held.append(data)
