"""What is done to the gateways: each scenario is one kind of load, measured in one unit."""

import msgspec

from bench.gateways import (
    CHAT_TO_MESSAGES,
    CONVERTED,
    DIRECT,
    MESSAGES_TO_CHAT,
    NGINX,
    PLAIN,
    RELAY,
    TWOAPI,
    Gateway,
    Route,
)
from bench.windows import UNDISTURBED


class Cell(msgspec.Struct, frozen=True):
    """One gateway, one way through it."""

    gateway: Gateway
    route: Route

    @property
    def label(self) -> str:
        if len(self.gateway.routes) == 1:
            return self.gateway.name
        return f"{self.gateway.name} {self.route.name}"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of load.

    kind: closed   as many requests as go through, over `count` connections
          paced    `count` streams, one event per `gap` ms each: nothing can be coalesced
          rate     an open loop of `rate` requests per second
          held     `count` streams that are kept open: what each costs in memory
    """

    name: str
    title: str
    kind: str
    metric: str  # the figure that stands for the scenario
    cells: tuple[Cell, ...]
    stream: bool = False
    big: bool = False
    count: int = 32
    rate: float = 0
    gap: float = 0
    delay: float = 0
    words: int = 60
    share: float = 1.0  # of the rounds of a run
    stretch: int = 1  # of the seconds of a measurement


METRICS = {
    "cpu_us": "CPU us/request",
    "event_us": "CPU us/event",
    UNDISTURBED: "undisturbed us",
    "per_second": "requests/s",
    "others_percent": "others on the core %",
    "p50_us": "p50 us",
    "p99_us": "p99 us",
    "first_p50_us": "first byte p50 us",
    "first_p99_us": "first byte p99 us",
    "added_p50_us": "added p50 us",
    "added_p99_us": "added p99 us",
    "added_first_p50_us": "added first byte p50 us",
    "stream_kb": "kB/stream",
    "first_answer_s": "first answer s",
    "pss_mb": "PSS MB, warm",
    "pss_end_mb": "PSS MB, after the load",
}

_RELAYS = (Cell(NGINX, RELAY), Cell(PLAIN, RELAY), Cell(TWOAPI, RELAY))
_ALL = (*_RELAYS, Cell(TWOAPI, CHAT_TO_MESSAGES), Cell(TWOAPI, MESSAGES_TO_CHAT))
_CONVERTED = tuple(Cell(TWOAPI, route) for route in CONVERTED)
_LATENCY = (Cell(DIRECT, RELAY), *_RELAYS, Cell(TWOAPI, CHAT_TO_MESSAGES))
_FAST = tuple(cell for cell in _LATENCY if cell.gateway != PLAIN)  # it cannot serve 4 000 requests/s

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="held",
            title="Memory of 1 000 open streams",
            kind="held",
            metric="stream_kb",
            cells=(*_RELAYS, Cell(TWOAPI, CHAT_TO_MESSAGES)),
            stream=True,
            count=1000,
            gap=1000,
            words=600,
            share=0.1,
        ),
        Scenario(name="json", title="Requests of 1.2 KB", kind="closed", metric="cpu_us", cells=_ALL),
        Scenario(
            name="burst",
            title="Streams in bursts (64 events each)",
            kind="closed",
            metric="event_us",
            cells=_ALL,
            stream=True,
        ),
        Scenario(
            name="paced",
            title="Paced streams (100 streams, one event per 20 ms each)",
            kind="paced",
            metric="event_us",
            cells=_ALL,
            stream=True,
            count=100,
            gap=20,
            words=6000,
            share=0.45,
            stretch=2,
        ),
        Scenario(
            name="big",
            title="Requests of 216 KB (51 turns, 60 tools)",
            kind="closed",
            metric="cpu_us",
            cells=_ALL,
            big=True,
            count=8,
            share=0.7,
        ),
        Scenario(
            name="protocols",
            title="Requests of 1.2 KB, four protocols",
            kind="closed",
            metric="cpu_us",
            cells=_CONVERTED,
            share=0.7,
        ),
        Scenario(
            name="protocols-burst",
            title="Streams in bursts (64 events each), four protocols",
            kind="closed",
            metric="event_us",
            cells=_CONVERTED,
            stream=True,
            share=0.7,
        ),
        Scenario(
            name="rate-50",
            title="Latency at 50 requests/s",
            kind="rate",
            metric="p50_us",
            cells=_LATENCY,
            rate=50,
            share=0.34,
            stretch=3,
        ),
        Scenario(
            name="rate-4000",
            title="Latency at 4 000 requests/s",
            kind="rate",
            metric="p50_us",
            cells=_FAST,
            rate=4000,
            share=0.45,
            stretch=2,
        ),
        Scenario(
            name="first-byte",
            title="First byte of a stream (20/s; the upstream waits 20 ms)",
            kind="rate",
            metric="first_p50_us",
            cells=_LATENCY,
            stream=True,
            rate=20,
            delay=20,
            words=20,
            share=0.23,
            stretch=2,
        ),
    )
}
