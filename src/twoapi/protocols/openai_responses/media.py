"""Media in the parts of items, both directions."""

from msgspec import Raw

from twoapi.ir import Base64, FileId, Loss, Media, Url
from twoapi.protocols import openai_media
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.data_urls import decode_url
from twoapi.protocols.openai_media import Target, decode_mark, decode_sound, image_url
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.name import NAME, refuse
from twoapi.protocols.url_media import not_fetched
from twoapi.wire import json
from twoapi.wire.errors import WireError

_DETAILS = frozenset({"low", "high", "auto", "original"})


def decode_audio(part: wire.InputAudio, at: str) -> Media:
    """Sound, always inline."""
    return decode_sound(part.input_audio.data, part.input_audio.format, at)


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
    return openai_media.encode_media(_TARGET, part, path, capabilities, losses, same=same)


def _text(text: Raw) -> wire.WrittenPart:
    return wire.InputText(text=text)


def _sound(data: str, word: str) -> wire.WrittenPart:
    return wire.InputAudio(input_audio=wire.AudioData(data=data, format=word))


def _image(part: Media, path: str, capabilities: Capabilities, losses: list[Loss], same: bool) -> wire.WrittenPart:  # noqa: FBT001  as Target has it
    source = part.source
    detail = part.detail if same or part.detail in _DETAILS else "auto"
    if part.detail is not None and detail != part.detail:
        losses.append(Loss(path, "approximated", NAME, "no such detail of an image"))
    if isinstance(source, FileId):
        if source.protocol != NAME:
            raise refuse("an image of another service cannot be sent to this upstream", path)
        return wire.InputImage(file_id=source.id, detail=detail)
    if isinstance(source, Url):
        if not same and not capabilities.url_media:
            raise not_fetched(path)
        return wire.InputImage(image_url=source.url, detail=detail)
    if not isinstance(source, Base64):
        raise refuse("this image cannot be sent to this upstream", path)
    return wire.InputImage(image_url=image_url(part, source, path, losses, NAME), detail=detail)


def _held(file_id: str, name: str | None) -> wire.WrittenPart:
    return wire.InputFile(file_id=file_id, filename=name)


def _linked(
    part: Media,
    source: Url,
    path: str,
    capabilities: Capabilities,
    losses: list[Loss],
    same: bool,  # noqa: FBT001
) -> wire.WrittenPart:
    if not same and not capabilities.url_media:
        raise not_fetched(path)
    if part.title and not part.name:
        losses.append(Loss(path + "/title", "dropped", NAME, "no title of a document by URL"))
    return wire.InputFile(file_url=source.url, filename=part.name)


def _sent(name: str | None, data: str) -> wire.WrittenPart:
    return wire.InputFile(filename=name, file_data=data)


_TARGET = Target(NAME, _text, _sound, _image, _held, _linked, _sent, unnamed="synthesized", bare=True)
