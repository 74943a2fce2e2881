"""Batches of messages: only the models' names change, and a batch in pieces is the same batch."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import FaultError
from twoapi.protocols.operations.kept.message_batches import read_batch, written_batch
from twoapi.testing.strategies.values import json_bytes, json_objects

NAMES = {"a": "claude-a", "b/c": "a", 'q"\\é': "b/c"}
REQUESTS = st.lists(st.tuples(json_objects, json_objects, st.sampled_from(sorted(NAMES))), min_size=1, max_size=6)


def made(others: Any, requests: Any, names: dict[str, str] | None = None) -> Any:
    """A batch as a client writes it, or with other names."""
    told = [
        {**beside, "params": {"model": model if names is None else names[model], **params}}
        for beside, params, model in requests
    ]
    return {**others, "requests": told}


@given(json_objects, REQUESTS, st.data())
def test_only_the_names_change(others: Any, requests: Any, data: st.DataObject) -> None:
    batch = read_batch(data.draw(json_bytes(made(others, requests))))
    assert list(batch.models) == list(dict.fromkeys(model for _, _, model in requests))
    assert json.loads(b"".join(written_batch(batch, NAMES))) == made(others, requests, NAMES)


@given(REQUESTS)
def test_each_name_is_told_with_its_first_place(requests: Any) -> None:
    body = made({}, requests)
    for name, pointer in read_batch(json.dumps(body).encode()).models.items():
        _, _, index, *rest = pointer.split("/")
        assert rest == ["params", "model"]
        assert [one["params"]["model"] for one in body["requests"][: int(index) + 1]].index(name) == int(index)


def test_large_ones_come_in_pieces() -> None:
    requests = [({"custom_id": f"{number}"}, {"text": "x" * 1000}, "a") for number in range(3000)]
    pieces = written_batch(read_batch(json.dumps(made({}, requests)).encode()), NAMES)
    assert json.loads(b"".join(pieces)) == made({}, requests, NAMES)
    assert max(map(len, pieces)) < 300_000
    assert len(pieces) > 10


@given(st.binary(max_size=60))
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(FaultError) as caught:
        read_batch(body)
    assert caught.value.fault.kind == "invalid_request"


@given(REQUESTS, st.data())
def test_a_batch_that_is_cut_off_is_refused(requests: Any, data: st.DataObject) -> None:
    body = json.dumps(made({}, requests)).encode()
    with pytest.raises(FaultError):
        read_batch(body[: data.draw(st.integers(0, len(body) - 1))])


def test_too_many_requests() -> None:
    body = b'{"requests":[' + b",".join([b'{"params":{"model":"a"}}'] * 100_001) + b"]}"
    with pytest.raises(FaultError, match="at most 100000 requests"):
        read_batch(body)
