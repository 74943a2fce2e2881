"""The limits that twoapi keeps, and whether a run kept them."""

import msgspec

from bench.results import REFERENCE, Figure
from bench.windows import UNDISTURBED


class Goal(msgspec.Struct, frozen=True):
    """A limit for one figure of twoapi: as a ratio to nginx or to another cell, or in the figure's own unit."""

    title: str
    scenario: str
    cell: str
    metric: str
    limit: float
    as_ratio: bool = True
    base: str | None = None  # the cell that the ratio compares with; None: nginx (its median in the same round)

    def measured(self, figures: list[Figure]) -> float | None:
        """What the limit is for: undisturbed where windows were looked at, else the median over the rounds."""
        figure = self._figure(self.cell, UNDISTURBED, figures)
        base = self._figure(self.base or REFERENCE, UNDISTURBED, figures)
        if figure and base and self.windowed:
            return figure.value.low / base.value.low
        return self.median(figures)

    def median(self, figures: list[Figure]) -> float | None:
        """The median over the rounds, disturbed or not."""
        figure = self._figure(self.cell, self.metric, figures)
        if figure is None:
            return None
        if self.base is not None:
            base = self._figure(self.base, self.metric, figures)
            return figure.value.median / base.value.median if base else None
        if not self.as_ratio:
            return figure.value.median
        return figure.ratio.median if figure.ratio else None

    @property
    def windowed(self) -> bool:
        """Whether the cost is that of windows: a burst is sent ahead of what is passed on, more than a window holds."""
        return self.as_ratio and (self.metric == "cpu_us" or self.scenario == "paced")

    def _figure(self, cell: str, metric: str, figures: list[Figure]) -> Figure | None:
        wanted = (self.scenario, cell, metric)
        return next((one for one in figures if (one.scenario, one.cell, one.metric) == wanted), None)


class Verdict(msgspec.Struct, frozen=True):
    """A goal and what came of it. A goal that was not measured is not kept."""

    goal: Goal
    measured: float | None
    before: float | None = None
    median: float | None = None  # of all rounds

    @property
    def kept(self) -> bool:
        return self.measured is not None and self.measured <= self.goal.limit

    @property
    def drift(self) -> float | None:
        """The change since the recorded run, in percent."""
        if self.measured is None or not self.before:
            return None
        return (self.measured / self.before - 1) * 100


RELAY = "twoapi relay"
CHAT_TO_MESSAGES = "twoapi chat-to-messages"
MESSAGES_TO_CHAT = "twoapi messages-to-chat"

GOALS = (
    Goal("JSON, relayed", "json", RELAY, "cpu_us", 2.2),
    Goal("JSON, chat to messages", "json", CHAT_TO_MESSAGES, "cpu_us", 3.5),
    Goal("JSON, messages to chat", "json", MESSAGES_TO_CHAT, "cpu_us", 3.5),
    Goal("burst event, relayed", "burst", RELAY, "event_us", 1.6),
    Goal("burst event, chat to messages", "burst", CHAT_TO_MESSAGES, "event_us", 2.5),
    Goal("burst event, messages to chat", "burst", MESSAGES_TO_CHAT, "event_us", 2.5),
    Goal("paced event, relayed", "paced", RELAY, "event_us", 1.4),
    Goal("paced event, chat to messages", "paced", CHAT_TO_MESSAGES, "event_us", 1.4),
    Goal("paced event, messages to chat", "paced", MESSAGES_TO_CHAT, "event_us", 1.4),
    Goal("216 KB, relayed", "big", RELAY, "cpu_us", 5),
    Goal("216 KB, chat to messages", "big", CHAT_TO_MESSAGES, "cpu_us", 5),
    Goal("216 KB, messages to chat", "big", MESSAGES_TO_CHAT, "cpu_us", 5),
    *(
        Goal(f"{title}, {protocol} for Anthropic", scenario, f"twoapi {cell}", metric, 1.3, base=base)
        for scenario, metric, title in (("protocols", "cpu_us", "JSON"), ("protocols-burst", "event_us", "burst event"))
        for protocol, cell, base in (
            ("to Responses", "chat-to-responses", CHAT_TO_MESSAGES),
            ("to Gemini", "chat-to-gemini", CHAT_TO_MESSAGES),
            ("from Responses", "responses-to-chat", MESSAGES_TO_CHAT),
            ("from Gemini", "gemini-to-chat", MESSAGES_TO_CHAT),
        )
    ),
    Goal("first answer after start, s", "start", "twoapi", "first_answer_s", 1, as_ratio=False),
    Goal("PSS of one worker, MB", "start", "twoapi", "pss_mb", 45, as_ratio=False),
)
DRIFT_TO_SHOW = 15.0  # percent


def judge(figures: list[Figure], recorded: list[Figure], scenarios: set[str]) -> list[Verdict]:
    """The verdict on every goal of the scenarios that were to be measured."""
    return [
        Verdict(goal, goal.measured(figures), goal.measured(recorded), goal.median(figures))
        for goal in GOALS
        if goal.scenario in scenarios
    ]
