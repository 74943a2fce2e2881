"""Citations of a text, both ways: where the model found what it says, and what it said in earlier turns."""

from msgspec import Raw, Struct

from twoapi.ir import Citation, DocumentSource, SearchSource, UrlSource
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder

Wire = dict[str, object]


class _Text(Struct):
    text: str = ""


class _Web(Struct):
    url: str = ""
    domain: str | None = None


class _Span(Struct, rename="camel"):
    start: int = 0
    end: int = 0
    document_index: int = 0
    search_result_index: int = 0


class _Location(Struct, rename="camel"):
    web: _Web | None = None
    document_char: _Span | None = None
    document_page: _Span | None = None
    document_chunk: _Span | None = None
    search_result_location: _Span | None = None


class _Citation(Struct, rename="camel"):
    title: str | None = None
    source: str | None = None
    source_content: list[_Text] = []
    location: _Location | None = None


_decode = decoder(_Citation)


def decode_citation(raw: Raw) -> Citation | None:
    """The citation, for the whole text; None when its place is of a kind that is not known here."""
    try:
        wire = _decode(raw)
    except WireError:
        return None
    source = _source(wire)
    if source is None:
        return None
    return Citation(source, quoted="".join(piece.text for piece in wire.source_content) or None)


def _source(wire: _Citation) -> UrlSource | DocumentSource | SearchSource | None:
    match wire.location:
        case _Location(web=_Web(url=url)):
            return UrlSource(url, wire.title)
        case _Location(document_char=_Span() as span):
            return DocumentSource(span.document_index, wire.title, None, "char", span.start, span.end)
        case _Location(document_page=_Span() as span):
            return DocumentSource(span.document_index, wire.title, None, "page", span.start, span.end)
        case _Location(document_chunk=_Span() as span):
            return DocumentSource(span.document_index, wire.title, None, "block", span.start, span.end)
        case _Location(search_result_location=_Span() as span):
            return SearchSource(span.search_result_index, wire.source or "", wire.title, span.start, span.end)
        case _:
            return None


def is_held_elsewhere(citation: Citation) -> bool:
    """True when the source also has a name or a token that means something to another vendor alone."""
    source = citation.source
    if isinstance(source, UrlSource):
        return source.encrypted_index is not None
    return isinstance(source, DocumentSource) and source.file_id is not None


# unit of a DocumentSource -> the member for its place
_PLACES = {"char": "documentChar", "page": "documentPage", "block": "documentChunk"}


def encode_citation(citation: Citation) -> Wire:
    """The citation as this protocol's object."""
    source = citation.source
    wire: Wire = {} if source.title is None else {"title": source.title}
    if citation.quoted:
        wire["sourceContent"] = [{"text": citation.quoted}]
    if isinstance(source, UrlSource):
        wire["location"] = {"web": {"url": source.url}}
        return wire
    span: Wire = {"start": source.start, "end": source.end}
    if isinstance(source, DocumentSource):
        wire["location"] = {_PLACES[source.unit]: {"documentIndex": source.index, **span}}
    else:
        wire["source"] = source.source
        wire["location"] = {"searchResultLocation": {"searchResultIndex": source.index, **span}}
    return wire
