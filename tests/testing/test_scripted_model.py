"""The scripted model, judged by the vendors' own SDKs."""

import asyncio
import json
from typing import Any

import pytest

from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.scripted_turn import Cited, Tokens, instance

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "Zürich 北京 🌍", "unit": "c"}
each_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def openai_answer(fake: FakeUpstream, messages: Any, *, stream: bool, **fields: Any) -> Any:
    import openai

    client = openai.OpenAI(base_url=fake.base_url("openai-chat"), api_key="k", max_retries=0)
    with client:
        if not stream:
            return client.chat.completions.create(model="m", messages=messages, **fields)
        with client.chat.completions.stream(model="m", messages=messages, **fields) as events:
            for _ in events:
                pass
            return events.get_final_completion()


def anthropic_answer(fake: FakeUpstream, messages: Any, *, stream: bool, **fields: Any) -> Any:
    import anthropic

    client = anthropic.Anthropic(base_url=fake.base_url("anthropic-messages"), api_key="k", max_retries=0)
    with client:
        if not stream:
            return client.messages.create(model="m", max_tokens=4096, messages=messages, **fields)
        with client.messages.stream(model="m", max_tokens=4096, messages=messages, **fields) as events:
            return events.get_final_message()


@each_way
@pytest.mark.parametrize("interleaved", [False, True])
def test_openai_runs_a_tool_loop(*, stream: bool, interleaved: bool) -> None:
    scenario = Scenario(calls=3, rounds=2, interleaved=interleaved, before="Looking.", reasoning="Think.")
    tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
    messages: list = [{"role": "user", "content": "hi"}]
    with FakeUpstream(ScriptedModel(scenario), strict=True) as fake:
        for turn in range(2):
            message = openai_answer(fake, messages, stream=stream, tools=tools).choices[0].message
            assert [json.loads(call.function.arguments) for call in message.tool_calls] == [ARGUMENTS] * 3
            messages.append(
                {
                    "role": "assistant",
                    "content": message.content,
                    "tool_calls": [
                        {
                            "id": call.id,
                            "type": "function",
                            "function": {"name": call.function.name, "arguments": call.function.arguments},
                        }
                        for call in message.tool_calls
                    ],
                }
            )
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": f"{turn}{number}"}
                for number, call in reversed(list(enumerate(message.tool_calls)))
            ]
        final = openai_answer(fake, messages, stream=stream, tools=tools)
    assert final.choices[0].message.content == "Grüß 你好 🌍 00, 01, 02, 10, 11, 12"
    assert fake.refusals == []


@each_way
def test_anthropic_runs_a_tool_loop(*, stream: bool) -> None:
    scenario = Scenario(calls=2, before="Looking.", reasoning="Think.", signature="c2ln", redacted="cmVk")
    fields = {
        "tools": [{"name": "weather", "input_schema": WEATHER}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    messages: list = [{"role": "user", "content": "hi"}]
    with FakeUpstream(ScriptedModel(scenario), strict=True) as fake:
        message = anthropic_answer(fake, messages, stream=stream, **fields)
        assert [block.type for block in message.content] == [
            "thinking", "redacted_thinking", "text", "tool_use", "tool_use"
        ]  # fmt: skip
        calls = [block for block in message.content if block.type == "tool_use"]
        assert [call.input for call in calls] == [ARGUMENTS] * 2
        messages.append({"role": "assistant", "content": [block.to_dict() for block in message.content]})
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": str(number)} for number, call in enumerate(calls)
        ]
        messages.append({"role": "user", "content": list(reversed(results))})
        final = anthropic_answer(fake, messages, stream=stream, **fields)
    assert final.content[-1].text == "Grüß 你好 🌍 0, 1"
    assert final.content[0].signature == "c2ln"
    assert fake.refusals == []


@each_way
def test_usage_is_the_same_money_in_both_protocols(*, stream: bool) -> None:
    scenario = Scenario(tokens=Tokens(input=10, cached=5, written=3, output=7, reasoning=2))
    options = {"stream_options": {"include_usage": True}} if stream else {}
    with FakeUpstream(ScriptedModel(scenario), strict=True) as fake:
        chat = openai_answer(fake, [{"role": "user", "content": "hi"}], stream=stream, **options).usage
        messages = anthropic_answer(fake, [{"role": "user", "content": "hi"}], stream=stream).usage
    assert (chat.prompt_tokens, chat.completion_tokens, chat.total_tokens) == (18, 9, 27)
    assert (messages.input_tokens, messages.cache_read_input_tokens, messages.output_tokens) == (10, 5, 9)
    assert messages.cache_creation_input_tokens == 3


@each_way
def test_citations_stand_where_they_belong(*, stream: bool) -> None:
    cited = (Cited(start=0, end=2, url="https://w.example", title="W"),)
    with FakeUpstream(ScriptedModel(Scenario(final="北京 is cold", cited=cited)), strict=True) as fake:
        message = anthropic_answer(fake, [{"role": "user", "content": "hi"}], stream=stream)
        chat = openai_answer(fake, [{"role": "user", "content": "hi"}], stream=stream).choices[0].message
    assert [(block.text, bool(block.citations)) for block in message.content] == [("北京", True), (" is cold", False)]
    assert chat.content == "北京 is cold"
    if not stream:  # the SDK has no annotations in its deltas
        assert chat.annotations[0].url_citation.end_index == 2


@each_way
def test_a_refusal_and_a_stop_sequence_are_told(*, stream: bool) -> None:
    with FakeUpstream(ScriptedModel(Scenario(refusal="No.", stop="refusal")), strict=True) as fake:
        assert (
            openai_answer(fake, [{"role": "user", "content": "hi"}], stream=stream).choices[0].message.refusal == "No."
        )
        assert anthropic_answer(fake, [{"role": "user", "content": "hi"}], stream=stream).stop_reason == "refusal"
    with FakeUpstream(ScriptedModel(Scenario(stop="stop_sequence", stop_sequence="END")), strict=True) as fake:
        message = anthropic_answer(fake, [{"role": "user", "content": "hi"}], stream=stream)
        assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


def test_a_forced_tool_is_called_once_and_no_other() -> None:
    tools = [{"type": "function", "function": {"name": name, "parameters": WEATHER}} for name in ("a", "b")]
    choice = {"type": "function", "function": {"name": "b"}}
    with FakeUpstream(ScriptedModel(Scenario(calls=2)), strict=True) as fake:
        answer = openai_answer(
            fake,
            [{"role": "user", "content": "hi"}],
            stream=False,
            tools=tools,
            tool_choice=choice,
            parallel_tool_calls=False,
        )
    assert [call.function.name for call in answer.choices[0].message.tool_calls] == ["b"]


def test_an_async_client_is_served_too() -> None:
    import openai

    async def ask() -> str | None:
        async with (
            FakeUpstream(ScriptedModel(), strict=True) as fake,
            openai.AsyncOpenAI(base_url=fake.base_url(), api_key="k") as client,
        ):
            answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
            return answer.choices[0].message.content

    assert asyncio.run(ask()) == "Grüß 你好 🌍 "


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["integer", "null"]}, 3),
        ({"type": "array", "items": {"const": "k"}}, ["k"]),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "boolean"}}}, True),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": "string", "maxLength": 2}, "Zü"),
        ({"type": "string", "format": "date"}, "2026-11-20"),
        ({"type": "number", "maximum": 1}, 1),
        (
            {
                "type": "object",
                "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}},
                "required": ["n"],
            },
            {"next": {"next": {"next": {"n": 3}, "n": 3}, "n": 3}, "n": 3},
        ),
    ],
)
def test_arguments_fit_the_schema(schema: Any, expected: Any) -> None:
    assert instance(schema) == expected


