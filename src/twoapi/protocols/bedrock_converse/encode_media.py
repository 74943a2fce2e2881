"""Images, sounds, films and documents to blocks: bytes in the request, or an object in S3."""

import base64

from twoapi import ir
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.dialects.encoding import Wire
from twoapi.protocols.dialects.unsent import refusal
from twoapi.protocols.media_types import begun_type
from twoapi.protocols.url_media import not_fetched

_S3 = "s3://"
_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_AUDIO = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "audio/x-aac": "x-aac",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "mp4",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/x-matroska": "mka",
    "audio/pcm": "pcm",
    "audio/webm": "webm",
}
_VIDEO = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/mpg": "mpg",
    "video/x-ms-wmv": "wmv",
    "video/wmv": "wmv",
    "video/3gpp": "three_gp",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_FORMATS = {"image": _IMAGES, "audio": _AUDIO, "video": _VIDEO, "file": _DOCUMENTS}
_MEMBERS = {"image": "image", "audio": "audio", "video": "video", "file": "document"}
_TEXTUAL = frozenset(("application/json", "application/xml", "application/yaml"))
_ENDINGS = {"jpg": "image/jpeg", "mp3": "audio/mpeg", "mpg": "video/mpg", "htm": "text/html"}
_ENDINGS |= {wire: mime for table in _FORMATS.values() for mime, wire in reversed(table.items())}
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -()[]")
_MAX_NAME = 200
_NAMELESS = "document"


def encode_media(encoding: Encoding, part: ir.Media, path: str, role: str) -> list[Wire]:
    """The blocks of a part; raises FaultError for what the upstream cannot read."""
    source = part.source
    if isinstance(source, ir.Blocks) and any(isinstance(inner, ir.Media) for inner in source.parts):
        return _document_in_parts(encoding, part, source, path, role)
    if not isinstance(source, ir.PlainText | ir.Blocks):
        _source(source, path)  # what cannot be had at all is told first
    mime = _mime(encoding, part, path)
    kind = next((kind for kind in ("image", "audio", "video") if (mime or "").startswith(f"{kind}/")), part.kind)
    _check(encoding, kind, path, role)
    if part.detail is not None:
        encoding.lose(path, "dropped", "the detail of an image")
    if kind == "file":
        return [{"document": _document(encoding, part, mime, path)}]
    if part.name or part.title or part.context:
        encoding.lose(path, "dropped", f"what the {kind} is called")
    wire = _FORMATS[kind].get(mime or "")
    if wire is None:
        raise refusal(f"{kind} of type {mime} is not supported by the target", path)
    return [{_MEMBERS[kind]: {"format": wire, "source": _source(source, path)}}]


def _check(encoding: Encoding, kind: str, path: str, role: str) -> None:
    capabilities = encoding.capabilities
    taken = {
        "image": capabilities.images,
        "audio": capabilities.audio and role != "tool",  # results hold no sounds
        "video": capabilities.video,
        "file": capabilities.documents,
    }
    if not taken[kind]:
        raise refusal(f"{kind} input is not supported by the target", path)


def _mime(encoding: Encoding, part: ir.Media, path: str) -> str | None:
    """The media type; of bytes without any by what they begin with, else by the ending of the name."""
    if part.mime is not None:
        return part.mime
    source = part.source
    if isinstance(source, ir.PlainText | ir.Blocks):
        return "text/plain"
    if isinstance(source, ir.Base64):
        found = begun_type(source.data)
        if found is not None:
            return found
    name = part.name or (source.url if isinstance(source, ir.Url) else "")
    found = _ENDINGS.get(name.rpartition(".")[2].lower())
    if found is not None:
        encoding.lose(path, "synthesized", f"the media type {found}, which the request does not say")
    return found


def _source(source: object, path: str) -> Wire:
    if isinstance(source, ir.Base64) and source.data:
        return {"bytes": source.data}
    if isinstance(source, ir.Url) and source.url.startswith(_S3):
        return {"s3Location": {"uri": source.url}}
    if isinstance(source, ir.Url):
        raise not_fetched(path)
    raise refusal("the target cannot read this file: another service holds it, or it is empty", path)


def _document(encoding: Encoding, part: ir.Media, mime: str | None, path: str) -> Wire:
    wire = _DOCUMENTS.get(mime or "")
    if wire is None and ((mime or "").startswith("text/") or mime in _TEXTUAL):
        wire = "txt"
        encoding.lose(path, "approximated", f"{mime} is sent as plain text")
    if wire is None:
        raise refusal(f"documents of type {mime} are not supported by the target", path)
    name = _name(encoding, part, wire, path)
    document: Wire = {"format": wire, "name": name, "source": _words(encoding, part, path)}
    if part.context:
        document["context"] = part.context
    if part.want_citations is not None:
        if encoding.capabilities.citations:
            document["citations"] = {"enabled": part.want_citations}
        elif part.want_citations:
            encoding.lose(path, "unsupported", "documents are not cited")
    return document


def _words(encoding: Encoding, part: ir.Media, path: str) -> Wire:
    """What a document says."""
    source = part.source
    if isinstance(source, ir.PlainText):
        texts = [source.text]
        made: Wire = {"bytes": base64.b64encode(source.text.encode("utf-8", "surrogatepass")).decode()}
    elif isinstance(source, ir.Blocks):
        base = path.removesuffix(part.at)
        for inner in source.parts:
            encoding.postpone(inner.cache, base + inner.at)
        texts = [
            text for inner in source.parts if isinstance(inner, ir.Text) and (text := ir.plain(inner.text)).strip()
        ]
        made = {"content": [{"text": text} for text in texts]}
    else:
        return _source(source, path)
    if not any(texts):
        raise refusal("a document must not be empty", path)
    return made


def _document_in_parts(encoding: Encoding, part: ir.Media, source: ir.Blocks, path: str, role: str) -> list[Wire]:
    """A document that holds more than words, as its parts."""
    encoding.lose(path, "emulated", "a document is sent as its parts")
    if part.want_citations:
        encoding.lose(path, "unsupported", "a document in parts is not cited")
    base = path.removesuffix(part.at)
    head = "\n".join(line for line in (part.title, part.context) if line)
    blocks: list[Wire] = [{"text": head}] if head.strip() else []
    for inner in source.parts:
        encoding.postpone(inner.cache, base + inner.at)
        if isinstance(inner, ir.Media):
            blocks += encode_media(encoding, inner, base + inner.at, role)
        elif ir.plain(inner.text).strip():
            blocks.append({"text": inner.text})
    return blocks


def _name(encoding: Encoding, part: ir.Media, wire: str, path: str) -> str:
    """A name that the service takes, and that no other document of the request has."""
    given = part.title or part.name
    if not given:
        encoding.lose(path, "synthesized", "a name of the document, which the service demands")
        given = found = _NAMELESS
    else:
        found = given.removesuffix(f".{wire}")
        found = "".join(letter if letter in _NAME else "-" for letter in found)
        found = " ".join(found.split())[:_MAX_NAME].strip() or _NAMELESS
        if found != given:
            encoding.lose(path, "approximated", "names of documents are letters, digits, spaces, -, () and []")
    if part.title and part.name and part.name != part.title:
        encoding.lose(path, "dropped", "a document has a title or a name, not both")
    name, number = found, 1
    while name in encoding.documents:
        number += 1
        name = f"{found[: _MAX_NAME - 12]} ({number})"
    if number > 1:
        encoding.lose(path, "approximated", "two documents do not have one name")
    encoding.documents.add(name)
    return name
