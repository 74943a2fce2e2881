"""Every operation: one explicit table, and where upstreams of each protocol usually offer them."""

from collections.abc import Mapping

from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Offer, Operation, Shape
from twoapi.protocols.operations.embeddings import cohere, dashscope, gemini, ollama, openai, predict, titan
from twoapi.protocols.operations.images import imagen
from twoapi.protocols.operations.images import openai as openai_images
from twoapi.protocols.operations.kept import gemini as kept
from twoapi.protocols.operations.rerank import cohere as rerank_cohere
from twoapi.protocols.operations.rerank import dashscope as rerank_dashscope
from twoapi.protocols.operations.rerank import jina


def _relayed(member: str, model: str = "") -> Mapping[str, Shape]:
    """OpenAI's shape alone, which is only relayed; a whole answer has `member`."""
    return {"openai": Shape(name="openai", native=json_bodies.relayed(member, model))}


def _kept(*names: str) -> Mapping[str, Shape]:
    """Shapes that are only relayed, of what upstreams keep: all that they show has an id."""
    return {name: Shape(name=name, native=json_bodies.relayed("id")) for name in names}


def _shapes(*shapes: Shape) -> Mapping[str, Shape]:
    return {shape.name: shape for shape in shapes}


_ALL = (
    Operation(
        name="embeddings",
        shapes=_shapes(
            openai.SHAPE,
            gemini.SHAPE,
            cohere.SHAPE,
            cohere.BEDROCK,
            titan.SHAPE,
            predict.SHAPE,
            dashscope.SHAPE,
            ollama.SHAPE,
        ),
    ),
    Operation(name="rerank", shapes=_shapes(jina.SHAPE, rerank_cohere.SHAPE, rerank_dashscope.SHAPE)),
    Operation(name="moderations", shapes=_relayed("results", "omni-moderation-latest"), model="omni-moderation-latest"),
    Operation(name="completions", shapes=_relayed("choices"), answers="chat", like="openai-chat"),
    Operation(name="images", shapes=_shapes(openai_images.SHAPE, imagen.SHAPE), answers="events"),
    Operation(name="speech", shapes=_relayed(""), answers="bytes"),
    Operation(name="image-edits", shapes=_relayed("data"), answers="events"),
    Operation(name="image-variations", shapes=_relayed("data", "dall-e-2"), model="dall-e-2"),
    Operation(name="transcriptions", shapes=_relayed(""), answers="bytes"),
    Operation(name="translations", shapes=_relayed(""), answers="bytes"),
    Operation(name="files", shapes={**_kept("openai", "anthropic"), kept.NAME: kept.SHAPE}),
    Operation(name="batches", shapes={**_kept("openai", "anthropic"), kept.NAME: kept.SHAPE}),
    Operation(name="caches", shapes=_shapes(kept.SHAPE)),
)
OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in _ALL}

_OPENAI: Mapping[str, tuple[Offer, ...]] = {
    "embeddings": (Offer("openai", "/embeddings"),),
    "rerank": (Offer("jina", "/rerank"),),
    "moderations": (Offer("openai", "/moderations"),),
    "completions": (Offer("openai", "/completions"),),
    "images": (Offer("openai", "/images/generations"),),
    "speech": (Offer("openai", "/audio/speech"),),
    "image-edits": (Offer("openai", "/images/edits"),),
    "image-variations": (Offer("openai", "/images/variations"),),
    "transcriptions": (Offer("openai", "/audio/transcriptions"),),
    "translations": (Offer("openai", "/audio/translations"),),
    # Few have these; those that do say so.
    "files": (Offer("openai", "/files", ()),),
    "batches": (Offer("openai", "/batches", ()),),
}
# protocol -> operation -> offers. An upstream that has none of these says so in its provider's file, or answers 404.
USUAL: Mapping[str, Mapping[str, tuple[Offer, ...]]] = {
    "openai-chat": _OPENAI,
    "openai-responses": _OPENAI,
    "anthropic-messages": {
        "files": (Offer("anthropic", "/v1/files", ()),),
        "batches": (Offer("anthropic", "/v1/messages/batches", ()),),
    },
    "gemini": {
        "embeddings": (Offer("gemini", "/{version}/{model}"),),
        "images": (Offer("imagen", "/{version}/{model}", ("*imagen*",)),),
        "files": (Offer("gemini", "/v1beta/files", ()),),
        "batches": (Offer("gemini", "/v1beta/batches", ()),),
        "caches": (Offer("gemini", "/v1beta/cachedContents", ()),),
    },
    "cohere": {"embeddings": (Offer("cohere", "/v2/embed"),), "rerank": (Offer("cohere", "/v2/rerank"),)},
    "ollama": {"embeddings": (Offer("ollama", "/api/embed"),)},
    "dashscope": {
        "embeddings": (Offer("dashscope", "/services/embeddings/text-embedding/text-embedding"),),
        "rerank": (Offer("dashscope", "/services/rerank/text-rerank/text-rerank"),),
    },
    "bedrock-converse": {
        "embeddings": (
            Offer("bedrock-titan", "/model/{model}/invoke", ("*titan-embed*",)),
            Offer("bedrock-cohere", "/model/{model}/invoke", ("*cohere.embed*",)),
        )
    },
}
