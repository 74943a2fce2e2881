"""How much Claude thinks, and how it draws tokens meanwhile: the same wherever it is served."""

from collections.abc import Iterable
from typing import ClassVar, Protocol

from twoapi.ir import LossKind, Part, Reasoning, ReasoningConfig, Request, ToolCall, ToolResult
from twoapi.ir.request import Effort
from twoapi.protocols.capabilities import Capabilities

MIN_BUDGET = 1024

# effort -> the vendor's word, and a budget for models that take only budgets
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 65536}
_KINDS = {"manual": "enabled", "adaptive": "adaptive", "between_tools": "between_tools", "off": "disabled"}
_SHOWN = {"summary": "summarized", "full": "summarized", "none": "omitted", "updates": "updates"}


class Encoding(Protocol):
    """What is needed of the state of an encode_request."""

    @property
    def request(self) -> Request:
        """The request that is encoded."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the model takes."""
        ...

    def lose(self, path: str, kind: LossKind, detail: str) -> None:
        """Reports what does not cross."""
        ...


def effort_of_budget(budget: int) -> str:
    """The vendor's word for the effort whose budget is nearest from above."""
    return EFFORTS[next((effort for effort, most in BUDGETS.items() if budget <= most), "max")]


class Thinking:
    """`effort`, the vendor's word, and `member`, the object that says how to think. None: not said.

    `most` is the output limit in tokens, thinking included; None when nobody says it. `running`: what goes out of the
    turn whose calls are being answered (see running_turn). How the reasoning of a history is kept, and what it means
    that there is no switch, each protocol says for itself.
    """

    __slots__ = ("_encoding", "_most", "effort", "member")

    budgets: ClassVar[dict[str, int]] = BUDGETS

    def __init__(self, encoding: Encoding, most: int | None, running: list[Part] | None) -> None:
        self._encoding = encoding
        self._most = most
        self.member: dict[str, object] | None = None
        self.effort: str | None = None
        reasoning = encoding.request.reasoning
        if reasoning.effort is None and reasoning.mode is None and reasoning.budget is None:
            if reasoning.show is not None:
                self._lose("reasoning.show", "info", "nothing to show without reasoning")
            return
        self._put_effort(reasoning)
        self._put_mode(reasoning)
        self._put_display(reasoning)
        self._stop_inside_a_tool_loop(running)

    @property
    def on(self) -> bool:
        """True when the model is told to think."""
        return self.member is not None and self.member["type"] != "disabled"

    @property
    def manual(self) -> bool:
        """True when the model thinks within a budget."""
        return self.member is not None and self.member["type"] == "enabled"

    # --- what a protocol says for itself

    def _is_own(self, part: Reasoning) -> bool:
        """True when the upstream can read the state of this reasoning."""
        raise NotImplementedError

    def _lose_switch(self, field: str) -> None:
        """Reports that the model cannot be told not to think."""
        raise NotImplementedError

    def _lose_display(self) -> None:
        """Reports that without thinking it is not said what is shown of it."""
        raise NotImplementedError

    def _may_think(self, running: list[Part]) -> bool:
        """True when the model can go on from the calls of this turn, which are being answered."""
        first = running[0]
        return type(first) is Reasoning and self._is_own(first)

    # --- what all do

    def _put_effort(self, reasoning: ReasoningConfig) -> None:
        effort = reasoning.effort
        if effort is None or effort == "none":
            return
        if not self._encoding.capabilities.effort:
            if reasoning.mode is not None:
                self._lose("reasoning.effort", "unsupported", "reasoning effort")
            return
        self.effort = EFFORTS[effort]
        if self.effort != effort:
            self._lose("reasoning.effort", "approximated", f"{effort} is sent as {self.effort}")

    def _put_mode(self, reasoning: ReasoningConfig) -> None:
        mode = reasoning.mode or ("manual" if reasoning.budget is not None else None)
        if mode is None:
            self._put_implied(reasoning.effort)
        elif _KINDS[mode] not in self._encoding.capabilities.thinking:
            self._put_nearest(mode, reasoning)
        elif mode == "manual":
            self._put_budget(MIN_BUDGET if reasoning.budget is None else reasoning.budget)
        else:
            self.member = {"type": _KINDS[mode]}

    def _put_implied(self, effort: Effort | None) -> None:
        """An effort without a mode: another protocol's client asks for reasoning by the effort alone."""
        accepted = self._encoding.capabilities.thinking
        if effort is None:
            return
        if effort == "none":
            if "disabled" in accepted:
                self.member = {"type": "disabled"}
            else:
                self._lose_switch("reasoning.effort")
        elif self.effort is not None and "adaptive" in accepted:
            self.member = {"type": "adaptive"}
        elif "enabled" in accepted:
            self._put_budget(self.budgets[effort])
            if self.effort is None and self.member is not None:
                self._lose("reasoning.effort", "approximated", "sent as a thinking budget")
        elif self.effort is None:
            self._lose("reasoning.effort", "unsupported", "reasoning")

    def _put_nearest(self, mode: str, reasoning: ReasoningConfig) -> None:
        """A mode that the model does not take: the nearest that it takes."""
        accepted = self._encoding.capabilities.thinking
        if mode == "manual" and "adaptive" in accepted:
            self.member = {"type": "adaptive"}
            self._put_effort_of_budget(reasoning)
        elif mode == "adaptive" and "enabled" in accepted:
            self._put_budget(self.budgets.get(reasoning.effort or "high", MIN_BUDGET))
            self._lose("reasoning.mode", "approximated", "the model takes only a thinking budget")
        elif mode == "off":
            self._lose_switch("reasoning.mode")
        else:
            self._lose("reasoning.mode", "unsupported", f"thinking of type {_KINDS[mode]}")

    def _put_effort_of_budget(self, reasoning: ReasoningConfig) -> None:
        if self.effort is None and self._encoding.capabilities.effort and reasoning.budget is not None:
            self.effort = effort_of_budget(reasoning.budget)
        self._lose("reasoning.budget", "approximated", "the model chooses its own thinking budget")

    def _put_budget(self, budget: int) -> None:
        most, asked = self._most, self._encoding.request.reasoning.budget is not None
        field = "reasoning.budget" if asked else "reasoning.effort"
        if most is not None and most <= MIN_BUDGET:
            self._lose(field, "dropped", f"thinking needs max_tokens over {MIN_BUDGET}")
            return
        fitting = max(MIN_BUDGET, budget if most is None else min(budget, most - 1))
        if fitting != budget and asked:
            self._lose(field, "clamped", f"the budget must lie between {MIN_BUDGET} and max_tokens")
        self.member = {"type": "enabled", "budget_tokens": fitting}

    def _put_display(self, reasoning: ReasoningConfig) -> None:
        if reasoning.detail is not None:
            self._lose("reasoning.detail", "dropped", "how detailed a reasoning summary is")
        if reasoning.show is None:
            return
        if self.member is None or self.member["type"] in ("disabled", "between_tools"):
            self._lose_display()
        else:
            self.member["display"] = _SHOWN[reasoning.show]

    def _stop_inside_a_tool_loop(self, running: list[Part] | None) -> None:
        """A model that thinks must find its own thinking before the calls that are being answered."""
        if not self.on or running is None or self._may_think(running):
            return
        self.member = {"type": "disabled"} if "disabled" in self._encoding.capabilities.thinking else None
        field = "reasoning.effort" if self._encoding.request.reasoning.mode is None else "reasoning.mode"
        self._lose(field, "synthesized", "thinking is off until the tool loop without its state ends")

    def _lose(self, field: str, kind: LossKind, detail: str) -> None:
        self._encoding.lose(self._encoding.request.where(field), kind, detail)


def running_turn(turns: Iterable[tuple[str, list[Part]]]) -> list[Part] | None:
    """The parts of the turn whose calls the end of the conversation answers; None when it answers none.

    `turns`: role and parts of each turn as it goes out, the last one first. What is left out counts for nothing.
    """
    answered = False
    for role, parts in turns:
        if role == "assistant":
            return parts if answered and any(type(part) is ToolCall for part in parts) else None
        answered = answered or any(type(part) is ToolResult for part in parts)
    return None


def against_drawing(encoding: Encoding, name: str, value: float, *, thinking: bool) -> str | None:
    """Why a sampling parameter cannot be sent to a model that takes them; None when it can."""
    heated = encoding.request.sampling.temperature is not None
    if name == "top_p" and heated and not encoding.capabilities.sampling_pair:
        return "top_p is not taken together with temperature"
    if not thinking:
        return None
    if name == "temperature":
        return "temperature must be 1 while the model thinks" if value != 1 else None
    if name == "top_p":
        return "top_p must be at least 0.95 while the model thinks" if value < 0.95 else None
    return "top_k is not taken while the model thinks"
