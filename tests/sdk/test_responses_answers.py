"""The `openai` SDK asks with Responses, an upstream of any protocol answers."""

from typing import Any

import openai
import pydantic
import pytest
from tests.sdk.lab import UPSTREAMS
from tests.sdk.responses_client import HOWS, PLAIN, ask, costs, events_of, said
from tests.sdk.sent import limit, schema

from twoapi.testing.scripted_turn import Cited

SILENT: dict[str, Any] = {"status": "completed", "text": "", "refusal": "", "calls": [], "reasoning": ""}

each_way = pytest.mark.parametrize("how", HOWS)
each_plain_way = pytest.mark.parametrize("how", PLAIN)


class Person(pydantic.BaseModel):
    name: str
    age: int


@each_way
def test_words_arrive_as_they_were_said(lab, upstream, how):
    lab.plays(final='Grüß "你好" 🌍\n\\end')
    response = ask(lab, how, model=upstream)
    assert said(response) == {**SILENT, "text": 'Grüß "你好" 🌍\n\\end'}
    assert (response.object, response.id[:5], response.output[0].id[:4]) == ("response", "resp_", "msg_")
    assert len(lab.sent()) == 1


@each_way
def test_usage_is_exact(lab, upstream, how):
    lab.plays(tokens={"input": 11, "cached": 5, "written": 3, "output": 7, "reasoning": 2})
    assert costs(ask(lab, how, model=upstream)) == {
        "input": 19,
        "output": 9,
        "total": 28,
        "cached": 5,
        "written": 0 if upstream == "gemini" else 3,  # which does not tell, and here it must be said
        "reasoning": 2,
    }


def test_a_stream_is_the_vendors_sequence_of_events(lab, upstream):
    lab.plays(final="one two", piece=4)
    heard = events_of(lab, model=upstream)
    assert [event.type.removeprefix("response.") for event in heard] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.delta for event in heard[4:6]] == ["one ", "two"]
    assert len({event.response.id for event in heard if hasattr(event, "response")}) == 1


def test_the_helper_streams_text(lab, upstream):
    lab.plays(final="tick tock tack", piece=5)
    with lab.openai.responses.stream(model=upstream, input="hi") as events:
        snapshots = [event.snapshot for event in events if event.type == "response.output_text.delta"]
    assert snapshots == ["tick ", "tick tock ", "tick tock tack"]


@each_plain_way
@pytest.mark.parametrize(("stop", "reason"), [("max_tokens", "max_output_tokens"), ("content_filter",) * 2])
def test_a_cut_or_filtered_answer_is_incomplete(lab, upstream, how, stop, reason):
    lab.plays(final="as far as it w", stop=stop)
    response = ask(lab, how, model=upstream, max_output_tokens=100)
    assert said(response) == {**SILENT, "status": "incomplete", "text": "as far as it w"}
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == reason
    (sent,) = lab.sent()
    assert limit(upstream, sent) == 100


@each_plain_way
@pytest.mark.parametrize("protocol", ["chat", "responses"])
def test_a_refusal_in_the_models_words(lab, protocol, how):
    lab.plays(refusal="I will not.", stop="refusal")
    assert said(ask(lab, how, model=protocol)) == {**SILENT, "refusal": "I will not."}


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_structured_output_is_parsed(lab, upstream, how):
    lab.plays(final='{"name": "Zoë", "age": 36}')
    fields: dict[str, Any] = {"model": upstream, "input": "one person", "text_format": Person}
    if how == "whole":
        response = lab.openai.responses.parse(**fields)
    else:
        with lab.openai.responses.stream(**fields) as events:
            response = events.get_final_response()
    assert response.output_parsed == Person(name="Zoë", age=36)
    (sent,) = lab.sent()
    assert schema(upstream, sent)["required"] == ["name", "age"]
    assert schema(upstream, sent)["additionalProperties"] is False


def test_structured_output_asynchronously(lab, upstream):
    lab.plays(final='{"name": "Zoë", "age": 36}')

    async def parse() -> Any:
        return await lab.async_openai.responses.parse(model=upstream, input="one person", text_format=Person)

    assert lab.loop.run(parse()).output_parsed == Person(name="Zoë", age=36)


@each_plain_way
def test_citations_reach_the_client(lab, upstream, how):
    lab.plays(final="北京 is cold", cited=(Cited(start=0, end=2, url="https://w.example", title="W"),))
    response: Any = ask(lab, how, model=upstream)
    assert response.output_text == "北京 is cold"
    ((citation,),) = [part.annotations for part in response.output[0].content if part.annotations]
    place = (citation.url, citation.title, citation.start_index, citation.end_index)
    assert place == ("https://w.example", "W", 0, 2)


def test_all_roles_and_parts_reach_the_other_protocol(lab):
    pixel = "iVBORw0KGgo="
    ask(
        lab,
        "create",
        model="messages",
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{pixel}", "detail": "auto"},
                ],
            },
            {"role": "assistant", "content": "A dot."},
            {"role": "user", "content": "Sure?"},
        ],
        safety_identifier="someone",
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


def test_tokens_are_counted(lab, upstream):
    lab.plays(tokens={"input": 11})
    counted = lab.openai.responses.input_tokens.count(model=upstream, input="hi").input_tokens
    assert 1 <= counted <= 20 if upstream == "chat" else counted == 11  # a chat has no such question: an estimate


def test_the_raw_answer_says_who_answered_and_what_was_lost(lab, upstream):
    raw = lab.openai.responses.with_raw_response.create(model=upstream, input="hi", top_logprobs=2)
    assert raw.headers["twoapi-upstream"] == UPSTREAMS[upstream]
    assert (raw.headers["twoapi-losses"] == "relay") is (upstream == "responses")
    assert raw.parse().output_text.startswith("Grüß")


def test_a_conversation_that_is_not_here_is_refused(lab):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(lab, "create", model="messages", conversation="conv_1")
    assert caught.value.param == "/conversation"
    assert lab.sent() == []
