"""The laws of shapes: nothing is lost in silence, the same shape is the same request, and no input breaks anything."""

import json

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import Raw
from tests.protocols.operations.shapes import (
    FACES,
    Names,
    across,
    asked,
    each_face,
    each_reach,
    face_of,
    incoming,
    reach_of,
    sent,
)

from twoapi.ir import FaultError, Usage
from twoapi.protocols.operations.embeddings.model import Embedded, Embeddings
from twoapi.protocols.operations.embeddings.vectors import pack, unpack
from twoapi.protocols.operations.images.model import Made, Picture
from twoapi.protocols.operations.rerank.model import Rank, Ranked
from twoapi.protocols.operations.table import OPERATIONS
from twoapi.testing.replies import Json
from twoapi.testing.strategies.hostile import edited_json, noise
from twoapi.testing.strategies.services import BODIES
from twoapi.testing.strategies.values import json_bytes

few = settings(max_examples=settings().max_examples // 10)


def drawn(data: st.DataObject, face: Names, *, portable: bool = False) -> tuple[str, Json]:
    path, body = data.draw(BODIES[face](portable=portable))
    return path, body


def camel(value: Json) -> Json:
    """The same with Google's members in their first spelling."""
    if isinstance(value, dict):
        return {
            name.replace("output_dimensionality", "outputDimensionality"): camel(one) for name, one in value.items()
        }
    return [camel(one) for one in value] if isinstance(value, list) else value


@each_face
@given(data=st.data())
def test_the_same_shape_is_the_same_request(face: Names, data: st.DataObject) -> None:
    path, body = drawn(data, face)
    (outgoing,), losses = sent(face, face, path, data.draw(json_bytes(body)))
    expected = camel(body)
    if path.endswith(":embedContent"):
        expected = {"model": "models/m-1", **expected}
    assert json.loads(outgoing.body) == expected
    assert losses == []


def embedded(found: object) -> Embedded:
    """An answer in every format, for members of a request that only change what comes back."""
    count = len(found.inputs) if isinstance(found, Embeddings) else 0
    vectors = {form: [Raw(b"[1]")] * count for form in ("float", "int8", "ubinary")}
    return Embedded(shape="", vectors={**vectors, "base64": [Raw(b'"AACAPw=="')] * count}, usage=Usage(input=3))


def answers(operation: str, found: object) -> object:
    """An answer to what is asked."""
    if operation == "rerank":
        return Ranked(shape="", ranks=[Rank(0, Raw(b"0.5"))])
    return Made(shape="", pictures=[Picture("AAAA")]) if operation == "images" else embedded(found)


def told(face: Names, reach: Names, path: str, body: Json) -> tuple[object, ...]:
    """All that a request leads to; a refusal is as good as a loss."""
    try:
        outgoings, losses = sent(face, reach, path, body)
        found = asked(face, path, body)
    except FaultError as error:
        return ("refused", error.fault.param)
    written = face_of(face).write(answers(face[0], found), found, [])
    return ([(one.path, json.loads(one.body)) for one in outgoings], sorted(map(str, losses)), json.loads(written))


@across
@given(data=st.data())
@few
def test_every_member_makes_a_difference_or_is_told_as_lost(face: Names, reach: Names, data: st.DataObject) -> None:
    path, body = drawn(data, face, portable=data.draw(st.booleans()))
    whole = told(face, reach, path, body)
    if whole[0] == "refused":
        return
    for holder in body.get("requests", [body]):
        for name in list(holder):
            if name == "model" and "requests" in body:
                continue  # the path has said it
            value = holder.pop(name)
            note(f"without {name}")
            assert told(face, reach, path, body) != whole
            holder[name] = value


@across
@given(data=st.data())
@few
def test_losses_stand_where_the_client_wrote(face: Names, reach: Names, data: st.DataObject) -> None:
    path, body = drawn(data, face, portable=True)
    try:
        _, losses = sent(face, reach, path, body)
    except FaultError as error:
        pytest.fail(f"refused: {error}")
    for loss in losses:
        assert reach[1].endswith(loss.target)
        assert loss.detail
        if loss.kind != "synthesized":
            place = body
            for token in loss.path.split("/")[1:]:
                place = place[int(token)] if isinstance(place, list) else place[token]


@each_face
@given(data=st.data())
@few
def test_a_request_that_is_none_is_a_fault_and_nothing_else(face: Names, data: st.DataObject) -> None:
    path, body = drawn(data, face)
    native = OPERATIONS[face[0]].shapes[face[1]].native
    assert native is not None
    spoiled = data.draw(st.one_of(noise, edited_json(json.dumps(body).encode())))
    for look in (face_of(face).decode, native.peek):
        try:
            look(incoming(path, spoiled))
        except FaultError as error:
            if (error.fault.kind, error.fault.whose) != ("invalid_request", "client"):
                pytest.fail(f"{error.fault}")


@each_reach
@given(data=st.data())
@few
def test_an_answer_that_is_none_is_the_upstreams_fault_and_nothing_else(reach: Names, data: st.DataObject) -> None:
    face = next(one for one in FACES if one[0] == reach[0])
    path, body = drawn(data, face, portable=True)
    found = asked(face, path, body)
    good = data.draw(st.sampled_from(GOOD))
    spoiled = data.draw(st.one_of(noise, edited_json(json.dumps(good).encode())))
    native = OPERATIONS[reach[0]].shapes[reach[1]].native
    if native is not None:
        native.inspect(spoiled)
    try:
        answer = reach_of(reach).read(spoiled, found)
        face_of(face).write(answer, found, [])
    except FaultError as error:
        if error.fault.whose == "gateway":
            pytest.fail(f"{error.fault}")


GOOD: list[Json] = [
    {"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1}},
    {"embedding": {"values": [0.5]}, "usageMetadata": {"promptTokenCount": 1}},
    {"embeddings": [{"values": [0.5], "statistics": {"tokenCount": 3}}]},
    {"embeddings": {"float": [[0.5]]}, "meta": {"billed_units": {"input_tokens": 1.0}}},
    {"output": {"embeddings": [{"text_index": 0, "embedding": [0.5]}]}, "usage": {"total_tokens": 3}},
    {"model": "m", "embeddings": [[0.5]], "prompt_eval_count": 3},
    {"embedding": [0.5], "inputTextTokenCount": 3},
    {"predictions": [{"embeddings": {"values": [0.5], "statistics": {"token_count": 3}}}]},
    {"results": [{"index": 0, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 1}}},
    {"output": {"results": [{"index": 0, "relevance_score": 0.5}]}, "usage": {"total_tokens": 3}},
    {"created": 1, "data": [{"b64_json": "AAAA", "revised_prompt": "a"}, {"url": "data:image/png;base64,AAAA"}]},
    {"predictions": [{"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}, {"raiFilteredReason": "made up"}]},
    {"error": {"message": "made up", "code": 400}},
    {"code": "InvalidParameter", "message": "made up"},
]


@given(numbers=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=9))
def test_packing_is_exact_for_what_models_compute(numbers: list[float]) -> None:
    packed = pack(Raw(json.dumps(numbers).encode()))
    assert pack(unpack(packed)) == packed
    assert json.loads(bytes(unpack(packed))) == pytest.approx(numbers, rel=1e-6)
