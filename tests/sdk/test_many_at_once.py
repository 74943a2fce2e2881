"""Many clients at once: everybody gets the answer to the own question."""

import asyncio
from typing import Any

from tests.sdk.lab import UPSTREAMS, Lab

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.strict import protocol_of

QUESTIONS = [f"question {number} " + "x" * number * 97 for number in range(12)]


def echo(request: Received) -> Reply:
    body = request.json()
    match protocol_of(request.path):
        case "gemini":
            asked = body["contents"][-1]["parts"][-1]["text"]
        case "openai-responses":
            asked = body["input"] if isinstance(body["input"], str) else body["input"][-1]["content"]
        case _:
            asked = body["messages"][-1]["content"]
    text = asked if isinstance(asked, str) else asked[-1]["text"]
    return ScriptedModel(Scenario(final=text, piece=50))(request)


def test_nobody_gets_the_answer_of_another(lab):
    lab.upstream.handler = echo
    assert lab.loop.run(everybody(lab)) == [text for text in QUESTIONS for _ in range(32)]
    assert len(lab.sent()) == 32 * len(QUESTIONS)


async def everybody(lab: Lab) -> list[str]:
    """Each question, of each client, to each upstream, whole and streamed, all at the same time."""
    asked = [ask(lab, model, text) for text in QUESTIONS for model in UPSTREAMS for ask in ASKS]
    return await asyncio.gather(*asked)


async def openai_whole(lab: Lab, model: str, text: str) -> str:
    answer: Any = await lab.async_openai.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}]
    )
    return str(answer.choices[0].message.content)


async def openai_streamed(lab: Lab, model: str, text: str) -> str:
    question: Any = {"model": model, "messages": [{"role": "user", "content": text}]}
    async with lab.async_openai.chat.completions.stream(**question) as events:
        return str((await events.get_final_completion()).choices[0].message.content)


async def anthropic_whole(lab: Lab, model: str, text: str) -> str:
    question: Any = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": text}]}
    answer: Any = await lab.async_anthropic.messages.create(**question)
    return str(answer.content[0].text)


async def anthropic_streamed(lab: Lab, model: str, text: str) -> str:
    question: Any = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": text}]}
    async with lab.async_anthropic.messages.stream(**question) as events:
        return await events.get_final_text()


async def responses_whole(lab: Lab, model: str, text: str) -> str:
    return (await lab.async_openai.responses.create(model=model, input=text)).output_text


async def responses_streamed(lab: Lab, model: str, text: str) -> str:
    async with lab.async_openai.responses.stream(model=model, input=text) as events:
        return (await events.get_final_response()).output_text


async def gemini_whole(lab: Lab, model: str, text: str) -> str:
    return str((await lab.genai.aio.models.generate_content(model=model, contents=text)).text)


async def gemini_streamed(lab: Lab, model: str, text: str) -> str:
    chunks = await lab.genai.aio.models.generate_content_stream(model=model, contents=text)
    return "".join([chunk.text or "" async for chunk in chunks])


ASKS = (
    openai_whole,
    openai_streamed,
    responses_whole,
    responses_streamed,
    anthropic_whole,
    anthropic_streamed,
    gemini_whole,
    gemini_streamed,
)
