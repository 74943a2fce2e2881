"""Calls and their results: the vendor refuses one without the other."""

from twoapi.ir import Message, ToolCall, ToolResult
from twoapi.protocols.openai_responses.name import refuse


def check_pairs(messages: list[Message]) -> None:
    """Raises FaultError for a call that nobody answers, and for a result that answers no call before it."""
    waiting: dict[str, str] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                waiting[part.id] = message.at + part.at
            elif isinstance(part, ToolResult) and waiting.pop(part.call_id, None) is None:
                raise refuse(f"the tool result of {part.call_id!r} has no call before it", message.at + part.at)
    for call_id, path in waiting.items():
        raise refuse(f"the tool call {call_id!r} has no result", path)
