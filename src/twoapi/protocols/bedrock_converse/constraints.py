"""How much the model thinks, and how tokens are drawn: what its service takes together, and what not."""

from twoapi import ir
from twoapi.protocols import claude_thinking
from twoapi.protocols.bedrock_converse.encode_blocks import is_blank
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.bedrock_converse.state import native_redacted, native_signature
from twoapi.protocols.claude_thinking import against_drawing
from twoapi.protocols.dialects.encoding import Wire
from twoapi.wire.json import unescape

MAX_STOP = 2500
_AUTO: Wire = {"auto": {}}


class Thinking(claude_thinking.Thinking):
    """`effort` of outputConfig, and the model's own object that says how to think.

    Models of other vendors may take nothing but an effort, and have no switch.
    """

    __slots__ = ()

    def leave_choice(self, config: Wire) -> None:
        """Takes the force out of the choice of tools, where the model thinks within a budget."""
        if self.manual and config.get("toolChoice") not in (None, _AUTO):
            self._lose("tool_choice", "approximated", "with a thinking budget a call cannot be forced")
            config["toolChoice"] = _AUTO

    def _is_own(self, part: ir.Reasoning) -> bool:
        return native_signature(part) is not None or native_redacted(part) is not None

    def _lose_switch(self, field: str) -> None:
        kind: ir.LossKind = "unsupported" if self._encoding.capabilities.thinking else "info"
        self._lose(field, kind, "there is no switch for reasoning")

    def _lose_display(self) -> None:
        self._lose("reasoning.show", "info", "what is shown of reasoning is the model's choice")

    def _put_nearest(self, mode: str, reasoning: ir.ReasoningConfig) -> None:
        accepted = self._encoding.capabilities.thinking
        if mode == "manual" and "adaptive" not in accepted and self._encoding.capabilities.effort:
            self._put_effort_of_budget(reasoning)
        elif mode == "adaptive" and "enabled" not in accepted and self.effort is not None:
            self._lose("reasoning.mode", "info", "the effort says how much to think")
        else:
            super()._put_nearest(mode, reasoning)


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
    if not encoding.capabilities.sampling:
        return f"{name} is not taken by this model"
    return against_drawing(encoding, name, value, thinking=thinking)


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
