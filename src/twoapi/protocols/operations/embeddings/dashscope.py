"""Embeddings in DashScope's own shape; upstreams only."""

from msgspec import Raw

from twoapi.ir import Loss
from twoapi.protocols.operations import dashscope_answers, json_bodies
from twoapi.protocols.operations.base import Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings, Purpose
from twoapi.protocols.operations.embeddings.vectors import only_floats, sort
from twoapi.protocols.operations.members import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Outgoing

NAME = "dashscope"
_WORDS: dict[Purpose, str] = {"query": "query", "document": "document"}
_NEAR: dict[Purpose, str] = {"question_answering": "query", "fact_verification": "query", "code_query": "query"}


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    settings = inputs.common(asked, NAME, losses)
    parameters: dict[str, object] = {}
    if settings.dimensions is not None:
        parameters["dimension"] = settings.dimensions
    word = inputs.nearest(settings, _WORDS, _NEAR, NAME, losses)
    if word is not None:
        parameters["text_type"] = word
    only_floats(asked, NAME, losses)
    found = inputs.texts(asked, NAME, losses)
    inputs.report_titles(asked, NAME, losses)
    inputs.report_truncation(asked, NAME, losses)
    inputs.report_rest(asked, NAME, losses)
    body = {"model": model, "parameters": parameters, "input": {"texts": found}}
    return Outgoing(json_bodies.place(path, model), json.encode(body))


def read(body: bytes, asked: Embeddings) -> Embedded:
    """An upstream's answer."""
    output, members = dashscope_answers.output(body, "embeddings")
    try:
        found = [json.fields(one) for one in json.items(output["embeddings"])]
        numbered = [(_number(one.get("text_index", json.EMPTY)), one["embedding"]) for one in found]
    except (WireError, KeyError):
        raise broken("the upstream's answer holds no vectors in `output`") from None
    return Embedded(
        vectors={"float": sort(numbered, len(asked.inputs))},
        shape=NAME,
        usage=dashscope_answers.usage(members.get("usage", json.EMPTY)),
        said={
            f"/output/embeddings/{number}/{name}": value
            for number, one in enumerate(found)
            for name, value in one.items()
            if name not in ("embedding", "text_index")
        },
    )


def _number(raw: Raw) -> int | None:
    found = None if json.is_null(raw) else json.decode(raw)
    return found if type(found) is int else None


SHAPE = Shape(name=NAME, reach=Reach(encode=encode, read=read))
