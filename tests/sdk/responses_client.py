"""One question asked in each way the `openai` SDK knows for Responses; the answer is always the same kind of object."""

from typing import Any, Literal

from openai.types.responses import Response, ResponseStreamEvent
from tests.sdk.lab import Lab

How = Literal["create", "iterate", "helper", "async create", "async iterate", "async helper"]
PLAIN: tuple[How, ...] = ("create", "iterate", "async create", "async iterate")
HELPERS: tuple[How, ...] = ("helper", "async helper")
HOWS: tuple[How, ...] = (*PLAIN, *HELPERS)


def ask(lab: Lab, how: How, **fields: Any) -> Response:
    """The response to a request."""
    fields.setdefault("input", "hi")
    if how.startswith("async"):
        return lab.loop.run(_ask_async(lab, how, fields))
    responses = lab.openai.responses
    if how == "create":
        return responses.create(**fields)
    if how == "helper":
        with responses.stream(**fields) as events:
            return events.get_final_response()
    return fold(list(responses.create(stream=True, **fields)))


async def _ask_async(lab: Lab, how: How, fields: dict[str, Any]) -> Response:
    responses = lab.async_openai.responses
    if how == "async create":
        return await responses.create(**fields)
    if how == "async helper":
        async with responses.stream(**fields) as events:
            return await events.get_final_response()
    return fold([event async for event in await responses.create(stream=True, **fields)])


def fold(heard: list[ResponseStreamEvent]) -> Response:
    """The response of the terminal event, which must be what came before it."""
    events: list[Any] = list(heard)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1].response
    assert isinstance(final, Response)
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.to_dict() for item in done] == [item.to_dict() for item in final.output]
    said = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(said) == final.output_text
    return final


def events_of(lab: Lab, **fields: Any) -> list[Any]:
    """The events of a stream as they come."""
    return list(lab.openai.responses.create(stream=True, **{"input": "hi", **fields}))


def said(response: Response) -> dict[str, Any]:
    """What the model said, without ids and costs."""
    output: list[Any] = response.output
    parts = [part for item in output if item.type == "message" for part in item.content]
    thoughts = [item for item in output if item.type == "reasoning"]
    return {
        "status": response.status,
        "text": response.output_text,
        "refusal": "".join(part.refusal for part in parts if part.type == "refusal"),
        "calls": [
            (item.name, item.arguments if item.type == "function_call" else item.input)
            for item in output
            if item.type in {"function_call", "custom_tool_call"}
        ],
        "reasoning": "".join(part.text for item in thoughts for part in [*item.summary, *(item.content or [])]),
    }


def carried(response: Response) -> list[str]:
    """What the reasoning items hold for the next turn."""
    output: list[Any] = response.output
    return [item.encrypted_content for item in output if item.type == "reasoning" and item.encrypted_content]


def results(response: Response, *texts: str) -> list[dict[str, Any]]:
    """An item with the output of each call, in the order of the calls."""
    output: list[Any] = response.output
    calls = [item for item in output if item.type in {"function_call", "custom_tool_call"}]
    return [
        {"type": f"{call.type}_output", "call_id": call.call_id, "output": text}
        for call, text in zip(calls, texts, strict=True)
    ]


def costs(response: Response) -> dict[str, Any]:
    """The usage, in the words of the wire."""
    usage = response.usage
    assert usage is not None
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "total": usage.total_tokens,
        "cached": usage.input_tokens_details.cached_tokens,
        "written": usage.input_tokens_details.cache_write_tokens,
        "reasoning": usage.output_tokens_details.reasoning_tokens,
    }
