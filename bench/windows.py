"""What a gateway costs while nothing disturbs it.

A neighbour on the same physical core, of whom a virtual machine sees nothing, makes Python cost up to twice as much and
the kernel a quarter more, for tenths of a second or for minutes. So the time of a measurement is looked at in short
windows: those that cost least are the ones in which the gateway was alone.
"""

import contextlib
import mmap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import processes

COUNTS = "counts"  # the file in the folder of a run
REQUESTS, EVENTS = 0, 1
WINDOW = 0.05  # seconds
LEAST = 50  # requests or events that a window must have seen to count
LEAST_DISTURBED = 0.1  # the share of the windows that stand for all
UNDISTURBED = "undisturbed_us"  # the name of the figure


def shared(file: Path) -> "memoryview[int]":
    """Two counters that all processes see which have them open."""
    if not file.exists():
        file.write_bytes(bytes(16))
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), 16)).cast("Q")


class Windows:
    """What one gateway cost in each window, in microseconds for each thing that was counted."""

    def __init__(self) -> None:
        self._costs: list[float] = []

    @property
    def figures(self) -> dict[str, float]:
        """The cost that a tenth of the windows did not exceed, by the name of its figure; nothing where none counts."""
        costs = sorted(self._costs)
        return {UNDISTURBED: costs[int(len(costs) * LEAST_DISTURBED)]} if costs else {}

    def add(self, seconds: float, count: int) -> None:
        """A window; one that saw little says little, and does not count."""
        if count >= LEAST:
            self._costs.append(seconds / count * 1e6)

    @contextlib.contextmanager
    def watch(self, pid: int, counter: Callable[[], int]) -> Iterator[None]:
        """Looks at a process and its present descendants for as long as the block lasts."""
        ended = threading.Event()
        watcher = threading.Thread(target=self._look, args=(processes.clocks(pid), counter, ended))
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def _look(self, clocks: list[int], counter: Callable[[], int], ended: threading.Event) -> None:
        cpu, count = processes.clock_seconds(clocks), counter()
        while not ended.wait(WINDOW):
            before, seen = cpu, count
            cpu, count = processes.clock_seconds(clocks), counter()
            self.add(cpu - before, count - seen)
