"""Parts of requests to content blocks."""

import base64
import binascii
from collections.abc import Callable
from struct import Struct as Packed
from typing import cast

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.anthropic_messages.citations import encode_citation
from twoapi.protocols.anthropic_messages.encoding import FIRST_VERSION, Encoding, Wire, refusal
from twoapi.protocols.anthropic_messages.envelope import native_redacted, native_signature
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.media_types import begun_type
from twoapi.protocols.past_calls import call_input
from twoapi.protocols.url_media import not_fetched

MAX_CALL_ID = 64
_IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
SHORT = 64  # a longer text is not looked at: it is taken to hold more than white space
_VISIBLE = frozenset(range(33, 127)) - frozenset(b'"\\')  # what only a text that is not blank has behind its quote
_first_two: Callable[[Raw], tuple[int, int]] = Packed("2B").unpack_from
_Text = ir.Text

Made = Wire | Raw | None


def encode_part(encoding: Encoding, part: ir.Part, base: str, role: str) -> Made:
    """The block of a part, None when nothing is left of it; a Raw is one the vendor's own client wrote."""
    if type(part) is _Text and encoding.pending is None:  # nearly all text there is, without a call
        text = part.text
        if len(text) >= SHORT and part.cache is None and not part.citations and not part.opaque:
            return {"type": "text", "text": text}
    return _ENCODERS[type(part)](encoding, part, base + part.at, role)


def is_blank(text: ir.JsonText) -> bool:
    """True for a text that the service refuses as empty."""
    if len(text) >= SHORT:  # the length of a Raw is that of its JSON
        return False
    if isinstance(text, Raw) and _first_two(text)[1] in _VISIBLE:
        return False
    return not ir.plain(text).strip()


def _encode_text(encoding: Encoding, part: ir.Text, path: str, role: str) -> Made:
    text = part.text
    if is_blank(text):
        # White space is left out for want of a place; without it nothing was said.
        encoding.lose(path, "dropped" if ir.plain(text) else "info", "text blocks must not be empty")
        encoding.postpone(part.cache, path)
        return None
    block: Wire = {"type": "text", "text": text}
    if part.citations:
        if role == "user" and encoding.api_version != FIRST_VERSION:
            encoding.lose(f"{path}/citations", "dropped", "this API version takes no citations from users")
        else:
            block["citations"] = _citations(encoding, part, path)
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state of another protocol on a text")
    encoding.mark(block, part.cache, path)
    return block


def _citations(encoding: Encoding, part: ir.Text, path: str) -> list[Wire]:
    if any(citation.start is not None or citation.end is not None for citation in part.citations):
        encoding.lose(path, "approximated", "citations hold for a whole text block")
    return [encode_citation(citation) for citation in part.citations]


def _encode_refusal(encoding: Encoding, part: ir.Refusal, path: str, role: str) -> Made:
    encoding.lose(path, "emulated", "a refusal is sent as text")
    return _encode_text(encoding, ir.Text(text=part.text, cache=part.cache), path, role)


def _encode_reasoning(encoding: Encoding, part: ir.Reasoning, path: str, _: str) -> Made:
    encoding.postpone(part.cache, path)
    redacted = native_redacted(part)
    if redacted is not None:
        return {"type": "redacted_thinking", "data": redacted}
    signature = native_signature(part)
    if signature is not None:
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    if part.text or part.opaque or encoding.native:
        encoding.lose(path, "reasoning_foreign", "reasoning without a signature of this vendor's is withheld")
    return None


def _encode_call(encoding: Encoding, part: ir.ToolCall, path: str, _: str) -> Made:
    encoding.tools_used = True
    given = call_input(part, path, encoding.lose)
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state of another protocol on a tool call")
    block: Wire = {
        "type": "tool_use",
        "id": encode_call_id(part.id, MAX_CALL_ID),
        "name": encoding.names.wire(part.name, part.namespace),
        "input": given,
    }
    if part.cache is not None or encoding.pending is not None:
        encoding.mark(block, part.cache, path)
    return block


def _encode_result(encoding: Encoding, part: ir.ToolResult, path: str, role: str) -> Made:
    encoding.tools_used = True
    block: Wire = {"type": "tool_result", "tool_use_id": encode_call_id(part.call_id, MAX_CALL_ID)}
    content = part.content
    first = content[0] if len(content) == 1 else None
    if type(first) is ir.Text and _fits_string(encoding, first):
        block["content"] = first.text
    elif content:
        base = path.removesuffix(part.at)
        made = [encode_part(encoding, inner, base, role) for inner in content]
        block["content"] = [inner for inner in made if inner is not None]
    if part.is_error is not None:
        block["is_error"] = part.is_error
    if part.cache is not None or encoding.pending is not None:
        encoding.mark(block, part.cache, path)
    return block


def _fits_string(encoding: Encoding, text: ir.Text) -> bool:
    """A text alone goes as a string, but as a block where this protocol's client wrote one."""
    return text.cache is None and not text.citations and not (encoding.native and text.at[-1:].isdecimal())


def _encode_search_result(encoding: Encoding, part: ir.SearchResult, path: str, role: str) -> Made:
    base = path.removesuffix(part.at)
    made = [_encode_text(encoding, text, base + text.at, role) for text in part.content]
    block: Wire = {"type": "search_result", "source": part.source, "title": part.title}
    block["content"] = [text for text in made if text is not None]
    if part.want_citations is not None:
        block["citations"] = {"enabled": part.want_citations}
    encoding.mark(block, part.cache, path)
    return block


