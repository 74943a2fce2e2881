"""Prompt-cache breakpoints: on the parts that can hold one, at most four, the last ones."""

import msgspec
from msgspec import Raw

from twoapi.ir import CacheMark, Loss
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME

_MOST = 4
_PLAIN = wire.CacheBreakpoint(mode="explicit")  # never changed
_SHORT, _LONG = 1800, 43200  # the lifetimes that the vendor offers


class CacheMarks(msgspec.Struct):
    """Places the marks of one request. `pending`: one that waits for a part that can hold it."""

    losses: list[Loss]
    enabled: bool
    placed: list[tuple[wire.ContentPart, str]] = []
    pending: tuple[CacheMark, str] | None = None

    def carry(self, mark: CacheMark, path: str) -> None:
        """A mark on something that cannot hold one here: it moves to the next part that can."""
        if not self.enabled:
            self._drop(path, "no explicit cache breakpoints")
            return
        if self.pending is not None:
            self._drop(self.pending[1], "a later breakpoint takes its place")
        self.pending = (mark, path)

    def place(self, mark: CacheMark | None, path: str, parts: list[wire.ContentPart | Raw]) -> None:
        """Puts the mark of a part, or else one that waits, on the last of its wire parts."""
        if mark is None and self.pending is None:
            return
        holder = parts[-1] if parts else None
        if holder is None or type(holder) is Raw or type(holder) is wire.RefusalPart:
            holder = next((part for part in reversed(parts) if _holds(part)), None)
        if holder is None:
            if mark is not None:
                self.carry(mark, path)
            return
        if mark is not None and not self.enabled:
            self._drop(path, "no explicit cache breakpoints")
            return
        if self.pending is not None:
            waiting, origin = self.pending
            self.pending = None
            if mark is None:
                mark, path = waiting, origin
                self.losses.append(Loss(origin, "moved", NAME, "the cache breakpoint moves to the next part"))
            else:
                self._drop(origin, "a later breakpoint takes its place")
        if mark is not None and isinstance(holder, wire.TextPart | wire.ImagePart | wire.AudioPart | wire.FilePart):
            holder.prompt_cache_breakpoint = self._encode(mark, path)
            self.placed.append((holder, path))

    def finish(self) -> None:
        """Drops what found no place and what is over the limit."""
        if self.pending is not None:
            self._drop(self.pending[1], "no part behind it can hold a cache breakpoint")
        if len(self.placed) <= _MOST:
            return
        for part, path in self.placed[:-_MOST]:
            if not isinstance(part, wire.RefusalPart):
                part.prompt_cache_breakpoint = None
                self._drop(path, f"at most {_MOST} cache breakpoints")

    def _encode(self, mark: CacheMark, path: str) -> wire.CacheBreakpoint:
        if mark.ttl is None:
            return _PLAIN
        ttl = encode_ttl(mark.ttl, path, self.losses)
        return wire.CacheBreakpoint(mode="explicit", ttl=ttl)

    def _drop(self, path: str, why: str) -> None:
        self.losses.append(Loss(path, "dropped", NAME, why))


def encode_ttl(ttl: int, path: str, losses: list[Loss]) -> str:
    """The nearest lifetime that is not shorter."""
    if ttl not in (_SHORT, _LONG):
        losses.append(Loss(path, "approximated", NAME, "the nearest cache lifetime that is not shorter"))
    return "30m" if ttl <= _SHORT else "12h"


def _holds(part: wire.ContentPart | Raw) -> bool:
    return not isinstance(part, Raw | wire.RefusalPart)
