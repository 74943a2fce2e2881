"""Whatever bytes come, in whatever pieces: one ending, and the same one."""

import asyncio
import itertools
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from tests.transport.answers import ANSWERS, CHUNKED

from twoapi.transport import Call, Limits, TransportError
from twoapi.transport.connection import Connection

Headers = list[tuple[bytes, bytes]]
WIRES = [answer.wire for answer in ANSWERS if len(answer.wire) < 3000]


class Line:
    """A transport that goes nowhere."""

    is_closed = False

    def write(self, data: bytes) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


class Owner:
    """A pool of one connection that retries nothing."""

    freed_count = 0

    def opened(self, connection: Connection) -> None:
        pass

    def freed(self, connection: Connection) -> None:
        self.freed_count += 1

    def unusable(self, connection: Connection) -> None:
        pass

    def lost(self, connection: Connection) -> None:
        pass

    def retry(self, connection: Connection, call: Call) -> bool:
        return False

    def drop(self, call: Call) -> None:
        pass

    def hold(self, call: Call) -> None:
        pass

    def go_on(self, call: Call) -> None:
        pass


class Noted:
    def __init__(self) -> None:
        self.head: tuple[int, Headers] | None = None
        self.body = b""
        self.endings: list[str] = []

    def on_head(self, status: int, headers: Headers) -> None:
        assert self.head is None
        assert self.endings == []
        self.head = status, headers

    def on_data(self, data: bytes) -> None:
        assert self.head is not None
        assert data
        assert self.endings == []
        self.body += data

    def on_end(self) -> None:
        assert self.head is not None
        self.endings.append("end")

    def on_failure(self, error: TransportError) -> None:
        self.endings.append(error.kind)


def read(pieces: list[bytes]) -> tuple[tuple[int, Headers] | None, bytes | None, list[str]]:
    owner, line, noted = Owner(), Line(), Noted()
    connection = Connection(owner, Limits())
    connection.connection_made(cast("asyncio.Transport", line))
    connection.start(Call(b"POST / HTTP/1.1\r\n\r\n", b"", noted, owner))
    for piece in pieces:
        if not line.is_closed:
            connection.data_received(piece)
    if not line.is_closed:
        connection.eof_received()
    connection.connection_lost(None)
    assert len(noted.endings) == 1
    assert owner.freed_count <= 1
    return noted.head, noted.body if noted.endings == ["end"] else None, noted.endings


def pieces_of(wire: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(wire) + 1) for cut in cuts} | {0, len(wire)})
    return [wire[a:b] for a, b in itertools.pairwise(places)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    wire = draw(st.sampled_from(WIRES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(wire)))
        until = at + draw(st.integers(0, 6))
        wire = wire[:at] + draw(st.binary(max_size=4)) + wire[until:]
    return wire


@given(wire=st.one_of(damaged(), st.binary(max_size=300)), cuts=st.lists(st.integers(0, 3000), max_size=12))
def test_an_answer_ends_once_and_alike_however_it_is_cut(wire: bytes, cuts: list[int]) -> None:
    assert read(pieces_of(wire, cuts)) == read([wire] if wire else [])


CHUNK = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.sampled_from([b"\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n", b"x" * 255, b"x" * 2047, b"x" * 2048, b"\n" * 300]),
)
SPELLINGS = [b"%x\r\n%b\r\n", b"%X\r\n%b\r\n", b"0%x\r\n%b\r\n", b"%x;a=b\r\n%b\r\n"]


@given(
    chunks=st.lists(st.tuples(st.sampled_from(SPELLINGS), CHUNK), min_size=1, max_size=8),
    cuts=st.lists(st.integers(0, 3000), max_size=3),
    damage=st.sampled_from([b"", b"zz\r\nab\r\n", b"2\r\nabc\r\n", b"3\r\nabc\n\n", b"3\r\nabcd\n", b"\r\n"]),
)
def test_a_chunk_for_a_read_is_read_as_the_parser_would(
    chunks: list[tuple[bytes, bytes]], cuts: list[int], damage: bytes
) -> None:
    frames = [spelling % (len(data), data) for spelling, data in chunks]
    pieces = [CHUNKED, *frames, *([damage] if damage else []), b"0\r\n\r\n"]
    wire = b"".join(pieces)
    expected = read([wire])
    assert read(pieces) == expected
    assert read([pieces[0] + pieces[1], *pieces[2:]]) == expected
    assert read(pieces_of(wire, [*itertools.accumulate(map(len, pieces)), *cuts])) == expected


def test_what_looks_like_a_chunk_inside_a_chunk_is_its_data() -> None:
    data = b"first\r\n3\r\nabc\r\nlast"
    opened = b"%x\r\nfirst\r\n" % len(data)
    _, body, endings = read([CHUNKED + opened, b"3\r\nabc\r\n", b"last\r\n", b"0\r\n\r\n"])
    assert (body, endings) == (data, ["end"])
