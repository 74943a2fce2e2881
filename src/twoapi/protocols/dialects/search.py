"""The web search that a vendor runs itself and switches on by a member of the request."""

from msgspec.structs import replace

from twoapi.ir import Tool
from twoapi.protocols.dialects.encoding import Encoding
from twoapi.protocols.dialects.tools import Function, functions
from twoapi.protocols.tool_checks import check_tools
from twoapi.wire.json import escape, fields

_NAMING = frozenset({"type", "name", "cache_control"})  # what every declaration of a server's tool has


def functions_and_search(encoding: Encoding, *, can_name: bool) -> tuple[list[Function], list[Tool]]:
    """The functions that the model may call now, and the tools that stand for the vendor's own search; what is said of
    those is reported. `can_name` as in `functions`. Raises FaultError.
    """
    request = encoding.request
    check_tools(request)
    searches = [tool for tool in request.tools if encoding.capabilities.web_search and _is_search(tool)]
    if not searches:
        return functions(encoding, can_name=can_name), []
    for tool in searches:
        _report(encoding, tool)
    left, choice = [tool for tool in request.tools if tool not in searches], request.tool_choice
    if choice is not None and choice.names:
        known = {tool.name for tool in left}
        choice = replace(choice, names=[name for name in choice.names if name in known])
        if not choice.names:  # nothing but the search may be called
            left = left if can_name and not choice.allowed else []
            choice = None
    encoding.request = replace(request, tools=left, tool_choice=choice if left else None)
    made = functions(encoding, can_name=can_name)
    encoding.request = request
    return made, searches


def _is_search(tool: Tool) -> bool:
    return tool.kind == "server" and tool.type.startswith("web_search")


def _report(encoding: Encoding, tool: Tool) -> None:
    encoding.lose(tool.at, "emulated", "web search of the upstream's own kind")
    for name in {} if tool.raw is None else fields(tool.raw):
        if name not in _NAMING:
            encoding.lose(f"{tool.at}/{escape(name)}", "dropped", "no limit of the web search here")
