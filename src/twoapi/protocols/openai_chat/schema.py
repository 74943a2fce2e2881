"""The vendor's wire structs of a request, in the vendor's names."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.wire.json import EMPTY


class FunctionCall(msgspec.Struct, kw_only=True, gc=False):
    name: str
    arguments: str | None = None


class CustomCall(msgspec.Struct, kw_only=True, gc=False):
    name: str
    input: str | None = None


class ToolCall(msgspec.Struct, kw_only=True):
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


class Message(msgspec.Struct, kw_only=True):
    role: str
    content: Raw = EMPTY
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: Raw = EMPTY
    audio: AudioRef | None = None
    function_call: FunctionCall | None = None
    reasoning_content: Raw = EMPTY
    reasoning: Raw = EMPTY
    reasoning_details: list[ReasoningDetail] | None = None


class FunctionTool(msgspec.Struct, kw_only=True):
    name: str
    description: Raw = EMPTY
    parameters: Raw = EMPTY
    strict: bool | None = None


class GrammarText(msgspec.Struct, kw_only=True, gc=False):
    syntax: str
    definition: str


class CustomFormat(msgspec.Struct, kw_only=True):
    type: str
    grammar: GrammarText | None = None


class CustomTool(msgspec.Struct, kw_only=True):
    name: str
    description: Raw = EMPTY
    format: CustomFormat | None = None


class Tool(msgspec.Struct, kw_only=True):
    type: str
    function: FunctionTool | None = None
    custom: CustomTool | None = None


class NamedTool(msgspec.Struct, kw_only=True, gc=False):
    name: str


class AllowedTool(msgspec.Struct, kw_only=True):
    type: str
    function: NamedTool | None = None
    custom: NamedTool | None = None


class AllowedTools(msgspec.Struct, kw_only=True):
    mode: str
    tools: list[AllowedTool]


class ToolChoice(msgspec.Struct, kw_only=True):
    type: str
    function: NamedTool | None = None
    custom: NamedTool | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct, kw_only=True):
    name: str | None = None
    description: str | None = None
    schema: Raw = EMPTY
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, kw_only=True):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, kw_only=True, gc=False):
    include_usage: bool | None = None
    include_obfuscation: Raw = EMPTY


class CacheOptions(msgspec.Struct, kw_only=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class Body(msgspec.Struct, kw_only=True):
    model: str
    messages: list[Message]
    audio: Raw = EMPTY
    frequency_penalty: float | None = None
    function_call: str | NamedTool | None = None
    functions: list[FunctionTool] | None = None
    logit_bias: Raw = EMPTY
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: dict[str, str] | None = None
    modalities: list[str] | None = None
    moderation: Raw = EMPTY
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prediction: Raw = EMPTY
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Raw = EMPTY
    prompt_cache_retention: Raw = EMPTY
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    tool_choice: str | ToolChoice | None = None
    tools: list[Tool] | None = None
    top_k: int | None = None  # not the vendor's, but every compatible server's
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    verbosity: str | None = None
    web_search_options: Raw = EMPTY


class CacheBreakpoint(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class TextPart(msgspec.Struct, kw_only=True, tag_field="type", tag="text", omit_defaults=True):
    text: Raw
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class RefusalPart(msgspec.Struct, kw_only=True, tag_field="type", tag="refusal"):
    refusal: Raw


class ImageUrl(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, kw_only=True, tag_field="type", tag="image_url", omit_defaults=True):
    image_url: ImageUrl
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputAudio(msgspec.Struct, kw_only=True, gc=False):
    data: str
    format: str


class AudioPart(msgspec.Struct, kw_only=True, tag_field="type", tag="input_audio", omit_defaults=True):
    input_audio: InputAudio
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class FileData(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class FilePart(msgspec.Struct, kw_only=True, tag_field="type", tag="file", omit_defaults=True):
    file: FileData
    prompt_cache_breakpoint: CacheBreakpoint | None = None


ContentPart = TextPart | RefusalPart | ImagePart | AudioPart | FilePart
PART_KINDS: tuple[type[ContentPart], ...] = (TextPart, RefusalPart, ImagePart, AudioPart, FilePart)
