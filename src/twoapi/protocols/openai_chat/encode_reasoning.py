"""How much to reason, in the members that an upstream takes for it: `reasoning_effort` is the vendor's own, others are
those of compatible servers.
"""

from collections.abc import Callable

import msgspec

from twoapi.ir import Loss, Request
from twoapi.ir.request import Effort
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_limits import effort_of_budget

Members = dict[str, object]

_VENDORS = ("reasoning_effort",)

_EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class _Asked(msgspec.Struct):
    """What a request asks. `off`: no reasoning at all. `budget` in tokens. What a member has said is set in `told`."""

    request: Request
    capabilities: Capabilities
    losses: list[Loss]
    off: bool
    effort: Effort | None
    budget: int | None
    told: set[str]

    def lose(self, field: str, kind: str, detail: str) -> None:
        """Reports a field of the request's reasoning."""
        self.losses.append(Loss(self.request.where("reasoning." + field), kind, NAME, detail))  # type: ignore[arg-type]


def encode_reasoning(request: Request, capabilities: Capabilities, losses: list[Loss]) -> Members:
    """The members of the body; what none of them can say is reported."""
    reasoning = request.reasoning
    members: Members = {}
    budget = reasoning.budget
    if budget is not None and budget < 0:
        budget = None  # as much as the model likes
    off = reasoning.mode == "off" or (reasoning.effort == "none" and reasoning.mode is None and budget is None)
    if budget == 0 and reasoning.effort is None and capabilities.reasoning_members != _VENDORS:
        off = True
    effort = None if off else reasoning.effort
    asked = _Asked(request, capabilities, losses, off, effort, None if off else budget, set())
    if reasoning.mode == "off" and reasoning.effort not in (None, "none"):
        asked.lose("effort", "dropped", "effort none is sent: no reasoning")
    # An exact member first: what it says the others need not say by approximation.
    for name in sorted(capabilities.reasoning_members, key=_RANK.__getitem__):
        _MEMBERS[name](asked, members)
    _report(asked)
    if reasoning.show is not None and "show" not in asked.told:
        asked.lose("show", "info", "what reasoning is shown is not chosen here")
    if reasoning.detail is not None:
        asked.lose("detail", "dropped", "no detail of reasoning here")
    return members


def _report(asked: _Asked) -> None:
    """What no member has said."""
    told, mode = asked.told, asked.request.reasoning.mode
    if asked.off:
        if "off" not in told:
            field = "effort" if mode is None else "mode"
            asked.lose(field, "unsupported", "reasoning cannot be switched off here")
        return
    if asked.effort is not None and "effort" not in told:
        asked.lose("effort", "dropped", "this model takes no effort")
    if asked.budget is not None and "budget" not in told:
        asked.lose("budget", "dropped", "no budget of reasoning here")
    if asked.budget is None and mode == "between_tools":
        asked.lose("mode", "unsupported", "no reasoning between tools only")
    elif asked.budget is None and asked.effort is None and mode == "adaptive" and "mode" not in told:
        asked.lose("mode", "info", "the model reasons as it does by default")


def _effort(asked: _Asked, members: Members) -> None:
    """The vendor's own: one word, the nearest that this model takes."""
    if not asked.capabilities.effort:
        return
    accepted = [word for word in _EFFORTS if word in asked.capabilities.efforts]
    if asked.off:
        if "none" in accepted and "off" not in asked.told:
            members["reasoning_effort"] = "none"
            asked.told.add("off")
        return
    effort = asked.effort
    if asked.budget is not None and "budget" not in asked.told:
        asked.told.add("budget")
        if effort is None:
            meant = effort_of_budget(asked.budget)
            word = _nearest(meant, accepted)
            asked.lose("budget", "approximated", f"sent as effort {word or meant}")
            if word is not None:
                members["reasoning_effort"] = word
            return
        asked.lose("budget", "dropped", "the effort says how much to reason")
    if effort is None or "effort" in asked.told:
        return
    word = _nearest(effort, accepted)
    if word is not None:
        members["reasoning_effort"] = word
        asked.told.add("effort")
        if word != effort:
            asked.lose("effort", "approximated", f"sent as effort {word}")


