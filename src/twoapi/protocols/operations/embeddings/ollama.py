"""Embeddings in Ollama's own shape; upstreams only."""

from twoapi.ir import Loss, Usage
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings
from twoapi.protocols.operations.embeddings.vectors import only_floats, sort
from twoapi.protocols.operations.members import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Outgoing

NAME = "ollama"


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    settings = inputs.common(asked, NAME, losses)
    members: dict[str, object] = {"model": model, "input": inputs.texts(asked, NAME, losses)}
    if settings.dimensions is not None:
        members["dimensions"] = settings.dimensions
    if asked.truncate is not None:
        members["truncate"] = asked.truncate != "none"
        if asked.truncate == "start":
            losses.append(Loss(asked.truncate_at, "approximated", NAME, "long inputs are cut at their end"))
    if asked.max_tokens is not None:
        losses.append(Loss(asked.max_tokens_at, "dropped", NAME, "no such limit here"))
    only_floats(asked, NAME, losses)
    inputs.report_purpose(settings, NAME, losses)
    inputs.report_titles(asked, NAME, losses)
    inputs.report_rest(asked, NAME, losses)
    return Outgoing(json_bodies.place(path, model), json.encode(members))


def read(body: bytes, asked: Embeddings) -> Embedded:
    """An upstream's answer."""
    members = json_bodies.answer_members(body, "embeddings", NAME)
    try:
        vectors = sort([(None, one) for one in json.items(members["embeddings"])], len(asked.inputs))
        counted = json.decode(members["prompt_eval_count"]) if "prompt_eval_count" in members else None
    except WireError:
        raise broken("the upstream's answer holds no vectors in `embeddings`") from None
    return Embedded(
        vectors={"float": vectors},
        shape=NAME,
        model=json.string(members.get("model", json.EMPTY)) or None,
        usage=Usage(input=counted) if type(counted) is int else None,
    )


SHAPE = Shape(name=NAME, reach=Reach(encode=encode, read=read))
