"""Tools and the choice among them for an upstream."""

from collections.abc import Callable

from msgspec import Raw

from twoapi.ir import Loss, Request, Schema, Tool
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_cache_marks import CacheMarks
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.decode_tools import WEB_SEARCH
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.strict_schemas import conforms
from twoapi.wire import json
from twoapi.wire.errors import WireError

Name = Callable[[str, str | None], str]
_SHORT = 128  # bytes of a schema; a longer one is taken to name properties
_WEB_SEARCH_TOOL = Raw(b'{"type":"web_search","web_search":{"enable":true,"search_result":true}}')
_NAMING = frozenset({"type", "name", "cache_control"})  # what every declaration of a server's tool has


class ToolEncoder:
    """Encodes the tools of one request into its body."""

    __slots__ = ("_capabilities", "_dropped", "_longest", "_losses", "_marks", "_name", "_request", "_same")

    def __init__(
        self, request: Request, capabilities: Capabilities, losses: list[Loss], marks: CacheMarks, name: Name
    ) -> None:
        self._request = request
        self._capabilities = capabilities
        self._losses = losses
        self._marks = marks
        self._name = name
        self._same = request.protocol == NAME
        self._longest = capabilities.max_tool_name
        self._dropped: set[str] = set()

    def encode(self, body: out.Body) -> None:
        """Declares the tools and says which of them the model may call."""
        legacy = self._same and self._request.legacy_functions
        tools: list[out.AnyTool] = []
        functions: list[out.FunctionTool] = []
        for tool in self._request.tools:
            if tool.cache is not None:
                self._marks.carry(tool.cache, tool.at)
            if tool.kind == "function":
                function = self._function(tool)
                if legacy:
                    functions.append(function)
                else:
                    tools.append(out.Tool(function))
                continue
            encoded = self._other(tool, body)
            if encoded is not None:
                tools.append(encoded)
        if tools:
            body.tools = tools
        if functions:
            body.functions = functions
        self._choice(body, legacy=legacy)
        if self._request.parallel is not None and (tools or self._same):
            body.parallel_tool_calls = self._request.parallel

    def _other(self, tool: Tool, body: out.Body) -> out.FreeTool | Raw | None:
        if tool.kind == "custom":
            self._report(tool)
            return out.FreeTool(self._custom(tool))
        return self._server(tool, body)

    def _function(self, tool: Tool) -> out.FunctionTool:
        # Dozens in the requests of agents; nothing is called for what a plain one does not have.
        if (
            tool.examples
            or tool.output_schema is not None
            or tool.deferred is not None
            or tool.callers is not None
            or tool.eager_streaming is not None
        ):
            self._report(tool)
        schema, strict, name = tool.schema, tool.strict, tool.name
        # An identifier is always legal on the wire; a client of the same protocol keeps every name.
        legal = self._same or (name.isidentifier() and name.isascii() and len(name) <= self._longest)
        parameters = None if schema is None else schema.raw
        if parameters is not None and len(parameters) < _SHORT and not self._same:
            parameters = _parameters(parameters)
        return out.FunctionTool(
            name if legal and tool.namespace is None else self._name(name, tool.namespace),
            tool.description,
            parameters,
            None if strict is None else self._strict(strict, schema, tool.at),
        )

    def _strict(self, strict: bool, schema: Schema | None, at: str) -> bool | None:  # noqa: FBT001
        if not strict:
            return strict if self._capabilities.strict_tools else None
        if not self._capabilities.strict_tools:
            self._losses.append(Loss(at + "/strict", "unsupported", NAME, "no strict tools"))
            return None
        if not self._same and (schema is None or not conforms(schema)):
            self._losses.append(Loss(at + "/strict", "approximated", NAME, "the schema is outside the strict subset"))
            return None
        return True

    def _custom(self, tool: Tool) -> out.CustomTool:
        form = None
        if tool.grammar is not None:
            form = out.CustomFormat(type="text")
            if tool.grammar.syntax != "text":
                text = out.GrammarText(syntax=tool.grammar.syntax, definition=tool.grammar.definition)
                form = out.CustomFormat(type="grammar", grammar=text)
        name = self._name(tool.name, tool.namespace)
        return out.CustomTool(name=name, description=tool.description, format=form)

    def _server(self, tool: Tool, body: out.Body) -> Raw | None:
        as_tool = self._capabilities.web_search and self._capabilities.web_search_tool
        if tool.protocol == NAME and not (as_tool and tool.type == WEB_SEARCH):
            if tool.type != WEB_SEARCH:
                return tool.raw
            body.web_search_options = tool.raw
            return None
        if tool.type.startswith("web_search") and self._capabilities.web_search:
            if not as_tool:
                body.web_search_options = Raw(b"{}")
            self._losses.append(Loss(tool.at, "emulated", NAME, "web search of the upstream's own kind"))
            self._losses += [
                Loss(f"{tool.at}/{json.escape(name)}", "dropped", NAME, "no limit of the web search here")
                for name in ({} if tool.raw is None else json.fields(tool.raw))
                if name not in _NAMING
            ]
            return _WEB_SEARCH_TOOL if as_tool else None
        self._dropped.add(tool.name)
        self._losses.append(Loss(tool.at, "unsupported", NAME, f"no tool of type {tool.type} here"))
        return None

    def _report(self, tool: Tool) -> None:
        if tool.examples:
            self._losses.append(Loss(tool.at + "/input_examples", "dropped", NAME, "no examples of a tool's input"))
        if tool.output_schema is not None:
            self._losses.append(Loss(tool.at, "dropped", NAME, "no schema of a tool's output"))
        if tool.deferred is not None:
            self._losses.append(Loss(tool.at + "/defer_loading", "unsupported", NAME, "every tool is sent at once"))
        if tool.callers is not None:
            self._losses.append(
                Loss(tool.at + "/allowed_callers", "unsupported", NAME, "no limits of a tool's callers")
            )
        if tool.eager_streaming is not None:
            self._losses.append(
                Loss(tool.at + "/eager_input_streaming", "unsupported", NAME, "no eager streaming of a tool's input")
            )

    def _choice(self, body: out.Body, *, legacy: bool) -> None:
        choice = self._request.tool_choice
        if choice is None:
            return
        if choice.names and self._dropped.intersection(choice.names):
            raise refuse(
                "a tool that must be called does not exist at this upstream", self._request.where("tool_choice")
            )
        named = [
            out.ToolName(type="custom", custom=out.NamedTool(name=name))
            if kind == "custom"
            else out.ToolName(type="function", function=out.NamedTool(name=name))
            for name, kind in self._choice_names(choice.names, choice.kinds)
        ]
        if choice.allowed:
            mode = "required" if choice.mode == "required" else "auto"
            body.tool_choice = out.AllowedChoice(allowed_tools=out.AllowedTools(mode=mode, tools=named))
        elif choice.mode == "named":
            if legacy and named[0].function is not None:
                body.function_call = named[0].function
            else:
                body.tool_choice = named[0]
        elif legacy:
            body.function_call = choice.mode
        elif self._same or body.tools or choice.mode == "none":
            body.tool_choice = choice.mode
        elif choice.mode == "required":
            where = self._request.where("tool_choice")
            self._losses.append(Loss(where, "dropped", NAME, "there are no tools to choose from"))

    def _choice_names(self, names: list[str], kinds: list[str]) -> list[tuple[str, str]]:
        """The wire names; a choice names a tool without its namespace."""
        spaces = {tool.name: tool.namespace for tool in self._request.tools if tool.namespace}
        customs = {tool.name for tool in self._request.tools if tool.kind == "custom"}
        found = []
        for number, name in enumerate(names):
            kind = kinds[number] if number < len(kinds) else ("custom" if name in customs else "function")
            found.append((self._name(name, spaces.get(name)), kind))
        return found


def _parameters(raw: Raw) -> Raw:
    """The schema; the vendor refuses the one of an object that says nothing of its properties."""
    if b'"properties"' in bytes(raw):
        return raw
    try:
        members = json.fields(raw)
    except WireError:
        return raw  # for the vendor to refuse
    if bytes(members.get("type", b"")) != b'"object"':
        return raw
    return Raw(json.encode({**members, "properties": {}}))
