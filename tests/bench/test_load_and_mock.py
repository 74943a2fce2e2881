"""The load and the mock upstream understand each other, and what processes cost is read right."""

import asyncio
import os
import time
from pathlib import Path

from bench import bodies, canned, processes
from bench.load import Load, Outcome, percentile
from bench.mock_upstream import Connection, Upstream
from bench.windows import EVENTS, REQUESTS, shared


def outcome_of(upstream: Upstream, body: bytes, *, count: int) -> Outcome:
    """What a load sees that asks an upstream one request after the other."""

    async def run() -> Outcome:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: Connection(upstream, loop), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            load = Load(f"http://127.0.0.1:{port}/v1/chat/completions", [], body)
            for _ in range(count):
                await load.ask()
            for connection in load.idle:
                connection.transport.abort()
            return load.outcome(1.0)

    return asyncio.run(run())


def test_requests_share_a_connection() -> None:
    upstream = Upstream()
    outcome = outcome_of(upstream, bodies.chat_body("m", big=True), count=3)
    assert [outcome.requests, outcome.bad, outcome.events] == [3, 0, 0]
    assert [upstream.stat.requests, upstream.stat.connections] == [3, 1]


def test_another_process_can_read_what_is_counted(tmp_path: Path) -> None:
    here, there = shared(tmp_path / "counts"), shared(tmp_path / "counts")
    outcome_of(Upstream(there), bodies.chat_body("m", stream=True), count=2)
    assert [here[REQUESTS], here[EVENTS]] == [2, 2 * len(canned.chat_events(60))]


def test_a_stream_is_sent_event_by_event_and_counted() -> None:
    upstream = Upstream()
    upstream.set_mode("words=7&gap=0.1&delay=0.1")
    outcome = outcome_of(upstream, bodies.chat_body("m", stream=True), count=2)
    assert [outcome.requests, outcome.events] == [2, 2 * len(canned.chat_events(7))]
    assert [upstream.stat.events, len(upstream.streaming)] == [2 * len(canned.chat_events(7)), 0]


def test_a_stopped_upstream_is_a_bad_answer() -> None:
    upstream = Upstream()
    upstream.answers.clear()
    assert outcome_of(upstream, bodies.chat_body("m"), count=1).bad == 1


def test_percentiles_are_in_microseconds() -> None:
    ordered = [number / 1e6 for number in range(1, 101)]
    assert [round(percentile(ordered, share)) for share in (0.5, 0.99, 1.0)] == [51, 100, 100]
    assert percentile([], 0.5) == 0.0


def test_the_cpu_time_of_this_process_is_what_the_system_says() -> None:
    low = time.process_time()
    measured = processes.cpu_seconds(os.getpid())
    assert low <= measured <= time.process_time()


def test_this_process_belongs_to_the_family_of_its_parent() -> None:
    assert os.getpid() in processes.family(os.getppid())
    assert processes.pss_megabytes(os.getpid()) > 1
