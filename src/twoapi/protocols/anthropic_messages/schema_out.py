"""The wire structs that encoders of answers fill; a field left unset is not written."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

from msgspec import UNSET, Raw, Struct, UnsetType


class TextBlock(Struct, tag_field="type", tag="text", gc=False):
    text: str | Raw


class CacheCreation(Struct, gc=False):
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class OutputDetails(Struct, gc=False):
    thinking_tokens: int


class Usage(Struct, kw_only=True, gc=False):
    input_tokens: int
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    cache_creation: CacheCreation | UnsetType = UNSET
    output_tokens: int
    output_tokens_details: OutputDetails | UnsetType = UNSET
    server_tool_use: dict[str, int] | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET


class Message(Struct, kw_only=True, gc=False):
    id: str
    type: str = "message"
    role: str = "assistant"
    model: str
    content: list[TextBlock | Raw | dict[str, object]]
    stop_reason: str | None
    stop_sequence: str | None = None
    stop_details: object = UNSET
    usage: Usage
