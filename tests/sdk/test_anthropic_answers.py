"""The `anthropic` SDK asks, an upstream of any protocol answers."""

import json
from typing import Any

import anthropic
import pydantic
import pytest
from tests.sdk.anthropic_client import HOWS, ask, costs, said
from tests.sdk.lab import CLIENT_KEY, MODELS, UPSTREAMS
from tests.sdk.sent import limit, schema, stops

from twoapi.testing.scripted_turn import Cited

each_way = pytest.mark.parametrize("how", HOWS)


class Person(pydantic.BaseModel):
    name: str
    age: int


@each_way
def test_words_arrive_as_they_were_said(lab, upstream, how):
    lab.plays(final='Grüß "你好" 🌍\n\\end')
    message = ask(lab, how, model=upstream)
    assert said(message) == {"stop": "end_turn", "sequence": None, "content": [("text", 'Grüß "你好" 🌍\n\\end')]}
    assert (message.type, message.role, message.id[:4]) == ("message", "assistant", "msg_")
    assert len(lab.sent()) == 1


@each_way
def test_usage_is_exact(lab, upstream, how):
    lab.plays(tokens={"input": 11, "cached": 5, "written": 3, "output": 7, "reasoning": 2})
    message = ask(lab, how, model=upstream)
    fresh = {"input": 14, "written": None} if upstream == "gemini" else {"input": 11, "written": 3}  # told together
    assert costs(message) == {**fresh, "read": 5, "output": 9, "thinking": 2}


def test_a_stream_is_the_vendors_sequence_of_events(lab, upstream):
    lab.plays(final="one two", piece=4)
    events = lab.anthropic.messages.create(
        model=upstream, max_tokens=10, messages=[{"role": "user", "content": "hi"}], stream=True
    )
    heard = [event for event in events if event.type != "ping"]
    assert [event.type for event in heard] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert [event.delta.text for event in heard[2:4]] == ["one ", "two"]


