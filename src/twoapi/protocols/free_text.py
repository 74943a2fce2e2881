"""Free-text tools at vendors that have only functions: a function with one string, and its call as text again."""

import msgspec

from twoapi.ir import Tool, plain
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder

FREE_TEXT: dict[str, object] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


def described(tool: Tool) -> str | None:
    """The description of such a tool, with the grammar that its text must keep to; None when it has neither."""
    texts = [] if tool.description is None else [plain(tool.description)]
    if tool.grammar is not None and tool.grammar.definition:
        texts.append(tool.grammar.definition)
    return "\n\n".join(texts) if texts else None


class _FreeText(msgspec.Struct):
    input: str


_decode = decoder(_FreeText)


def unwrap_custom(arguments: str) -> str:
    """The free text of a call that went out as a function with one string; as it is when it is not of that form."""
    try:
        return _decode(arguments).input
    except WireError:
        return arguments
