"""The headers of an answer: the gateway's own, and those of the upstream's that clients read."""

from collections import Counter

from twoapi.gateway.record import Record
from twoapi.gateway.way import Way
from twoapi.ir import Loss
from twoapi.policy.route import Candidate

# What SDKs and clients read of an upstream's answer. Everything else, cookies first of all, stays here.
_FORWARDED = frozenset({b"request-id", b"x-request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"})
_FORWARDED_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-", b"openai-", b"anthropic-organization-id")


def answer_headers(
    record: Record,
    candidate: Candidate | None,
    way: Way | None,
    upstream: list[tuple[bytes, bytes]],
    content_type: bytes,
) -> bytes:
    """Header lines for ClientPort. The upstream's values came out of an HTTP parser: they hold no line ends."""
    lines = b"content-type: %s\r\ntwoapi-request-id: %s\r\ntwoapi-attempts: %d\r\n" % (
        content_type,
        record.request_id.encode(),
        record.attempts,
    )
    if way is not None:
        label = candidate.label if candidate is not None else b"%s/%s" % (
            _header_safe(record.upstream),
            _header_safe(record.upstream_model),
        )
        lines += b"twoapi-upstream: %s\r\ntwoapi-losses: %s\r\n" % (label, loss_summary(way.losses))
    for name, value in upstream:
        if name in _FORWARDED or name.startswith(_FORWARDED_PREFIXES):
            lines += b"%s: %s\r\n" % (name, value)
    return lines


def loss_summary(losses: list[Loss] | None) -> bytes:
    """The count and the kinds: `relay`, `0`, or `3;dropped=2;moved=1`."""
    if losses is None:
        return b"relay"
    if not losses:
        return b"0"
    kinds = Counter(loss.kind for loss in losses)
    return (f"{len(losses)};" + ";".join(f"{kind}={count}" for kind, count in sorted(kinds.items()))).encode()


def _header_safe(text: str) -> bytes:
    return "".join(char if 32 <= ord(char) < 127 else "?" for char in text).encode()
