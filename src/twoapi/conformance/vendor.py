"""What an upstream of the suite is: where it listens, what it understands, how it answers."""

from collections.abc import Callable
from typing import Any

import msgspec

from twoapi.conformance.asked import Asked
from twoapi.conformance.reply import Fault, Reply, Spoken

Json = Any  # a parsed JSON document


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A request that reached an upstream; `protocol` "" when there is no such path. `path` has no query."""

    protocol: str
    path: str
    query: str = ""
    headers: dict[str, str]
    body: Json


def _asks_for_stream(arrival: Arrival) -> bool:
    return bool(arrival.body.get("stream"))


def _sse_data(frame: bytes) -> Json:
    text = frame.partition(b"data:")[2].partition(b"\n")[0].strip()
    return None if text in (b"", b"[DONE]") else msgspec.json.decode(text)


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream that speaks one protocol, written from that vendor's reference alone.

    `base` is what a base URL has behind http://HOST:PORT, `takes` is told a path below it. `read` raises LookupError,
    TypeError, AttributeError or ValueError for a body that the vendor cannot read; `refuses` gives pointer and reason
    of all that it would refuse. `say` writes an answer, `fail` the body of an HTTP error, `status` and `headers` what
    stands before that, `break_off` an error in a stream. `event` parses a frame of a stream, None when it holds no
    JSON. `makes_state`: its answers hold state that only it can read. `lacks`: features that it has not, so that a
    gateway may refuse what needs them, and that its answers do not show.
    """

    protocol: str
    base: str
    takes: Callable[[str], bool]
    read: Callable[[Json], Asked]
    say: Callable[[Reply, str], Spoken]
    fail: Callable[[Fault], Json]
    break_off: Callable[[Fault], bytes]
    refuses: Callable[[Arrival], list[tuple[str, str]]] = lambda arrival: []  # noqa: ARG005  nothing more
    streams: Callable[[Arrival], bool] = _asks_for_stream
    as_array: Callable[[Arrival], bool] = lambda arrival: False  # noqa: ARG005  none but one does that
    stream_type: str = "text/event-stream"
    event: Callable[[bytes], Json] = _sse_data
    status: Callable[[Fault], int] = lambda fault: fault.status
    headers: Callable[[Fault], dict[str, str]] = lambda fault: (
        {"retry-after": fault.retry_after} if fault.retry_after else {}
    )
    makes_state: bool = True
    lacks: frozenset[str] = frozenset()
