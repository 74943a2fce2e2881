"""How much the model thinks, and how tokens are drawn: what its service takes together, and what not."""

from twoapi import ir
from twoapi.protocols.bedrock_converse.encode_blocks import is_blank
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.bedrock_converse.state import native_redacted, native_signature
from twoapi.protocols.dialects.encoding import Wire
from twoapi.wire.json import unescape

MAX_STOP = 2500
MIN_BUDGET = 1024
_AUTO: Wire = {"auto": {}}

# effort -> the word, and a budget for models that take only budgets
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 65536}
_KINDS = {"manual": "enabled", "adaptive": "adaptive", "between_tools": "between_tools", "off": "disabled"}
_SHOWN = {"summary": "summarized", "full": "summarized", "none": "omitted", "updates": "updates"}


class Thinking:
    """`effort` of outputConfig, and `member`: the model's own object that says how to think. None: not said."""

    __slots__ = ("_encoding", "_most", "effort", "member")

    def __init__(self, encoding: Encoding, limit: int | None) -> None:
        self._encoding = encoding
        self._most = encoding.capabilities.max_output if limit is None else limit  # tokens, thinking included
        self.effort: str | None = None
        self.member: Wire | None = None
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
        """True when the model is told to think."""
        return self.member is not None and self.member["type"] != "disabled"

    def leave_choice(self, config: Wire) -> None:
        """Takes the force out of the choice of tools, where the model thinks within a budget."""
        choice = config.get("toolChoice")
        if choice in (None, _AUTO) or self.member is None or self.member["type"] != "enabled":
            return
        self._lose("tool_choice", "approximated", "with a thinking budget a call cannot be forced")
        config["toolChoice"] = _AUTO

    def _put_effort(self, reasoning: ir.ReasoningConfig) -> None:
        effort = reasoning.effort
        if effort is None or effort == "none":
            return
        if not self._encoding.capabilities.effort:
            if reasoning.mode is not None:
                self._lose("reasoning.effort", "unsupported", "reasoning effort")
            return
        self.effort = _EFFORTS[effort]
        if self.effort != effort:
            self._lose("reasoning.effort", "approximated", f"{effort} is sent as {self.effort}")

    def _put_mode(self, reasoning: ir.ReasoningConfig) -> None:
        mode = reasoning.mode or ("manual" if reasoning.budget is not None else None)
        accepted = self._encoding.capabilities.thinking
        if mode is None:
            self._put_implied(reasoning.effort)
        elif _KINDS[mode] not in accepted:
            self._put_nearest(mode, reasoning)
        elif mode == "manual":
            self._put_budget(MIN_BUDGET if reasoning.budget is None else reasoning.budget)
        else:
            self.member = {"type": _KINDS[mode]}

    def _put_implied(self, effort: ir.request.Effort | None) -> None:
        """An effort without a mode: the client asks for reasoning by the effort alone."""
        accepted = self._encoding.capabilities.thinking
        if effort is None:
            return
        if effort == "none":
            if "disabled" in accepted:
                self.member = {"type": "disabled"}
            else:
                kind: ir.LossKind = "unsupported" if accepted else "info"
                self._lose("reasoning.effort", kind, "there is no switch for reasoning")
        elif self.effort is not None and "adaptive" in accepted:
            self.member = {"type": "adaptive"}
        elif "enabled" in accepted:
            self._put_budget(_BUDGETS[effort])
            if self.effort is None and self.member is not None:
                self._lose("reasoning.effort", "approximated", "sent as a thinking budget")
        elif self.effort is None:
            self._lose("reasoning.effort", "unsupported", "reasoning")

    def _put_nearest(self, mode: str, reasoning: ir.ReasoningConfig) -> None:
        """A mode that the model does not take: the nearest that it takes."""
        accepted = self._encoding.capabilities.thinking
        if mode == "manual" and ("adaptive" in accepted or self._encoding.capabilities.effort):
            if "adaptive" in accepted:
                self.member = {"type": "adaptive"}
            if self.effort is None and self._encoding.capabilities.effort and reasoning.budget is not None:
                self.effort = next((word for word, most in _BUDGETS.items() if reasoning.budget <= most), "max")
                self.effort = _EFFORTS[self.effort]
            self._lose("reasoning.budget", "approximated", "the model chooses its own thinking budget")
        elif mode == "adaptive" and "enabled" in accepted:
            self._put_budget(_BUDGETS.get(reasoning.effort or "high", MIN_BUDGET))
            self._lose("reasoning.mode", "approximated", "the model takes only a thinking budget")
        elif mode == "adaptive" and self.effort is not None:
            self._lose("reasoning.mode", "info", "the effort says how much to think")
        elif mode != "off" or accepted:
            self._lose("reasoning.mode", "unsupported", f"thinking of type {_KINDS[mode]}")
        else:
            self._lose("reasoning.mode", "info", "there is no switch for reasoning")

    def _put_budget(self, budget: int) -> None:
        request = self._encoding.request
        most = self._most
        field = "reasoning.effort" if request.reasoning.budget is None else "reasoning.budget"
        if most is not None and most <= MIN_BUDGET:
            self._lose(field, "dropped", f"thinking needs max_tokens over {MIN_BUDGET}")
            return
        fitting = max(MIN_BUDGET, budget if most is None else min(budget, most - 1))
        if fitting != budget and request.reasoning.budget is not None:
            self._lose(field, "clamped", f"the budget must lie between {MIN_BUDGET} and max_tokens")
        self.member = {"type": "enabled", "budget_tokens": fitting}

    def _put_display(self, reasoning: ir.ReasoningConfig) -> None:
        if reasoning.detail is not None:
            self._lose("reasoning.detail", "dropped", "how detailed a reasoning summary is")
        if reasoning.show is None:
            return
        if self.member is None or self.member["type"] in ("disabled", "between_tools"):
            self._lose("reasoning.show", "info", "what is shown of reasoning is the model's choice")
        else:
            self.member["display"] = _SHOWN[reasoning.show]

    def _stop_inside_a_tool_loop(self) -> None:
        """A model that thinks must find its own thinking before the calls that are being answered."""
        if not self.on:
            return
        running = _running_calls(self._encoding.request.messages)
        if running is None or _starts_with_state(running):
            return
        self.member = {"type": "disabled"} if "disabled" in self._encoding.capabilities.thinking else None
        field = "reasoning.effort" if self._encoding.request.reasoning.mode is None else "reasoning.mode"
        self._lose(field, "synthesized", "thinking is off until the tool loop without its state ends")

    def _lose(self, field: str, kind: ir.LossKind, detail: str) -> None:
        self._encoding.lose_field(field, kind, detail)


