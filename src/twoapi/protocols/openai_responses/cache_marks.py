"""Prompt-cache breakpoints: on the parts that can hold one, at most four, the last ones."""

from twoapi.ir import CacheMark, Loss
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.name import NAME

_MOST = 4
_SHORT, _LONG = 1800, 43200  # the lifetimes that the vendor offers

Holder = wire.InputText | wire.InputImage | wire.InputFile


class CacheMarks:
    """Places the marks of one request."""

    __slots__ = ("_enabled", "_losses", "_placed", "_same", "pending")

    def __init__(self, losses: list[Loss], *, enabled: bool, same: bool) -> None:
        self._losses = losses
        self._enabled = enabled
        self._same = same
        self._placed: list[tuple[Holder, str]] = []
        self.pending: tuple[CacheMark, str] | None = None

    def carry(self, mark: CacheMark, path: str) -> None:
        """A mark on something that cannot hold one here: it moves to the next part that can."""
        if not self._enabled:
            self._drop(path, "no explicit cache breakpoints")
            return
        if self.pending is not None:
            self._drop(self.pending[1], "a later breakpoint takes its place")
        self.pending = (mark, path)

    def place(self, mark: CacheMark | None, path: str, parts: list[wire.WrittenPart]) -> None:
        """Puts the mark of a part, or else one that waits, on the last of its wire parts that can hold it."""
        if mark is None and self.pending is None:
            return
        holder = next((part for part in reversed(parts) if isinstance(part, Holder)), None)
        if holder is None:
            if mark is not None:
                self.carry(mark, path)
            return
        if mark is not None and not self._enabled:
            self._drop(path, "no explicit cache breakpoints")
            return
        if self.pending is not None:
            waiting, origin = self.pending
            self.pending = None
            if mark is None:
                mark, path = waiting, origin
                self._losses.append(Loss(origin, "moved", NAME, "the cache breakpoint moves to the next part"))
            else:
                self._drop(origin, "a later breakpoint takes its place")
        if mark is not None:
            ttl = None if mark.ttl is None else encode_ttl(mark.ttl, path, self._losses)
            holder.prompt_cache_breakpoint = wire.CacheBreakpoint(mode="explicit", ttl=ttl)
            self._placed.append((holder, path))

    def finish(self) -> None:
        """Drops what found no place and what is over the limit; a client of the same protocol keeps all."""
        if self.pending is not None:
            self._drop(self.pending[1], "no part behind it can hold a cache breakpoint")
        if self._same:
            return
        for part, path in self._placed[:-_MOST]:
            part.prompt_cache_breakpoint = None
            self._drop(path, f"at most {_MOST} cache breakpoints")

    def _drop(self, path: str, why: str) -> None:
        self._losses.append(Loss(path, "dropped", NAME, why))


def encode_ttl(ttl: int, path: str, losses: list[Loss]) -> str:
    """The nearest lifetime that is not shorter."""
    if ttl not in (_SHORT, _LONG):
        losses.append(Loss(path, "approximated", NAME, "the nearest cache lifetime that is not shorter"))
    return "30m" if ttl <= _SHORT else "12h"
