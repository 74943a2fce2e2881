"""The vendor's wire structs of an answer, whole and streamed; any member may be missing. Its counts are floats."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.wire.json import EMPTY


class Content(msgspec.Struct, kw_only=True, gc=False):
    """An item of a whole answer's content, and what a stream brings of one."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class Function(msgspec.Struct, kw_only=True, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, kw_only=True):
    id: str | None = None
    type: str | None = None
    function: Function | None = None


class Source(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str | None = None
    id: str | None = None
    document: Raw = EMPTY
    tool_output: Raw = EMPTY


class Citation(msgspec.Struct, kw_only=True, omit_defaults=True):
    start: float | None = None
    end: float | None = None
    text: str | None = None
    sources: list[Source] | None = None
    content_index: float | None = None
    type: str | None = None


class Message(msgspec.Struct, kw_only=True):
    """The message of a whole answer."""

    role: str | None = None
    content: list[Content] | str | None = None
    tool_plan: str | None = None
    tool_calls: list[ToolCall] | None = None
    citations: list[Citation] | None = None


class LogprobItem(msgspec.Struct, kw_only=True):
    text: str | None = None
    token_ids: list[int] | None = None
    logprobs: list[float] | None = None


class Answer(msgspec.Struct, kw_only=True):
    id: str | None = None
    finish_reason: str | None = None
    message: Message | None = None
    usage: Raw = EMPTY
    logprobs: Raw = EMPTY
    error: str | None = None


class MessageDelta(msgspec.Struct, kw_only=True):
    """What a stream's event brings of the message; the first event has empty lists where the others have an object."""

    role: str | None = None
    content: Content | list[Raw] | str | None = None
    tool_plan: str | None = None
    tool_calls: ToolCall | list[Raw] | None = None
    citations: Citation | list[Raw] | None = None


class Delta(msgspec.Struct, kw_only=True):
    message: MessageDelta | None = None
    finish_reason: str | None = None
    usage: Raw = EMPTY
    error: str | None = None


class Event(msgspec.Struct, kw_only=True):
    type: str | None = None
    id: str | None = None
    index: float | None = None
    delta: Delta | None = None
    logprobs: Raw = EMPTY
    prompt: str | None = None
    message: str | None = None  # an error that is told as outside of a stream


class BilledUnits(msgspec.Struct, kw_only=True, gc=False):
    input_tokens: float | None = None
    output_tokens: float | None = None
    search_units: float | None = None


class Tokens(msgspec.Struct, kw_only=True, gc=False):
    input_tokens: float | None = None
    output_tokens: float | None = None


class Usage(msgspec.Struct, kw_only=True):
    billed_units: BilledUnits | None = None
    tokens: Tokens | None = None
    cached_tokens: float | None = None
