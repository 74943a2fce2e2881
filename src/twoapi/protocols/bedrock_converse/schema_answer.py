"""The members of answers: whole ones and the events of streams."""

from msgspec import Raw, Struct

from twoapi.wire.json import EMPTY


class ToolUse(Struct, rename="camel"):
    """A call; of type `server_tool_use` when the service itself runs the tool."""

    tool_use_id: str = ""
    name: str = ""
    input: Raw = EMPTY
    type: str | None = None


class ReasoningText(Struct):
    """Reasoning in words."""

    text: str = ""
    signature: str | None = None


class ReasoningContent(Struct, rename="camel"):
    """One of the two."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class CitedText(Struct):
    """A piece of a cited text."""

    text: str = ""


class CitationsContent(Struct):
    """A text with what it rests on."""

    content: list[CitedText] = []
    citations: list[Raw] = []


class ImageSource(Struct):
    """The bytes of an image, as base64."""

    bytes: str = ""


class Image(Struct):
    """An image that the model made."""

    format: str = ""
    source: ImageSource | None = None


class Block(Struct, rename="camel"):
    """A piece of a message: one of these members."""

    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: ReasoningContent | None = None
    citations_content: CitationsContent | None = None
    image: Image | None = None
    tool_result: Raw = EMPTY


class Message(Struct):
    """What the model says."""

    content: list[Block] = []
    role: str = "assistant"


class Output(Struct):
    """Holds the message."""

    message: Message | None = None


class CacheDetail(Struct, rename="camel"):
    """The tokens written to a cache of one lifetime."""

    ttl: str = ""
    input_tokens: int = 0


class Usage(Struct, rename="camel"):
    """Token counts; the input leaves out what was read from a cache or written to it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None


class Tier(Struct):
    """The service tier that answered."""

    type: str | None = None


class Answer(Struct, rename="camel"):
    """A whole answer."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: Usage | None = None
    service_tier: Tier | None = None
    additional_model_response_fields: Raw = EMPTY
    metrics: Raw = EMPTY
    trace: Raw = EMPTY
    performance_config: Raw = EMPTY


# Members that the canonical model does not hold, by their names here.
UNMODELLED = {
    "additional_model_response_fields": "additionalModelResponseFields",
    "metrics": "metrics",
    "trace": "trace",
    "performance_config": "performanceConfig",
}


# --- Events. Unknown members are left out: the service pads events with some.


class ReasoningDelta(Struct, rename="camel"):
    """One of the three."""

    text: str | None = None
    redacted_content: str | None = None
    signature: str | None = None


class ToolUseDelta(Struct):
    """A fragment of a call's JSON."""

    input: str = ""


class Delta(Struct, rename="camel"):
    """One of these members."""

    text: str | None = None
    tool_use: ToolUseDelta | None = None
    reasoning_content: ReasoningDelta | None = None
    citation: Raw = EMPTY
    image: Image | None = None
    tool_result: list[Raw] | None = None


class BlockDelta(Struct, rename="camel"):
    """contentBlockDelta."""

    content_block_index: int = 0
    delta: Delta | None = None


class Start(Struct, rename="camel"):
    """What kind of block begins."""

    tool_use: ToolUse | None = None
    image: Image | None = None
    tool_result: Raw = EMPTY


class BlockStart(Struct, rename="camel"):
    """contentBlockStart."""

    content_block_index: int = 0
    start: Start | None = None


class BlockStop(Struct, rename="camel"):
    """contentBlockStop."""

    content_block_index: int = 0


class MessageStop(Struct, rename="camel"):
    """messageStop."""

    stop_reason: str | None = None
    additional_model_response_fields: Raw = EMPTY


class Metadata(Struct, rename="camel"):
    """metadata, the last event."""

    usage: Usage | None = None
    service_tier: Raw = EMPTY
    metrics: Raw = EMPTY
    trace: Raw = EMPTY
    performance_config: Raw = EMPTY
