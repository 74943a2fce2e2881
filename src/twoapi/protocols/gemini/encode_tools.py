"""Tools and the choice among them."""

from itertools import zip_longest

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.free_text import FREE_TEXT, described
from twoapi.protocols.gemini.encoding import Encoding, is_open_object
from twoapi.protocols.gemini.name import refuse
from twoapi.protocols.gemini.parts import Wire
from twoapi.protocols.gemini.schema_reduced import to_schema
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire.errors import WireError
from twoapi.wire.json import fields

_FREE_TEXT_REDUCED: Wire = {"type": "OBJECT", "properties": {"input": {"type": "STRING"}}, "required": ["input"]}


def put_tools(encoding: Encoding, body: Wire) -> None:
    """Puts `tools` into the body, and which of them the model may or must call."""
    if encoding.native:
        _put_native(encoding, body)
    else:
        check_tools(encoding.request)
        _put_foreign(encoding, body)
    _put_choice(encoding, body)


def _put_native(encoding: Encoding, body: Wire) -> None:
    """The client's own objects: what shared one, and only that, shares one again."""
    made: dict[str, Wire] = {}
    for tool in encoding.request.tools:
        if tool.kind == "function":
            place = tool.at.removesuffix("/" + tool.at.rpartition("/")[2])
            single = not tool.at.rpartition("/")[2].isdecimal()
            place = tool.at.rpartition("/")[0] if single else place.rpartition("/")[0]
            group = made.setdefault(place, {})
            declared = group.setdefault("functionDeclarations", [])
            assert isinstance(declared, list)  # noqa: S101  made above
            encoding.places[tool.at] = f"/tools/{list(made).index(place)}/functionDeclarations/{len(declared)}"
            declared.append(_function(encoding, tool))
        else:
            made.setdefault(tool.at.rpartition("/")[0], {}).update(fields(tool.raw or Raw(b"{}")))
    for number, place in enumerate(made):
        encoding.places[place] = f"/tools/{number}"
    if made:
        body["tools"] = list(made.values())


def _put_foreign(encoding: Encoding, body: Wire) -> None:
    """All functions in one object, each of the vendor's own tools in one of its own."""
    declared: list[Wire] = []
    others: list[Wire] = []
    for tool in encoding.request.tools:
        if tool.kind in ("server", "client_defined"):
            others += _vendor_tool(encoding, tool)
        else:
            declared.append(_function(encoding, tool))
    tools: list[Wire] = [{"functionDeclarations": declared}] if declared else []
    if tools or others:
        body["tools"] = tools + others


def _vendor_tool(encoding: Encoding, tool: ir.Tool) -> list[Wire]:
    encoding.lose_mark(tool.cache, tool.at)
    if tool.kind == "server" and tool.type.startswith("web_search") and encoding.capabilities.web_search:
        encoding.lose(tool.at, "approximated", "the vendor's own search, without the options of the other")
        return [{"googleSearch": {}}]
    choice = encoding.request.tool_choice
    if choice is not None and choice.mode == "named" and tool.name in choice.names:
        raise refuse(f"the target has no tool of type {tool.type!r}", tool.at)
    encoding.lose(tool.at, "unsupported", f"a tool of another vendor: {tool.type}")
    return []


def _function(encoding: Encoding, tool: ir.Tool) -> Wire:
    wire: Wire = {"name": encoding.name(tool.name, tool.namespace)}
    if tool.kind == "custom":
        return _custom(encoding, tool, wire)
    if tool.description is not None:
        wire["description"] = tool.description
    if tool.schema is not None:
        _put_schema(encoding, wire, "parameters", tool.schema, tool.at)
    if tool.output_schema is not None:
        _put_schema(encoding, wire, "response", tool.output_schema, tool.at)
    if not encoding.native:
        _report(encoding, tool)
    return wire


