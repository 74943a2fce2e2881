"""Taking turns by weight: the smooth weighted round robin, as a cycle computed once."""

from functools import reduce
from math import gcd

_LONGEST = 10_000


def cycle(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Indices into `weights`, each as often as its weight says and as evenly spread as can be.

    Weights whose cycle would be very long are rounded to one of bearable length; no positive weight becomes 0.
    """
    shares = _reduced(weights)
    total = sum(shares)
    current = [0] * len(shares)
    turns = []
    for _ in range(total):
        for index, share in enumerate(shares):
            current[index] += share
        chosen = max(range(len(shares)), key=lambda index: (current[index], -index))
        current[chosen] -= total
        turns.append(chosen)
    return tuple(turns)


class Turns:
    """Whose turn it is; the only state is a counter."""

    __slots__ = ("_cycle", "_next")

    def __init__(self, weights: tuple[int, ...]) -> None:
        self._cycle = cycle(weights)
        self._next = 0

    def take(self) -> int:
        """The index whose turn it is."""
        turns = self._cycle
        if len(turns) == 1:
            return 0
        position = self._next
        self._next = position + 1 if position + 1 < len(turns) else 0
        return turns[position]


def _reduced(weights: tuple[int, ...]) -> list[int]:
    common = reduce(gcd, weights)
    shares = [weight // common for weight in weights]
    total = sum(shares)
    if total > _LONGEST:
        shares = [max(1, share * _LONGEST // total) for share in shares]
    return shares
