"""Operations at the vendors of the catalogue: the right path, the right credential, by the platforms' own routes."""

from collections.abc import Iterator

import httpx
import pytest

from twoapi.config import parse
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import json_reply
from twoapi.testing.running_gateway import RunningGateway

CONFIG = """
listen: 127.0.0.1:0
upstreams:
  openai: {{provider: openai, base_url: "{url}/v1", credentials: [k-1]}}
  gemini: {{provider: gemini, base_url: "{url}", credentials: [k-1]}}
  cohere: {{provider: cohere, base_url: "{url}", credentials: [k-1]}}
  ollama: {{provider: ollama, base_url: "{url}"}}
  azure: {{provider: azure-openai, base_url: "{url}/openai/v1", options: {{resource: r}}, credentials: [k-1]}}
  deployments:
    provider: azure-openai-deployments
    base_url: "{url}"
    options: {{resource: r, api_version: 2024-10-21}}
    credentials: [k-1]
  vertex:
    provider: vertex
    base_url: "{url}"
    options: {{project: p, location: l}}
    auth: bearer
    credentials: [k-1]
  signed:
    provider: bedrock
    base_url: "{url}"
    options: {{region: us-east-1}}
    credentials: [{{parts: {{access_key_id: k-1, secret_access_key: s-1}}}}]
  bedrock: {{provider: bedrock, base_url: "{url}", options: {{region: r}}, auth: bearer, credentials: [k-1]}}
"""
EMBED, RERANK = "/v1/embeddings", "/v1/rerank"
VERTEX = "/v1beta1/projects/p/locations/l/publishers/google/models/"
# path of the client, model, where it goes, the header that has the credential
ROUTES = [
    (EMBED, "openai/text-embedding-3-small", "/v1/embeddings", "authorization"),
    (EMBED, "gemini/gemini-embedding-001", "/v1beta/models/gemini-embedding-001:batchEmbedContents", "x-goog-api-key"),
    (EMBED, "cohere/embed-v4.0", "/v2/embed", "authorization"),
    (RERANK, "cohere/rerank-v3.5", "/v2/rerank", "authorization"),
    (EMBED, "ollama/nomic", "/api/embed", None),
    (EMBED, "azure/embed", "/openai/v1/embeddings", "api-key"),
    (EMBED, "deployments/my-dep", "/openai/deployments/my-dep/embeddings?api-version=2024-10-21", "api-key"),
    (EMBED, "vertex/text-embedding-005", VERTEX + "text-embedding-005:predict", "authorization"),
    (EMBED, "vertex/gemini-embedding-2", VERTEX + "gemini-embedding-2:batchEmbedContents", "authorization"),
    (EMBED, "bedrock/amazon.titan-embed-text-v2:0", "/model/amazon.titan-embed-text-v2%3A0/invoke", "authorization"),
    (EMBED, "signed/amazon.titan-embed-text-v2:0", "/model/amazon.titan-embed-text-v2%3A0/invoke", "authorization"),
    (EMBED, "bedrock/cohere.embed-english-v3", "/model/cohere.embed-english-v3/invoke", "authorization"),
]
# What the operation answers, by what its path holds.
ANSWERS = {
    ":batch": {"embeddings": [{"values": [0.5]}]},
    ":predict": {"predictions": [{"embeddings": {"values": [0.5]}}]},
    "titan": {"embedding": [0.5]},
    "cohere.embed": {"embeddings": [[0.5]]},
    "/v2/embed": {"embeddings": {"float": [[0.5]]}},
    "/api/embed": {"embeddings": [[0.5]]},
    "/rerank": {"results": [{"index": 0, "relevance_score": 0.5}]},
    "/embeddings": {"data": [{"embedding": [0.5], "index": 0}]},
}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[RunningGateway, FakeUpstream]]:
    with FakeUpstream() as upstream:
        text = CONFIG.format(url=f"http://127.0.0.1:{upstream.port}")
        with RunningGateway(parse(text, "catalogue.yaml", {})) as gateway:
            yield gateway, upstream


@pytest.mark.parametrize(("path", "model", "place", "header"), ROUTES, ids=[route[1] for route in ROUTES])
def test_it_goes_where_the_vendor_has_it(
    running: tuple[RunningGateway, FakeUpstream], path: str, model: str, place: str, header: str | None
) -> None:
    gateway, upstream = running
    upstream.requests.clear()
    upstream.reply(json_reply(next(answer for part, answer in ANSWERS.items() if part in place)))
    body = {"model": model, "input": ["a"], "query": "a", "documents": ["a"]}
    told = httpx.post(gateway.url + path, json=body)
    assert told.status_code == 200, told.text
    (request,) = upstream.requests
    assert request.path + (f"?{request.query}" if request.query else "") == place
    if header is None:
        assert "authorization" not in request.headers
    else:
        said = request.headers[header]
        assert said in ("k-1", "Bearer k-1") or said.startswith("AWS4-HMAC-SHA256 Credential=k-1/")
