"""The vendor's wire structs of an answer, whole and streamed; every field may be missing, because somewhere one is."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw

from twoapi.protocols.openai_chat.schema import ReasoningDetail
from twoapi.wire.json import EMPTY


class FunctionCall(msgspec.Struct, kw_only=True, gc=False):
    name: str | None = None
    arguments: str | dict[str, Raw] | None = None  # some servers send the object itself


class CustomCall(msgspec.Struct, kw_only=True, gc=False):
    name: str | None = None
    input: str | None = None


class ToolCall(msgspec.Struct, kw_only=True, gc=False):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class UrlCitation(msgspec.Struct, kw_only=True, gc=False):
    url: str = ""
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Annotation(msgspec.Struct, kw_only=True, gc=False):
    type: str = ""
    url_citation: UrlCitation | None = None


class Audio(msgspec.Struct, kw_only=True, gc=False):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class Message(msgspec.Struct, kw_only=True, gc=False):
    """The message of a whole answer and the delta of a streamed one: they differ only in what is set."""

    content: str | list[Raw] | None = None
    role: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None
    annotations: list[Annotation] | None = None
    audio: Audio | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None


class Choice(msgspec.Struct, kw_only=True, gc=False):
    index: int | None = None
    message: Message | None = None
    finish_reason: str | None = None
    logprobs: Raw = EMPTY


class Completion(msgspec.Struct, kw_only=True, gc=False):
    id: str | int | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Raw = EMPTY
    service_tier: str | None = None
    system_fingerprint: str | None = None
    error: Raw = EMPTY


class ChunkChoice(msgspec.Struct, kw_only=True, gc=False):
    index: int | None = None
    delta: Message | None = None
    message: Message | None = None  # some servers repeat the whole, or send nothing else
    text: str | None = None  # of a legacy completion, whose stream is watched as this protocol's is
    finish_reason: str | None = None
    logprobs: Raw = EMPTY
    usage: Raw = EMPTY


class Chunk(msgspec.Struct, kw_only=True, gc=False):
    id: str | int | None = None
    object: str | None = None
    created: int | float | None = None
    model: str | None = None
    choices: list[ChunkChoice] | None = None
    usage: Raw = EMPTY
    service_tier: str | None = None
    system_fingerprint: str | None = None
    obfuscation: Raw = EMPTY  # padding against traffic analysis; means nothing
    error: Raw = EMPTY


class TokenLogprob(msgspec.Struct, kw_only=True, gc=False):
    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list["TokenLogprob"] = []


class Logprobs(msgspec.Struct, kw_only=True, gc=False):
    content: list[TokenLogprob] | None = None
    refusal: list[TokenLogprob] | None = None


class PromptDetails(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None


class CompletionDetails(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class Usage(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    cached_tokens: int | None = None  # Moonshot's place
    prompt_cache_hit_tokens: int | None = None  # DeepSeek's place
    reasoning_tokens: int | None = None  # Perplexity's place
    num_search_queries: int | None = None  # Perplexity's
