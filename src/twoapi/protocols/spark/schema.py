"""The vendor's wire structs of requests and answers, over HTTP and over a websocket."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.ir import JsonText
from twoapi.wire.json import EMPTY

# --- Requests ---


class Function(msgspec.Struct, omit_defaults=True, kw_only=True):
    name: str
    description: JsonText | None = None
    parameters: Raw | dict[str, object] | None = None
    arguments: str | None = None


class Tool(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A function that is declared; with an id, a call."""

    id: str | None = None
    type: str
    function: Function


class WebSearch(msgspec.Struct):
    enable: bool


class WebSearchTool(msgspec.Struct):
    type: str
    web_search: WebSearch


class Message(msgspec.Struct, omit_defaults=True, kw_only=True):
    role: str
    content: JsonText
    reasoning_content: str | None = None
    tool_calls: list[Tool] | None = None
    tool_call_id: str | None = None


class ToolName(msgspec.Struct, kw_only=True):
    type: str
    name: str


class Typed(msgspec.Struct):
    type: str


class Body(msgspec.Struct, omit_defaults=True, kw_only=True):
    model: str
    messages: list[Message]
    user: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    tools: list[Tool | WebSearchTool] | None = None
    tool_calls_switch: bool | None = None  # calls come as a list; else one comes as an object
    tool_choice: str | ToolName | None = None
    response_format: Typed | None = None
    thinking: Typed | None = None


class FrameHeader(msgspec.Struct, omit_defaults=True, kw_only=True):
    uid: str | None = None  # beside it app_id, which is told with the credential


class Chat(msgspec.Struct, omit_defaults=True, kw_only=True):
    domain: str
    temperature: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    thinking: Typed | None = None


class Parameter(msgspec.Struct):
    chat: Chat


class Texts(msgspec.Struct):
    text: list[Message]


class Functions(msgspec.Struct):
    text: list[Function]


class Payload(msgspec.Struct, omit_defaults=True):
    message: Texts
    functions: Functions | None = None


class Frame(msgspec.Struct):
    header: FrameHeader
    parameter: Parameter
    payload: Payload


# --- Answers ---


class FunctionCall(msgspec.Struct, kw_only=True):
    name: str | None = None
    arguments: Raw = EMPTY  # a text, or the object itself


class ToolCall(msgspec.Struct, kw_only=True):
    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: FunctionCall | None = None


class Said(msgspec.Struct, kw_only=True):
    """The message of a whole answer, the delta of a streamed one, and a text of a frame."""

    role: str | None = None
    index: int | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: Raw = EMPTY  # a list, or one call
    function_call: FunctionCall | None = None


class Choice(msgspec.Struct, kw_only=True):
    index: int | None = None
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None


class Answer(msgspec.Struct, kw_only=True):
    """A whole answer, and a chunk of a streamed one."""

    code: int | str | None = None
    message: str | None = None
    sid: str | None = None
    id: str | None = None
    object: str | None = None
    model: str | None = None
    created: int | None = None
    choices: list[Choice] | None = None
    usage: Raw = EMPTY
    error: Raw = EMPTY


class FrameHead(msgspec.Struct, kw_only=True):
    code: int | str | None = None
    message: str | None = None
    sid: str | None = None
    status: int | None = None


class FrameChoices(msgspec.Struct, kw_only=True):
    status: int | None = None
    seq: int | None = None
    text: list[Said] | None = None


class FrameUsage(msgspec.Struct, kw_only=True):
    text: Raw = EMPTY


class FramePayload(msgspec.Struct, kw_only=True):
    choices: FrameChoices | None = None
    usage: FrameUsage | None = None


class AnswerFrame(msgspec.Struct, kw_only=True):
    header: FrameHead | None = None
    payload: FramePayload | None = None


class Usage(msgspec.Struct, kw_only=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    question_tokens: int | None = None  # of the last question: a part of the prompt


class Error(msgspec.Struct, kw_only=True):
    code: int | str | None = None
    message: str | None = None
