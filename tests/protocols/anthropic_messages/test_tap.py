"""The relay tap: bytes untouched, usage and ends seen, cut streams closed."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.anthropic_messages.wire import CODEC, OLD, fixture, frames

from twoapi import ir
from twoapi.protocols.base import StreamTap
from twoapi.protocols.capabilities import Capabilities
from twoapi.testing.canned import messages_frames
from twoapi.wire.http import Incoming

BODY = b'{"model": "a", "stream":true, "temperature": 1.50, "messages":[]}'
STREAM = fixture("anthropic.stream.thinking-tools.sse")
USAGE = ir.Usage(input=56, cache_read=64, cache_write=0, cache_write_5m=0, cache_write_1h=0, output=28, reasoning=20)


def tap() -> StreamTap:
    incoming = Incoming("/v1/messages", OLD, BODY)
    return CODEC.stream_tap(incoming, CODEC.peek(incoming))


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=6))
def test_bytes_pass_unchanged_and_the_usage_is_seen_however_they_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    watching = tap()

    out = b"".join(watching.feed(STREAM[a:b]) for a, b in pairwise(edges))

    assert out == STREAM
    assert (watching.usage, watching.committed, watching.complete, watching.fault) == (USAGE, True, True, None)
    assert watching.close() == b""


def test_a_cut_stream_ends_in_an_error_frame_of_its_own() -> None:
    place = STREAM.index(b"Checking") + 3
    watching = tap()

    relayed = watching.feed(STREAM[:place])
    ending = watching.close()

    assert STREAM.startswith(relayed)
    assert relayed.endswith(b"\n\n")
    assert frames(relayed + ending)[-1]["error"]["type"] == "api_error"
    assert frames(ending) == frames(relayed + ending)[-1:]
    assert watching.fault is not None


def test_a_cut_between_frames_adds_only_the_error_frame() -> None:
    place = STREAM.index(b"\n\n", STREAM.index(b"Plan")) + 2
    watching = tap()
    watching.feed(STREAM[:place])

    assert [frame["type"] for frame in frames(watching.close())] == ["error"]


def test_an_error_before_the_message_is_not_committed() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    watching = tap()
    watching.feed(b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n")

    assert watching.fault is not None
    assert (watching.fault.kind, watching.committed, watching.close()) == ("overloaded", False, b"")


def test_an_error_before_any_content_is_not_committed() -> None:
    start = STREAM[: STREAM.index(b"\n\n") + 2]
    watching = tap()
    watching.feed(start + b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"m"}}\n\n')

    assert watching.fault is not None
    assert (watching.fault.kind, watching.committed, watching.close()) == ("upstream_error", False, b"")


def test_an_error_inside_the_message_is_seen_and_not_repeated() -> None:
    watching = tap()
    watching.feed(fixture("anthropic.stream.error-midway.sse"))

    assert watching.fault is not None
    assert (watching.fault.kind, watching.complete, watching.close()) == ("overloaded", False, b"")


def test_a_stream_of_nothing_is_a_fault_and_says_nothing() -> None:
    watching = tap()

    assert (watching.close(), watching.committed) == (b"", False)
    assert watching.fault is not None


def test_a_ping_never_stands_inside_a_frame() -> None:
    watching = tap()
    start = STREAM.index(b"\n\n", STREAM.index(b"content_block_start")) + 2
    out = watching.feed(STREAM[:start]) + watching.keep_alive()
    out += watching.feed(STREAM[start : start + 9]) + watching.keep_alive()
    out += watching.feed(STREAM[start + 9 :])

    ping = b'event: ping\ndata: {"type":"ping"}\n\n'
    assert out == STREAM[:start] + ping + ping + STREAM[start:]
    # A frame too large to wait for is passed in pieces: no ping then.
    watching = tap()
    watching.feed(STREAM[:start])
    huge = b"event: content_block_delta\ndata: " + b"x" * (1 << 20)
    assert (watching.feed(huge), watching.keep_alive()) == (huge, b"")
    assert watching.close().startswith(b"\n\nevent: error\n")


def test_words_of_the_protocol_inside_a_text_are_only_text() -> None:
    watching = tap()
    watching.feed(STREAM[: STREAM.index(b"\n\n") + 2])
    text = json.dumps('event: error\ndata: {"type":"message_stop"}')
    watching.feed(
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
        b'"text":' + text.encode() + b"}}\n\n"
    )

    assert (watching.complete, watching.fault) == (False, None)


@pytest.mark.parametrize(
    ("pinned", "version", "body"),
    [
        (None, b"2023-06-01", b'{"model": "b\\"", "stream":true, "temperature": 1.50, "messages":[]}'),
        ("2023-06-01", b"2023-06-01", b'{"model": "b\\"", "stream":true, "temperature": 1.50, "messages":[]}'),
        ("2026-10-21", b"2026-10-21", b'{"model":"b\\"","stream":true,"messages":[]}'),
    ],
)
def test_a_relayed_body_changes_its_model_and_what_the_pinned_version_lacks(
    pinned: str | None, version: bytes, body: bytes
) -> None:
    headers = {b"anthropic-beta": b"x,y", b"authorization": b"Bearer k"}
    incoming = Incoming("/v1/messages", headers, BODY, query="key=secret&beta=true")

    outgoing = CODEC.relay_request(incoming, CODEC.peek(incoming), 'b"', Capabilities(api_version=pinned))

    assert outgoing.headers == [(b"anthropic-version", version), (b"anthropic-beta", b"x,y")]
    assert outgoing.path == "/v1/messages?beta=true"
    assert outgoing.body == body


def test_counting_tokens_is_relayed_to_its_own_path() -> None:
    incoming = Incoming("/anthropic/v1/messages/count_tokens", OLD, BODY)

    outgoing = CODEC.relay_request(incoming, CODEC.peek(incoming), "a", Capabilities())

    assert (outgoing.path, outgoing.body) == ("/v1/messages/count_tokens", BODY)


@pytest.mark.parametrize("size", [1 << 16, 1 << 18, 200_000, 16_000_000])
def test_an_event_that_is_too_large_to_read_is_relayed_and_what_follows_is_read(size: int) -> None:
    stream = b"".join(messages_frames("a", "x" * 17_000_000, "b"))
    watched = tap()
    passed = b"".join(watched.feed(stream[at : at + size]) for at in range(0, len(stream), size)) + watched.close()
    assert passed == stream
    assert (watched.complete, watched.fault, watched.usage and watched.usage.output) == (True, None, 2)


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_events_without_names_get_them(cuts: list[int], newline: str) -> None:
    whole = STREAM.replace(b"\n", newline.encode())
    bare = b"".join(line for line in whole.splitlines(keepends=True) if not line.startswith(b"event:"))
    edges = [0, *sorted(min(cut, len(bare)) for cut in cuts), len(bare)]
    watching = tap()

    out = b"".join(watching.feed(bare[a:b]) for a, b in pairwise(edges))

    assert out == whole
    assert (watching.usage, watching.complete, watching.close()) == (USAGE, True, b"")


def test_what_is_no_event_of_the_protocol_gets_no_name() -> None:
    bare = b"".join(line for line in STREAM.splitlines(keepends=True) if not line.startswith(b"event:"))
    end = b"data: [DONE]\n\n: bye\n\ndata: {broken\ndata: on\n\n"
    assert tap().feed(bare + end) == STREAM + end
