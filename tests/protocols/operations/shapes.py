"""What the tests of shapes share: which there are, and a client's request at hand."""

import json

import pytest

from twoapi.ir import Loss
from twoapi.protocols.operations.base import Face, Reach
from twoapi.protocols.operations.table import OPERATIONS
from twoapi.testing.replies import Json
from twoapi.testing.strategies.services import BODIES
from twoapi.wire.http import Incoming, Outgoing

Names = tuple[str, str]  # operation and shape

FACES: list[Names] = list(BODIES)
REACHES: list[Names] = [
    (operation.name, shape.name)
    for operation in OPERATIONS.values()
    for shape in operation.shapes.values()
    if shape.reach is not None
]
PAIRS = [(one, other) for one in FACES for other in REACHES if one[0] == other[0]]
OTHERS = [(one, other) for one, other in PAIRS if one[1] != other[1]]
PATH = "/{version}/{model}"

each_face = pytest.mark.parametrize("face", FACES, ids=":".join)
each_reach = pytest.mark.parametrize("reach", REACHES, ids=":".join)
across = pytest.mark.parametrize(("face", "reach"), OTHERS, ids=":".join)


def face_of(names: Names) -> Face:
    face = OPERATIONS[names[0]].shapes[names[1]].face
    assert face is not None
    return face


def reach_of(names: Names) -> Reach:
    reach = OPERATIONS[names[0]].shapes[names[1]].reach
    assert reach is not None
    return reach


def incoming(path: str, body: Json | bytes) -> Incoming:
    return Incoming(path, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def asked(face: Names, path: str, body: Json | bytes) -> object:
    """What a client asks."""
    return face_of(face).decode(incoming(path, body))


def sent(face: Names, reach: Names, path: str, body: Json) -> tuple[list[Outgoing], list[Loss]]:
    """The requests for an upstream, and what is lost."""
    losses: list[Loss] = []
    found = asked(face, path, body)
    split = reach_of(reach).split
    parts = [found] if split is None else split(found)
    return [reach_of(reach).encode(part, "m-1", PATH, losses) for part in parts], losses