def _encode_server_tool(encoding: Encoding, part: ir.ServerTool, path: str, role: str) -> Made:
    if part.protocol == NAME:
        return part.raw
    if not part.text:
        encoding.lose(path, "dropped", f"{part.tool or 'a tool'} of another vendor")
        encoding.postpone(part.cache, path)
        return None
    encoding.lose(path, "emulated", f"{part.tool or 'a tool'} of another vendor is sent as text")
    return _encode_text(encoding, ir.Text(text=part.text, cache=part.cache), path, role)


def _encode_unknown(encoding: Encoding, part: ir.Unknown, path: str, _: str) -> Made:
    if part.protocol == NAME:
        return part.raw
    encoding.lose(path, "dropped", f"unknown part {part.type!r}")
    encoding.postpone(part.cache, path)
    return None


def _encode_media(encoding: Encoding, part: ir.Media, path: str, role: str) -> Made:
    mime = part.mime or _sniffed(part)
    if role == "assistant" and not encoding.native:
        return _assistant_media(encoding, part, path)
    if role == "system":
        raise refusal("instructions to the target are text", path)
    if part.kind in ("audio", "video") or (mime or "").startswith(("audio/", "video/")):
        raise refusal(f"{part.kind} input is not supported by the target", path)
    if part.kind == "image" or (mime or "").startswith("image/"):
        block = _image(encoding, part, mime, path)
    elif role == "assistant" and encoding.api_version != FIRST_VERSION:
        encoding.lose(path, "dropped", "this API version takes no documents in an assistant turn")
        encoding.postpone(part.cache, path)
        return None
    else:
        block = _document(encoding, part, mime, path, role)
    encoding.mark(block, part.cache, path)
    return block


def _assistant_media(encoding: Encoding, part: ir.Media, path: str) -> Made:
    encoding.postpone(part.cache, path)
    if part.transcript:
        encoding.lose(path, "emulated", "earlier audio is sent as its transcript")
        return {"type": "text", "text": part.transcript}
    encoding.lose(path, "dropped", f"{part.kind} in an assistant turn")
    return None


def _image(encoding: Encoding, part: ir.Media, mime: str | None, path: str) -> Wire:
    if not encoding.capabilities.images:
        raise refusal("images are not supported by the target", path)
    if part.detail is not None:
        encoding.lose(path, "dropped", "image detail")
    if isinstance(part.source, ir.Base64) and mime not in _IMAGES:
        raise refusal(f"images of type {mime} are not supported by the target", path)
    return {"type": "image", "source": _source(encoding, part, mime, path)}


def _document(encoding: Encoding, part: ir.Media, mime: str | None, path: str, role: str) -> Wire:
    if not encoding.capabilities.documents:
        raise refusal("documents are not supported by the target", path)
    source = part.source
    wire: Wire
    if isinstance(source, ir.PlainText):
        wire = {"type": "text", "media_type": "text/plain", "data": source.text}
    elif isinstance(source, ir.Blocks):
        wire = {"type": "content", "content": _inner(encoding, source, path.removesuffix(part.at), role)}
    elif isinstance(source, ir.Base64) and (mime or "").startswith("text/"):
        wire = {"type": "text", "media_type": "text/plain", "data": _decoded(source.data, path)}
        encoding.lose(path, "approximated", f"{mime} is sent as plain text")
    elif isinstance(source, ir.Base64) and mime != "application/pdf":
        raise refusal(f"documents of type {mime} are not supported by the target", path)
    else:
        wire = _source(encoding, part, mime, path)
    block: Wire = {"type": "document", "source": wire}
    title = part.title if part.title is not None else part.name
    if title is not None:
        block["title"] = title
    if part.context is not None:
        block["context"] = part.context
    if part.want_citations is not None:
        block["citations"] = {"enabled": part.want_citations}
    return block


def _inner(encoding: Encoding, source: ir.Blocks, base: str, role: str) -> object:
    parts = source.parts
    if len(parts) == 1 and isinstance(parts[0], ir.Text) and parts[0].at.endswith("/content"):
        return parts[0].text
    made = [encode_part(encoding, part, base, role) for part in parts]
    return [block for block in made if block is not None]


def _source(encoding: Encoding, part: ir.Media, mime: str | None, path: str) -> Wire:
    source = part.source
    if isinstance(source, ir.Base64):
        return {"type": "base64", "media_type": mime, "data": source.data}
    if isinstance(source, ir.Url):
        if not encoding.capabilities.url_media and not encoding.native:
            raise not_fetched(path)
        return {"type": "url", "url": source.url}
    if isinstance(source, ir.FileId) and source.protocol == NAME:
        return {"type": "file", "file_id": source.id}
    raise refusal("the target cannot read this file: it is held elsewhere, or of another kind", path)


def _sniffed(part: ir.Media) -> str | None:
    return begun_type(part.source.data) if isinstance(part.source, ir.Base64) else None


def _decoded(data: str, path: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise refusal("a text document must be base64 of UTF-8", path) from None


_Encode = Callable[[Encoding, ir.Part, str, str], Made]
_ENCODERS: dict[type, _Encode] = {
    ir.Text: cast("_Encode", _encode_text),
    ir.Refusal: cast("_Encode", _encode_refusal),
    ir.Reasoning: cast("_Encode", _encode_reasoning),
    ir.ToolCall: cast("_Encode", _encode_call),
    ir.ToolResult: cast("_Encode", _encode_result),
    ir.SearchResult: cast("_Encode", _encode_search_result),
    ir.ServerTool: cast("_Encode", _encode_server_tool),
    ir.Unknown: cast("_Encode", _encode_unknown),
    ir.Media: cast("_Encode", _encode_media),
}
