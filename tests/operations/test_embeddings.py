"""Embeddings: every client's SDK gets the vectors of its own texts, whatever shape the upstream speaks."""

import pytest
from google.genai import types
from tests.operations.lab import MODELS, Lab

from twoapi.testing.replies import json_reply
from twoapi.testing.services.truth import packed, tokens, vector

TEXTS = ["a fox", "zwölf Boxkämpfer \N{FOX FACE}", 'quoted "words" here']
TRUTH = [vector(text) for text in TEXTS]
ALL = list(MODELS)
COUNTING = [name for name in ALL if name != "gemini"]


def in_openais_shape(lab, upstream):
    return lab.openai.embeddings.create(model=MODELS[upstream], input=TEXTS, encoding_format="float")


@pytest.mark.parametrize("upstream", ALL)
def test_openais_sdk_gets_numbers(lab: Lab, upstream: str) -> None:
    answer = in_openais_shape(lab, upstream)
    assert [one.embedding for one in answer.data] == TRUTH
    assert [one.index for one in answer.data] == [0, 1, 2]
    assert {request.path for request in lab.upstream.requests} != set()


@pytest.mark.parametrize("upstream", ALL)
def test_openais_sdk_gets_base64_unless_told_otherwise(lab: Lab, upstream: str) -> None:
    answer = lab.lenient.embeddings.create(model=MODELS[upstream], input=TEXTS)
    assert [one.embedding for one in answer.data] == TRUTH  # the SDK has decoded it
    lab.clear()
    bare = lab.call("/v1/embeddings", {"model": MODELS[upstream], "input": TEXTS, "encoding_format": "base64"})
    assert [one["embedding"] for one in bare.json()["data"]] == list(map(packed, TRUTH))


@pytest.mark.parametrize("upstream", ALL)
def test_one_text_by_itself(lab: Lab, upstream: str) -> None:
    answer = lab.openai.embeddings.create(model=MODELS[upstream], input=TEXTS[1], encoding_format="float")
    assert [one.embedding for one in answer.data] == TRUTH[1:2]


@pytest.mark.parametrize("upstream", ALL)
def test_the_size_of_vectors(lab: Lab, upstream: str) -> None:
    answer = lab.openai.embeddings.create(model=MODELS[upstream], input=TEXTS, dimensions=3, encoding_format="float")
    assert [one.embedding for one in answer.data] == [vector(text, 3) for text in TEXTS]


@pytest.mark.parametrize("upstream", ALL)
def test_tokens_are_told_and_recorded_where_the_upstream_tells_them(lab: Lab, upstream: str) -> None:
    answer = lab.call("/v1/embeddings", {"model": MODELS[upstream], "input": TEXTS})
    record = lab.record()
    losses = [(loss["path"], loss["kind"]) for loss in answer.losses()]
    assert (record.operation, record.status, record.outcome) == ("embeddings", 200, "ok")
    if upstream in COUNTING:
        assert answer.json()["usage"] == {"prompt_tokens": tokens(*TEXTS), "total_tokens": tokens(*TEXTS)}
        assert record.usage is not None
        assert record.usage.input == tokens(*TEXTS)
        assert ("/usage", "synthesized") not in losses
    else:
        assert record.usage is None
        assert ("/usage", "synthesized") in losses


@pytest.mark.parametrize("upstream", ALL)
def test_googles_sdk(lab: Lab, upstream: str) -> None:
    config = types.EmbedContentConfig(output_dimensionality=4)
    answer = lab.genai.models.embed_content(model=MODELS[upstream], contents=TEXTS, config=config)
    assert answer.embeddings is not None
    assert [one.values for one in answer.embeddings] == [vector(text, 4) for text in TEXTS]


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_googles_sdk_is_relayed_under_its_version(lab: Lab, version: str) -> None:
    options = types.HttpOptions(api_version=version)
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", http_options=options)
    answer = lab.genai.models.embed_content(model=MODELS["gemini"], contents=TEXTS, config=config)
    assert [one.values for one in answer.embeddings or []] == TRUTH
    (request,) = lab.upstream.requests
    assert (request.path, request.json()["requests"][0]["model"]) == (
        f"/{version}/models/m-1:batchEmbedContents",
        "models/m-1",
    )


@pytest.mark.parametrize("upstream", ALL)
def test_one_content_in_googles_shape_has_one_vector(lab: Lab, upstream: str) -> None:
    body = {"content": {"parts": [{"text": TEXTS[0]}]}, "output_dimensionality": 5}
    answer = lab.call(f"/v1beta/models/{MODELS[upstream]}:embedContent", body)
    assert (answer.status, answer.json()["embedding"]["values"]) == (200, vector(TEXTS[0], 5))


