"""The `google-genai` SDK asks, an upstream of any protocol answers."""

from typing import Any

import pydantic
import pytest
from google.genai import types
from tests.sdk.gemini_client import HOWS, PLAIN, ask, costs, said, user
from tests.sdk.lab import MODELS, UPSTREAMS
from tests.sdk.sent import limit, schema, stops

from twoapi.testing.scripted_turn import Cited

SILENT: dict[str, Any] = {"text": "", "thoughts": "", "calls": []}

each_way = pytest.mark.parametrize("how", HOWS)
each_plain_way = pytest.mark.parametrize("how", PLAIN)


class Person(pydantic.BaseModel):
    name: str
    age: int


@each_way
def test_words_arrive_as_they_were_said(lab, upstream, how):
    lab.plays(final='Grüß "你好" 🌍\n\\end')
    heard = ask(lab, how, model=upstream)
    assert said(heard) == {**SILENT, "finish": "STOP", "text": 'Grüß "你好" 🌍\n\\end'}
    assert all(chunk.response_id and chunk.model_version for chunk in heard)
    assert len(lab.sent()) == 1


@each_way
def test_usage_is_exact(lab, upstream, how):
    lab.plays(tokens={"input": 11, "cached": 5, "written": 3, "output": 7, "reasoning": 2})  # written: fresh, to it
    assert costs(ask(lab, how, model=upstream)) == {
        "prompt": 19, "cached": 5, "candidates": 7, "thoughts": 2, "total": 28
    }  # fmt: skip


def test_a_stream_says_its_words_in_pieces(lab, upstream):
    lab.plays(final="tick tock tack", piece=5)
    heard = ask(lab, "stream", model=upstream)
    assert [chunk.text for chunk in heard if chunk.text] == ["tick ", "tock ", "tack"]
    finishes = [chunk.candidates[0].finish_reason for chunk in heard]
    assert finishes == [None] * (len(heard) - 1) + [types.FinishReason.STOP]
    assert len({chunk.response_id for chunk in heard}) == 1


@each_plain_way
def test_a_cut_answer_ends_by_max_tokens(lab, upstream, how):
    lab.plays(final="as far as it w", stop="max_tokens")
    heard = ask(lab, how, model=upstream, max_output_tokens=100)
    assert said(heard) == {**SILENT, "finish": "MAX_TOKENS", "text": "as far as it w"}
    (sent,) = lab.sent()
    assert limit(upstream, sent) == 100


@each_plain_way
def test_stop_sequences_stop(lab, upstream, how):
    lab.plays(final="until", stop="stop_sequence", stop_sequence="END")
    heard = ask(lab, how, model=upstream, stop_sequences=["END", "STOP"])
    assert said(heard) == {**SILENT, "finish": "STOP", "text": "until"}
    (sent,) = lab.sent()
    assert stops(upstream, sent) == (None if upstream == "responses" else ["END", "STOP"])


@each_plain_way
def test_a_filter_is_told(lab, upstream, how):
    lab.plays(final="so far", stop="content_filter")
    assert said(ask(lab, how, model=upstream)) == {**SILENT, "finish": "SAFETY", "text": "so far"}


@pytest.mark.parametrize("how", ["generate", "async generate"])
@pytest.mark.parametrize("form", ["response_schema", "response_json_schema"])
def test_structured_output_is_parsed(lab, upstream, how, form):
    lab.plays(final='{"name": "Zoë", "age": 36}')
    wanted = Person if form == "response_schema" else Person.model_json_schema()
    (answer,) = ask(lab, how, model=upstream, response_mime_type="application/json", **{form: wanted})
    parsed = answer.parsed
    assert parsed == (Person(name="Zoë", age=36) if form == "response_schema" else {"name": "Zoë", "age": 36})
    (sent,) = lab.sent()
    if (upstream, form) == ("gemini", "response_schema"):
        assert set(sent["generationConfig"]["responseSchema"]["properties"]) == {"name", "age"}
    else:
        assert schema(upstream, sent)["required"] == ["name", "age"]


@each_plain_way
def test_citations_reach_the_client(lab, upstream, how):
    lab.plays(final="北京 is cold", cited=(Cited(start=0, end=2, url="https://w.example", title="W"),))
    heard = ask(lab, how, model=upstream)
    (grounding,) = [one for chunk in heard if (one := chunk.candidates[0].grounding_metadata) is not None]
    (support,) = grounding.grounding_supports
    (source,) = grounding.grounding_chunks
    assert (support.segment.text, support.segment.end_index) == ("北京", 6)
    assert (source.web.uri, source.web.title) == ("https://w.example", "W")


def test_all_roles_and_parts_reach_the_other_protocol(lab):
    pixel = b"\x89PNG\r\n\x1a\n"
    ask(
        lab,
        "generate",
        model="messages",
        system_instruction="Be brief.",
        contents=[
            types.Content(
                role="user",
                parts=[types.Part(text="What is this?"), types.Part.from_bytes(data=pixel, mime_type="image/png")],
            ),
            types.Content(role="model", parts=[types.Part(text="A dot.")]),
            user("Sure?"),
        ],
        temperature=0.5,
        seed=7,
    )
    (sent,) = lab.sent()
    assert sent["system"] in ("Be brief.", [{"type": "text", "text": "Be brief."}])
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    assert sent["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
        {"role": "assistant", "content": [{"type": "text", "text": "A dot."}]},
        {"role": "user", "content": [{"type": "text", "text": "Sure?"}]},
    ]


@pytest.mark.parametrize("how", ["at_once", "async"])
def test_tokens_are_counted(lab, upstream, how):
    lab.plays(tokens={"input": 11})
    if how == "async":
        counted = lab.loop.run(lab.genai.aio.models.count_tokens(model=upstream, contents="hi"))
    else:
        counted = lab.genai.models.count_tokens(model=upstream, contents="hi")
    asked = [request.path for request in lab.upstream.requests]
    if upstream == "chat":  # which has no such question: an estimate
        assert asked == []
        assert 1 <= counted.total_tokens <= 20
    else:
        assert len(asked) == 1
        assert counted.total_tokens == 11


def test_the_models_are_listed(lab):
    listed = [model.name for model in lab.genai.models.list()]
    one = lab.genai.models.get(model="chat")
    assert listed == [f"models/{name}" for name in MODELS]
    assert (one.name, one.supported_actions[:2]) == ("models/chat", ["generateContent", "streamGenerateContent"])


def test_the_answer_says_who_answered_and_what_was_lost(lab, upstream):
    lab.plays(tokens={"written": 0})
    (answer,) = ask(lab, "generate", model=upstream, top_k=3)
    headers = answer.sdk_http_response.headers
    assert headers["twoapi-upstream"] == UPSTREAMS[upstream]
    told = {"gemini": "relay", "chat": "2;dropped=2"}  # top_k, and the fingerprint of chat
    assert headers["twoapi-losses"] == told.get(upstream, "1;dropped=1")
