"""The `openai` SDK asks, an upstream of any protocol answers."""

import json
from typing import Any

import openai
import pydantic
import pytest
from tests.sdk.lab import MODELS, UPSTREAMS
from tests.sdk.openai_client import HELPERS, HOWS, PLAIN, ask, chunks, costs, said
from tests.sdk.sent import limit, schema, stops

SILENT: dict[str, Any] = {"content": None, "refusal": None, "calls": [], "reasoning": None}

each_way = pytest.mark.parametrize("how", HOWS)
each_plain_way = pytest.mark.parametrize("how", PLAIN)


class Person(pydantic.BaseModel):
    name: str
    age: int


@each_way
def test_words_arrive_as_they_were_said(lab, upstream, how):
    lab.plays(final='Grüß "你好" 🌍\n\\end')
    answer = ask(lab, how, model=upstream)
    assert said(answer) == {**SILENT, "finish": "stop", "content": 'Grüß "你好" 🌍\n\\end'}
    assert answer.id.startswith("chatcmpl-")
    assert len(lab.sent()) == 1


@each_way
def test_usage_is_exact(lab, upstream, how):
    lab.plays(tokens={"input": 11, "cached": 5, "written": 3, "output": 7, "reasoning": 2})
    answer = ask(lab, how, model=upstream)
    assert costs(answer) == {
        "prompt": 19,
        "completion": 9,
        "total": 28,
        "cached": 5,
        "written": None if upstream == "gemini" else 3,  # which does not tell
        "reasoning": 2,
    }


def test_a_stream_tells_its_usage_last_and_only_when_asked(lab, upstream):
    asked = chunks(lab, model=upstream, stream_options={"include_usage": True})
    assert [chunk.usage is None for chunk in asked] == [True] * (len(asked) - 1) + [False]
    assert asked[-1].choices == []
    silent = chunks(lab, model=upstream)
    assert [chunk.usage for chunk in silent] == [None] * len(silent)
    assert all(chunk.choices for chunk in silent)
    assert len(silent) == len(asked) - 1


def test_a_stream_says_its_words_in_pieces(lab, upstream):
    lab.plays(final="tick tock tack", piece=5)
    heard = chunks(lab, model=upstream)
    deltas = [choice.delta.content for chunk in heard for choice in chunk.choices if choice.delta.content]
    assert deltas == ["tick ", "tock ", "tack"]
    assert heard[0].choices[0].delta.role == "assistant"
    assert len({(chunk.id, chunk.model, chunk.created) for chunk in heard}) == 1


@each_plain_way
def test_a_cut_answer_ends_by_length(lab, upstream, how):
    lab.plays(final="as far as it w", stop="max_tokens")
    answer = ask(lab, how, model=upstream, max_completion_tokens=100)
    assert said(answer) == {**SILENT, "finish": "length", "content": "as far as it w"}
    (sent,) = lab.sent()
    assert limit(upstream, sent) == 100


@each_way
def test_stop_strings_stop(lab, upstream, how):
    lab.plays(final="until", stop="stop_sequence", stop_sequence="END")
    answer = ask(lab, how, model=upstream, stop=["END", "STOP"])
    assert said(answer) == {**SILENT, "finish": "stop", "content": "until"}
    (sent,) = lab.sent()
    assert stops(upstream, sent) == (None if upstream == "responses" else ["END", "STOP"])


@each_way
def test_a_refusal_in_the_models_words_from_its_own_protocol(lab, how):
    lab.plays(refusal="I will not.", stop="refusal")
    assert said(ask(lab, how, model="chat")) == {**SILENT, "finish": "stop", "refusal": "I will not."}


@each_plain_way
def test_a_filter_is_told(lab, upstream, how):
    lab.plays(final="so far", stop="content_filter")
    assert said(ask(lab, how, model=upstream)) == {**SILENT, "finish": "content_filter", "content": "so far"}


