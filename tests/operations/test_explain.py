"""What would become of a request for an operation, with nothing sent."""

from typing import Any

import pytest
from tests.operations.lab import MODELS, UPSTREAM_KEY, Lab


def explained(lab: Lab, path: str, body: Any, **headers: str) -> Any:
    answer = lab.call(f"/api/explain{path}", body, headers)
    assert lab.upstream.requests == []
    assert UPSTREAM_KEY.encode() not in answer.body
    return answer.json()


def test_the_request_is_the_one_that_is_sent(lab: Lab) -> None:
    for upstream in MODELS:
        body = {"model": MODELS[upstream], "input": ["a"], "user": "u"}
        (choice,) = explained(lab, "/v1/embeddings", body)["candidates"]
        told = lab.call("/v1/embeddings", body)
        (request,) = lab.upstream.requests
        assert choice["request"]["url"].endswith(request.path)
        assert choice["request"]["body"] == request.json()
        assert choice["way"] == ("relay" if upstream == "openai" else "convert")
        lost = [loss for loss in told.losses() if loss["path"] != "/usage"]
        assert choice["losses"] == (None if upstream == "openai" else lost)
        lab.clear()


def test_all_candidates_in_their_order(lab: Lab) -> None:
    told = explained(lab, "/v1/embeddings", {"model": "either", "input": [[1, 2]]})
    first, second = told["candidates"]
    assert (first["upstream"], first["way"]) == ("openai", "relay")
    assert second["refused"]["param"] == "/input/0"


def test_what_must_not_be_lost(lab: Lab) -> None:
    (choice,) = explained(lab, "/v1/embeddings", {"model": "kept", "input": "a", "user": "u"})["candidates"]
    assert choice["rejected"]


def test_completions_by_what_chats(lab: Lab) -> None:
    (choice,) = explained(lab, "/v1/completions", {"model": "claude/claude-opus-5-5", "prompt": "a"})["candidates"]
    assert choice["way"] == "convert"
    assert choice["request"]["url"].endswith("/v1/messages")
    assert "/prompt" in [loss["path"] for loss in choice["losses"]]
    (relayed,) = explained(lab, "/v1/completions", {"model": "openai/m-1", "prompt": "a"})["candidates"]
    assert (relayed["way"], relayed["request"]["body"]) == ("relay", {"model": "m-1", "prompt": "a"})


@pytest.mark.parametrize("model", ["demo/demo", "nothing/m-1"])
def test_what_is_not_offered(lab: Lab, model: str) -> None:
    (choice,) = explained(lab, "/v1/embeddings", {"model": model, "input": "a"})["candidates"]
    assert choice["refused"]["status"] == 400


def test_a_path_of_nothing_that_is_sent(lab: Lab) -> None:
    assert lab.call("/api/explain/v1/models", {}).status == 404
