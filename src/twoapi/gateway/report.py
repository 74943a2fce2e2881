"""The list of losses, for a client that asked for it: as a header, and behind a stream as a comment or a frame."""

import json  # noqa: TID251  off the path, and the only one that writes ASCII alone
from collections.abc import Iterable, Mapping

from twoapi.ir import Loss

MOST = 16 * 1024  # bytes of a report; what is cut off is counted in its last entry


def wants_report(headers: Mapping[bytes, bytes]) -> bool:
    """True when the client asked for the whole list (`twoapi-report: full`)."""
    return headers.get(b"twoapi-report", b"").strip().lower() == b"full"


def report(losses: Iterable[Loss]) -> bytes:
    """The list as JSON in ASCII without line ends: it fits into a header and into a comment. At most MOST bytes."""
    entries = [
        json.dumps({"path": loss.path, "kind": loss.kind, "target": loss.target, "detail": loss.detail})
        for loss in losses
    ]
    shown, size = 0, 256  # the brackets and the note
    while shown < len(entries) and size + len(entries[shown]) + 2 <= MOST:
        size += len(entries[shown]) + 2
        shown += 1
    if shown < len(entries):
        left = f"{len(entries) - shown} more are not shown: the report is cut at {MOST} bytes"
        entries[shown:] = [json.dumps({"path": "", "kind": "info", "target": "", "detail": left})]
    return f"[{', '.join(entries)}]".encode()


def report_header(losses: Iterable[Loss]) -> bytes:
    """The header line of a report."""
    return b"twoapi-loss-report: %b\r\n" % report(losses)


def report_comment(losses: Iterable[Loss]) -> bytes:
    """The comment behind a stream that tells what was lost after its first byte."""
    return b": twoapi-loss-report %b\n\n" % report(losses)


def report_frame(losses: Iterable[Loss]) -> bytes:
    """The same for clients that take no comments: one more event, with a member that they do not know."""
    return b'data: {"twoapiLossReport": %b}\r\n\r\n' % report(losses)
