"""Embeddings as Vertex AI's older models take them, by :predict; upstreams only."""

from twoapi.ir import Loss, Usage
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.gemini import WORDS
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings, Input
from twoapi.protocols.operations.embeddings.vectors import only_floats, sort
from twoapi.protocols.operations.members import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Outgoing

NAME = "vertex-predict"


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape."""
    reported: set[str] = set()
    instances = [_instance(one, losses, reported) for one in asked.inputs]
    settings = inputs.common_size(asked, NAME, losses)
    parameters: dict[str, object] = {}
    if settings.dimensions is not None:
        parameters["outputDimensionality"] = settings.dimensions
    if asked.truncate is not None:
        parameters["autoTruncate"] = asked.truncate != "none"
        if asked.truncate == "start":
            losses.append(Loss(asked.truncate_at, "approximated", NAME, "long inputs are cut at their end"))
    if asked.max_tokens is not None:
        losses.append(Loss(asked.max_tokens_at, "dropped", NAME, "no such limit here"))
    only_floats(asked, NAME, losses)
    inputs.report_rest(asked, NAME, losses)
    body = {"instances": instances, **({"parameters": parameters} if parameters else {})}
    return Outgoing(json_bodies.place(path, model), json.encode(body))


def _instance(one: Input, losses: list[Loss], reported: set[str]) -> dict[str, object]:
    instance: dict[str, object] = {"content": inputs.text_of(one, NAME, losses)}
    settings = one.settings
    word = inputs.nearest(settings, WORDS, {}, NAME, [] if settings.purpose_at in reported else losses)
    reported.add(settings.purpose_at)
    if word is not None:
        instance["task_type"] = word
    if settings.title is not None:
        instance["title"] = settings.title
    return instance


def read(body: bytes, asked: Embeddings) -> Embedded:
    """An upstream's answer."""
    members = json_bodies.answer_members(body, "predictions", "gemini")
    try:
        found = [json.fields(json.fields(one)["embeddings"]) for one in json.items(members["predictions"])]
        vectors = sort([(None, one["values"]) for one in found], len(asked.inputs))
    except (WireError, KeyError):
        raise broken("the upstream's answer holds no vectors in `predictions`") from None
    try:
        counts = [json.decode(one["statistics"])["token_count"] for one in found]
        usage = Usage(input=int(sum(counts)))
    except (WireError, KeyError, TypeError, ValueError):
        usage = None
    return Embedded(vectors={"float": vectors}, shape=NAME, usage=usage)


SHAPE = Shape(name=NAME, reach=Reach(encode=encode, read=read))
