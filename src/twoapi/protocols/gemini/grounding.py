"""What claims rest on: the vendor's stretches of UTF-8 bytes and numbered sources, and citations in code points."""

from bisect import bisect_left
from itertools import accumulate, islice

import msgspec
from msgspec import Raw

from twoapi.ir import Citation, DocumentSource, Loss, SearchSource, UrlSource
from twoapi.protocols.gemini import schema_answer as wire
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.spelling import loosen
from twoapi.wire.errors import WireError
from twoapi.wire.json import decoder, encode, is_null

# Number of a part in its content, and its text.
Texts = list[tuple[int, str]]
# Number of a part, and what is cited in it.
Cited = list[tuple[int, Citation]]

_MOST_EXTRAS = 64  # more members that are not modelled, and the object is kept as a whole
_MOST_GUESSES = 8  # texts that are searched for a stretch
_MOST_QUOTED = 4 * 1024 * 1024  # code points
_decode_grounding = msgspec.json.Decoder(wire.Grounding, strict=False).decode
_decode_sources = msgspec.json.Decoder(wire.CitationMetadata).decode
_decode_source = decoder(wire.CitedSource)
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Offsets:
    """Places in a text: bytes of its UTF-8 to code points and back."""

    __slots__ = ("_ends", "size")

    def __init__(self, text: str) -> None:
        """One scan; a text of ASCII needs no table."""
        self._ends: list[int] | None = None
        self.size = len(text)
        if not text.isascii():
            lengths = (
                1 if char < "\x80" else 2 if char < "\u0800" else 3 if char < "\U00010000" else 4 for char in text
            )
            self._ends = [0, *accumulate(lengths)]
            self.size = self._ends[-1]

    def char(self, byte: int) -> int:
        """The code point that begins at a byte, or the next one."""
        return byte if self._ends is None else bisect_left(self._ends, byte)

    def byte(self, char: int) -> int:
        """The byte at which a code point begins."""
        if self._ends is None:
            return char
        return self._ends[min(max(char, 0), len(self._ends) - 1)]


class Places:
    """The texts of one candidate, each with its offsets, which are made once and when they are needed."""

    __slots__ = ("_offsets", "texts")

    def __init__(self, texts: Texts) -> None:
        self.texts = dict(texts)
        self._offsets: dict[int, Offsets] = {}

    def offsets(self, number: int) -> Offsets:
        """The offsets of a part's text."""
        found = self._offsets.get(number)
        if found is None:
            found = self._offsets[number] = Offsets(self.texts[number])
        return found

    def stretch(self, segment: wire.Segment) -> tuple[int, int, int] | None:
        """Part, start and end in code points of a stretch; None when it is nowhere.

        A vendor that counts the parts in another way is found out by the words it quotes.
        """
        others = islice((number for number in self.texts if number != segment.part_index), _MOST_GUESSES)
        order = [segment.part_index, *others]
        for number in order:
            text = self.texts.get(number)
            if text is None:
                continue
            offsets = self.offsets(number)
            if not 0 <= segment.start_index <= segment.end_index <= offsets.size:
                continue
            start, end = offsets.char(segment.start_index), offsets.char(segment.end_index)
            quoted = segment.text
            if not quoted or (end - start == len(quoted) and text.startswith(quoted, start)):
                return number, start, end
        return None


def read_grounding(raw: Raw, texts: Texts, at: str) -> tuple[Cited, dict[str, Raw]]:
    """The citations that grounding metadata tells of these texts, and by pointer what they do not say of it."""
    whole = {at: raw}
    try:
        loosened = loosen(raw, wire.Grounding)
        grounding = _decode_grounding(loosened.body)
    except (WireError, *_BAD):
        return [], whole
    places = Places(texts)
    cited: Cited = []
    for support in grounding.grounding_supports:
        place = None if support.segment is None else places.stretch(support.segment)
        if place is None:
            continue
        number, start, end = place
        for index in support.grounding_chunk_indices:
            source = _source(grounding.grounding_chunks, index)
            if source is not None:
                cited.append((number, Citation(source, start, end)))
    cited.sort(key=lambda one: one[0])  # stable: as the parts hold them
    # Whether the citations say it all is seen by writing them down; not where that would take very long.
    size = sum((one.end or 0) - (one.start or 0) for _, one in cited)
    if len(loosened.extras) > _MOST_EXTRAS or loosened.spelled or size > _MOST_QUOTED:
        return cited, whole
    if write_grounding(cited, places, []) != grounding:
        return cited, whole
    return cited, {at + pointer: value for pointer, value in loosened.extras.items()}


def _source(chunks: list[wire.Chunk], index: int) -> UrlSource | DocumentSource | None:
    if not 0 <= index < len(chunks):
        return None
    web, retrieved = chunks[index].web, chunks[index].retrieved_context
    if web is not None:
        return UrlSource(web.uri, web.title) if web.uri else None
    if retrieved is None:
        return None
    if retrieved.uri is not None and retrieved.uri.startswith(("http://", "https://")):
        return UrlSource(retrieved.uri, retrieved.title)
    return DocumentSource(index, retrieved.title)


