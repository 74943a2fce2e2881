"""What the vendors' own SDKs sent, and what is sent here for the same wish: the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.protocols.operations.shapes import face_of, incoming, reach_of

from twoapi.ir import Loss
from twoapi.protocols.operations.table import USUAL

CAPTURES = Path(__file__).parents[2] / "captures"
GOOGLES = "/v1/models/gemini-embedding-001:batchEmbedContents"
# capture -> the request's path, the client's shape and body, and the upstream's protocol, operation and shape
WISHES: dict[str, list[tuple[str, tuple[str, str, Any], tuple[str, str, str]]]] = {
    "cohere-7.3.1/rerank_embed": [
        (
            "/v2/rerank",
            ("/v1/rerank", "jina", {"model": "rerank-v3.5", "query": "q", "documents": ["a", "b"], "top_n": 1}),
            ("cohere", "rerank", "cohere"),
        ),
        (
            "/v2/embed",
            ("/v1/embeddings", "openai", {"model": "embed-v4.0", "input": ["a"], "input_type": "query"}),
            ("cohere", "embeddings", "cohere"),
        ),
    ],
    "dashscope-2.0.2/embedding_rerank": [
        (
            "/services/embeddings/text-embedding/text-embedding",
            ("/v1/embeddings", "openai", {"model": "text-embedding-v4", "input": ["a"], "dimensions": 256}),
            ("dashscope", "embeddings", "dashscope"),
        ),
        (
            "/services/rerank/text-rerank/text-rerank",
            ("/v1/rerank", "jina", {"model": "gte-rerank-v2", "query": "q", "documents": ["a"], "top_n": 1}),
            ("dashscope", "rerank", "dashscope"),
        ),
    ],
    "google-genai-3.4.0/count_and_embed": [
        (
            GOOGLES,
            (GOOGLES, "gemini", None),  # its own request
            ("gemini", "embeddings", "gemini"),
        ),
    ],
    "google-genai-3.4.0/vertex_embed": [
        (
            "/models/text-embedding-005:predict",
            ("/v1/embeddings", "openai", {"model": "text-embedding-005", "input": ["a"]}),
            ("", "embeddings", "vertex-predict"),
        ),
    ],
    "ollama-0.6.3/embed": [
        (
            "/api/embed",
            (
                "/v2/embed",
                "cohere",
                {"model": "nomic", "texts": ["a"], "input_type": "search_query", "truncate": "END"},
            ),
            ("ollama", "embeddings", "ollama"),
        ),
    ],
}
CASES = [(capture, *wish) for capture, wishes in WISHES.items() for wish in wishes]


def captured(name: str, path: str) -> Any:
    """The body that the SDK sent to a path."""
    sent = json.loads((CAPTURES / f"{name}.json").read_text())["requests"]
    return next(one["json"] for one in sent if one["path"].endswith(path))


@pytest.mark.parametrize(("capture", "path", "wish", "target"), CASES, ids=lambda one: str(one)[:40])
def test_the_same_wish_is_the_same_request(capture: str, path: str, wish: Any, target: tuple[str, str, str]) -> None:
    expected = captured(capture, path)
    asked_at, shape, body = wish
    protocol, operation, upstream = target
    body = expected if body is None else body
    found = face_of((operation, shape)).decode(incoming(asked_at, body))
    offers = {offer.shape: offer.path for offer in USUAL.get(protocol, {}).get(operation, ())}
    losses: list[Loss] = []
    template = offers.get(upstream, "/models/{model}:predict")
    model = body.get("model") or asked_at.rpartition("/")[2].partition(":")[0]
    outgoing = reach_of((operation, upstream)).encode(found, model, template, losses)
    sent = json.loads(outgoing.body)
    # Documents are here already; nobody has to send them back.
    for one in (sent, expected):
        one.get("parameters", {}).pop("return_documents", None)
    assert sent == expected
    assert outgoing.path.replace("/v1beta/", "/v1/") == path
