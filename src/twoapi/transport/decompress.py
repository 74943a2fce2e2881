"""Content codings of answers, undone piece by piece and bounded.

We ask for identity, so this is for upstreams that do not listen.
"""

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from twoapi.transport.errors import FailureKind, TransportError

GROWTH = 256  # how much larger than its compressed form a body may be
FREE_GROWTH = 1024 * 1024  # bytes that may come out whatever the growth: short bodies compress best


class _Engine(Protocol):
    """One compressed stream. `decompress` gives at most `limit` bytes; what it could not yet take is in `rest`."""

    def decompress(self, data: bytes, limit: int) -> bytes: ...
    @property
    def rest(self) -> bytes: ...
    @property
    def finished(self) -> bool: ...
    @property
    def trailing(self) -> bytes: ...


class Decompressor:
    """Undoes one content coding. It raises TransportError: protocol for bytes that do not follow it, too_large."""

    def __init__(self, coding: str, max_size: int) -> None:
        make = _engine_of(coding)
        if make is None:
            raise _error("protocol", f"the answer has the content encoding {coding!r}, which cannot be decoded here")
        self._coding = coding
        self._make = make
        self._engine: _Engine | None = None
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
            if self._given > allowed or engine.rest:
                raise _error("too_large", f"the answer grows beyond {allowed} bytes when decompressed")
            pieces.append(piece)
            data = engine.trailing
        return b"".join(pieces)

    def finish(self) -> None:
        """Says that the body is over; raises TransportError when the compressed stream is not."""
        if self._engine is not None and not self._engine.finished:
            raise _error("protocol", f"the answer ends in the middle of its {self._coding} stream")


class _Zlib:
    """gzip and deflate."""

    def __init__(self, window_bits: int) -> None:
        self._engine = zlib.decompressobj(window_bits)

    def decompress(self, data: bytes, limit: int) -> bytes:
        return self._engine.decompress(data, limit)

    @property
    def rest(self) -> bytes:
        return self._engine.unconsumed_tail

    @property
    def finished(self) -> bool:
        return self._engine.eof

    @property
    def trailing(self) -> bytes:
        return self._engine.unused_data


class _Brotli:
    """br, with the library of Brotli's authors from 1.2 on, the first that can bound its output."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401  the module may not be installed
        self._engine = engine
        self._full = False

    def decompress(self, data: bytes, limit: int) -> bytes:
        piece: bytes = self._engine.process(data, output_buffer_limit=limit)
        self._full = not self._engine.can_accept_more_data()
        return piece

    @property
    def rest(self) -> bytes:
        return b"more" if self._full and not self.finished else b""

    @property
    def finished(self) -> bool:
        return bool(self._engine.is_finished())

    @property
    def trailing(self) -> bytes:
        return b""  # one stream only: the library refuses bytes behind it


class _Zstandard:
    """zstd, with the standard library's module (Python 3.14) or its backport."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401  the module may not be installed
        self._engine = engine

    def decompress(self, data: bytes, limit: int) -> bytes:
        piece: bytes = self._engine.decompress(data, limit)
        return piece

    @property
    def rest(self) -> bytes:
        return b"" if self._engine.eof or self._engine.needs_input else b"more"

    @property
    def finished(self) -> bool:
        return bool(self._engine.eof)

    @property
    def trailing(self) -> bytes:
        return bytes(self._engine.unused_data)


def _engine_of(coding: str) -> Callable[[bytes], _Engine] | None:
    match coding:
        case "gzip" | "x-gzip":
            return lambda _: _Zlib(16 + zlib.MAX_WBITS)
        case "deflate":
            return _deflate
        case "br":
            brotli = _first_module("brotli", having="Decompressor")
            if brotli is None or not hasattr(brotli.Decompressor, "can_accept_more_data"):
                return None
            return lambda _: _Brotli(brotli.Decompressor())
        case "zstd":
            zstd = _first_module("compression.zstd", "backports.zstd", having="ZstdDecompressor")
            return None if zstd is None else lambda _: _Zstandard(zstd.ZstdDecompressor())
        case _:
            return None


def _deflate(data: bytes) -> _Engine:
    """The standard wraps deflate in zlib's format; some servers send it bare."""
    is_wrapped = data[0] & 0x0F == zlib.DEFLATED
    return _Zlib(zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)


def _first_module(*names: str, having: str) -> Any:  # noqa: ANN401  a module
    for name in names:
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(module, having):
            return module
    return None


def _error(kind: FailureKind, message: str) -> TransportError:
    return TransportError(kind, message, sent=True, received=True)
