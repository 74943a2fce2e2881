"""The reader of binary event streams, against the vendor's own."""

import struct
from binascii import crc32
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from twoapi.testing.eventstream import write_error, write_event, write_exception, write_message
from twoapi.testing.laws.bounds import is_linear
from twoapi.testing.strategies.values import cuts
from twoapi.wire.eventstream import EventMessage, EventStreamReader

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "bedrock").glob("*.bin"))
each_fixture = pytest.mark.parametrize("stream", [path.read_bytes() for path in FIXTURES], ids=lambda _: "")
texts = st.text(max_size=20)
names = st.text(min_size=1, max_size=10)


def read(pieces: list[bytes], **bounds: int) -> tuple[list[EventMessage], str | None]:
    reader = EventStreamReader(**bounds)
    messages = [message for piece in pieces for message in reader.feed(piece)]
    reader.close()
    return messages, None if reader.broken is None else reader.broken.message


def oracle(pieces: list[bytes]) -> list[EventMessage]:
    buffer = EventStreamBuffer()
    found = []
    for piece in pieces:
        buffer.add_data(piece)
        found += [EventMessage(message.headers, message.payload) for message in buffer]
    return found


def raw_message(block: bytes, payload: bytes = b"") -> bytes:
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    head = prelude + struct.pack(">I", crc32(prelude)) + block + payload
    return head + struct.pack(">I", crc32(head))


@pytest.mark.parametrize(("name", "count"), [("converse", 12), ("invoke", 6), ("midstream", 3)])
def test_the_fixtures_have_these_messages(name: str, count: int) -> None:
    stream = next(path for path in FIXTURES if path.name.startswith(name)).read_bytes()
    messages, broken = read([stream])
    assert broken is None
    assert len(messages) == count


@each_fixture
def test_byte_by_byte_it_agrees_with_the_vendors_reader(stream: bytes) -> None:
    pieces = [stream[i : i + 1] for i in range(len(stream))]
    assert read(pieces) == (oracle(pieces), None)


@each_fixture
def test_any_cut_in_two_makes_no_difference(stream: bytes) -> None:
    whole = read([stream])
    for at in range(0, len(stream), 7):
        assert read([stream[:at], stream[at:]]) == whole


@each_fixture
@given(data=st.data())
def test_a_flipped_bit_is_an_error(stream: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(stream) - 1))
    flipped = bytearray(stream)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    messages, broken = read([bytes(flipped)])
    good, _ = read([stream])
    assert broken is not None
    assert messages == good[: len(messages)]
    assert len(messages) < len(good)
    with pytest.raises(ParserError):
        oracle([bytes(flipped)])


@each_fixture
def test_a_stream_that_is_cut_is_broken(stream: bytes) -> None:
    assert read([stream[:-1]])[1] == "the stream ends within a message"


@given(st.lists(st.tuples(st.dictionaries(names, texts, max_size=4), st.binary(max_size=50)), max_size=4), st.data())
def test_what_is_written_is_read(messages: list[tuple[dict[str, str], bytes]], data: st.DataObject) -> None:
    stream = b"".join(write_message(headers, payload) for headers, payload in messages)
    expected = [EventMessage(dict(headers), payload) for headers, payload in messages]
    assert read(data.draw(cuts(stream))) == (expected, None)
    assert oracle([stream]) == expected


def test_headers_of_every_type() -> None:
    values = [
        (b"\x00", True),
        (b"\x01", False),
        (b"\x02\xff", -1),
        (b"\x03\xff\xfe", -2),
        (b"\x04" + struct.pack(">i", -3), -3),
        (b"\x05" + struct.pack(">q", 1 << 40), 1 << 40),
        (b"\x06\x00\x02ab", b"ab"),
        (b"\x07\x00\x02ab", "ab"),
        (b"\x08" + struct.pack(">q", 1_790_000_000_000), 1_790_000_000_000),
        (b"\x09" + bytes(range(16)), bytes(range(16))),
    ]
    block = b"".join(bytes([1, 97 + i]) + wire for i, (wire, _) in enumerate(values))
    messages, broken = read([raw_message(block, b"x")])
    assert broken is None
    assert messages[0].headers == {chr(97 + i): value for i, (_, value) in enumerate(values)}
    assert messages[0].payload == b"x"
    assert oracle([raw_message(block, b"x")])[0].headers == messages[0].headers


@pytest.mark.parametrize(
    "block",
    [
        b"\x05ab",
        b"\x01a",
        b"\x01a\x07\x00\x09x",
        b"\x01a\x07\x00",
        b"\x01a\x0a",
        b"\x01\xff\x00",
        b"\x01a\x04\x00",
        b"\x01a\x00\x01a\x00",
    ],
    ids=["name", "no type", "text", "length", "type", "not UTF-8", "number", "twice"],
)
def test_headers_that_cannot_be_read(block: bytes) -> None:
    good = write_event("a", {})
    messages, broken = read([good + raw_message(block) + good])
    assert len(messages) == 1
    assert broken is not None


def test_it_is_bounded() -> None:
    message = write_message({}, b"x" * 100)
    assert read([message], max_message=116)[1] is None
    assert "too large" in str(read([message[:12]], max_message=115)[1])
    prelude = struct.pack(">II", 1 << 20, (128 << 10) + 1)
    assert "too large" in str(read([prelude + struct.pack(">I", crc32(prelude))])[1])
    prelude = struct.pack(">II", 15, 0)
    assert "shorter" in str(read([prelude + struct.pack(">I", crc32(prelude))])[1])


def test_nothing_is_read_behind_an_error() -> None:
    reader = EventStreamReader()
    assert reader.feed(b"\x00" * 12) == []
    assert reader.broken is not None
    assert reader.feed(write_event("a", {})) == []


def test_many_pieces_are_linear() -> None:
    def in_bytes(size: int) -> Callable[[], object]:
        pieces = [bytes([byte]) for byte in write_message({}, b"x" * size)]
        return lambda: read(pieces)

    def at_once(size: int) -> Callable[[], object]:
        stream = write_event("a", {}) * size
        return lambda: read([stream])

    is_linear(in_bytes)
    is_linear(at_once)


def test_exceptions_and_errors_have_their_headers() -> None:
    stream = write_exception("throttlingException", {"message": "slow"}) + write_error("InternalError", "broken")
    one, two = read([stream])[0]
    assert one.header(":exception-type") == "throttlingException"
    assert one.header(":nothing") == ""
    assert two.header(":error-code") == "InternalError"
    assert two.header(":error-message") == "broken"
