"""A tool loop in the hands of each SDK: what a client says turn by turn, and how it remembers what was answered."""

import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

from google.genai import types
from tests.sdk import anthropic_client, gemini_client, openai_client, responses_client
from tests.sdk.lab import Lab

Schema = dict[str, Any]


class Said(NamedTuple):
    """What a client heard, in the same words for all of them. Input and output are whole, cached and reasoning parts
    of them.
    """

    text: str
    calls: list[tuple[str, Any]]
    usage: dict[str, int | None]


class Loop(ABC):
    """One conversation with two tools; `hows` are the SDK's ways to ask, of which only the first is not streamed."""

    hows: ClassVar[tuple[str, ...]]

    def __init__(self, lab: Lab, how: Any, model: str) -> None:
        self.lab = lab
        self.how = how
        self.model = model
        self.history: list[Any] = []

    @abstractmethod
    def ask(self, text: str = "") -> Said:
        """What is answered when the user says this, or to the results that are there."""

    @abstractmethod
    def give(self, *results: str) -> None:
        """Results of the calls just heard, in the order of the calls."""


class Chat(Loop):
    """The `openai` SDK, which gives back calls and texts, and no reasoning."""

    hows = ("create", "iterate", "async iterate")

    def ask(self, text: str = "") -> Said:
        self.history += [{"role": "user", "content": text}] if text else []
        self.answer = openai_client.ask(
            self.lab,
            self.how,
            model=self.model,
            messages=self.history,
            reasoning_effort="high",
            tools=[{"type": "function", "function": {"name": name, "parameters": TOOLS[name]}} for name in TOOLS],
        )
        self.history.append(self.turn())
        heard = openai_client.said(self.answer)
        costs = openai_client.costs(self.answer)
        usage = {"input": costs["prompt"], "output": costs["completion"]}
        usage |= {name: costs[name] for name in ("cached", "reasoning")}
        return Said(heard["content"] or "", [(name, json.loads(body)) for name, body in heard["calls"]], usage)

    def turn(self) -> dict[str, Any]:
        said = openai_client.turn(self.answer)
        return said if said["tool_calls"] else {"role": "assistant", "content": said["content"]}

    def give(self, *results: str) -> None:
        self.history += reversed(openai_client.results(self.answer, *results))


class ChatWithDetails(Chat):
    """The same, by a client that gives back the reasoning of compatible services too."""

    def turn(self) -> dict[str, Any]:
        extra = self.answer.choices[0].message.model_extra or {}
        names = ("reasoning_content", "reasoning_details")
        return {**super().turn(), **{name: extra[name] for name in names if extra.get(name)}}


class Responses(Loop):
    """The `openai` SDK with Responses, which gives back every item as it came."""

    hows = ("create", "iterate", "helper", "async iterate")

    def ask(self, text: str = "") -> Said:
        self.history += [{"role": "user", "content": text}] if text else []
        self.answer = responses_client.ask(self.lab, self.how, **self.fields())
        self.keep()
        heard = responses_client.said(self.answer)
        costs = responses_client.costs(self.answer)
        usage = {name: costs[name] for name in ("input", "output", "cached", "reasoning")}
        return Said(heard["text"], [(name, json.loads(body)) for name, body in heard["calls"]], usage)

    def fields(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "input": self.history,
            "reasoning": {"effort": "high", "summary": "auto"},
            "tools": [{"type": "function", "name": name, "parameters": TOOLS[name], "strict": False} for name in TOOLS],
            "include": ["reasoning.encrypted_content"],
            "store": False,
        }

    def keep(self) -> None:
        self.history += self.answer.output

    def give(self, *results: str) -> None:
        self.history += responses_client.results(self.answer, *results)


class ResponsesById(Responses):
    """The same, by a client that says only what is new, and goes on from the id of the answer."""

    def fields(self) -> dict[str, Any]:
        fields = super().fields()
        del fields["include"], fields["store"]
        if hasattr(self, "answer"):
            fields["previous_response_id"] = self.answer.id
        return fields

    def keep(self) -> None:
        self.history = []


class Messages(Loop):
    """The `anthropic` SDK, which gives back every block as it came."""

    hows = ("create", "iterate", "helper", "async iterate")

    def ask(self, text: str = "") -> Said:
        self.history += [{"role": "user", "content": text}] if text else []
        self.answer = anthropic_client.ask(
            self.lab,
            self.how,
            model=self.model,
            messages=self.history,
            thinking={"type": "adaptive"},
            tools=[{"name": name, "input_schema": TOOLS[name]} for name in TOOLS],
        )
        self.history.append({"role": "assistant", "content": self.answer.content})
        blocks = anthropic_client.said(self.answer)["content"]
        costs = anthropic_client.costs(self.answer)
        usage = {
            "input": costs["input"] + costs["read"] + (costs["written"] or 0),
            "output": costs["output"],
            "cached": costs["read"],
            "reasoning": costs["thinking"],
        }
        text = "".join(block[1] for block in blocks if block[0] == "text")
        return Said(text, [block[1:] for block in blocks if block[0] == "call"], usage)

    def give(self, *results: str) -> None:
        self.history.append(anthropic_client.results(self.answer, *results))


class Gemini(Loop):
    """The `google-genai` SDK, which gives back every part as it came."""

    hows = ("generate", "stream", "chat", "async stream")

    def ask(self, text: str = "") -> Said:
        self.history += [gemini_client.user(text)] if text else []
        declared = [types.FunctionDeclaration(name=name, parameters_json_schema=TOOLS[name]) for name in TOOLS]
        self.answer = gemini_client.ask(
            self.lab,
            self.how,
            model=self.model,
            contents=self.history,
            thinking_config={"include_thoughts": True, "thinking_level": "high"},
            tools=[types.Tool(function_declarations=declared)],
        )
        self.history += gemini_client.turn(self.answer)
        heard = gemini_client.said(self.answer)
        costs = gemini_client.costs(self.answer)
        usage = {
            "input": costs["prompt"],
            "output": costs["candidates"] + (costs["thoughts"] or 0),
            "cached": costs["cached"],
            "reasoning": costs["thoughts"],
        }
        return Said(heard["text"], heard["calls"], usage)

    def give(self, *results: str) -> None:
        self.history.append(gemini_client.results(self.answer, *results))


_WEATHER: Schema = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
TOOLS: dict[str, Schema] = {"here": _WEATHER, "there": _WEATHER}
ARGUMENTS = {"city": "Zürich 北京 🌍", "days": 3}
LOOPS: dict[str, type[Loop]] = {
    "chat": Chat,
    "chat_with_details": ChatWithDetails,
    "responses": Responses,
    "responses_by_id": ResponsesById,
    "messages": Messages,
    "gemini": Gemini,
}
