"""Compressed request bodies: every coding, within the limit, and never a word about the wrong client."""

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from tests.server.front import PROTOCOLS, Front, running_front
from tests.server.test_routes import TEXTS, path_of

from twoapi.server.unpack import Unpacker
from twoapi.testing.canned import request_body, whole
from twoapi.wire import json

MIB = 1 << 20
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstd.compress,
}
CODINGS = st.sampled_from(sorted(PACK))


def unpacked(coding: str, body: bytes, limit: int) -> tuple[bytes | None, int]:
    """The body, or None, and the status of the refusal."""
    unpacker = Unpacker(coding, body, limit)
    done = unpacker.begin() or unpacker.finish()
    assert done == (unpacker.fault is None)
    return (unpacker.data, 200) if unpacker.fault is None else (None, unpacker.fault.http_status)


@given(coding=CODINGS, data=st.binary(max_size=3000), times=st.sampled_from([1, 3, 400]))
def test_what_was_packed_comes_out(coding, data, times):
    assert unpacked(coding, PACK[coding](data * times), 2 * MIB) == (data * times, 200)


@given(coding=CODINGS, size=st.sampled_from([1000, 262_144, 262_145, 600_000, 3 * MIB]))
def test_the_limit_is_exact_and_holds_for_what_comes_out(coding, size):
    packed = PACK[coding](bytes(size))
    assert unpacked(coding, packed, size)[1] == 200
    assert unpacked(coding, packed, size - 1) == (None, 413)


@given(coding=CODINGS, cut=st.integers(1, 200))
def test_a_body_that_ends_too_early_is_a_400(coding, cut):
    packed = PACK[coding](bytes(range(256)) * 8)
    assert unpacked(coding, packed[: -min(cut, len(packed) - 1)], MIB) == (None, 400)


@given(coding=CODINGS, junk=st.binary(min_size=1, max_size=300))
def test_other_bytes_are_a_body_or_a_400(coding, junk):
    assert unpacked(coding, junk, MIB)[1] in (200, 400)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_streams_in_a_row_are_one_body_but_not_endlessly_many(coding):
    one = PACK[coding](b"ab")
    assert unpacked(coding, one * 64, MIB) == (b"ab" * 64, 200)
    assert unpacked(coding, one * 65, MIB) == (None, 400)


def test_a_frame_that_wants_more_memory_than_the_standard_allows_is_refused():
    coder = zstd.ZstdCompressor(options={int(zstd.CompressionParameter.window_log): 27})
    packed = coder.compress(b"x" * 1000) + coder.flush()
    assert unpacked("zstd", packed, MIB) == (None, 400)


@pytest.mark.parametrize("coding", [*PACK, "GZip", "identity"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_request_arrives_as_if_it_had_not_been_packed(front, protocol, coding):
    front.upstream.reply(whole(protocol))
    body = json.encode(request_body(protocol, protocol, text="packed " * 9))
    sent = PACK.get(coding.lower(), bytes)(body)
    answer = front.call("POST", path_of(protocol, protocol), sent, {"content-encoding": coding})
    assert (answer.status, TEXTS[protocol](answer.json())) == (200, "hello")
    assert b"packed packed" in front.upstream.requests[0].body
    assert "content-encoding" not in front.upstream.requests[0].headers


@pytest.mark.parametrize("coding", sorted(PACK))
def test_a_large_body_is_unpacked_beside_the_loop_and_its_followers_wait_for_it(front, coding):
    front.upstream.reply(whole("openai-chat"))
    packed = PACK[coding](json.encode(request_body("openai-chat", "openai-chat", text="long " * MIB)))
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-client-0123456789\r\n"
        b"content-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (coding.encode(), len(packed))
    )
    with front.gateway.connect() as sock:
        sock.sendall(head + packed + b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = b""
        while got := sock.recv(65536):
            answer += got
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]
    assert answer.index(b"chat.completion") < answer.index(b'"status":"ok"')
    assert len(front.upstream.requests[0].json()["messages"][0]["content"]) == 5 * MIB


@pytest.fixture(scope="module")
def narrow() -> Iterator[Front]:
    with running_front("limits: {body: 1MiB}") as ready:
        yield ready


@pytest.mark.parametrize("coding", sorted(PACK))
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_bomb_is_refused_in_the_clients_format(narrow, protocol, coding):
    bomb = PACK[coding](b" " * 8 * MIB)
    answer = narrow.call("POST", path_of(protocol, protocol), bomb, {"content-encoding": coding})
    assert answer.status == 413
    assert b"decompressed" in answer.body
    assert narrow.call("GET", "/healthz").status == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_body_that_is_not_what_it_says_is_a_400_and_an_unknown_coding_a_415(front, protocol):
    path, body = path_of(protocol, protocol), json.encode(request_body(protocol, protocol))
    assert front.call("POST", path, body, {"content-encoding": "zstd"}).status == 400
    for coding in ("compress", "gzip, zstd", "x" * 5000, "\xff"):
        answer = front.call("POST", path, body, {"content-encoding": coding})
        assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip, deflate, br, zstd")
        assert answer.json()["error"]["message"].startswith("content-encoding ")


def test_a_client_that_leaves_while_its_body_is_unpacked_is_forgotten(front):
    packed = brotli.compress(json.encode(request_body("openai-chat", "openai-chat", text="long " * MIB)))
    with front.gateway.connect() as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-client-0123456789\r\n"
            b"content-encoding: br\r\ncontent-length: %d\r\n\r\n%b" % (len(packed), packed)
        )
    front.gateway.wait(lambda: not front.gateway.connections)
    assert front.call("GET", "/healthz").status == 200


def test_a_coding_whose_library_is_not_installed_is_an_unknown_one():
    script = (
        "import sys; sys.modules.update({'brotli': None, 'backports.zstd': None, 'compression.zstd': None})\n"
        "from twoapi.server.unpack import unknown_coding\n"
        "from twoapi.wire.codings import engine_of\n"
        "print([engine_of(one) is None for one in ('gzip', 'deflate', 'br', 'zstd')], unknown_coding('br').message)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[False, False, True, True] content-encoding 'br' is not supported")
    assert done.stdout.rstrip().endswith("or as gzip, deflate")
