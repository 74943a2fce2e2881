"""The tools of a request and the choice among them."""

from collections.abc import Callable
from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi.ir import Grammar, Schema, Tool, ToolChoice
from twoapi.protocols.openai_responses import schema_request as wire
from twoapi.protocols.openai_responses.lenient import lenient
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError

# Declared by the vendor, run by the client.
_CLIENT_DEFINED = frozenset({"computer", "computer_use_preview", "local_shell", "shell", "apply_patch"})
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# What few functions have.
_rare = attrgetter("output_schema", "asynchronous", "defer_loading", "allowed_callers")
_BARE = (json.EMPTY, json.EMPTY, None, None)
_PARAMETERS = "/parameters"
_Tool = wire.FunctionTool | wire.CustomTool | wire.NamespaceTool
_decode_strict: Callable[[Raw], _Tool] = msgspec.json.Decoder(_Tool).decode
_KINDS: dict[str, type[_Tool]] = {
    "function": wire.FunctionTool,
    "custom": wire.CustomTool,
    "namespace": wire.NamespaceTool,
}
_decoder_of: dict[type, Callable[[Raw], _Tool]] = {kind: json.decoder(lenient(kind)) for kind in _KINDS.values()}
_decode_choice = json.decoder(wire.ToolChoice)
_decode_choice_leniently = json.decoder(lenient(wire.ToolChoice))


class _Typed(msgspec.Struct, gc=False):
    type: str
    name: Raw = json.EMPTY
    server_label: Raw = json.EMPTY


_decode_typed = json.decoder(_Typed)


def decode_tools(tools: list[Raw], extras: dict[str, Raw]) -> list[Tool]:
    """Every tool that is declared; those of a namespace one by one."""
    decoded: list[Tool] = []
    for number, raw in enumerate(tools):
        at = f"/tools/{number}"
        try:
            _decode_tool(raw, at, extras, decoded, None)
        except WireError as error:
            raise refuse(error.message, at + error.pointer) from None
    return decoded


def decode_known_tools(tools: list[wire.FunctionTool | wire.CustomTool], extras: dict[str, Raw]) -> list[Tool]:
    """The same for tools that have been read already."""
    decoded: list[Tool] = []
    for number, tool in enumerate(tools):
        at = f"/tools/{number}"
        # Nearly all tools are functions with these members: they are made here, without a call.
        if isinstance(tool, wire.FunctionTool) and _rare(tool) == _BARE:
            said, schema = tool.description, tool.parameters
            if json.first_byte(said) == 34 and json.first_byte(schema) == 123:
                found = Schema(schema, at=_PARAMETERS)
                decoded.append(Tool(name=tool.name, description=said, schema=found, strict=tool.strict, at=at))
                continue
        decoded.append(_decode_run(tool, at, extras))
    return decoded


def _decode_run(tool: wire.FunctionTool | wire.CustomTool, at: str, extras: dict[str, Raw]) -> Tool:
    """A tool that the client runs."""
    if not json.is_null(tool.asynchronous):
        extras[at + "/async"] = tool.asynchronous
    return _decode_function(tool, at) if isinstance(tool, wire.FunctionTool) else _decode_custom(tool, at)


def _decode_tool(raw: Raw, at: str, extras: dict[str, Raw], decoded: list[Tool], namespace: str | None) -> None:
    try:
        tool = _decode_strict(raw)
    except _BAD:
        kind = _KINDS.get(_decode_typed(raw).type)
        if kind is None:
            decoded.append(_decode_hosted(raw, at))
            return
        tool = _decoder_of[kind](raw)
        extras.update(
            {at + pointer: value for pointer, value in json.unknown_fields(raw, kind).items() if pointer != "/type"}
        )
    if isinstance(tool, wire.NamespaceTool):
        _decode_namespace(tool, raw, at, extras, decoded, nested=namespace is not None)
        return
    decoded.append(_decode_run(tool, at, extras))
    decoded[-1].namespace = namespace


def _decode_namespace(
    tool: wire.NamespaceTool, raw: Raw, at: str, extras: dict[str, Raw], decoded: list[Tool], *, nested: bool
) -> None:
    if nested:
        raise WireError("a namespace in a namespace")
    if not tool.tools:
        decoded.append(_decode_hosted(raw, at))
        return
    if not json.is_null(tool.description):
        extras[at + "/description"] = tool.description
    for number, inner in enumerate(tool.tools):
        here = f"/tools/{number}"
        try:
            _decode_tool(inner, at + here, extras, decoded, tool.name)
        except WireError as error:
            raise WireError(error.message, here + error.pointer) from None


