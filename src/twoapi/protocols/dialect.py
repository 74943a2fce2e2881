"""What the encoders of vendors' own dialects share. No client speaks one, so every request comes from elsewhere."""

from operator import attrgetter

from twoapi.ir import CacheMark, Fault, FaultError, Loss, LossKind, Request
from twoapi.protocols.base import Capabilities, Restore
from twoapi.protocols.tool_checks import full_name
from twoapi.protocols.tool_names import ToolNames

Wire = dict[str, object]

# Fields that a dialect may have no place for, and their names for Request.where.
_FIELDS = {
    "sampling.top_k": "top_k",
    "sampling.seed": "seed",
    "sampling.presence_penalty": "presence_penalty",
    "sampling.frequency_penalty": "frequency_penalty",
    "sampling.logprobs": "logprobs",
    "sampling.top_logprobs": "top_logprobs",
    "sampling.logit_bias": "logit_bias",
    "output.verbosity": "output.verbosity",
    "output.audio": "output.audio",
    "output.prediction": "output.prediction",
    "state.store": "state.store",
    "state.background": "state.background",
    "user_id": "user_id",
    "tier": "tier",
    "safety": "safety",
    "cache_auto": "cache_auto",
}
_values = attrgetter(*_FIELDS)


def refuse(message: str, pointer: str | None, code: str | None = None) -> FaultError:
    """The error of a request that a target cannot be sent; `pointer` into the client's body."""
    return FaultError(Fault("invalid_request", message, code=code, param=pointer))


def broken(message: str, code: str | None = None) -> Fault:
    """The fault of an upstream whose answer cannot be used."""
    return Fault("upstream_error", message, whose="upstream", code=code)


class Encoding:
    """The state of one encode_request for `target`."""

    __slots__ = ("capabilities", "custom", "losses", "names", "request", "target")

    def __init__(self, request: Request, capabilities: Capabilities, losses: list[Loss], target: str) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses = losses
        self.target = target
        self.names = ToolNames(capabilities.max_tool_name)
        self.custom = frozenset([full_name(tool) for tool in request.tools if tool.kind == "custom"])

    def lose(self, path: str, kind: LossKind, detail: str) -> None:
        """Reports what does not cross."""
        self.losses.append(Loss(path, kind, self.target, detail))

    def lose_field(self, name: str, kind: LossKind, detail: str) -> None:
        """Reports a field of the request, by its name for Request.where."""
        self.lose(self.request.where(name), kind, detail)

    def lose_mark(self, mark: CacheMark | None, path: str) -> None:
        """Reports a cache mark."""
        if mark is not None:
            self.lose(path, "dropped", "there are no cache marks")

    def restore(self) -> Restore:
        """What the answer must change back."""
        return Restore(names=self.names.changed, custom=self.custom, capabilities=self.capabilities)


def refuse_state(encoding: Encoding) -> None:
    """Raises FaultError for a request that goes on from what only another server holds."""
    request, state = encoding.request, encoding.request.state
    if state.thread is not None:
        raise refuse("the target holds no message threads", request.where("thread"), "thread_unsupported_request")
    for name in ("previous", "conversation", "cached"):
        if getattr(state, name) is not None:
            raise refuse("the target holds no conversations", request.where(f"state.{name}"))


def report_rest(encoding: Encoding, taken: frozenset[str]) -> None:
    """Reports every field of the request that the target has no place for; `taken` are those that it has."""
    request = encoding.request
    for (name, where), value in zip(_FIELDS.items(), _values(request), strict=True):
        if name in taken or value is None:
            continue
        if value is False:
            encoding.lose_field(where, "info", f"{where} is never so here")
        else:
            encoding.lose_field(where, "dropped", f"{where} does not exist in this protocol")
    if request.metadata:
        encoding.lose_field("metadata", "dropped", "requests have no metadata")
    if request.cache_key is not None:
        encoding.lose_field("cache_key", "info", "a cache key only helps routing")
    if request.output.modalities is not None:
        kind: LossKind = "info" if request.output.modalities == ["text"] else "unsupported"
        encoding.lose_field("output.modalities", kind, "answers are text here")
    for pointer in request.extras:
        encoding.lose(pointer, "dropped", "unknown to this protocol")


def check_answers(encoding: Encoding) -> None:
    """Raises FaultError when several answers are asked for: these vendors give one."""
    asked = encoding.request.sampling.n
    if asked is not None and asked > 1:
        raise refuse("the target gives one answer per request", encoding.request.where("n"))


def output_limit(encoding: Encoding) -> int | None:
    """How many tokens may be made, within what the model takes; None when the client does not say."""
    asked, most = encoding.request.sampling.max_tokens, encoding.capabilities.max_output
    if asked is None:
        return None
    if asked < 1:
        encoding.lose_field("max_tokens", "clamped", "at least 1 token")
        return 1
    if most is not None and asked > most:
        encoding.lose_field("max_tokens", "clamped", f"the model's output limit is {most} tokens")
        return most
    return asked


def takes_sampling(encoding: Encoding) -> bool:
    """Whether the model takes sampling parameters; each that it does not take is reported."""
    if encoding.capabilities.sampling:
        return True
    for name in ("temperature", "top_p", "top_k"):
        if getattr(encoding.request.sampling, name) is not None:
            encoding.lose_field(name, "dropped", "this model takes no sampling parameters")
    return False
