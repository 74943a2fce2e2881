"""What is asked of a reranking model and what it answers, whatever shape it came in."""

import msgspec
from msgspec import Raw

from twoapi.ir import JsonText, Usage


class Document(msgspec.Struct):
    """One document. `text` None: it has none, but fields or an image, which are in `raw`. `raw` is as it was sent."""

    text: JsonText | None
    raw: Raw
    at: str


class Rerank(msgspec.Struct, kw_only=True):
    """A request. `tells_documents`: the answer repeats them. `extras`: what only the shape's own vendor knows."""

    shape: str
    model: str
    query: JsonText
    documents: list[Document]
    top_n: int | None = None
    tells_documents: bool | None = None
    max_tokens: int | None = None  # of each document
    extras: dict[str, Raw] = msgspec.field(default_factory=dict)


class Rank(msgspec.Struct):
    """A document's number in the request, and how well it answers: a JSON number."""

    index: int
    score: Raw


class Ranked(msgspec.Struct, kw_only=True):
    """An answer, the best first. `said`: what the upstream tells beside them and no other shape has, by its pointer."""

    shape: str
    ranks: list[Rank]
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    said: dict[str, Raw] = msgspec.field(default_factory=dict)
