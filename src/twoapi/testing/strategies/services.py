"""Requests of clients for embeddings, rerank and pictures, with all that their vendors document."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import json_values, texts

Body = tuple[str, Json]  # the path that it is sent to, and what is sent

_TEXTS = texts
_SIZES = st.integers(1, 4096)
_TASKS = st.sampled_from(
    [
        *("RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING"),
        *("QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY", "NEW_PURPOSE"),
    ]
)
_PURPOSES = st.sampled_from(["search_query", "search_document", "classification", "clustering"])
_LATER = st.dictionaries(st.sampled_from(["later", "new_option"]), json_values, max_size=1)


def _object(needed: Mapping[str, st.SearchStrategy[Any]], optional: Mapping[str, st.SearchStrategy[Any]]) -> Any:  # noqa: ANN401
    both = st.fixed_dictionaries(dict(needed), optional=dict(optional))
    return st.tuples(both, _LATER).map(lambda one: {**one[0], **{k: v for k, v in one[1].items() if v is not None}})


def openai_embeddings(*, portable: bool = False) -> st.SearchStrategy[Body]:
    """POST /v1/embeddings; `portable`: texts alone, which every upstream takes."""
    ids = st.lists(st.integers(0, 1000), min_size=1, max_size=3)
    some = st.lists(_TEXTS if portable else _TEXTS | ids, min_size=1, max_size=3)
    given = _TEXTS | some if portable else _TEXTS | some | ids
    body = _object(
        {"model": st.just("m-1"), "input": given},
        {
            "dimensions": _SIZES,
            "encoding_format": st.just("base64"),
            "user": _TEXTS,
            "input_type": st.sampled_from(["query", "passage", "another"]),
        },
    )
    return st.tuples(st.just("/v1/embeddings"), body)


def gemini_embeddings(*, portable: bool = False) -> st.SearchStrategy[Body]:
    """POST :embedContent and :batchEmbedContents; some members in snake_case."""
    text = st.fixed_dictionaries({"text": _TEXTS})
    media = st.fixed_dictionaries({"inlineData": st.just({"mimeType": "image/png", "data": "AAAA"})})
    parts = st.lists(text if portable else text | media, min_size=1, max_size=2)
    content = st.fixed_dictionaries({"parts": parts}, optional={"role": st.just("model")})
    optional = {"taskType": _TASKS, "title": _TEXTS}
    sizes = st.sampled_from(["outputDimensionality", "output_dimensionality"])
    request = st.tuples(_object({"content": content}, optional), sizes, st.none() | _SIZES).map(
        lambda one: {**one[0], **({} if one[2] is None else {one[1]: one[2]})}
    )
    many = st.lists(request.map(lambda one: {"model": "models/m-1", **one}), min_size=1, max_size=3)
    return st.tuples(st.just("/v1beta/models/m-1:embedContent"), request) | st.tuples(
        st.just("/v1beta/models/m-1:batchEmbedContents"), many.map(lambda found: {"requests": found})
    )


def cohere_embeddings(*, portable: bool = False) -> st.SearchStrategy[Body]:
    """POST /v2/embed."""
    image = st.just("data:image/png;base64,AAAA")
    text_part = st.fixed_dictionaries({"type": st.just("text"), "text": _TEXTS})
    image_part = st.fixed_dictionaries(
        {"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": image})}
    )
    forms: dict[str, st.SearchStrategy[Any]] = {"texts": st.lists(_TEXTS, min_size=1, max_size=3)}
    parts = st.lists(text_part if portable else text_part | image_part, min_size=1, max_size=2)
    forms["inputs"] = st.lists(st.fixed_dictionaries({"content": parts}), min_size=1, max_size=2)
    if not portable:
        forms["images"] = st.lists(image, min_size=1, max_size=2)
    formats = st.sampled_from([["base64"], ["float", "base64"], ["float", "int8"], ["base64", "ubinary"]])
    body = st.sampled_from(sorted(forms)).flatmap(
        lambda form: _object(
            {"model": st.just("m-1"), "input_type": _PURPOSES, form: forms[form]},
            {
                "embedding_types": formats,
                "output_dimension": _SIZES,
                "truncate": st.sampled_from(["NONE", "START", "END"]),
                "max_tokens": _SIZES,
            },
        )
    )
    return st.tuples(st.just("/v2/embed"), body)


def jina_reranks(*, portable: bool = False) -> st.SearchStrategy[Body]:
    """POST /v1/rerank."""
    text = _TEXTS | st.fixed_dictionaries({"text": _TEXTS})
    other = st.fixed_dictionaries({"image": _TEXTS, "text": _TEXTS})
    body = _object(
        {
            "model": st.just("m-1"),
            "query": _TEXTS,
            "documents": st.lists(text if portable else text | other, min_size=1, max_size=3),
        },
        {"top_n": st.integers(1, 9), "return_documents": st.just(value=False), "max_tokens_per_doc": _SIZES},
    )
    return st.tuples(st.just("/v1/rerank"), body)


def cohere_reranks(*, portable: bool = False) -> st.SearchStrategy[Body]:  # noqa: ARG001  all of it is
    """POST /v2/rerank."""
    body = _object(
        {"model": st.just("m-1"), "query": _TEXTS, "documents": st.lists(_TEXTS, min_size=1, max_size=3)},
        {"top_n": st.integers(1, 9), "max_tokens_per_doc": _SIZES},
    )
    return st.tuples(st.just("/v2/rerank"), body)


def openai_pictures(*, portable: bool = False) -> st.SearchStrategy[Body]:  # noqa: ARG001  all of it is
    """POST /v1/images/generations."""
    sizes = st.sampled_from(["1024x1024", "1536x1024", "1024x1792", "256x256", "2000x400"])
    body = _object(
        {"model": st.just("m-1"), "prompt": _TEXTS},
        {
            "n": st.integers(1, 9),
            "size": sizes,
            "quality": st.just("high"),
            "background": st.just("transparent"),
            "output_format": st.sampled_from(["png", "jpeg", "webp"]),
            "output_compression": st.integers(0, 100),
            "response_format": st.just("url"),
            "user": _TEXTS,
        },
    )
    return st.tuples(st.just("/v1/images/generations"), body)


def imagen_pictures(*, portable: bool = False) -> st.SearchStrategy[Body]:  # noqa: ARG001  as above
    """POST :predict of a model that makes pictures."""
    output = _object({}, {"mimeType": st.sampled_from(["image/png", "image/jpeg"]), "compressionQuality": _SIZES})
    parameters = _object(
        {"sampleCount": st.integers(1, 9)},
        {
            "aspectRatio": st.sampled_from(["1:1", "3:4", "4:3", "9:16", "16:9"]),
            "negativePrompt": _TEXTS,
            "seed": _SIZES,
            "outputOptions": output,
        },
    )
    instances = st.tuples(_object({"prompt": _TEXTS}, {}))
    body = _object({"instances": instances.map(list)}, {"parameters": parameters, "labels": st.just({"a": "b"})})
    return st.tuples(st.just("/v1beta/models/m-1:predict"), body)


# operation and shape -> what its clients send
BODIES = {
    ("embeddings", "openai"): openai_embeddings,
    ("embeddings", "gemini"): gemini_embeddings,
    ("embeddings", "cohere"): cohere_embeddings,
    ("rerank", "jina"): jina_reranks,
    ("rerank", "cohere"): cohere_reranks,
    ("images", "openai"): openai_pictures,
    ("images", "imagen"): imagen_pictures,
}