def _put_schema(encoding: Encoding, wire: Wire, name: str, schema: ir.Schema, at: str) -> None:
    """The schema as JSON Schema; for upstreams that take only the reduced form, in that."""
    if encoding.native and schema.native is not None:
        wire[name] = schema.native
        return
    if encoding.capabilities.json_schemas:
        wire[f"{name}JsonSchema"] = schema.raw
        return
    if name == "parameters" and is_open_object(schema):
        return  # the reduced form has no object without properties
    wire[name] = reduced(encoding, schema, at)


def reduced(encoding: Encoding, schema: ir.Schema, at: str) -> Wire:
    """The vendor's Schema; each reduction is reported, with `at` where the schema has no place of its own."""
    try:
        return to_schema(schema.raw, encoding.schema_loss(at + schema.at, schema))
    except WireError as error:
        raise refuse(error.message, at + schema.at) from None


def _custom(encoding: Encoding, tool: ir.Tool, wire: Wire) -> Wire:
    description = described(tool)
    if description is not None:
        wire["description"] = description
    if encoding.capabilities.json_schemas:
        wire["parametersJsonSchema"] = FREE_TEXT
    else:
        wire["parameters"] = _FREE_TEXT_REDUCED
    encoding.lose(tool.at, "emulated", "a free-text tool is sent as a function with one string")
    encoding.lose_mark(tool.cache, tool.at)
    return wire


def _report(encoding: Encoding, tool: ir.Tool) -> None:
    """What other protocols say of a tool and this one cannot."""
    if tool.strict is not None:
        kind: ir.LossKind = "unsupported" if tool.strict else "info"
        encoding.lose(tool.at, kind, "there are no strict tools")
    if tool.examples:
        encoding.lose(tool.at, "dropped", "examples of a tool's input")
    if tool.deferred is not None:
        kind = "approximated" if tool.deferred else "info"
        encoding.lose(tool.at, kind, "every tool is sent at once")
    if tool.callers is not None:
        encoding.lose(tool.at, "dropped", "who may call the tool")
    if tool.eager_streaming is not None:
        encoding.lose(tool.at, "dropped", "how a tool's input is streamed")
    encoding.lose_mark(tool.cache, tool.at)


def _put_choice(encoding: Encoding, body: Wire) -> None:
    request = encoding.request
    if request.parallel is False:
        encoding.lose(request.where("parallel"), "unsupported", "parallel calls cannot be switched off")
    choice = request.tool_choice
    if choice is None:
        return
    if "tools" not in body and not encoding.native:
        if choice.mode != "none":
            encoding.lose(request.where("tool_choice"), "dropped", "there are no tools to choose from")
        else:
            encoding.lose(request.where("tool_choice"), "info", "there are no tools anyway")
        return
    config: Wire = {}
    names = _callable_names(encoding, choice)
    match choice.mode:
        case "none":
            config["mode"] = "NONE"
        case _ if choice.names and not names:
            config["mode"] = "NONE"  # of what it may call nothing is there
        case "auto":
            config["mode"] = "VALIDATED" if names else "AUTO"
        case "required" | "named":
            config["mode"] = "ANY"
    if names and choice.mode != "none":
        config["allowedFunctionNames"] = names
    body["toolConfig"] = {"functionCallingConfig": config}


def _callable_names(encoding: Encoding, choice: ir.ToolChoice) -> list[str]:
    """The functions among those that may be called; the vendor's own tools cannot be named."""
    request = encoding.request
    names: list[str] = []
    for name, kind in zip_longest(choice.names, choice.kinds[: len(choice.names)], fillvalue="function"):
        if kind == "server":
            encoding.lose(request.where("tool_choice"), "unsupported", f"{name} is no function, and cannot be chosen")
        else:
            names.append(encoding.name(name, _namespace(request, name)))
    return names


def _namespace(request: ir.Request, name: str) -> str | None:
    return next((tool.namespace for tool in request.tools if tool.name == name), None)
