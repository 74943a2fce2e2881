"""Citations of a text block, both ways."""

from collections.abc import Callable
from itertools import pairwise

import msgspec
from msgspec import Raw, Struct

from twoapi.ir import Citation, DocumentSource, SearchSource, UrlSource
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder


class _Located(Struct, tag_field="type"):
    cited_text: str = ""


class _Char(_Located, tag="char_location", kw_only=True, forbid_unknown_fields=True):
    document_index: int
    start_char_index: int
    end_char_index: int
    document_title: str | None = None
    file_id: str | None = None


class _Page(_Located, tag="page_location", kw_only=True, forbid_unknown_fields=True):
    document_index: int
    start_page_number: int
    end_page_number: int
    document_title: str | None = None
    file_id: str | None = None


class _Block(_Located, tag="content_block_location", kw_only=True, forbid_unknown_fields=True):
    document_index: int
    start_block_index: int
    end_block_index: int
    document_title: str | None = None
    file_id: str | None = None


class _Web(_Located, tag="web_search_result_location", kw_only=True, forbid_unknown_fields=True):
    url: str
    encrypted_index: str
    title: str | None = None


class _Search(_Located, tag="search_result_location", kw_only=True, forbid_unknown_fields=True):
    source: str
    search_result_index: int
    start_block_index: int
    end_block_index: int
    title: str | None = None


_Place = _Char | _Page | _Block | _Web | _Search
_decode: Callable[[bytes | Raw | str], _Place] = decoder(_Place)  # type: ignore[arg-type]  # a union of structs


def decode_citation(raw: Raw) -> Citation | None:
    """The citation, for the whole text; None when its type or a member of it is not known here."""
    try:
        wire = _decode(raw)
    except WireError:
        return None
    return Citation(_source(wire), quoted=wire.cited_text)


def _source(wire: _Place) -> DocumentSource | UrlSource | SearchSource:
    match wire:
        case _Char(start_char_index=start, end_char_index=end):
            return DocumentSource(wire.document_index, wire.document_title, wire.file_id, "char", start, end)
        case _Page(start_page_number=start, end_page_number=end):
            return DocumentSource(wire.document_index, wire.document_title, wire.file_id, "page", start, end)
        case _Block(start_block_index=start, end_block_index=end):
            return DocumentSource(wire.document_index, wire.document_title, wire.file_id, "block", start, end)
        case _Web():
            return UrlSource(wire.url, wire.title, wire.encrypted_index)
        case _Search(start_block_index=start, end_block_index=end):
            return SearchSource(wire.search_result_index, wire.source, wire.title, start, end)


# unit of a DocumentSource -> type and the names of its two ends
_PLACES = {
    "char": ("char_location", "start_char_index", "end_char_index"),
    "page": ("page_location", "start_page_number", "end_page_number"),
    "block": ("content_block_location", "start_block_index", "end_block_index"),
}


def encode_citation(citation: Citation) -> dict[str, object]:
    """The citation as this protocol's object. A web page without a replay token is cited as a search result."""
    source = citation.source
    quoted = citation.quoted or ""
    if isinstance(source, DocumentSource):
        kind, start, end = _PLACES[source.unit]
        wire: dict[str, object] = {"type": kind, "cited_text": quoted, "document_index": source.index}
        wire |= {"document_title": source.title, start: source.start, end: source.end}
        if source.file_id is not None:
            wire["file_id"] = source.file_id
        return wire
    if isinstance(source, UrlSource) and source.encrypted_index is not None:
        return {
            "type": "web_search_result_location",
            "cited_text": quoted,
            "url": source.url,
            "title": source.title,
            "encrypted_index": source.encrypted_index,
        }
    if isinstance(source, UrlSource):
        source = SearchSource(0, source.url, source.title, 0, 1)
    return {
        "type": "search_result_location",
        "cited_text": quoted,
        "source": source.source,
        "title": source.title,
        "search_result_index": source.index,
        "start_block_index": source.start,
        "end_block_index": source.end,
    }


def split_at_spans(text: str, citations: list[Citation]) -> list[tuple[str, list[Citation]]]:
    """The text in pieces, each with the citations that cover it; what has no span covers everything."""
    spans = [_span(citation, len(text)) for citation in citations]
    edges = sorted({0, len(text)}.union(*spans))
    pieces = []
    for start, end in pairwise(edges):
        covering = [c for c, span in zip(citations, spans, strict=True) if _covers(span, start, end)]
        whole = [msgspec.structs.replace(c, start=None, end=None) for c in covering]
        pieces.append((text[start:end], whole))
    return pieces


def _span(citation: Citation, size: int) -> tuple[int, int]:
    start = 0 if citation.start is None else min(max(citation.start, 0), size)
    return start, size if citation.end is None else min(max(citation.end, start), size)


def _covers(span: tuple[int, int], start: int, end: int) -> bool:
    if span[0] == span[1]:  # a point: what stands before it rests on the source
        return start < span[0] <= end or span[0] == start == 0
    return span[0] <= start and end <= span[1]