@pytest.mark.parametrize("how", HELPERS)
@pytest.mark.parametrize(
    ("stop", "error"),
    [("max_tokens", openai.LengthFinishReasonError), ("content_filter", openai.ContentFilterFinishReasonError)],
)
def test_the_helper_raises_its_own_errors_for_what_was_cut_or_filtered(lab, upstream, how, stop, error):
    lab.plays(final="so far", stop=stop)
    with pytest.raises(error):
        ask(lab, how, model=upstream)


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_structured_output_is_parsed(lab, upstream, how):
    lab.plays(final='{"name": "Zoë", "age": 36}')
    fields: dict[str, Any] = {
        "model": upstream,
        "messages": [{"role": "user", "content": "one person"}],
        "response_format": Person,
    }
    if how == "whole":
        answer = lab.openai.chat.completions.parse(**fields)
    else:
        with lab.openai.chat.completions.stream(**fields) as events:
            answer = events.get_final_completion()
    assert answer.choices[0].message.parsed == Person(name="Zoë", age=36)
    (sent,) = lab.sent()
    assert schema(upstream, sent)["required"] == ["name", "age"]
    assert schema(upstream, sent)["additionalProperties"] is False


def test_structured_output_asynchronously(lab, upstream):
    lab.plays(final='{"name": "Zoë", "age": 36}')

    async def parse() -> Any:
        return await lab.async_openai.chat.completions.parse(
            model=upstream, messages=[{"role": "user", "content": "one person"}], response_format=Person
        )

    assert lab.loop.run(parse()).choices[0].message.parsed == Person(name="Zoë", age=36)


def test_the_helper_tells_what_happens_while_it_happens(lab, upstream):
    lab.plays(final="one two", piece=4)
    question: Any = {"model": upstream, "messages": [{"role": "user", "content": "hi"}]}
    with lab.openai.chat.completions.stream(**question) as events:
        heard = [event for event in events if event.type != "chunk" and getattr(event, "delta", None) != ""]
    assert [(event.type, getattr(event, "delta", None)) for event in heard] == [
        ("content.delta", "one "),
        ("content.delta", "two"),
        ("content.done", None),
    ]
    assert heard[-1].content == "one two"


def test_two_answers_at_once_are_two_choices(lab):
    lab.plays(final="twice")
    answer = ask(lab, "create", model="chat", n=2)
    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(0, "twice"), (1, "twice")]


@pytest.mark.parametrize("how", ["create", "iterate"])
def test_two_answers_at_once_are_refused_where_there_is_only_one(lab, how):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(lab, how, model="messages", n=2)
    assert caught.value.param == "/n"
    assert lab.sent() == []


def test_all_roles_and_parts_reach_the_other_protocol(lab):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ask(
        lab,
        "create",
        model="messages",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
                ],
            },
            {"role": "assistant", "content": "A dot."},
            {"role": "user", "content": "Sure?"},
        ],
        seed=7,
        user="someone",
    )
    (sent,) = lab.sent()
    assert sent["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}
    assert sent["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
        {"role": "assistant", "content": "A dot."},
        {"role": "user", "content": "Sure?"},
    ]
    assert sent["metadata"] == {"user_id": "someone"}


def test_the_models_are_listed(lab):
    listed = [model.id for model in lab.openai.models.list()]
    one = lab.openai.models.retrieve("messages")
    assert listed == MODELS
    assert (one.id, one.object, one.owned_by) == ("messages", "model", "claude")


def test_the_raw_answer_says_who_answered_and_what_was_lost(lab, upstream):
    raw = lab.openai.chat.completions.with_raw_response.create(
        model=upstream, messages=[{"role": "user", "content": "hi"}], seed=1
    )
    assert raw.headers["twoapi-upstream"] == UPSTREAMS[upstream]
    told = {"chat": "relay", "gemini": "0"}  # the others take no seed
    assert raw.headers["twoapi-losses"] == told.get(upstream, "1;dropped=1")
    assert json.loads(raw.text)["object"] == "chat.completion"
