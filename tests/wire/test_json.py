"""Reading and editing JSON documents as bytes, against the standard library."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from twoapi.testing.strategies.values import json_bytes, json_objects, json_values
from twoapi.wire import json as wire
from twoapi.wire.errors import WireError

keys = st.sampled_from(("a", "model", "a/b", "m~n", "北", "", 'q"t'))
documents = st.dictionaries(keys, json_values, max_size=4)


@given(st.data())
def test_one_member_is_replaced_and_nothing_else(data: st.DataObject) -> None:
    document = data.draw(documents)
    body = data.draw(json_bytes(document))
    name, value = data.draw(keys), data.draw(json_values)
    edited = wire.replace_field(body, name, json.dumps(value).encode())
    assert json.loads(edited) == {**document, name: value}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1,"model":"x","b":[ 1 ]}', b'{"a":1,"model":"y","b":[ 1 ]}'),
        (b'{ "model" :\t"x" }', b'{ "model" :\t"y" }'),
        (b'{"b":{"model":"x"},"model":"x"}', b'{"b":{"model":"x"},"model":"y"}'),
        (b'{"a":"\\"model\\":\\"x\\"","model":"x"}', b'{"a":"\\"model\\":\\"x\\"","model":"y"}'),
        (b'{"b":1234567890123456789012, "c":1.10}', b'{"b":1234567890123456789012,"c":1.10,"model":"y"}'),
    ],
)
def test_other_bytes_stay(body: bytes, expected: bytes) -> None:
    assert json.loads(wire.replace_field(body, "model", b'"y"')) == json.loads(expected)
    assert wire.replace_field(body, "model", b'"y"').replace(b" ", b"") == expected.replace(b" ", b"")


@st.composite
def placed(draw: st.DrawFn) -> tuple[Any, str]:
    """A document, and the pointer of a place in it whose parent exists."""
    document: Any = {"a": {"b/c": [{"d": 1}, 2]}, "m~n": {}, "l": [[]], "s": "text"}
    pointer = draw(
        st.sampled_from(("/new", "/a/new", "/a/b~1c/0", "/a/b~1c/0/new", "/m~0n/x~1y", "/a/b~1c/0/d", "/l/0", "/s"))
    )
    return document, pointer


@given(placed(), json_values)
def test_what_is_inserted_is_found_there(place: tuple[Any, str], value: Any) -> None:
    document, pointer = place
    raw = Raw(json.dumps(value).encode())
    edited, missing = wire.insert(json.dumps(document).encode(), {pointer: raw})
    found = wire.at_pointer(edited, pointer)
    assert missing == []
    assert found is not None
    assert json.loads(bytes(found)) == value


@pytest.mark.parametrize("pointer", ["/no/b", "/a/b~1c/7", "/a/b~1c/x", "/s/x", "/a/b~1c/0/d/e", "/l/1"])
def test_a_place_without_parent_is_reported(pointer: str) -> None:
    body = b'{"a":{"b/c":[{"d":1},2]},"s":"text","l":[[]]}'
    edited, missing = wire.insert(body, {pointer: Raw(b"1"), "/ok": Raw(b"2")})
    assert missing == [pointer]
    assert json.loads(edited) == {**json.loads(body), "ok": 2}
    assert wire.at_pointer(body, pointer) is None


@given(st.text())
def test_a_token_is_escaped_and_back(token: str) -> None:
    assert wire.unescape(wire.escape(token)) == token
    assert "/" not in wire.escape(token)


class Inner(msgspec.Struct):
    x: int = 0


class Tagged(msgspec.Struct, tag="t", tag_field="type"):
    y: int = 0


class Outer(msgspec.Struct):
    a: Inner | None = None
    b: list[Inner] = []
    c: Raw = wire.EMPTY
    d: Tagged | None = None
    e: str | list[Inner] = ""


def test_unknown_members_are_found_at_every_depth() -> None:
    body = json.dumps(
        {
            "a": {"x": 1, "u/v": {"deep": 1}},
            "b": [{"x": 1}, {"w~": None}],
            "c": {"not": "looked into"},
            "d": {"type": "t", "y": 1, "z": []},
            "e": [{"n": 1}],
            "future": [1],
        }
    ).encode()
    found = {pointer: json.loads(bytes(raw)) for pointer, raw in wire.unknown_fields(body, Outer).items()}
    assert found == {"/a/u~1v": {"deep": 1}, "/b/1/w~0": None, "/d/z": [], "/e/0/n": 1, "/future": [1]}


@given(json_objects)
def test_unknown_members_can_be_put_back(members: dict[str, Any]) -> None:
    known = {"a": {"x": 1}, "b": []}
    body = json.dumps({**known, "d": {"type": "t", **{f"new {name}": value for name, value in members.items()}}})
    unknown = wire.unknown_fields(body.encode(), Outer)
    edited, missing = wire.insert(json.dumps({**known, "d": {"type": "t"}}).encode(), unknown)
    assert missing == []
    assert json.loads(edited) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a":{"x":"no"}}', "/a/x"),
        (b'{"b":[{"x":1},{"x":"no"}]}', "/b/1/x"),
        (b"[]", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_an_error_names_its_place(body: bytes, pointer: str) -> None:
    with pytest.raises(WireError) as caught:
        wire.decoder(Outer)(body)
    assert caught.value.pointer == pointer


@given(st.binary(max_size=30))
def test_bytes_are_json_or_a_wire_error(body: bytes) -> None:
    for read in (wire.decode, wire.fields, wire.items, wire.decoder(Outer)):
        with contextlib.suppress(WireError):
            read(body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{}", True), ('{"a": [1]}', True), (" {} ", True), ("[]", False), ("", False), ("{", False), ("{}{}", False)],
)
def test_arguments_are_one_object(text: str, expected: bool) -> None:  # noqa: FBT001
    assert wire.is_object(text) is expected


@given(st.data())
def test_members_go_and_others_come(data: st.DataObject) -> None:
    document = data.draw(documents)
    body = data.draw(json_bytes(document))
    left_out, added = data.draw(st.sets(keys)), data.draw(documents)
    edited = wire.edit_members(body, left_out, {name: json.dumps(value).encode() for name, value in added.items()})
    kept = {name: value for name, value in document.items() if name not in left_out}
    come = {name: value for name, value in added.items() if name not in document}
    assert json.loads(edited) == {**kept, **come}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1,"model":"x","b":1.0e5}', b'{"a":1,"b":1.0e5,"v":2}'),
        (b' { "model" : "x" , "a" : 1.50 , "b":[1, 2] } ', b' { "a" : 1.50 , "b":[1, 2],"v":2 } '),
        (b'{ "a": 1.0, "model": "x" }', b'{ "a": 1.0,"v":2 }'),
        (b'{"model":"x"}', b'{"v":2}'),
        (b"{ }", b'{"v":2 }'),
        (b'{"v":[ 1 ],"model":0}', b'{"v":[ 1 ]}'),
        (b'{"a":[ 1 ],"a":[ 2 ],"model":0}', b'{"a":[ 2 ],"v":2}'),
        (b'{"mod\\u0065l":0,"a":[ 1 ]}', b'{"a":[ 1 ],"v":2}'),
    ],
)
def test_the_bytes_of_the_members_that_stay_are_kept(body: bytes, expected: bytes) -> None:
    assert wire.edit_members(body, ("model",), {"v": b"2"}) == expected


def test_a_body_in_which_nothing_changes_is_the_same_object() -> None:
    body = b'{"a": 1, "v": 2}'
    assert wire.edit_members(body, ("model",), {"v": b"3"}) is body
