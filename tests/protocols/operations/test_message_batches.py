"""Batches of messages: only the models' names change, and a batch in pieces is the same batch."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import FaultError
from twoapi.protocols.operations.kept.message_batches import BatchReader, MessageBatch
from twoapi.testing.strategies.values import cuts, json_bytes, json_objects

NAMES = {"a": "claude-a", "b/c": "a", 'q"\\é': "b/c"}
EDITS = (b"", b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b" ", b"[]", b"{}", b'"":0,', b"\xff", b'"requests":[')
REQUESTS = st.lists(st.tuples(json_objects, json_objects, st.sampled_from(sorted(NAMES))), min_size=1, max_size=6)


def read(*pieces: bytes, most: int = 1 << 30) -> MessageBatch:
    reader = BatchReader(most)
    for piece in pieces:
        reader.feed(piece)
    return reader.close()


def written(batch: MessageBatch, names: dict[str, str]) -> bytes:
    data = b"".join(batch.written(names))
    assert len(data) == batch.size(names)
    return data


def made(others: Any, requests: Any, names: dict[str, str] | None = None) -> Any:
    """A batch as a client writes it, or with other names."""
    told = [
        {**beside, "params": {"model": model if names is None else names[model], **params}}
        for beside, params, model in requests
    ]
    return {**others, "requests": told}


@given(json_objects, REQUESTS, st.data())
def test_only_the_names_change(others: Any, requests: Any, data: st.DataObject) -> None:
    batch = read(data.draw(json_bytes(made(others, requests))))
    assert list(batch.models) == list(dict.fromkeys(model for _, _, model in requests))
    assert json.loads(written(batch, NAMES)) == made(others, requests, NAMES)


@given(json_objects, REQUESTS, st.data())
def test_it_is_the_same_wherever_it_is_cut(others: Any, requests: Any, data: st.DataObject) -> None:
    body = data.draw(json_bytes(made(others, requests)))
    assert read(*data.draw(cuts(body))) == read(*(body[at : at + 1] for at in range(len(body)))) == read(body)


@given(REQUESTS)
def test_each_name_is_told_with_its_first_place(requests: Any) -> None:
    body = made({}, requests)
    for name, pointer in read(json.dumps(body).encode()).models.items():
        _, _, index, *rest = pointer.split("/")
        assert rest == ["params", "model"]
        assert [one["params"]["model"] for one in body["requests"][: int(index) + 1]].index(name) == int(index)


def test_large_ones_come_in_pieces() -> None:
    requests = [({"custom_id": f"{number}"}, {"text": "x" * 1000}, "a") for number in range(3000)]
    pieces = list(read(json.dumps(made({}, requests)).encode()).written(NAMES))
    assert json.loads(b"".join(pieces)) == made({}, requests, NAMES)
    assert max(map(len, pieces)) < 300_000
    assert len(pieces) > 10


@given(json_objects, REQUESTS, st.data())
def test_what_is_taken_is_what_the_upstream_reads(others: Any, requests: Any, data: st.DataObject) -> None:
    body = bytearray(data.draw(json_bytes(made(others, requests))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from(EDITS))
    try:
        batch = read(*data.draw(cuts(bytes(body))))
    except FaultError:
        return
    assert json.loads(written(batch, {name: name for name in batch.models})) == json.loads(bytes(body))


@given(st.binary(max_size=60))
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(FaultError) as caught:
        read(body)
    assert caught.value.fault.kind == "invalid_request"


@given(REQUESTS, st.data())
def test_a_batch_that_is_cut_off_is_refused(requests: Any, data: st.DataObject) -> None:
    body = json.dumps(made({}, requests)).encode()
    with pytest.raises(FaultError):
        read(body[: data.draw(st.integers(0, len(body) - 1))])


@given(json_objects, REQUESTS, st.data())
def test_a_list_that_is_there_twice_is_refused(others: Any, requests: Any, data: st.DataObject) -> None:
    body = data.draw(json_bytes(made(others, requests)))
    for again in (b'"requests":[]', b'"\\u0072equests" : [{}]', b'"requests":null', b'"requests":{}'):
        with pytest.raises(FaultError, match=r"must be (there once|a list)"):
            read(body.rstrip()[:-1] + b"," + again + b"}")


@pytest.mark.parametrize("beside", [b'{"x":"%b","requests":[]}', b'{"requests":[],"x":"%b"}', b'"%b"'])
def test_too_much_beside(beside: bytes) -> None:
    body = beside % (b"x" * (2 << 20))
    with pytest.raises(FaultError, match="beside the requests"):
        read(*(body[at : at + 65536] for at in range(0, len(body), 65536)))


def test_what_looks_like_the_next_request_within_one() -> None:
    deep = {"deep": [{"custom_id": "a"}, {"custom_id": "b"}], "text": '"}},{"custom_id":"b"'}
    requests = [({"custom_id": f"{number}"}, deep, "a") for number in range(50)]
    for separators in ((",", ":"), (", ", ": ")):
        body = json.dumps(made({}, requests), separators=separators).encode()
        assert json.loads(written(read(body), NAMES)) == made({}, requests, NAMES)


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_requests_that_have_no_seam_in_common(size: int) -> None:
    beside: list[Any] = [{}, {"custom_id": "a"}, {"b": {}}, {"custom_id": "c", "d": [{"custom_id": "e"}]}]
    requests = [(beside[number % 7 % 4], {"deep": [{"params": {}}, {"custom_id": "b"}]}, "a") for number in range(200)]
    body = json.dumps(made({}, requests)).encode()
    batch = read(*(body[at : at + size] for at in range(0, len(body), size)))
    assert json.loads(written(batch, NAMES)) == made({}, requests, NAMES)


@pytest.mark.parametrize("size", [1000, 1 << 20])
@pytest.mark.parametrize("place", [0, 30])
def test_a_request_that_is_too_large(size: int, place: int) -> None:
    requests: Any = [({}, {"text": "x" * (5000 if number == place else 10)}, "a") for number in range(40)]
    body = json.dumps(made({}, requests)).encode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert len(read(*pieces, most=5100).requests) == 40
    with pytest.raises(FaultError) as caught:
        read(*pieces, most=5000)
    assert (caught.value.fault.kind, caught.value.fault.param) == ("too_large", f"/requests/{place}")


def test_too_many_requests() -> None:
    body = b'{"requests":[' + b",".join([b'{"params":{"model":"a"}}'] * 100_001) + b"]}"
    with pytest.raises(FaultError, match="at most 100000 requests"):
        read(body)
