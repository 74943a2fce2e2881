"""Images, sounds, films and documents to parts."""

import base64

from twoapi import ir
from twoapi.protocols.gemini.encoding import Encoding
from twoapi.protocols.gemini.name import NAME, refuse
from twoapi.protocols.gemini.parts import LEVELS, Wire, write_media, write_text
from twoapi.protocols.media_types import begun_type
from twoapi.protocols.url_media import not_fetched

_ENDINGS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
_FALLBACKS = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/octet-stream"}


def encode_media(encoding: Encoding, part: ir.Media, base: str) -> list[Wire]:
    """Media as bytes or by URI; raises FaultError for what the upstream cannot read."""
    path = base + part.at
    encoding.lose_mark(part.cache, path)
    _check(encoding, part, path)
    source = part.source
    if isinstance(source, ir.FileId) and source.protocol != NAME:
        raise refuse("the target cannot read this file: another service holds it", path)
    if not isinstance(source, ir.Base64 | ir.Url | ir.FileId):
        raise refuse("the target cannot read this document", path)
    if isinstance(source, ir.Url) and not encoding.native and not encoding.capabilities.url_media:
        raise not_fetched(path)
    mime = part.mime or (None if encoding.native else _mime(encoding, part, path))
    wire = write_media(source, mime, part.name if part.name is not None else part.title)
    if part.detail is not None:
        _put_detail(encoding, part.detail, wire, path)
    return [wire]


def _check(encoding: Encoding, part: ir.Media, path: str) -> None:
    capabilities = encoding.capabilities
    if encoding.native:
        return
    taken = {"image": capabilities.images, "audio": capabilities.audio, "file": capabilities.documents}
    if not taken.get(part.kind, True):
        raise refuse(f"{part.kind} input is not supported by the target", path)


def _mime(encoding: Encoding, part: ir.Media, path: str) -> str | None:
    """The media type by what the data begins with, or by the ending of the URL; bytes must have one."""
    source = part.source
    if isinstance(source, ir.Base64):
        found = begun_type(source.data)
        if found is None and part.name:
            found = _ENDINGS.get(part.name.rpartition(".")[2].lower())
        if found is None:
            found = _FALLBACKS[part.kind]
            encoding.lose(path, "synthesized", f"the media type {found}, which the request does not say")
        return found
    if not isinstance(source, ir.Url):
        return None
    found = _ENDINGS.get(source.url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower())
    if part.kind == "file":
        return None if found is None or found.startswith(("image/", "audio/", "video/")) else found
    if found is None or not found.startswith(part.kind):
        found = _FALLBACKS[part.kind]
        encoding.lose(path, "synthesized", f"the media type {found}, which the URL does not tell")
    return found


def _put_detail(encoding: Encoding, detail: str, wire: Wire, path: str) -> None:
    level = LEVELS.get(detail)
    if level is None:
        encoding.lose(path, "info", f"detail {detail!r} leaves the choice to the model")
    elif not encoding.capabilities.media_resolution and not encoding.native:
        encoding.lose(path, "dropped", "the model takes no resolution of an image")
    else:
        wire["mediaResolution"] = {"level": level}


def encode_document(encoding: Encoding, part: ir.Media, base: str) -> list[Wire]:
    """Any media part: one that other protocols describe goes out with its description before it, as text."""
    path = base + part.at
    head = _head(encoding, part, path)
    source = part.source
    if isinstance(source, ir.PlainText):
        encoding.lose_mark(part.cache, path)
        data = base64.b64encode(source.text.encode("utf-8", "surrogatepass")).decode()
        return [*head, write_media(ir.Base64(data), part.mime or "text/plain", part.name)]
    if isinstance(source, ir.Blocks):
        encoding.lose(path, "emulated", "a document is sent as its parts")
        encoding.lose_mark(part.cache, path)
        return head + [wire for inner in source.parts for wire in _block(encoding, inner, base)]
    if part.audio_id is not None:
        return _earlier_audio(encoding, part, path)
    return head + encode_media(encoding, part, base)


def _block(encoding: Encoding, inner: ir.Text | ir.Media, base: str) -> list[Wire]:
    if isinstance(inner, ir.Media):
        return encode_media(encoding, inner, base)
    encoding.lose_mark(inner.cache, base + inner.at)
    return [write_text(inner.text)]


def _head(encoding: Encoding, part: ir.Media, path: str) -> list[Wire]:
    if part.want_citations:
        encoding.lose(path, "unsupported", "documents are not cited")
    lines = [line for line in (part.title, part.context) if line]
    if not lines:
        return []
    encoding.lose(path, "emulated", "title and context of a document stand before it as text")
    return [write_text("\n".join(lines))]


def _earlier_audio(encoding: Encoding, part: ir.Media, path: str) -> list[Wire]:
    if part.transcript:
        encoding.lose(path, "emulated", "earlier audio is sent as its transcript")
        return [write_text(part.transcript)]
    encoding.lose(path, "dropped", "earlier audio that another service holds")
    return []
