"""New batches and cached contents of Gemini's clients: only the models' names change, and what is none is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import FaultError
from twoapi.protocols.operations.kept.base import Kind
from twoapi.protocols.operations.kept.gemini import FACE
from twoapi.protocols.operations.kept.gemini_new import body_for, new, path_for
from twoapi.testing.strategies.hostile import edited_json, noise
from twoapi.testing.strategies.values import json_bytes, json_objects
from twoapi.wire.http import Incoming

PATH = "/v1beta/models/a/b:batchGenerateContent"
MODEL = "models/a/b"
TAKEN = {"batch", "inputConfig", "input_config", "model", "requests", "fileName", "file_name", "request"}
OTHERS = json_objects.map(lambda found: {name: value for name, value in found.items() if name not in TAKEN})
REQUESTS = st.lists(st.tuples(OTHERS, OTHERS, st.booleans()), min_size=1, max_size=4)


def inlined(beside: tuple[Any, Any, Any, Any], requests: Any, spelling: str, name: str) -> Any:
    """A batch with its requests in it; those that name a model name this one."""
    whole, batch, config, outer = beside
    told = [
        {**around, "request": {**({"model": name} if is_named else {}), **request}}
        for around, request, is_named in requests
    ]
    return {**whole, "batch": {**batch, spelling: {**config, "requests": {**outer, "requests": told}}, "model": name}}


def asked(body: bytes, path: str = PATH) -> Incoming:
    return Incoming(path, {}, body)


@given(
    beside=st.tuples(OTHERS, OTHERS, OTHERS, OTHERS),
    requests=REQUESTS,
    spelling=st.sampled_from(["inputConfig", "input_config"]),
    data=st.data(),
)
def test_only_the_names_change(beside: Any, requests: Any, spelling: str, data: st.DataObject) -> None:
    incoming = asked(data.draw(json_bytes(inlined(beside, requests, spelling, MODEL))))
    found = new("batches", incoming)
    assert (found.model, found.method, found.file) == ("a/b", "batchGenerateContent", "")
    sent = json.loads(body_for("batches", incoming, found, "m-1"))
    assert sent == inlined(beside, requests, "inputConfig", "models/m-1")
    assert body_for("batches", incoming, found, "a/b") == incoming.body


@given(others=OTHERS, name=st.sampled_from(["models/a/b", "a/b"]), data=st.data())
def test_cached_contents(others: Any, name: str, data: st.DataObject) -> None:
    incoming = asked(data.draw(json_bytes({"model": name, **others})), "/v1beta/cachedContents")
    found = new("caches", incoming)
    assert (found.model, found.method) == ("a/b", "")
    assert json.loads(body_for("caches", incoming, found, "m-1")) == {"model": "models/m-1", **others}


@pytest.mark.parametrize("kind", ["batches", "caches"])
@given(data=st.data())
def test_what_is_none_is_a_fault_and_nothing_else(kind: Kind, data: st.DataObject) -> None:
    good = inlined(({}, {}, {}, {}), [({}, {"contents": []}, True)], "inputConfig", MODEL)
    spoiled = data.draw(noise | edited_json(json.dumps({"model": "m", **good}).encode()))
    try:
        found = new(kind, asked(spoiled))
        body_for(kind, asked(spoiled), found, "m-1")
    except FaultError as error:
        if (error.fault.kind, error.fault.whose) != ("invalid_request", "client"):
            pytest.fail(f"{error.fault}")


@pytest.mark.parametrize("kind", ["files", "batches", "caches"])
@given(data=st.data())
def test_what_an_upstream_shows_is_read_or_its_fault(kind: Kind, data: st.DataObject) -> None:
    shown = {"name": "files/a", "createTime": "2026-01-01T00:00:00Z", "metadata": {"state": "BATCH_STATE_FAILED"}}
    try:
        found = FACE.read(kind, data.draw(noise | edited_json(json.dumps(shown).encode())))
    except FaultError as error:
        if error.fault.whose != "upstream":
            pytest.fail(f"{error.fault}")
    else:
        assert found is None or found.id


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("m-1", "/v1beta/models/m-1:batchGenerateContent"),
        ("tunedModels/a", "/v1beta/tunedModels/a:batchGenerateContent"),
        ("a b?", "/v1beta/models/a%20b%3F:batchGenerateContent"),
    ],
)
def test_paths(model: str, path: str) -> None:
    found = new("batches", asked(b'{"batch":{"inputConfig":{"fileName":"files/a"}}}'))
    assert found.file == "files/a"
    assert path_for("/v1beta/batches", found, model) == path
    with pytest.raises(FaultError):
        path_for("/v1beta/batches", found, "../x")
