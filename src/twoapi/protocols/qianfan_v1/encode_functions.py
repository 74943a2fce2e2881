"""Tools as functions, the old form, where nothing says which of them must be called."""

from collections.abc import Mapping

from msgspec import Raw
from msgspec.structs import replace

from twoapi.ir import Tool
from twoapi.protocols.dialects.encoding import Encoding, Wire
from twoapi.protocols.dialects.search import functions_and_search
from twoapi.protocols.dialects.tools import Function, lose_strict
from twoapi.wire.json import fields


def put_functions(encoding: Encoding, body: Wire) -> None:
    """Declares the functions that the model may call; raises FaultError."""
    request = encoding.request
    if not request.tools and request.tool_choice is None:
        if request.parallel is not None:
            encoding.lose_field("parallel", "info", "there are no functions to call")
        return
    choice = request.tool_choice
    outputs = {tool.at: tool.output_schema.raw for tool in request.tools if tool.output_schema is not None}
    # A schema of a result has its place here, and is not lost.
    encoding.request = replace(request, tools=[_without_output(tool) for tool in request.tools])
    made, searches = functions_and_search(encoding, can_name=False)
    encoding.request = request
    lose_strict(encoding, made, "there are no strict functions")
    if searches:
        body["enable_citation"] = True
    if made and (choice is None or choice.mode != "none"):
        body["functions"] = [_declared(encoding, function, outputs) for function in made]
    elif made:
        encoding.lose_field("tool_choice", "info", "functions that must not be called are not declared")
    if choice is not None:
        _report_choice(encoding, made)
    if request.parallel is not None:
        encoding.lose_field("parallel", "info" if not request.parallel else "dropped", "calls come one at a time")


def _without_output(tool: Tool) -> Tool:
    return tool if tool.output_schema is None else replace(tool, output_schema=None)


def _declared(encoding: Encoding, function: Function, outputs: Mapping[str, object]) -> Wire:
    wire: Wire = {"name": function.name, "description": function.description, "parameters": _with_properties(function)}
    if function.description is None:
        wire["description"] = function.name
        encoding.lose(function.at, "synthesized", "the description of a function is its name")
    if function.at in outputs:
        wire["responses"] = outputs[function.at]
    return wire


def _with_properties(function: Function) -> object:
    """The parameters; the vendor wants an object to have properties, if only none."""
    given = function.parameters
    if not isinstance(given, Raw):
        return {"properties": {}, **given}
    members = fields(given)
    return given if "properties" in members else {**members, "properties": {}}


def _report_choice(encoding: Encoding, made: list[Function]) -> None:
    choice = encoding.request.tool_choice
    if choice is None or choice.mode not in ("required", "named"):
        return
    if not made:
        encoding.lose_field("tool_choice", "dropped", "there are no functions to choose from")
    else:
        encoding.lose_field("tool_choice", "approximated", "no call can be forced: only what may be called is declared")
