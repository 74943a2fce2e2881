"""Server-sent events: bytes to frames and back (WHATWG HTML 9.2, as LLM vendors use it)."""

from twoapi.wire.errors import WireError

# The event name (b"" when the frame has none) and the data, lines joined with \n.
Frame = tuple[bytes, bytes]

MAX_EVENT = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
LF, CR = b"\n\r"  # as numbers: to look for bytes in bytes costs six times as much


class SseReader:
    """Turns any split of a byte stream into frames; linear in time, bounded in memory.

    Takes CRLF, LF and CR line ends, a byte order mark, comments, `data:` with or without the space, several data
    lines. Frames without data are left out. Lines end at CR and LF only: U+2028 and U+0085 are text.
    """

    __slots__ = ("_held", "_held_size", "_max", "_skip_lf", "_started")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._held: list[bytes] = []
        self._held_size = 0
        self._max = max_event
        self._skip_lf = False
        self._started = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. Raises WireError when one event grows over the bound."""
        # Most reads bring one whole frame of the two forms that vendors send: one split tells it.
        if self._started and not self._held and not self._skip_lf and CR not in data:
            lines = data.split(b"\n", 3)
            if len(lines) == 4:
                first, second, blank, rest = lines
                if not rest and not blank and first[:7] == b"event: " and second[:6] == b"data: ":
                    return [(first[7:], second[6:])]
            elif len(lines) == 3 and not lines[1] and not lines[2] and data[:6] == b"data: " and len(data) > 8:
                return [(b"", data[6:-2])]
        # And one vendor ends its lines with both characters.
        elif (
            data[:6] == b"data: "
            and data[-4:] == b"\r\n\r\n"
            and data.find(b"\r") == len(data) - 4
            and data.find(b"\n") == len(data) - 3
            and self._started
            and not self._held
            and not self._skip_lf
        ):
            return [(b"", data[6:-4])]
        return self._read(data)

    def _read(self, data: bytes) -> list[Frame]:
        if not self._started:
            data = self._start(data)
        if self._skip_lf or CR in data:
            data = self._with_lf(data)
        if not data:
            return []
        if self._held:
            # An event boundary may lie across the seam; nothing held has one inside.
            if not (b"\n\n" in data or (data[0] == 10 and self._held[-1].endswith(b"\n"))):
                self._hold(data)
                return []
            data = self._release(data)
            # The read that goes over the bound may bring the event's end.
            if len(data) > self._max and data.index(b"\n\n") > self._max:
                raise self._too_large()
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        if rest:
            self._hold(rest)
        frames = []
        for block in blocks:
            frame = _parse(block)
            if frame is not None:
                frames.append(frame)
        return frames

    def close(self) -> list[Frame]:
        """The last frame, when the stream ended without a blank line."""
        block = self._release(b"")
        self._started = True
        frame = _parse(block) if block else None
        return [] if frame is None else [frame]

    def _start(self, data: bytes) -> bytes:
        """Drops a byte order mark at the very beginning, also when it comes in pieces."""
        data = self._release(data)
        if len(data) < 3 and _BOM.startswith(data):
            if data:
                self._hold(data)
            return b""
        self._started = True
        return data[3:] if data.startswith(_BOM) else data

    def _with_lf(self, data: bytes) -> bytes:
        """Every line end as LF; a CR at the end of a read may be half of a CRLF."""
        if self._skip_lf and data:
            self._skip_lf = False
            if data[0] == 10:
                data = data[1:]
        if CR in data:
            self._skip_lf = data[-1] == 13
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _release(self, data: bytes) -> bytes:
        """What is held, and these bytes behind it."""
        if not self._held:
            return data
        self._held.append(data)
        data = b"".join(self._held)
        self._held.clear()
        self._held_size = 0
        return data

    def _hold(self, data: bytes) -> None:
        self._held_size += len(data)
        if self._held_size > self._max:
            raise self._too_large()
        self._held.append(data)

    def _too_large(self) -> WireError:
        return WireError(f"an event of the stream is larger than {self._max} bytes")


def _parse(block: bytes) -> Frame | None:
    # The two forms that vendors send; everything else goes line by line.
    lines = block.split(b"\n", 2)
    if len(lines) == 2:
        if lines[0][:7] == b"event: " and lines[1][:6] == b"data: ":
            return lines[0][7:], lines[1][6:]
    elif len(lines) == 1 and block[:6] == b"data: ":
        return (b"", block[6:]) if len(block) > 6 else None
    return _parse_lines(block)


def _parse_lines(block: bytes) -> Frame | None:
    name = b""
    lines: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value
    data = b"\n".join(lines)
    return (name, data) if data else None


def frame(data: bytes, event: bytes = b"") -> bytes:
    """One frame as bytes; `data` must be one line, as JSON documents here are."""
    if event:
        return b"event: " + event + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


def comment(text: bytes = b"keep-alive") -> bytes:
    """A comment frame, which readers ignore (Google's SDKs do not: never send one to a Gemini client)."""
    return b": " + text + b"\n\n"
