"""The `openai` SDK runs tools with Responses: functions, custom tools, and who may be called."""

import json
from typing import Any

import openai
import pydantic
import pytest
from tests.sdk.responses_client import HOWS, ask, results, said

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "Zürich 北京 🌍", "unit": "c"}
PATCH = '*** Begin\n"é"\n*** End'

each_way = pytest.mark.parametrize("how", HOWS)


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": WEATHER, "strict": True, **fields}


@each_way
def test_a_call_its_result_and_the_last_word(lab, upstream, how):
    lab.plays(calls=1, before="Looking.", final="It is {results}.")
    question: Any = {"role": "user", "content": "weather?"}
    fields: Any = {"model": upstream, "tools": [tool("weather")]}
    called = ask(lab, how, input=[question], **fields)
    heard = said(called)
    ((name, arguments),) = heard.pop("calls")
    assert heard == {"status": "completed", "text": "Looking.", "refusal": "", "reasoning": ""}
    assert (name, json.loads(arguments)) == ("weather", ARGUMENTS)
    answered = ask(lab, how, input=[question, *called.output, *results(called, "12 °C")], **fields)
    assert said(answered)["text"] == "It is 12 °C."
    assert len(lab.sent()) == 2


@each_way
@pytest.mark.parametrize("interleaved", [False, True], ids=["in_turn", "interleaved"])
def test_parallel_calls_over_two_rounds(lab, upstream, how, interleaved):
    lab.plays(calls=2, rounds=2, interleaved=interleaved, piece=3)
    items: list[Any] = [{"role": "user", "content": "weather?"}]
    fields: Any = {"model": upstream, "tools": [tool("here"), tool("there")]}
    for number in range(2):
        called = ask(lab, how, input=items, **fields)
        calls = [(name, json.loads(text)) for name, text in said(called)["calls"]]
        assert calls == [("here", ARGUMENTS), ("there", ARGUMENTS)]
        items += [*called.output, *reversed(results(called, f"{number}a", f"{number}b"))]
    assert said(ask(lab, how, input=items, **fields))["text"] == "Grüß 你好 🌍 0a, 0b, 1a, 1b"
    assert len(lab.sent()) == 3


@each_way
def test_a_custom_tool_gets_its_text_and_its_result_goes_back(lab, upstream, how):
    # Where there are no custom tools, a function with one text stands in for it.
    native = upstream in {"chat", "responses"}
    lab.plays(calls=1, final="{results}", **({} if native else {"arguments": json.dumps({"input": PATCH})}))
    custom: Any = {"type": "custom", "name": "patch", "description": "Free text."}
    question: Any = {"role": "user", "content": "mend it"}
    called = ask(lab, how, model=upstream, input=[question], tools=[custom])
    assert said(called)["calls"] == [("patch", PATCH)]
    assert called.output[-1].type == "custom_tool_call"
    items = [question, *called.output, *results(called, "done")]
    assert said(ask(lab, how, model=upstream, input=items, tools=[custom]))["text"] == "done"


@each_way
def test_a_forced_tool_is_called_and_no_other(lab, upstream, how):
    lab.plays(calls=2)
    response = ask(
        lab,
        how,
        model=upstream,
        tools=[tool("here"), tool("there")],
        tool_choice={"type": "function", "name": "there"},
        parallel_tool_calls=False,
    )
    calls = 2 if upstream == "gemini" else 1  # it cannot be told to call one at a time
    assert [name for name, _ in said(response)["calls"]] == ["there"] * calls


def test_a_tool_that_may_be_called_is_one_of_those_that_are_allowed(lab, upstream):
    lab.plays(calls=1)
    allowed: Any = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "there"}]}
    response = ask(lab, "create", model=upstream, tools=[tool("here"), tool("there")], tool_choice=allowed)
    assert [name for name, _ in said(response)["calls"]] == ["there"]


def test_arguments_are_parsed_into_the_tools_type(lab, upstream):
    class Weather(pydantic.BaseModel):
        """Of a city."""

        city: str

    lab.plays(calls=1)
    declared: Any = openai.pydantic_function_tool(Weather)
    parsed = lab.openai.responses.parse(model=upstream, input="weather?", tools=[declared])
    call: Any = parsed.output[-1]
    assert call.parsed_arguments == Weather(city="Zürich 北京 🌍")


@pytest.mark.parametrize("how", ["create", "iterate"])
def test_a_call_that_was_cut_off_is_incomplete(lab, upstream, how):
    lab.plays(calls=1, before="Looking.", arguments='{"city": "Zür', stop="max_tokens")
    response = ask(lab, how, model=upstream, tools=[tool("weather")])
    assert (response.status, response.output_text) == ("incomplete", "Looking.")


def test_a_call_without_its_result_is_refused_before_it_is_sent(lab):
    call: Any = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
    items: Any = [{"role": "user", "content": "weather?"}, call, {"role": "user", "content": "well?"}]
    with pytest.raises(openai.BadRequestError, match="call_1"):
        ask(lab, "create", model="messages", tools=[tool("weather")], input=items)
    assert lab.sent() == []
