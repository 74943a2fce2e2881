"""The wire types of Anthropic Messages, in the vendor's own names.

The structs are strict: a field or a block type that they do not list fails the decoding. `lenient` then takes such
members out of the body (they go on in `extras`) and wraps such objects in `OpaqueBlock` or `Tool.opaque`, so that one
set of types serves both. `Raw` is for what is only moved, and for texts, which stay the JSON that the sender wrote.
The collector of cycles need not know of these trees (gc=False): they live as long as one decoding.
"""

from msgspec import Raw, Struct, field

from twoapi.wire.json import EMPTY

NAME = "anthropic-messages"
WRAPPED = "twoapi:wrapped"  # never sent: the tag and the member by which lenient.py hides what the types do not know


class CacheControl(Struct, forbid_unknown_fields=True, gc=False):
    """A prompt-cache breakpoint."""

    type: str = "ephemeral"
    ttl: str | None = None


class Block(Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """What all content blocks share."""

    cache_control: CacheControl | None = None


class TextBlock(Block, tag="text", kw_only=True):
    """`text` is a JSON string; citations are decoded one by one, since their types are open."""

    text: Raw
    citations: list[Raw] | None = None


class Base64Source(Struct, tag_field="type", tag="base64", forbid_unknown_fields=True):
    """Bytes of an image or a PDF."""

    media_type: str
    data: str


class UrlSource(Struct, tag_field="type", tag="url", forbid_unknown_fields=True):
    """An image or a PDF that the service fetches."""

    url: str


class FileSource(Struct, tag_field="type", tag="file", forbid_unknown_fields=True):
    """A file that was uploaded before."""

    file_id: str


class TextSource(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    """A plain text document."""

    data: str
    media_type: str = "text/plain"


class ImageBlock(Block, tag="image", kw_only=True):
    """An image."""

    source: Base64Source | UrlSource | FileSource
    transformations: Raw = EMPTY


class ContentSource(Struct, tag_field="type", tag="content", forbid_unknown_fields=True):
    """A document made of blocks."""

    content: str | list[TextBlock | ImageBlock]


class CitationsConfig(Struct, forbid_unknown_fields=True):
    """Whether a document may be cited."""

    enabled: bool | None = None


class DocumentBlock(Block, tag="document", kw_only=True):
    """A PDF or a text."""

    source: Base64Source | UrlSource | FileSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    citations: CitationsConfig | None = None


class SearchResultBlock(Block, tag="search_result", kw_only=True):
    """A search hit of the client's own search."""

    source: str
    title: str
    content: list[TextBlock]
    citations: CitationsConfig | None = None


class ThinkingBlock(Block, tag="thinking", kw_only=True):
    """Reasoning; an empty `thinking` with a signature is state that must come back."""

    thinking: Raw
    signature: str = ""


class RedactedThinkingBlock(Block, tag="redacted_thinking", kw_only=True):
    """Sealed reasoning."""

    data: str


class ToolUseBlock(Block, tag="tool_use", kw_only=True):
    """A call of a client's tool; `input` is an object."""

    id: str
    name: str
    input: Raw
    caller: Raw = EMPTY
    toolset_name: Raw = EMPTY


class OpaqueBlock(Struct, tag_field="type", tag=WRAPPED, gc=False):
    """A block of a type that is not in these unions: server tools, and types of a later day."""

    raw: Raw


class ToolResultBlock(Block, tag="tool_result", kw_only=True):
    """The answer to a call."""

    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | OpaqueBlock] | None = None
    is_error: bool | None = None
    toolset_name: Raw = EMPTY


AnyBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | OpaqueBlock
)


class Message(Struct, forbid_unknown_fields=True, gc=False):
    """One turn."""

    role: str
    content: str | list[AnyBlock]


