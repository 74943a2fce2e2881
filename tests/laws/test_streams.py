"""The laws of streams, over both protocols."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import Event, Failed
from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import streams as laws
from twoapi.testing.laws.subject import events_of, stream_of
from twoapi.testing.replies import Json
from twoapi.testing.strategies.chat_answers import chat_answer_bodies, chat_streams
from twoapi.testing.strategies.events import batched, legal_events, mangled_events, recut
from twoapi.testing.strategies.hostile import hostile_stream, noise, same_stream
from twoapi.testing.strategies.messages_answers import messages_answer_bodies, messages_streams
from twoapi.testing.strategies.values import cuts, json_bytes

BODIES = {"openai-chat": chat_answer_bodies, "anthropic-messages": messages_answer_bodies}
STREAMS = {"openai-chat": chat_streams, "anthropic-messages": messages_streams}
# Without this an answer is not complete; what comes after it is politeness.
# A stream that is cut before these words has not said how it ends. Behind a choice's finish a chat stream may lack its
# [DONE], as those of several vendors do.
LAST_WORDS = {"openai-chat": b'"finish_reason": "', "anthropic-messages": b"event: message_delta"}
each = pytest.mark.parametrize("codec", list(CODECS.values()), ids=lambda codec: codec.name)


def drawn(data: st.DataObject, codec: Codec) -> tuple[Json, bytes]:
    body = data.draw(BODIES[codec.name]())
    return body, data.draw(STREAMS[codec.name](body))


@each
@given(data=st.data())
def test_l3_a_stream_in_its_own_protocol_is_the_same(codec: Codec, data: st.DataObject) -> None:
    laws.stream_identity(codec, drawn(data, codec)[1])


@each
@given(data=st.data())
def test_l4_a_stream_amounts_to_the_whole_answer(codec: Codec, data: st.DataObject) -> None:
    body, stream = drawn(data, codec)
    laws.stream_is_whole(codec, data.draw(json_bytes(body)), stream)


@each
@given(data=st.data())
def test_l4_another_spelling_of_a_stream_amounts_to_the_same(codec: Codec, data: st.DataObject) -> None:
    body, stream = drawn(data, codec)
    laws.stream_is_whole(codec, data.draw(json_bytes(body)), data.draw(same_stream(stream)))


@each
@given(data=st.data())
def test_l5_cuts_make_no_difference(codec: Codec, data: st.DataObject) -> None:
    stream = drawn(data, codec)[1]
    laws.split_invariance(codec, stream, data.draw(cuts(stream)))


@each
@given(data=st.data())
def test_l5_cuts_make_no_difference_to_hostile_streams(codec: Codec, data: st.DataObject) -> None:
    stream = data.draw(hostile_stream(drawn(data, codec)[1]))
    laws.split_invariance(codec, stream, data.draw(cuts(stream)))


@each
@given(data=st.data())
def test_l7_a_decoder_is_legal_for_hostile_streams(codec: Codec, data: st.DataObject) -> None:
    laws.decoder_is_legal(codec, [data.draw(hostile_stream(drawn(data, codec)[1]))])


@each
@given(data=st.data())
def test_l7_a_decoder_is_legal_for_the_other_protocol(codec: Codec, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(sorted(STREAMS)))
    laws.decoder_is_legal(codec, [data.draw(STREAMS[other](data.draw(BODIES[other]())))])


@each
@given(stream=noise)
def test_l7_a_decoder_is_legal_for_noise(codec: Codec, stream: bytes) -> None:
    laws.decoder_is_legal(codec, [stream])


@each
@given(data=st.data())
def test_a_stream_that_is_cut_off_fails(codec: Codec, data: st.DataObject) -> None:
    stream = drawn(data, codec)[1]
    cut = stream[: data.draw(st.integers(0, stream.find(LAST_WORDS[codec.name])))]
    events = events_of(codec, [cut])
    assert isinstance(events[-1], Failed)
    laws.failure_is_told(codec, stream_of(codec, [events]))


@each
@given(data=st.data())
def test_l6_how_text_is_cut_makes_no_difference(codec: Codec, data: st.DataObject) -> None:
    events = data.draw(legal_events())
    laws.merge_invariance(codec, events, data.draw(recut(events)))


@each
@given(data=st.data(), include_usage=st.booleans())
def test_l7_an_encoder_is_legal(codec: Codec, data: st.DataObject, *, include_usage: bool) -> None:
    events = data.draw(legal_events())
    stream = laws.encoder_is_legal(codec, data.draw(batched(events)), include_usage=include_usage)
    if any(isinstance(event, Failed) for event in events):
        laws.failure_is_told(codec, stream)


@each
@given(data=st.data(), include_usage=st.booleans())
def test_l7_an_encoder_is_legal_for_any_events(codec: Codec, data: st.DataObject, *, include_usage: bool) -> None:
    laws.encoder_is_legal(codec, data.draw(batched(data.draw(mangled_events()))), include_usage=include_usage)


@each
@given(data=st.data())
def test_batches_make_no_difference(codec: Codec, data: st.DataObject) -> None:
    events: list[Event] = data.draw(st.one_of(legal_events(), mangled_events()))
    laws.batch_invariance(codec, events, data.draw(batched(events)))
