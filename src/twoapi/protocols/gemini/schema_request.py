"""The wire types of a request, in the vendor's own names; what they do not list is in extras."""

from msgspec import Raw, Struct

from twoapi.protocols.gemini.parts import Content
from twoapi.wire.json import EMPTY


class FunctionDeclaration(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A client's function. `parameters` and `response` are the vendor's Schema, the other two JSON Schema."""

    name: str = ""
    description: Raw = EMPTY
    parameters: Raw = EMPTY
    parameters_json_schema: Raw = EMPTY
    response: Raw = EMPTY
    response_json_schema: Raw = EMPTY
    behavior: Raw = EMPTY


class Tool(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Functions, and tools that the vendor runs or defines: several may share one object."""

    function_declarations: list[FunctionDeclaration] | FunctionDeclaration | None = None
    google_search: Raw = EMPTY
    google_search_retrieval: Raw = EMPTY
    google_maps: Raw = EMPTY
    url_context: Raw = EMPTY
    code_execution: Raw = EMPTY
    computer_use: Raw = EMPTY
    file_search: Raw = EMPTY
    mcp_servers: Raw = EMPTY
    retrieval: Raw = EMPTY
    enterprise_web_search: Raw = EMPTY
    parallel_ai_search: Raw = EMPTY
    exa_ai_search: Raw = EMPTY


# Field -> member, of the tools that are not functions.
VENDOR_TOOLS = {
    name: spelled
    for name, spelled in zip(Tool.__struct_fields__, Tool.__struct_encode_fields__, strict=True)
    if name != "function_declarations"
}


class FunctionCallingConfig(Struct, rename="camel", forbid_unknown_fields=True):
    """Which functions the model may or must call."""

    mode: str | None = None
    allowed_function_names: list[str] | None = None
    stream_function_call_arguments: Raw = EMPTY


class ToolConfig(Struct, rename="camel", forbid_unknown_fields=True):
    """How tools are used."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Raw = EMPTY
    include_server_side_tool_invocations: Raw = EMPTY


class ThinkingConfig(Struct, rename="camel", forbid_unknown_fields=True):
    """How much the model thinks: a level or a budget (0 off, -1 as it likes); and whether its thoughts are shown."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationConfig(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """How the answer is made."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    response_mime_type: str | None = None
    response_schema: Raw = EMPTY
    response_json_schema: Raw = EMPTY
    response_modalities: list[str] | None = None
    thinking_config: ThinkingConfig | None = None
    response_format: Raw = EMPTY
    speech_config: Raw = EMPTY
    image_config: Raw = EMPTY
    media_resolution: Raw = EMPTY
    audio_timestamp: Raw = EMPTY
    audio_transcription_config: Raw = EMPTY
    translation_config: Raw = EMPTY
    routing_config: Raw = EMPTY
    model_config: Raw = EMPTY
    model_selection_config: Raw = EMPTY
    enable_affective_dialog: Raw = EMPTY
    enable_enhanced_civic_answers: Raw = EMPTY


class GenerateRequest(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, gc=False):
    """POST .../models/{model}:generateContent and :streamGenerateContent."""

    contents: list[Content] | Content
    system_instruction: Content | None = None
    tools: list[Tool] | Tool | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None
    safety_settings: Raw = EMPTY
    cached_content: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    labels: dict[str, str] | None = None
    model: Raw = EMPTY
    continuation_token: Raw = EMPTY
    model_armor_config: Raw = EMPTY
    output_config: Raw = EMPTY


def _unmodelled(kind: type[Struct], names: str) -> dict[str, str]:
    spelled = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    return {name: spelled[name] for name in names.split()}


# Fields that are listed only so that they do not slow the decoding down; they travel in extras.
UNMODELLED = _unmodelled(GenerateRequest, "model continuation_token model_armor_config output_config")
UNMODELLED_CONFIG = _unmodelled(
    GenerationConfig,
    "speech_config image_config media_resolution audio_timestamp audio_transcription_config translation_config "
    "routing_config model_config model_selection_config enable_affective_dialog enable_enhanced_civic_answers",
)
UNMODELLED_TOOLS = _unmodelled(ToolConfig, "retrieval_config include_server_side_tool_invocations")
