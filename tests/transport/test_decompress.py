"""Coded bodies come out as they went in, and never without bound."""

import gzip
import zlib
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.transport import TransportError
from twoapi.transport.decompress import Decompressor

MIB = 1024 * 1024


def deflated(data: bytes, window_bits: int) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return coder.compress(data) + coder.flush()


@given(data=st.binary(max_size=2000), size=st.integers(1, 50), bits=st.sampled_from([15, -15, 31]))
def test_any_body_in_any_pieces_comes_out_as_it_went_in(data: bytes, size: int, bits: int) -> None:
    coded = deflated(data, bits)
    decompressor = Decompressor("gzip" if bits == 31 else "deflate", 4 * MIB)
    pieces = [decompressor.feed(coded[i : i + size]) for i in range(0, len(coded), size)]
    decompressor.finish()
    assert b"".join(pieces) == data


@given(junk=st.binary(min_size=1, max_size=200), coding=st.sampled_from(["gzip", "deflate"]))
def test_any_other_bytes_fail_as_the_upstreams_fault(junk: bytes, coding: str) -> None:
    decompressor = Decompressor(coding, MIB)
    try:
        decompressor.feed(junk)
        decompressor.finish()
    except TransportError as error:
        assert (error.kind, error.sent, error.received) == ("protocol", True, True)  # noqa: PT017  it may also succeed


def test_a_body_larger_than_allowed_is_refused_before_it_is_made() -> None:
    coded = gzip.compress(bytes(64 * MIB))
    with pytest.raises(TransportError) as refused:
        Decompressor("gzip", 2 * MIB).feed(coded)
    assert (refused.value.kind, refused.value.message) == (
        "too_large",
        f"the answer grows beyond {2 * MIB} bytes when decompressed",
    )


def test_a_body_that_grows_beyond_all_reason_is_refused_whatever_its_size() -> None:
    coded = gzip.compress(bytes(64 * MIB))  # a thousandth of it
    with pytest.raises(TransportError) as refused:
        Decompressor("gzip", 256 * MIB).feed(coded)
    assert refused.value.kind == "too_large"


def test_a_body_just_as_large_as_allowed_passes() -> None:
    assert Decompressor("gzip", MIB).feed(gzip.compress(bytes(MIB))) == bytes(MIB)
    with pytest.raises(TransportError):
        Decompressor("gzip", MIB - 1).feed(gzip.compress(bytes(MIB)))


def test_a_coding_that_cannot_be_undone_is_named() -> None:
    with pytest.raises(TransportError) as refused:
        Decompressor("squeeze", MIB)
    assert (refused.value.kind, refused.value.message) == (
        "protocol",
        "the answer has the content encoding 'squeeze', which cannot be decoded here",
    )


BROTLI = bytes.fromhex("0b028068656c6c6f03")  # b"hello"
ZSTD = bytes.fromhex("28b52ffd200529000068656c6c6f")  # b"hello"


@pytest.mark.parametrize(
    ("coding", "coded", "modules"),
    [("br", BROTLI, ["brotli"]), ("zstd", ZSTD, ["compression", "backports"])],
)
def test_brotli_and_zstandard_are_undone_where_their_modules_are(coding: str, coded: bytes, modules: list[str]) -> None:
    try:
        decompressor = Decompressor(coding, MIB)
    except TransportError as error:
        assert coding in error.message  # noqa: PT017
        assert not all(map(find_spec, modules))
    else:
        assert b"".join(decompressor.feed(coded[i : i + 1]) for i in range(len(coded))) == b"hello"
        decompressor.finish()
