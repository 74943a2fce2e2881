"""One question asked in each way the `google-genai` SDK knows; the answer is always a list of what it heard."""

from typing import Any, Literal

from google.genai import types
from tests.sdk.lab import Lab

How = Literal["generate", "stream", "chat", "async generate", "async stream", "async chat"]
PLAIN: tuple[How, ...] = ("generate", "stream", "async generate", "async stream")
HOWS: tuple[How, ...] = (*PLAIN, "chat", "async chat")
Heard = list[Any]  # types.GenerateContentResponse, most of whose members may be None


def ask(lab: Lab, how: How, *, model: str, contents: Any = "hi", **config: Any) -> Heard:
    """The answer to a request: one response, or the pieces of a stream."""
    fields: dict[str, Any] = {"model": model, "contents": contents, "config": config}
    if how.startswith("async"):
        return lab.loop.run(_ask_async(lab, how, fields))
    models = lab.genai.models
    if how == "generate":
        return [models.generate_content(**fields)]
    if how == "stream":
        return list(models.generate_content_stream(**fields))
    *history, last = _contents(contents)
    chat = lab.genai.chats.create(model=model, config=fields["config"], history=history)
    return list(chat.send_message_stream(last.parts))


async def _ask_async(lab: Lab, how: How, fields: dict[str, Any]) -> Heard:
    models = lab.genai.aio.models
    if how == "async generate":
        return [await models.generate_content(**fields)]
    if how == "async stream":
        return [chunk async for chunk in await models.generate_content_stream(**fields)]
    *history, last = _contents(fields["contents"])
    chat = lab.genai.aio.chats.create(model=fields["model"], config=fields["config"], history=history)
    return [chunk async for chunk in await chat.send_message_stream(last.parts)]


def _contents(contents: Any) -> list[Any]:
    return [user(contents)] if isinstance(contents, str) else contents


def user(text: str) -> types.Content:
    """A turn of the user's."""
    return types.Content(role="user", parts=[types.Part(text=text)])


def parts(heard: Heard) -> list[types.Part]:
    """All parts of the only candidate, as they came."""
    return [part for content in turn(heard) for part in content.parts or []]


def turn(heard: Heard) -> list[Any]:
    """The model's turn as the SDK's own chats keep it: every piece is a content of its own."""
    return [chunk.candidates[0].content for chunk in heard if chunk.candidates and chunk.candidates[0].content]


def said(heard: Heard) -> dict[str, Any]:
    """What the model said, without ids and costs."""
    (finish,) = {chunk.candidates[0].finish_reason for chunk in heard if chunk.candidates} - {None}
    return {
        "finish": finish.value,
        "text": "".join(part.text for part in parts(heard) if part.text and not part.thought),
        "thoughts": "".join(part.text for part in parts(heard) if part.text and part.thought),
        "calls": [(call.name, call.args) for call in calls(heard)],
    }


def calls(heard: Heard) -> list[types.FunctionCall]:
    """The calls, in order."""
    return [part.function_call for part in parts(heard) if part.function_call]


def signatures(heard: Heard) -> list[bytes]:
    """The thought signatures, in order."""
    return [part.thought_signature for part in parts(heard) if part.thought_signature]


def results(heard: Heard, *texts: str) -> types.Content:
    """The turn with a response to each call, in the order of the calls."""
    told = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": text}))
        for call, text in zip(calls(heard), texts, strict=True)
    ]
    return types.Content(role="user", parts=told)


def costs(heard: Heard) -> dict[str, Any]:
    """The usage at the end, in the words of the wire."""
    usage = heard[-1].usage_metadata
    assert usage is not None
    return {
        "prompt": usage.prompt_token_count,
        "cached": usage.cached_content_token_count,
        "candidates": usage.candidates_token_count,
        "thoughts": usage.thoughts_token_count,
        "total": usage.total_token_count,
    }