def _running_calls(messages: list[ir.Message]) -> ir.Message | None:
    """The assistant message whose calls the end of the conversation answers."""
    answered = False
    for message in reversed(messages):
        if message.role == "assistant":
            return message if answered and any(type(p) is ir.ToolCall for p in message.parts) else None
        answered = answered or any(type(part) is ir.ToolResult for part in message.parts)
    return None


def _starts_with_state(message: ir.Message) -> bool:
    first = message.parts[0]
    return type(first) is ir.Reasoning and not (native_signature(first) is None and native_redacted(first) is None)


def put_inference(encoding: Encoding, body: Wire, native: Wire, thinking: Thinking, limit: int | None) -> None:
    """Puts how tokens are drawn into the body, and what only the model itself knows into its own fields."""
    request, sampling = encoding.request, encoding.request.sampling
    config: Wire = {} if limit is None else {"maxTokens": limit}
    for name, wire in (("temperature", "temperature"), ("top_p", "topP")):
        value = getattr(sampling, name)
        if value is None:
            continue
        why = _against(encoding, name, value, thinking=thinking.on)
        if why is not None:
            encoding.lose(request.where(name), "dropped", why)
        elif not 0 <= value <= 1:
            encoding.lose(request.where(name), "clamped", f"{name} lies between 0 and 1")
            config[wire] = min(max(value, 0.0), 1.0)
        else:
            config[wire] = value
    stops = _stops(encoding, sampling.stop or [])
    if stops:
        config["stopSequences"] = stops
        if encoding.capabilities.stop_field is not None:
            body["additionalModelResponseFieldPaths"] = [encoding.capabilities.stop_field]
    if config:
        body["inferenceConfig"] = config
    if sampling.top_k is not None:
        _put_top_k(encoding, native, sampling.top_k, thinking=thinking.on)


def _put_top_k(encoding: Encoding, native: Wire, top_k: int, *, thinking: bool) -> None:
    pointer = encoding.capabilities.top_k_field
    why = _against(encoding, "top_k", top_k, thinking=thinking)
    if pointer is None or why is not None:
        encoding.lose(encoding.request.where("top_k"), "dropped", why or "the model takes no top_k")
        return
    *parents, name = (unescape(token) for token in pointer.split("/")[1:])
    node = native
    for parent in parents:
        child: Wire = {}
        node[parent] = child
        node = child
    node[name] = top_k


def _against(encoding: Encoding, name: str, value: float, *, thinking: bool) -> str | None:
    """Why a sampling parameter cannot be sent; None when it can."""
    capabilities = encoding.capabilities
    if not capabilities.sampling:
        return f"{name} is not taken by this model"
    if name == "top_p" and encoding.request.sampling.temperature is not None and not capabilities.sampling_pair:
        return "top_p is not taken together with temperature"
    if not thinking:
        return None
    if name == "temperature":
        return "temperature must be 1 while the model thinks" if value != 1 else None
    if name == "top_p":
        return "top_p must be at least 0.95 while the model thinks" if value < 0.95 else None
    return "top_k is not taken while the model thinks"


def _stops(encoding: Encoding, stops: list[str]) -> list[str]:
    where = encoding.request.where("stop")
    kept: list[str] = []
    for number, stop in enumerate(stops):
        if is_blank(stop):
            encoding.lose(f"{where}/{number}", "dropped", "a stop sequence must not be white space")
        elif len(kept) == MAX_STOP:
            encoding.lose(f"{where}/{number}", "dropped", f"at most {MAX_STOP} stop sequences")
        else:
            kept.append(stop)
    return kept
