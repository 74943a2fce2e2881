"""Many clients at once: everybody gets the answer to the own question."""

import asyncio
from typing import Any

from tests.sdk.lab import Lab

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply
from twoapi.testing.scripted_model import Scenario, ScriptedModel

QUESTIONS = [f"question {number} " + "x" * number * 97 for number in range(24)]


def echo(request: Received) -> Reply:
    return ScriptedModel(Scenario(final=request.json()["messages"][-1]["content"], piece=50))(request)


def test_nobody_gets_the_answer_of_another(lab):
    lab.upstream.handler = echo
    assert lab.loop.run(everybody(lab)) == [text for text in QUESTIONS for _ in range(8)]
    assert len(lab.sent()) == 8 * len(QUESTIONS)


async def everybody(lab: Lab) -> list[str]:
    """Each question, of each client, to each upstream, whole and streamed, all at the same time."""
    asked = [
        ask(lab, model, text)
        for text in QUESTIONS
        for model in ("chat", "messages")
        for ask in (openai_whole, openai_streamed, anthropic_whole, anthropic_streamed)
    ]
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
