"""The wire structs that encoders fill, request and answer; a field left at its default is not written."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import UNSET, Raw, UnsetType

from twoapi.protocols.openai_chat.schema import ContentPart, ReasoningDetail

Contents = list[ContentPart | Raw]
Content = str | Raw | Contents | None


class Function(msgspec.Struct, gc=False):
    name: str
    arguments: str


class Custom(msgspec.Struct, kw_only=True, gc=False):
    name: str
    input: str


class ToolCall(msgspec.Struct, omit_defaults=True, gc=False):
    id: str
    type: str
    function: Function | UnsetType = UNSET
    custom: Custom | UnsetType = UNSET


class AudioRef(msgspec.Struct, kw_only=True, gc=False):
    id: str


class Said(msgspec.Struct, gc=False):
    """A message that is one text, as nearly all are: a tenth of what the other one costs."""

    role: str
    content: str | Raw


class Message(msgspec.Struct, omit_defaults=True, gc=False):
    role: str
    content: Content | UnsetType = UNSET
    name: str | None = None
    refusal: str | Raw | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    audio: AudioRef | None = None
    function_call: Function | None = None
    reasoning_content: str | Raw | None = None
    reasoning: str | Raw | None = None
    reasoning_details: list[Raw] | None = None


class FunctionTool(msgspec.Struct, omit_defaults=True, gc=False):
    name: str
    description: str | Raw | None = None
    parameters: Raw | None = None
    strict: bool | None = None


class GrammarText(msgspec.Struct, kw_only=True, gc=False):
    syntax: str
    definition: str


class CustomFormat(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    type: str
    grammar: GrammarText | None = None


class CustomTool(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    name: str
    description: str | Raw | None = None
    format: CustomFormat | None = None


class Tool(msgspec.Struct, tag_field="type", tag="function", gc=False):
    function: FunctionTool


class FreeTool(msgspec.Struct, tag_field="type", tag="custom", gc=False):
    custom: CustomTool


AnyTool = Tool | FreeTool | Raw


class NamedTool(msgspec.Struct, kw_only=True, gc=False):
    name: str


class ToolName(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str
    function: NamedTool | None = None
    custom: NamedTool | None = None


class AllowedTools(msgspec.Struct, kw_only=True):
    mode: str
    tools: list[ToolName]


class AllowedChoice(msgspec.Struct, kw_only=True, tag_field="type", tag="allowed_tools"):
    allowed_tools: AllowedTools


class JsonSchema(msgspec.Struct, kw_only=True, omit_defaults=True):
    name: str
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, kw_only=True, gc=False):
    include_usage: bool


class CacheOptions(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class PlainBody(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What most requests say."""

    model: str
    messages: list[Said | Message | Raw]
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None


class Body(PlainBody, kw_only=True, omit_defaults=True, gc=False):
    """All that a request can say."""

    tools: list[AnyTool] | None = None
    tool_choice: str | ToolName | AllowedChoice | None = None
    functions: list[FunctionTool] | None = None
    function_call: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: Raw | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    audio: Raw | None = None
    prediction: Raw | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: CacheOptions | None = None
    safety_identifier: str | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    web_search_options: Raw | None = None


class UrlCitation(msgspec.Struct, kw_only=True, gc=False):
    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(msgspec.Struct, kw_only=True):
    url_citation: UrlCitation
    type: str = "url_citation"


class Audio(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class TextMessage(msgspec.Struct, gc=False):
    role: str
    content: str | Raw
    refusal: str | None = None
    annotations: tuple[()] = ()


class AnswerMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    role: str | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    annotations: list[Annotation] | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET
    function_call: Function | UnsetType = UNSET
    audio: Audio | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    reasoning_details: list[ReasoningDetail] | UnsetType = UNSET


class TokenLogprob(msgspec.Struct, kw_only=True):
    token: str
    bytes: list[int] | None
    logprob: float
    top_logprobs: list["TokenLogprob"] | UnsetType = UNSET


class Logprobs(msgspec.Struct, kw_only=True):
    content: list[TokenLogprob] | None
    refusal: list[TokenLogprob] | None


class Choice(msgspec.Struct, kw_only=True, gc=False):
    index: int
    message: TextMessage | AnswerMessage
    logprobs: Logprobs | None
    finish_reason: str | None


class PromptDetails(msgspec.Struct, omit_defaults=True, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None


class CompletionDetails(msgspec.Struct, omit_defaults=True, gc=False, frozen=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class Usage(msgspec.Struct, gc=False):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class Completion(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    id: str
    object: str | UnsetType = UNSET
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | Raw | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
