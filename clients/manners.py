"""How an upstream behaves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply

Handler = Callable[[Received], Reply]
_COMMENT_EVERY = 3


@dataclass(frozen=True, kw_only=True)
class Manner:
    """One way to behave. `strict`: refuses unknown fields and what the protocol forbids. `alter` changes the reply to a
    request, which has a number. `breaks`: the job cannot be expected to succeed; the program must only end honestly.
    """

    name: str
    title: str
    strict: bool = True
    breaks: bool = False
    alter: Callable[[Reply, int], Reply] = lambda reply, _number: reply

    def handler(self, model: Handler) -> Handler:
        """The model with this behaviour."""
        numbers = iter(range(1 << 30))
        return lambda request: self.alter(model(request), next(numbers))


def _split(reply: Reply, _number: int) -> Reply:
    return reply.failing(chunk=5)


def _bare(reply: Reply, _number: int) -> Reply:
    """All that the readers of event streams need, and not a byte more, in the least usual way to write it."""
    if not (reply.content_type or "").startswith("text/event-stream"):
        return reply.having(framing="close")
    pieces = []
    for number, piece in enumerate(reply.pieces):
        lines = [line for line in piece.splitlines() if line.startswith(b"data:") and b"[DONE]" not in line]
        if number % _COMMENT_EVERY == 0:
            pieces.append(b": comment\r\n\r\n")
        pieces += [b"data:" + line.removeprefix(b"data: ") + b"\r\n\r\n" for line in lines]
    return replace(reply, pieces=tuple(pieces), framing="close")


def _cut(reply: Reply, number: int) -> Reply:
    """The first answer ends in its middle."""
    return reply.failing(cut_at=len(reply.body) // 2) if number == 0 else reply


def _short(reply: Reply, number: int) -> Reply:
    """The first stream ends as if it were complete, without its last event."""
    if number or reply.framing != "chunked":
        return reply
    return reply.without_end(len(reply.pieces) // 2)


MANNERS = {
    manner.name: manner
    for manner in (
        Manner(name="strict", title="refuses what its vendor would refuse"),
        Manner(name="plain", title="takes everything", strict=False),
        Manner(name="split", title="its bytes come in fives", alter=_split),
        Manner(name="bare", title="no event lines, no [DONE], CRLF, comments, no length", alter=_bare),
        Manner(name="cut", title="the connection breaks in the first answer", alter=_cut, breaks=True),
        Manner(name="short", title="the first stream ends in the middle", alter=_short, breaks=True),
    )
}
