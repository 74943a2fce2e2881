"""The `google-genai` SDK runs tools: declared ones, its own functions, and chats that remember."""

import json
from typing import Any

import pytest
from google.genai import types
from tests.sdk.gemini_client import HOWS, PLAIN, ask, calls, results, said, signatures, turn, user
from tests.sdk.lab import Lab
from tests.sdk.sent import state
from tests.sdk.thinker import Thinker, made, thought

from twoapi.protocols.sealing import SEAL_PREFIX_BASE64
from twoapi.testing.scripted_model import Scenario

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
}
ARGUMENTS = {"city": "Zürich 北京 🌍", "unit": "c"}

each_way = pytest.mark.parametrize("how", HOWS)
each_plain_way = pytest.mark.parametrize("how", PLAIN)


def tools(*names: str) -> list[types.Tool]:
    declared = [types.FunctionDeclaration(name=name, parameters_json_schema=WEATHER) for name in names]
    return [types.Tool(function_declarations=declared)]


@each_way
def test_a_call_its_result_and_the_last_word(lab, upstream, how):
    lab.plays(calls=1, before="Looking.", final="It is {results}.")
    fields: Any = {"model": upstream, "tools": tools("weather")}
    called = ask(lab, how, contents=[user("weather?")], **fields)
    assert said(called) == {"finish": "STOP", "text": "Looking.", "thoughts": "", "calls": [("weather", ARGUMENTS)]}
    answered = ask(lab, how, contents=[user("weather?"), *turn(called), results(called, "12 °C")], **fields)
    assert said(answered)["text"] == "It is 12 °C."
    assert len(lab.sent()) == 2


@each_way
def test_parallel_calls_over_two_rounds(lab, upstream, how):
    lab.plays(calls=2, rounds=2, piece=3)
    contents = [user("weather?")]
    fields: Any = {"model": upstream, "tools": tools("here", "there")}
    for number in range(2):
        called = ask(lab, how, contents=contents, **fields)
        assert said(called)["calls"] == [("here", ARGUMENTS), ("there", ARGUMENTS)]
        contents += [*turn(called), results(called, f"{number}a", f"{number}b")]
    assert said(ask(lab, how, contents=contents, **fields))["text"] == "Grüß 你好 🌍 0a, 0b, 1a, 1b"
    assert len(lab.sent()) == 3


@each_plain_way
def test_results_without_ids_find_their_calls(lab, upstream, how):
    lab.plays(calls=2, final="{results}")
    fields: Any = {"model": upstream, "tools": tools("here", "there")}
    called = ask(lab, how, contents=[user("weather?")], **fields)
    history = turn(called)
    given = results(called, "a", "b")
    for content in [*history, given]:
        for part in content.parts:
            for one in (part.function_call, part.function_response):
                if one is not None:
                    one.id = None
    assert said(ask(lab, how, contents=[user("weather?"), *history, given], **fields))["text"] == "a, b"


@each_plain_way
def test_a_forced_tool_is_called_and_no_other(lab, upstream, how):
    lab.plays(calls=1)
    forced = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["there"])
    config = types.ToolConfig(function_calling_config=forced)
    heard = ask(lab, how, model=upstream, tools=tools("here", "there"), tool_config=config)
    assert said(heard)["calls"] == [("there", ARGUMENTS)]


# --- The SDK calls functions of its own -----------------------------------------------------------


def weather(city: str) -> str:
    """Of a city."""
    return f"rain in {city}"


@pytest.mark.parametrize("how", ["generate", "stream", "chat", "async generate", "async chat"])
def test_the_sdk_calls_functions_by_itself(lab, upstream, how):
    lab.plays(calls=1, rounds=2, final="{results}")
    heard = ask(lab, how, model=upstream, contents=[user("weather?")], tools=[weather])
    text = "".join(part.text or "" for content in turn(heard) for part in content.parts or [])
    # What a function returns the SDK wraps, which other protocols tell as it is.
    told = "rain in Zürich 北京 🌍"
    if upstream != "gemini":
        told = json.dumps({"result": told})
    assert text == f"{told}, {told}"
    assert len(lab.sent()) == 3


def test_a_chat_remembers(lab, upstream):
    lab.plays(final="first")
    chat = lab.genai.chats.create(model=upstream)
    assert chat.send_message("one?").text == "first"
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("two?")) == "first"
    chat.send_message("three?")
    assert [text in str(lab.sent()[2]) for text in ("one?", "first", "two?", "three?")] == [True] * 4


# --- Thinking -------------------------------------------------------------------------------------

THINKING = types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.HIGH)


@pytest.fixture
def thinking(lab: Lab) -> Lab:
    lab.plays()
    lab.upstream.handler = Thinker(Scenario(calls=1, final="It is {results}."))
    return lab


@each_way
def test_thoughts_are_shown_and_signed(thinking, upstream, how):
    heard = ask(thinking, how, model=upstream, thinking_config=THINKING)
    assert said(heard)["thoughts"] == thought(1)
    assert len(signatures(heard)) >= 1


@each_plain_way
def test_a_client_that_gives_back_calls_alone_keeps_its_state(thinking, upstream, how):
    fields: Any = {"model": upstream, "tools": tools("look"), "thinking_config": THINKING}
    called = ask(thinking, how, contents=[user("look")], **fields)
    kept = [part for content in turn(called) for part in content.parts if part.function_call]
    (call,) = kept
    assert (call.thought_signature is None) is (upstream == "chat")  # whose reasoning is text
    history = [user("look"), types.Content(role="model", parts=kept), results(called, "seen")]
    assert said(ask(thinking, how, contents=history, **fields))["text"] == "It is seen."
    assert SEAL_PREFIX_BASE64[:16] not in str(thinking.sent()[1])
    wanted = {"responses": made("responses", 1), "gemini": made("gemini", 1)}
    if upstream in wanted:
        assert state(upstream, thinking.sent()[1]) == wanted[upstream]
    assert calls(called)[0].name == "look"


@pytest.mark.parametrize(
    ("level", "effort"),
    [("MINIMAL", "minimal"), ("LOW", "low"), ("MEDIUM", "medium"), ("HIGH", "high")],
)
def test_a_thinking_level_is_an_effort_elsewhere(lab, level, effort):
    ask(lab, "generate", model="chat", thinking_config=types.ThinkingConfig(thinking_level=level))
    (sent,) = lab.sent()
    assert sent["reasoning_effort"] == effort
