"""The model behind the programs: which tool it calls, and what it keeps."""

import json
from pathlib import Path
from typing import Any

import pytest
from clients.job import CONTENT, Job
from clients.model import SIGNATURE, JobModel

from twoapi.testing.fake_connection import Received

JOB = Job(folder=Path("/nowhere"), url="", mark="abc123")
PROMPT = {"role": "user", "content": JOB.prompt}


def ask(model: JobModel, path: str, body: Any) -> Any:
    request = Received(
        method="POST",
        path=path,
        query="",
        headers={},
        header_list=(),
        body=json.dumps(body).encode(),
        connection=1,
        number=1,
    )
    return json.loads(model(request).body)


def chat_tool(name: str, *required: str, optional: tuple[str, ...] = ()) -> Any:
    properties = {member: {"type": "string"} for member in (*required, *optional)}
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def chat(model: JobModel, *tools: Any, messages: tuple[Any, ...] = (PROMPT,)) -> Any:
    body = {"model": "m", "messages": list(messages), "tools": list(tools)}
    return ask(model, "/v1/chat/completions", body)["choices"][0]["message"]


@pytest.mark.parametrize(
    ("tools", "name"),
    [
        ([chat_tool("read", "path"), chat_tool("write", "path", "content")], "write"),
        ([chat_tool("shell", "command"), chat_tool("write", "file_path", "content")], "write"),
        ([chat_tool("replace", "path", "content", "old"), chat_tool("shell", "cmd", optional=("login",))], "shell"),
    ],
)
def test_it_calls_the_tool_that_writes_a_file(tools: list[Any], name: str) -> None:
    (call,) = chat(JobModel(JOB), *tools)["tool_calls"]
    assert call["function"]["name"] == name
    arguments = json.loads(call["function"]["arguments"])
    written = arguments.get("content", CONTENT)
    assert written == CONTENT
    assert str(JOB.file) in " ".join(arguments.values())


def test_it_waits_for_the_result_before_it_says_the_final_text() -> None:
    model = JobModel(JOB)
    tool = chat_tool("write", "path", "content")
    called = chat(model, tool)
    result = {"role": "tool", "tool_call_id": called["tool_calls"][0]["id"], "content": "done"}
    assert chat(model, tool, messages=(PROMPT, called, result))["content"] == JOB.final
    assert model.results == ["done"]
    empty = {**result, "content": ""}
    assert chat(model, tool, messages=(PROMPT, called, empty))["content"] != JOB.final


def test_a_request_beside_the_job_is_answered_in_words() -> None:
    model = JobModel(JOB)
    title = {"role": "user", "content": "Give this conversation a title."}
    assert chat(model, chat_tool("write", "path", "content"), messages=(title,)).get("tool_calls") is None
    assert chat(model).get("tool_calls") is None


def test_a_program_that_never_gives_a_result_hears_the_end() -> None:
    model, tool = JobModel(JOB), chat_tool("write", "path", "content")
    answers = [chat(model, tool) for _ in range(9)]
    assert [bool(answer.get("tool_calls")) for answer in answers] == [True] * 8 + [False]


def test_a_response_is_gone_on_from() -> None:
    model = JobModel(JOB)
    tool = {"type": "function", **chat_tool("write", "path", "content")["function"]}
    first = ask(model, "/v1/responses", {"model": "m", "input": JOB.prompt, "tools": [tool]})
    call = next(item for item in first["output"] if item["type"] == "function_call")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
    body = {"model": "m", "input": [result], "previous_response_id": first["id"], "tools": [tool]}
    (said,) = [item for item in ask(model, "/v1/responses", body)["output"] if item["type"] == "message"]
    assert said["content"][0]["text"] == JOB.final


def test_a_thread_is_gone_on_from_and_state_is_seen() -> None:
    model = JobModel(JOB)
    schema = chat_tool("write", "path", "content")["function"]["parameters"]
    asked = {"model": "m", "max_tokens": 100, "tools": [{"name": "write", "input_schema": schema}]}
    first = ask(model, "/v1/messages", {**asked, "thread": {"type": "create"}, "messages": [PROMPT]})
    call = next(block for block in first["content"] if block["type"] == "tool_use")
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "done"}]}
    thread = {"type": "continue", "previous_message_id": first["id"]}
    body = {"model": "m", "max_tokens": 100, "thread": thread, "messages": [result]}
    assert [b["text"] for b in ask(model, "/v1/messages", body)["content"] if b["type"] == "text"] == [JOB.final]
    assert not model.state_came_back
    chat(model, messages=({"role": "assistant", "content": SIGNATURE}, PROMPT))
    assert model.state_came_back
