"""What the encoders of vendors' own dialects share. No client speaks one, so every request comes from elsewhere."""

from twoapi.ir import CacheMark, Fault, Loss, LossKind, Request
from twoapi.protocols.base import Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.tool_checks import full_name
from twoapi.protocols.tool_names import ToolNames

Wire = dict[str, object]

_IMAGES = frozenset(("image",))


def broken(message: str, code: str | None = None) -> Fault:
    """The fault of an upstream whose answer cannot be used."""
    return Fault("upstream_error", message, whose="upstream", code=code)


class Encoding:
    """The state of one encode_request for `target`. `shows`: the kinds of media that its turns may hold."""

    __slots__ = ("capabilities", "custom", "losses", "names", "request", "shows", "target")

    def __init__(
        self,
        request: Request,
        capabilities: Capabilities,
        losses: list[Loss],
        target: str,
        shows: frozenset[str] = _IMAGES,
    ) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses = losses
        self.target = target
        self.shows = shows
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
