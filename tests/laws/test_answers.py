"""The laws of whole answers, over all protocols. One answer is drawn, and goes to every other client."""

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.laws.protocols import each, few, fewest, others

from twoapi.ir import Fault, FaultKind, Response, StopReason, Usage
from twoapi.ir.fault import STATUS
from twoapi.protocols.base import Codec
from twoapi.testing.laws import answers as laws
from twoapi.testing.laws import citations
from twoapi.testing.strategies.events import stops, usages
from twoapi.testing.strategies.payloads import ANSWERS
from twoapi.testing.strategies.quotations import cited_answers
from twoapi.testing.strategies.values import texts


@each
@few
@given(data=st.data())
def test_l2_an_answer_in_its_own_protocol_is_the_same(codec: Codec, data: st.DataObject) -> None:
    laws.response_identity(codec, data.draw(ANSWERS[codec.name]()))


@each
@few
@given(data=st.data())
def test_an_answer_says_the_same_in_every_other_protocol(codec: Codec, data: st.DataObject) -> None:
    body = data.draw(ANSWERS[codec.name](portable=True))
    for other in others(codec):
        note(f"{codec.name} to {other.name}")
        laws.crosses(codec, other, body)


@each
@few
@given(usage=usages)
def test_l14_the_money_adds_up(codec: Codec, usage: Usage) -> None:
    laws.usage_adds_up(codec, usage)


@each
@few
@given(stop=stops)
def test_l15_a_stop_reason_stays_in_its_row(codec: Codec, stop: StopReason) -> None:
    laws.stop_in_its_row(codec, stop)


@each
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@few
@given(response=cited_answers())
def test_l16_a_citation_keeps_its_words(codec: Codec, response: Response, *, streamed: bool) -> None:
    citations.keep_their_words(codec, response, streamed=streamed)


@each
@pytest.mark.parametrize("kind", sorted(STATUS.keys() - {"cancelled"}))  # no vendor has a word for that
@fewest
@given(message=texts, retry_after=st.one_of(st.none(), st.integers(0, 86400).map(float)))
def test_l18_a_fault_survives(codec: Codec, kind: FaultKind, message: str, retry_after: float | None) -> None:
    laws.fault_survives(codec, Fault(kind=kind, message=message, whose="upstream", retry_after=retry_after))
