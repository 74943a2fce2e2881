"""The reader of server-sent events, against a plain reading of the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.testing.frames import frames_of
from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.strategies.values import cuts
from twoapi.wire.errors import WireError
from twoapi.wire.sse import SseReader, comment, frame

lines = st.sampled_from(
    (
        b"data: x",
        b"data:x",
        b"data:  two spaces",
        b"data",
        b"data:",
        b"event: a",
        b"event:b",
        b"event",
        b": comment",
        b":",
        b"id: 7",
        b"retry: 10",
        b"unknown: field",
        b"",
        b"",
        "data: 北\u2028\u0085京".encode(),
        b"data: \xff\xfe",
        b" data: not a field",
    )
)
ends = st.sampled_from((b"\n", b"\r\n", b"\r"))


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    start = draw(st.sampled_from((b"", b"", b"\xef\xbb\xbf", b"\xef\xbb")))
    body = b"".join(line + draw(ends) for line in draw(st.lists(lines, max_size=12)))
    return start + body + draw(st.sampled_from((b"", b"data: last", b"data: last\n", b"data: last\r", b"\n\n")))


def read(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    reader = SseReader()
    found = [one for piece in pieces for one in reader.feed(piece)]
    return found + reader.close()


@given(streams())
def test_a_stream_has_the_events_of_the_standard(stream: bytes) -> None:
    found = [(name.decode("utf-8", "replace"), data.decode("utf-8", "replace")) for name, data in read([stream])]
    assert found == frames_of(stream)


@given(st.data())
def test_cuts_make_no_difference(data: st.DataObject) -> None:
    stream = data.draw(streams())
    assert read(data.draw(cuts(stream))) == read([stream])


@given(st.binary(max_size=80), st.data())
def test_cuts_of_any_bytes_make_no_difference(stream: bytes, data: st.DataObject) -> None:
    assert read(data.draw(cuts(stream))) == read([stream])


@given(st.lists(st.tuples(st.sampled_from((b"", b"ping")), st.sampled_from((b"{}", b'{"a": 1}', b"[DONE]")))))
def test_what_is_written_is_read(frames: list[tuple[bytes, bytes]]) -> None:
    stream = b"".join(comment() + frame(data, name) for name, data in frames)
    assert read([stream]) == frames


@pytest.mark.parametrize("stream", [b"data: a\r", b"data: a\r\n", b"data: a\n\r", b"data: a\r\n\r"])
def test_an_event_is_given_once_whatever_ends_it(stream: bytes) -> None:
    assert read([stream]) == [(b"", b"a")]


def test_a_crlf_that_is_cut_in_two_is_one_line_end() -> None:
    assert read([b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n"]) == [(b"", b"a\nb")]


def test_an_event_comes_as_soon_as_its_blank_line() -> None:
    reader = SseReader()
    assert reader.feed(b"data: a\n") == []
    assert reader.feed(b"\n") == [(b"", b"a")]
    assert reader.feed(b"data: b\r\r") == [(b"", b"b")]


def test_an_event_is_bounded() -> None:
    reader = SseReader(max_event=100)
    assert reader.feed(b"data: " + b"x" * 50) == []
    with pytest.raises(WireError, match="larger than 100 bytes"):
        reader.feed(b"x" * 50)


def test_an_event_is_bounded_when_its_end_comes_with_the_read_that_goes_over() -> None:
    reader = SseReader(max_event=100)
    assert reader.feed(b"data: " + b"x" * 50) == []
    with pytest.raises(WireError, match="larger than 100 bytes"):
        reader.feed(b"x" * 50 + b"\n\ndata: next\n\n")


def test_many_events_are_more_than_the_bound_of_one() -> None:
    assert len(SseReader(max_event=100).feed(b"data: xxxxxxxxxx\n\n" * 100)) == 100


def test_reading_byte_by_byte_is_linear() -> None:
    is_linear(lambda size: lambda: read([b"x"] * size))
    is_linear(lambda size: lambda: read([b"data: x\n\n"] * size))
