"""The wire structs of a request beside its items, in the vendor's names: as they are read, and as they are written."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw, field

from twoapi.protocols.openai_responses.schema_items import AnyItem, WrittenItem
from twoapi.wire.json import EMPTY


class Format(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    description: str | None = None
    schema: Raw = EMPTY
    strict: bool | None = None


class TextConfig(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    format: Format | None = None
    verbosity: str | None = None


class Reasoning(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    effort: str | None = None
    summary: str | None = None
    context: Raw = EMPTY
    mode: Raw = EMPTY
    generate_summary: Raw = EMPTY


class CacheOptions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class Conversation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    id: str


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything but the input and the tools."""

    model: str
    instructions: Raw = EMPTY
    access_programs: Raw = EMPTY
    background: bool | None = None
    client_metadata: Raw = EMPTY  # Codex sends it
    context_management: Raw = EMPTY
    conversation: str | Conversation | None = None
    image: Raw = EMPTY
    include: list[str] | None = None
    max_output_tokens: int | None = None
    max_tool_calls: Raw = EMPTY
    metadata: dict[str, str] | None = None
    moderation: Raw = EMPTY
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: Raw = EMPTY
    prompt_cache_key: str | None = None
    prompt_cache_options: Raw = EMPTY
    prompt_cache_retention: Raw = EMPTY
    reasoning: Reasoning | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: Raw = EMPTY
    temperature: float | None = None
    text: TextConfig | None = None
    tool_choice: Raw = EMPTY
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: Raw = EMPTY
    user: str | None = None


class Body(Settings, kw_only=True, forbid_unknown_fields=True):
    """A request with items and tools of any kind."""

    input: Raw = EMPTY
    tools: list[Raw] | None = None


# What the model has no place for: kept for an upstream of the same protocol.
UNMODELLED = (
    "access_programs",
    "client_metadata",
    "context_management",
    "image",
    "max_tool_calls",
    "moderation",
    "prompt",
    "prompt_cache_retention",
    "stream_options",
    "truncation",
)


class FunctionTool(msgspec.Struct, kw_only=True, tag_field="type", tag="function", forbid_unknown_fields=True):
    name: str
    description: Raw = EMPTY
    parameters: Raw = EMPTY
    strict: bool | None = None
    output_schema: Raw = EMPTY
    asynchronous: Raw = field(default=EMPTY, name="async")
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None


class GrammarFormat(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    syntax: str | None = None
    definition: str | None = None


class CustomTool(msgspec.Struct, kw_only=True, tag_field="type", tag="custom", forbid_unknown_fields=True):
    name: str
    description: Raw = EMPTY
    format: GrammarFormat | None = None
    asynchronous: Raw = field(default=EMPTY, name="async")
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None


class KnownBody(Settings, kw_only=True, forbid_unknown_fields=True):
    """A request whose items are of known types, with tools of any kind: one scan reads all but the tools."""

    input: str | list[AnyItem] | None = None
    tools: list[Raw] | None = None


class PlainBody(Settings, kw_only=True, forbid_unknown_fields=True):
    """The same with tools that the client runs: one scan reads all of it."""

    input: str | list[AnyItem] | None = None
    tools: list[FunctionTool | CustomTool] | None = None


class NamespaceTool(msgspec.Struct, kw_only=True, tag_field="type", tag="namespace", forbid_unknown_fields=True):
    name: str
    tools: list[Raw]
    description: Raw = EMPTY


class ChosenTool(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    server_label: str | None = None


class ToolChoice(ChosenTool, kw_only=True, forbid_unknown_fields=True):
    mode: str | None = None
    tools: list[ChosenTool] | None = None


# --- written: a member left at its default is not -------------------------------------------------


class WrittenFunction(msgspec.Struct, kw_only=True, tag_field="type", tag="function", omit_defaults=True):
    name: str
    description: str | Raw | None = None
    parameters: Raw | None = None
    strict: bool | None = None
    output_schema: Raw | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None


class WrittenFormat(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str
    syntax: str | None = None
    definition: str | None = None


class WrittenCustom(msgspec.Struct, kw_only=True, tag_field="type", tag="custom", omit_defaults=True):
    name: str
    description: str | Raw | None = None
    format: WrittenFormat | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None


class WrittenNamespace(msgspec.Struct, kw_only=True, tag_field="type", tag="namespace", omit_defaults=True):
    name: str
    description: Raw | None = None
    tools: list[WrittenFunction | WrittenCustom]


WrittenTool = WrittenFunction | WrittenCustom | WrittenNamespace | Raw


class NamedTool(msgspec.Struct, kw_only=True):
    type: str
    name: str


class AllowedTools(msgspec.Struct, kw_only=True, tag_field="type", tag="allowed_tools"):
    mode: str
    tools: list[NamedTool]


class WrittenOutputFormat(msgspec.Struct, kw_only=True, omit_defaults=True):
    type: str
    name: str | None = None
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None


class WrittenTextConfig(msgspec.Struct, kw_only=True, omit_defaults=True):
    format: WrittenOutputFormat | None = None
    verbosity: str | None = None


class WrittenReasoningConfig(msgspec.Struct, kw_only=True, omit_defaults=True):
    effort: str | None = None
    summary: str | None = None


class WrittenCacheOptions(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    mode: str
    ttl: str | None = None


class WrittenConversation(msgspec.Struct, kw_only=True, gc=False):
    id: str


class WrittenBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    model: str
    instructions: str | Raw | None = None
    input: list[WrittenItem] | str | Raw | None = None
    previous_response_id: str | None = None
    conversation: str | WrittenConversation | None = None
    tools: list[WrittenTool] | None = None
    tool_choice: str | NamedTool | AllowedTools | Raw | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    text: WrittenTextConfig | None = None
    reasoning: WrittenReasoningConfig | None = None
    include: list[str | Raw] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: WrittenCacheOptions | None = None
    safety_identifier: str | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
