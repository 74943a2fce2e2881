"""Content codings of HTTP bodies, undone step by step, so that no step brings more than was asked for."""

import zlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Protocol

CODINGS = ("gzip", "deflate", "br", "zstd")
_WINDOW_LOG = 23  # RFC 9659: what a decoder of this coding must have, and what nobody may ask beyond


class Engine(Protocol):
    """One compressed stream."""

    def decompress(self, data: bytes, limit: int) -> bytes:
        """The next bytes, about `limit` at most. Raises its library's own exceptions when `data` breaks the coding."""
        ...

    @property
    def pending(self) -> bool:
        """True when decompress(b"") gives more."""
        ...

    @property
    def finished(self) -> bool:
        """True at the end of the stream."""
        ...

    @property
    def trailing(self) -> bytes:
        """What came behind the end of the stream."""
        ...


def engine_of(coding: str) -> Callable[[bytes], Engine] | None:  # noqa: PLR0911  one coding after the other
    """What makes an engine for a stream that begins with these bytes; None when the coding is not known here."""
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
            if zstd is None:
                return None
            options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
            return lambda _: _Zstandard(zstd.ZstdDecompressor(options=options))
        case _:
            return None


@cache
def known_codings() -> tuple[str, ...]:
    """The codings that can be undone with what is installed."""
    return tuple(coding for coding in CODINGS if engine_of(coding) is not None)


class _Zlib:
    """gzip and deflate."""

    def __init__(self, window_bits: int) -> None:
        self._engine = zlib.decompressobj(window_bits)

    def decompress(self, data: bytes, limit: int) -> bytes:
        return self._engine.decompress(self._engine.unconsumed_tail + data, limit)

    @property
    def pending(self) -> bool:
        return bool(self._engine.unconsumed_tail)

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
        # It goes over the limit, up to double, and takes data while it still holds output.
        self._full = len(piece) >= limit or not self._engine.can_accept_more_data()
        return piece

    @property
    def pending(self) -> bool:
        return self._full and not self.finished

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
    def pending(self) -> bool:
        return not (self._engine.eof or self._engine.needs_input)

    @property
    def finished(self) -> bool:
        return bool(self._engine.eof)

    @property
    def trailing(self) -> bytes:
        return bytes(self._engine.unused_data)


def _deflate(data: bytes) -> Engine:
    """The standard wraps deflate in zlib's format; some senders use it bare."""
    is_wrapped = data[0] & 0x0F == zlib.DEFLATED
    return _Zlib(zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)


@cache
def _first_module(*names: str, having: str) -> Any:  # noqa: ANN401  a module
    for name in names:
        try:
            module = import_module(name)
        except ImportError:
            continue
        if hasattr(module, having):
            return module
    return None
