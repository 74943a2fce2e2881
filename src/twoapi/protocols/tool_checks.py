"""What every vendor refuses of tools: two of one name, and a choice of one that there is not."""

from twoapi.ir import Fault, FaultError, Request, Tool


def check_tools(request: Request) -> None:
    """Raises FaultError when two tools would have one name on the wire, or the choice names a tool that is not there.

    For requests that go to another protocol: the client's own vendor judges by its own rules.
    """
    tools = request.tools
    names = {tool.name if tool.namespace is None else full_name(tool) for tool in tools}
    if len(names) < len(tools):  # which may be those of tools that share one for good reason
        _check_names(tools)
    choice = request.tool_choice
    if choice is not None and choice.names:
        known = {tool.name for tool in tools}
        for name in choice.names:
            if name not in known:
                raise _refusal(f"there is no tool {name!r} to choose", request.where("tool_choice"))


def _check_names(tools: list[Tool]) -> None:
    seen: set[str] = set()
    for tool in tools:
        if tool.kind in ("function", "custom"):
            name = tool.name if tool.namespace is None else full_name(tool)
            if name in seen:
                raise _refusal(f"two tools have the name {name!r}", tool.at)
            seen.add(name)


def full_name(tool: Tool) -> str:
    """A tool's name where there are no namespaces."""
    return f"{tool.namespace}__{tool.name}" if tool.namespace else tool.name


def _refusal(message: str, pointer: str) -> FaultError:
    return FaultError(Fault("invalid_request", message, param=pointer))
