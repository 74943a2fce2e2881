"""Relayed streams: what passes, and what is noticed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocols.gemini.answers import document, fixture

from twoapi.ir import Fault
from twoapi.protocols.base import Peek
from twoapi.protocols.gemini import Gemini
from twoapi.protocols.gemini.tap import GeminiTap
from twoapi.testing.strategies.gemini_answers import gemini_answer_bodies, gemini_arrays, gemini_streams
from twoapi.testing.strategies.values import cuts
from twoapi.wire.http import Incoming

PATH = "/v1beta/models/m:streamGenerateContent"
TEXT = fixture("stream.text.sse")
BROKEN = fixture("stream.error-midway.sse")
FAULT = Fault("timeout", "too slow")


def tap(*, array: bool = False) -> GeminiTap:
    incoming = Incoming(path=PATH, headers={}, body=b"{}", query="" if array else "alt=sse")
    return Gemini().stream_tap(incoming, Peek("m", stream=True))


def passed(one: GeminiTap, *pieces: bytes) -> bytes:
    return b"".join([one.feed(piece) for piece in pieces]) + one.close()


@given(data=st.data())
def test_events_pass_as_they_are(data: st.DataObject) -> None:
    stream = data.draw(gemini_streams(data.draw(gemini_answer_bodies())))
    one = tap()
    assert passed(one, *data.draw(cuts(stream))) == stream
    assert (one.complete, one.committed, one.fault) == (True, True, None)


@given(data=st.data())
def test_an_array_passes_element_by_element(data: st.DataObject) -> None:
    body = data.draw(gemini_answer_bodies())
    stream = data.draw(gemini_arrays(body))
    one = tap(array=True)
    assert json.loads(passed(one, *data.draw(cuts(stream)))) == json.loads(stream)
    assert (one.complete, one.committed, one.fault) == (True, True, None)


def test_a_frame_passes_with_its_last_byte() -> None:
    frame = b"data: " + json.dumps(document({"text": "a"})).encode() + b"\n\n"
    one = tap()
    assert one.feed(frame + frame[:-1]) == frame
    assert one.feed(frame[-1:] + frame[:9]) == frame
    assert one.feed(frame[9:-1]) == b""
    assert one.feed(b"\n") == frame


def test_the_last_usage_counts() -> None:
    one = tap()
    passed(one, TEXT)
    assert one.usage is not None
    assert (one.usage.input, one.usage.cache_read, one.usage.output, one.usage.reasoning) == (56, 64, 28, 20)


def test_the_usage_of_a_stream_that_was_cut_is_known() -> None:
    one = tap()
    passed(one, TEXT[: TEXT.index(b"data:", 300)])
    assert one.usage is not None
    assert one.usage.input == 120


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_a_stream_that_was_cut_ends_in_an_error_in_place_of_half_a_frame(size: int) -> None:
    cut = TEXT[: TEXT.index(b'"finishReason"')]
    one = tap()
    out = passed(one, *[cut[at : at + size] for at in range(0, len(cut), size)])
    assert out.startswith(TEXT[: TEXT.rindex(b"data: ")])
    last = json.loads(out.rpartition(b"data: ")[2])
    assert last["error"]["status"] == "INTERNAL"
    assert (one.complete, one.fault is not None) == (False, True)


def test_a_last_frame_without_its_blank_line_counts() -> None:
    one = tap()
    assert passed(one, TEXT.rstrip()).rstrip() == TEXT.rstrip()
    assert one.complete


def test_an_error_before_the_answer_is_a_reason_to_fall_back() -> None:
    error = BROKEN[BROKEN.index(b'data: {"error"') :]
    for stream in (error, error.removeprefix(b"data: "), b"[" + error.removeprefix(b"data: ").strip() + b"]"):
        one = tap()
        one.feed(stream)
        assert one.close() == b""
        assert one.fault is not None
        assert (one.fault.kind, one.committed) == ("overloaded", False)


def test_a_failure_before_the_answer_is_a_reason_to_fall_back() -> None:
    one = tap()
    one.feed(b"data: " + json.dumps(document(finishReason="MALFORMED_FUNCTION_CALL")).encode() + b"\r\n\r\n")
    assert one.fault is not None
    assert (one.committed, one.complete) == (False, False)


def test_an_error_of_the_upstream_in_the_middle_passes_and_is_known() -> None:
    one = tap()
    assert passed(one, BROKEN) == BROKEN
    assert one.fault is not None
    assert (one.fault.kind, one.committed, one.complete) == ("overloaded", True, False)


def test_a_refused_prompt_is_a_complete_answer() -> None:
    one = tap()
    stream = fixture("stream.prompt-blocked.sse")
    assert passed(one, stream) == stream
    assert one.complete


@pytest.mark.parametrize("array", [False, True])
def test_a_fault_of_the_gateway_ends_the_stream_in_its_form(array: bool) -> None:  # noqa: FBT001
    first = document({"text": "a"})
    del first["candidates"][0]["finishReason"]
    frame = json.dumps(first).encode()
    one = tap(array=array)
    out = one.feed(b"[" + frame + b",{" if array else b"data: " + frame + b'\n\ndata: {"can') + one.fail(FAULT)
    error = json.loads(out)[-1] if array else json.loads(out.split(b"\n\n")[1].removeprefix(b"data: "))
    assert error["error"]["message"] == "too slow"
    assert one.fault == FAULT
    assert one.keep_alive() == b""


def test_an_array_that_was_cut_is_closed() -> None:
    one = tap(array=True)
    first = document({"text": "a"})
    del first["candidates"][0]["finishReason"]
    out = json.loads(passed(one, b"[" + json.dumps(first).encode() + b",\n{"))
    assert out[0] == first
    assert out[1]["error"]["code"] == 502


def test_comments_do_not_reach_the_vendors_clients() -> None:
    one = tap()
    first, _, rest = TEXT.partition(b"\n\n")
    out = passed(one, b": hello\n\n" + first + b"\n\n: keep", b"-alive\n\n" + rest)
    assert b": keep" not in out
    assert b": hello" not in out
    assert out.replace(b"\n", b"") == TEXT.replace(b"\n", b"")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_the_space_that_the_vendors_clients_wait_for_is_there(newline: bytes) -> None:
    whole = TEXT.replace(b"\r\n", b"\n").replace(b"\n", newline)
    bare = whole.replace(b"data: {", b"data:{")
    assert bare != whole
    for cut in range(0, len(bare), 7):
        assert passed(tap(), bare[:cut], bare[cut:]) == whole


def test_a_blank_line_keeps_a_client_awake() -> None:
    one = tap()
    assert one.keep_alive() == b"\n"
    one.feed(TEXT)
    assert one.keep_alive() == b""


def test_what_is_too_large_to_be_read_passes_unread() -> None:
    one = tap()
    one.feed(TEXT[: TEXT.index(b"data:", 10)])
    large = b'data: {"candidates":[{"content":{"parts":[{"text":"' + b"x" * 1024 * 1024
    sent = out = 0
    for piece in [large, *[b"x" * 1024 * 1024] * 20, b'"}]},"finishReason":"STOP"}]}\n\n']:
        sent += len(piece)
        out += len(one.feed(piece))
    assert out == sent
    assert one.close() == b""
    assert one.complete
