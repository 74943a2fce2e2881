"""The vendor's wire structs of a request and of an answer, whole and streamed."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.ir import JsonText
from twoapi.wire.json import EMPTY


class _Out(msgspec.Struct, rename="pascal", omit_defaults=True, kw_only=True):
    pass


class ImageUrl(_Out):
    url: str


class ContentOut(_Out):
    type: str
    text: JsonText | None = None
    image_url: ImageUrl | None = None


class FunctionOut(_Out):
    name: str
    description: JsonText | None = None
    parameters: str | None = None  # JSON as a text
    arguments: str | None = None


class ToolOut(_Out, kw_only=True):
    """A tool that is declared; with an id, a call."""

    id: str | None = None
    type: str
    function: FunctionOut


class MessageOut(_Out):
    role: str
    content: JsonText | None = None
    contents: list[ContentOut] | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolOut] | None = None
    reasoning_content: str | None = None


class Body(_Out):
    model: str
    messages: list[MessageOut]
    stream: bool | None = None
    top_p: float | None = None
    temperature: float | None = None
    tools: list[ToolOut] | None = None
    tool_choice: str | None = None
    custom_tool: ToolOut | None = None
    seed: int | None = None
    stop: list[str] | None = None
    enable_thinking: bool | None = None
    enable_enhancement: bool | None = None  # searches the web where that helps
    search_info: bool | None = None  # tells what was found


class _In(msgspec.Struct, rename="pascal", kw_only=True):
    pass


class FunctionCall(_In):
    name: str | None = None
    arguments: str | None = None


class ToolCall(_In):
    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: FunctionCall | None = None


class Message(_In):
    """The message of a whole answer and the delta of a streamed one."""

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(_In):
    index: int | None = None
    finish_reason: str | None = None
    message: Message | None = None
    delta: Message | None = None


class ErrorMsg(_In):
    """An error in a stream."""

    msg: str | None = None
    code: int | str | None = None


class SearchResult(_In, gc=False):
    index: int | None = None
    title: str | None = None
    url: str | None = None
    text: str | None = None  # the name of the site
    icon: str | None = None


class SearchInfo(_In):
    search_results: list[SearchResult] | None = None


class Answer(_In):
    id: str | None = None
    request_id: str | None = None
    created: int | None = None
    choices: list[Choice] | None = None
    usage: Raw = EMPTY
    note: Raw = EMPTY
    search_info: Raw = EMPTY
    error_msg: ErrorMsg | None = None
    error: Raw = EMPTY
    response: Raw = EMPTY  # around a whole answer, and around an error in a stream, if any


class Wrapped(_In):
    """What is around a whole answer."""

    response: Raw = EMPTY


class PromptTokensDetails(_In):
    cached_tokens: int | None = None


class Usage(_In):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptTokensDetails | None = None


class Error(_In):
    code: str | None = None
    message: str | None = None