def test_the_helper_streams_text(lab, upstream):
    lab.plays(final="tick tock tack", piece=5)
    question: Any = {"model": upstream, "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
    with lab.anthropic.messages.stream(**question) as events:
        texts = list(events.text_stream)
    with lab.anthropic.messages.stream(**question) as events:
        kinds = [event.type for event in events if event.type not in {"ping", "content_block_delta"}]
        final = events.get_final_text()
    assert texts == ["tick ", "tock ", "tack"]
    assert final == "tick tock tack"
    assert kinds == [
        "message_start",
        "content_block_start",
        *["text"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@each_way
def test_a_cut_answer_ends_by_max_tokens(lab, upstream, how):
    lab.plays(final="as far as it w", stop="max_tokens")
    message = ask(lab, how, model=upstream, max_tokens=100)
    assert said(message) == {"stop": "max_tokens", "sequence": None, "content": [("text", "as far as it w")]}
    (sent,) = lab.sent()
    assert limit(upstream, sent) == 100


@each_way
def test_stop_sequences_stop(lab, upstream, how):
    lab.plays(final="until", stop="stop_sequence", stop_sequence="END")
    message = ask(lab, how, model=upstream, stop_sequences=["END", "STOP"])
    end = ("stop_sequence", "END") if upstream == "messages" else ("end_turn", None)  # others do not tell which it was
    assert (message.stop_reason, message.stop_sequence) == end
    (sent,) = lab.sent()
    assert stops(upstream, sent) == (None if upstream == "responses" else ["END", "STOP"])


def test_more_stop_sequences_than_chat_takes_are_cut_and_told(lab):
    raw = lab.anthropic.messages.with_raw_response.create(
        model="chat",
        max_tokens=10,
        messages=[{"role": "user", "content": "hi"}],
        stop_sequences=["a", "b", "c", "d", "e"],
    )
    assert raw.headers["twoapi-losses"] == "1;dropped=1"
    (sent,) = lab.sent()
    assert sent["stop"] == ["a", "b", "c", "d"]


@each_way
@pytest.mark.parametrize("stop", ["refusal", "content_filter"])
def test_a_refusal_is_told(lab, upstream, how, stop):
    lab.plays(refusal="I will not.", stop=stop)
    message = ask(lab, how, model=upstream)
    assert said(message) == {"stop": "refusal", "sequence": None, "content": [("text", "I will not.")]}


@pytest.mark.parametrize("how", ["whole", "streamed"])
def test_structured_output_is_parsed(lab, upstream, how):
    lab.plays(final='{"name": "Zoë", "age": 36}')
    fields: dict[str, Any] = {
        "model": upstream,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "one person"}],
        "output_format": Person,
    }
    if how == "whole":
        message = lab.anthropic.messages.parse(**fields)
    else:
        with lab.anthropic.messages.stream(**fields) as events:
            message = events.get_final_message()
    assert message.parsed_output == Person(name="Zoë", age=36)
    (sent,) = lab.sent()
    assert schema(upstream, sent)["required"] == ["name", "age"]
    assert schema(upstream, sent)["additionalProperties"] is False


def test_structured_output_asynchronously(lab, upstream):
    lab.plays(final='{"name": "Zoë", "age": 36}')

    async def parse() -> Any:
        return await lab.async_anthropic.messages.parse(
            model=upstream,
            max_tokens=100,
            messages=[{"role": "user", "content": "one person"}],
            output_format=Person,
        )

    assert lab.loop.run(parse()).parsed_output == Person(name="Zoë", age=36)


def test_citations_reach_the_client(lab, upstream):
    lab.plays(final="北京 is cold", cited=(Cited(start=0, end=2, url="https://w.example", title="W"),))
    message: Any = ask(lab, "create", model=upstream)
    assert [(block.text, bool(block.citations)) for block in message.content] == [("北京", True), (" is cold", False)]
    (citation,) = message.content[0].citations
    place = citation.url if upstream == "messages" else citation.source
    assert (place, citation.title) == ("https://w.example", "W")


def test_all_roles_and_blocks_reach_the_other_protocol(lab):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    picture: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}}
    ask(
        lab,
        "create",
        model="chat",
        system=[{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
            {"role": "assistant", "content": [{"type": "text", "text": "A dot."}]},
            {"role": "user", "content": "Sure?"},
        ],
        metadata={"user_id": "someone"},
        service_tier="standard_only",
    )
    (sent,) = lab.sent()
    assert sent == {
        "model": "gpt-5.1",
        "max_completion_tokens": 4096,
        "messages": [
            {
                "role": "system",
                "content": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
            },
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
        "safety_identifier": "someone",
        "service_tier": "default",
    }


def test_the_models_are_listed(lab):
    listed = [(model.id, model.type) for model in lab.anthropic.models.list()]
    one = lab.anthropic.models.retrieve("chat")
    assert listed == [(name, "model") for name in MODELS]
    assert (one.id, one.type) == ("chat", "model")


def test_the_raw_answer_says_who_answered_and_what_was_lost(lab, upstream):
    raw = lab.anthropic.messages.with_raw_response.create(
        model=upstream, max_tokens=100, messages=[{"role": "user", "content": "hi"}]
    )
    assert raw.headers["twoapi-upstream"] == UPSTREAMS[upstream]
    assert raw.headers["twoapi-losses"] == ("relay" if upstream == "messages" else "0")
    assert json.loads(raw.text())["type"] == "message"


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_key_may_come_in_either_header(lab, upstream, header):
    # By x-api-key older releases of the SDK present it.
    headers = {"x-api-key": CLIENT_KEY, "authorization": anthropic.omit} if header == "x-api-key" else {}
    message = lab.anthropic.with_options(default_headers=headers).messages.create(
        model=upstream, max_tokens=10, messages=[{"role": "user", "content": "hi"}]
    )
    assert message.stop_reason == "end_turn"
    (request,) = lab.upstream.requests
    assert CLIENT_KEY not in str(request.header_list)