def _nearest(effort: Effort, accepted: list[Effort]) -> Effort | None:
    """The accepted word nearest to this one, the lower of two; no reasoning at all stands for nothing else."""
    if effort in accepted:
        return effort
    place = _EFFORTS.index(effort)
    words = [word for word in accepted if word != "none"]
    return min(words, key=lambda word: abs(_EFFORTS.index(word) - place), default=None)


def _thinking(asked: _Asked, members: Members) -> None:
    """`thinking: {type}`."""
    types, mode = asked.capabilities.thinking, asked.request.reasoning.mode
    if asked.off:
        words: tuple[str, ...] = ("disabled",)
    elif mode == "adaptive":
        words = ("adaptive", "auto", "enabled")
    elif mode == "manual" or asked.effort is not None or asked.budget is not None:
        words = ("enabled", "adaptive", "auto")
    else:
        return
    word = next((one for one in words if one in types), None)
    if word is not None:
        members["thinking"] = {"type": word}
        asked.told.add("off" if asked.off else "mode")


def _enable_thinking(asked: _Asked, members: Members) -> None:
    """`enable_thinking`, true or false."""
    if asked.off:
        members["enable_thinking"] = False
        asked.told.add("off")
    elif asked.effort is not None or asked.budget is not None or asked.request.reasoning.mode in ("manual", "adaptive"):
        members["enable_thinking"] = True


def _thinking_budget(asked: _Asked, members: Members) -> None:
    """`thinking_budget`, within what the model takes."""
    limits = asked.capabilities.thinking_budget
    if asked.budget is None or limits is None:
        return
    asked.told.add("budget")
    budget = min(max(asked.budget, limits[0]), limits[1])
    members["thinking_budget"] = budget
    if budget != asked.budget:
        asked.lose("budget", "clamped", f"from {limits[0]} to {limits[1]} tokens")


def _reasoning(asked: _Asked, members: Members) -> None:
    """`reasoning: {enabled, effort, max_tokens, exclude}`, of which it takes effort or max_tokens."""
    said: Members = {}
    if asked.off:
        said["enabled"] = False
        asked.told.add("off")
    elif asked.budget is not None:
        said["max_tokens"] = asked.budget
        asked.told.add("budget")
        if asked.effort is not None:
            asked.lose("effort", "dropped", "the budget says how much to reason")
            asked.told.add("effort")
    elif asked.effort is not None:
        word = _nearest(asked.effort, [word for word in _EFFORTS if word in asked.capabilities.efforts])
        if word is not None:
            said["effort"] = word
            asked.told.add("effort")
            if word != asked.effort:
                asked.lose("effort", "approximated", f"sent as effort {word}")
    elif asked.request.reasoning.mode in ("manual", "adaptive"):
        said["enabled"] = True
        asked.told.add("mode")
    if asked.request.reasoning.show == "none":
        said["exclude"] = True
        asked.told.add("show")
    if said:
        members["reasoning"] = said


def _reasoning_enabled(asked: _Asked, members: Members) -> None:
    """`reasoning: {enabled: false}`, of models that only switch it off so."""
    if asked.off:
        members["reasoning"] = {"enabled": False}
        asked.told.add("off")


def _disable_reasoning(asked: _Asked, members: Members) -> None:
    """`disable_reasoning: true`."""
    if asked.off:
        members["disable_reasoning"] = True
        asked.told.add("off")


_MEMBERS: dict[str, Callable[[_Asked, Members], None]] = {
    "reasoning": _reasoning,
    "reasoning_enabled": _reasoning_enabled,
    "disable_reasoning": _disable_reasoning,
    "thinking": _thinking,
    "enable_thinking": _enable_thinking,
    "thinking_budget": _thinking_budget,
    "reasoning_effort": _effort,
}
_RANK = {name: rank for rank, name in enumerate(_MEMBERS)}
REASONING_MEMBERS = tuple(_MEMBERS)
