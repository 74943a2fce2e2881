"""Content blocks to parts."""

from collections.abc import Callable, Sequence
from typing import cast

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.anthropic_messages import schema
from twoapi.protocols.anthropic_messages.citations import decode_citation
from twoapi.protocols.anthropic_messages.envelope import closed
from twoapi.protocols.anthropic_messages.schema import NAME
from twoapi.protocols.call_ids import decode_call_id
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, NO_OBJECT, NO_TEXT, decoder, encode

_TTL = {"5m": 300, "1h": 3600}
_USUAL_MARK = ir.CacheMark()
_SERVER_TYPES = {
    "server_tool_use",
    "container_upload",
    "compaction",
    "fallback",
    "tool_addition",
    "tool_removal",
}

Extras = dict[str, Raw]

# The pointers that nearly all blocks have, spelled once.
_SPELLED = 64
_PLACES = {place: tuple(f"{place}/{i}" for i in range(_SPELLED)) for place in ("", "/content")}


class _OpaqueHead(Struct):
    """What can be told of a block whose type is open."""

    type: str
    id: str | None = None
    tool_use_id: str | None = None
    name: str | None = None
    input: Raw = EMPTY


class _Hit(Struct):
    title: str | None = None
    url: str | None = None


class _Hits(Struct):
    content: list[_Hit]


_Text, _TextBlock = ir.Text, schema.TextBlock
_decode_head = decoder(_OpaqueHead)
_decode_hits = decoder(_Hits)


def decode_blocks(blocks: Sequence[schema.AnyBlock], at: str, place: str, extras: Extras) -> list[ir.Part]:
    """The parts of one message. `place` is where the blocks stand in it ("/content"), `at` where it stands."""
    parts: list[ir.Part] = []
    places, number = _PLACES.get(place), 0
    for block in blocks:
        where = f"{place}/{number}" if places is None or number >= _SPELLED else places[number]
        number += 1  # noqa: SIM113  for a few blocks, making an `enumerate` costs more than they do
        # Nearly all blocks are texts without citations: they are made here, without a call.
        if type(block) is _TextBlock and not block.citations:
            text, mark = block.text, block.cache_control
            if not text < NO_TEXT:
                raise WireError("expected a string", f"{at}{where}/text")
            if mark is None:
                parts.append(_Text(text=text, at=where))
            else:
                parts.append(_Text(text=text, at=where, cache=_USUAL_MARK if mark.ttl is None else cache_mark(mark)))
        else:
            parts.append(_DECODERS[type(block)](block, where, at, extras))
    return parts


def decode_opaque(raw: Raw, at: str) -> ir.Part:
    """A block of a type that is not modelled: of the vendor's tools, or unknown."""
    head = _decode_head(raw)
    kind = head.type
    if not (kind in _SERVER_TYPES or kind.endswith("_tool_result") or kind.startswith("mcp_")):
        return ir.Unknown(at=at, protocol=NAME, type=kind, raw=raw)
    phase = "result" if head.tool_use_id is not None else "call"
    return ir.ServerTool(
        at=at,
        protocol=NAME,
        tool=head.name or kind,
        phase="result" if phase == "result" else "call",
        id=head.tool_use_id or head.id or "",
        raw=raw,
        text=_summary(head, raw),
    )


def cache_mark(wire: schema.CacheControl | None) -> ir.CacheMark | None:
    """The breakpoint; an unknown lifetime counts as the protocol's default."""
    if wire is None:
        return None
    return _USUAL_MARK if wire.ttl is None else ir.CacheMark(_TTL.get(wire.ttl))


def decode_text(block: schema.TextBlock, at: str, base: str, extras: Extras) -> ir.Text:
    """A text. Citations that are not all known also go on verbatim."""
    if not block.text < NO_TEXT:
        raise WireError("expected a string", f"{base}{at}/text")
    citations = []
    for raw in block.citations or ():
        citation = decode_citation(raw)
        if citation is None:
            extras[f"{base}{at}/citations"] = Raw(encode(block.citations))
        else:
            citations.append(citation)
    return ir.Text(text=block.text, at=at, cache=cache_mark(block.cache_control), citations=citations)


def decode_thinking(block: schema.ThinkingBlock, at: str, base: str, _: Extras) -> ir.Reasoning:
    """Reasoning; without a signature it is only text."""
    if not block.thinking < NO_TEXT:
        raise WireError("expected a string", f"{base}{at}/thinking")
    sealed = (closed("signature", block.signature),) if block.signature else ()
    return ir.Reasoning(text=block.thinking, at=at, opaque=sealed)


def decode_redacted(block: schema.RedactedThinkingBlock, at: str, _: str, __: Extras) -> ir.Reasoning:
    """Sealed reasoning."""
    return ir.Reasoning(form="hidden", at=at, opaque=(closed("redacted", block.data),))


