"""Tools and the choice among them."""

from twoapi import ir
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.dialects.encoding import Wire
from twoapi.protocols.dialects.tools import functions, lose_strict, report_parallel
from twoapi.protocols.dialects.unsent import refusal
from twoapi.protocols.past_calls import called_names

_ANY_OBJECT: Wire = {"type": "object", "properties": {}}


def encode_tools(encoding: Encoding) -> list[Wire]:
    """The tools that the model may call, with cache marks between them; of an allowed subset only these.

    Raises FaultError.
    """
    made: list[Wire] = []
    found = functions(encoding, can_name=True, marks=True)
    if not encoding.capabilities.strict_tools:
        lose_strict(encoding, found, "strict tools")
    for function in found:
        spec: Wire = {"name": function.name}
        if function.description is not None and ir.plain(function.description):
            spec["description"] = function.description
        elif function.description is not None:
            encoding.lose(function.at, "info", "an empty description")
        spec["inputSchema"] = {"json": function.parameters}
        if function.strict is not None and encoding.capabilities.strict_tools:
            spec["strict"] = function.strict
        made.append({"toolSpec": spec})
        encoding.mark(made, function.cache, function.at)
    return made


def encode_config(encoding: Encoding, tools: list[Wire]) -> Wire:
    """`toolConfig`, {} for none. After the turns: a history with calls needs declarations of tools."""
    request = encoding.request
    choice, where = request.tool_choice, request.where("tool_choice")
    report_parallel(encoding)
    if choice is not None and choice.mode == "none":
        return _without_calls(encoding, tools)
    if choice is not None and choice.mode == "named" and not choice.allowed:
        _chosen(encoding, choice.names[0])  # a tool that others would run is refused, though there be no other
    if not tools:
        if choice is not None:
            encoding.lose(where, "dropped", "there are no tools to choose from")
        return {"tools": _called_tools(encoding)} if encoding.tools_used else {}
    if choice is None:
        return {"tools": tools}
    if choice.allowed:
        encoding.lose(where, "emulated", "of the tools only the allowed ones are declared")
    return {"tools": tools, "toolChoice": _choice(encoding, choice, where)}


def _choice(encoding: Encoding, choice: ir.ToolChoice, where: str) -> Wire:
    if choice.mode == "auto":
        return {"auto": {}}
    if choice.mode not in encoding.capabilities.tool_choices:
        encoding.lose(where, "unsupported", "the model takes no such choice")
        return {"auto": {}}
    if choice.mode == "named" and not choice.allowed:
        return {"tool": {"name": _chosen(encoding, choice.names[0])}}
    return {"any": {}}


def _without_calls(encoding: Encoding, tools: list[Wire]) -> Wire:
    """There is no such choice: without tools nothing can be called, but a history with calls needs them."""
    where = encoding.request.where("tool_choice")
    if encoding.tools_used:
        encoding.lose(where, "approximated", "calls cannot be forbidden where the history has some")
        return {"tools": tools or _called_tools(encoding)}
    if tools:
        encoding.lose(where, "emulated", "the tools are not declared, so that none is called")
        for tool in encoding.request.tools:
            encoding.lose(tool.at, "info", "a tool that is not allowed now is not declared")
        encoding.drop_marks(tools)
    else:
        encoding.lose(where, "info", "there are no tools anyway")
    return {}


def _chosen(encoding: Encoding, name: str) -> str:
    """The name on the wire of the tool that must be called."""
    request = encoding.request
    tool = next((tool for tool in request.tools if tool.name == name and tool.kind in ("function", "custom")), None)
    if tool is None:
        raise refusal(f"the target has no tool {name!r} to choose", request.where("tool_choice"))
    return encoding.names.wire(name, tool.namespace)


def _called_tools(encoding: Encoding) -> list[Wire]:
    """Declarations for calls in the history, which the service wants to know."""
    names = called_names(encoding.request, encoding.names, encoding.lose)
    return [{"toolSpec": {"name": name, "inputSchema": {"json": _ANY_OBJECT}}} for name in names]
