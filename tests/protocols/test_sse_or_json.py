"""Streams that may be one JSON document instead."""

import pytest

from twoapi.protocols.dialects.sse_or_json import SseOrJson
from twoapi.wire.errors import WireError

STREAM = b'event: a\ndata: {"a":1}\n\ndata: {"b":2}\n\n'
DOCUMENT = b'\r\n {"a":\n\n{"data":1}}\n'


def frames(*pieces: bytes, most: int = 1000) -> list[tuple[bytes, bytes]]:
    reader = SseOrJson(most)
    found = [frame for piece in pieces for frame in reader.feed(piece)]
    return found + reader.close()


def test_a_stream_is_read_as_one() -> None:
    for at in range(len(STREAM)):
        assert frames(STREAM[:at], STREAM[at:]) == [(b"a", b'{"a":1}'), (b"", b'{"b":2}')]


def test_a_document_is_one_frame_at_its_end() -> None:
    for at in range(len(DOCUMENT)):
        reader = SseOrJson()
        assert reader.feed(DOCUMENT[:at]) + reader.feed(DOCUMENT[at:]) == []
        assert reader.close() == [(b"", DOCUMENT.lstrip())]
        assert reader.close() == []


def test_nothing_is_no_frame() -> None:
    assert frames() == frames(b"") == frames(b"\n", b" \r\n") == []


@pytest.mark.parametrize("data", [b'{"a":"' + b"x" * 100, b"data: " + b"x" * 100])
def test_memory_is_bounded(data: bytes) -> None:
    with pytest.raises(WireError, match="larger than 64 bytes"):
        frames(data[:20], data[20:], most=64)
