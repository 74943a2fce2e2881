"""The fakes of vendors' services are what the vendors' own SDKs take them for."""

import json
from collections.abc import Iterator

import pytest

from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.services.openai import SOUND
from twoapi.testing.services.others import everything
from twoapi.testing.services.truth import ranking, vector

KEY = "upstream-key"
TEXTS = ["a fox", "zwölf Boxkämpfer"]
TRUTH = [vector(text) for text in TEXTS]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with FakeUpstream(everything) as upstream:
        yield f"http://127.0.0.1:{upstream.port}"


def test_openai(url: str) -> None:
    import openai

    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        assert [one.embedding for one in client.embeddings.create(model="m", input=TEXTS).data] == TRUTH
        assert client.moderations.create(input="bad").results[0].flagged
        assert client.completions.create(model="m", prompt="a b").choices[0].text == " a b"
        assert client.audio.speech.create(model="m", voice="v", input="x").content == SOUND
        assert client.images.generate(prompt="x").data
        with pytest.raises(openai.BadRequestError, match="unknown member later"):
            client.embeddings.create(model="m", input=TEXTS, extra_body={"later": 1})
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.moderations.create(input="x")


def test_google(url: str) -> None:
    from google import genai

    client = genai.Client(api_key=KEY, http_options=genai.types.HttpOptions(base_url=url))
    found = client.models.embed_content(model="gemini-embedding-001", contents=TEXTS).embeddings
    assert [one.values for one in found or ()] == TRUTH
    with pytest.raises(genai.errors.ClientError, match="RETRIEVAL_DOCUMENT only"):
        client.models.embed_content(model="gemini-embedding-001", contents=TEXTS, config={"title": "x"})
    client.close()


def test_cohere(url: str) -> None:
    import cohere
    import httpx

    with httpx.Client() as http:
        client = cohere.ClientV2(api_key=KEY, base_url=url, httpx_client=http)
        answer = client.embed(model="m", input_type="search_query", texts=TEXTS, embedding_types=["float"])
        assert answer.embeddings.float_ == TRUTH
        ranked = client.rerank(model="m", query="a fox", documents=TEXTS).results
        assert [(one.index, one.relevance_score) for one in ranked] == ranking("a fox", TEXTS, None)
        with pytest.raises(cohere.BadRequestError):
            client.embed(model="m", input_type="nothing", texts=TEXTS)


def test_ollama(url: str) -> None:
    import ollama

    client = ollama.Client(host=url)
    assert client.embed(model="m", input=TEXTS).embeddings == TRUTH
    with pytest.raises(ollama.ResponseError, match="strings"):
        client.embed(model="m", input=[])
    client._client.close()


def test_dashscope(url: str) -> None:
    import dashscope

    base = f"{url}/api/v1"
    found = dashscope.TextEmbedding.call("text-embedding-v4", TEXTS, api_key=KEY, base_address=base, text_type="query")
    vectors = {one["text_index"]: one["embedding"] for one in found.output["embeddings"]}
    assert [vectors[number] for number in range(len(TEXTS))] == TRUTH
    ranked = dashscope.TextReRank.call(
        "gte-rerank-v2", "a fox", TEXTS, return_documents=True, api_key=KEY, base_address=base
    )
    assert [one["document"]["text"] for one in ranked.output["results"]] == TEXTS
    refused = dashscope.TextEmbedding.call("m", TEXTS, api_key=KEY, base_address=base, text_type="odd")
    assert (refused.status_code, refused.code) == (400, "InvalidParameter")


def test_bedrock(url: str) -> None:
    import boto3  # type: ignore[import-untyped]

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, **keys)
    body = json.dumps({"inputText": TEXTS[0]})
    answer = client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=body)
    assert json.loads(answer["body"].read())["embedding"] == TRUTH[0]
    with pytest.raises(client.exceptions.ValidationException):
        client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body="{}")
    client.close()
