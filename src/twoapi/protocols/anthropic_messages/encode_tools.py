"""Tools and the choice among them."""

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.anthropic_messages.encoding import Encoding, Wire, refusal
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.free_text import FREE_TEXT, described
from twoapi.protocols.past_calls import called_names
from twoapi.wire.errors import WireError
from twoapi.wire.json import fields

WEB_SEARCH = "web_search_20250305"
# What nearly all schemas begin with, and what comes after all that begin so; what most others end with, where it can be
# nothing else than the last member of the root.
_OBJECT, _PAST_OBJECT = bytearray(b'{"type":"object"'), bytearray(b'{"type":"object#')
_ENDING = b',"type":"object"}'
_ANY_OBJECT: Wire = {"type": "object", "properties": {}}
_CHOICES = {"none": "none", "auto": "auto", "required": "any", "named": "tool"}


class _Function(Struct, gc=False):
    """A tool as most are."""

    name: str
    description: str | Raw
    input_schema: Raw


def encode_tools(encoding: Encoding) -> list[object]:
    """The tools that the model may call; of an allowed subset only these."""
    choice = encoding.request.tool_choice
    allowed = set(choice.names) if choice is not None and choice.allowed else None
    longest = encoding.capabilities.max_tool_name
    made: list[object] = []
    for tool in encoding.request.tools:
        name, schema, description = tool.name, tool.schema, tool.description
        if allowed is not None and name not in allowed:
            encoding.lose(tool.at, "info", "a tool that is not allowed now is not declared")
            continue
        # Requests of agents declare dozens of functions. Most say their name, what they are for, and what they take:
        # that is looked at here, without a call of Python's.
        if (
            tool.kind == "function"
            and schema is not None
            and (_OBJECT < schema.raw < _PAST_OBJECT or bytes(schema.raw).endswith(_ENDING))
            and description is not None
            and tool.strict is None
            and tool.cache is None
            and tool.namespace is None
            and tool.output_schema is None
            and tool.deferred is None
            and tool.callers is None
            and tool.eager_streaming is None
            and not tool.type
            and not tool.examples
        ):
            if not (name.isidentifier() and name.isascii() and len(name) <= longest):
                name = encoding.names.wire(name)
            made.append(_Function(name, description, schema.raw))
            continue
        wire = _encode_tool(encoding, tool)
        if wire is not None:
            made.append(wire)
    return made


def _encode_tool(encoding: Encoding, tool: ir.Tool) -> Wire | Raw | None:
    if tool.kind in ("server", "client_defined"):
        return _vendor_tool(encoding, tool)
    wire: Wire = {"name": encoding.names.wire(tool.name, tool.namespace)}
    if tool.kind == "custom":
        return _custom_tool(encoding, tool, wire)
    if encoding.native and tool.type:
        wire["type"] = tool.type
    if tool.description is not None:
        wire["description"] = tool.description
    wire["input_schema"] = _input_schema(encoding, tool)
    if tool.strict is not None:
        if encoding.capabilities.strict_tools:
            wire["strict"] = tool.strict
        elif tool.strict:
            encoding.lose(f"{tool.at}/strict", "unsupported", "strict tools")
    if tool.examples:
        wire["input_examples"] = tool.examples
    if tool.output_schema is not None:
        encoding.lose(tool.at, "dropped", "the schema of a tool's output")
    _loading(encoding, tool, wire)
    encoding.mark(wire, tool.cache, tool.at)
    return wire


def _loading(encoding: Encoding, tool: ir.Tool, wire: Wire) -> None:
    if encoding.native:
        if tool.deferred is not None:
            wire["defer_loading"] = tool.deferred
        if tool.callers is not None:
            wire["allowed_callers"] = tool.callers
        if tool.eager_streaming is not None:
            wire["eager_input_streaming"] = tool.eager_streaming
        return
    if tool.deferred:
        encoding.lose(tool.at, "approximated", "a deferred tool is sent at once")
    if tool.callers is not None:
        encoding.lose(tool.at, "dropped", "who may call the tool")


def _input_schema(encoding: Encoding, tool: ir.Tool) -> object:
    schema = tool.schema
    if schema is None:
        return _ANY_OBJECT
    if encoding.native or _OBJECT < schema.raw < _PAST_OBJECT or bytes(schema.raw).endswith(_ENDING):
        return schema.raw
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


def _custom_tool(encoding: Encoding, tool: ir.Tool, wire: Wire) -> Wire:
    description = described(tool)
    if description is not None:
        wire["description"] = description
    wire["input_schema"] = FREE_TEXT
    encoding.lose(tool.at, "emulated", "a free-text tool is sent as a function with one string")
    encoding.mark(wire, tool.cache, tool.at)
    return wire


def _vendor_tool(encoding: Encoding, tool: ir.Tool) -> Wire | Raw | None:
    if tool.protocol == NAME and tool.raw is not None:
        return tool.raw
    choice = encoding.request.tool_choice
    if tool.kind == "server" and tool.type.startswith("web_search") and encoding.capabilities.web_search:
        return _web_search(encoding, tool)
    if choice is not None and choice.mode == "named" and tool.name in choice.names:
        raise refusal(f"the target has no tool of type {tool.type!r}", tool.at)
    encoding.lose(tool.at, "unsupported", f"a tool of another vendor: {tool.type}")
    return None


def _web_search(encoding: Encoding, tool: ir.Tool) -> Wire:
    wire: Wire = {"type": WEB_SEARCH, "name": "web_search"}
    encoding.lose(tool.at, "approximated", "the vendor's own web search, without the options of the other")
    return wire


def called_tools(encoding: Encoding) -> list[Wire]:
    """Declarations for calls in the history, which the service wants to know, where another's client declares none."""
    if encoding.native or encoding.request.tools:
        return []
    names = called_names(encoding.request, encoding.names, encoding.lose)
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def encode_choice(encoding: Encoding, *, tools: bool, forced_allowed: bool) -> Wire | None:
    """The tool choice. `forced_allowed`: the model's thinking leaves room for a forced call."""
    request = encoding.request
    choice = request.tool_choice
    if not tools:
        if choice is not None and choice.mode != "none":
            encoding.lose(request.where("tool_choice"), "dropped", "there are no tools to choose from")
        return None
    if choice is None:
        if request.parallel is False:
            return {"type": "auto", "disable_parallel_tool_use": True}
        return None
    mode = choice.mode
    if choice.allowed:
        encoding.lose(request.where("tool_choice"), "emulated", "of the tools only the allowed ones are declared")
        mode = "required" if mode == "named" else mode
    kind = _CHOICES[mode]
    if kind in ("any", "tool") and not forced_allowed:
        encoding.lose(request.where("tool_choice"), "approximated", "with manual thinking a call cannot be forced")
        kind = "auto"
    wire: Wire = {"type": kind}
    if kind == "tool":
        wire["name"] = encoding.names.wire(choice.names[0])
    _put_parallel(encoding, wire)
    return wire


def _put_parallel(encoding: Encoding, choice: Wire) -> None:
    request = encoding.request
    if choice["type"] == "none":
        if request.parallel is False:
            encoding.lose(request.where("parallel"), "info", "no call is allowed anyway")
    elif request.parallel is not None and (encoding.native or not request.parallel):
        choice["disable_parallel_tool_use"] = not request.parallel
