"""The laws of streams, over all protocols."""

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.laws.protocols import each, few, others

from twoapi.ir import Event, Failed
from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS
from twoapi.testing.grammars import stream_problems
from twoapi.testing.laws import streams as laws
from twoapi.testing.laws.subject import events_of, stream_of
from twoapi.testing.normal import fold_stream, normal_response
from twoapi.testing.replies import Json
from twoapi.testing.strategies.events import batched, legal_events, mangled_events, recut
from twoapi.testing.strategies.gemini_answers import gemini_answer_bodies, gemini_arrays
from twoapi.testing.strategies.hostile import edited_json, hostile_stream, noise, same_stream
from twoapi.testing.strategies.payloads import ANSWER_BODIES, STREAMS
from twoapi.testing.strategies.values import cuts, json_bytes

GEMINI = CODECS["gemini"]
# A stream that is cut before these words has not said how it ends; what comes after them is politeness. Behind a
# choice's finish a chat stream may lack its [DONE], as those of several vendors do.
LAST_WORDS = {
    "openai-chat": lambda stream: stream.find(b'"finish_reason": "'),
    "openai-responses": lambda stream: stream.rindex(b"event: "),
    "anthropic-messages": lambda stream: stream.find(b"event: message_delta"),
    "gemini": lambda stream: max(stream.find(b'"finishReason"'), 0) or max(stream.find(b'"blockReason"'), 0),
}


def drawn(data: st.DataObject, codec: Codec, *, portable: bool = False) -> tuple[Json, bytes]:
    body = data.draw(ANSWER_BODIES[codec.name](portable=portable))
    return body, data.draw(STREAMS[codec.name](body))


@each
@few
@given(data=st.data())
def test_the_stream_that_is_drawn_is_legal(codec: Codec, data: st.DataObject) -> None:
    body, stream = drawn(data, codec)
    problems = stream_problems(codec.name, stream)
    assert [problem for problem in problems if "without content" not in problem] == []  # Gemini's own are so
    assert normal_response(codec.name, fold_stream(codec.name, stream)) == normal_response(codec.name, body)


@each
@few
@given(data=st.data())
def test_l3_a_stream_in_its_own_protocol_is_the_same(codec: Codec, data: st.DataObject) -> None:
    laws.stream_identity(codec, drawn(data, codec)[1])


@each
@few
@given(data=st.data())
def test_l4_a_stream_amounts_to_the_whole_answer(codec: Codec, data: st.DataObject) -> None:
    body, stream = drawn(data, codec)
    laws.stream_is_whole(codec, data.draw(json_bytes(body)), stream)


@each
@few
@given(data=st.data())
def test_l4_another_spelling_of_a_stream_amounts_to_the_same(codec: Codec, data: st.DataObject) -> None:
    body, stream = drawn(data, codec)
    laws.stream_is_whole(codec, data.draw(json_bytes(body)), data.draw(same_stream(stream)))


@few
@given(data=st.data())
def test_l4_an_array_amounts_to_the_whole_answer(data: st.DataObject) -> None:
    body = data.draw(gemini_answer_bodies())
    laws.stream_is_whole(GEMINI, data.draw(json_bytes(body)), data.draw(gemini_arrays(body)))


@each
@few
@given(data=st.data())
def test_l4_a_stream_tells_every_other_protocol_what_the_whole_answer_does(codec: Codec, data: st.DataObject) -> None:
    body, stream = drawn(data, codec)
    whole = data.draw(json_bytes(body))
    for other in others(codec):
        note(f"{codec.name} to {other.name}")
        laws.crosses(codec, other, whole, stream)


@each
@few
@given(data=st.data())
def test_l5_cuts_make_no_difference(codec: Codec, data: st.DataObject) -> None:
    stream = drawn(data, codec)[1]
    laws.split_invariance(codec, stream, data.draw(cuts(stream)))


@each
@few
@given(data=st.data())
def test_l5_cuts_make_no_difference_to_hostile_streams(codec: Codec, data: st.DataObject) -> None:
    stream = data.draw(hostile_stream(drawn(data, codec)[1]))
    laws.split_invariance(codec, stream, data.draw(cuts(stream)))


@few
@given(data=st.data())
def test_l5_cuts_make_no_difference_to_arrays(data: st.DataObject) -> None:
    array = data.draw(gemini_answer_bodies().flatmap(gemini_arrays))
    laws.split_invariance(GEMINI, array, data.draw(cuts(array)))


@each
@few
@given(data=st.data())
def test_l6_how_text_is_cut_makes_no_difference(codec: Codec, data: st.DataObject) -> None:
    events = data.draw(legal_events())
    laws.merge_invariance(codec, events, data.draw(recut(events)))


@each
@few
@given(data=st.data())
def test_l7_a_decoder_is_legal_for_hostile_streams(codec: Codec, data: st.DataObject) -> None:
    stream = data.draw(hostile_stream(drawn(data, codec)[1]))
    laws.decoder_is_legal(codec, data.draw(cuts(stream)))


@few
@given(data=st.data())
def test_l7_a_decoder_is_legal_for_hostile_arrays(data: st.DataObject) -> None:
    laws.decoder_is_legal(GEMINI, [data.draw(gemini_answer_bodies().flatmap(gemini_arrays).flatmap(edited_json))])


@each
@few
@given(data=st.data())
def test_l7_a_decoder_is_legal_for_other_protocols(codec: Codec, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(others(codec)))
    laws.decoder_is_legal(codec, [drawn(data, other)[1]])


@each
@few
@given(stream=noise)
def test_l7_a_decoder_is_legal_for_noise(codec: Codec, stream: bytes) -> None:
    laws.decoder_is_legal(codec, [stream])


@each
@few
@given(data=st.data())
def test_a_stream_that_is_cut_off_fails(codec: Codec, data: st.DataObject) -> None:
    stream = drawn(data, codec)[1]
    cut = stream[: data.draw(st.integers(0, LAST_WORDS[codec.name](stream)))]
    events = events_of(codec, [cut])
    assert isinstance(events[-1], Failed)
    for client in CODECS.values():
        laws.failure_is_told(client, stream_of(client, [events]))


@each
@few
@given(data=st.data(), include_usage=st.booleans())
def test_l7_an_encoder_is_legal(codec: Codec, data: st.DataObject, *, include_usage: bool) -> None:
    events = data.draw(legal_events())
    stream = laws.encoder_is_legal(codec, data.draw(batched(events)), include_usage=include_usage)
    if any(isinstance(event, Failed) for event in events):
        laws.failure_is_told(codec, stream)


@each
@few
@given(data=st.data(), include_usage=st.booleans())
def test_l7_an_encoder_is_legal_for_any_events(codec: Codec, data: st.DataObject, *, include_usage: bool) -> None:
    laws.encoder_is_legal(codec, data.draw(batched(data.draw(mangled_events()))), include_usage=include_usage)


@each
@pytest.mark.parametrize("made", [legal_events(), mangled_events()], ids=["legal", "mangled"])
@few
@given(data=st.data())
def test_batches_make_no_difference(codec: Codec, made: st.SearchStrategy[list[Event]], data: st.DataObject) -> None:
    events = data.draw(made)
    laws.batch_invariance(codec, events, data.draw(batched(events)))
