"""Whether a model reasons, at vendors that have a switch for it."""

from twoapi.ir import LossKind
from twoapi.protocols.dialects.encoding import Encoding

_FIELDS = ("effort", "budget", "mode")


def thinking_switch(encoding: Encoding) -> str | None:
    """For vendors that have nothing but the switch, so that how much to reason is lost.

    The word "enabled", "disabled" or "adaptive", of those that the model takes; None when nothing is to be said.
    """
    reasoning = encoding.request.reasoning
    said = [name for name in _FIELDS if getattr(reasoning, name) is not None]
    if not said:
        return None
    taken = encoding.capabilities.thinking
    if reasoning.mode == "off" or reasoning.effort == "none":
        if "disabled" in taken:
            return "disabled"
        _lose(encoding, said, "info" if not taken else "unsupported", "reasoning cannot be switched off")
        return None
    if not taken or taken == ("disabled",):
        _lose(encoding, said, "dropped", "how much to reason is not chosen here")
        return None
    if reasoning.mode == "between_tools":
        encoding.lose_field("reasoning.mode", "approximated", "reasoning is not only between tools")
    _lose(encoding, [name for name in said if name != "mode"], "approximated", "reasoning is on; how much is not said")
    adaptive = reasoning.mode == "adaptive" and "adaptive" in taken
    return "adaptive" if adaptive or "enabled" not in taken else "enabled"


def told_to_think(encoding: Encoding) -> bool | None:
    """For vendors that can also be told how much, which is left to them: True when the model must reason, False when it
    must not, None when nothing is to be said.
    """
    reasoning, taken = encoding.request.reasoning, encoding.capabilities.thinking
    if reasoning.show is not None:
        encoding.lose_field("reasoning.show", "info", "reasoning is shown as it is")
    budget, mode, effort = reasoning.budget, reasoning.mode, reasoning.effort
    field = "reasoning.mode" if mode is not None else "reasoning.effort" if budget is None else "reasoning.budget"
    if mode == "off" or budget == 0 or (mode is None and budget is None and effort == "none"):
        if "disabled" in taken:
            return False
        if taken:
            encoding.lose_field(field, "unsupported", "this model cannot be told not to think")
    elif (mode, budget, effort) != (None, None, None):
        if "enabled" in taken:
            if mode == "between_tools":
                encoding.lose_field("reasoning.mode", "unsupported", "no reasoning between tools only")
            return True
        encoding.lose_field(field, "unsupported", "this model does not think")
    return None


def _lose(encoding: Encoding, names: list[str], kind: LossKind, detail: str) -> None:
    for name in names:
        encoding.lose_field(f"reasoning.{name}", kind, detail)
