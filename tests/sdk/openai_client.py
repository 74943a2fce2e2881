"""One question asked in each way the `openai` SDK knows; the answer is always the same kind of object."""

from typing import Any, Literal

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.sdk.lab import Lab

from twoapi.testing.normal import fold_stream

How = Literal["create", "iterate", "helper", "async create", "async iterate", "async helper"]
PLAIN: tuple[How, ...] = ("create", "iterate", "async create", "async iterate")
HELPERS: tuple[How, ...] = ("helper", "async helper")
HOWS: tuple[How, ...] = (*PLAIN, *HELPERS)


def ask(lab: Lab, how: How, **fields: Any) -> ChatCompletion:
    """The completion of a request; streams are asked for their usage."""
    fields.setdefault("messages", [{"role": "user", "content": "hi"}])
    if not how.endswith("create"):
        fields.setdefault("stream_options", {"include_usage": True})
    if how.startswith("async"):
        return lab.loop.run(_ask_async(lab, how, fields))
    completions = lab.openai.chat.completions
    if how == "create":
        return completions.create(**fields)
    if how == "helper":
        with completions.stream(**fields) as events:
            return events.get_final_completion()
    return fold(list(completions.create(stream=True, **fields)))


async def _ask_async(lab: Lab, how: How, fields: dict[str, Any]) -> ChatCompletion:
    completions = lab.async_openai.chat.completions
    if how == "async create":
        return await completions.create(**fields)
    if how == "async helper":
        async with completions.stream(**fields) as events:
            return await events.get_final_completion()
    return fold([chunk async for chunk in await completions.create(stream=True, **fields)])


def fold(heard: list[ChatCompletionChunk]) -> ChatCompletion:
    """What chunks add up to. Unlike the SDK's own helper it does not raise when an answer was cut or filtered."""
    stream = b"".join(b"data: %b\n\n" % chunk.to_json(indent=None).encode() for chunk in heard)
    return ChatCompletion.model_validate(fold_stream("openai-chat", stream))


def chunks(lab: Lab, **fields: Any) -> list[Any]:
    """The chunks of a stream as they come."""
    fields.setdefault("messages", [{"role": "user", "content": "hi"}])
    return list(lab.openai.chat.completions.create(stream=True, **fields))


def said(completion: ChatCompletion) -> dict[str, Any]:
    """What the model said in its only choice, without ids and costs."""
    (choice,) = completion.choices
    message = choice.message
    return {
        "finish": choice.finish_reason,
        "content": message.content or None,  # a stream begins with an empty one
        "refusal": message.refusal,
        "calls": [(call.function.name, call.function.arguments) for call in message.tool_calls or []],
        "reasoning": (message.model_extra or {}).get("reasoning_content"),
    }


def turn(completion: ChatCompletion) -> dict[str, Any]:
    """The assistant's message as a careful client sends it back: the documented members only."""
    message = completion.choices[0].message
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or []
    ]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def results(completion: ChatCompletion, *texts: str) -> list[dict[str, Any]]:
    """A tool message for each call, in the order of the calls."""
    calls = completion.choices[0].message.tool_calls or []
    return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in zip(calls, texts, strict=True)]


def costs(completion: ChatCompletion) -> dict[str, Any]:
    """The usage, in the words of the wire."""
    usage = completion.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    return {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "total": usage.total_tokens,
        "cached": usage.prompt_tokens_details.cached_tokens,
        "written": (usage.prompt_tokens_details.model_dump()).get("cache_write_tokens"),
        "reasoning": usage.completion_tokens_details.reasoning_tokens,
    }
