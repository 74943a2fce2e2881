"""Tools as a dialect has them: functions and nothing else, with no way to name the one that must be called."""

import msgspec
from msgspec import Raw

from twoapi.ir import CacheMark, JsonText, LossKind, Tool
from twoapi.protocols.dialects.encoding import Encoding, Wire
from twoapi.protocols.dialects.unsent import refusal
from twoapi.protocols.free_text import FREE_TEXT, described
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire.errors import WireError
from twoapi.wire.json import fields

_NO_PARAMETERS: Wire = {"type": "object", "properties": {}}


class Function(msgspec.Struct):
    """A tool that is declared. `name` as on the wire; `at` is its place in the client's body. `cache`: the mark behind
    it, where the target takes one.
    """

    name: str
    description: JsonText | None
    parameters: Raw | Wire
    strict: bool | None
    at: str
    cache: CacheMark | None = None


def functions(encoding: Encoding, *, can_name: bool = False, marks: bool = False) -> list[Function]:
    """The tools that the model may call now: those that the choice leaves. Raises FaultError.

    `can_name`: the target can be told which one must be called, so that only an allowed subset leaves tools out.
    `marks`: it takes cache marks between tools.
    """
    check_tools(encoding.request)
    choice = encoding.request.tool_choice
    left = set(choice.names) if choice is not None and choice.names and (choice.allowed or not can_name) else None
    made: list[Function] = []
    for tool in encoding.request.tools:
        if tool.kind in ("server", "client_defined"):
            if left is not None and tool.name in left:
                raise refusal(f"the target has no tool of type {tool.type!r}", tool.at)
            encoding.lose(tool.at, "unsupported", f"a tool of another vendor: {tool.type}")
        elif left is not None and tool.name not in left:
            encoding.lose(tool.at, "info", "a tool that is not chosen now is not declared")
        else:
            made.append(_function(encoding, tool))
            if marks:
                made[-1].cache = tool.cache
                continue
        encoding.lose_mark(tool.cache, tool.at)
    return made


def _function(encoding: Encoding, tool: Tool) -> Function:
    _report(encoding, tool)
    name = encoding.names.wire(tool.name, tool.namespace)
    if tool.kind == "custom":
        encoding.lose(tool.at, "emulated", "a free-text tool is sent as a function with one string")
        return Function(name, described(tool) or None, FREE_TEXT, None, tool.at)
    return Function(name, tool.description, _parameters(encoding, tool), tool.strict, tool.at)


def _parameters(encoding: Encoding, tool: Tool) -> Raw | Wire:
    """The schema, whose root is that of an object."""
    if tool.schema is None:
        return _NO_PARAMETERS
    raw = tool.schema.raw
    try:
        members = fields(raw)
    except WireError:
        raise refusal("the parameters of a tool must be a JSON Schema object", tool.at + tool.schema.at) from None
    if bytes(members.get("type", b"")) == b'"object"':
        return raw
    if b'"object"' not in bytes(members.get("type", b'["object"]')):
        raise refusal("the parameters of a tool must be a JSON Schema object", tool.at + tool.schema.at)
    encoding.lose(tool.at, "schema", "the root of a tool's schema is an object")
    return {**members, "type": "object"}


def _report(encoding: Encoding, tool: Tool) -> None:
    """What others say of a tool and these vendors cannot."""
    if tool.examples:
        encoding.lose(tool.at, "dropped", "examples of a tool's input")
    if tool.output_schema is not None:
        encoding.lose(tool.at, "dropped", "the schema of a tool's output")
    if tool.deferred is not None:
        kind: LossKind = "approximated" if tool.deferred else "info"
        encoding.lose(tool.at, kind, "every tool is sent at once")
    if tool.callers is not None:
        encoding.lose(tool.at, "dropped", "who may call the tool")
    if tool.eager_streaming is not None:
        encoding.lose(tool.at, "info", "how a tool's input is streamed")


def declarations(made: list[Function]) -> list[Wire]:
    """The tools as vendors write them who took the form from chat."""
    return [{"type": "function", "function": _declared(function)} for function in made]


def _declared(function: Function) -> Wire:
    wire: Wire = {"name": function.name}
    if function.description is not None:
        wire["description"] = function.description
    return {**wire, "parameters": function.parameters}


def lose_strict(encoding: Encoding, made: list[Function], detail: str) -> None:
    """Reports each declared tool whose arguments must keep to its schema."""
    for function in made:
        if function.strict is not None:
            encoding.lose(function.at, "unsupported" if function.strict else "info", detail)


def report_parallel(encoding: Encoding) -> None:
    """How many calls come at once is the model's own choice."""
    if encoding.request.parallel is False:
        encoding.lose_field("parallel", "unsupported", "parallel calls cannot be switched off")
