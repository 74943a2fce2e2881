"""How much the model thinks, and how tokens are drawn: what the service takes, and what stands for the rest."""

from operator import attrgetter

from twoapi import ir
from twoapi.protocols.gemini.encoding import Encoding
from twoapi.protocols.gemini.name import refuse
from twoapi.protocols.gemini.parts import Wire

MAX_STOP = 5
MAX_ANSWERS = 8
_INT32 = 1 << 31
_PENALTY = 1.99  # the range is [-2, 2)
_ADAPTIVE = -1

# effort -> thinking budget in tokens, for models that take no level; the last two mean the most there is
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 1 << 30, "max": 1 << 30}
# tokens -> the level whose thinking is nearest from above
_LEVELS = ((512, "minimal"), (2048, "low"), (8192, "medium"), (24576, "high"), (1 << 30, "xhigh"))
_ORDER = ("minimal", "low", "medium", "high", "xhigh")


class Thinking:
    """`thinkingConfig`: a level or a budget, and whether thoughts are shown; `wire` is {} when nothing is said."""

    __slots__ = ("_encoding", "wire")

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self.wire: Wire = {}
        reasoning = encoding.request.reasoning
        if encoding.native:
            self._put_native(reasoning)
        else:
            self._put_foreign(reasoning)
        if reasoning.show is not None:
            self.wire["includeThoughts"] = reasoning.show != "none"
            if reasoning.show == "updates":
                self._lose("reasoning.show", "approximated", "thoughts are shown as they come")
        if reasoning.detail is not None:
            self._lose("reasoning.detail", "dropped", "how detailed thoughts are")

    def _put_native(self, reasoning: ir.ReasoningConfig) -> None:
        if reasoning.effort is not None:
            self.wire["thinkingLevel"] = reasoning.effort.upper()
        if reasoning.mode is not None:
            self.wire["thinkingBudget"] = {"off": 0, "adaptive": _ADAPTIVE}.get(reasoning.mode, reasoning.budget)

    def _put_foreign(self, reasoning: ir.ReasoningConfig) -> None:
        """One of the two members: they exclude each other."""
        effort, budget, mode = reasoning.effort, reasoning.budget, reasoning.mode
        if mode == "off" or effort == "none":
            self._put_off("reasoning.mode" if mode == "off" else "reasoning.effort")
            if mode == "off" and effort not in (None, "none"):
                self._lose("reasoning.effort", "approximated", "the model does not think")
            return
        if mode == "between_tools":
            self._lose("reasoning.mode", "unsupported", "thinking between tools only")
        if effort is not None:
            self._put_effort(effort)
            if budget is not None:
                self._lose("reasoning.budget", "dropped", "the level says how much to think")
            elif mode in ("adaptive", "manual"):
                self._lose("reasoning.mode", "info", "the level says how much to think")
        elif budget is not None and budget >= 0:
            self._put_budget(budget)
        elif mode is not None and mode != "between_tools":
            self._put_adaptive()

    def _put_off(self, field: str) -> None:
        capabilities = self._encoding.capabilities
        span = capabilities.thinking_budget
        if not capabilities.thinking_levels and span is not None:
            self.wire["thinkingBudget"] = span[0]
            if span[0] > 0:
                self._lose(field, "approximated", f"the least thinking budget is {span[0]} tokens")
        elif capabilities.thinking_levels:
            level = self._nearest("minimal")
            self.wire["thinkingLevel"] = level.upper()
            self._lose(field, "approximated", f"thinking cannot be switched off: its level is {level}")
        else:
            self._lose(field, "info", "the model does not think")

    def _put_effort(self, effort: str) -> None:
        capabilities = self._encoding.capabilities
        if capabilities.thinking_levels:
            level = self._nearest("xhigh" if effort == "max" else effort)
            self.wire["thinkingLevel"] = level.upper()
            if level != effort:
                self._lose("reasoning.effort", "approximated", f"{effort} is sent as {level}")
        elif capabilities.thinking_budget is not None:
            least, most = capabilities.thinking_budget
            self.wire["thinkingBudget"] = max(least, min(_BUDGETS[effort], most))
            self._lose("reasoning.effort", "approximated", "sent as a thinking budget")
        else:
            self._lose("reasoning.effort", "unsupported", "the model does not think")

    def _put_budget(self, budget: int) -> None:
        capabilities = self._encoding.capabilities
        if capabilities.thinking_budget is not None:
            least, most = capabilities.thinking_budget
            fitting = max(least, min(budget, most))
            self.wire["thinkingBudget"] = fitting
            if fitting != budget:
                self._lose("reasoning.budget", "clamped", f"the budget must lie between {least} and {most}")
        elif capabilities.thinking_levels:
            level = self._nearest(next((word for most, word in _LEVELS if budget <= most), "xhigh"))
            self.wire["thinkingLevel"] = level.upper()
            self._lose("reasoning.budget", "approximated", f"sent as level {level}")
        else:
            self._lose("reasoning.budget", "unsupported", "the model does not think")

    def _put_adaptive(self) -> None:
        if self._encoding.capabilities.thinking_budget is not None:
            self.wire["thinkingBudget"] = _ADAPTIVE
        else:
            self._lose("reasoning.mode", "info", "the model thinks as much as it likes by default")

    def _nearest(self, level: str) -> str:
        """The level itself where the model takes it, else the next lower one, else the lowest there is."""
        accepted = self._encoding.capabilities.thinking_levels
        below = [word for word in _ORDER[: _ORDER.index(level) + 1] if word in accepted]
        return below[-1] if below else next((word for word in _ORDER if word in accepted), accepted[0])

    def _lose(self, field: str, kind: ir.LossKind, detail: str) -> None:
        self._encoding.lose(self._encoding.request.where(field), kind, detail)


