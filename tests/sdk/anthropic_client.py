"""One question asked in each way the `anthropic` SDK knows; the answer is always the same kind of object."""

from typing import Any, Literal

from anthropic.types import Message, RawMessageStreamEvent
from tests.sdk.lab import Lab

from twoapi.testing.normal import fold_stream

How = Literal["create", "iterate", "helper", "async create", "async iterate", "async helper"]
HOWS: tuple[How, ...] = ("create", "iterate", "helper", "async create", "async iterate", "async helper")


def ask(lab: Lab, how: How, **fields: Any) -> Message:
    """The message that answers a request."""
    fields = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4096, **fields}
    if how.startswith("async"):
        return lab.loop.run(_ask_async(lab, how, fields))
    messages = lab.anthropic.messages
    if how == "create":
        return messages.create(**fields)
    if how == "helper":
        with messages.stream(**fields) as events:
            return events.get_final_message()
    return fold(list(messages.create(stream=True, **fields)))


async def _ask_async(lab: Lab, how: How, fields: dict[str, Any]) -> Message:
    messages = lab.async_anthropic.messages
    if how == "async create":
        return await messages.create(**fields)
    if how == "async helper":
        async with messages.stream(**fields) as events:
            return await events.get_final_message()
    return fold([event async for event in await messages.create(stream=True, **fields)])


def fold(heard: list[RawMessageStreamEvent]) -> Message:
    """What raw events add up to."""
    stream = b"".join(
        b"event: %b\ndata: %b\n\n" % (event.type.encode(), event.to_json(indent=None).encode()) for event in heard
    )
    return Message.model_validate(fold_stream("anthropic-messages", stream))


def said(message: Message) -> dict[str, Any]:
    """What the model said, without ids and costs."""
    return {
        "stop": message.stop_reason,
        "sequence": message.stop_sequence,
        "content": [_block(block) for block in message.content],
    }


def _block(block: Any) -> tuple[Any, ...]:
    if block.type == "text":
        return ("text", block.text)
    if block.type == "tool_use":
        return ("call", block.name, block.input)
    if block.type == "thinking":
        return ("thinking", block.thinking, block.signature)
    return (block.type, block.data)


def results(message: Message, *texts: str) -> dict[str, Any]:
    """The user's turn with a result for each call, in the order of the calls."""
    calls = [block for block in message.content if block.type == "tool_use"]
    return {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": text}
            for call, text in zip(calls, texts, strict=True)
        ],
    }


def costs(message: Message) -> dict[str, Any]:
    """The usage, in the words of the wire."""
    usage = message.usage
    details = usage.output_tokens_details
    return {
        "input": usage.input_tokens,
        "read": usage.cache_read_input_tokens,
        "written": usage.cache_creation_input_tokens,
        "output": usage.output_tokens,
        "thinking": None if details is None else details.thinking_tokens,
    }
