"""How much a model reasons, at vendors that only have a switch for it."""

from twoapi.ir import LossKind
from twoapi.protocols.dialects.encoding import Encoding

_FIELDS = ("effort", "budget", "mode")


def thinking_switch(encoding: Encoding) -> str | None:
    """The word "enabled", "disabled" or "adaptive", of those that the model takes; None when nothing is to be said."""
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


def _lose(encoding: Encoding, names: list[str], kind: LossKind, detail: str) -> None:
    for name in names:
        encoding.lose_field(f"reasoning.{name}", kind, detail)
