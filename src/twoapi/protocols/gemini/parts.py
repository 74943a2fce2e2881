"""The wire types of Content and Part, in the vendor's own names, and what one part means: shared by both halves.

The structs are strict and camelCase; `spelling.loosen` makes a body of either spelling, or with members of a later
day, fit for them. `Raw` is for what is only moved, and for texts, which stay the JSON that the sender wrote.
"""

from operator import attrgetter
from typing import Literal

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.sealing import from_base64
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, encode, fields, first_byte, is_null

Wire = dict[str, object]
Extras = dict[str, Raw]

# Base64 of what begins with ir.ENVELOPE_PREFIX: the carrier of sealed state is `bytes` on this wire.
SEAL_MARK = b"dHcxL"

_URLSAFE = str.maketrans("-_", "+/")
_STRING, _OBJECT = 34, 123
HELD = ("https://generativelanguage.googleapis.com/", "gs://", "files/")  # where only the vendor itself can read


class Blob(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Bytes in the request itself."""

    mime_type: str = ""
    data: str = ""
    display_name: str | None = None


class FileData(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A file by its URI."""

    file_uri: str = ""
    mime_type: str | None = None
    display_name: str | None = None


class FunctionCall(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A call; `args` is an object. The last two only when arguments are streamed (Vertex)."""

    name: str = ""
    id: str | None = None
    args: Raw = EMPTY
    partial_args: Raw = EMPTY
    will_continue: Raw = EMPTY


class FunctionResponsePart(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Media of a result."""

    inline_data: Blob | None = None
    file_data: FileData | None = None
    media_processing: Raw = EMPTY
    media_resolution: Raw = EMPTY
    video_metadata: Raw = EMPTY
    document_metadata: Raw = EMPTY
    spreadsheet_metadata: Raw = EMPTY
    audio_metadata: Raw = EMPTY


class FunctionResponse(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The answer to a call; `response` is an object."""

    name: str = ""
    id: str | None = None
    response: Raw = EMPTY
    parts: list[FunctionResponsePart] | FunctionResponsePart | None = None
    will_continue: Raw = EMPTY
    scheduling: Raw = EMPTY


class Part(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One piece of a turn: exactly one of the members of data, and what modifies it."""

    text: Raw = EMPTY
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    executable_code: Raw = EMPTY
    code_execution_result: Raw = EMPTY
    tool_call: Raw = EMPTY
    tool_response: Raw = EMPTY
    video_metadata: Raw = EMPTY
    media_resolution: Raw = EMPTY
    media_processing: Raw = EMPTY
    part_metadata: Raw = EMPTY
    audio_transcription: Raw = EMPTY
    speech_metadata: Raw = EMPTY
    document_metadata: Raw = EMPTY
    spreadsheet_metadata: Raw = EMPTY
    audio_metadata: Raw = EMPTY


dressing = attrgetter(*(name for name in Part.__struct_fields__ if name != "text"))
BARE = dressing(Part())  # the dressing of a part that is a text and nothing else


class Content(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One turn. A single part may stand without its list, as the vendor's own examples have it."""

    role: str | None = None
    parts: list[Part] | Part | None = None


# Members that say something of a part's data and that the canonical model does not hold; they travel in extras.
MODIFIERS = {
    "video_metadata": "videoMetadata",
    "media_processing": "mediaProcessing",
    "part_metadata": "partMetadata",
    "audio_transcription": "audioTranscription",
    "speech_metadata": "speechMetadata",
    "document_metadata": "documentMetadata",
    "spreadsheet_metadata": "spreadsheetMetadata",
    "audio_metadata": "audioMetadata",
}
_INNER_MODIFIERS = {name: MODIFIERS[name] for name in MODIFIERS if name in FunctionResponsePart.__struct_fields__}
# What the vendor's own tools left in the turn, and its name in the wire's spelling.
_SERVER_TOOLS = {
    "executable_code": "executableCode",
    "code_execution_result": "codeExecutionResult",
    "tool_call": "toolCall",
    "tool_response": "toolResponse",
}
_RESULTS = {"code_execution_result", "tool_response"}
_DETAILS = {
    "MEDIA_RESOLUTION_LOW": "low",
    "MEDIA_RESOLUTION_HIGH": "high",
    "MEDIA_RESOLUTION_ULTRA_HIGH": "original",
}
_KINDS: dict[str, Literal["image", "audio", "video"]] = {"image": "image", "audio": "audio", "video": "video"}
LEVELS = {detail: level for level, detail in _DETAILS.items()}


class _ServerHead(Struct, rename="camel"):
    """What can be told of a part of the vendor's own tools."""

    id: str | None = None
    tool_type: str | None = None
    language: str | None = None
    code: str | None = None
    output: str | None = None


class _Resolution(Struct, forbid_unknown_fields=True):
    level: str


_decode_head = decoder(_ServerHead)
_decode_resolution = decoder(_Resolution)


def listed(parts: list[Part] | Part | None) -> list[Part]:
    """The parts of a content; a single one may stand without its list."""
    return parts if isinstance(parts, list) else [] if parts is None else [parts]


def decode_part(part: Part, at: str, base: str, extras: Extras) -> ir.Part:
    """What a part means, but for a function response, which needs its call.

    `at` is the part's pointer in its message, `base` the message's. A call without an id has the id "". What the
    canonical model does not hold goes to `extras`. Raises WireError with a pointer.
    """
    seals = () if part.thought_signature is None else (opaque_of(part.thought_signature),)
    place = base + at
    for name, spelled in MODIFIERS.items():
        modifier = getattr(part, name)
        if modifier is not EMPTY:
            extras[f"{place}/{spelled}"] = modifier
    resolution = part.media_resolution
    if part.text is not EMPTY:
        made = _decode_text(part, at, place, seals)
    else:
        if part.thought:
            extras[f"{place}/thought"] = Raw(b"true")
        if part.function_call is not None:
            made = _decode_call(part.function_call, at, place, seals, extras)
        elif part.inline_data is not None or part.file_data is not None:
            media = decode_media(part.inline_data, part.file_data, at, base, extras)
            media.opaque = seals
            put_resolution(media, resolution, place, extras)
            return media
        else:
            made = _decode_server_tool(part, at, place, seals) or ir.Text(at=at, opaque=seals)
    if resolution is not EMPTY:
        extras[f"{place}/mediaResolution"] = resolution
    return made


def _decode_text(part: Part, at: str, place: str, seals: tuple[ir.Opaque, ...]) -> ir.Part:
    text = part.text
    if first_byte(text) != _STRING:
        raise WireError("expected a string", f"{place}/text")
    if part.thought:
        return ir.Reasoning(text=text, form="summary", at=at, opaque=seals)
    return ir.Text(text=text, at=at, opaque=seals)


def _decode_call(call: FunctionCall, at: str, place: str, seals: tuple[ir.Opaque, ...], extras: Extras) -> ir.ToolCall:
    where = f"{place}/functionCall"
    if not call.name:
        raise WireError("a function call needs a name", where)
    for spelled, value in (("partialArgs", call.partial_args), ("willContinue", call.will_continue)):
        if value is not EMPTY:
            extras[f"{where}/{spelled}"] = value
    arguments = "" if is_null(call.args) else bytes(call.args).decode()
    if arguments and first_byte(call.args) != _OBJECT:
        raise WireError("expected an object", f"{where}/args")
    return ir.ToolCall(id=call.id or "", name=call.name, arguments=arguments, at=at, opaque=seals)


def decode_media(blob: Blob | None, file: FileData | None, at: str, base: str, extras: Extras) -> ir.Media:
    """Bytes, or a file by its URI: one of the two is given."""
    place = base + at
    source: ir.Base64 | ir.FileId | ir.Url
    given: str | None
    if blob is not None:
        place += "/inlineData"
        if not blob.data:
            raise WireError("a blob needs data", place)
        given, name, source = blob.mime_type, blob.display_name, ir.Base64(standard_base64(blob.data))
    else:
        place += "/fileData"
        if file is None or not file.file_uri:
            raise WireError("a file needs its URI", place)
        given, name, uri = file.mime_type, file.display_name, file.file_uri
        source = ir.FileId(uri, NAME) if uri.startswith(HELD) else ir.Url(uri)
    mime = given.partition(";")[0].strip().lower() or None if given else None
    if given and mime != given:
        extras[f"{place}/mimeType"] = Raw(encode(given))  # with parameters: "audio/L16;rate=24000"
    return ir.Media(kind=_kind(mime), source=source, mime=mime, name=name, at=at)


def put_resolution(media: ir.Media, resolution: Raw, place: str, extras: Extras) -> None:
    """The detail of an image; a resolution that is none of those that others know goes to `extras`."""
    if resolution is EMPTY:
        return
    media.detail = _detail(resolution) if media.kind == "image" else None
    if media.detail is None:
        extras[f"{place}/mediaResolution"] = resolution


def _kind(mime: str | None) -> Literal["image", "audio", "video", "file"]:
    return _KINDS.get((mime or "").partition("/")[0], "file")


def _detail(resolution: Raw) -> str | None:
    try:
        return _DETAILS.get(_decode_resolution(resolution).level)
    except WireError:
        return None


def _decode_server_tool(part: Part, at: str, place: str, seals: tuple[ir.Opaque, ...]) -> ir.ServerTool | None:
    """A part of the vendor's own tools. `raw` is the part with its one member of data: {"executableCode": {...}}."""
    for name, spelled in _SERVER_TOOLS.items():
        raw: Raw = getattr(part, name)
        if raw is EMPTY:
            continue
        try:
            head = _decode_head(raw)
        except WireError as error:
            raise WireError(error.message, f"{place}/{spelled}") from None
        return ir.ServerTool(
            protocol=NAME,
            tool=(head.tool_type or spelled) if name in ("tool_call", "tool_response") else "codeExecution",
            phase="result" if name in _RESULTS else "call",
            id=head.id or "",
            raw=Raw(encode({spelled: raw})),
            text=_summary(head),
            at=at,
            opaque=seals,
        )
    return None


def _summary(head: _ServerHead) -> str:
    if head.code is not None:
        return f"```{(head.language or '').lower()}\n{head.code}\n```"
    return "" if head.output is None else f"```\n{head.output}\n```"


# --- Signatures and base64 -----------------------------------------------------------------------


def opaque_of(signature: str) -> ir.Opaque:
    """A thought signature as opaque state: of this protocol, or, when it carries sealed text of ours, unopened."""
    data = standard_base64(signature)
    if data.startswith(SEAL_MARK.decode()):
        # A damaged one stays closed too: nobody else's state begins like this.
        return ir.Opaque("other", from_base64(data) or ir.ENVELOPE_PREFIX, None)
    if signature.startswith(ir.ENVELOPE_PREFIX):
        return ir.Opaque("other", signature, None)
    return ir.Opaque("thought_signature", data, ir.Origin(NAME))


def signature_of(part: ir.Part) -> str | None:
    """The thought signature that this protocol's vendor itself made, None when there is none."""
    for opaque in part.opaque:
        if opaque.kind == "thought_signature" and (opaque.origin is None or opaque.origin.protocol == NAME):
            return None if opaque.data.startswith(ir.ENVELOPE_PREFIX) else opaque.data
    return None


def standard_base64(data: str) -> str:
    """Base64 in the standard alphabet with its padding: the vendor's own Python SDK writes the URL-safe one."""
    if "-" in data or "_" in data:
        data = data.translate(_URLSAFE)
    missing = -len(data) % 4
    return data + "=" * missing if missing else data


# --- Parts to the wire ---------------------------------------------------------------------------


def write_text(text: ir.JsonText, signature: str | None = None, *, thought: bool = False) -> Wire:
    """A part of words; `thought`: the model's thoughts."""
    part: Wire = {"text": text}
    if thought:
        part["thought"] = True
    if signature is not None:
        part["thoughtSignature"] = signature
    return part


def write_call(name: str, call_id: str | None, args: object, signature: str | None = None) -> Wire:
    """A function call; `args` a JSON object (Raw or dict), None when none were written."""
    call: Wire = {"name": name}
    if call_id:
        call["id"] = call_id
    if args is not None:
        call["args"] = args
    part: Wire = {"functionCall": call}
    if signature is not None:
        part["thoughtSignature"] = signature
    return part


def write_media(source: ir.Base64 | ir.Url | ir.FileId, mime: str | None, name: str | None = None) -> Wire:
    """Bytes, or a file by its URI."""
    member: Wire = {} if mime is None else {"mimeType": mime}
    if name is not None:
        member["displayName"] = name
    if isinstance(source, ir.Base64):
        return {"inlineData": {**member, "data": source.data}}
    return {"fileData": {**member, "fileUri": source.url if isinstance(source, ir.Url) else source.id}}


def write_server_tool(part: ir.ServerTool) -> Wire:
    """A part of the vendor's own tools, for its own protocol."""
    made: Wire = dict(fields(part.raw))
    signature = signature_of(part)
    if signature is not None:
        made["thoughtSignature"] = signature
    return made
