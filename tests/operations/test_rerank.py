"""Rerank: the best documents of the client's own, whatever shape the upstream speaks."""

from typing import Any

import pytest
from tests.operations.lab import MODELS, Lab

from twoapi.testing.replies import json_reply
from twoapi.testing.services.truth import ranking, tokens

QUERY = "the quick fox"
DOCUMENTS = ["a slow dog", "quick quick fox", "the fox", "nothing"]
UPSTREAMS = ("openai", "cohere", "dashscope")
PATHS = {"openai": "/v1/rerank", "cohere": "/v2/rerank", "dashscope": "/api/v1/services/rerank/text-rerank/text-rerank"}


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("most", [None, 2])
def test_coheres_sdk(lab: Lab, upstream: str, most: int | None) -> None:
    more: Any = {} if most is None else {"top_n": most}
    answer = lab.cohere.rerank(model=MODELS[upstream], query=QUERY, documents=DOCUMENTS, **more)
    assert [(one.index, one.relevance_score) for one in answer.results] == ranking(QUERY, DOCUMENTS, most)
    (request,) = lab.upstream.requests
    assert request.path == PATHS[upstream]


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("documents", [DOCUMENTS, [{"text": one} for one in DOCUMENTS]], ids=["texts", "objects"])
def test_jinas_shape_has_the_documents_unless_it_wants_none(lab: Lab, upstream: str, documents: list) -> None:
    body = {"model": MODELS[upstream], "query": QUERY, "documents": documents, "top_n": 3}
    told = lab.call("/v1/rerank", body)
    assert told.status == 200
    assert [(one["index"], one["relevance_score"], one["document"]["text"]) for one in told.json()["results"]] == [
        (number, score, DOCUMENTS[number]) for number, score in ranking(QUERY, DOCUMENTS, 3)
    ]
    assert told.losses() == []
    bare = lab.call("/v1/rerank", {**body, "return_documents": False})
    assert [sorted(one) for one in bare.json()["results"]] == [["index", "relevance_score"]] * 3


def test_coheres_older_sdk(lab: Lab) -> None:
    answer = lab.cohere_v1.rerank(
        model=MODELS["cohere"], query=QUERY, documents=DOCUMENTS, top_n=1, return_documents=True
    )
    (best,) = answer.results
    assert best.document is not None
    assert (best.index, best.document.text) == (1, "quick quick fox")


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_what_is_paid_is_recorded(lab: Lab, upstream: str) -> None:
    lab.call("/v2/rerank", {"model": MODELS[upstream], "query": QUERY, "documents": DOCUMENTS})
    record = lab.record()
    assert (record.operation, record.status) == ("rerank", 200)
    assert record.usage is not None
    if upstream == "cohere":
        assert record.usage.server_tools == {"search_units": 1}
    else:
        assert record.usage.input == tokens(QUERY, *DOCUMENTS)


def test_what_no_other_shape_has_is_told_as_lost(lab: Lab) -> None:
    body = {
        "model": MODELS["dashscope"],
        "query": QUERY,
        "documents": DOCUMENTS,
        "max_tokens_per_doc": 9,
        "priority": 1,
    }
    answer = lab.call("/v2/rerank", body)
    assert {loss["path"] for loss in answer.losses()} == {"/max_tokens_per_doc", "/priority"}
    kept = lab.call("/v2/rerank", body, {"twoapi-on-loss": "reject"})
    assert kept.status == 400
    assert "on_loss" in kept.json()["message"]
    assert kept.headers["twoapi-losses"] == "2;dropped=2"


def test_a_document_without_a_text_goes_only_where_it_is_taken(lab: Lab) -> None:
    body = {"model": MODELS["cohere"], "query": QUERY, "documents": [{"image": "data:image/png;base64,AA"}]}
    refused = lab.call("/v1/rerank", body)
    assert (refused.status, refused.json()["error"]["param"]) == (400, "/documents/0")
    lab.upstream.reply(json_reply({"results": [{"index": 0, "relevance_score": 1}]}))
    assert lab.call("/v1/rerank", {**body, "model": MODELS["openai"]}).headers["twoapi-losses"] == "relay"


@pytest.mark.parametrize(
    "results",
    [
        [{"index": 9, "relevance_score": 1}],
        [{"index": True, "relevance_score": 1}],
        [{"index": 0, "relevance_score": "much"}],
        [{"relevance_score": 1}],
        [7],
        {},
    ],
)
def test_results_that_do_not_fit_are_the_upstreams_fault(lab: Lab, results: object) -> None:
    lab.upstream.reply(json_reply({"results": results}))
    answer = lab.call("/v1/rerank", {"model": "cohere-once", "query": QUERY, "documents": DOCUMENTS})
    assert (answer.status, answer.json()["error"]["type"]) == (502, "server_error")
