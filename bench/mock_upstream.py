"""A deterministic upstream of every protocol from canned bytes, as fast as one core can write them.

POST /v1/chat/completions, /v1/responses, /v1/messages   an answer, or a stream when the body says `"stream": true`
POST /v1beta/models/{model}:generateContent, :streamGenerateContent
GET  /_mode?words=60&gap=0&delay=0        for all later requests: text events in a stream; milliseconds between events
                                          (0: one write each, all streams in turn, as fast as
                                          they go) and before the first byte
GET  /_stat                               what has happened so far
GET  /_last                               the last request, head and body, as it came in
GET  /_drop                               breaks off the open streams
"""

import argparse
import asyncio
import gc
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
import uvloop
from typing_extensions import override

from bench import canned
from bench.windows import EVENTS, REQUESTS, shared

T = TypeVar("T")

CONTENT_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
WANTS_STREAM = re.compile(rb'"stream" *: *true')
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\nx-request-id: req_bench\r\n\r\n"
)


class Mode(msgspec.Struct):
    """How streams and answers are paced."""

    words: int = 60
    gap: float = 0.0
    delay: float = 0.0


class Stat(msgspec.Struct):
    """What has happened since the start, and how many streams are open now."""

    connections: int = 0
    requests: int = 0
    events: int = 0
    open: int = 0
    refused: int = 0


class Upstream:
    """What all connections share."""

    def __init__(self, counts: "memoryview[int] | None" = None) -> None:
        self.mode = Mode()
        self.stat = Stat()
        # Requests and events again, where another process may read them at any moment.
        self.counts = counts or memoryview(bytearray(16)).cast("Q")
        self.last = b""
        self.streaming: set[Connection] = set()
        self.answers = {
            b"/v1/chat/completions": whole(canned.chat_answer()),
            b"/v1/responses": whole(canned.responses_answer()),
            b"/v1/messages": whole(canned.messages_answer()),
            b"generateContent": whole(canned.gemini_answer()),
            b"streamGenerateContent": b"",
        }
        self.streams: dict[bytes, list[bytes]] = {}
        self.set_mode("")

    def set_mode(self, query: str) -> None:
        self.mode = msgspec.convert({**msgspec.to_builtins(self.mode), **dict(parse_qsl(query))}, Mode, strict=False)
        self.streams = {
            b"/v1/chat/completions": streamed(canned.chat_events(self.mode.words)),
            b"/v1/responses": streamed(canned.responses_events(self.mode.words)),
            b"/v1/messages": streamed(canned.messages_events(self.mode.words)),
            b"streamGenerateContent": streamed(canned.gemini_events(self.mode.words)),
        }


class Connection(asyncio.Protocol):
    """One connection of a gateway. Requests need a Content-Length and are not pipelined."""

    transport: asyncio.Transport
    descriptor: int

    def __init__(self, upstream: Upstream, loop: asyncio.AbstractEventLoop) -> None:
        self.upstream = upstream
        self.loop = loop
        self.unread = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.descriptor = transport.get_extra_info("socket").fileno()
        self.upstream.stat.connections += 1

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.upstream.streaming.discard(self)

    @override
    def data_received(self, data: bytes) -> None:
        data = self.unread + data if self.unread else data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            self.unread = data
            return
        length = CONTENT_LENGTH.search(data, 0, head)
        end = head + 4 + (int(length[1]) if length else 0)
        if len(data) < end:
            self.unread = data
            return
        self.unread = data[end:]
        self.answer(data, head)

    def answer(self, data: bytes, head: int) -> None:
        path, _, query = data[: data.index(b"\r\n")].split(b" ")[1].partition(b"?")
        upstream = self.upstream
        if path.startswith(b"/_"):
            self.transport.write(whole(self.administer(path, query.decode())))
            return
        upstream.last = data
        if path.startswith(b"/v1beta/"):
            path = path.rpartition(b":")[2]
        if path not in upstream.answers:
            upstream.stat.refused += 1
            self.transport.write(whole(b'{"error":{"message":"no such path"}}', b"404 Not Found"))
            return
        upstream.stat.requests += 1
        upstream.counts[REQUESTS] += 1
        if path == b"streamGenerateContent" or WANTS_STREAM.search(data, head):
            upstream.streaming.add(self)
            self.after_delay(self.begin_stream, upstream.streams[path])
        else:
            self.after_delay(self.write_now, upstream.answers[path])

    def administer(self, path: bytes, query: str) -> bytes:
        if path == b"/_last":
            return self.upstream.last
        if path == b"/_mode":
            self.upstream.set_mode(query)
        if path == b"/_drop":
            for connection in list(self.upstream.streaming):
                connection.transport.abort()
        self.upstream.stat.open = len(self.upstream.streaming)
        return canned.encode(self.upstream.stat)

    def after_delay(self, act: Callable[[T], object], value: T) -> None:
        if delay := self.upstream.mode.delay:
            self.loop.call_later(delay / 1000, act, value)
        else:
            act(value)

    def begin_stream(self, frames: list[bytes]) -> None:
        self.write_event(frames, 0, self.upstream.mode.gap / 1000)

    def write_event(self, frames: list[bytes], index: int, gap: float) -> None:
        upstream = self.upstream
        if self not in upstream.streaming:
            return
        upstream.stat.events += 1
        upstream.counts[EVENTS] += 1
        self.write_now(frames[index])
        index += 1
        if index == len(frames):
            upstream.streaming.discard(self)
        elif gap:
            self.loop.call_later(gap, self.write_event, frames, index, gap)
        else:
            self.loop.call_soon(self.write_event, frames, index, gap)

    def write_now(self, data: bytes) -> None:
        """One system call, past the event loop: the upstream must not be what limits a burst."""
        if not self.transport.get_write_buffer_size():
            try:
                data = data[os.write(self.descriptor, data) :]
            except BlockingIOError:
                pass
            except OSError:  # the client has left: the loop will say so
                return
        if data:
            self.transport.write(data)


def whole(body: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with a length."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\nx-request-id: req_bench\r\n\r\n"
    return head % (status, len(body)) + body


def streamed(events: list[bytes]) -> list[bytes]:
    """Each event as one chunk; the first brings the head along, the last ends the body."""
    frames = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    frames[0] = STREAM_HEAD + frames[0]
    frames[-1] += b"0\r\n\r\n"
    return frames


async def serve(port: int, counts: Path) -> None:
    """Answer until the process is ended."""
    loop = asyncio.get_running_loop()
    upstream = Upstream(shared(counts))
    server = await loop.create_server(lambda: Connection(upstream, loop), "127.0.0.1", port, backlog=4096)
    gc.collect()
    gc.freeze()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--counts", type=Path, required=True, help="a file for what is counted, of 16 bytes")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.counts))