class Tool(Struct, forbid_unknown_fields=True, gc=False):
    """A client's tool; one with a type of the vendor's (`bash_20250124`, `web_search_20260318` ...) is in `opaque`."""

    name: str = ""
    description: Raw = EMPTY
    input_schema: Raw = EMPTY
    strict: bool | None = None
    input_examples: list[Raw] | None = None
    cache_control: CacheControl | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None
    eager_input_streaming: bool | None = None
    type: str | None = None
    opaque: Raw = field(default=EMPTY, name=WRAPPED)


class ToolChoice(Struct, forbid_unknown_fields=True):
    """auto, any, tool (with `name`) or none."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct, forbid_unknown_fields=True):
    """enabled (with a budget), adaptive, between_tools or disabled."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(Struct, forbid_unknown_fields=True):
    """The form of a structured answer."""

    type: str
    schema: Raw = EMPTY


class OutputConfig(Struct, forbid_unknown_fields=True):
    """Effort and form of the answer."""

    effort: str | None = None
    format: OutputFormat | None = None
    task_budget: Raw = EMPTY


class Metadata(Struct, forbid_unknown_fields=True):
    """Who the end user is, as an opaque id."""

    user_id: str | None = None


class Thread(Struct, forbid_unknown_fields=True):
    """Server-held conversation (beta)."""

    type: str
    previous_message_id: str | None = None


class MessagesRequest(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """POST /v1/messages and /v1/messages/count_tokens, without what only beta services take."""

    model: str
    max_tokens: int | None = None
    system: str | list[TextBlock | OpaqueBlock] | None = None
    messages: list[Message]
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None
    cache_control: CacheControl | None = None
    thread: Thread | None = None


class BetaRequest(MessagesRequest, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The same for a client that names betas, with the fields that then are usual and that travel in extras.

    They are listed only so that they do not slow the decoding down.
    """

    container: Raw = EMPTY
    context_management: Raw = EMPTY
    mcp_servers: Raw = EMPTY
    inference_geo: Raw = EMPTY
    speed: Raw = EMPTY
    diagnostics: Raw = EMPTY
    fallbacks: Raw = EMPTY
    compaction: Raw = EMPTY
    billing_policy: Raw = EMPTY
    fallback_credit_token: Raw = EMPTY
    user_profile_id: Raw = EMPTY
    workspace_id: Raw = EMPTY
    output_format: Raw = EMPTY


UNMODELLED = tuple(name for name in BetaRequest.__struct_fields__ if name not in MessagesRequest.__struct_fields__)


class CacheCreation(Struct, forbid_unknown_fields=True):
    """The split of cache writes."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(Struct, forbid_unknown_fields=True):
    """The split of the output."""

    thinking_tokens: int | None = None


class Usage(Struct, forbid_unknown_fields=True, gc=False):
    """`input_tokens` is without cache reads and writes, `output_tokens` with thinking."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: dict[str, int | None] | None = None
    service_tier: str | None = None
    inference_geo: Raw = EMPTY
    speed: Raw = EMPTY
    iterations: Raw = EMPTY


USAGE_UNMODELLED = ("inference_geo", "speed", "iterations")


class MessageAnswer(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The answer, also inside `message_start`."""

    content: list[TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock | OpaqueBlock]
    id: str | None = None
    type: str | None = None
    role: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Raw = EMPTY
    usage: Usage | None = None
    container: Raw = EMPTY
    context_management: Raw = EMPTY
    diagnostics: Raw = EMPTY
    input_transformations: Raw = EMPTY


ANSWER_UNMODELLED = ("container", "context_management", "diagnostics", "input_transformations")


class StreamDelta(Struct, gc=False):
    """`delta` of any stream event: which members are set follows from the event's and the delta's type."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: Raw = EMPTY
    content: Raw = EMPTY
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Raw = EMPTY
    container: Raw = EMPTY


class StreamEvent(Struct, gc=False):
    """Any event of a stream; one flat struct decodes faster than a union of them."""

    type: str = ""
    index: int = 0
    delta: StreamDelta | None = None
    content_block: Raw = EMPTY
    message: Raw = EMPTY
    usage: Raw = EMPTY
    error: Raw = EMPTY
    context_management: Raw = EMPTY
    input_transformations: Raw = EMPTY
