"""The headers of an answer: the gateway's own, and those of the upstream's that clients read."""

from collections import Counter

from twoapi.ir import Fault, Loss
from twoapi.policy.route import Candidate

RawHeaders = list[tuple[bytes, bytes]]
# A request's id, and the header in which its client's SDK looks for one.
Named = tuple[bytes, bytes]

# What SDKs and clients read of an upstream's answer. Everything else, cookies first of all, stays here.
_FORWARDED = frozenset({b"request-id", b"x-request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"})
_FORWARDED_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-", b"openai-", b"anthropic-organization-id")
_JSON = b"content-type: application/json\r\n"
_STREAM = b"content-type: text/event-stream; charset=utf-8\r\n"
_SHOWN_LOSSES = 5


def answer_headers(
    request: Named, attempts: int, candidate: Candidate, losses: list[Loss] | None, upstream: RawHeaders
) -> bytes:
    """Header lines of a whole answer."""
    return _lines(_JSON, request, attempts, candidate, losses, upstream)


def stream_headers(
    request: Named, attempts: int, candidate: Candidate, losses: list[Loss] | None, upstream: RawHeaders
) -> bytes:
    """Header lines of a streamed answer."""
    return _lines(_STREAM, request, attempts, candidate, losses, upstream)


def refusal_headers(request: Named, attempts: int, headers: RawHeaders) -> bytes:
    """Header lines of an error; `headers` are the client protocol's own."""
    request_id, id_header = request
    own = b"twoapi-request-id: %b\r\n%b: %b\r\ntwoapi-attempts: %d\r\n" % (request_id, id_header, request_id, attempts)
    return _JSON + own + b"".join(b"%b: %b\r\n" % header for header in headers if header[0] != id_header)


def forwarded(upstream: RawHeaders) -> bytes:
    """What of an upstream's headers reaches the client. They came out of a parser: no value holds a line end."""
    lines = b""
    for name, value in upstream:
        if name in _FORWARDED or name.startswith(_FORWARDED_PREFIXES):
            lines += b"%b: %b\r\n" % (name, value)
    return lines


def _lines(
    content_type: bytes,
    request: Named,
    attempts: int,
    candidate: Candidate,
    losses: list[Loss] | None,
    upstream: RawHeaders,
) -> bytes:
    request_id, id_header = request
    lost = b"relay" if losses is None else loss_summary(losses)
    told = forwarded(upstream)
    if not (told.startswith(id_header) or b"\n" + id_header + b":" in told):
        told += b"%b: %b\r\n" % (id_header, request_id)  # the upstream gave none that this client's SDK would find
    return b"%btwoapi-request-id: %b\r\ntwoapi-attempts: %d\r\ntwoapi-upstream: %b\r\ntwoapi-losses: %b\r\n%b" % (
        content_type,
        request_id,
        attempts,
        candidate.label,
        lost,
        told,
    )


def loss_summary(losses: list[Loss] | None) -> bytes:
    """The count and the kinds: `relay`, `0`, or `3;dropped=2;moved=1`."""
    if losses is None:
        return b"relay"
    if not losses:
        return b"0"
    kinds = Counter(loss.kind for loss in losses)
    return (f"{len(losses)};" + ";".join(f"{kind}={count}" for kind, count in sorted(kinds.items()))).encode()


def loss_refusal(losses: list[Loss]) -> Fault:
    """The answer to a request that must not lose anything and would."""
    shown = "; ".join(f"{loss.path} {loss.kind}: {loss.detail}" for loss in losses[:_SHOWN_LOSSES])
    more = f" and {len(losses) - _SHOWN_LOSSES} more" if len(losses) > _SHOWN_LOSSES else ""
    return Fault(
        "invalid_request",
        f"on_loss is reject, and the upstream's protocol cannot carry {shown}{more}; "
        "leave these out, choose another model, or send `twoapi-on-loss: allow`",
        param=losses[0].path,
        code="conversion_loss",
    )
