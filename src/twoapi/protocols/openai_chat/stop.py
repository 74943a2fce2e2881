"""Finish reasons: the vendor's five words, and the words that compatible servers use for them."""

from twoapi.ir import Fault, Loss, Part, Refusal, StopReason, ToolCall
from twoapi.ir.response import StopKind
from twoapi.protocols.openai_chat.name import NAME, broken
from twoapi.protocols.places import stop_places

_WORDS: dict[StopKind, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "context_window": "length",
    "content_filter": "content_filter",
    "recitation": "content_filter",
    "refusal": "stop",
    "pause": "stop",
    "compaction": "stop",
    "malformed_call": "stop",
    "cancelled": "stop",
    "other": "stop",
}
# What a client cannot tell from an ordinary stop any more.
_LOSSY: dict[StopKind, str] = {
    "pause": "a paused turn ends as stop",
    "compaction": "a compaction ends as stop",
    "other": "an unknown stop reason ends as stop",
}
_KINDS: dict[str, StopKind] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "normal": "stop",
    "complete": "stop",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "model_length": "context_window",
    "model_context_window_exceeded": "context_window",
    "tool_calls": "tool_use",
    "tool_use": "tool_use",
    "tool_call": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "moderation": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "recitation": "recitation",
    "refusal": "refusal",
    "cancelled": "cancelled",
    "malformed_function_call": "malformed_call",
}
OFFICIAL = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_FAILURES = frozenset(
    {"error", "network_error", "malformed_function_call", "insufficient_system_resource", "abort", "timeout"}
)
FAILURE_WORDS = tuple(word.encode() for word in _FAILURES)


def decode_stop(word: str, parts: list[Part], *, misleads: bool = False) -> StopReason:
    """The stop reason: a complete tool call beats stop, nothing beats a cut or a filter. With `misleads` the word is
    not for clients where it says another thing than that.
    """
    kind = _KINDS.get(word) or _KINDS.get(word.lower(), "other")
    if kind in ("stop", "stop_sequence", "other"):
        if any(isinstance(part, ToolCall) for part in parts):
            kind = "tool_use"
            word = "tool_calls" if misleads else word
        elif kind == "stop" and any(isinstance(part, Refusal) for part in parts):
            kind = "refusal"
    return StopReason(kind=kind, raw=word)


def guess_stop(parts: list[Part]) -> StopReason:
    """The stop reason of an answer that ended properly without saying why."""
    called = any(isinstance(part, ToolCall) for part in parts)
    return StopReason(kind="tool_use" if called else "stop")


def failure(word: str) -> Fault | None:
    """The fault that some servers hide in a finish reason."""
    if word.lower() in _FAILURES:
        return broken(f"the upstream ended its answer with finish_reason {word!r}", code=word)
    return None


def encode_stop(stop: StopReason, protocol: str, *, legacy: bool) -> str:
    """The vendor's word; the upstream's own when it spoke the same protocol."""
    if protocol == NAME and stop.raw in OFFICIAL:
        return stop.raw or "stop"
    word = _WORDS[stop.kind]
    return "function_call" if legacy and word == "tool_calls" else word


def refusal_of(stop: StopReason, protocol: str) -> str | None:
    """The words in which another protocol's filter explains itself, which clients look for in `refusal`."""
    return stop.detail if protocol != NAME and stop.kind in ("content_filter", "refusal") else None


def report_stop(stop: StopReason, protocol: str, index: int, losses: list[Loss]) -> None:
    """What this protocol's word for a foreign stop reason leaves out."""
    if protocol == NAME:
        return
    at = stop_places(protocol, index)
    if stop.kind in _LOSSY:
        losses.append(Loss(at.reason, "approximated", NAME, _LOSSY[stop.kind]))
    if stop.details is not None:
        losses.append(Loss(at.details, "dropped", NAME, "no place for the kind of a refusal"))
    if stop.sequence is not None:
        losses.append(Loss(at.sequence, "dropped", NAME, "no place for the stop string that matched"))
