"""What the encoders of one request share: the losses, the names, the cache marks."""

from msgspec import Struct

from twoapi import ir
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.tool_checks import full_name
from twoapi.protocols.tool_names import ToolNames

Wire = dict[str, object]

MAX_MARKS = 4
FIRST_VERSION = "2023-06-01"
VERSION = "2026-10-21"  # has no temperature, top_p, top_k; takes no citations in user texts
_HOUR: Wire = {"type": "ephemeral", "ttl": "1h"}
_NO_NAMES: frozenset[str] = frozenset()
_TTLS = {None: None, 300: "5m", 3600: "1h"}


class Encoding(Struct, eq=False, gc=False):
    """The state of one encode_request.

    `native`: the client speaks this protocol too. `tools_used`: a call or a result is in the history. `marks`: the
    blocks that have a cache mark, with its path; `pending`: a cache mark that waits for a place.
    """

    request: ir.Request
    capabilities: Capabilities
    losses: list[ir.Loss]
    native: bool
    api_version: str
    custom: frozenset[str]
    named: ToolNames | None = None  # None: no name had to be looked at
    tools_used: bool = False
    marks: list[tuple[Wire, str]] = []
    pending: tuple[ir.CacheMark, str] | None = None

    @property
    def names(self) -> ToolNames:
        """The names of tools on the wire."""
        if self.named is None:
            self.named = ToolNames(self.capabilities.max_tool_name)
        return self.named

    def lose(self, path: str, kind: ir.LossKind, detail: str = "") -> None:
        """Reports what does not cross."""
        self.losses.append(ir.Loss(path, kind, NAME, detail))

    def mark(self, block: Wire, mark: ir.CacheMark | None, path: str) -> None:
        """Gives a block that can hold one its cache mark, or the one that is waiting for a place."""
        if mark is None:
            if self.pending is None:
                return
            mark, origin = self.pending
            self.lose(origin, "moved", "the cache mark stands at the next part that can hold one")
        if not self.capabilities.cache_marks:
            self.lose(path, "dropped", "the upstream takes no cache marks")
            return
        self.pending = None
        block["cache_control"] = self.cache_control(mark, path)
        self.marks.append((block, path))

    def postpone(self, mark: ir.CacheMark | None, path: str) -> None:
        """Keeps the mark of a part that cannot hold one for the next part that can."""
        if mark is not None:
            self.pending = (mark, path)

    def settle_marks(self) -> None:
        """Drops the marks that found no place, and all but the last four."""
        if self.pending is not None:
            self.lose(self.pending[1], "dropped", "no following part can hold the cache mark")
        free = MAX_MARKS - (self.request.cache_auto is not None)
        for block, path in self.marks[: max(len(self.marks) - free, 0)]:
            del block["cache_control"]
            self.lose(path, "dropped", "at most four cache marks: the last four are kept")
        if not self.native:
            self._lengthen(self.marks[-free:])

    def _lengthen(self, marks: list[tuple[Wire, str]]) -> None:
        """A mark of 5 minutes must not stand before one of an hour: it gets the hour too."""
        auto = self.request.cache_auto
        hour = auto is not None and (auto.ttl or 0) > 300
        for block, path in reversed(marks):
            if block["cache_control"] == _HOUR:
                hour = True
            elif hour:
                block["cache_control"] = _HOUR
                self.lose(path, "approximated", "a cache mark before one of an hour lasts an hour")

    def cache_control(self, mark: ir.CacheMark, path: str) -> Wire:
        """The mark on the wire: the nearest lifetime that is not shorter."""
        seconds = mark.ttl
        if seconds not in _TTLS:
            self.lose(path, "approximated", "cache lifetimes are 5m and 1h")
        ttl = _TTLS.get(seconds, "5m" if seconds is not None and seconds < 300 else "1h")
        return {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}


def begin(request: ir.Request, capabilities: Capabilities, losses: list[ir.Loss]) -> Encoding:
    """What the encoders of this request share, before the first of them."""
    native = request.protocol == NAME
    version = capabilities.api_version
    if version is None:
        version = request.api_version or FIRST_VERSION if native else _version(request.sampling, capabilities)
    custom = _custom_names(request.tools) if request.tools else _NO_NAMES
    return Encoding(request, capabilities, losses, native, version, custom)


def _version(sampling: ir.Sampling, capabilities: Capabilities) -> str:
    """The latest version that takes what the request says."""
    sampled = not (sampling.temperature is None and sampling.top_p is None and sampling.top_k is None)
    return FIRST_VERSION if sampled and capabilities.sampling else VERSION


def _custom_names(tools: list[ir.Tool]) -> frozenset[str]:
    return frozenset([full_name(tool) for tool in tools if tool.kind == "custom"])


def refusal(message: str, path: str, code: str | None = None) -> ir.FaultError:
    """What is raised when a request cannot be carried; `path` is a pointer into the client's body."""
    return ir.FaultError(ir.Fault("invalid_request", message, code=code, param=path or None))
