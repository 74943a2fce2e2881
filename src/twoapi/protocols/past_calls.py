"""Calls in the history, for vendors that take what was given to them as an object, and want their tools declared."""

from collections.abc import Callable

from msgspec import Raw

from twoapi.ir import LossKind, Request, ToolCall
from twoapi.protocols.tool_names import ToolNames
from twoapi.wire.json import is_object

_Lose = Callable[[str, LossKind, str], None]


def call_input(call: ToolCall, path: str, lose: _Lose) -> Raw | dict[str, str]:
    """The arguments of a call as an object; `lose` is told of those that are none."""
    text = call.arguments
    if call.kind == "custom":
        lose(path, "emulated", "a free-text call is sent as a function call with one string")
        return {"input": text}
    if not text:
        return {}
    if is_object(text):
        return Raw(text)
    lose(path, "emulated", "the arguments are not a JSON object")
    return {"_raw": text}


def called_names(request: Request, names: ToolNames, lose: _Lose) -> list[str]:
    """The names on the wire of the tools that were called, each once, where the request declares none of them."""
    found: dict[str, str] = {}
    for message in request.messages:
        for part in message.parts:
            if type(part) is ToolCall:
                found.setdefault(names.wire(part.name, part.namespace), message.at + part.at)
    for path in found.values():
        lose(path, "synthesized", "a declaration of the tool, which the request does not have")
    return list(found)
