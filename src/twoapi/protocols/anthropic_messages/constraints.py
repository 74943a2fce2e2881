"""How much the model thinks, and how tokens are drawn: what the service takes together, and what not."""

from twoapi import ir
from twoapi.protocols.anthropic_messages.encoding import FIRST_VERSION, Encoding, Wire, refusal
from twoapi.protocols.anthropic_messages.envelope import native_redacted, native_signature

MIN_BUDGET = 1024
DEFAULT_MAX_TOKENS = 16384
_INTERLEAVED = "interleaved-thinking"

# effort -> the vendor's word, and a budget for models that take only budgets
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 1 << 30}
_MODES = {"manual": "enabled", "adaptive": "adaptive", "between_tools": "between_tools", "off": "disabled"}
_SHOWN = {"summary": "summarized", "full": "summarized", "none": "omitted", "updates": "updates"}


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


def effort_of_budget(budget: int) -> str:
    """The effort whose budget is nearest from above."""
    return next(effort for effort, most in _BUDGETS.items() if budget <= most and effort != "minimal")


class Thinking:
    """The two members that say how much to think: `thinking` and `output_config.effort`."""

    __slots__ = ("_encoding", "_max_tokens", "effort", "wire")

    def __init__(self, encoding: Encoding, max_tokens: int) -> None:
        self._encoding = encoding
        self._max_tokens = max_tokens
        self.wire: Wire | None = None
        self.effort: str | None = None
        reasoning = encoding.request.reasoning
        if reasoning.effort is None and reasoning.mode is None and reasoning.budget is None:
            if reasoning.show is not None:
                self._lose("reasoning.show", "info", "nothing to show without reasoning")
            return
        self._put_effort(reasoning)
        self._put_mode(reasoning)
        self._put_display(reasoning)
        self._stop_inside_a_tool_loop()

    @property
    def on(self) -> bool:
        """True when the model thinks."""
        return self.wire is not None and self.wire["type"] != "disabled"

    @property
    def manual(self) -> bool:
        """True when the model thinks within a budget."""
        return self.wire is not None and self.wire["type"] == "enabled"

    def _put_effort(self, reasoning: ir.ReasoningConfig) -> None:
        effort = reasoning.effort
        if effort is None or effort == "none" or not self._encoding.capabilities.effort:
            if effort is not None and effort != "none" and (self._encoding.native or reasoning.mode is not None):
                self._lose("reasoning.effort", "unsupported", "reasoning effort")
            return
        self.effort = _EFFORTS[effort]
        if self.effort != effort:
            self._lose("reasoning.effort", "approximated", f"{effort} is sent as {self.effort}")

    def _put_mode(self, reasoning: ir.ReasoningConfig) -> None:
        mode = reasoning.mode
        if mode is None and reasoning.budget is not None:
            mode = "manual"
        if mode is None:
            self._put_implied(reasoning.effort)
            return
        kind = _MODES[mode]
        accepted = self._encoding.capabilities.thinking
        if mode == "between_tools" and kind not in accepted and self._encoding.native:
            self.wire = {"type": kind}  # a type that only few models take: theirs to refuse
        elif kind not in accepted:
            self._put_nearest(mode, reasoning)
        elif mode == "manual":
            self._put_budget(reasoning.budget if reasoning.budget is not None else MIN_BUDGET)
        else:
            self.wire = {"type": kind}

    def _put_implied(self, effort: ir.request.Effort | None) -> None:
        """An effort without a mode: another protocol's client asks for reasoning by the effort alone."""
        if effort is None or (self._encoding.native and self.effort is not None):
            return
        accepted = self._encoding.capabilities.thinking
        if effort == "none":
            if "disabled" in accepted:
                self.wire = {"type": "disabled"}
            elif accepted:
                self._lose("reasoning.effort", "unsupported", "thinking cannot be switched off")
        elif self.effort is not None and "adaptive" in accepted:
            self.wire = {"type": "adaptive"}
        elif "enabled" in accepted and not self._encoding.native:
            self._put_budget(_BUDGETS[effort])
            if self.effort is None and self.wire is not None:
                self._lose("reasoning.effort", "approximated", "sent as a thinking budget")
        elif self.effort is None:
            self._lose("reasoning.effort", "unsupported", "reasoning")

    def _put_nearest(self, mode: str, reasoning: ir.ReasoningConfig) -> None:
        """A mode that the model does not take: the nearest that it takes."""
        accepted = self._encoding.capabilities.thinking
        if mode == "manual" and "adaptive" in accepted:
            self.wire = {"type": "adaptive"}
            if self.effort is None and self._encoding.capabilities.effort and reasoning.budget is not None:
                self.effort = effort_of_budget(reasoning.budget)
            self._lose("reasoning.budget", "approximated", "the model chooses its own thinking budget")
        elif mode == "adaptive" and "enabled" in accepted:
            self._put_budget(_BUDGETS[reasoning.effort or "high"] if reasoning.effort != "none" else MIN_BUDGET)
            self._lose("reasoning.mode", "approximated", "the model takes only a thinking budget")
        elif mode != "off":
            self._lose("reasoning.mode", "unsupported", f"thinking of type {_MODES[mode]}")
        elif accepted:
            self._lose("reasoning.mode", "unsupported", "thinking cannot be switched off")

    def _put_budget(self, budget: int) -> None:
        native = self._encoding.native
        if native and any(beta.startswith(_INTERLEAVED) for beta in self._encoding.request.betas):
            self.wire = {"type": "enabled", "budget_tokens": budget}  # here the budget may exceed max_tokens
            return
        if self._max_tokens <= MIN_BUDGET:
            asked = self._encoding.request.reasoning.budget is not None
            field = "reasoning.budget" if asked else "reasoning.effort"
            self._lose(field, "dropped", f"thinking needs max_tokens over {MIN_BUDGET}")
            return
        fitting = max(MIN_BUDGET, min(budget, self._max_tokens - 1))
        if fitting != budget and self._encoding.request.reasoning.budget is not None:
            self._lose("reasoning.budget", "clamped", f"the budget must lie between {MIN_BUDGET} and max_tokens")
        self.wire = {"type": "enabled", "budget_tokens": fitting}

    def _put_display(self, reasoning: ir.ReasoningConfig) -> None:
        if reasoning.detail is not None:
            self._lose("reasoning.detail", "dropped", "how detailed a reasoning summary is")
        if reasoning.show is None:
            return
        if self.wire is None or self.wire["type"] in ("disabled", "between_tools"):
            if not self._encoding.native:
                self._lose("reasoning.show", "info", "nothing to show without reasoning")
            return
        self.wire["display"] = _SHOWN[reasoning.show]

    def _stop_inside_a_tool_loop(self) -> None:
        """A model that thinks must find its own thinking before the calls that are being answered."""
        if not self.on:
            return
        running = _running_calls(self._encoding.request.messages)
        if running is None or _starts_with_native(running):
            return
        if self._encoding.native and not any(type(part) is ir.Reasoning for part in running.parts):
            return  # the client's own decision: not all thinking types ask for it
        self.wire = {"type": "disabled"} if "disabled" in self._encoding.capabilities.thinking else None
        field = "reasoning.effort" if self._encoding.request.reasoning.mode is None else "reasoning.mode"
        self._lose(field, "synthesized", "thinking is off until the tool loop without its state ends")

    def _lose(self, field: str, kind: ir.LossKind, detail: str) -> None:
        self._encoding.lose(self._encoding.request.where(field), kind, detail)


def _running_calls(messages: list[ir.Message]) -> ir.Message | None:
    """The assistant message whose calls the end of the conversation answers."""
    answered = False
    for message in reversed(messages):
        if message.role == "assistant":
            return message if answered and any(type(p) is ir.ToolCall for p in message.parts) else None
        answered = answered or any(type(part) is ir.ToolResult for part in message.parts)
    return None


def _starts_with_native(message: ir.Message) -> bool:
    first = message.parts[0]
    return type(first) is ir.Reasoning and not (native_signature(first) is None and native_redacted(first) is None)


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
        if heat <= 1 and not thinking and encoding.capabilities.sampling and encoding.api_version == FIRST_VERSION:
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
    paired = name == "top_p" and encoding.request.sampling.temperature is not None
    if paired and not encoding.capabilities.sampling_pair:
        return "top_p is not taken together with temperature"
    if not thinking:
        return None
    if name == "temperature":
        return "temperature must be 1 while the model thinks" if value != 1 else None
    if name == "top_p":
        return "top_p must be at least 0.95 while the model thinks" if value < 0.95 else None
    return "top_k is not taken while the model thinks"