_MOVED = (
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("n", "candidateCount"),
    ("logprobs", "responseLogprobs"),
    ("top_logprobs", "logprobs"),
)
_rare = attrgetter(*(name for name, _ in _MOVED), "seed", "presence_penalty", "frequency_penalty", "stop", "logit_bias")
_NONE = _rare(ir.Sampling())


def put_sampling(encoding: Encoding, config: Wire) -> None:
    """How tokens are drawn, within the ranges that the service takes."""
    sampling = encoding.request.sampling
    if sampling.temperature is not None:
        config["temperature"] = sampling.temperature
    if sampling.max_tokens is not None:
        config["maxOutputTokens"] = _limit(encoding, sampling.max_tokens)
    if _rare(sampling) != _NONE:
        _put_rare(encoding, config, sampling)


def _put_rare(encoding: Encoding, config: Wire, sampling: ir.Sampling) -> None:
    """What most requests do not have."""
    for name, spelled in _MOVED:
        value = getattr(sampling, name)
        if value is not None:
            config[spelled] = value
    if not encoding.native:
        _fit_answers(encoding, config, sampling)
    if sampling.seed is not None:
        config["seed"] = _seed(encoding, sampling.seed)
    for name, spelled in (("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty")):
        value = getattr(sampling, name)
        if value is not None:
            config[spelled] = _penalty(encoding, name, value)
    if sampling.stop is not None:
        config["stopSequences"] = _stops(encoding, sampling.stop)
    if sampling.logit_bias is not None:
        encoding.lose(encoding.request.where("logit_bias"), "dropped", "there is no logit bias")


def _fit_answers(encoding: Encoding, config: Wire, sampling: ir.Sampling) -> None:
    if sampling.n is not None and sampling.n > MAX_ANSWERS:
        raise refuse(f"the target gives at most {MAX_ANSWERS} answers", encoding.request.where("n"))
    if sampling.top_logprobs is not None and not sampling.logprobs:
        del config["logprobs"]
        where = encoding.request.where("top_logprobs")
        encoding.lose(where, "dropped", "no number of logprobs without logprobs")


def _limit(encoding: Encoding, asked: int) -> int:
    most = encoding.capabilities.max_output
    if asked < 1 and not encoding.native:
        encoding.lose(encoding.request.where("max_tokens"), "clamped", "at least 1 token")
        return 1
    if most is None or asked <= most or encoding.native:
        return asked
    encoding.lose(encoding.request.where("max_tokens"), "clamped", f"the model's output limit is {most} tokens")
    return most


def _seed(encoding: Encoding, seed: int) -> int:
    if -_INT32 <= seed < _INT32 or encoding.native:
        return seed
    encoding.lose(encoding.request.where("seed"), "approximated", "a seed has 32 bits here")
    return seed % _INT32


def _penalty(encoding: Encoding, name: str, value: float) -> float:
    if value < 2 or encoding.native:
        return value
    encoding.lose(encoding.request.where(name), "clamped", "a penalty is less than 2")
    return _PENALTY


def _stops(encoding: Encoding, stops: list[str]) -> list[str]:
    if encoding.native:
        return stops
    where = encoding.request.where("stop")
    for number in range(MAX_STOP, len(stops)):
        encoding.lose(f"{where}/{number}", "dropped", f"at most {MAX_STOP} stop sequences")
    return stops[:MAX_STOP]
