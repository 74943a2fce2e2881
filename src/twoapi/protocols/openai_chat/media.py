"""The parts that carry media, both directions."""

import msgspec
from msgspec import Raw

from twoapi.ir import Base64, FileId, Loss, Media, Part, Refusal, Text, Url
from twoapi.protocols import openai_media
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.data_urls import decode_url
from twoapi.protocols.openai_chat import schema as wire
from twoapi.protocols.openai_chat.name import NAME, refuse
from twoapi.protocols.openai_media import Target, decode_mark, decode_sound, image_url
from twoapi.protocols.url_media import not_fetched
from twoapi.wire.errors import WireError


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
    sound = part.input_audio
    return decode_sound(sound.data, sound.format, at, decode_mark(part.prompt_cache_breakpoint))


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


def encode_media(
    part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool = False
) -> list[wire.ContentPart]:
    """The wire parts of one media part; raises FaultError for what this protocol cannot carry.

    `same`: the client spoke this protocol, and nothing is added to what it said.
    """
    return openai_media.encode_media(_TARGET, part, path, capabilities, losses, same=same)


def _text(text: Raw) -> wire.ContentPart:
    return wire.TextPart(text=text)


def _sound(data: str, word: str) -> wire.ContentPart:
    return wire.AudioPart(input_audio=wire.InputAudio(data=data, format=word))


def _image(part: Media, path: str, capabilities: Capabilities, losses: list[Loss], same: bool) -> wire.ContentPart:  # noqa: FBT001  as Target has it
    source = part.source
    if isinstance(source, Base64):
        url = image_url(part, source, path, losses, NAME)
    elif isinstance(source, Url):
        if not same and not capabilities.url_media:
            raise not_fetched(path)
        url = source.url
    else:
        raise refuse("an image by file id cannot be sent to this upstream", path)
    return wire.ImagePart(image_url=wire.ImageUrl(url=url, detail=part.detail))


def _held(file_id: str, name: str | None) -> wire.ContentPart:
    return wire.FilePart(file=wire.FileData(file_id=file_id, filename=name))


def _linked(
    part: Media,  # noqa: ARG001  as Target has it, and those below
    source: Url,  # noqa: ARG001
    path: str,
    capabilities: Capabilities,  # noqa: ARG001
    losses: list[Loss],  # noqa: ARG001
    same: bool,  # noqa: ARG001, FBT001
) -> wire.ContentPart:
    raise not_fetched(path)


def _sent(name: str | None, data: str) -> wire.ContentPart:
    return wire.FilePart(file=wire.FileData(filename=name, file_data=data))


_TARGET = Target(NAME, _text, _sound, _image, _held, _linked, _sent, unnamed="info", bare=False)
decode_content_parts = msgspec.json.Decoder(list[wire.ContentPart]).decode
