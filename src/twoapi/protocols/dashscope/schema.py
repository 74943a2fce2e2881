"""The vendor's wire structs of an answer, whole or a frame of a stream: their shape is the same.

Every field may be missing, because somewhere one is.
"""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.wire.json import EMPTY


class Function(msgspec.Struct, kw_only=True, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, kw_only=True):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None


class Message(msgspec.Struct, kw_only=True):
    role: str | None = None
    content: str | list[Raw] | None = None  # a list at the endpoint for media
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct, kw_only=True):
    index: int | None = None
    message: Message | None = None
    finish_reason: str | None = None  # "null", as a text, while the answer goes on
    logprobs: Raw = EMPTY


class Output(msgspec.Struct, kw_only=True):
    choices: list[Choice] | None = None
    text: str | None = None  # of models that do not know the format "message"
    finish_reason: str | None = None
    search_info: Raw = EMPTY


class Answer(msgspec.Struct, kw_only=True):
    output: Output | None = None
    usage: Raw = EMPTY
    request_id: str | None = None
    code: str | int | None = None
    message: str | None = None
    status_code: int | None = None


class Item(msgspec.Struct, gc=False):
    """An element of content at the endpoint for media; what it is stands in the member's name."""

    text: str | None = None


class TokenLogprob(msgspec.Struct, kw_only=True):
    token: str
    logprob: float | None = None
    bytes: list[int] | None = None
    top_logprobs: list["TokenLogprob"] | None = None


class Logprobs(msgspec.Struct, kw_only=True):
    content: list[TokenLogprob] | None = None


class InputDetails(msgspec.Struct, kw_only=True, gc=False):
    text_tokens: int | None = None
    image_tokens: int | None = None
    audio_tokens: int | None = None


class OutputDetails(msgspec.Struct, kw_only=True, gc=False):
    reasoning_tokens: int | None = None
    text_tokens: int | None = None
    audio_tokens: int | None = None


class PromptDetails(msgspec.Struct, kw_only=True, gc=False):
    cached_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class Search(msgspec.Struct, kw_only=True, gc=False):
    count: int | None = None


class Plugins(msgspec.Struct, kw_only=True, gc=False):
    search: Search | None = None


class Usage(msgspec.Struct, kw_only=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    image_tokens: int | None = None
    audio_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    prompt_tokens_details: PromptDetails | None = None
    plugins: Plugins | None = None
