"""The laws of streams."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import few

from twoapi.ir import End, Failed
from twoapi.protocols.base import Restore
from twoapi.protocols.registry import CODECS, UPSTREAM_CODECS
from twoapi.testing.eventstream import write_event
from twoapi.testing.laws import streams as laws
from twoapi.testing.laws.bounds import is_linear, work
from twoapi.testing.laws.subject import events_of
from twoapi.testing.strategies.converse_answers import (
    converse_answer_bodies,
    converse_events,
    converse_streams,
    hostile_converse_streams,
)
from twoapi.testing.strategies.hostile import noise
from twoapi.testing.strategies.values import cuts, json_bytes

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]


@few
@given(data=st.data())
def test_a_stream_amounts_to_the_whole_answer(data: st.DataObject) -> None:
    body = data.draw(converse_answer_bodies())
    laws.stream_is_whole(CONVERSE, data.draw(json_bytes(body)), data.draw(converse_streams(body)))


@pytest.mark.parametrize("client", CODECS)
@few
@given(data=st.data())
def test_a_stream_tells_every_client_what_the_whole_answer_does(client: str, data: st.DataObject) -> None:
    body = data.draw(converse_answer_bodies())
    laws.crosses(CONVERSE, CODECS[client], data.draw(json_bytes(body)), data.draw(converse_streams(body)))


@few
@given(data=st.data())
def test_cuts_make_no_difference(data: st.DataObject) -> None:
    stream = data.draw(converse_answer_bodies().flatmap(converse_streams))
    laws.split_invariance(CONVERSE, stream, data.draw(cuts(stream)))


@few
@given(data=st.data())
def test_cuts_make_no_difference_to_hostile_streams(data: st.DataObject) -> None:
    stream = data.draw(hostile_converse_streams())
    laws.split_invariance(CONVERSE, stream, data.draw(cuts(stream)))


@few
@given(data=st.data())
def test_the_decoder_is_legal_for_hostile_streams(data: st.DataObject) -> None:
    laws.decoder_is_legal(CONVERSE, data.draw(cuts(data.draw(hostile_converse_streams()))))


@few
@given(noise)
def test_the_decoder_is_legal_for_noise(stream: bytes) -> None:
    laws.decoder_is_legal(CONVERSE, [stream])
    assert isinstance(events_of(CONVERSE, [stream])[-1], Failed)


@few
@given(data=st.data())
def test_a_stream_that_is_cut_off_fails(data: st.DataObject) -> None:
    events = data.draw(converse_answer_bodies().flatmap(converse_events))
    stream = b"".join(events)
    complete = {len(stream), len(stream) - len(events[-1])}  # behind the stop the usage may be missing
    at = data.draw(st.integers(0, len(stream)))
    last = events_of(CONVERSE, [stream[:at]])[-1]
    assert isinstance(last, End if at in complete else Failed)


def test_many_deltas_are_linear() -> None:
    def prepared(size: int) -> Callable[[], object]:
        deltas = [write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})] * size
        return lambda: events_of(CONVERSE, [b"".join(deltas)])

    is_linear(prepared)
    decoder = CONVERSE.stream_decoder(Restore())
    assert work(lambda: decoder.feed(b"")) < 20
