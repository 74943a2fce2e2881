"""What the encoders of one request share: the losses, the names, what the upstream takes."""

import hashlib

from twoapi import ir
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.tool_checks import full_name
from twoapi.protocols.tool_names import ToolNames
from twoapi.wire.errors import WireError
from twoapi.wire.json import fields

_NO_NAMES: frozenset[str] = frozenset()
_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_LEGAL = _FIRST | frozenset("0123456789.:-")


class Encoding:
    """The state of one encode_request. `native`: the client speaks this protocol; `kept`: its turns go out as they are.

    `places`: pointer in the client's body -> in the upstream's, of contents, parts and tools; filled where extras need
    it.
    """

    __slots__ = ("_names", "called", "capabilities", "custom", "losses", "missing", "native", "places", "request")

    def __init__(self, request: ir.Request, capabilities: Capabilities, losses: list[ir.Loss]) -> None:
        self.request = request
        self.capabilities = capabilities
        self.losses = losses
        self.native = request.protocol == NAME
        tools = request.tools
        self.custom = frozenset([full_name(tool) for tool in tools if tool.kind == "custom"]) if tools else _NO_NAMES
        self.called: dict[str, str] = {}  # id of a call -> the function's name on the wire
        self.missing: set[str] = set()  # ids that the client's body does not have
        self.places: dict[str, str] = {}
        self._names = ToolNames(capabilities.max_tool_name)

    def lose(self, path: str, kind: ir.LossKind, detail: str = "") -> None:
        """Reports what does not cross."""
        self.losses.append(ir.Loss(path, kind, NAME, detail))

    def lose_mark(self, mark: ir.CacheMark | None, path: str) -> None:
        """Reports a cache mark: this protocol has none."""
        if mark is not None:
            self.lose(path, "dropped", "there are no cache marks")

    def name(self, name: str, namespace: str | None = None) -> str:
        """The name of a function as it goes on the wire, where it begins with a letter or an underscore."""
        if namespace is None and (self.native or self._is_legal(name)):
            return name
        wire = self._names.wire(name, namespace)
        if wire[:1] in _FIRST:
            return wire
        limit = self.capabilities.max_tool_name
        full = f"{namespace}__{name}" if namespace else name
        digest = hashlib.sha256(full.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        client = self._names.changed.pop(wire, name)
        wire = f"_{wire[: limit - 10]}_{digest}"
        self._names.changed[wire] = client
        return wire

    def _is_legal(self, name: str) -> bool:
        return name[:1] in _FIRST and len(name) <= self.capabilities.max_tool_name and _LEGAL.issuperset(name)

    @property
    def changed_names(self) -> dict[str, str]:
        """Wire name -> the client's, of all that were changed."""
        return self._names.changed

    def schema_loss(self, at: str, schema: ir.Schema) -> "SchemaLosses":
        """What reports the reductions of a schema that stands at `at` in the client's body."""
        return SchemaLosses(self, at, schema)


class SchemaLosses:
    """Reports each reduction of a schema once. Its places are the client's, unless its schema was another dialect's."""

    __slots__ = ("_at", "_encoding", "_seen", "_whole")

    def __init__(self, encoding: Encoding, at: str, schema: ir.Schema) -> None:
        self._encoding = encoding
        self._at = at
        self._seen: set[str] = set()
        self._whole = schema.native is not None

    def __call__(self, at: str, detail: str) -> None:
        """Reports the reduction at `at` in the schema."""
        path = self._at if self._whole else self._at + at
        if path + detail not in self._seen:
            self._seen.add(path + detail)
            self._encoding.lose(path, "schema", detail)


def is_open_object(schema: ir.Schema) -> bool:
    """True for the schema of an object that says nothing of its properties."""
    try:
        members = fields(schema.raw)
    except WireError:
        return False
    return bytes(members.get("type", b"")) == b'"object"' and bytes(members.get("properties", b"{}")) == b"{}"
