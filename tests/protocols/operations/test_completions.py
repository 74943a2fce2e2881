"""Completions: a stream says what the whole says, whatever events make it, and breaks off only with an error."""

import json

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import few

from twoapi.ir import Event, Loss, Response
from twoapi.ir.assemble import fold
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.operations.completions import Completions
from twoapi.testing.strategies.events import batched, legal_events, mangled_events
from twoapi.wire.http import Incoming

CODEC = Completions()
BODY = b'{"model": "m", "prompt": "go on", "stream": true, "echo": true, "stream_options": {"include_usage": true}}'


def context() -> AnswerContext:
    return AnswerContext(CODEC.decode_request(Incoming("/v1/completions", {}, BODY)), 5, "1")


def streamed(batches: list[list[Event]], losses: list[Loss]) -> bytes:
    encoder = CODEC.stream_encoder(context(), losses)
    return b"".join([encoder.feed(events) for events in batches]) + encoder.close()


def frames(stream: bytes) -> list[str]:
    parts = stream.decode().split("\n\n")
    assert parts.pop() == ""
    said = [part for part in parts if not part.startswith(":")]
    assert all(part.startswith("data: ") and "\n" not in part for part in said)
    return [part[6:] for part in said]


@few
@given(data=st.data())
def test_any_events_make_a_stream_that_ends(data: st.DataObject) -> None:
    events = data.draw(st.one_of(legal_events(), mangled_events()))
    found = frames(streamed(data.draw(batched(events)), []))
    *chunks, last = found
    if last != "[DONE]":
        assert set(json.loads(last)) == {"error"}
    for chunk in map(json.loads, chunks):
        assert chunk["object"] == "text_completion"
        assert set(chunk) <= {"id", "object", "created", "model", "choices", "system_fingerprint", "usage"}


@few
@given(data=st.data())
def test_a_stream_says_what_the_whole_says(data: st.DataObject) -> None:
    events = data.draw(legal_events(interleaved=False, failing=False))  # else they come in the order of the wire
    response: Response = fold(events)
    whole = json.loads(CODEC.encode_response(response, context(), []))
    *found, done = frames(streamed([events], []))
    assert done == "[DONE]"
    texts: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for chunk in map(json.loads, found):
        for choice in chunk["choices"]:
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
            if choice["finish_reason"] is not None:
                reasons[choice["index"]] = choice["finish_reason"]
    assert texts == {choice["index"]: choice["text"] for choice in whole["choices"]}
    assert reasons == {choice["index"]: choice["finish_reason"] for choice in whole["choices"]}
