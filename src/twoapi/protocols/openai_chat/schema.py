"""The vendor's wire structs of a request, in the vendor's names.

What nearly all requests are made of stands in structs of its own: decoding fills every member that a struct has, also
those that nobody wrote. The collector of cycles need not know of these trees (gc=False): they live as long as one
decoding.
"""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.ir.request import Role
from twoapi.wire.json import EMPTY

NULL = Raw(b"null")  # the default of a member that is looked at: absent and null say the same


class FunctionCall(msgspec.Struct, kw_only=True, gc=False):
    name: str
    arguments: str | None = None


class CustomCall(msgspec.Struct, kw_only=True, gc=False):
    name: str
    input: str | None = None


class ToolCall(msgspec.Struct, kw_only=True, gc=False):
    id: str | None = None
    type: str | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None
    index: int | None = None  # clients that replay a folded stream send it along


class AudioRef(msgspec.Struct, kw_only=True, gc=False):
    id: str


class ReasoningDetail(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """Our documented extension, in the form that several services already use; see NOTES.md."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    format: str | None = None
    id: str | None = None
    index: int | None = None


class UsualMessage(msgspec.Struct, kw_only=True, gc=False):
    role: Role
    content: Raw = NULL
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class Message(UsualMessage, kw_only=True):
    role: str  # type: ignore[assignment]  # wrong ones are refused with their place, and one is deprecated
    refusal: Raw = EMPTY
    annotations: Raw = EMPTY
    audio: AudioRef | None = None
    function_call: FunctionCall | None = None
    reasoning_content: Raw = EMPTY
    reasoning: Raw = EMPTY
    reasoning_details: list[ReasoningDetail] | None = None


class FunctionTool(msgspec.Struct, kw_only=True, gc=False):
    name: str
    description: Raw = NULL
    parameters: Raw = NULL
    strict: bool | None = None


class GrammarText(msgspec.Struct, kw_only=True, gc=False):
    syntax: str
    definition: str


class CustomFormat(msgspec.Struct, kw_only=True, gc=False):
    type: str
    grammar: GrammarText | None = None


class CustomTool(msgspec.Struct, kw_only=True, gc=False):
    name: str
    description: Raw = EMPTY
    format: CustomFormat | None = None


class Tool(msgspec.Struct, kw_only=True, gc=False):
    type: str
    function: FunctionTool | None = None
    custom: CustomTool | None = None


class NamedTool(msgspec.Struct, kw_only=True, gc=False):
    name: str


class AllowedTool(msgspec.Struct, kw_only=True, gc=False):
    type: str
    function: NamedTool | None = None
    custom: NamedTool | None = None


class AllowedTools(msgspec.Struct, kw_only=True, gc=False):
    mode: str
    tools: list[AllowedTool]


class ToolChoice(msgspec.Struct, kw_only=True, gc=False):
    type: str
    function: NamedTool | None = None
    custom: NamedTool | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct, kw_only=True, gc=False):
    name: str | None = None
    description: str | None = None
    schema: Raw = EMPTY
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, kw_only=True, gc=False):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, kw_only=True, gc=False):
    include_usage: bool | None = None
    include_obfuscation: Raw = EMPTY


class CacheOptions(msgspec.Struct, kw_only=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class UsualBody(msgspec.Struct, kw_only=True, gc=False):
    model: str
    messages: list[UsualMessage]
    frequency_penalty: float | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: dict[str, str] | None = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    tool_choice: str | ToolChoice | None = None
    tools: list[Tool] | None = None
    top_p: float | None = None
    user: str | None = None
    verbosity: str | None = None


class Body(UsualBody, kw_only=True):
    messages: list[Message]  # type: ignore[assignment]  # nobody adds to a list that was decoded
    audio: Raw = EMPTY
    function_call: str | NamedTool | None = None
    functions: list[FunctionTool] | None = None
    logit_bias: Raw = EMPTY
    logprobs: bool | None = None
    modalities: list[str] | None = None
    moderation: Raw = EMPTY
    prediction: Raw = EMPTY
    prompt_cache_options: Raw = EMPTY
    prompt_cache_retention: Raw = EMPTY
    safety_identifier: str | None = None
    top_k: int | None = None  # not the vendor's, but every compatible server's
    top_logprobs: int | None = None
    web_search_options: Raw = EMPTY


class CacheBreakpoint(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class TextPart(msgspec.Struct, kw_only=True, tag_field="type", tag="text", omit_defaults=True, gc=False):
    text: Raw
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class RefusalPart(msgspec.Struct, kw_only=True, tag_field="type", tag="refusal", gc=False):
    refusal: Raw


class ImageUrl(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, kw_only=True, tag_field="type", tag="image_url", omit_defaults=True, gc=False):
    image_url: ImageUrl
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputAudio(msgspec.Struct, kw_only=True, gc=False):
    data: str
    format: str


class AudioPart(msgspec.Struct, kw_only=True, tag_field="type", tag="input_audio", omit_defaults=True, gc=False):
    input_audio: InputAudio
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class FileData(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class FilePart(msgspec.Struct, kw_only=True, tag_field="type", tag="file", omit_defaults=True, gc=False):
    file: FileData
    prompt_cache_breakpoint: CacheBreakpoint | None = None


ContentPart = TextPart | RefusalPart | ImagePart | AudioPart | FilePart
PART_KINDS: tuple[type[ContentPart], ...] = (TextPart, RefusalPart, ImagePart, AudioPart, FilePart)
