"""What is asked of an embedding model and what it answers, whatever shape it came in."""

from typing import Literal

import msgspec
from msgspec import Raw

from twoapi.ir import JsonText, Usage

# What the vectors are for.
Purpose = Literal[
    "query",
    "document",
    "similarity",
    "classification",
    "clustering",
    "question_answering",
    "fact_verification",
    "code_query",
    "image",
]
Truncation = Literal["none", "start", "end"]


class Piece(msgspec.Struct):
    """Part of one thing to embed: a text, token ids (`raw`), an image (`text` is its URL, mostly a data URL), or what
    only its own shape knows (`raw`). `raw`: how a list of parts had it.
    """

    kind: Literal["text", "tokens", "image", "other"]
    text: JsonText = ""
    at: str = ""
    raw: Raw | None = None


class Settings(msgspec.Struct):
    """How to embed; in most shapes once for all inputs. The pointers say where the client wrote it."""

    purpose: Purpose | None = None
    purpose_at: str = ""
    dimensions: int | None = None
    dimensions_at: str = ""
    title: JsonText | None = None
    title_at: str = ""


class Input(msgspec.Struct):
    """One thing to embed, which gets one vector. `role` as Gemini has it."""

    pieces: list[Piece]
    settings: Settings
    at: str
    role: str | None = None


class Embeddings(msgspec.Struct, kw_only=True):
    """A request. `formats`: how the client wants its vectors, "float" first if nothing was said.

    `plain`: the one input stood by itself, not in a list; then Gemini's answer has no list either. `form`: the member
    that held the inputs where a shape has several. `extras`: what only the shape's own vendor knows, by pointer.
    """

    shape: str
    model: str
    inputs: list[Input]
    formats: tuple[str, ...] = ("float",)
    formats_at: str = ""
    plain: bool = False
    form: str = ""
    truncate: Truncation | None = None
    truncate_at: str = ""
    max_tokens: int | None = None
    max_tokens_at: str = ""
    user: Raw | None = None
    extras: dict[str, Raw] = msgspec.field(default_factory=dict)


class Embedded(msgspec.Struct, kw_only=True):
    """An answer: for each format the vectors in the order of the inputs, each as its JSON (numbers, or base64).

    `said`: what the upstream tells beside them and no other shape has, by its pointer there.
    """

    vectors: dict[str, list[Raw]]
    shape: str
    model: str | None = None
    id: str | None = None
    usage: Usage | None = None
    said: dict[str, Raw] = msgspec.field(default_factory=dict)
