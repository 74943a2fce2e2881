"""Media: data URLs (RFC 2397) and the parts that carry them, both directions."""

import base64
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw

from twoapi.ir import Base64, Blocks, CacheMark, FileId, Loss, Media, Part, PlainText, Refusal, Text, Url, plain
from twoapi.protocols.base import Capabilities
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError

_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
_MIMES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_EXTENSIONS = {"application/pdf": ".pdf", "text/plain": ".txt", "text/markdown": ".md", "text/csv": ".csv"}


def decode_text(part: wire.TextPart, at: str) -> Part:
    """The text of a turn."""
    return Text(text=part.text, at=at, cache=decode_mark(part.prompt_cache_breakpoint))


def decode_refusal(part: wire.RefusalPart, at: str) -> Part:
    """The model's own refusal, in the history."""
    return Refusal(text=part.refusal, at=at)


def decode_image(part: wire.ImagePart, at: str) -> Part:
    """An image, inline or by URL."""
    source, mime = decode_url(part.image_url.url)
    mark = decode_mark(part.prompt_cache_breakpoint)
    return Media(kind="image", source=source, mime=mime, detail=part.image_url.detail, at=at, cache=mark)


def decode_audio(part: wire.AudioPart, at: str) -> Part:
    """Sound, always inline."""
    word = part.input_audio.format
    return Media(
        kind="audio",
        source=Base64(part.input_audio.data),
        mime=_MIMES.get(word) or f"audio/{word}",
        at=at,
        cache=decode_mark(part.prompt_cache_breakpoint),
    )


def decode_file(part: wire.FilePart, at: str) -> Part:
    """A file, inline or by id. Raises WireError when it has neither."""
    file, mark = part.file, decode_mark(part.prompt_cache_breakpoint)
    if file.file_data is not None:
        source, mime = decode_url(file.file_data)
        if isinstance(source, Url) and ":" not in file.file_data[:16]:
            source = Base64(file.file_data)  # some clients leave the data-URL prefix out
        return Media(kind="file", source=source, mime=mime, name=file.filename, at=at, cache=mark)
    if file.file_id is not None:
        return Media(kind="file", source=FileId(file.file_id, NAME), name=file.filename, at=at, cache=mark)
    raise WireError("a file part needs file_data or file_id")


def decode_url(url: str) -> tuple[Base64 | Url, str | None]:
    """The source that a URL means, and its media type when it is a data URL."""
    if url[:5].lower() != "data:":
        return Url(url), None
    head, comma, data = url[5:].partition(",")
    if not comma:
        return Url(url), None
    mime, *parameters = head.split(";")
    if not (parameters and parameters[-1].strip().lower() == "base64"):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    elif "%" in data:
        data = unquote_to_bytes(data).decode("latin-1")
    return Base64(data), mime.strip().lower() or "text/plain"


_TTLS = {"5m": 300, "30m": 1800, "1h": 3600, "12h": 43200}


def decode_mark(mark: wire.CacheBreakpoint | None) -> CacheMark | None:
    """The cache mark of a part."""
    if mark is None:
        return None
    return CacheMark(_TTLS.get(mark.ttl) if mark.ttl else None)


def encode_media(
    part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool = False
) -> list[wire.ContentPart]:
    """The wire parts of one media part; raises FaultError for what this protocol cannot carry.

    `same`: the client spoke this protocol, and nothing is added to what it said.
    """
    match part.kind:
        case "image":
            return [_encode_image(part, path, capabilities, losses)]
        case "audio":
            return [_encode_audio(part, path, capabilities)]
        case "file":
            return _encode_file(part, path, capabilities, losses, same=same)
        case "video":
            raise refuse("video input cannot be sent to this upstream", path)


def _encode_image(part: Media, path: str, capabilities: Capabilities, losses: list[Loss]) -> wire.ContentPart:
    if not capabilities.images:
        raise refuse("this model takes no images", path)
    source = part.source
    if isinstance(source, Base64):
        url = f"data:{part.mime or 'image/png'};base64,{source.data}"
        if part.mime is None:
            losses.append(Loss(path, "synthesized", NAME, "the image has no media type; sent as image/png"))
    elif isinstance(source, Url):
        url = source.url
    else:
        raise refuse("an image by file id cannot be sent to this upstream", path)
    return wire.ImagePart(image_url=wire.ImageUrl(url=url, detail=part.detail))


def _encode_audio(part: Media, path: str, capabilities: Capabilities) -> wire.ContentPart:
    if not capabilities.audio:
        raise refuse("this model takes no audio", path)
    source, mime = part.source, part.mime or ""
    if not isinstance(source, Base64):
        raise refuse("audio can only be sent inline to this upstream", path)
    word = _FORMATS.get(mime)
    if word is None:
        raise refuse(f"audio of type {mime or 'unknown'} cannot be sent to this upstream: wav and mp3 can", path)
    return wire.AudioPart(input_audio=wire.InputAudio(data=source.data, format=word))


def _encode_file(
    part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool
) -> list[wire.ContentPart]:
    source = part.source
    if part.want_citations:
        losses.append(Loss(path + "/citations", "unsupported", NAME, "no citations of documents"))
    if isinstance(source, PlainText):
        return [_document_text(part, [source.text], path, losses)]
    if isinstance(source, Blocks):
        return _encode_blocks(part, source, path, capabilities, losses)
    if not capabilities.documents:
        raise refuse("this model takes no documents", path)
    if isinstance(source, FileId):
        if source.protocol != NAME:
            raise refuse("a file of another service cannot be sent to this upstream", path)
        return [wire.FilePart(file=wire.FileData(file_id=source.id, filename=part.name))]
    if isinstance(source, Url):
        raise refuse("a file by URL cannot be sent to this upstream", path)
    if part.context:
        losses.append(Loss(path + "/context", "dropped", NAME, "no context of a document"))
    mime = part.mime or "application/pdf"
    name = part.name if same else part.name or part.title
    if not name and not same:
        name = "document" + _EXTENSIONS.get(mime, "")
        losses.append(Loss(path, "info", NAME, f"the file has no name; sent as {name}"))
    data = f"data:{mime};base64,{source.data}"
    return [wire.FilePart(file=wire.FileData(filename=name, file_data=data))]


def _encode_blocks(
    part: Media, source: Blocks, path: str, capabilities: Capabilities, losses: list[Loss]
) -> list[wire.ContentPart]:
    encoded: list[wire.ContentPart] = []
    if part.title or part.context:
        encoded.append(_document_text(part, [], path, losses))
    else:
        losses.append(Loss(path, "emulated", NAME, "the document is sent as its parts"))
    for inner in source.parts:
        if isinstance(inner, Text):
            encoded.append(wire.TextPart(text=as_raw(plain(inner.text))))
        else:
            encoded += encode_media(inner, path + inner.at, capabilities, losses)
    return encoded


def _document_text(part: Media, texts: list[str], path: str, losses: list[Loss]) -> wire.TextPart:
    losses.append(Loss(path, "emulated", NAME, "the document is sent as text"))
    header = "\n".join(line for line in (part.title or part.name, part.context) if line)
    return wire.TextPart(text=as_raw("\n\n".join([header, *texts] if header else texts)))


def as_raw(text: str | Raw) -> Raw:
    """A text as its JSON spelling."""
    return text if isinstance(text, Raw) else Raw(json.encode(text))


decode_content_parts = msgspec.json.Decoder(list[wire.ContentPart]).decode
