"""Media in the parts of items, both directions."""

from msgspec import Raw

from twoapi.ir import Base64, Blocks, CacheMark, FileId, Loss, Media, PlainText, Text, Url, plain
from twoapi.protocols.base import Capabilities
from twoapi.protocols.data_urls import decode_url, encode_url
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.name import NAME, refuse
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
_TTLS = {"5m": 300, "30m": 1800, "1h": 3600, "12h": 43200}
_DETAILS = frozenset({"low", "high", "auto", "original"})


def decode_mark(mark: wire.CacheBreakpoint | None) -> CacheMark | None:
    """The cache mark of a part."""
    return None if mark is None else CacheMark(_TTLS.get(mark.ttl) if mark.ttl else None)


def decode_audio(part: wire.InputAudio, at: str) -> Media:
    """Sound, always inline."""
    word = part.input_audio.format
    return Media(kind="audio", source=Base64(part.input_audio.data), mime=_MIMES.get(word) or f"audio/{word}", at=at)


def decode_image(part: wire.InputImage, at: str, place: str, extras: dict[str, Raw], here: str) -> Media:
    """An image, inline, by URL or by id; raises WireError (at `here`) when it has none of them."""
    mark = decode_mark(part.prompt_cache_breakpoint)
    if part.image_url is not None:
        if part.file_id is not None:
            extras[place + "/file_id"] = Raw(json.encode(part.file_id))
        source, mime = decode_url(part.image_url)
        return Media(kind="image", source=source, mime=mime, detail=part.detail, at=at, cache=mark)
    if part.file_id is None:
        raise WireError("an image needs image_url or file_id", here)
    return Media(kind="image", source=FileId(part.file_id, NAME), detail=part.detail, at=at, cache=mark)


def decode_file(part: wire.InputFile, at: str, place: str, extras: dict[str, Raw], here: str) -> Media:
    """A file, inline, by URL or by id; raises WireError (at `here`) when it has none of them."""
    source: Base64 | Url | FileId
    mime = None
    rest = {"file_id": part.file_id, "file_url": part.file_url, "detail": part.detail}
    if part.file_data is not None:
        source, mime = decode_url(part.file_data)
        if isinstance(source, Url):
            source = Base64(part.file_data)  # some clients leave the data-URL prefix out
    elif part.file_id is not None:
        source = FileId(part.file_id, NAME)
        rest["file_id"] = None
    elif part.file_url is not None:
        source = Url(part.file_url)
        rest["file_url"] = None
    else:
        raise WireError("a file needs file_data, file_id or file_url", here)
    for name, value in rest.items():
        if value is not None:
            extras[f"{place}/{name}"] = Raw(json.encode(value))
    mark = decode_mark(part.prompt_cache_breakpoint)
    return Media(kind="file", source=source, mime=mime, name=part.filename, at=at, cache=mark)


def encode_media(
    part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool
) -> list[wire.WrittenPart]:
    """The wire parts of one media part; raises FaultError for what this protocol cannot carry.

    `same`: the client spoke this protocol, and nothing is added to what it said.
    """
    match part.kind:
        case "image":
            return [_encode_image(part, path, capabilities, losses, same=same)]
        case "audio":
            return [_encode_audio(part, path, capabilities)]
        case "file":
            return _encode_file(part, path, capabilities, losses, same=same)
        case "video":
            raise refuse("video input cannot be sent to this upstream", path)


def _encode_image(
    part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool
) -> wire.InputImage:
    if not capabilities.images:
        raise refuse("this model takes no images", path)
    source = part.source
    detail = part.detail if same or part.detail in _DETAILS else "auto"
    if part.detail is not None and detail != part.detail:
        losses.append(Loss(path, "approximated", NAME, "no such detail of an image"))
    if isinstance(source, FileId):
        if source.protocol != NAME:
            raise refuse("an image of another service cannot be sent to this upstream", path)
        return wire.InputImage(file_id=source.id, detail=detail)
    if isinstance(source, Url):
        return wire.InputImage(image_url=source.url, detail=detail)
    if not isinstance(source, Base64):
        raise refuse("this image cannot be sent to this upstream", path)
    if part.mime is None:
        losses.append(Loss(path, "synthesized", NAME, "the image has no media type; sent as image/png"))
    return wire.InputImage(image_url=encode_url(source.data, part.mime or "image/png"), detail=detail)


def _encode_audio(part: Media, path: str, capabilities: Capabilities) -> wire.InputAudio:
    if not capabilities.audio:
        raise refuse("this model takes no audio", path)
    source, mime = part.source, part.mime or ""
    if not isinstance(source, Base64):
        raise refuse("audio can only be sent inline to this upstream", path)
    word = _FORMATS.get(mime)
    if word is None:
        raise refuse(f"audio of type {mime or 'unknown'} cannot be sent to this upstream: wav and mp3 can", path)
    return wire.InputAudio(input_audio=wire.AudioData(data=source.data, format=word))


def _encode_file(
    part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool
) -> list[wire.WrittenPart]:
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
        return [wire.InputFile(file_id=source.id, filename=part.name)]
    if part.context:
        losses.append(Loss(path + "/context", "dropped", NAME, "no context of a document"))
    if isinstance(source, Url):
        if part.title and not part.name:
            losses.append(Loss(path + "/title", "dropped", NAME, "no title of a document by URL"))
        return [wire.InputFile(file_url=source.url, filename=part.name)]
    return [_encode_data(part, source, path, losses, same=same)]


def _encode_data(part: Media, source: Base64, path: str, losses: list[Loss], *, same: bool) -> wire.InputFile:
    mime = part.mime or "application/pdf"
    name = part.name if same else part.name or part.title
    if not name and not same:
        name = "document" + _EXTENSIONS.get(mime, "")
        losses.append(Loss(path, "synthesized", NAME, f"the file has no name; sent as {name}"))
    data = source.data if same and part.mime is None else encode_url(source.data, mime)
    return wire.InputFile(filename=name, file_data=data)


def _encode_blocks(
    part: Media, source: Blocks, path: str, capabilities: Capabilities, losses: list[Loss]
) -> list[wire.WrittenPart]:
    encoded: list[wire.WrittenPart] = []
    if part.title or part.context:
        encoded.append(_document_text(part, [], path, losses))
    else:
        losses.append(Loss(path, "emulated", NAME, "the document is sent as its parts"))
    for inner in source.parts:
        if isinstance(inner, Text):
            encoded.append(wire.InputText(text=as_raw(plain(inner.text))))
        else:
            encoded += encode_media(inner, path + inner.at, capabilities, losses, same=False)
    return encoded


def _document_text(part: Media, texts: list[str], path: str, losses: list[Loss]) -> wire.InputText:
    losses.append(Loss(path, "emulated", NAME, "the document is sent as text"))
    header = "\n".join(line for line in (part.title or part.name, part.context) if line)
    return wire.InputText(text=as_raw("\n\n".join([header, *texts] if header else texts)))


def as_raw(text: str | Raw) -> Raw:
    """A text as its JSON spelling."""
    return text if isinstance(text, Raw) else Raw(json.encode(text))