def write_grounding(cited: Cited, places: Places, losses: list[Loss], at: str = "") -> wire.Grounding:
    """Grounding metadata of citations: each source once, each stretch of text once."""
    chunks: list[wire.Chunk] = []
    numbers: dict[tuple[object, ...], int] = {}
    supports: dict[tuple[int, int, int], wire.Support] = {}
    for number, citation in cited:
        chunk, key = _chunk(citation, losses, at)
        index = numbers.get(key)
        if index is None:
            index = numbers[key] = len(chunks)
            chunks.append(chunk)
        text, offsets = places.texts[number], places.offsets(number)
        start = 0 if citation.start is None else max(citation.start, 0)
        end = len(text) if citation.end is None else min(citation.end, len(text))
        segment = wire.Segment(number, offsets.byte(start), offsets.byte(end), text[start:end])
        stretch = (number, start, end)
        support = supports.get(stretch)
        if support is None:
            support = supports[stretch] = wire.Support(segment, [])
        support.grounding_chunk_indices.append(index)
    return wire.Grounding(chunks, list(supports.values()))


def _chunk(citation: Citation, losses: list[Loss], at: str) -> tuple[wire.Chunk, tuple[object, ...]]:
    source = citation.source
    if citation.quoted:
        losses.append(Loss(at, "dropped", NAME, "no place for the passage that a citation quotes"))
    if isinstance(source, UrlSource):
        if source.encrypted_index is not None:
            losses.append(Loss(at, "dropped", NAME, "no place for the index of a citation's source"))
        return wire.Chunk(web=wire.Web(source.url, source.title)), ("web", source.url, source.title)
    if isinstance(source, SearchSource) and source.source.startswith(("http://", "https://")):
        return wire.Chunk(web=wire.Web(source.source, source.title)), ("web", source.source, source.title)
    losses.append(Loss(at, "approximated", NAME, "a place in a document is cited as the document"))
    if isinstance(source, SearchSource):
        retrieved = wire.Retrieved(source.source, source.title)
        return wire.Chunk(retrieved_context=retrieved), ("search", source.source, source.title)
    retrieved = wire.Retrieved(source.file_id, source.title or f"document {source.index}")
    return wire.Chunk(retrieved_context=retrieved), ("document", source.index, source.title, source.file_id)


def read_sources(raw: Raw, texts: Texts, at: str) -> tuple[Cited, dict[str, Raw]]:
    """The citations that citation metadata tells, whose places are in all texts as one, and what they do not say."""
    try:
        given = _decode_sources(raw).citations
    except _BAD:
        return [], {at: raw}
    cited: Cited = []
    ends = _ends(texts)
    for each in given:
        try:
            source = _decode_source(each)
        except WireError:
            continue
        place = _within(source, ends)
        if place is not None and source.uri:
            number, offsets, before = place
            start = offsets.char(source.start_index - before)
            end = None if source.end_index is None else offsets.char(source.end_index - before)
            cited.append((number, Citation(UrlSource(source.uri, source.title), start, end, raw=each)))
    cited.sort(key=lambda one: one[0])
    return cited, {} if [one.raw for _, one in cited] == given else {at: raw}


def _ends(texts: Texts) -> list[tuple[int, Offsets, int]]:
    """Each text's number, its offsets, and how many bytes stand before it."""
    found = []
    before = 0
    for number, text in texts:
        offsets = Offsets(text)
        found.append((number, offsets, before))
        before += offsets.size
    return found


def _within(source: wire.CitedSource, ends: list[tuple[int, Offsets, int]]) -> tuple[int, Offsets, int] | None:
    """The text in which a stretch lies as a whole."""
    end = source.start_index if source.end_index is None else source.end_index
    for number, offsets, before in ends:
        if before <= source.start_index <= end <= before + offsets.size:
            return number, offsets, before
    return None


def write_citations(
    cited: Cited, texts: Texts, losses: list[Loss], at: str, *, same: bool
) -> tuple[wire.Grounding | None, list[Raw]]:
    """Grounding metadata, and the sources of citation metadata, which keep their own form for their own protocol."""
    recited = [citation.raw for _, citation in cited if same and citation.raw is not None]
    grounded = [(number, citation) for number, citation in cited if not (same and citation.raw is not None)]
    grounding = write_grounding(grounded, Places(texts), losses, at) if grounded else None
    return grounding, recited


def sources_raw(recited: list[Raw]) -> Raw:
    """Citation metadata of these sources."""
    return Raw(encode({"citations": recited}))


def told(raw: Raw) -> bool:
    """False for metadata that is absent, null or empty, as it comes in the frames before the last."""
    return not is_null(raw) and bytes(raw) not in (b"{}", b"[]")
