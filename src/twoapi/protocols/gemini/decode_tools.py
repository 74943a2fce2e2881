"""Tools and the choice among them."""

from typing import Literal

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.gemini import schema_request as wire
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.parts import Extras
from twoapi.protocols.gemini.schema_dialect import to_json_schema
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, encode, first_byte, is_null

_STRING = 34
_CLIENT_RUN = {"computerUse"}  # the vendor defines it, the client runs it
_CALLING = "/toolConfig/functionCallingConfig"


def decode_tools(given: list[wire.Tool] | wire.Tool, extras: Extras) -> list[ir.Tool]:
    """The tools; each knows by its place which object of the list it was in. Raises WireError with a pointer."""
    tools: list[ir.Tool] = []
    single = not isinstance(given, list)
    for i, tool in enumerate([given] if not isinstance(given, list) else given):
        at = "/tools" if single else f"/tools/{i}"
        declared = tool.function_declarations
        if isinstance(declared, list):
            for j, function in enumerate(declared):
                tools.append(_function(function, f"{at}/functionDeclarations/{j}", extras))
        elif declared is not None:
            tools.append(_function(declared, f"{at}/functionDeclarations", extras))
        for name, spelled in wire.VENDOR_TOOLS.items():
            options = getattr(tool, name)
            if not is_null(options):
                tools.append(
                    ir.Tool(
                        kind="client_defined" if spelled in _CLIENT_RUN else "server",
                        name=spelled,
                        protocol=NAME,
                        type=spelled,
                        raw=Raw(encode({spelled: options})),
                        at=f"{at}/{spelled}",
                    )
                )
    return tools


def _function(given: wire.FunctionDeclaration, at: str, extras: Extras) -> ir.Tool:
    if not given.name:
        raise WireError("a function needs a name", f"{at}/name")
    if not is_null(given.description) and first_byte(given.description) != _STRING:
        raise WireError("expected a string", f"{at}/description")
    if given.behavior is not EMPTY:
        extras[f"{at}/behavior"] = given.behavior
    return ir.Tool(
        name=given.name,
        description=None if is_null(given.description) else given.description,
        schema=_schema(given.parameters_json_schema, given.parameters, at, "/parameters", extras),
        output_schema=_schema(given.response_json_schema, given.response, at, "/response", extras),
        protocol=NAME,
        at=at,
    )


def _schema(schema: Raw, reduced: Raw, at: str, inside: str, extras: Extras) -> ir.Schema | None:
    if not is_null(schema):
        if not is_null(reduced):
            extras[at + inside] = reduced  # the vendor takes only one of the two
        return ir.Schema(schema, at=inside + "JsonSchema")
    return None if is_null(reduced) else decode_schema(reduced, at, inside)


def decode_schema(reduced: Raw, at: str, inside: str = "") -> ir.Schema:
    """The vendor's own Schema, with the JSON Schema that says the same. Raises WireError at `at` and `inside`."""
    try:
        return ir.Schema(to_json_schema(reduced), native=reduced, at=inside)
    except WireError as error:
        raise WireError(error.message, at + inside) from None


def put_choice(request: ir.Request, given: wire.ToolConfig) -> None:
    """Which functions the model may or must call."""
    extras = request.extras
    for name, spelled in wire.UNMODELLED_TOOLS.items():
        value = getattr(given, name)
        if value is not EMPTY:
            extras[f"/toolConfig/{spelled}"] = value
    calling = given.function_calling_config
    if calling is None:
        return
    if calling.stream_function_call_arguments is not EMPTY:
        extras[f"{_CALLING}/streamFunctionCallArguments"] = calling.stream_function_call_arguments
    mode, names = (calling.mode or "").upper(), calling.allowed_function_names or []
    kinds = ["function"] * len(names)
    if mode in ("ANY", "VALIDATED"):
        one = mode == "ANY" and len(names) == 1
        asked: Literal["named", "required", "auto"] = "named" if one else "required" if mode == "ANY" else "auto"
        request.tool_choice = ir.ToolChoice(mode=asked, names=names, kinds=kinds, allowed=bool(names) and not one)
        if mode == "VALIDATED" and not names:
            extras[f"{_CALLING}/mode"] = Raw(b'"VALIDATED"')
        return
    if mode in ("AUTO", "NONE"):
        request.tool_choice = ir.ToolChoice(mode="auto" if mode == "AUTO" else "none")
    elif mode and not mode.endswith("UNSPECIFIED"):
        extras[f"{_CALLING}/mode"] = Raw(encode(calling.mode))
    if names:
        extras[f"{_CALLING}/allowedFunctionNames"] = Raw(encode(names))
