"""Prompt-cache breakpoints of OpenAI's protocols: on the parts that can hold one, at most four, the last ones."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from twoapi.ir import CacheMark, Loss

_MOST = 4
_SHORT, _LONG = 1800, 43200  # the lifetimes that the vendor offers


class Holder(Protocol):
    """A part of a request that can hold a mark."""

    prompt_cache_breakpoint: Any  # each protocol has a structure of its own for the same members


class Marked(msgspec.Struct, frozen=True):
    """How a protocol marks: the parts that can hold a mark, and the mark of a lifetime ("30m", "12h"; None: none)."""

    name: str
    holders: tuple[type[Holder], ...]
    mark: Callable[[str | None], object]


class CacheMarks(msgspec.Struct, gc=False):
    """Places the marks of one request. `pending`: one that waits for a part that can hold it. `same`: the client spoke
    the protocol, and keeps all of its marks.
    """

    marked: Marked
    losses: list[Loss]
    enabled: bool
    same: bool
    placed: list[tuple[Holder, str]] = []
    pending: tuple[CacheMark, str] | None = None

    def carry(self, mark: CacheMark, path: str) -> None:
        """A mark on something that cannot hold one here: it moves to the next part that can."""
        if not self.enabled:
            self.losses.append(no_marks(path, self.marked.name))
            return
        if self.pending is not None:
            self._drop(self.pending[1], "a later breakpoint takes its place")
        self.pending = (mark, path)

    def place(self, mark: CacheMark | None, path: str, parts: Sequence[object]) -> None:
        """Puts the mark of a part, or else one that waits, on the last of its wire parts that can hold it."""
        if mark is None and self.pending is None:
            return
        holders = self.marked.holders
        for holder in reversed(parts):
            if isinstance(holder, holders):
                break
        else:
            if mark is not None:
                self.carry(mark, path)
            return
        if mark is not None and not self.enabled:
            self.losses.append(no_marks(path, self.marked.name))
            return
        if self.pending is not None:
            waiting, origin = self.pending
            self.pending = None
            if mark is None:
                mark, path = waiting, origin
                self.losses.append(
                    Loss(origin, "moved", self.marked.name, "the cache breakpoint moves to the next part")
                )
            else:
                self._drop(origin, "a later breakpoint takes its place")
        if mark is not None:
            ttl = None if mark.ttl is None else encode_ttl(mark.ttl, path, self.losses, self.marked.name)
            holder.prompt_cache_breakpoint = self.marked.mark(ttl)
            self.placed.append((holder, path))

    def finish(self) -> None:
        """Drops what found no place and what is over the limit."""
        if self.pending is not None:
            self._drop(self.pending[1], "no part behind it can hold a cache breakpoint")
        if self.same or len(self.placed) <= _MOST:
            return
        for part, path in self.placed[:-_MOST]:
            part.prompt_cache_breakpoint = None
            self._drop(path, f"at most {_MOST} cache breakpoints")

    def _drop(self, path: str, why: str) -> None:
        self.losses.append(Loss(path, "dropped", self.marked.name, why))


def no_marks(path: str, target: str) -> Loss:
    """What is lost where the upstream takes no marks."""
    return Loss(path, "dropped", target, "no explicit cache breakpoints")


def encode_ttl(ttl: int, path: str, losses: list[Loss], target: str) -> str:
    """The nearest lifetime that is not shorter."""
    if ttl not in (_SHORT, _LONG):
        losses.append(Loss(path, "approximated", target, "the nearest cache lifetime that is not shorter"))
    return "30m" if ttl <= _SHORT else "12h"
