"""Where an upstream's copy of a form comes from: the client, as it sends, or a temporary file."""

from collections.abc import Callable, Iterator
from typing import Protocol

from twoapi.gateway.operations.arriving import Arriving
from twoapi.gateway.operations.spool import Spool
from twoapi.ir import Fault, FaultError
from twoapi.protocols.operations.forms import Edit, FormScanner
from twoapi.transport.uploading import Drain, Source

_KEPT = 256 * 1024  # bytes behind the beginning of a form within which it can still be sent again
_PIECE = 256 * 1024  # bytes that are read from a file at once
_GONE = FaultError(Fault("overloaded", "what was stored of the upload cannot be read again", whose="gateway"))


class FormSource(Source, Protocol):
    """One attempt's source. `sent` counts its bytes; `is_paused` while the upstream does not read."""

    sent: int
    is_sent: bool  # to the end
    is_paused: bool

    def flow(self) -> None:
        """There may be more to send."""


class Rest:
    """What follows the beginning of a form. It is looked at on its way, so that nothing in it says otherwise than what
    was acted upon, and kept while it is little.
    """

    __slots__ = ("_arriving", "_check", "_kept", "_scanner", "_size")

    def __init__(self, arriving: Arriving, scanner: FormScanner, check: Callable[[], None]) -> None:
        """`check` looks at the scanner after each piece; raises FaultError."""
        self._arriving = arriving
        self._scanner = scanner
        self._check = check
        self._kept: list[bytes] | None = []
        self._size = 0

    @property
    def is_kept(self) -> bool:
        """True while nothing has been let go, and it can be sent from its beginning."""
        return self._kept is not None

    def piece(self, number: int) -> bytes:
        """The piece of this number; b"" when it is not there, or will never be. Raises FaultError."""
        kept = self._kept
        if kept is not None and number < len(kept):
            return kept[number]
        data = self._arriving.take()
        if data:
            self._scanner.feed(data)
            self._check()
            self._size += len(data)
            if kept is not None and self._size <= _KEPT:
                kept.append(data)
            else:
                self._kept = None
        if self._arriving.is_taken:
            self._scanner.close()
        return data

    def is_last(self, number: int) -> bool:
        """True when no piece has this number or a higher one."""
        kept = self._kept
        return self._arriving.is_taken and (kept is None or number >= len(kept))


class Sending:
    """What sources that wait for their upstream have in common."""

    __slots__ = ("_drain", "is_paused", "is_sent", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.is_sent = False
        self.is_paused = False
        self._drain: Drain | None = None

    def flow_to(self, drain: Drain) -> None:
        """Sends what there is."""
        self._drain = drain
        self.flow()

    def pause(self) -> None:
        """Waits, and makes those wait from whom it has what it sends."""
        self.is_paused = True

    def resume(self) -> None:
        """Goes on."""
        self.is_paused = False
        self.flow()

    def stop(self) -> None:
        """Sends nothing more."""
        self._drain = None

    def flow(self) -> None:
        """Sends what may be sent now."""
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        if self._drain is not None and data:
            self.sent += len(data)
            self._drain.write(data)

    def _end(self) -> None:
        drain, self._drain = self._drain, None
        if drain is not None:
            self.is_sent = True
            drain.end()


class Flowing(Sending):
    """The beginning of a form, then the rest as the client sends it."""

    __slots__ = ("_fail", "_number", "_opening", "_rest")

    def __init__(self, opening: bytes, rest: Rest, fail: Callable[[FaultError], None]) -> None:
        super().__init__()
        self._opening = opening
        self._rest = rest
        self._fail = fail
        self._number = 0

    def flow_to(self, drain: Drain) -> None:
        """Sends what there is."""
        self._drain = drain
        self._write(self._opening)
        self.flow()

    def flow(self) -> None:
        """Sends what there is, and is told of more."""
        try:
            while self._drain is not None and not self.is_paused:
                data = self._rest.piece(self._number)
                if data:
                    self._number += 1
                    self._write(data)
                if self._rest.is_last(self._number):
                    self._end()
                if not data:
                    break
        except FaultError as error:
            self._fail(error)


class Given:
    """A body that is there."""

    __slots__ = ("_data", "is_paused", "is_sent", "sent")

    def __init__(self, data: bytes) -> None:
        self.sent = 0
        self.is_sent = False
        self.is_paused = False
        self._data = data

    def flow_to(self, drain: Drain) -> None:
        """Sends it."""
        self.sent = len(self._data)
        self.is_sent = True
        if self._data:
            drain.write(self._data)
        drain.end()

    def pause(self) -> None:
        """All is sent."""

    def resume(self) -> None:
        """All is sent."""

    def stop(self) -> None:
        """All is sent."""

    def flow(self) -> None:
        """There is no more."""


class Written(Sending):
    """A body that is written piece by piece, each when the upstream has read the one before; between two of them it is
    others' turn, as `later` says.
    """

    __slots__ = ("_is_next", "_later", "_pieces")

    def __init__(self, pieces: Iterator[bytes], later: Callable[[Callable[[], None]], object]) -> None:
        super().__init__()
        self._pieces = pieces
        self._later = later
        self._is_next = False  # its turn is to come

    def flow(self) -> None:
        """Sends the next piece."""
        if self._drain is None or self.is_paused or self._is_next:
            return
        piece = next(self._pieces, None)
        if piece is None:
            self._end()
            return
        self._is_next = True
        self._later(self._turn)
        self._write(piece)

    def _turn(self) -> None:
        self._is_next = False
        self.flow()


class Spooled(Sending):
    """A form out of a file, with one edit."""

    __slots__ = ("_at", "_edit", "_fail", "_is_reading", "_spool")

    def __init__(self, spool: Spool, edit: Edit, fail: Callable[[FaultError], None]) -> None:
        super().__init__()
        self._spool = spool
        self._edit: Edit | None = edit
        self._fail = fail
        self._at = 0
        self._is_reading = False

    def flow(self) -> None:
        """Sends the next piece."""
        edit = self._edit
        if self._drain is None or self.is_paused or self._is_reading:
            return
        if edit is not None and self._at == edit.begin:
            self._edit = None
            self._at = edit.end
            self._write(edit.data)
            self.flow()
        elif self._at >= self._spool.size:
            self._end()
        else:
            end = self._spool.size if edit is None else edit.begin
            self._is_reading = True
            self._spool.read(self._at, min(_PIECE, end - self._at), self._read, self._fail)

    def _read(self, data: bytes) -> None:
        self._is_reading = False
        if self._drain is None:
            return
        if not data:
            self._fail(_GONE)
            return
        self._at += len(data)
        self._write(data)
        self.flow()