@pytest.mark.parametrize("upstream", ALL)
def test_coheres_sdk(lab: Lab, upstream: str) -> None:
    answer = lab.cohere.embed(
        model=MODELS[upstream], input_type="search_query", texts=TEXTS, embedding_types=["float", "base64"]
    )
    assert answer.embeddings.float_ == TRUTH
    assert answer.embeddings.base64 == list(map(packed, TRUTH))
    assert answer.texts == TEXTS
    if upstream in COUNTING:
        assert answer.meta is not None
        assert answer.meta.billed_units is not None
        assert answer.meta.billed_units.input_tokens == tokens(*TEXTS)


PURPOSES = {
    "gemini": ("taskType", "RETRIEVAL_QUERY"),
    "cohere": ("input_type", "search_query"),
    "bedrock-cohere": ("input_type", "search_query"),
    "dashscope": ("text_type", "query"),
    "vertex": ("task_type", "RETRIEVAL_QUERY"),
}


@pytest.mark.parametrize("upstream", ALL)
def test_what_the_vectors_are_for_reaches_those_that_ask_or_is_told_as_lost(lab: Lab, upstream: str) -> None:
    model = MODELS[upstream]
    content = {"parts": [{"text": "a"}]}
    body = {"requests": [{"model": f"models/{model}", "content": content, "taskType": "RETRIEVAL_QUERY"}]}
    answer = lab.call(f"/v1/models/{model}:batchEmbedContents", body)
    assert answer.status == 200
    lost = [loss["path"] for loss in answer.losses()]
    if upstream in PURPOSES:
        name, word = PURPOSES[upstream]
        assert f'"{name}":"{word}"'.encode() in lab.upstream.requests[0].body.replace(b": ", b":")
        assert "/requests/0/taskType" not in lost
    else:
        assert lost == ["/requests/0/taskType"]


def test_a_model_that_takes_one_text_is_asked_for_each(lab: Lab) -> None:
    answer = lab.call("/v1/embeddings", {"model": MODELS["titan"], "input": TEXTS})
    assert [one["embedding"] for one in answer.json()["data"]] == TRUTH
    assert answer.headers["twoapi-attempts"] == "3"
    assert {request.path for request in lab.upstream.requests} == {"/model/amazon.titan-embed-text-v2%3A0/invoke"}


def test_the_same_shape_is_relayed_byte_for_byte(lab: Lab) -> None:
    lab.upstream.reply(json_reply({"data": [], "odd": {"a": 1}}))
    body = b'{ "model" : "openai/m-1", "input": ["a", [1, 2]], "later" : {"x": 1.50} }'
    answer = lab.call("/v1/embeddings", body)
    assert answer.headers["twoapi-losses"] == "relay"
    assert answer.json() == {"data": [], "odd": {"a": 1}}
    assert lab.upstream.requests[0].body == body.replace(b"openai/m-1", b"m-1")


def test_a_google_client_is_relayed_under_its_version_and_by_the_upstreams_name(lab: Lab) -> None:
    body = {"requests": [{"model": "models/gemini/m-1", "content": {"parts": [{"text": "a"}]}}]}
    answer = lab.call("/v1/models/gemini/m-1:batchEmbedContents", body)
    assert (answer.status, answer.headers["twoapi-losses"]) == (200, "relay")
    (request,) = lab.upstream.requests
    assert (request.path, request.json()["requests"][0]["model"]) == (
        "/v1/models/m-1:batchEmbedContents",
        "models/m-1",
    )


@pytest.mark.parametrize("upstream", [name for name in ALL if name != "openai"])
def test_token_ids_are_refused_before_anything_is_sent(lab: Lab, upstream: str) -> None:
    answer = lab.call("/v1/embeddings", {"model": MODELS[upstream], "input": [[1, 2], [3]]})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "/input/0")
    assert lab.upstream.requests == []


def test_pictures_go_where_they_are_taken(lab: Lab) -> None:
    url = "data:image/png;base64,AAAA"
    content = {"parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}
    path = "/v1beta/models/{}:embedContent"
    assert lab.call(path.format(MODELS["cohere"]), {"content": content}).status == 200
    assert lab.sent()["inputs"] == [
        {"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": url}}]}
    ]
    refused = lab.call(path.format(MODELS["openai"]), {"content": content})
    assert refused.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert "image" in refused.json()["error"]["message"]


def test_formats_that_cannot_be_made(lab: Lab) -> None:
    body = {"model": MODELS["ollama"], "input_type": "search_query", "texts": ["a"]}
    some = lab.call("/v2/embed", {**body, "embedding_types": ["float", "int8"]})
    assert list(some.json()["embeddings"]) == ["float"]
    assert ("/embedding_types/1", "unsupported") in [(loss["path"], loss["kind"]) for loss in some.losses()]
    none = lab.call("/v2/embed", {**body, "embedding_types": ["int8"]})
    assert none.status == 400
    assert "int8" in none.json()["message"]
