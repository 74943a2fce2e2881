"""How much the model thinks, and how tokens are drawn: what the service takes together, and what not."""

from typing import ClassVar

from twoapi import ir
from twoapi.protocols import claude_thinking
from twoapi.protocols.anthropic_messages.encoding import FIRST_VERSION, Encoding, Wire, refusal
from twoapi.protocols.anthropic_messages.envelope import native_redacted, native_signature
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.claude_thinking import against_drawing

DEFAULT_MAX_TOKENS = 16384
_INTERLEAVED = "interleaved-thinking"


def choose_max_tokens(encoding: Encoding) -> int:
    """The output limit, which this protocol demands."""
    asked, most = encoding.request.sampling.max_tokens, encoding.capabilities.max_output
    if asked is not None and (most is None or asked <= most):
        return asked
    path = encoding.request.where("max_tokens")
    if asked is None:
        if most is None:
            encoding.lose(path, "synthesized", f"an output limit of {DEFAULT_MAX_TOKENS} tokens")
        return DEFAULT_MAX_TOKENS if most is None else most
    encoding.lose(path, "clamped", f"the model's output limit is {most} tokens")
    return most  # type: ignore[return-value]  # lower than what was asked


def _thought(messages: list[ir.Message], running: list[ir.Part]) -> bool:
    """True when the client's own form of this turn, which may be several messages, holds reasoning."""
    sent = {id(part) for part in running}
    last = max((n for n, said in enumerate(messages) if any(id(part) in sent for part in said.parts)), default=-1)
    for message in reversed(messages[: last + 1]):
        if message.role != "assistant":
            return False
        if any(type(part) is ir.Reasoning for part in message.parts):
            return True
    return False


class Thinking(claude_thinking.Thinking):
    """The two members that say how much to think: `thinking` and `output_config.effort`.

    What a client of this protocol says goes as it says it, where other models than those that are declared may take it.
    """

    __slots__ = ()

    budgets: ClassVar[dict[str, int]] = {**claude_thinking.BUDGETS, "max": 1 << 30}  # the output limit bounds it

    @property
    def _native(self) -> bool:
        return self._encoding.request.protocol == NAME

    def _is_own(self, part: ir.Reasoning) -> bool:
        return native_signature(part) is not None or native_redacted(part) is not None

    def _may_think(self, running: list[ir.Part]) -> bool:
        if super()._may_think(running):
            return True
        # The client's own decision, unless it said thinking that does not go out: not all thinking types ask for it.
        return self._native and not _thought(self._encoding.request.messages, running)

    def _lose_switch(self, field: str) -> None:
        if self._encoding.capabilities.thinking:
            self._lose(field, "unsupported", "thinking cannot be switched off")

    def _lose_display(self) -> None:
        if not self._native:
            self._lose("reasoning.show", "info", "nothing to show without reasoning")

    def _put_effort(self, reasoning: ir.ReasoningConfig) -> None:
        super()._put_effort(reasoning)
        if self._native and self.effort is None and reasoning.mode is None and reasoning.effort not in (None, "none"):
            self._lose("reasoning.effort", "unsupported", "reasoning effort")

    def _put_implied(self, effort: ir.request.Effort | None) -> None:
        if not self._native or effort == "none":
            super()._put_implied(effort)
        elif effort is not None and self.effort is None:
            self._lose("reasoning.effort", "unsupported", "reasoning")

    def _put_nearest(self, mode: str, reasoning: ir.ReasoningConfig) -> None:
        if mode == "between_tools" and self._native:
            self.member = {"type": mode}  # a type that only few models take: theirs to refuse
        else:
            super()._put_nearest(mode, reasoning)

    def _put_budget(self, budget: int) -> None:
        if self._native and any(beta.startswith(_INTERLEAVED) for beta in self._encoding.request.betas):
            self.member = {"type": "enabled", "budget_tokens": budget}  # here the budget may exceed max_tokens
        else:
            super()._put_budget(budget)


def put_sampling(encoding: Encoding, body: Wire, *, thinking: bool) -> None:
    """temperature, top_p, top_k as far as version, model and thinking take them, and stop_sequences."""
    request = encoding.request
    sampling = request.sampling
    if sampling.n is not None and sampling.n > 1:
        raise refusal("the target gives one answer per request", request.where("n"))
    heat = sampling.temperature
    if sampling.top_p is not None or sampling.top_k is not None:
        _put_drawing(encoding, body, sampling, thinking=thinking)
    elif heat is not None:
        if heat <= 1.0 and not thinking and encoding.capabilities.sampling and encoding.api_version == FIRST_VERSION:
            body["temperature"] = heat  # as most have it
        else:
            _put_drawing(encoding, body, sampling, thinking=thinking)
    if sampling.stop is not None:
        stops = [stop for stop in sampling.stop if stop.strip()]
        if len(stops) < len(sampling.stop):
            encoding.lose(request.where("stop"), "dropped", "a stop sequence must not be white space")
        body["stop_sequences"] = stops


def _put_drawing(encoding: Encoding, body: Wire, sampling: ir.Sampling, *, thinking: bool) -> None:
    request = encoding.request
    taken = encoding.api_version == FIRST_VERSION and encoding.capabilities.sampling
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(sampling, name)
        if value is None:
            continue
        why = _against(encoding, name, value, taken=taken, thinking=thinking)
        if why is not None:
            encoding.lose(request.where(name), "dropped", why)
        elif name == "temperature" and value > 1:
            encoding.lose(request.where(name), "clamped", "temperature is at most 1")
            body[name] = 1.0
        else:
            body[name] = value


def _against(encoding: Encoding, name: str, value: float, *, taken: bool, thinking: bool) -> str | None:
    """Why a sampling parameter cannot be sent; None when it can."""
    if not taken:
        return f"{name} is not taken by this model or API version"
    return against_drawing(encoding, name, value, thinking=thinking)
