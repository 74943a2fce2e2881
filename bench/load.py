"""The load for latency and streams, and in place of wrk where that is missing. Prints one JSON object.

python -m bench.load closed  --url U --body F --count 32 --seconds 3    connections that ask again at once
python -m bench.load rate    --url U --body F --rate 50 --seconds 3     an open loop: asks on time, answered or not
python -m bench.load streams --url U --body F --count 100 --seconds 3   opens streams, holds them, then leaves
"""

import argparse
import asyncio
import contextlib
import gc
import time
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop
from typing_extensions import override

MARK = b"data:"
PATIENCE = 30.0  # seconds for one answer


class Outcome(msgspec.Struct):
    """What one run of the load saw; times in microseconds."""

    seconds: float = 0.0
    requests: int = 0
    bad: int = 0
    events: int = 0
    p50: float = 0.0
    p99: float = 0.0
    first_p50: float = 0.0
    first_p99: float = 0.0


class Answer(msgspec.Struct):
    """One answer; times in seconds since the request was written."""

    status: int = 0
    events: int = 0
    first: float = 0.0  # the first byte of the body
    total: float = 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection that carries one request at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.alive = False
        self.answer = Answer()
        self.waiter: asyncio.Future[Answer] | None = None
        self.tail = b""
        self.started = 0.0
        self.parser = httptools.HttpResponseParser(self)

    def ask(self, raw: bytes) -> "asyncio.Future[Answer]":
        """Send a request; the future is done when its answer is complete or the connection is lost."""
        self.answer = Answer()
        self.tail = b""
        self.parser = httptools.HttpResponseParser(self)
        self.waiter = asyncio.get_running_loop().create_future()
        self.started = time.perf_counter()
        self.transport.write(raw)
        return self.waiter

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.alive = True

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        self.answer.status = 0
        self._finish()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        if not self.answer.first:
            self.answer.first = time.perf_counter() - self.started
        seen = self.tail + body
        self.answer.events += seen.count(MARK)
        self.tail = seen[-len(MARK) + 1 :]

    def on_message_complete(self) -> None:
        self.answer.status = self.parser.get_status_code()
        self.answer.total = time.perf_counter() - self.started
        self.alive = self.parser.should_keep_alive()
        if not self.alive:
            self.transport.close()
        self._finish()

    def _finish(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(self.answer)


class Load:
    """Connections to one address and what came back over them."""

    def __init__(self, url: str, headers: list[str], body: bytes) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 80
        lines = [
            f"POST {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        self.raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
        self.idle: list[Connection] = []
        self.answers: list[Answer] = []
        self.bad = 0

    async def ask(self) -> None:
        try:
            connection = await self._connection()
            answer = await asyncio.wait_for(connection.ask(self.raw), PATIENCE)
        except (OSError, TimeoutError):
            self.bad += 1
            return
        if answer.status == 200:
            self.answers.append(answer)
        else:
            self.bad += 1
        if connection.alive:
            self.idle.append(connection)

    async def closed(self, count: int, seconds: float) -> None:
        end = time.perf_counter() + seconds

        async def ask_until_the_end() -> None:
            while time.perf_counter() < end:
                await self.ask()

        await asyncio.gather(*(ask_until_the_end() for _ in range(count)))

    async def rate(self, rate: float, seconds: float) -> None:
        await asyncio.gather(*(self.ask() for _ in range(max(4, round(rate / 100)))))  # opens the connections
        self.answers.clear()
        start = time.perf_counter()
        waiting: set[asyncio.Task[None]] = set()
        for number in range(round(rate * seconds)):
            if (pause := start + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            task = asyncio.create_task(self.ask())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        await asyncio.gather(*waiting)

    async def streams(self, count: int, seconds: float) -> None:
        opened: list[tuple[Connection, asyncio.Future[Answer]]] = []
        for _ in range(count):
            try:
                connection = await self._connection()
            except OSError:
                self.bad += 1
                continue
            opened.append((connection, connection.ask(self.raw)))
            await asyncio.sleep(0.0005)  # the accept queue is not what is measured
        await asyncio.sleep(seconds)
        for connection, waiter in opened:
            if waiter.done():  # it ended before we left
                self.bad += 1
            self.answers.append(connection.answer)
            connection.transport.abort()

    def outcome(self, seconds: float) -> Outcome:
        totals = sorted(answer.total for answer in self.answers)
        firsts = sorted(answer.first for answer in self.answers)
        return Outcome(
            seconds=seconds,
            requests=len(self.answers),
            bad=self.bad,
            events=sum(answer.events for answer in self.answers),
            p50=percentile(totals, 0.5),
            p99=percentile(totals, 0.99),
            first_p50=percentile(firsts, 0.5),
            first_p99=percentile(firsts, 0.99),
        )

    async def _connection(self) -> Connection:
        while self.idle:
            connection = self.idle.pop()
            if connection.alive:
                return connection
        return (await asyncio.get_running_loop().create_connection(Connection, self.host, self.port))[1]


def percentile(ordered: list[float], share: float) -> float:
    """In microseconds; 0 when there is nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e6 if ordered else 0.0


async def run(options: argparse.Namespace) -> Outcome:
    """The load that the options ask for."""
    load = Load(options.url, options.header, Path(options.body).read_bytes())  # noqa: ASYNC240  before the load starts
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    match options.mode:
        case "closed":
            await load.closed(options.count, options.seconds)
        case "rate":
            await load.rate(options.rate, options.seconds)
        case mode:
            assert mode == "streams"
            await load.streams(options.count, options.seconds)
    return load.outcome(time.perf_counter() - start)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("closed", "rate", "streams"))
    parser.add_argument("--url", required=True)
    parser.add_argument("--body", required=True, help="a file")
    parser.add_argument("--header", action="append", default=[], help="Name: value")
    parser.add_argument("--count", type=int, default=32, help="connections or streams")
    parser.add_argument("--rate", type=float, default=50, help="requests per second")
    parser.add_argument("--seconds", type=float, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        print(msgspec.json.encode(uvloop.run(run(arguments()))).decode())
