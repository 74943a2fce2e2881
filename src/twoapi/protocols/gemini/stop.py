"""Finish reasons: one word for an answer with calls and without, many for the filters, some for failures."""

from twoapi.ir import Fault, Loss, Part, Refusal, StopReason, ToolCall
from twoapi.ir.response import StopKind
from twoapi.protocols.gemini.name import NAME, broken
from twoapi.protocols.places import stop_places

_WORDS: dict[StopKind, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_use": "STOP",
    "max_tokens": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "recitation": "RECITATION",
    "refusal": "SAFETY",
    "pause": "CONTINUATION",
    "compaction": "OTHER",
    "malformed_call": "MALFORMED_FUNCTION_CALL",
    "cancelled": "OTHER",
    "other": "OTHER",
}
_KINDS: dict[str, StopKind] = {
    "STOP": "stop",
    "MAX_TOKENS": "max_tokens",
    "SAFETY": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "RECITATION": "recitation",
    "IMAGE_RECITATION": "recitation",
    "CONTINUATION": "pause",
}
# The model's answer is unusable, and another try may do better.
_FAILURES = frozenset(
    (
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    )
)
# What a client cannot tell from something else any more.
_LOSSY: dict[StopKind, str] = {
    "stop_sequence": "a stop string that matched ends as STOP",
    "context_window": "a full context window ends as MAX_TOKENS",
    "compaction": "a compaction ends as OTHER",
    "other": "an unknown stop reason ends as OTHER",
}


def failure(word: str | None, message: str | None) -> Fault | None:
    """The fault that a finish reason tells; None for an ending that is one."""
    if word in _FAILURES:
        return broken(message or f"the upstream ended its answer with finishReason {word}", code=word)
    return None


def decode_stop(word: str, message: str | None, parts: list[Part]) -> StopReason:
    """The stop reason: a call beats STOP and what is unknown, nothing beats a cut or a filter."""
    kind: StopKind = _KINDS.get(word, "other")
    if kind in ("stop", "other") and any(isinstance(part, ToolCall) for part in parts):
        kind = "tool_use"
    return StopReason(kind=kind, raw=word, detail=message)


def guess_stop(parts: list[Part]) -> StopReason:
    """The stop reason of an answer that ended properly without saying why."""
    called = any(isinstance(part, ToolCall) for part in parts)
    return StopReason(kind="tool_use" if called else "stop")


def encode_stop(stop: StopReason, protocol: str, *, refused: bool) -> str:
    """The vendor's word; the upstream's own when it spoke the same protocol. `refused`: the model did so in words."""
    if protocol == NAME and stop.raw:
        return stop.raw
    return "STOP" if stop.kind == "refusal" and refused else _WORDS[stop.kind]


def report_stop(stop: StopReason, protocol: str, index: int, losses: list[Loss]) -> None:
    """What this protocol's word for a foreign stop reason leaves out."""
    if protocol == NAME:
        return
    at = stop_places(protocol, index)
    if stop.kind in _LOSSY:
        losses.append(Loss(at.reason, "approximated", NAME, _LOSSY[stop.kind]))
    if stop.sequence is not None:
        losses.append(Loss(at.sequence, "dropped", NAME, "no place for the stop string that matched"))
    if stop.details is not None:
        losses.append(Loss(at.details, "dropped", NAME, "no place for the kind of a refusal"))


def broke_off(stop: StopReason) -> Fault | None:
    """The fault of an answer that cannot be shown as one."""
    if stop.kind in ("malformed_call", "cancelled"):
        return broken(f"the model's answer broke off: {stop.raw or stop.kind}")
    return None


def refused(parts: list[Part]) -> bool:
    """True when the model refused in words of its own."""
    return any(isinstance(part, Refusal) for part in parts)
