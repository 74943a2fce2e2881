"""What the SDKs ask beside answers: how many tokens, which models, what was kept; every answer fits their types."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from tests.server.front import KEY, PROTOCOLS, Front, running_front

from twoapi.testing.canned import stream, whole
from twoapi.testing.replies import error_reply, json_reply

COUNTS = {
    "anthropic-messages": {"input_tokens": 42},
    "openai-responses": {"object": "response.input_tokens", "input_tokens": 42},
    "gemini": {"totalTokens": 42},
}
ALIASES = {*PROTOCOLS, "every", "two", "silent", "demo"}


class Around(NamedTuple):
    front: Front
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic
    genai: genai.Client
    old_genai: genai.Client  # as Gemini CLI and older versions ask


@pytest.fixture(scope="module")
def clients() -> Iterator[Around]:
    with running_front() as front:
        url = front.gateway.url
        strictly: dict[str, Any] = {"max_retries": 0, "timeout": 20, "_strict_response_validation": True}
        yield Around(
            front,
            openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, **strictly),
            anthropic.Anthropic(base_url=url, api_key=KEY, **strictly),
            genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=url)),
            genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=f"{url}/gemini", api_version="v1beta")),
        )


@pytest.fixture
def around(clients: Around) -> Around:
    clients.front.clear()
    return clients


@pytest.mark.parametrize("upstream", [*PROTOCOLS, "demo"])
def test_tokens_are_counted(around, upstream):
    def reply():
        if upstream in COUNTS:
            around.front.upstream.reply(json_reply(COUNTS[upstream]))

    messages: Any = [{"role": "user", "content": "How many?"}]
    tool: Any = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}
    reply()
    one = around.anthropic.messages.count_tokens(model=upstream, messages=messages, system="Be brief.", tools=[tool])
    reply()
    two = around.openai.responses.input_tokens.count(model=upstream, input="How many?", instructions="Be brief.")
    reply()
    three = around.genai.models.count_tokens(model=upstream, contents="How many?")
    reply()
    four = around.old_genai.models.count_tokens(model=upstream, contents="How many?")
    assert three.total_tokens == four.total_tokens
    counts = [one.input_tokens, two.input_tokens, three.total_tokens]
    assert counts == [42] * 3 if upstream in COUNTS else all(0 < (count or 0) < 42 for count in counts)


def test_models_are_listed(around):
    assert {model.id for model in around.openai.models.list()} == ALIASES
    assert {model.id for model in around.anthropic.models.list()} == ALIASES
    for client in (around.genai, around.old_genai):
        listed = list(client.models.list())
        assert {model.name for model in listed} == {f"models/{alias}" for alias in ALIASES}
        assert all("countTokens" in (model.supported_actions or []) for model in listed)


@pytest.mark.parametrize("name", ["demo", "messages/claude-x"])
def test_one_model_is_told_of(around, name):
    found = around.openai.models.retrieve(name)
    assert (found.id, (found.model_extra or {})["twoapi"]["features"]["tools"]) == (name, "native")
    assert around.anthropic.models.retrieve(name).id == name
    assert around.genai.models.get(model=name).name == f"models/{name}"


def test_an_unknown_model_is_the_sdks_not_found(around):
    with pytest.raises(openai.NotFoundError):
        around.openai.models.retrieve("none")
    with pytest.raises(anthropic.NotFoundError):
        around.anthropic.models.retrieve("none")
    with pytest.raises(genai.errors.ClientError) as refused:
        around.genai.models.get(model="none")
    assert refused.value.code == 404


def test_kept_answers_are_fetched_listed_and_deleted(around):
    around.front.upstream.reply(whole("anthropic-messages", "one"), whole("gemini", "two"))
    first = around.openai.responses.create(model="anthropic-messages", input="hi")
    second = around.openai.responses.create(model="gemini", input="go on", previous_response_id=first.id)
    assert around.openai.responses.retrieve(second.id) == second
    items = [json.loads(item.to_json()) for item in around.openai.responses.input_items.list(second.id, order="asc")]
    assert [item["role"] for item in items] == ["user", "assistant", "user"]
    around.openai.responses.delete(second.id)
    around.front.upstream.reply(*[error_reply("openai-responses", 404, "nothing")] * 2)  # who may keep it himself
    with pytest.raises(openai.NotFoundError):
        around.openai.responses.retrieve(second.id)
    with pytest.raises(openai.BadRequestError):
        around.openai.responses.cancel(first.id)


@pytest.mark.filterwarnings("ignore:connect.. must be used:DeprecationWarning")  # the SDK's own use of its library
@pytest.mark.parametrize("upstream", PROTOCOLS)
def test_responses_over_a_websocket(around, upstream):
    around.front.upstream.reply(stream(upstream, "hel", "lo"))
    heard = []
    with around.openai.responses.connect() as socket:
        socket.response.create(model=upstream, input="hi")
        for event in socket:
            heard.append(event.type)
            if event.type == "response.completed":
                assert event.response.output_text == "hello"
                break
    assert heard[:2] == ["response.created", "response.in_progress"]
