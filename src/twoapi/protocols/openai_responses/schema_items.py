"""The wire structs of items and their parts, in the vendor's names: as they are read, and as they are written."""

# The vendor's names say what each struct is.
# ruff: noqa: D101

import msgspec
from msgspec import Raw, field

from twoapi.wire.json import EMPTY

# --- read: input items and output items, which have the same shapes --------------------------------


class EasyMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    role: str
    content: Raw = EMPTY
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class Message(EasyMessage, kw_only=True, tag_field="type", tag="message", forbid_unknown_fields=True):
    pass


class ReasoningText(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: str
    text: Raw


class Reasoning(msgspec.Struct, kw_only=True, tag_field="type", tag="reasoning", forbid_unknown_fields=True):
    id: str | None = None
    summary: list[ReasoningText] | None = None
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    status: str | None = None


class FunctionCall(msgspec.Struct, kw_only=True, tag_field="type", tag="function_call", forbid_unknown_fields=True):
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None
    namespace: str | None = None
    caller: Raw = EMPTY
    asynchronous: Raw = field(default=EMPTY, name="async")


class CustomCall(msgspec.Struct, kw_only=True, tag_field="type", tag="custom_tool_call", forbid_unknown_fields=True):
    call_id: str
    name: str
    input: str
    id: str | None = None
    status: str | None = None
    namespace: str | None = None
    caller: Raw = EMPTY
    asynchronous: Raw = field(default=EMPTY, name="async")


class FunctionOutput(
    msgspec.Struct, kw_only=True, tag_field="type", tag="function_call_output", forbid_unknown_fields=True
):
    output: Raw
    call_id: str | None = None
    id: str | None = None
    status: str | None = None
    name: Raw = EMPTY
    namespace: Raw = EMPTY
    caller: Raw = EMPTY


class CustomOutput(
    msgspec.Struct, kw_only=True, tag_field="type", tag="custom_tool_call_output", forbid_unknown_fields=True
):
    output: Raw
    call_id: str | None = None
    id: str | None = None
    status: str | None = None
    name: Raw = EMPTY
    namespace: Raw = EMPTY
    caller: Raw = EMPTY


class Compaction(msgspec.Struct, kw_only=True, tag_field="type", tag="compaction", forbid_unknown_fields=True):
    encrypted_content: str
    id: str | None = None


Known = Message | Reasoning | FunctionCall | CustomCall | FunctionOutput | CustomOutput | Compaction
KNOWN: tuple[type[Known], ...] = (
    Message,
    Reasoning,
    FunctionCall,
    CustomCall,
    FunctionOutput,
    CustomOutput,
    Compaction,
)


class CacheBreakpoint(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    mode: str | None = None
    ttl: str | None = None


class InputText(
    msgspec.Struct, kw_only=True, tag_field="type", tag="input_text", omit_defaults=True, forbid_unknown_fields=True
):
    text: Raw
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputImage(
    msgspec.Struct, kw_only=True, tag_field="type", tag="input_image", omit_defaults=True, forbid_unknown_fields=True
):
    detail: str | None = None
    image_url: str | None = None
    file_id: str | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class InputFile(
    msgspec.Struct, kw_only=True, tag_field="type", tag="input_file", omit_defaults=True, forbid_unknown_fields=True
):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class AudioData(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    data: str
    format: str


class InputAudio(msgspec.Struct, kw_only=True, tag_field="type", tag="input_audio", forbid_unknown_fields=True):
    input_audio: AudioData


class OutputText(msgspec.Struct, kw_only=True, tag_field="type", tag="output_text", forbid_unknown_fields=True):
    text: Raw
    annotations: Raw = EMPTY
    logprobs: Raw = EMPTY


class RefusalPart(msgspec.Struct, kw_only=True, tag_field="type", tag="refusal", forbid_unknown_fields=True):
    refusal: Raw


ContentPart = InputText | InputImage | InputFile | InputAudio | OutputText | RefusalPart
PART_KINDS: tuple[type[ContentPart], ...] = (InputText, InputImage, InputFile, InputAudio, OutputText, RefusalPart)


class AnyItem(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Any input item of a known type, or a message without one, as nearly all are: what each may have of these
    members is for the reader to see.
    """

    type: str | None = None
    role: str | None = None
    content: str | list[ContentPart] | None = None
    id: str | None = None
    status: str | None = None
    phase: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    namespace: str | None = None
    output: Raw = EMPTY
    summary: list[ReasoningText] | None = None
    encrypted_content: str | None = None


class Logprob(msgspec.Struct, kw_only=True, gc=False):
    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list["Logprob"] | None = None


class Annotation(msgspec.Struct, kw_only=True, gc=False):
    """Any of the four kinds; `index` is where in the text a file is cited."""

    type: str
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    file_id: str | None = None
    filename: str | None = None
    index: int | None = None


# --- written: a member left at its default is not -------------------------------------------------


class UrlCitation(msgspec.Struct, kw_only=True, tag_field="type", tag="url_citation", gc=False):
    start_index: int
    end_index: int
    url: str
    title: str


class FileCitation(msgspec.Struct, kw_only=True, tag_field="type", tag="file_citation", gc=False):
    index: int
    file_id: str
    filename: str


class WrittenTop(msgspec.Struct, kw_only=True, gc=False):
    token: str
    logprob: float
    bytes: list[int]


class WrittenLogprob(msgspec.Struct, kw_only=True):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[WrittenTop]


class WrittenInput(msgspec.Struct, kw_only=True, tag_field="type", tag="input_text"):
    text: str | Raw


class WrittenText(msgspec.Struct, kw_only=True, tag_field="type", tag="output_text", omit_defaults=True):
    """`annotations` is always written: the vendor's SDKs need it."""

    text: str | Raw
    annotations: list[UrlCitation | FileCitation | Raw] | Raw
    logprobs: list[WrittenLogprob] | Raw | None = None


class WrittenRefusal(msgspec.Struct, kw_only=True, tag_field="type", tag="refusal"):
    refusal: str | Raw


WrittenPart = WrittenInput | WrittenText | WrittenRefusal | InputText | InputImage | InputFile | InputAudio | Raw


class WrittenMessage(msgspec.Struct, kw_only=True, tag_field="type", tag="message", omit_defaults=True):
    id: str | None = None
    status: str | None = None
    role: str
    content: list[WrittenPart] | str | Raw
    phase: str | None = None


class WrittenSummary(msgspec.Struct, kw_only=True, tag_field="type", tag="summary_text"):
    text: str | Raw


class WrittenReasoningText(msgspec.Struct, kw_only=True, tag_field="type", tag="reasoning_text"):
    text: str | Raw


class WrittenReasoning(msgspec.Struct, kw_only=True, tag_field="type", tag="reasoning", omit_defaults=True):
    id: str | None = None
    summary: list[WrittenSummary]
    content: list[WrittenReasoningText] | None = None
    encrypted_content: str | None = None
    status: str | None = None


class WrittenCall(msgspec.Struct, kw_only=True, tag_field="type", tag="function_call", omit_defaults=True):
    id: str | None = None
    status: str | None = None
    call_id: str
    name: str
    arguments: str
    namespace: str | None = None


class WrittenCustomCall(msgspec.Struct, kw_only=True, tag_field="type", tag="custom_tool_call", omit_defaults=True):
    id: str | None = None
    status: str | None = None
    call_id: str
    name: str
    input: str
    namespace: str | None = None


class WrittenOutput(msgspec.Struct, kw_only=True, tag_field="type", tag="function_call_output", omit_defaults=True):
    id: str | None = None
    status: str | None = None
    call_id: str | None = None
    output: list[WrittenPart] | str | Raw


class WrittenCustomOutput(
    msgspec.Struct, kw_only=True, tag_field="type", tag="custom_tool_call_output", omit_defaults=True
):
    id: str | None = None
    status: str | None = None
    call_id: str | None = None
    output: list[WrittenPart] | str | Raw


class WrittenCompaction(msgspec.Struct, kw_only=True, tag_field="type", tag="compaction", omit_defaults=True):
    id: str | None = None
    encrypted_content: str


WrittenItem = (
    WrittenMessage
    | WrittenReasoning
    | WrittenCall
    | WrittenCustomCall
    | WrittenOutput
    | WrittenCustomOutput
    | WrittenCompaction
    | Raw
)
