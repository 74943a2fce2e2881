"""The vendor's wire structs of an answer: each line of a stream, or all of it."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.wire.json import EMPTY


class Function(msgspec.Struct, kw_only=True):
    index: int | None = None
    name: str | None = None
    arguments: Raw = EMPTY


class ToolCall(msgspec.Struct, kw_only=True):
    id: str | None = None
    type: str | None = None
    function: Function | None = None


class Message(msgspec.Struct, kw_only=True):
    role: str | None = None
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None


class Line(msgspec.Struct, kw_only=True):
    model: str | None = None
    created_at: str | None = None
    message: Message | None = None
    done: bool | None = None
    done_reason: str | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None
    logprobs: Raw = EMPTY
    error: Raw = EMPTY


class TokenLogprob(msgspec.Struct, kw_only=True):
    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list["TokenLogprob"] | None = None
