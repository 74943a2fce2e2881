"""Tools and the choice among them."""

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.dialect import Wire
from twoapi.protocols.unsent import refusal
from twoapi.wire.errors import WireError
from twoapi.wire.json import fields

_ANY_OBJECT: Wire = {"type": "object", "properties": {}}
_FREE_TEXT: Wire = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


class Tools(Struct):
    """What goes out: tools, and cache marks between them."""

    declared: list[Wire]


def encode_tools(encoding: Encoding) -> Tools:
    """The tools that the model may call; of an allowed subset only these."""
    choice = encoding.request.tool_choice
    allowed = set(choice.names) if choice is not None and choice.allowed else None
    made: list[Wire] = []
    for tool in encoding.request.tools:
        if allowed is not None and tool.name not in allowed:
            encoding.lose(tool.at, "info", "a tool that is not allowed now is not declared")
            encoding.postpone(tool.cache, tool.at)
        else:
            _put_tool(encoding, made, tool)
    return Tools(made)


def _put_tool(encoding: Encoding, made: list[Wire], tool: ir.Tool) -> None:
    if tool.kind in ("server", "client_defined"):
        _report_vendor_tool(encoding, tool)
        return
    spec: Wire = {"name": encoding.names.wire(tool.name, tool.namespace)}
    texts = [] if tool.description is None else [ir.plain(tool.description)]
    if tool.kind == "custom":
        if tool.grammar is not None:
            texts.append(tool.grammar.definition)
        spec["inputSchema"] = {"json": _FREE_TEXT}
        encoding.lose(tool.at, "emulated", "a free-text tool is sent as a function with one string")
    else:
        spec["inputSchema"] = {"json": _input_schema(encoding, tool)}
    words = "\n\n".join(text for text in texts if text)
    if words:
        spec["description"] = words
    elif tool.description is not None:
        encoding.lose(tool.at, "info", "an empty description")
    if tool.strict is not None and encoding.capabilities.strict_tools:
        spec["strict"] = tool.strict
    elif tool.strict:
        encoding.lose(tool.at, "unsupported", "strict tools")
    _report(encoding, tool)
    made.append({"toolSpec": spec})
    encoding.mark(made, tool.cache, tool.at)


def _report(encoding: Encoding, tool: ir.Tool) -> None:
    """What other protocols say of a tool and this one cannot."""
    if tool.examples:
        encoding.lose(tool.at, "dropped", "examples of a tool's input")
    if tool.output_schema is not None:
        encoding.lose(tool.at, "dropped", "the schema of a tool's output")
    if tool.deferred:
        encoding.lose(tool.at, "approximated", "a deferred tool is sent at once")
    if tool.callers is not None:
        encoding.lose(tool.at, "dropped", "who may call the tool")
    if tool.eager_streaming is not None:
        encoding.lose(tool.at, "dropped", "how a tool's input is streamed")


def _report_vendor_tool(encoding: Encoding, tool: ir.Tool) -> None:
    choice = encoding.request.tool_choice
    if choice is not None and choice.mode == "named" and tool.name in choice.names:
        raise refusal(f"the target has no tool of type {tool.type!r}", tool.at)
    encoding.lose(tool.at, "unsupported", f"a tool of another vendor: {tool.type}")
    encoding.postpone(tool.cache, tool.at)


def _input_schema(encoding: Encoding, tool: ir.Tool) -> object:
    """The schema, whose root the service wants to be an object."""
    schema = tool.schema
    if schema is None:
        return _ANY_OBJECT
    try:
        members = fields(schema.raw)
    except WireError:
        raise refusal("the parameters of a tool must be a JSON Schema object", tool.at) from None
    kind = bytes(members.get("type", b"[]"))
    if kind == b'"object"':
        return schema.raw
    if not kind.startswith(b"[") or (kind != b"[]" and b'"object"' not in kind):
        raise refusal("the parameters of a tool must be a JSON Schema object", tool.at)
    encoding.lose(tool.at, "schema", "the root of a tool's schema is an object")
    return {**members, "type": Raw(b'"object"')}


def encode_choice(encoding: Encoding, tools: Tools) -> Wire | None:
    """The choice; None when none is said. After the turns: a history with calls needs declarations of tools."""
    request = encoding.request
    choice = request.tool_choice
    if request.parallel is False:
        encoding.lose(request.where("parallel"), "unsupported", "parallel calls cannot be switched off")
    if choice is not None and choice.mode == "none":
        _forbid(encoding, tools)
        return None
    if not tools.declared:
        if choice is not None:
            encoding.lose(request.where("tool_choice"), "dropped", "there are no tools to choose from")
        if encoding.tools_used:
            tools.declared = _called_tools(encoding)
        return None
    if choice is None:
        return None
    if choice.allowed:
        encoding.lose(request.where("tool_choice"), "emulated", "of the tools only the allowed ones are declared")
    if choice.mode not in ("auto", *encoding.capabilities.tool_choices):
        encoding.lose(request.where("tool_choice"), "unsupported", "the model takes no such choice")
        return {"auto": {}}
    if choice.mode == "named" and not choice.allowed:
        return {"tool": {"name": encoding.names.wire(choice.names[0], _namespace(request, choice.names[0]))}}
    return {"auto": {}} if choice.mode == "auto" else {"any": {}}


def _forbid(encoding: Encoding, tools: Tools) -> None:
    """There is no such choice: without tools nothing can be called, but a history with calls needs them."""
    where = encoding.request.where("tool_choice")
    if encoding.tools_used:
        encoding.lose(where, "approximated", "calls cannot be forbidden where the history has some")
        tools.declared = tools.declared or _called_tools(encoding)
    elif tools.declared:
        encoding.lose(where, "emulated", "the tools are not declared, so that none is called")
        for tool in encoding.request.tools:
            encoding.lose(tool.at, "info", "a tool that is not allowed now is not declared")
        encoding.drop_marks(tools.declared)
        tools.declared = []
    else:
        encoding.lose(where, "info", "there are no tools anyway")


def _namespace(request: ir.Request, name: str) -> str | None:
    return next((tool.namespace for tool in request.tools if tool.name == name), None)


def _called_tools(encoding: Encoding) -> list[Wire]:
    """Declarations for calls in the history, which the service wants to know."""
    names: dict[str, str] = {}
    for message in encoding.request.messages:
        for part in message.parts:
            if type(part) is ir.ToolCall:
                names.setdefault(encoding.names.wire(part.name, part.namespace), message.at + part.at)
    for path in names.values():
        encoding.lose(path, "synthesized", "a declaration of the tool, which the request does not have")
    return [{"toolSpec": {"name": name, "inputSchema": {"json": _ANY_OBJECT}}} for name in names]