@each_way
def test_openai_runs_a_tool_loop_over_responses(*, stream: bool) -> None:
    import openai

    scenario = Scenario(calls=2, before="Looking.", reasoning="Think.", signature="c2ln", tokens=Tokens(reasoning=3))
    tools: Any = [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": False}]
    given: list = [{"role": "user", "content": "hi"}]
    asked: Any = {"model": "m", "tools": tools, "include": ["reasoning.encrypted_content"], "store": False}
    with (
        FakeUpstream(ScriptedModel(scenario), strict=True) as fake,
        openai.OpenAI(base_url=fake.base_url("openai-responses"), api_key="k", max_retries=0) as client,
    ):

        def answer() -> Any:
            if not stream:
                return client.responses.create(input=given, **asked)
            with client.responses.stream(input=given, **asked) as events:
                return events.get_final_response()

        first = answer()
        assert [item.type for item in first.output] == ["reasoning", "message", "function_call", "function_call"]
        assert [json.loads(call.arguments) for call in first.output[2:]] == [ARGUMENTS] * 2
        given += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
        for item in given:
            for part in item["content"] if item.get("role") == "assistant" else []:
                part.pop("parsed", None)
        given += [
            {"type": "function_call_output", "call_id": call.call_id, "output": str(number)}
            for number, call in reversed(list(enumerate(first.output[2:])))
        ]
        final = answer()
    assert final.output_text == "Grüß 你好 🌍 0, 1"
    assert (final.usage.input_tokens, final.usage.output_tokens_details.reasoning_tokens) == (26, 3)
    assert fake.refusals == []


@each_way
def test_genai_runs_a_tool_loop(*, stream: bool) -> None:
    from google import genai
    from google.genai import types

    scenario = Scenario(calls=2, before="Looking.", reasoning="Think.", signature="c2ln", tokens=Tokens(reasoning=3))
    declared = types.FunctionDeclaration(name="weather", parameters_json_schema=WEATHER)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
    with FakeUpstream(ScriptedModel(scenario), strict=True) as fake:
        options = types.HttpOptions(base_url=fake.base_url("gemini"))
        with genai.Client(api_key="k", vertexai=False, http_options=options) as client:
            chat = client.chats.create(model="m", config=config)

            def say(message: Any) -> list[Any]:
                if stream:
                    return list(chat.send_message_stream(message))
                return [chat.send_message(message)]

            calls = [call for one in say("hi") for call in one.function_calls or []]
            assert [call.args for call in calls] == [ARGUMENTS] * 2
            results = [
                types.Part.from_function_response(name="weather", response={"result": str(number)})
                for number in range(len(calls))
            ]
            final = say(results)
    parts = [part for one in final for part in one.candidates[0].content.parts or []]
    assert "".join(part.text or "" for part in parts if not part.thought) == "Grüß 你好 🌍 0, 1"
    assert (final[-1].usage_metadata.prompt_token_count, final[-1].usage_metadata.thoughts_token_count) == (26, 3)
    assert fake.refusals == []
