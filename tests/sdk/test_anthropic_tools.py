"""The `anthropic` SDK runs tools: calls, results, several at once, and the runner with its message threads."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anthropic
import pytest
from tests.sdk.anthropic_client import HOWS, ask, results, said

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, error_reply, json_reply
from twoapi.testing.scripted_model import Scenario, ScriptedModel

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "Zürich 北京 🌍", "unit": "c"}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "input_schema": WEATHER, **fields}


each_way = pytest.mark.parametrize("how", HOWS)


@each_way
def test_a_call_its_result_and_the_last_word(lab, upstream, how):
    lab.plays(calls=1, before="Looking.", final="It is {results}.")
    question = {"role": "user", "content": "weather?"}
    fields = {"model": upstream, "tools": [tool("weather")]}
    called = ask(lab, how, messages=[question], **fields)
    assert said(called) == {
        "stop": "tool_use",
        "sequence": None,
        "content": [("text", "Looking."), ("call", "weather", ARGUMENTS)],
    }
    history = [question, {"role": "assistant", "content": called.content}, results(called, "12 °C")]
    answered = ask(lab, how, messages=history, **fields)
    assert said(answered) == {"stop": "end_turn", "sequence": None, "content": [("text", "It is 12 °C.")]}
    assert len(lab.sent()) == 2


@each_way
@pytest.mark.parametrize("interleaved", [False, True], ids=["in_turn", "interleaved"])
def test_parallel_calls_over_two_rounds(lab, upstream, how, interleaved):
    lab.plays(calls=2, rounds=2, interleaved=interleaved, piece=3)
    messages: list[Any] = [{"role": "user", "content": "weather?"}]
    fields = {"model": upstream, "tools": [tool("here"), tool("there")]}
    for number in range(2):
        called = ask(lab, how, messages=messages, **fields)
        assert said(called)["content"] == [("call", "here", ARGUMENTS), ("call", "there", ARGUMENTS)]
        messages += [{"role": "assistant", "content": called.content}, results(called, f"{number}a", f"{number}b")]
    assert said(ask(lab, how, messages=messages, **fields))["content"] == [("text", "Grüß 你好 🌍 0a, 0b, 1a, 1b")]
    assert len(lab.sent()) == 3


@each_way
def test_a_forced_tool_is_called_and_no_other(lab, upstream, how):
    lab.plays(calls=2)
    message = ask(
        lab,
        how,
        model=upstream,
        tools=[tool("here"), tool("there")],
        tool_choice={"type": "tool", "name": "there", "disable_parallel_tool_use": True},
    )
    calls = 2 if upstream == "gemini" else 1  # it cannot be told to call one at a time
    assert said(message)["content"] == [("call", "there", ARGUMENTS)] * calls


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [({"type": "auto"}, "auto"), ({"type": "any"}, "required"), ({"type": "none"}, "none")],
)
def test_the_choice_of_tools_is_told_in_the_other_protocol(lab, choice, wanted):
    ask(lab, "create", model="chat", tools=[tool("weather")], tool_choice=choice)
    (sent,) = lab.sent()
    assert sent["tool_choice"] == wanted


def test_a_tool_keeps_its_description_its_strictness_and_its_schema(lab):
    ask(lab, "create", model="chat", tools=[tool("weather", description="Of a city.", strict=True)])
    (sent,) = lab.sent()
    declared = {"name": "weather", "description": "Of a city.", "parameters": WEATHER, "strict": True}
    assert sent["tools"] == [{"type": "function", "function": declared}]


@each_way
def test_a_long_tool_name_is_shortened_for_chat_and_comes_back_whole(lab, how):
    name = "weather_of_a_city_in_a_country_on_a_continent_of_this_planet_and_no_other"
    lab.plays(calls=1, final="{results}")
    question = {"role": "user", "content": "weather?"}
    called = ask(lab, how, model="chat", messages=[question], tools=[tool(name)])
    assert said(called)["content"] == [("call", name, ARGUMENTS)]
    history = [question, {"role": "assistant", "content": called.content}, results(called, "rain")]
    assert said(ask(lab, how, model="chat", messages=history, tools=[tool(name)]))["content"] == [("text", "rain")]
    first, second = lab.sent()
    assert first["tools"] == second["tools"]
    assert len(first["tools"][0]["function"]["name"]) == 64


def test_a_result_may_be_a_picture_or_an_error(lab, upstream):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}
    lab.plays(calls=2, final="{results}")
    question = {"role": "user", "content": "weather?"}
    fields = {"model": upstream, "tools": [tool("here"), tool("there")]}
    called = ask(lab, "create", messages=[question], **fields)
    answers = results(called, "", "")
    answers["content"][0] |= {"content": [{"type": "text", "text": "a chart"}, picture]}
    answers["content"][1] |= {"content": "no such city", "is_error": True}
    history = [question, {"role": "assistant", "content": called.content}, answers]
    answered = said(ask(lab, "create", messages=history, **fields))["content"]
    words = {
        "chat": "a chart, [tool error] no such city",
        "responses": "a chart[input_image], [tool error] no such city",
        "messages": "a chart[image], no such city",
        "gemini": "a chart, no such city",
    }
    assert answered == [("text", words[upstream])]
    assert pixel in str(lab.sent()[1])
    if upstream == "chat":
        last = lab.sent()[1]["messages"][-1]
        assert (last["role"], last["content"][-1]["image_url"]["url"]) == ("user", f"data:image/png;base64,{pixel}")


@pytest.mark.parametrize("how", ["create", "iterate"])
def test_a_call_that_was_cut_off_is_not_run(lab, upstream, how):
    lab.plays(calls=1, before="Looking.", arguments='{"city": "Zür', stop="max_tokens")
    message = ask(lab, how, model=upstream, tools=[tool("weather")])
    assert message.stop_reason == "max_tokens"
    assert message.content[0].type == "text"


# --- The runner, which uses message threads unless it is told not to ----------------------------


@anthropic.beta_tool
def weather(city: str) -> str:
    """Of a city.

    Args:
        city: its name
    """
    return f"rain in {city}"


@anthropic.beta_async_tool
async def weather_async(city: str) -> str:
    """Of a city.

    Args:
        city: its name
    """
    return f"rain in {city}"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_runner_goes_on_without_threads_where_there_are_none(lab, streamed):
    lab.plays(calls=1, rounds=2, final="{results}")
    assert run(lab, "chat", streamed=streamed) == "rain in Zürich 北京 🌍, rain in Zürich 北京 🌍"
    assert ["thread" in body for body in lab.sent()] == [False] * 3


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_runner_keeps_its_thread_at_an_upstream_that_has_threads(lab, streamed):
    lab.plays()
    lab.upstream.handler = threads(ScriptedModel(Scenario(calls=1, rounds=2, final="{results}")))
    assert run(lab, "messages", streamed=streamed) == "rain in Zürich 北京 🌍, rain in Zürich 北京 🌍"
    assert [body["thread"]["type"] for body in lab.sent()] == ["create", "continue", "continue"]
    assert [len(body["messages"]) for body in lab.sent()] == [1, 1, 1]


def test_a_thread_whose_upstream_is_gone_goes_on_at_another_from_its_beginning(lab):
    lab.plays()
    model = threads(ScriptedModel(Scenario(calls=1, rounds=2, final="{results}")))

    def fails_after_the_first_turn(request: Received) -> Reply:
        if request.path.endswith("/messages") and request.json().get("thread") != {"type": "create"}:
            return error_reply("anthropic-messages", 529)
        return model(request)

    lab.upstream.handler = fails_after_the_first_turn
    assert run(lab, "either", streamed=False) == "rain in Zürich 北京 🌍, rain in Zürich 北京 🌍"
    asked = [(request.path, request.json()) for request in lab.upstream.requests]
    begun = [(path, len(body["messages"])) for path, body in asked if body.get("thread", {}).get("type") != "continue"]
    assert begun == [*(("/v1/messages", count) for count in (1, 3, 5)), ("/v1/chat/completions", 5)]


def test_the_runner_asynchronously(lab, upstream):
    lab.plays()
    lab.upstream.handler = threads(ScriptedModel(Scenario(calls=1, final="{results}")))

    async def until_done() -> Any:
        runner = lab.async_anthropic.beta.messages.tool_runner(
            model=upstream,
            max_tokens=100,
            messages=[{"role": "user", "content": "weather?"}],
            tools=[weather_async],
        )
        return await runner.until_done()

    assert lab.loop.run(until_done()).content[0].text == "rain in Zürich 北京 🌍"


def run(lab: Any, model: str, *, streamed: bool) -> str:
    """The last words of a run of tools."""
    runner = lab.anthropic.beta.messages.tool_runner(
        model=model,
        max_tokens=100,
        messages=[{"role": "user", "content": "weather?"}],
        tools=[weather],
        stream=streamed,
    )
    *_, final = [events.get_final_message() for events in runner] if streamed else [runner.until_done()]
    text: str = final.content[0].text
    return text


def threads(model: Callable[[Received], Reply]) -> Callable[[Received], Reply]:
    """The model behind a service that keeps conversations."""
    kept: dict[str, Any] = {}

    def handle(request: Received) -> Reply:
        if not request.path.endswith("/messages"):
            return model(request)
        body = request.json()
        thread = body.pop("thread", None)
        if thread is not None and thread["type"] == "continue":
            before = kept[thread["previous_message_id"]]
            body = {**before, **body, "messages": [*before["messages"], *body["messages"]]}
        streamed = body.pop("stream", False)
        answer = json.loads(model(replace(request, body=json.dumps(body).encode())).body)
        history = [*body["messages"], {"role": "assistant", "content": answer["content"]}]
        kept[answer["id"]] = {**body, "messages": history}
        if streamed:
            return _as_stream(model, request, body, answer["id"], kept)
        return json_reply(answer)

    return handle


def _as_stream(
    model: Callable[[Received], Reply], request: Received, body: Any, spoken: str, kept: dict[str, Any]
) -> Reply:
    """The same answer said again as a stream; it has another id, under which it is kept too."""
    reply = model(replace(request, body=json.dumps({**body, "stream": True}).encode()))
    start = json.loads(reply.pieces[0].split(b"data: ", 1)[1])
    kept[start["message"]["id"]] = kept[spoken]
    return reply
