"""The request bodies: the same conversation in every protocol, 1.2 KB or, with 51 turns and 60 tools, 216 KB."""

import random
from functools import cache
from typing import Any, NamedTuple

import msgspec

from bench.canned import encode

BIG_TURNS = 51
BIG_TOOLS = 60

_INSTRUCTIONS = (
    "You help the crew of a ferry. Answer in two sentences, name the page of the handbook, "
    "and say so when it is silent on a question. "
) * 3
_STORY = (
    "the pilot keeps a chart of every sandbank and reads the tide table twice before a ferry leaves its berth so "
    "that nobody has to wait on deck while rain comes in from sea"
)
_WORDS = _STORY.split()
_GAPS = (" ", " ", " ", " ", ", ", ". ", "\n", ' "so" ')


class Tool(msgspec.Struct, frozen=True):
    """A tool as every protocol can describe it."""

    name: str
    description: str
    parameters: dict[str, Any]


class Conversation(NamedTuple):
    """The turns of user and assistant, and the tools."""

    turns: tuple[tuple[str, str], ...]
    tools: tuple[Tool, ...]


def chat_body(model: str, *, big: bool = False, stream: bool = False) -> bytes:
    """A chat completion request."""
    turns, tools = conversation(big=big)
    body: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": _INSTRUCTIONS},
            *({"role": role, "content": text} for role, text in turns),
        ],
        "temperature": 0.7,
        "max_tokens": 512,
    }
    if tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in tools
        ]
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return encode(body)


def messages_body(model: str, *, big: bool = False, stream: bool = False) -> bytes:
    """A message request."""
    turns, tools = conversation(big=big)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": 512,
        "system": [{"type": "text", "text": _INSTRUCTIONS, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in turns],
        "temperature": 0.7,
    }
    if tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in tools
        ]
    if stream:
        body["stream"] = True
    return encode(body)


def responses_body(model: str, *, big: bool = False, stream: bool = False) -> bytes:
    """A request for a response."""
    turns, tools = conversation(big=big)
    body: dict[str, Any] = {
        "model": model,
        "instructions": _INSTRUCTIONS,
        "input": [_item(role, text) for role, text in turns],
        "temperature": 0.7,
        "max_output_tokens": 512,
        "store": False,
    }
    if tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": False,
            }
            for tool in tools
        ]
    if stream:
        body["stream"] = True
    return encode(body)


def gemini_body(_model: str, *, big: bool = False, stream: bool = False) -> bytes:
    """A request for generateContent."""
    turns, tools = conversation(big=big)
    body: dict[str, Any] = {
        "systemInstruction": {"parts": [{"text": _INSTRUCTIONS}]},
        "contents": [{"role": _SPEAKERS[role], "parts": [{"text": text}]} for role, text in turns],
        "generationConfig": {"temperature": 0.7, "maxOutputTokens": 512},
    }
    if tools:
        declared = [
            {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
            for tool in tools
        ]
        body["tools"] = [{"functionDeclarations": declared}]
    return encode(body)


_SPEAKERS = {"user": "user", "assistant": "model"}


def _item(role: str, text: str) -> dict[str, Any]:
    kind = "input_text" if role == "user" else "output_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


@cache
def conversation(*, big: bool) -> Conversation:
    """The same words on every run."""
    draw = random.Random(7)  # noqa: S311  not for secrets
    if not big:
        sizes = (("user", 160), ("assistant", 220), ("user", 200))
        return Conversation(tuple((role, _prose(draw, size)) for role, size in sizes), ())
    turns = tuple((("user", "assistant")[turn % 2], _prose(draw, 2630)) for turn in range(BIG_TURNS))
    return Conversation(turns, tuple(_tool(draw, number) for number in range(BIG_TOOLS)))


def _tool(draw: random.Random, number: int) -> Tool:
    properties = {f"field_{index}": {"type": "string", "description": _prose(draw, 80)} for index in range(5)}
    schema = {"type": "object", "properties": properties, "required": ["field_0"], "additionalProperties": False}
    return Tool(f"tool_{number}", _prose(draw, 350), schema)


def _prose(draw: random.Random, size: int) -> str:
    pieces: list[str] = []
    length = 0
    while length < size:
        piece = draw.choice(_WORDS) + draw.choice(_GAPS)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)[:size]
