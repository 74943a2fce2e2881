"""Legacy completions: relayed where they are offered, else answered by whatever chats, and so reported."""

import json
from typing import Any

import pytest
from tests.operations.lab import Lab

from twoapi.testing.replies import error_reply, json_reply, openai_error
from twoapi.testing.scripted_model import Scenario, ScriptedModel
from twoapi.testing.scripted_turn import Tokens
from twoapi.testing.services.others import everything

CHATS = {
    "chat": "chat/m-1",
    "responses": "responses/gpt-5.1",
    "messages": "claude/claude-opus-5-5",
    "gemini": "gemini/gemini-2.5-pro",
}
SAID = "Grüß 你好 🌍"


@pytest.fixture(params=CHATS)
def chatting(lab: Lab, request: pytest.FixtureRequest) -> tuple[Lab, str]:
    """A model that only chats."""
    tokens = Tokens(input=7, cached=0, written=0, output=3)
    lab.upstream.handler = ScriptedModel(Scenario(final=SAID, tokens=tokens))
    return lab, CHATS[request.param]


def test_relayed(lab: Lab) -> None:
    answer = lab.openai.completions.create(model="openai/m-1", prompt="one two", max_tokens=5)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (" one two", "stop")
    assert lab.sent() == {"model": "m-1", "prompt": "one two", "max_tokens": 5}
    usage = lab.record().usage
    assert usage is not None
    assert (usage.input, usage.output) == (2, 2)


@pytest.mark.parametrize("more", [{"stream_options": {"include_usage": True}}, {}], ids=["asked", "silent"])
def test_relayed_as_a_stream_whose_usage_is_known_all_the_same(lab: Lab, more: Any) -> None:
    chunks = list(lab.lenient.completions.create(model="openai/m-1", prompt="one two", stream=True, **more))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == " one two"
    assert bool(chunks[-1].usage) == bool(more)
    record = lab.record()
    assert record.usage is not None
    assert (record.usage.output, record.losses, record.operation) == (2, None, "completions")


def test_by_a_model_that_chats(chatting: tuple[Lab, str]) -> None:
    lab, model = chatting
    answer = lab.openai.completions.create(model=model, prompt="one two", max_tokens=500)
    assert (answer.object, answer.choices[0].text, answer.choices[0].finish_reason) == ("text_completion", SAID, "stop")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 3)
    record = lab.record()
    lost = {(loss.path, loss.kind) for loss in record.losses or ()}
    assert lost - {("/service_tier", "dropped")} == {("/prompt", "emulated")}
    assert "one two" in json.dumps(lab.sent())


