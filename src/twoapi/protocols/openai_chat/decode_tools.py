"""The tools of a request and the choice among them."""

from msgspec import Raw

from twoapi.ir import Grammar, Schema, Tool, ToolChoice
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.wire.json import NO_OBJECT, NO_TEXT, at_pointer, is_null

WEB_SEARCH = "web_search_options"

_AT = "/function/parameters"


def _place(number: int) -> str:
    return f"/tools/{number}"


_KNOWN = 256
_PLACES = tuple(map(_place, range(_KNOWN)))  # of the tools of nearly every request


def decode_tools(tools: list[wire.Tool], payload: bytes, extras: dict[str, Raw]) -> list[Tool]:
    """Every tool that is declared in the present form."""
    decoded = []
    places = _PLACES if len(tools) <= _KNOWN else map(_place, range(len(tools)))
    for at, tool in zip(places, tools, strict=False):
        # Requests of agents declare dozens of functions: each costs two comparisons and no call of Python's.
        function = tool.function
        if function is not None and tool.type == "function":
            description, parameters = function.description, function.parameters
            decoded.append(
                Tool(
                    name=function.name,
                    description=description if description < NO_TEXT or not is_null(description) else None,
                    schema=Schema(parameters, at=_AT) if parameters > NO_OBJECT or not is_null(parameters) else None,
                    strict=function.strict,
                    at=at,
                )
            )
        else:
            decoded.append(_decode_tool(tool, at, payload, extras))
    return decoded


def decode_other_tools(body: wire.Body) -> list[Tool]:
    """The deprecated functions, and the vendor's own web search."""
    tools = [_decode_function(function, f"/functions/{number}") for number, function in enumerate(body.functions or ())]
    if not is_null(body.web_search_options):
        tools.append(
            Tool(
                kind="server",
                name="web_search",
                protocol=NAME,
                type=WEB_SEARCH,
                raw=body.web_search_options,
                at="/web_search_options",
            )
        )
    return tools


def _decode_tool(tool: wire.Tool, at: str, payload: bytes, extras: dict[str, Raw]) -> Tool:
    if tool.type == "custom" and tool.custom is not None:
        return _decode_custom(tool.custom, at)
    if tool.type in ("function", "custom"):
        raise refuse(f"a tool of type {tool.type} needs {tool.type}", f"{at}/{tool.type}")
    # A server's own kind of tool: kept whole, so nothing of it is an unknown field any more.
    for pointer in [pointer for pointer in extras if pointer.startswith(at + "/")]:
        del extras[pointer]
    raw = at_pointer(payload, at)
    return Tool(kind="server", name=tool.type, protocol=NAME, type=tool.type, raw=raw, at=at)


def _decode_function(function: wire.FunctionTool, at: str) -> Tool:
    parameters = function.parameters
    return Tool(
        name=function.name,
        description=None if is_null(function.description) else function.description,
        schema=None if is_null(parameters) else Schema(parameters, at="/parameters"),
        strict=function.strict,
        at=at,
    )


def _decode_custom(custom: wire.CustomTool, at: str) -> Tool:
    return Tool(
        kind="custom",
        name=custom.name,
        description=None if is_null(custom.description) else custom.description,
        grammar=None if custom.format is None else _decode_format(custom.format, at),
        at=at,
    )


def _decode_format(form: wire.CustomFormat, at: str) -> Grammar:
    if form.type == "text":
        return Grammar("text")
    if form.type == "grammar" and form.grammar is not None and form.grammar.syntax in ("lark", "regex"):
        return Grammar("lark" if form.grammar.syntax == "lark" else "regex", form.grammar.definition)
    raise refuse("the format of a custom tool is text or a lark or regex grammar", at + "/custom/format")


def decode_choice(choice: str | wire.ToolChoice) -> ToolChoice:
    """The choice among the tools."""
    if isinstance(choice, str):
        return _decode_word(choice, "/tool_choice")
    if choice.allowed_tools is not None:
        return _decode_allowed(choice.allowed_tools)
    named = _named(choice.function, choice.custom, "/tool_choice")
    return ToolChoice(mode="named", names=[named[0]], kinds=[named[1]])


def _decode_word(word: str, at: str) -> ToolChoice:
    match word:
        case "none":
            return ToolChoice(mode="none")
        case "auto":
            return ToolChoice(mode="auto")
        case "required" | "any":
            return ToolChoice(mode="required")
        case other:
            raise refuse(f"{other!r} is not a tool choice", at)


def decode_deprecated_choice(choice: str | wire.NamedTool) -> ToolChoice:
    """The choice among the deprecated functions."""
    if isinstance(choice, str):
        return _decode_word(choice, "/function_call")
    return ToolChoice(mode="named", names=[choice.name], kinds=["function"])


def _decode_allowed(allowed: wire.AllowedTools) -> ToolChoice:
    if allowed.mode not in ("auto", "required"):
        raise refuse("mode is auto or required", "/tool_choice/allowed_tools/mode")
    named = [
        _named(tool.function, tool.custom, f"/tool_choice/allowed_tools/tools/{i}")
        for i, tool in enumerate(allowed.tools)
    ]
    return ToolChoice(
        mode="required" if allowed.mode == "required" else "auto",
        names=[name for name, _ in named],
        kinds=[kind for _, kind in named],
        allowed=True,
    )


def _named(function: wire.NamedTool | None, custom: wire.NamedTool | None, at: str) -> tuple[str, str]:
    if function is not None:
        return function.name, "function"
    if custom is not None:
        return custom.name, "custom"
    raise refuse("a named tool needs function or custom", at)