def decode_call(block: schema.ToolUseBlock, at: str, base: str, extras: Extras) -> ir.ToolCall:
    """A call; its arguments are the verbatim text of the object."""
    if not block.input > NO_OBJECT:
        raise WireError("expected an object", f"{base}{at}/input")
    if block.caller is not EMPTY:
        extras[f"{base}{at}/caller"] = block.caller
    if block.toolset_name is not EMPTY:
        extras[f"{base}{at}/toolset_name"] = block.toolset_name
    mark = block.cache_control
    return ir.ToolCall(
        id=decode_call_id(block.id),
        name=block.name,
        arguments=str(block.input, "utf-8"),
        at=at,
        cache=None if mark is None else cache_mark(mark),
    )


def _decode_image(block: schema.ImageBlock, at: str, base: str, extras: Extras) -> ir.Media:
    if block.transformations is not EMPTY:
        extras[f"{base}{at}/transformations"] = block.transformations
    source, mime = _source(block.source)
    return ir.Media(kind="image", source=source, mime=mime, at=at, cache=cache_mark(block.cache_control))


def _decode_document(block: schema.DocumentBlock, at: str, base: str, extras: Extras) -> ir.Media:
    wire = block.source
    mime: str | None
    source: ir.Base64 | ir.Url | ir.FileId | ir.PlainText | ir.Blocks
    if isinstance(wire, schema.TextSource):
        source, mime = ir.PlainText(wire.data), wire.media_type
    elif isinstance(wire, schema.ContentSource):
        content = wire.content
        blocks: list[schema.AnyBlock] = list(content) if isinstance(content, list) else []
        inner = decode_blocks(blocks, base, f"{at}/source/content", extras)
        if isinstance(content, str):
            inner = [ir.Text(text=content, at=f"{at}/source/content")]
        source, mime = ir.Blocks(cast("list[ir.Text | ir.Media]", inner)), None
    else:
        source, mime = _source(wire)
    return ir.Media(
        kind="file",
        source=source,
        mime=mime,
        title=block.title,
        context=block.context,
        want_citations=None if block.citations is None else block.citations.enabled,
        at=at,
        cache=cache_mark(block.cache_control),
    )


def _source(
    wire: schema.Base64Source | schema.UrlSource | schema.FileSource,
) -> tuple[ir.Base64 | ir.Url | ir.FileId, str | None]:
    match wire:
        case schema.Base64Source():
            return ir.Base64(wire.data), wire.media_type
        case schema.UrlSource():
            return ir.Url(wire.url), None
        case schema.FileSource():
            return ir.FileId(wire.file_id, NAME), None


def _decode_search_result(block: schema.SearchResultBlock, at: str, base: str, extras: Extras) -> ir.SearchResult:
    return ir.SearchResult(
        source=block.source,
        title=block.title,
        content=[decode_text(text, f"{at}/content/{i}", base, extras) for i, text in enumerate(block.content)],
        want_citations=None if block.citations is None else block.citations.enabled,
        at=at,
        cache=cache_mark(block.cache_control),
    )


def _decode_result(block: schema.ToolResultBlock, at: str, base: str, extras: Extras) -> ir.ToolResult:
    if block.toolset_name is not EMPTY:
        extras[f"{base}{at}/toolset_name"] = block.toolset_name
    content, mark, place = block.content, block.cache_control, f"{at}/content"
    parts: list[ir.Part] = []
    if type(content) is str:
        parts = [ir.Text(text=content, at=place)]
    elif content:
        parts = decode_blocks(content, base, place, extras)  # type: ignore[arg-type]  # it is no str
    return ir.ToolResult(
        call_id=decode_call_id(block.tool_use_id),
        content=parts,  # type: ignore[arg-type]  # of those types
        is_error=block.is_error,
        at=at,
        cache=None if mark is None else cache_mark(mark),
    )


def _decode_opaque(block: schema.OpaqueBlock, at: str, _: str, __: Extras) -> ir.Part:
    return decode_opaque(block.raw, at)


def _summary(head: _OpaqueHead, raw: Raw) -> str:
    if head.tool_use_id is None:
        return "" if head.input is EMPTY else bytes(head.input).decode()
    try:
        hits = _decode_hits(raw).content
    except WireError:
        return ""
    return "\n".join(" ".join(filter(None, (hit.title, hit.url))) for hit in hits)


_Decode = Callable[[schema.AnyBlock, str, str, Extras], ir.Part]
_DECODERS: dict[type, _Decode] = {
    schema.TextBlock: cast("_Decode", decode_text),
    schema.ImageBlock: cast("_Decode", _decode_image),
    schema.DocumentBlock: cast("_Decode", _decode_document),
    schema.SearchResultBlock: cast("_Decode", _decode_search_result),
    schema.ThinkingBlock: cast("_Decode", decode_thinking),
    schema.RedactedThinkingBlock: cast("_Decode", decode_redacted),
    schema.ToolUseBlock: cast("_Decode", decode_call),
    schema.ToolResultBlock: cast("_Decode", _decode_result),
    schema.OpaqueBlock: cast("_Decode", _decode_opaque),
}