def test_by_a_model_that_chats_as_a_stream(chatting: tuple[Lab, str]) -> None:
    lab, model = chatting
    stream = lab.lenient.completions.create(
        model=model, prompt="one two", stream=True, max_tokens=500, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    told = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert ("".join(choice.text for choice in told), told[-1].finish_reason) == (SAID, "stop")
    assert len(told) > 2
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3
    assert lab.record().outcome == "ok"


def test_the_prompt_comes_back_where_it_is_wanted(chatting: tuple[Lab, str]) -> None:
    lab, model = chatting
    whole = lab.openai.completions.create(model=model, prompt="ask: ", echo=True, max_tokens=500)
    assert whole.choices[0].text == "ask: " + SAID
    stream = lab.lenient.completions.create(model=model, prompt="ask: ", echo=True, stream=True, max_tokens=500)
    assert "".join(chunk.choices[0].text for chunk in stream) == "ask: " + SAID


def test_what_a_chat_has_no_place_for_is_told_as_lost(chatting: tuple[Lab, str]) -> None:
    lab, model = chatting
    body = {"model": model, "prompt": ["x"], "suffix": "y", "best_of": 3, "max_tokens": 500}
    lost = {loss["path"] for loss in lab.call("/v1/completions", body).losses()}
    assert lost - {"/service_tier"} == {"/suffix", "/best_of", "/prompt"}
    refused = lab.call("/v1/completions", {**body, "stream": True}, {"twoapi-on-loss": "reject"})
    assert (refused.status, refused.json()["error"]["code"]) == (400, "conversion_loss")


@pytest.mark.parametrize(("prompt", "at"), [([1, 2], "/prompt"), (["a", "b"], "/prompt"), ([[1]], "/prompt/0")])
def test_prompts_that_only_a_completion_takes(chatting: tuple[Lab, str], prompt: object, at: str) -> None:
    lab, model = chatting
    answer = lab.call("/v1/completions", {"model": model, "prompt": prompt})
    assert (answer.status, answer.json()["error"]["param"]) == (400, at)
    assert lab.upstream.requests == []


def test_log_probabilities_in_their_old_form(lab: Lab) -> None:
    top = [{"token": "Hi", "logprob": -0.1, "bytes": None}, {"token": "Ho", "logprob": -2.5, "bytes": None}]
    tokens = [
        {"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": top},
        {"token": " you", "logprob": -0.2, "bytes": None, "top_logprobs": []},
    ]
    choice = {
        "index": 0,
        "finish_reason": "length",
        "message": {"role": "assistant", "content": "Hi you"},
        "logprobs": {"content": tokens},
    }
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m-1"}
    lab.upstream.reply(json_reply({**head, "choices": [choice]}))
    answer = lab.openai.completions.create(model="chat/m-1", prompt="x", logprobs=2)
    told = answer.choices[0]
    assert (told.text, told.finish_reason) == ("Hi you", "length")
    assert told.logprobs is not None
    assert (told.logprobs.tokens, told.logprobs.text_offset) == (["Hi", " you"], [0, 2])
    assert told.logprobs.token_logprobs == [-0.1, -0.2]
    assert told.logprobs.top_logprobs == [{"Hi": -0.1, "Ho": -2.5}, {}]
    assert {"logprobs": True, "top_logprobs": 2}.items() <= lab.sent().items()


def test_a_model_without_the_path_is_asked_as_a_chat(lab: Lab) -> None:
    model = ScriptedModel(Scenario(final=SAID))
    missing = json_reply(openai_error(404, "this is a chat model"), 404)
    lab.upstream.handler = lambda request: missing if request.path == "/v1/completions" else model(request)
    answer = lab.openai.completions.with_raw_response.create(model="openai/m-1", prompt="x")
    assert answer.parse().choices[0].text == SAID
    assert answer.headers["twoapi-attempts"] == "2"
    stream = lab.lenient.completions.create(model="openai/m-1", prompt="x", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == SAID


def test_a_model_that_is_nowhere_is_the_upstreams_word(lab: Lab) -> None:
    lab.upstream.reply(error_reply("openai-chat", 404, "no such model"), error_reply("openai-chat", 404, "none here"))
    answer = lab.call("/v1/completions", {"model": "openai/m-1", "prompt": "x"})
    assert (answer.status, answer.json()["error"]["message"]) == (404, "none here")


def test_the_built_in_model(lab: Lab) -> None:
    answer = lab.openai.completions.create(model="demo/demo", prompt="hello")
    assert "hello" in answer.choices[0].text
    lab.upstream.handler = everything
    chunks = list(lab.lenient.completions.create(model="demo/demo", prompt="hello", stream=True))
    assert "hello" in "".join(chunk.choices[0].text for chunk in chunks)


def test_a_whole_answer_to_a_client_that_reads_a_stream(lab: Lab) -> None:
    whole = {"id": "c", "object": "text_completion", "created": 1, "model": "m-1"}
    choice = {"text": "all\nat once", "index": 0, "logprobs": None, "finish_reason": "stop"}
    lab.upstream.reply(json_reply({**whole, "choices": [choice]}))
    chunks = list(lab.lenient.completions.create(model="openai/m-1", prompt="x", stream=True))
    assert [chunk.choices[0].text for chunk in chunks] == ["all\nat once"]