def _decode_hosted(raw: Raw, at: str) -> Tool:
    """A tool of the vendor's, or of a kind that is not known: kept whole."""
    typed = _decode_typed(raw)
    label = json.decode(typed.server_label) if typed.type == "mcp" and not json.is_null(typed.server_label) else None
    return Tool(
        kind="client_defined" if typed.type in _CLIENT_DEFINED else "server",
        name=label if isinstance(label, str) else typed.type,
        protocol=NAME,
        type=typed.type,
        raw=raw,
        at=at,
    )


def _decode_function(tool: wire.FunctionTool, at: str) -> Tool:
    return Tool(
        name=tool.name,
        description=None if json.is_null(tool.description) else tool.description,
        schema=None if json.is_null(tool.parameters) else Schema(tool.parameters, at=_PARAMETERS),
        output_schema=None if json.is_null(tool.output_schema) else Schema(tool.output_schema, at="/output_schema"),
        strict=tool.strict,
        deferred=tool.defer_loading,
        callers=tool.allowed_callers,
        at=at,
    )


def _decode_custom(tool: wire.CustomTool, at: str) -> Tool:
    return Tool(
        kind="custom",
        name=tool.name,
        description=None if json.is_null(tool.description) else tool.description,
        grammar=None if tool.format is None else _decode_format(tool.format),
        deferred=tool.defer_loading,
        callers=tool.allowed_callers,
        at=at,
    )


def _decode_format(form: wire.GrammarFormat) -> Grammar:
    if form.type == "text":
        return Grammar("text")
    if form.type == "grammar" and form.definition is not None and form.syntax in ("lark", "regex"):
        return Grammar("lark" if form.syntax == "lark" else "regex", form.definition)
    raise WireError("the format of a custom tool is text or a lark or regex grammar", "/format")


def decode_choice(raw: Raw, extras: dict[str, Raw]) -> ToolChoice | None:
    """The choice among the tools. What the model cannot hold of it is kept whole for the same protocol."""
    if json.is_null(raw):
        return None
    if json.first_byte(raw) == 34:
        return _decode_word(json.decode(raw))
    try:
        choice = _decode_choice(raw)
    except WireError:
        typed = _decode_known(raw)
        extras["/tool_choice"] = raw
        return typed
    found = _choice_of(choice)
    if "server" in found.kinds:
        extras["/tool_choice"] = raw
        if found.allowed:  # what others can take of it
            kept = [pair for pair in zip(found.names, found.kinds, strict=True) if pair[1] != "server"]
            found.names, found.kinds = [name for name, _ in kept], [kind for _, kind in kept]
            return found if kept else ToolChoice(mode="none")  # of what others have nothing is allowed
    return found


def _decode_known(raw: Raw) -> ToolChoice:
    """A choice with members that we do not know, by its type."""
    try:
        return _choice_of(_decode_choice_leniently(raw))
    except WireError as error:
        raise refuse(error.message, "/tool_choice" + error.pointer) from None


def _decode_word(word: str) -> ToolChoice:
    match word:
        case "none":
            return ToolChoice(mode="none")
        case "auto":
            return ToolChoice(mode="auto")
        case "required":
            return ToolChoice(mode="required")
        case other:
            raise refuse(f"{other!r} is not a tool choice", "/tool_choice")


def _choice_of(choice: wire.ToolChoice) -> ToolChoice:
    if choice.type != "allowed_tools":
        name, kind = _named(choice, "/tool_choice")
        return ToolChoice(mode="named", names=[name], kinds=[kind])
    if choice.mode not in ("auto", "required"):
        raise refuse("mode is auto or required", "/tool_choice/mode")
    if choice.tools is None:
        raise refuse("allowed_tools needs tools", "/tool_choice/tools")
    named = [_named(tool, f"/tool_choice/tools/{number}") for number, tool in enumerate(choice.tools)]
    return ToolChoice(
        mode="required" if choice.mode == "required" else "auto",
        names=[name for name, _ in named],
        kinds=[kind for _, kind in named],
        allowed=True,
    )


def _named(choice: wire.ChosenTool, at: str) -> tuple[str, str]:
    if choice.type in ("function", "custom"):
        if choice.name is None:
            raise refuse(f"a choice of type {choice.type} needs name", f"{at}/name")
        return choice.name, choice.type
    return choice.server_label or choice.type, "server"
