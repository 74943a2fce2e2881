"""The wire types of an answer, whole or one frame of a stream: they are the same."""

from msgspec import Raw, Struct

from twoapi.protocols.gemini.parts import Content
from twoapi.wire.json import EMPTY


class Candidate(Struct, rename="camel", forbid_unknown_fields=True):
    """One of the answers."""

    index: int | None = None
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    grounding_metadata: Raw = EMPTY
    citation_metadata: Raw = EMPTY
    logprobs_result: Raw = EMPTY
    safety_ratings: Raw = EMPTY
    url_context_metadata: Raw = EMPTY
    avg_logprobs: Raw = EMPTY
    token_count: Raw = EMPTY
    continuation_token: Raw = EMPTY


class Answer(Struct, rename="camel", forbid_unknown_fields=True):
    """The answer, or a piece of it."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Raw = EMPTY
    usage_metadata: Raw = EMPTY
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    model_status: Raw = EMPTY
    error: Raw = EMPTY


# Nearly all frames of a stream bring one piece of words; these take those and refuse any other.


class SpokenPart(Struct, forbid_unknown_fields=True, gc=False):
    """Words."""

    text: str
    thought: bool = False


class SpokenContent(Struct, forbid_unknown_fields=True, gc=False):
    """One piece."""

    parts: tuple[SpokenPart]
    role: str | None = None


class SpokenCandidate(Struct, forbid_unknown_fields=True, gc=False):
    """A candidate that goes on."""

    content: SpokenContent
    index: int = 0


class SpokenFrame(Struct, rename="camel", forbid_unknown_fields=True):
    """A frame of one candidate that says nothing but words and usage."""

    candidates: tuple[SpokenCandidate]
    usage_metadata: Raw = EMPTY
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None


# What the canonical model does not hold of a candidate: name here -> name on the wire.
UNMODELLED = {
    "safety_ratings": "safetyRatings",
    "url_context_metadata": "urlContextMetadata",
    "avg_logprobs": "avgLogprobs",
    "token_count": "tokenCount",
    "continuation_token": "continuationToken",
}


class PromptFeedback(Struct, rename="camel"):
    """Why there is no answer to a prompt."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Web(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A page."""

    uri: str = ""
    title: str | None = None


class Retrieved(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A document of the caller's own."""

    uri: str | None = None
    title: str | None = None
    text: str | None = None


class Chunk(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A source: one of the members."""

    web: Web | None = None
    retrieved_context: Retrieved | None = None


class Segment(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A stretch of a part, in bytes of its UTF-8; zeros are left out."""

    part_index: int = 0
    start_index: int = 0
    end_index: int = 0
    text: str = ""


class Support(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A stretch of text and the numbers of the sources that it rests on."""

    segment: Segment | None = None
    grounding_chunk_indices: list[int] = []


class Grounding(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What the answer's claims rest on."""

    grounding_chunks: list[Chunk] = []
    grounding_supports: list[Support] = []


class CitedSource(Struct, rename="camel", omit_defaults=True, gc=False):
    """Where a stretch of the whole text was recited from, in bytes of its UTF-8."""

    start_index: int = 0
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class CitationMetadata(Struct, forbid_unknown_fields=True):
    """The sources of what was recited."""

    citations: list[Raw] = []


class Token(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A token and its log probability."""

    token: str = ""
    log_probability: float = 0.0


class TopTokens(Struct, forbid_unknown_fields=True):
    """The likeliest tokens of one step."""

    candidates: list[Token] = []


class Logprobs(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """The tokens that were chosen, and the likeliest ones of each step."""

    chosen_candidates: list[Token] = []
    top_candidates: list[TopTokens] = []
