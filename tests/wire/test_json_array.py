"""A growing JSON array, against a parser that has all of it."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.strategies.values import cuts, json_bytes, json_objects
from twoapi.wire.errors import WireError
from twoapi.wire.json_array import JsonArrayReader

arrays = st.lists(json_objects, max_size=4)


def read(pieces: list[bytes]) -> list[bytes]:
    reader = JsonArrayReader()
    return [element for piece in pieces for element in reader.feed(piece)]


@given(data=st.data(), elements=arrays)
def test_any_cut_of_an_array_gives_its_elements(data: st.DataObject, elements: list) -> None:
    body = data.draw(json_bytes(elements))
    assert [json.loads(element) for element in read(data.draw(cuts(body)))] == elements


@given(data=st.data(), elements=arrays)
def test_the_closing_bracket_ends_it(data: st.DataObject, elements: list) -> None:
    reader = JsonArrayReader()
    body = data.draw(json_bytes(elements))
    reader.feed(body[:-1])
    assert not reader.ended
    reader.feed(body[-1:] + b"\r\n")
    assert reader.ended


@given(data=st.data(), element=json_objects)
def test_an_element_is_given_with_its_last_byte(data: st.DataObject, element: dict) -> None:
    reader = JsonArrayReader()
    body = data.draw(json_bytes(element))
    assert reader.feed(b"[" + body[:-1]) == []
    assert not reader.whole
    assert reader.feed(body[-1:]) == [body]
    assert reader.whole


def test_a_byte_order_mark_and_space_are_no_elements() -> None:
    assert read([b"\xef\xbb", b'\xbf\n [\r\n {"a": 1}\r\n,\r\n{"b": 2}', b"\n]\n"]) == [b'{"a": 1}', b'{"b": 2}']


@pytest.mark.parametrize(
    "data", [b"{}", b"data: {}", b"[1]", b"[[]]", b"[{}{}]", b"[,{}]", b"[{}]]", b"[{}] x", b"null", b"<html>", b"}"]
)
def test_what_is_no_array_of_objects_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        read([data])


def test_half_an_element_is_given_back_at_the_end() -> None:
    reader = JsonArrayReader()
    assert reader.feed(b'[{"a": 1}, {"b": "}') == [b'{"a": 1}']
    assert reader.close() == b'{"b": "}'


def test_an_element_over_the_bound_is_refused() -> None:
    reader = JsonArrayReader(max_element=100)
    assert reader.feed(b'[{"a": "' + b"x" * 80 + b'"}, {"a": "') != []
    assert reader.feed(b"x" * 90) == []
    with pytest.raises(WireError, match="larger than 100 bytes"):
        reader.feed(b"xxxx")


@given(data=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        elements = read([data])
    except WireError:
        return
    assert sum(map(len, elements)) <= len(data)


@pytest.mark.parametrize("piece", [b'{"a":"x"},', b'{"a":"' + b"\\\\" * 9 + b'"},', b'{"a":[[{}]]},'])
def test_twice_the_input_is_twice_the_work(piece: bytes) -> None:
    def prepared(size: int) -> Callable[[], object]:
        return lambda: read([b"[", *[piece] * size])

    is_linear(prepared)
