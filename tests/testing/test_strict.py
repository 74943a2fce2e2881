"""The vendors' refusals: each rule on one small request."""

from typing import Any

import pytest

from twoapi.testing.strict import refusal_reasons

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USER = {"role": "user", "content": "x"}
CALLED = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "1"}


def chat(*messages: Any, **fields: Any) -> list[tuple[str, str]]:
    return refusal_reasons("openai-chat", {"model": "m", "messages": list(messages or (USER,)), **fields})


def messages(*turns: Any, version: str = "2026-10-21", **fields: Any) -> list[tuple[str, str]]:
    body = {"model": "m", "max_tokens": 2048, "messages": list(turns or (USER,)), **fields}
    return refusal_reasons("anthropic-messages", body, {"anthropic-version": version})


@pytest.mark.parametrize(
    ("problems", "at"),
    [
        (chat(x=1), "/x"),
        (chat({**USER, "x": 1}), "/messages/0/x"),
        (chat({"role": "user", "content": [{"type": "text", "text": "", "x": 1}]}), "/messages/0/content/0/x"),
        (chat({"role": "user", "content": [{"type": "video"}]}), "/messages/0/content/0/type"),
        (chat(USER, CALLED), "/messages/1/tool_calls/0"),
        (chat(USER, CALLED, USER, RESULT), "/messages/1/tool_calls/0"),
        (chat(USER, RESULT), "/messages/1"),
        (chat(USER, {**CALLED, "tool_calls": [{**CALL, "id": "x" * 41}]}), "/messages/1/tool_calls/0/id"),
        (
            chat(USER, CALLED, {**RESULT, "content": [{"type": "image_url", "image_url": {"url": "u"}}]}),
            "/messages/2/content/0/type",
        ),
        (chat(temperature=3), "/temperature"),
        (chat(stop=["a"] * 5), "/stop"),
        (chat(stream_options={}), "/stream_options"),
        (chat(tools=[]), "/tools"),
        (chat(tool_choice="auto"), "/tool_choice"),
        (chat(tools=[{"type": "function", "function": {"name": "a b"}}]), "/tools/0/function/name"),
        (
            chat(
                tools=[
                    {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}
                ]
            ),
            "/tools/0/function/parameters",
        ),
        (chat(metadata={"k": 1}), "/metadata/k"),
        (chat({"role": "assistant"}), "/messages/0/content"),
    ],
)
def test_openai_refuses(problems: list[tuple[str, str]], at: str) -> None:
    assert [place for place, _ in problems][0:1] == [at]


THOUGHT = {"type": "thinking", "thinking": "", "signature": "s"}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
GIVEN = {"type": "tool_result", "tool_use_id": "t1", "content": "1"}
TEXT = {"type": "text", "text": "x"}
SPOKEN = {"role": "assistant", "content": [USE]}
ANSWERED = {"role": "user", "content": [GIVEN]}
MARK = {"type": "ephemeral"}
ON = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize(
    ("problems", "at"),
    [
        (messages(x=1), "/x"),
        (messages({"role": "user", "content": [{**TEXT, "x": 1}]}), "/messages/0/content/0/x"),
        (messages(temperature=1), "/temperature"),
        (messages(version="2023-06-01", temperature=1.5), "/temperature"),
        (messages(version="2023-06-01", temperature=1, top_p=1), "/top_p"),
        (messages(version="2020-01-01"), ""),
        (messages(thread={"type": "create"}), "/thread"),
        (messages(USER, SPOKEN), "/messages/1/content/0"),
        (messages(USER, SPOKEN, USER), "/messages/1/content/0"),
        (messages(USER, ANSWERED), "/messages/1/content/0"),
        (messages(USER, SPOKEN, {"role": "user", "content": [TEXT, GIVEN]}), "/messages/2"),
        (messages({"role": "user", "content": [{"type": "text", "text": ""}]}), "/messages/0/content/0/text"),
        (messages({"role": "user", "content": [{**TEXT, "cache_control": MARK}] * 5}), ""),
        (
            messages(USER, {"role": "assistant", "content": [{**USE, "id": "a.b"}]}),
            "/messages/1/content/0/id",
        ),
        (messages(thinking={"type": "enabled", "budget_tokens": 2048}), "/thinking/budget_tokens"),
        (messages(USER, SPOKEN, ANSWERED, thinking=ON), "/messages/1/content/0"),
        (
            messages(USER, {"role": "assistant", "content": [{**THOUGHT, "signature": "tw1.x"}, TEXT]}),
            "/messages/1/content/0",
        ),
        (messages(USER, {"role": "assistant", "content": "x "}), "/messages/1/content"),
        (messages({"role": "system", "content": "x"}), "/messages/0/role"),
        (messages(stop_sequences=[" "]), "/stop_sequences/0"),
        (messages(tools=[{"name": "f", "input_schema": {}}]), "/tools/0/input_schema"),
    ],
)
def test_anthropic_refuses(problems: list[tuple[str, str]], at: str) -> None:
    assert [place for place, _ in problems][0:1] == [at]


def test_what_keeps_the_rules_is_taken() -> None:
    assert chat(USER, CALLED, RESULT, USER) == []
    thoughtful = {"role": "assistant", "content": [THOUGHT, USE]}
    assert messages(USER, thoughtful, {"role": "user", "content": [GIVEN, TEXT]}, thinking=ON) == []


def test_thinking_between_calls_may_cost_more_than_one_answer() -> None:
    body = {"model": "m", "max_tokens": 2048, "messages": [USER], "thinking": {**ON, "budget_tokens": 2048}}
    headers = {"anthropic-version": "2023-06-01"}
    assert [at for at, _ in refusal_reasons("anthropic-messages", body, headers)] == ["/thinking/budget_tokens"]
    headers["anthropic-beta"] = "interleaved-thinking-2025-05-14"
    assert refusal_reasons("anthropic-messages", body, headers) == []
