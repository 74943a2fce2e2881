"""Lines of a stream, however it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.strategies.values import cuts
from twoapi.wire.errors import WireError
from twoapi.wire.ndjson import NdjsonReader


def lines(pieces: list[bytes]) -> list[bytes]:
    reader = NdjsonReader()
    found = [line for piece in pieces for line in reader.feed(piece)]
    return found + reader.close()


def test_lines_end_at_lf_and_blank_ones_are_left_out() -> None:
    assert lines([b'{"a":1}\n{"b":2}\r\n\n  \n {"c":3} ']) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert lines([b"\xef\xbb\xbf{}\n{}"]) == [b"{}", b"{}"]
    assert lines(["a\u2028b\u0085c\n".encode()]) == ["a\u2028b\u0085c".encode()]
    assert lines([]) == lines([b""]) == lines([b"\n"]) == []


@given(data=st.data())
def test_cuts_make_no_difference(data: st.DataObject) -> None:
    stream = data.draw(
        st.lists(st.sampled_from((b"x", b"\n", b"\r\n", b" ", b"\xef\xbb\xbf", b'{"a":1}'))).map(b"".join)
    )
    assert lines(data.draw(cuts(stream))) == lines([stream])


@pytest.mark.parametrize("pieces", [[b"12345"], [b"123", b"45"], [b"1\n12345\n"], [b"1\n", b"12345\n"], [b"12345\n"]])
def test_a_line_has_a_bound(pieces: list[bytes]) -> None:
    reader = NdjsonReader(max_line=4)
    for piece in pieces[:-1]:
        reader.feed(piece)
    with pytest.raises(WireError, match="larger than 4 bytes"):
        reader.feed(pieces[-1])


def test_a_line_of_the_bound_is_taken() -> None:
    for pieces in ([b"1234\n"], [b"12", b"34\n"], [b"1\n1234\n"], [b"1\n", b"1234\n"]):
        reader = NdjsonReader(max_line=4)
        assert [line for piece in pieces for line in reader.feed(piece)][-1] == b"1234"


def test_reading_takes_linear_time() -> None:
    is_linear(lambda size: lambda: lines([b'{"a":' + b"1" * 50] * size))
    is_linear(lambda size: lambda: lines([b'{"a":1}\n' * size]))
