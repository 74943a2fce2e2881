"""The `openai` SDK runs tools: calls, results, several at once, and who may be called."""

import json
from typing import Any

import openai
import pydantic
import pytest
from tests.sdk.openai_client import HOWS, ask, results, said, turn

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "Zürich 北京 🌍", "unit": "c"}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": WEATHER, **fields}}


each_way = pytest.mark.parametrize("how", HOWS)


@each_way
def test_a_call_its_result_and_the_last_word(lab, upstream, how):
    lab.plays(calls=1, before="Looking.", final="It is {results}.")
    question = [{"role": "user", "content": "weather?"}]
    fields = {"model": upstream, "tools": [tool("weather")]}
    called = ask(lab, how, messages=question, **fields)
    heard = said(called)
    ((name, arguments),) = heard.pop("calls")
    assert heard == {"finish": "tool_calls", "content": "Looking.", "refusal": None, "reasoning": None}
    assert (name, json.loads(arguments)) == ("weather", ARGUMENTS)
    answered = ask(lab, how, messages=[*question, turn(called), *results(called, "12 °C")], **fields)
    assert (answered.choices[0].finish_reason, answered.choices[0].message.content) == ("stop", "It is 12 °C.")
    assert len(lab.sent()) == 2


@each_way
@pytest.mark.parametrize("interleaved", [False, True], ids=["in_turn", "interleaved"])
def test_parallel_calls_over_two_rounds(lab, upstream, how, interleaved):
    lab.plays(calls=2, rounds=2, interleaved=interleaved, piece=3)
    messages: list[Any] = [{"role": "user", "content": "weather?"}]
    fields = {"model": upstream, "tools": [tool("here"), tool("there")]}
    for number in range(2):
        called = ask(lab, how, messages=messages, **fields)
        calls = said(called)["calls"]
        assert [(name, json.loads(text)) for name, text in calls] == [("here", ARGUMENTS), ("there", ARGUMENTS)]
        messages += [turn(called), *reversed(results(called, f"{number}a", f"{number}b"))]
    assert said(ask(lab, how, messages=messages, **fields))["content"] == "Grüß 你好 🌍 0a, 0b, 1a, 1b"
    assert len(lab.sent()) == 3


# The helper's messages have members of the SDK's own, null but there; relayed they are the vendor's to judge.
@pytest.mark.parametrize(("upstream", "how"), [("chat", "create"), ("messages", "create"), ("messages", "helper")])
def test_the_sdks_own_message_is_sent_back_as_it_is(lab, upstream, how):
    lab.plays(calls=1, final="{results}")
    question = {"role": "user", "content": "weather?"}
    fields = {"model": upstream, "tools": [tool("weather")]}
    called = ask(lab, how, messages=[question], **fields)
    message = called.choices[0].message
    answered = ask(lab, how, messages=[question, message, *results(called, "rain")], **fields)
    assert answered.choices[0].message.content == "rain"
    assert len(lab.sent()) == 2


@each_way
def test_a_forced_tool_is_called_and_no_other(lab, upstream, how):
    lab.plays(calls=2)
    answer = ask(
        lab,
        how,
        model=upstream,
        tools=[tool("here"), tool("there")],
        tool_choice={"type": "function", "function": {"name": "there"}},
        parallel_tool_calls=False,
    )
    calls = 2 if upstream == "gemini" else 1  # it cannot be told to call one at a time
    assert [name for name, _ in said(answer)["calls"]] == ["there"] * calls


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [("auto", {"type": "auto"}), ("required", {"type": "any"}), ("none", {"type": "none"})],
)
def test_the_choice_of_tools_is_told_in_the_other_protocol(lab, choice, wanted):
    ask(lab, "create", model="messages", tools=[tool("weather")], tool_choice=choice)
    (sent,) = lab.sent()
    assert sent["tool_choice"] == wanted


def test_a_tool_keeps_its_description_its_strictness_and_its_schema(lab):
    ask(lab, "create", model="messages", tools=[tool("weather", description="Of a city.", strict=True)])
    (sent,) = lab.sent()
    assert sent["tools"] == [{"name": "weather", "description": "Of a city.", "input_schema": WEATHER, "strict": True}]


def test_a_name_that_is_too_long_for_nobody_stays(lab, upstream):
    name = "n" * 64
    lab.plays(calls=1)
    assert [called for called, _ in said(ask(lab, "create", model=upstream, tools=[tool(name)]))["calls"]] == [name]


@pytest.mark.parametrize("how", ["create", "iterate"])
def test_a_custom_tool_gets_its_text(lab, upstream, how):
    # The types of the SDK's chunks know no custom calls, though the vendor sends them: not strict about those.
    lab.openai._strict_response_validation = how == "create"
    if upstream == "chat":
        lab.plays(calls=1)
    else:
        lab.plays(calls=1, arguments=json.dumps({"input": '*** Begin\n"é"\n*** End'}))
    custom = {"type": "custom", "custom": {"name": "patch", "description": "Free text."}}
    try:
        answer = ask(lab, how, model=upstream, tools=[custom])
    finally:
        lab.openai._strict_response_validation = True
    (call,) = answer.choices[0].message.tool_calls or []
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "patch", '*** Begin\n"é"\n*** End')


@pytest.mark.parametrize("how", ["create", "iterate"])
def test_a_call_that_was_cut_off_ends_by_length(lab, upstream, how):
    lab.plays(calls=1, arguments='{"city": "Zür', stop="max_tokens")
    answer = ask(lab, how, model=upstream, tools=[tool("weather")])
    assert answer.choices[0].finish_reason == "length"


def test_arguments_are_parsed_into_the_tools_type(lab, upstream):
    class Weather(pydantic.BaseModel):
        """Of a city."""

        city: str

    lab.plays(calls=1)

    async def parse() -> Any:
        return await lab.async_openai.chat.completions.parse(
            model=upstream,
            messages=[{"role": "user", "content": "weather?"}],
            tools=[openai.pydantic_function_tool(Weather)],
        )

    (call,) = lab.loop.run(parse()).choices[0].message.tool_calls
    assert call.function.parsed_arguments == Weather(city="Zürich 北京 🌍")


def test_a_call_without_its_result_is_refused_before_it_is_sent(lab):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    with pytest.raises(openai.BadRequestError, match="call_1"):
        ask(
            lab,
            "create",
            model="messages",
            tools=[tool("weather")],
            messages=[
                {"role": "user", "content": "weather?"},
                {"role": "assistant", "tool_calls": [call]},
                {"role": "user", "content": "well?"},
            ],
        )
    assert lab.sent() == []
