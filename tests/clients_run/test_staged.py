"""The model behind a vendor's fake: what it takes, refuses and answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from clients.job import CONTENT, Job
from clients.staged import StagedModel
from clients.upstreams import UPSTREAMS

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply

JOB = Job(folder=Path("/nowhere"), url="", mark="abc123")
PROMPT = {"role": "user", "content": JOB.prompt}
PARAMETERS = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
    "required": ["path", "content"],
}
TOOL = {"type": "function", "function": {"name": "write", "parameters": PARAMETERS}}


def asked(name: str, path: str, body: Any, key: str = "sk-vendor") -> Received:
    vendor = UPSTREAMS[name].vendor
    assert vendor is not None
    return Received(
        method="POST",
        path=vendor.base + path,
        query="",
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        header_list=(),
        body=json.dumps(body).encode(),
        connection=1,
        number=1,
    )


def model(name: str, *, strict: bool = True) -> StagedModel:
    return StagedModel(JOB, UPSTREAMS[name], strict=strict)


def cohere(*messages: Any, **fields: Any) -> Received:
    body = {"model": "m", "stream": False, "messages": list(messages), "tools": [TOOL], **fields}
    return asked("cohere", "/v2/chat", body)


def said(reply: Reply) -> Any:
    return json.loads(reply.body)


def test_the_job_is_done_in_a_vendors_dialect() -> None:
    played = model("cohere")
    called = said(played(cohere(PROMPT)))["message"]
    (call,) = called["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"path": str(JOB.file), "content": CONTENT}
    past = {"role": "assistant", "tool_calls": called["tool_calls"]}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "done"}
    answer = said(played(cohere(PROMPT, past, result)))
    assert [part["text"] for part in answer["message"]["content"] if part["type"] == "text"] == [JOB.final]
    assert answer["usage"]["tokens"] == {"input_tokens": 1500, "output_tokens": 64}
    assert (played.results, played.refusals) == (["done"], [])


def test_results_without_ids_are_those_of_the_calls_in_their_order() -> None:
    played = model("ollama")
    body: Any = {"model": "m", "messages": [PROMPT], "tools": [TOOL], "stream": False}
    called = said(played(asked("ollama", "/api/chat", body)))["message"]
    del called["thinking"]
    result = {"role": "tool", "tool_name": "write", "content": "done"}
    body["messages"] += [called, result]
    assert said(played(asked("ollama", "/api/chat", body)))["message"]["content"] == JOB.final
    assert played.results == ["done"]


def test_a_stream_comes_in_the_vendors_framing() -> None:
    reply = model("ollama")(asked("ollama", "/api/chat", {"model": "m", "messages": [PROMPT], "stream": True}))
    assert (reply.content_type, reply.framing) == ("application/x-ndjson", "chunked")
    assert [json.loads(piece)["done"] for piece in reply.pieces] == [False] * (len(reply.pieces) - 1) + [True]


@pytest.mark.parametrize(
    ("request_", "status", "at"),
    [
        (cohere(PROMPT, no_such_member=1), 400, "/no_such_member"),
        (cohere({"role": "nobody", "content": "hi"}), 400, ""),
        (asked("cohere", "/v2/none", {}), 404, ""),
        (asked("cohere", "/v2/chat", {"messages": [PROMPT]}, key="another"), 401, ""),
    ],
    ids=["unknown member", "unreadable", "no such path", "no key"],
)
def test_what_the_vendor_would_refuse_is_refused_and_told(request_: Received, status: int, at: str) -> None:
    played = model("cohere")
    assert played(request_).status == status
    assert [(one.status, one.at) for one in played.refusals] == [(status, at)]


def test_one_that_takes_everything_takes_unknown_members() -> None:
    played = model("cohere", strict=False)
    assert played(cohere(PROMPT, no_such_member=1)).status == 200
    assert played.refusals == []
