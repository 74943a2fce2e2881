"""What OpenAI's two protocols have in common of media in messages, both directions."""

from collections.abc import Callable
from typing import Generic, Literal, Protocol, TypeVar

import msgspec
from msgspec import Raw

from twoapi.ir import Base64, Blocks, CacheMark, FileId, Loss, Media, PlainText, Text, Url, plain
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.data_urls import encode_url
from twoapi.protocols.refusing import refuse
from twoapi.wire import json

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

Part = TypeVar("Part")


class _Breakpoint(Protocol):
    @property
    def ttl(self) -> str | None: ...


def decode_mark(mark: _Breakpoint | None) -> CacheMark | None:
    """The cache mark of a part."""
    return None if mark is None else CacheMark(_TTLS.get(mark.ttl) if mark.ttl else None)


def decode_sound(data: str, word: str, at: str, cache: CacheMark | None = None) -> Media:
    """Sound, always inline; `word` is the protocol's for its format."""
    return Media(kind="audio", source=Base64(data), mime=_MIMES.get(word) or f"audio/{word}", at=at, cache=cache)


class Target(msgspec.Struct, Generic[Part], frozen=True):
    """How one of the protocols writes the parts that both have. What it cannot carry it refuses with a FaultError.

    `text(text)`, `sound(data, format)`, `image(media, path, capabilities, losses, same)`. Files: `held(id, name)` at
    the vendor's, `linked(media, source, path, capabilities, losses, same)` by URL, `sent(name, data)` with a data URL.
    `unnamed`: the kind of loss that a made-up name is. `bare`: data without a media type goes back to a client of the
    protocol as it came.
    """

    name: str
    text: Callable[[Raw], Part]
    sound: Callable[[str, str], Part]
    image: Callable[[Media, str, Capabilities, list[Loss], bool], Part]
    held: Callable[[str, str | None], Part]
    linked: Callable[[Media, Url, str, Capabilities, list[Loss], bool], Part]
    sent: Callable[[str | None, str], Part]
    unnamed: Literal["info", "synthesized"]
    bare: bool


def encode_media(
    target: Target[Part], part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool
) -> list[Part]:
    """The wire parts of one media part; raises FaultError for what the protocol cannot carry.

    `same`: the client spoke this protocol, and nothing is added to what it said.
    """
    match part.kind:
        case "image":
            if not capabilities.images:
                raise refuse("this model takes no images", path)
            return [target.image(part, path, capabilities, losses, same)]
        case "audio":
            return [_encode_sound(target, part, path, capabilities)]
        case "file":
            return _encode_file(target, part, path, capabilities, losses, same=same)
        case "video":
            raise refuse("video input cannot be sent to this upstream", path)


def image_url(part: Media, source: Base64, path: str, losses: list[Loss], target: str) -> str:
    """The data URL of an image."""
    if part.mime is None:
        losses.append(Loss(path, "synthesized", target, "the image has no media type; sent as image/png"))
    return encode_url(source.data, part.mime or "image/png")


def as_raw(text: str | Raw) -> Raw:
    """A text as its JSON spelling."""
    return text if type(text) is Raw else Raw(json.encode(text))


def _encode_sound(target: Target[Part], part: Media, path: str, capabilities: Capabilities) -> Part:
    if not capabilities.audio:
        raise refuse("this model takes no audio", path)
    source, mime = part.source, part.mime or ""
    if not isinstance(source, Base64):
        raise refuse("audio can only be sent inline to this upstream", path)
    word = _FORMATS.get(mime)
    if word is None:
        raise refuse(f"audio of type {mime or 'unknown'} cannot be sent to this upstream: wav and mp3 can", path)
    return target.sound(source.data, word)


def _encode_file(
    target: Target[Part], part: Media, path: str, capabilities: Capabilities, losses: list[Loss], *, same: bool
) -> list[Part]:
    source = part.source
    if part.want_citations:
        losses.append(Loss(path + "/citations", "unsupported", target.name, "no citations of documents"))
    if isinstance(source, PlainText):
        return [_document_text(target, part, [source.text], path, losses)]
    if isinstance(source, Blocks):
        return _encode_blocks(target, part, source, path, capabilities, losses)
    if not capabilities.documents:
        raise refuse("this model takes no documents", path)
    if isinstance(source, FileId):
        if source.protocol != target.name:
            raise refuse("a file of another service cannot be sent to this upstream", path)
        return [target.held(source.id, part.name)]
    if part.context:
        losses.append(Loss(path + "/context", "dropped", target.name, "no context of a document"))
    if isinstance(source, Url):
        return [target.linked(part, source, path, capabilities, losses, same)]
    mime = part.mime or "application/pdf"
    name = part.name if same else part.name or part.title
    if not name and not same:
        name = "document" + _EXTENSIONS.get(mime, "")
        losses.append(Loss(path, target.unnamed, target.name, f"the file has no name; sent as {name}"))
    is_bare = target.bare and same and part.mime is None
    return [target.sent(name, source.data if is_bare else encode_url(source.data, mime))]


def _encode_blocks(
    target: Target[Part], part: Media, source: Blocks, path: str, capabilities: Capabilities, losses: list[Loss]
) -> list[Part]:
    encoded: list[Part] = []
    if part.title or part.context:
        encoded.append(_document_text(target, part, [], path, losses))
    else:
        losses.append(Loss(path, "emulated", target.name, "the document is sent as its parts"))
    for inner in source.parts:
        if isinstance(inner, Text):
            encoded.append(target.text(as_raw(plain(inner.text))))
        else:
            encoded += encode_media(target, inner, path + inner.at, capabilities, losses, same=False)
    return encoded


def _document_text(target: Target[Part], part: Media, texts: list[str], path: str, losses: list[Loss]) -> Part:
    losses.append(Loss(path, "emulated", target.name, "the document is sent as text"))
    header = "\n".join(line for line in (part.title or part.name, part.context) if line)
    return target.text(as_raw("\n\n".join([header, *texts] if header else texts)))
