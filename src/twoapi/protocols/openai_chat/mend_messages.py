"""Messages in the order and the form that compatible servers demand: one function for each declared deviation."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from twoapi.ir import Loss, Message, Part, Request, Text, ToolCall, ToolResult, plain
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.name import NAME
from twoapi.protocols.openai_media import as_raw
from twoapi.wire import json

_BETWEEN = " "  # what an assistant says between the result of a tool and the user: nothing, but not the empty text
_BREAK = "\n\n"  # between texts that were parts of their own


def mend_messages(request: Request, body: out.Body, capabilities: Capabilities, losses: list[Loss]) -> None:
    """Puts the body's messages into the form that this server takes."""
    messages = [message for message in body.messages if isinstance(message, out.Message)]
    for holds, mend in _MENDS:
        if holds(capabilities):
            messages = mend(messages, request, losses)
    body.messages = [*messages]
    mark = capabilities.prefill_mark
    if (
        mark is not None
        and request.protocol != NAME  # whose clients mark it themselves
        and messages
        and messages[-1].role == "assistant"
        and not messages[-1].tool_calls
    ):
        spelled = json.encode(messages[-1])
        body.messages[-1] = Raw(spelled[:-1] + b"," + json.encode({mark: True})[1:])


def in_words(messages: list[Message], losses: list[Loss]) -> list[Message]:
    """The messages for a server without tools: calls and results are text."""
    names: dict[str, str] = {}
    return [
        msgspec.structs.replace(
            message,
            role="user" if message.role == "tool" else message.role,
            parts=[one for part in message.parts for one in _worded(part, message.at, names, losses)],
        )
        for message in messages
    ]


def _worded(part: Part, base: str, names: dict[str, str], losses: list[Loss]) -> list[Part]:
    if isinstance(part, ToolCall):
        names[part.id] = part.name
        losses.append(Loss(base + part.at, "emulated", NAME, "a call is sent as text"))
        return [Text(text=f"{_BREAK}[tool call {part.name}] {part.arguments or '{}'}", at=part.at)]
    if isinstance(part, ToolResult):
        losses.append(Loss(base + part.at, "emulated", NAME, "a result is sent as text"))
        failed = " failed" if part.is_error else ""
        return [Text(text=f"[tool result {names.get(part.call_id, part.call_id)}{failed}]", at=part.at), *part.content]
    return [part]


_Messages = list[out.Message]


def _flatten(messages: _Messages, request: Request, losses: list[Loss]) -> _Messages:
    """`content_lists`: parts that are all text become one string."""
    for message in messages:
        content = message.content
        if isinstance(content, list) and content and all(isinstance(part, wire.TextPart) for part in content):
            message.content = _BREAK.join(plain(part.text) for part in content if isinstance(part, wire.TextPart))
            if len(content) > 1:
                losses.append(Loss(request.where("messages"), "info", NAME, "the texts of a message are joined"))
    return messages


def _fill(messages: _Messages, _request: Request, _losses: list[Loss]) -> _Messages:
    """`null_content`."""
    for message in messages:
        if message.role == "assistant" and message.content is None:
            message.content = ""
    return messages


def _name_results(messages: _Messages, _request: Request, _losses: list[Loss]) -> _Messages:
    """`result_names`: each result names the tool of the call before it."""
    names: dict[str | None, str] = {}
    for message in messages:
        for call in message.tool_calls or ():
            called = call.function or call.custom
            if called:
                names[call.id] = called.name
        if message.role == "tool" and message.name is None:
            message.name = names.get(message.tool_call_id)
    return messages


def _interpose(messages: _Messages, request: Request, losses: list[Loss]) -> _Messages:
    """`user_after_tools`."""
    mended: _Messages = []
    for message in messages:
        if mended and mended[-1].role == "tool" and message.role == "user":
            mended.append(out.Message(role="assistant", content=_BETWEEN))
            where = request.where("messages")
            losses.append(Loss(where, "synthesized", NAME, "an assistant's word between a tool's result and the user"))
        mended.append(message)
    return mended


def _alternate(messages: _Messages, request: Request, losses: list[Loss]) -> _Messages:
    """`alternating`: what one says in several messages is said in one."""
    mended: _Messages = []
    for message in messages:
        before = mended[-1] if mended else None
        if before is None or before.role != message.role or message.role not in ("user", "assistant"):
            mended.append(message)
            continue
        if isinstance(before.content, str | Raw) and isinstance(message.content, str | Raw):
            before.content = plain(before.content) + _BREAK + plain(message.content)
        else:
            before.content = [*_parts(before.content), *_parts(message.content)]
        losses.append(Loss(request.where("messages"), "info", NAME, f"the {message.role}'s messages are joined"))
    return mended


def _parts(content: object) -> out.Contents:
    if isinstance(content, list):
        return content
    return [wire.TextPart(text=as_raw(content))] if isinstance(content, str | Raw) else []


_MENDS: tuple[
    tuple[Callable[[Capabilities], bool], Callable[[_Messages, Request, list[Loss]], _Messages]],
    ...,
] = (
    (lambda it: not it.content_lists, _flatten),
    (lambda it: not it.null_content, _fill),
    (lambda it: it.result_names, _name_results),
    (lambda it: not it.user_after_tools, _interpose),
    (lambda it: it.alternating, _alternate),
)
