"""Tools and the choice among them for an upstream."""

from collections.abc import Callable
from operator import attrgetter

from msgspec import Raw

from twoapi.ir import Loss, LossKind, Request, Schema, Tool, ToolChoice
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks
from twoapi.protocols.openai_responses import schema_request as wire
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.protocols.strict_schemas import conforms
from twoapi.wire import json
from twoapi.wire.errors import WireError

Name = Callable[[str, str | None], str]
_SHORT = 128  # bytes of a schema; a longer one is taken to name properties
_NULL = Raw(b"null")
_WEB_SEARCH = Raw(b'{"type":"web_search"}')
_NAMING = frozenset({"type", "name", "cache_control"})  # what every declaration of a server's tool has
_CHOICE = "/tool_choice"
# What few tools have, and its value in all others.
_odd = attrgetter(
    "kind", "namespace", "output_schema", "deferred", "callers", "eager_streaming", "strict", "examples", "cache"
)
_PLAIN = ("function", *(None,) * 5)
_PLAINS: tuple[tuple[object, ...], ...] = (
    (*_PLAIN, None, [], None),
    (*_PLAIN, False, [], None),
)  # strict is said, or it is not
_Function = wire.WrittenFunction


class ToolEncoder:
    """Encodes the tools of one request into its body. `written`: pointers of extras that are in the tools already."""

    __slots__ = ("_capabilities", "_dropped", "_losses", "_marks", "_name", "_request", "_same", "written")

    def __init__(
        self, request: Request, capabilities: Capabilities, losses: list[Loss], marks: CacheMarks, name: Name
    ) -> None:
        self._request = request
        self._capabilities = capabilities
        self._losses = losses
        self._marks = marks
        self._name = name
        self._same = request.protocol == NAME
        self._dropped: set[str] = set()
        self.written: set[str] = set()

    def encode(self, body: wire.WrittenBody) -> None:
        """Declares the tools and says which of them the model may call."""
        tools = self._declared()
        if tools:
            body.tools = tools
        if self._request.tool_choice is not None:
            self._choice(self._request.tool_choice, body)
        if self._request.parallel is not None and (tools or self._same):
            body.parallel_tool_calls = self._request.parallel

    def _declared(self) -> list[wire.WrittenTool]:
        tools: list[wire.WrittenTool] = []
        space: str | None = None  # where the namespace stands that tools[-1] is
        longest = 0 if self._same else self._capabilities.max_tool_name
        for tool in self._request.tools:
            # Nearly all tools have a name, a description and a schema: they are made here, without a call.
            name, schema = tool.name, tool.schema
            if len(name) <= longest and schema is not None and len(schema.raw) >= _SHORT and _odd(tool) in _PLAINS:
                if not (name.isidentifier() and name.isascii()):
                    name = self._name(name, None)
                tools.append(_Function(name=name, description=tool.description, parameters=schema.raw, strict=False))
                continue
            if tool.cache is not None:
                self._marks.carry(tool.cache, tool.at)
            encoded = self._encode(tool)
            if encoded is None:
                continue
            if not self._same or tool.namespace is None or isinstance(encoded, Raw):
                tools.append(encoded)
                space = None
                continue
            place = tool.at.rpartition("/tools/")[0]
            last = tools[-1] if tools else None
            if place == space and isinstance(last, wire.WrittenNamespace):
                last.tools.append(encoded)
            else:
                space = place
                tools.append(self._namespace(tool.namespace, place, encoded))
        return tools

    def _namespace(
        self, name: str, place: str, first: wire.WrittenFunction | wire.WrittenCustom
    ) -> wire.WrittenNamespace:
        pointer = place + "/description"
        description = self._request.extras.get(pointer)
        if description is not None:
            self.written.add(pointer)
        return wire.WrittenNamespace(name=name, description=description, tools=[first])

    def _encode(self, tool: Tool) -> wire.WrittenFunction | wire.WrittenCustom | Raw | None:
        if tool.kind == "function":
            return self._function(tool)
        if tool.kind == "custom":
            self._report(tool)
            return self._custom(tool)
        return self._server(tool)

    def _function(self, tool: Tool) -> wire.WrittenFunction:
        self._report(tool)
        schema = tool.schema
        parameters: Raw | None = None if self._same else _NULL  # the vendor wants the member
        if schema is not None:
            parameters = schema.raw if self._same else _parameters(schema.raw)
        return wire.WrittenFunction(
            name=self._name(tool.name, None if self._same else tool.namespace),
            description=tool.description,
            parameters=parameters,
            strict=tool.strict if self._same else self._strict(tool),
            output_schema=None if tool.output_schema is None else tool.output_schema.raw,
            defer_loading=tool.deferred,
            allowed_callers=self._callers(tool),
        )

    def _strict(self, tool: Tool) -> bool:
        """Always said: this vendor takes a tool as strict that does not say it."""
        if not tool.strict:
            return False
        if not self._capabilities.strict_tools:
            self._lose(tool.at + "/strict", "unsupported", "no strict tools")
            return False
        if tool.schema is None or not conforms(tool.schema):
            self._lose(tool.at + "/strict", "approximated", "the schema is outside the strict subset")
            return False
        return True

    def _callers(self, tool: Tool) -> list[str] | None:
        if tool.callers is None or self._same:
            return tool.callers
        self._lose(tool.at + "/allowed_callers", "unsupported", "no such limits of a tool's callers")
        return None

    def _custom(self, tool: Tool) -> wire.WrittenCustom:
        form = None
        if tool.grammar is not None:
            form = wire.WrittenFormat(type="text")
            if tool.grammar.syntax != "text":
                form = wire.WrittenFormat(
                    type="grammar", syntax=tool.grammar.syntax, definition=tool.grammar.definition
                )
        return wire.WrittenCustom(
            name=self._name(tool.name, None if self._same else tool.namespace),
            description=tool.description,
            format=form,
            defer_loading=tool.deferred,
            allowed_callers=self._callers(tool),
        )

    def _server(self, tool: Tool) -> Raw | None:
        if tool.protocol == NAME:
            return tool.raw
        if tool.type.startswith("web_search") and self._capabilities.web_search:
            self._lose(tool.at, "emulated", "web search of the upstream's own kind")
            for name in {} if tool.raw is None else json.fields(tool.raw):
                if name not in _NAMING:
                    self._lose(f"{tool.at}/{json.escape(name)}", "dropped", "no such option of the web search")
            return _WEB_SEARCH
        self._dropped.add(tool.name)
        self._lose(tool.at, "unsupported", f"no tool of type {tool.type} here")
        return None

    def _report(self, tool: Tool) -> None:
        if tool.examples:
            self._lose(tool.at + "/input_examples", "dropped", "no examples of a tool's input")
        if tool.eager_streaming is not None:
            self._lose(tool.at + "/eager_input_streaming", "unsupported", "no eager streaming of a tool's input")

    def _choice(self, choice: ToolChoice, body: wire.WrittenBody) -> None:
        if self._same and _CHOICE in self._request.extras:
            body.tool_choice = self._request.extras[_CHOICE]
            self.written.add(_CHOICE)
            return
        if choice.names and self._dropped.intersection(choice.names):
            raise refuse(
                "a tool that must be called does not exist at this upstream", self._request.where("tool_choice")
            )
        named = self._named(choice)
        if choice.allowed:
            mode = "required" if choice.mode == "required" else "auto"
            body.tool_choice = wire.AllowedTools(mode=mode, tools=named)
        elif choice.mode == "named":
            body.tool_choice = named[0]
        elif self._same or body.tools or choice.mode == "none":
            body.tool_choice = choice.mode
        elif choice.mode == "required":
            self._lose(self._request.where("tool_choice"), "dropped", "there are no tools to choose from")

    def _named(self, choice: ToolChoice) -> list[wire.NamedTool]:
        """The wire names; a choice names a tool without its namespace."""
        spaces = {} if self._same else {tool.name: tool.namespace for tool in self._request.tools if tool.namespace}
        customs = {tool.name for tool in self._request.tools if tool.kind == "custom"}
        found = []
        for number, name in enumerate(choice.names):
            kind = choice.kinds[number] if number < len(choice.kinds) else "custom" if name in customs else "function"
            found.append(wire.NamedTool(type=kind, name=self._name(name, spaces.get(name))))
        return found

    def _lose(self, path: str, kind: LossKind, detail: str) -> None:
        self._losses.append(Loss(path, kind, NAME, detail))


def _parameters(raw: Raw) -> Raw:
    """The schema; the vendor refuses the one of an object that says nothing of its properties."""
    if len(raw) >= _SHORT or b'"properties"' in bytes(raw):
        return raw
    try:
        members = json.fields(raw)
    except WireError:
        return raw  # for the vendor to refuse
    if bytes(members.get("type", b"")) != b'"object"':
        return raw
    return Raw(json.encode({**members, "properties": {}}))


def is_strict(schema: Schema | None) -> bool:
    """True when a schema can be sent as a strict one."""
    return schema is not None and conforms(schema)
