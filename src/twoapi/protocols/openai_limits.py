"""The limits that both protocols of OpenAI put on what clients of others send, and their words for it."""

from twoapi.ir import Loss, LossKind, Request
from twoapi.ir.request import Effort
from twoapi.protocols.capabilities import Capabilities
from twoapi.wire.json import escape

MAX_PAIRS = 16
MAX_KEY, MAX_VALUE = 64, 512  # characters
_MAX_NAME = 64
_BUDGETS: tuple[tuple[int, Effort], ...] = (
    (0, "none"),
    (1024, "minimal"),
    (2048, "low"),
    (8192, "medium"),
    (16384, "high"),
    (32768, "xhigh"),
)
_NAMING = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def effort_of_budget(budget: int) -> Effort:
    """The effort that reasons at least as much as a budget, in tokens, allows."""
    return next((effort for most, effort in _BUDGETS if budget <= most), "max")


class Limits:
    """Fits single values of one request, and reports what it changes."""

    __slots__ = ("_losses", "_request", "_target")

    def __init__(self, request: Request, target: str, losses: list[Loss]) -> None:
        self._request = request
        self._target = target
        self._losses = losses

    def output(self, asked: int, least: int, capabilities: Capabilities) -> int:
        """How many tokens may be made, within what the protocol and the model take."""
        most = capabilities.max_output
        if asked < least:
            self._lose("max_tokens", "clamped", f"at least {least} token{'s' if least > 1 else ''}")
            return least
        if most is not None and asked > most:
            self._lose("max_tokens", "clamped", f"the model's output limit is {most} tokens")
            return most
        return asked

    def metadata(self, asked: dict[str, str]) -> dict[str, str]:
        """The pairs that fit."""
        fitting = {key: value for key, value in asked.items() if len(key) <= MAX_KEY and len(value) <= MAX_VALUE}
        kept = {key: fitting[key] for key in list(fitting)[:MAX_PAIRS]}
        for key in asked:
            if key not in kept:
                limits = f"at most {MAX_PAIRS} pairs, of {MAX_KEY} and {MAX_VALUE} characters"
                self._losses.append(
                    Loss(f"{self._request.where('metadata')}/{escape(key)}", "dropped", self._target, limits)
                )
        return kept

    def schema_name(self) -> str:
        """What the schema of the answer is called."""
        name = self._request.output.name
        if name is None:
            self._lose("output.schema", "info", "the schema is named response")
            return "response"
        fitting = "".join(letter if letter in _NAMING else "_" for letter in name)[:_MAX_NAME] or "response"
        if fitting != name:
            self._lose("output.name", "approximated", f"a name of letters, digits, _ and -, at most {_MAX_NAME}")
        return fitting

    def _lose(self, field: str, kind: LossKind, detail: str) -> None:
        self._losses.append(Loss(self._request.where(field), kind, self._target, detail))
