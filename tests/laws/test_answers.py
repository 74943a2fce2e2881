"""The laws of whole answers, over both protocols and both ways across."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import Fault, FaultKind, StopReason, Usage
from twoapi.ir.fault import STATUS
from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import answers as laws
from twoapi.testing.strategies.chat_answers import chat_answers
from twoapi.testing.strategies.events import stops, usages
from twoapi.testing.strategies.messages_answers import messages_answers
from twoapi.testing.strategies.values import texts

ANSWERS = {"openai-chat": chat_answers, "anthropic-messages": messages_answers}
each = pytest.mark.parametrize("codec", list(CODECS.values()), ids=lambda codec: codec.name)
across = pytest.mark.parametrize(
    ("codec", "other"), list(permutations(CODECS.values(), 2)), ids=lambda codec: codec.name
)


@each
@given(data=st.data())
def test_l2_an_answer_in_its_own_protocol_is_the_same(codec: Codec, data: st.DataObject) -> None:
    laws.response_identity(codec, data.draw(ANSWERS[codec.name]()))


@across
@given(data=st.data())
def test_an_answer_says_the_same_in_the_other_protocol(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.crosses(codec, other, data.draw(ANSWERS[codec.name](portable=True)))


@each
@given(usage=usages)
def test_l14_the_money_adds_up(codec: Codec, usage: Usage) -> None:
    laws.usage_adds_up(codec, usage)


@each
@given(stop=stops)
def test_l15_a_stop_reason_stays_in_its_row(codec: Codec, stop: StopReason) -> None:
    laws.stop_in_its_row(codec, stop)


@each
@pytest.mark.parametrize("kind", sorted(STATUS.keys() - {"cancelled"}))  # no vendor has a word for that
@given(message=texts, retry_after=st.one_of(st.none(), st.integers(0, 86400).map(float)))
def test_l18_a_fault_survives(codec: Codec, kind: FaultKind, message: str, retry_after: float | None) -> None:
    laws.fault_survives(codec, Fault(kind=kind, message=message, whose="upstream", retry_after=retry_after))
