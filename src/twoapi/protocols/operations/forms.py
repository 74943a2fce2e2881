"""Multipart forms, read as they come: where their parts stand, and what the short ones say."""

import re
from collections.abc import Mapping

import msgspec

from twoapi.ir import Fault, FaultError
from twoapi.protocols.operations.members import refuse

_LONGEST_HEAD = 16 * 1024  # bytes of a part's headers
_LONGEST_VALUE = 64 * 1024  # bytes of a field that is kept to be looked at
_MOST_PARTS = 1000
# The parameters of a header: `; name="a value"` or `; name=value`.
_parameters = re.compile(rb';[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;\s"]*)').findall
_unquoted = re.compile(rb"\\(.)").sub
_NOT_A_FORM = "send this as multipart/form-data, with a boundary"


class Part(msgspec.Struct, eq=False):
    """A part of a form. `begin`, `content` and `end` are places in the form: of the line end before its delimiter (-2
    for a delimiter that begins the form), of its first byte, and behind its last one. `value`: what a field says; None
    for a file, for a field that is too long to be looked at, and until it has ended.
    """

    name: str
    is_file: bool
    begin: int
    content: int
    end: int = -1
    value: bytes | None = None


class Edit(msgspec.Struct, frozen=True):
    """Other bytes for those of a form from `begin` to `end`."""

    begin: int
    end: int
    data: bytes

    @property
    def growth(self) -> int:
        """By how many bytes the form gets longer."""
        return len(self.data) - (self.end - self.begin)

    def applied(self, form: bytes) -> bytes:
        """A form, or a beginning of it that has the place, with the edit."""
        return form[: self.begin] + self.data + form[self.end :]


UNCHANGED = Edit(0, 0, b"")


def boundary_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The boundary that a request's head says; raises FaultError for one whose body is no form."""
    said = headers.get(b"content-type", b"")
    kind, semicolon, rest = said.partition(b";")
    if kind.strip().lower() != b"multipart/form-data":
        raise FaultError(Fault("invalid_request", _NOT_A_FORM, status=415))
    boundary = _named(semicolon + rest).get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise refuse(_NOT_A_FORM, None)
    return boundary


class FormScanner:
    """Fed with a form's bytes, it knows the parts that have begun so far. Linear in time; what it holds is bounded."""

    __slots__ = ("_at", "_buffer", "_delimiter", "_in_head", "_looked", "_value", "is_complete", "parts")

    def __init__(self, boundary: bytes) -> None:
        self.parts: list[Part] = []
        self.is_complete = False
        self._delimiter = b"\r\n--" + boundary
        self._buffer = b"\r\n"  # as if a line had ended before the first delimiter
        self._at = -2  # the place of the buffer in the form
        self._in_head = False
        self._looked = 0  # bytes of the buffer in which a head does not end
        self._value: list[bytes] | None = None  # of the field at hand

    def feed(self, data: bytes) -> None:
        """More of the form; raises FaultError for what is none."""
        if self.is_complete:
            return
        self._buffer = self._buffer + data if self._buffer else data
        while self._head() if self._in_head else self._content():
            pass

    def close(self) -> None:
        """The form ends here; raises FaultError for one that does not."""
        if not self.is_complete:
            raise refuse("the form is cut short: its last boundary is missing", None)

    def field(self, name: str) -> Part | None:
        """A field that has ended, by its name; raises FaultError when it is there twice, or too long."""
        found = [part for part in self.parts if part.name == name]
        if len(found) > 1:
            raise refuse(f"the form has {name!r} twice", f"/{name}")
        if not found or found[0].end < 0:
            return None
        if found[0].value is None:
            raise refuse("must be a short text", f"/{name}")
        return found[0]

    def _content(self) -> bool:
        """Looks for the next delimiter; False when more must come first."""
        buffer, delimiter, start = self._buffer, self._delimiter, 0
        if self.parts and self._at == self.parts[-1].content:
            if buffer.startswith(delimiter[2:]):  # some would take it for one
                raise refuse("a delimiter of the form stands where no line has ended", None)
            if delimiter.startswith(buffer, 2):
                return False
        while True:
            found = buffer.find(delimiter, start)
            if found < 0:
                self._pass(max(start, len(buffer) - len(delimiter) + 1))
                return False
            start = found + len(delimiter)
            mark = buffer[start : start + 2]
            if len(mark) < 2:
                self._pass(found)
                return False
            if mark in (b"\r\n", b"--"):
                break  # the others only begin like one
        self._pass(found)
        self._end_part()
        self.is_complete = mark == b"--"
        self._in_head = not self.is_complete
        self._looked = len(delimiter)
        return self._in_head

    def _head(self) -> bool:
        """Reads the headers of a part; the buffer begins with its delimiter."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._looked)
        if end < 0:
            if len(buffer) > _LONGEST_HEAD:
                raise refuse(f"the headers of a part of the form are longer than {_LONGEST_HEAD} bytes", None)
            self._looked = max(len(self._delimiter), len(buffer) - 3)
            return False
        if len(self.parts) >= _MOST_PARTS:
            raise refuse(f"the form has more than {_MOST_PARTS} parts", None)
        said = _disposition(buffer[len(self._delimiter) : end])
        is_file = b"filename" in said or b"filename*" in said
        name = said.get(b"name", b"").decode("utf-8", "replace")
        self.parts.append(Part(name, is_file, self._at, self._at + end + 4))
        self._value = None if is_file else []
        self._skip(end + 4)
        self._in_head = False
        return True

    def _pass(self, count: int) -> None:
        """So many bytes are content."""
        value, part = self._value, self.parts[-1] if self.parts else None
        if value is not None and part is not None:
            value.append(self._buffer[:count])
            if self._at + count - part.content > _LONGEST_VALUE:
                self._value = None
        self._skip(count)

    def _skip(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._at += count

    def _end_part(self) -> None:
        if self.parts:
            part = self.parts[-1]
            part.end = self._at
            part.value = None if self._value is None else b"".join(self._value)
            self._value = None


def replaced(part: Part, value: str) -> Edit:
    """Another value for a field."""
    return Edit(part.content, part.end, value.encode())


def removed(part: Part) -> Edit:
    """A form without this part."""
    return Edit(0, part.end + 2, b"") if part.begin < 0 else Edit(part.begin, part.end, b"")


def added(boundary: bytes, name: str, value: str) -> Edit:
    """One more field, before all others."""
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % (boundary, name.encode())
    return Edit(0, 0, head + value.encode() + b"\r\n")


def text_of(part: Part) -> str:
    """What a field says; raises FaultError for what is no text."""
    try:
        return (part.value or b"").decode()
    except UnicodeDecodeError:
        raise refuse("must be UTF-8", f"/{part.name}") from None


def _disposition(head: bytes) -> dict[bytes, bytes]:
    """The parameters of a part's one Content-Disposition; raises FaultError."""
    lines = [line for line in head.split(b"\r\n") if line[:20].lower().startswith(b"content-disposition:")]
    if len(lines) != 1:
        raise refuse("every part of a form has one Content-Disposition", None)
    return _named(b";" + lines[0].partition(b";")[2])


def _named(parameters: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in _parameters(parameters):
        said = _unquoted(rb"\1", value[1:-1]) if value.startswith(b'"') else value
        found.setdefault(name.lower(), said)
    return found
