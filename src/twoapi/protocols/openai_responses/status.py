"""Why an answer ended: this protocol has a status and, for an incomplete answer, a reason."""

import msgspec
from msgspec import Raw

from twoapi.ir import Loss, StopReason
from twoapi.ir.response import StopKind
from twoapi.protocols.openai_responses.name import NAME
from twoapi.protocols.places import stop_places
from twoapi.wire import json
from twoapi.wire.errors import WireError

# The reason of an incomplete answer -> kind. One without a reason, or with a new one, is of kind "other".
_REASONS: dict[str, StopKind] = {
    "max_output_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "content_filter": "content_filter",
    "steered": "pause",
}
_WORDS: dict[StopKind, str] = {
    "max_tokens": "max_output_tokens",
    "context_window": "max_output_tokens",
    "content_filter": "content_filter",
    "recitation": "content_filter",
}
# What a client cannot tell from an ordinary end any more.
_LOSSY: dict[StopKind, str] = {
    "context_window": "a full context window ends as a reached limit",
    "pause": "a paused turn ends as an incomplete answer without a reason",
    "compaction": "a compaction ends as a completed answer",
    "other": "an unknown stop reason ends as a completed answer",
}
# Reasons to stop that cut the last item in the middle.
CUT_OFF = frozenset({"max_tokens", "context_window", "content_filter", "recitation"})
# Ends that are no answer: a client is told of a failure.
BROKEN = frozenset({"malformed_call", "cancelled"})
_UNFINISHED = frozenset({"in_progress", "queued", "cancelled"})


class _Details(msgspec.Struct, gc=False):
    reason: str | None = None


_decode_details = json.decoder(_Details)


def decode_stop(status: str, details: Raw, *, called: bool, refused: bool) -> StopReason:
    """Why the model stopped. A complete tool call beats a plain end and nothing else."""
    if status == "completed":
        return StopReason(kind="tool_use" if called else "refusal" if refused else "stop", raw=status)
    if status == "incomplete":
        kept = None if json.is_null(details) else details
        reason = None if kept is None else _reason(kept)
        kind = _REASONS.get(reason or "", "other")
        if kept is not None and reason is not None and _WORDS.get(kind) == reason and len(json.fields(kept)) == 1:
            kept = None  # it says no more than the kind does
        return StopReason(kind=kind, raw=reason or status, details=kept)
    return StopReason(kind="cancelled" if status == "cancelled" else "other", raw=status)


def _reason(details: Raw) -> str | None:
    try:
        return _decode_details(details).reason
    except WireError:
        return None


def encode_status(stop: StopReason, protocol: str, losses: list[Loss]) -> tuple[str, dict[str, str] | Raw | None]:
    """The status and the details of an incomplete answer. What they leave out is reported."""
    if protocol == NAME:
        return _encode_own(stop)
    at = stop_places(protocol)
    if stop.kind in _LOSSY:
        losses.append(Loss(at.reason, "approximated", NAME, _LOSSY[stop.kind]))
    if stop.sequence is not None:
        losses.append(Loss(at.sequence, "dropped", NAME, "no place for the stop string that matched"))
    if stop.details is not None:
        losses.append(Loss(at.details, "dropped", NAME, "no place for the details of a stop"))
    reason = _WORDS.get(stop.kind)
    if reason is not None:
        return "incomplete", {"reason": reason}
    return ("incomplete" if stop.kind == "pause" else "completed"), None


def _encode_own(stop: StopReason) -> tuple[str, dict[str, str] | Raw | None]:
    if stop.raw in _UNFINISHED:
        return str(stop.raw), None
    if stop.details is not None or stop.raw == "incomplete":
        return "incomplete", stop.details
    reason = _WORDS.get(stop.kind)
    return ("completed", None) if reason is None else ("incomplete", {"reason": reason})
