"""Stores in a fresh folder, closed in the end."""

from collections.abc import Iterator

import pytest

from twoapi.store.memory import MemoryStore
from twoapi.store.port import Store
from twoapi.store.sqlite import SqliteStore


class Clock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path, clock) -> Iterator[Store]:
    made: Store = SqliteStore(str(tmp_path / "t.db"), clock) if request.param == "sqlite" else MemoryStore(clock)
    yield made
    made.close()
