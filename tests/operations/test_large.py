"""Answers with many vectors, which are looked at in another thread."""

import json

from tests.operations.lab import MODELS, Lab

from twoapi.testing.replies import error_reply, hidden_error_reply, json_reply
from twoapi.testing.services.truth import packed

COUNT, SIZE = 200, 1536


def test_a_large_answer_is_converted_whole(lab: Lab) -> None:
    vectors = [[(number + place) % 128 / 128 for place in range(SIZE)] for number in range(COUNT)]
    lab.upstream.reply(json_reply({"embeddings": [{"values": one} for one in vectors]}))
    body = {"model": MODELS["gemini"], "input": ["x"] * COUNT, "encoding_format": "base64"}
    answer = lab.call("/v1/embeddings", body)
    assert [one["embedding"] for one in answer.json()["data"]] == list(map(packed, vectors))
    assert lab.record().outcome == "ok"


def test_a_large_answer_ends_a_row_of_failures_as_any_other(lab: Lab) -> None:
    failed = error_reply("openai-chat", 500)
    large = json_reply({"object": "list", "data": [{"index": 0, "embedding": [0.5] * (1 << 18)}], "model": "m-1"})
    for first in (failed, failed, large, failed, large):
        lab.upstream.reply(first)
        answer = lab.call("/v1/embeddings", {"model": "either", "input": ["a"]})
        assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "1" if first is large else "2")


def test_a_large_answer_that_is_an_error_all_the_same(lab: Lab) -> None:
    padded = json.loads(hidden_error_reply("openai-chat", "made up").body) | {"padding": "x" * (1 << 20)}
    lab.upstream.reply(json_reply(padded))
    answer = lab.call("/v1/embeddings", {"model": "once", "input": ["x"]})
    assert (answer.status, answer.json()["error"]["message"]) == (502, "made up")
