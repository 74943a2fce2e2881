"""SDKs of other vendors with the gateway as their server: every one that takes a base URL works, or docs/sdks.md says
why not.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mistralai.client
import openai
import pytest
from tests.sdk.lab import CLIENT_KEY, UPSTREAMS, Lab
from tests.sdk.other_clients import SDKS, Speaker, folded, speaking

from twoapi.config import parse
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import json_reply
from twoapi.testing.running_gateway import RunningGateway

DOCS = Path(__file__).parents[2] / "docs"
ASKED = [{"role": "user", "content": "weather?"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["c", "f"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "Zürich 北京 🌍", "unit": "c"}
SAID = "Grüß 你好 🌍"
NOT_SERVED = ("cohere", "ollama", "dashscope", "boto3")


@pytest.fixture(params=SDKS)
def speaker(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Speaker]:
    with speaking(request.param, lab.gateway.url) as speaker:
        yield speaker


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "d", "parameters": PARAMETERS}}


def ask(speaker: Speaker, *, stream: bool, **fields: Any) -> Any:
    """The one choice, and the usage."""
    answer = folded(speaker.stream(**fields)) if stream else speaker.chat(**fields)
    (choice,) = answer["choices"]
    return choice, answer["usage"]


both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both
def test_a_question_is_answered(lab: Lab, upstream: str, speaker: Speaker, *, stream: bool) -> None:
    lab.plays(final=SAID, tokens={"input": 20, "output": 9})
    choice, usage = ask(speaker, stream=stream, model=upstream, messages=ASKED, temperature=0.5, max_tokens=99)
    assert (choice["message"]["content"], choice["finish_reason"]) == (SAID, "stop")
    assert stream or usage["completion_tokens"] == 9  # a stream tells it to those who ask
    assert len(lab.sent()) == 1


# Mistral's SDK wants calls whole, also in a stream, and gives them back with an index that OpenAI does not document.
CALLING = [
    (name, stream, upstream)
    for name in SDKS
    for stream in (False, True)
    for upstream in UPSTREAMS
    if name != "mistralai" or not (stream or upstream == "chat")
]


@pytest.mark.parametrize(("name", "stream", "upstream"), CALLING)
def test_tools_are_called_and_answered(lab: Lab, name: str, stream: bool, upstream: str) -> None:  # noqa: FBT001
    with speaking(name, lab.gateway.url) as speaker:
        call_and_answer(lab, speaker, upstream, stream=stream)


def call_and_answer(lab: Lab, speaker: Speaker, upstream: str, *, stream: bool) -> None:
    lab.plays(calls=2, final="It is {results}.")
    tools = [tool("here"), tool("there")]
    choice, _ = ask(speaker, stream=stream, model=upstream, messages=ASKED, tools=tools, tool_choice="auto")
    assert choice["finish_reason"] == "tool_calls"
    calls = choice["message"]["tool_calls"]
    heard = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]
    assert heard == [("here", ARGUMENTS), ("there", ARGUMENTS)]
    turns = [
        *ASKED,
        {
            "role": "assistant",
            "content": choice["message"]["content"] or "",
            "tool_calls": [{"id": call["id"], "type": "function", "function": call["function"]} for call in calls],
        },
        *({"role": "tool", "tool_call_id": call["id"], "content": f"{n} °C"} for n, call in enumerate(calls)),
    ]
    choice, _ = ask(speaker, stream=stream, model=upstream, messages=turns, tools=tools)
    assert (choice["message"]["content"], choice["finish_reason"]) == ("It is 0 °C, 1 °C.", "stop")
    assert len(lab.sent()) == 2


def test_mistrals_sdk_reads_no_calls_that_come_in_pieces(lab: Lab) -> None:
    wrong = mistralai.client.errors.ResponseValidationError
    with speaking("mistralai", lab.gateway.url) as speaker, pytest.raises(wrong):
        call_and_answer(lab, speaker, "messages", stream=True)


@pytest.mark.parametrize("name", SDKS)
def test_errors_are_the_sdks_own(lab: Lab, name: str) -> None:
    with speaking(name, lab.gateway.url) as speaker, pytest.raises(speaker.refusals[1], match="nobody"):
        speaker.chat(model="nobody", messages=ASKED)
    with speaking(name, lab.gateway.url, "wrong-key") as speaker, pytest.raises(speaker.refusals[0], match="the key"):
        speaker.chat(model="chat", messages=ASKED)


@pytest.mark.parametrize("name", ["groq", "openai", "azure-openai"])
def test_the_models_are_listed(lab: Lab, name: str) -> None:
    with speaking(name, lab.gateway.url) as speaker:
        assert {"chat", "messages", "gemini"} <= set(speaker.models())


def test_azures_clients_reach_responses_too(lab: Lab) -> None:
    lab.plays(final=SAID)
    with speaking("azure-openai", lab.gateway.url) as speaker:
        assert speaker.client.responses.create(model="responses", input="hi").output_text == SAID


def test_azures_deployment_is_the_model_whatever_the_call_says(lab: Lab) -> None:
    lab.plays(final=SAID)
    url, version = lab.gateway.url, "2024-10-21"
    for deployment, model in (("messages", "gpt-4o"), ("claude/claude-opus-5-5", "claude/claude-opus-5-5")):
        made = {"azure_deployment": deployment} if deployment != model else {}
        with openai.AzureOpenAI(azure_endpoint=url, api_key=CLIENT_KEY, api_version=version, **made) as client:
            answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
        assert answer.choices[0].message.content == SAID
    assert {body["model"] for body in lab.sent()} == {"claude-opus-5-5"}


# --- Clients of dialects that only upstreams speak ---


def ask_cohere(url: str) -> int | None:
    import cohere

    with cohere.ClientV2(base_url=url, api_key=CLIENT_KEY) as client, pytest.raises(cohere.NotFoundError) as caught:
        client.chat(model="chat", messages=[cohere.UserChatMessageV2(content="hi")])
    return caught.value.status_code


def ask_ollama(url: str) -> int | None:
    import ollama

    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    with ollama.Client(host=url, headers=headers) as client, pytest.raises(ollama.ResponseError) as caught:
        client.chat("chat", ASKED)
    return caught.value.status_code


def ask_dashscope(url: str) -> int | None:
    import dashscope

    answer: Any = dashscope.Generation.call(model="chat", prompt="hi", api_key=CLIENT_KEY, base_address=f"{url}/api/v1")
    status: int = answer.status_code
    return status


def ask_boto3(url: str) -> int | None:
    import boto3  # type: ignore[import-untyped]
    import botocore.exceptions  # type: ignore[import-untyped]

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("bedrock-runtime", endpoint_url=url, **keys)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.converse(modelId="chat", messages=[{"role": "user", "content": [{"text": "hi"}]}])
    client.close()
    status: int = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return status


@pytest.mark.parametrize("ask", [ask_cohere, ask_ollama, ask_dashscope, ask_boto3])
def test_a_dialect_that_is_not_served_is_not_found(lab: Lab, ask: Any) -> None:
    assert ask(lab.gateway.url) == 404


def test_the_documents_name_every_sdk() -> None:
    rows = [line for line in (DOCS / "sdks.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {row.split("`")[1] for row in rows}
    assert named == {*SDKS, *NOT_SERVED}


COHERE = """
upstreams:
  vendor: {{provider: cohere, protocols: {{cohere: 'http://127.0.0.1:{port}'}}, credentials: [co-key]}}
models:
  conf: {{candidates: [vendor/embed-v4.0], retries: 0}}
"""


def test_coheres_client_embeds_and_ranks() -> None:
    import cohere

    with FakeUpstream() as upstream, RunningGateway(parse(COHERE.format(port=upstream.port), "c.yaml", {})) as gateway:
        upstream.reply(
            json_reply({"id": "e", "embeddings": {"float": [[0.5, 0.25]]}, "texts": ["a"], "meta": {}}),
            json_reply({"id": "r", "results": [{"index": 0, "relevance_score": 0.5}], "meta": {}}),
        )
        with cohere.ClientV2(base_url=gateway.url, api_key=CLIENT_KEY) as client:
            vectors: Any = client.embed(
                model="conf", texts=["a"], input_type="search_query", embedding_types=["float"]
            ).embeddings
            ranked = client.rerank(model="conf", query="q", documents=["a"]).results
        assert vectors.float_ == [[0.5, 0.25]]
        assert [(one.index, one.relevance_score) for one in ranked] == [(0, 0.5)]
        assert [request.path for request in upstream.requests] == ["/v2/embed", "/v2/rerank"]
