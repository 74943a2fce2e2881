"""The headers of an answer: the gateway's own, and those of the upstream's that clients read."""

from collections import Counter
from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter

import msgspec

from twoapi.ir import Fault, Loss
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.wire.http import Outgoing

RawHeaders = list[tuple[bytes, bytes]]
# A request's id, and the header in which its client's SDK looks for one.
Named = tuple[bytes, bytes]

# What SDKs and clients read of an upstream's answer. Everything else, cookies first of all, stays here.
_FORWARDED = frozenset({b"request-id", b"x-request-id", b"retry-after", b"retry-after-ms", b"x-should-retry"})
_FORWARDED_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-", b"openai-", b"anthropic-organization-id")
JSON = b"content-type: application/json\r\n"
EVENT_STREAM = b"content-type: text/event-stream; charset=utf-8\r\n"
_SHOWN_LOSSES = 5
_REMEMBERED = 1024  # loss summaries; there is no end of them only when somebody makes them up
_ROWS, _ROW = 256, 4096  # rows of header names, and bytes of one
_kind = attrgetter("kind")  # no frame for each
_summaries: dict[tuple[str, ...], bytes] = {(): b"0"}


class _Form(msgspec.Struct, frozen=True):
    """What of an answer's headers reaches the client: `lines` wait for the values that `picked` finds."""

    names: tuple[bytes, ...]
    lines: bytes
    picked: Callable[[tuple[bytes, ...]], bytes | tuple[bytes, ...]]


_forms: dict[tuple[bytes, ...], _Form] = {}  # by the names of all headers: an upstream's are always the same


def answer_headers(
    request: Named,
    attempts: int,
    candidate: Candidate,
    losses: list[Loss] | None,
    upstream: RawHeaders,
    content_type: bytes = JSON,
) -> bytes:
    """Header lines of an answer that an upstream gave."""
    request_id, id_header = request
    told, has_id = b"", False
    if upstream:
        names, values = zip(*upstream)  # noqa: B905  of pairs
        form = _forms.get(names) or _form(names)
        told, has_id = form.lines % form.picked(values), id_header in form.names
    if not has_id:
        told += b"%b: %b\r\n" % (id_header, request_id)  # the upstream gave none that this client's SDK would find
    return b"%btwoapi-request-id: %b\r\ntwoapi-attempts: %d\r\ntwoapi-upstream: %b\r\ntwoapi-losses: %b\r\n%b" % (
        content_type,
        request_id,
        attempts,
        candidate.label,
        b"relay" if losses is None else loss_summary(losses),
        told,
    )


def refusal_headers(request: Named, attempts: int, headers: RawHeaders) -> bytes:
    """Header lines of an error; `headers` are the client protocol's own."""
    request_id, id_header = request
    own = b"twoapi-request-id: %b\r\n%b: %b\r\ntwoapi-attempts: %d\r\n" % (request_id, id_header, request_id, attempts)
    return JSON + own + b"".join(b"%b: %b\r\n" % header for header in headers if header[0] != id_header)


def _form(names: tuple[bytes, ...]) -> _Form:
    """They came out of a parser: no value holds a line end."""
    told = [place for place, name in enumerate(names) if name in _FORWARDED or name.startswith(_FORWARDED_PREFIXES)]
    passed = tuple(names[place] for place in told)
    lines = b"".join(b"%b: %%b\r\n" % name.replace(b"%", b"%%") for name in passed)
    form = _Form(passed, lines, itemgetter(*told) if told else _nothing)
    if len(_forms) < _ROWS and sum(map(len, names)) < _ROW:
        _forms[names] = form
    return form


def _nothing(_values: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return ()


def passed_on(
    outgoing: Outgoing, client: Mapping[bytes, bytes], candidate: Candidate, credential: Credential
) -> Outgoing:
    """The request with those of the client's headers that are for this upstream, by the word of its file. What the
    operator says, or the protocol, wins.
    """
    names = candidate.capabilities.passed_headers
    if not names:
        return outgoing
    known = {name for name, _ in (*outgoing.headers, *credential.headers)}
    passed = [(name, client[name]) for name in map(str.encode, names) if name in client and name not in known]
    return Outgoing(outgoing.path, outgoing.body, [*outgoing.headers, *passed]) if passed else outgoing


def loss_summary(losses: list[Loss]) -> bytes:
    """The count and the kinds: `0`, or `3;dropped=2;moved=1`."""
    kinds = tuple(map(_kind, losses))
    summary = _summaries.get(kinds)
    if summary is None:
        counts = sorted(Counter(kinds).items())
        summary = f"{len(kinds)};{';'.join([f'{kind}={count}' for kind, count in counts])}".encode()
        if len(_summaries) < _REMEMBERED:
            _summaries[kinds] = summary
    return summary


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
