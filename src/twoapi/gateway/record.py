"""What happened in one exchange, handed to the sinks after the last byte."""

from typing import Literal, Protocol

import msgspec

from twoapi.ir import Loss, Usage

Outcome = Literal["ok", "refused", "failed", "broken", "cancelled"]


class Record(msgspec.Struct, kw_only=True):
    """One exchange. Times in seconds (`started` since the epoch, the others from start); nothing of the content.

    `operation`: what was asked for, "" for an answer of a model. `received`: bytes of a body that was sent on as it
    came. `outcome`: "ok", "refused" (the gateway's own 4xx), "failed" (no upstream answered), "broken" (failed in the
    stream), "cancelled" (the client left). `losses` as the client could see them, None when bytes were relayed.
    """

    request_id: str
    protocol: str
    started: float
    operation: str = ""
    received: int = 0
    model: str = ""
    key: str = ""
    upstream: str = ""
    upstream_model: str = ""
    attempts: int = 0
    stream: bool = False
    status: int = 0
    outcome: Outcome = "ok"
    fault: str = ""
    first_byte: float = 0.0
    duration: float = 0.0
    usage: Usage | None = None
    losses: list[Loss] | None = None


class Sink(Protocol):
    """Where records go; called off the request's path, in batches."""

    def write(self, records: list[Record]) -> None:
        """Take these; must not block for long."""
        ...
