"""A stream out of a platform's frames, by laws and against the vendor's own decoder."""

import base64
from pathlib import Path
from typing import Any

import pytest
from anthropic.lib.bedrock._stream_decoder import AWSEventStreamDecoder
from hypothesis import given
from hypothesis import strategies as st

from twoapi.providers.frames import Frames, Unframer
from twoapi.testing.eventstream import write_error, write_event, write_exception, write_message
from twoapi.wire.json import decode
from twoapi.wire.sse import SseReader

FIXTURE = (Path(__file__).parents[1] / "captures/fixtures/invoke_stream.eventstream.bin").read_bytes()
FRAMES = Frames(form="eventstream", errors={"throttlingException": "rate_limit_error"})


def events(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    unframer, reader = Unframer(FRAMES), SseReader()
    return [frame for piece in pieces for frame in reader.feed(unframer.feed(piece))] + reader.close()


def test_the_bytes_cut_anywhere_are_the_same_events_as_the_vendors_decoder_reads() -> None:
    wanted = events([FIXTURE])
    theirs = [(event.event or "", event.data) for event in AWSEventStreamDecoder().iter_bytes(iter([FIXTURE]))]
    assert [(name.decode(), data.decode()) for name, data in wanted] == theirs
    for cut in range(len(FIXTURE)):
        assert events([FIXTURE[:cut], FIXTURE[cut:]]) == wanted
    assert events([FIXTURE[at : at + 1] for at in range(len(FIXTURE))]) == wanted


def told(message: bytes) -> list[tuple[bytes, Any]]:
    return [(name, decode(data)) for name, data in events([message])]


def error(kind: str, message: str, code: str) -> list[tuple[bytes, Any]]:
    held = {"type": kind, "message": message, "details": {"error_code": code}}
    return [(b"error", {"type": "error", "error": held})]


def test_exceptions_and_errors_are_errors_of_the_protocol() -> None:
    assert told(write_exception("throttlingException", {"message": "Slow."})) == error(
        "rate_limit_error", "Slow.", "throttlingException"
    )
    assert told(write_exception("otherException", {"Message": "Odd."})) == error("api_error", "Odd.", "otherException")
    assert told(write_exception("otherException", [])) == error("api_error", "otherException", "otherException")
    assert told(write_error("Internal", "Broken.")) == error("api_error", "Broken.", "Internal")


def test_messages_of_other_kinds_are_left_out_and_line_ends_are_spaces() -> None:
    assert told(write_event("initial-response", {})) == []
    inner = base64.b64encode(b'{"type":"ping",\r\n"a":1}').decode()
    assert told(write_event("chunk", {"bytes": inner})) == [(b"ping", {"type": "ping", "a": 1})]


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"bytes":"?"}', b'{"bytes":"e30"', b'{"bytes":"bm8="}'])
def test_a_chunk_that_cannot_be_read_is_an_error(payload: bytes) -> None:
    ((name, held),) = told(write_message({":message-type": "event", ":event-type": "chunk"}, payload))
    assert (name, held["error"]["details"]) == (b"error", {"error_code": "stream_broken"})


@given(st.binary(max_size=60), st.integers(0, len(FIXTURE)))
def test_garbage_is_told_once_and_nothing_behind_it_is_read(garbage: bytes, at: int) -> None:
    found = events([FIXTURE[:at] + garbage, FIXTURE])
    assert sum(b"stream_broken" in data for _, data in found) <= 1
    broken = [number for number, (_, data) in enumerate(found) if b"stream_broken" in data]
    assert broken in ([], [len(found) - 1])
