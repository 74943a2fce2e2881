"""Embeddings as Amazon's Titan models take them through Bedrock's InvokeModel: one text at a time; upstreams only.

Recalled, not tried against the service: the members of the body.
"""

from twoapi.ir import Loss, Usage
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.base import Reach, Shape
from twoapi.protocols.operations.embeddings import inputs
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings
from twoapi.protocols.operations.embeddings.parts import join, split
from twoapi.protocols.operations.embeddings.vectors import only_floats
from twoapi.protocols.operations.members import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Outgoing

NAME = "bedrock-titan"


def encode(asked: Embeddings, model: str, path: str, losses: list[Loss]) -> Outgoing:
    """The request for an upstream of this shape, for one input."""
    settings = inputs.common(asked, NAME, losses)
    members: dict[str, object] = {"inputText": inputs.text_of(asked.inputs[0], NAME, losses)}
    if settings.dimensions is not None:
        members["dimensions"] = settings.dimensions
    only_floats(asked, NAME, losses)
    inputs.report_all(asked, settings, NAME, losses)
    return Outgoing(json_bodies.place(path, model), json.encode(members))


def read(body: bytes, asked: Embeddings) -> Embedded:  # noqa: ARG001  it has one input
    """An upstream's answer."""
    members = json_bodies.answer_members(body, "embedding", "bedrock-converse")
    if json.first_byte(members["embedding"]) != 91:
        raise broken("the upstream's answer holds no vector in `embedding`")
    try:
        counted = json.decode(members["inputTextTokenCount"]) if "inputTextTokenCount" in members else None
    except WireError:
        counted = None
    usage = Usage(input=counted) if type(counted) is int else None
    return Embedded(vectors={"float": [members["embedding"]]}, shape=NAME, usage=usage)


SHAPE = Shape(name=NAME, reach=Reach(encode=encode, read=read, split=split, join=join))
