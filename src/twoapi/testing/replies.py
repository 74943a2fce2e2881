"""What a fake upstream answers: replies as data, with the faults of real services."""

import asyncio
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Json = Any  # a parsed JSON document
Framing = Literal["length", "chunked", "close"]

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"


class Gate:
    """Holds a reply between its pieces until a test lets them through; works from any thread and any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._tickets = 0
        self._open = False
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.arrivals = 0

    def release(self, pieces: int = 1) -> None:
        """Let so many pieces through, waiting ones first."""
        with self._lock:
            self._tickets += pieces
            self._wake()

    def open(self) -> None:
        """Let everything through from now on."""
        with self._lock:
            self._open = True
            self._wake()

    def wait_arrivals(self, count: int = 1, timeout: float = 10.0) -> None:
        """Block until so many pieces have come to the gate; raises TimeoutError."""
        with self._lock:
            if not self._lock.wait_for(lambda: self.arrivals >= count, timeout):
                raise TimeoutError(f"{self.arrivals} of {count} pieces came to the gate within {timeout} s")

    async def arrived(self, count: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109  the bound of a test
        """As wait_arrivals, for a test that runs in an event loop."""
        await asyncio.to_thread(self.wait_arrivals, count, timeout)

    async def enter(self) -> None:
        """The fake's side: go on when let through."""
        with self._lock:
            self.arrivals += 1
            self._lock.notify_all()
            if self._open or self._tickets > 0:
                self._tickets -= not self._open
                return
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            self._waiters.append((loop, future))
        await future

    def _wake(self) -> None:
        while self._waiters and (self._open or self._tickets > 0):
            loop, future = self._waiters.pop(0)
            if not future.cancelled():
                self._tickets -= not self._open
                loop.call_soon_threadsafe(_resolve, future)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong on the way. All are off by default and combine freely.

    `head_delay`, `body_delay`: seconds before the status line, and before the first byte of the body. `cut_at`: the
    connection ends after so many bytes of the body, by `cut`: "close" (FIN) or "reset" (RST). `chunk`: the body is
    written in pieces of so many bytes. `gate`: every piece waits there. `hang`: nothing more is ever said, from the
    beginning or after the body (whose end then stays open). `gzip`: the body is compressed, whether asked for or not.
    """

    head_delay: float = 0.0
    body_delay: float = 0.0
    cut_at: int | None = None
    cut: Literal["close", "reset"] = "close"
    chunk: int | None = None
    gate: Gate | None = None
    hang: Literal["no", "before_head", "after_head", "after_body"] = "no"
    gzip: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. `pieces` are written one by one (frames of a stream; else a single one).

    `verbatim` replaces everything, status line included. `http` is the version on the status line.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = JSON
    pieces: tuple[bytes, ...] = ()
    framing: Framing = "length"
    http: Literal["1.1", "1.0"] = "1.1"
    close: bool = False
    verbatim: bytes | None = None
    faults: Faults = Faults()

    @property
    def body(self) -> bytes:
        """The whole body, before any fault."""
        return b"".join(self.pieces)

    def without_end(self, pieces: int = 1) -> "Reply":
        """The same stream without its last pieces (the terminal event)."""
        return replace(self, pieces=self.pieces[: len(self.pieces) - pieces])

    def ending_twice(self, pieces: int = 1) -> "Reply":
        """The same stream with its last pieces said once more."""
        return replace(self, pieces=self.pieces + self.pieces[len(self.pieces) - pieces :])

    def having(self, **changes: Json) -> "Reply":
        """The same reply with other fields."""
        return replace(self, **changes)

    def failing(self, **faults: Json) -> "Reply":
        """The same reply with more faults: reply.failing(cut_at=10, chunk=1)."""
        return replace(self, faults=replace(self.faults, **faults))


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON document, as vendors send one."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(status=status, headers=tuple((headers or {}).items()), pieces=(body,))


def sse_reply(frames: bytes | Iterable[bytes], headers: Mapping[str, str] | None = None) -> Reply:
    """A stream of frames, chunked; each frame is one piece."""
    pieces = split_frames(frames) if isinstance(frames, bytes) else tuple(frames)
    return Reply(headers=tuple((headers or {}).items()), content_type=SSE, pieces=pieces, framing="chunked")


def raw_reply(data: bytes) -> Reply:
    """Bytes on the connection as they are, which is then closed."""
    return Reply(verbatim=data, close=True)


def hanging_reply() -> Reply:
    """No answer, ever."""
    return Reply(faults=Faults(hang="before_head"))


def malformed_json_reply() -> Reply:
    """A 200 whose JSON body breaks off in the middle, its length declared as if nothing were wrong."""
    return Reply(pieces=(b'{"id": "x", "object": "chat.completion", "choices": [{"index": 0, "mess',))


def html_reply(status: int = 502) -> Reply:
    """What a proxy in front of a vendor says when the vendor is down."""
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
    return Reply(status=status, content_type="text/html", pieces=(page,))


def split_frames(stream: bytes) -> tuple[bytes, ...]:
    """A transcript with LF line ends, cut behind every blank line."""
    parts = stream.split(b"\n\n")
    frames = [part + b"\n\n" for part in parts[:-1]]
    return tuple([*frames, parts[-1]] if parts[-1] else frames)


# --- Errors, in each vendor's own format -------------------------------------------------------

_OPENAI_TYPES = {
    400: ("invalid_request_error", None),
    401: ("authentication_error", "invalid_api_key"),
    403: ("permission_error", None),
    404: ("invalid_request_error", "model_not_found"),
    409: ("conflict", None),
    413: ("invalid_request_error", None),
    422: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_GOOGLE_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def openai_error(status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Json]:
    """The body of an error of OpenAI's."""
    kind, default = _OPENAI_TYPES.get(status, ("server_error", None))
    return {"error": {"message": message, "type": kind, "param": param, "code": code or default}}


def anthropic_error(status: int, message: str, request_id: str = "req_fake") -> dict[str, Json]:
    """The body of an error of Anthropic's."""
    kind = _ANTHROPIC_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def gemini_error(status: int, message: str) -> dict[str, Json]:
    """The body of an error of Google's."""
    return {"error": {"code": status, "message": message, "status": _GOOGLE_STATUSES.get(status, "INTERNAL")}}


def error_reply(
    protocol: str, status: int, message: str = "made up", *, retry_after: str | None = None, stamp: str = "req_fake"
) -> Reply:
    """An error answer of the protocol's vendor, with or without Retry-After (seconds or an HTTP date)."""
    if protocol == "anthropic-messages":
        body, names = anthropic_error(status, message, stamp), {"request-id": stamp}
    elif protocol == "gemini":
        body, names = gemini_error(status, message), {"x-cloud-trace-context": stamp}
    else:
        body, names = openai_error(status, message), {"x-request-id": stamp}
    if retry_after is not None:
        names["retry-after"] = retry_after
    return json_reply(body, status, names)


def hidden_error_reply(protocol: str, message: str = "made up") -> Reply:
    """An error object inside a 200, as gateways and small servers send it."""
    return error_reply(protocol, 500, message).having(status=200)
