"""Which event may follow which: a table, and a checker that walks it."""

from twoapi.ir.events import (
    Attach,
    Delta,
    End,
    Event,
    Failed,
    Finish,
    KeepAlive,
    PartEnd,
    PartStart,
    Start,
    UsageUpdate,
)

# state -> event type -> next state; what is not here is illegal.
#   idle: nothing said yet; open: between Start and the terminal; done: after the terminal
TRANSITIONS: dict[str, dict[type, str]] = {
    "idle": {Start: "open", KeepAlive: "idle", Failed: "done"},
    "open": {
        PartStart: "open",
        Delta: "open",
        Attach: "open",
        PartEnd: "open",
        UsageUpdate: "open",
        Finish: "open",
        KeepAlive: "open",
        End: "done",
        Failed: "done",
    },
    "done": {},
}


class GrammarChecker:
    """Walks a stream of events and says what is wrong with it, if anything."""

    __slots__ = ("_finished", "_next", "_open", "state")

    def __init__(self) -> None:
        self.state = "idle"
        self._open: set[tuple[int, int]] = set()
        self._next: dict[int, int] = {}
        self._finished: set[int] = set()

    def check(self, event: Event) -> str | None:
        """None when the event is legal here, else what is wrong."""
        following = TRANSITIONS[self.state].get(type(event))
        if following is None:
            return f"{type(event).__name__} is not legal in state {self.state!r}"
        self.state = following
        if isinstance(event, PartStart):
            return self._start(event)
        if isinstance(event, Delta | Attach | PartEnd):
            return self._inside(event)
        if isinstance(event, Finish):
            return self._finish(event)
        if isinstance(event, End) and self._open:
            return f"End with open parts {sorted(self._open)}"
        return None

    def _start(self, event: PartStart) -> str | None:
        if event.candidate in self._finished:
            return f"part starts after Finish of candidate {event.candidate}"
        expected = self._next.get(event.candidate, 0)
        if event.part != expected:
            return f"part {event.part} of candidate {event.candidate} starts, expected {expected}"
        self._next[event.candidate] = expected + 1
        self._open.add((event.candidate, event.part))
        return None

    def _inside(self, event: Delta | Attach | PartEnd) -> str | None:
        key = (event.candidate, event.part)
        if key not in self._open:
            return f"{type(event).__name__} for part {key}, which is not open"
        if isinstance(event, PartEnd):
            self._open.discard(key)
        return None

    def _finish(self, event: Finish) -> str | None:
        if event.candidate in self._finished:
            return f"candidate {event.candidate} finishes twice"
        if any(candidate == event.candidate for candidate, _ in self._open):
            return f"candidate {event.candidate} finishes with an open part"
        self._finished.add(event.candidate)
        return None


def violations(events: list[Event]) -> list[str]:
    """Everything that is wrong with a complete list of events; [] for a legal one."""
    checker = GrammarChecker()
    found = [f"event {i}: {problem}" for i, event in enumerate(events) if (problem := checker.check(event))]
    if checker.state != "done":
        found.append(f"ends in state {checker.state!r} without End or Failed")
    return found
