"""The laws of requests, over both protocols and both ways across."""

from itertools import permutations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import requests as laws
from twoapi.testing.strategies.chat_requests import chat_requests
from twoapi.testing.strategies.messages_requests import messages_requests

REQUESTS = {"openai-chat": chat_requests, "anthropic-messages": messages_requests}
each = pytest.mark.parametrize("codec", list(CODECS.values()), ids=lambda codec: codec.name)
across = pytest.mark.parametrize(
    ("codec", "other"), list(permutations(CODECS.values(), 2)), ids=lambda codec: codec.name
)


def drawn(data: st.DataObject, codec: Codec, *, portable: bool = False, unknown: bool = False) -> bytes:
    return data.draw(REQUESTS[codec.name](portable=portable, unknown=unknown))


@each
@given(data=st.data())
def test_l1_a_request_to_its_own_protocol_is_the_same(codec: Codec, data: st.DataObject) -> None:
    laws.request_identity(codec, drawn(data, codec))


@each
@given(data=st.data())
def test_l1_unknown_members_come_through(codec: Codec, data: st.DataObject) -> None:
    laws.request_identity(codec, drawn(data, codec, unknown=True))


@across
@given(data=st.data())
def test_l8_nothing_is_lost_in_silence(codec: Codec, other: Codec, data: st.DataObject) -> None:
    event("converted" if laws.round_trip(codec, other, drawn(data, codec)) else "refused")


@across
@given(data=st.data())
def test_l8_what_both_have_is_never_refused(codec: Codec, other: Codec, data: st.DataObject) -> None:
    assert laws.round_trip(codec, other, drawn(data, codec, portable=True))


@across
@given(data=st.data())
def test_l8_unknown_members_are_reported(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.round_trip(codec, other, drawn(data, codec, portable=True, unknown=True))


@across
@given(data=st.data())
def test_l10_the_second_time_changes_nothing(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.idempotence(codec, other, drawn(data, codec))


@across
@given(data=st.data())
def test_l12_the_vendor_takes_what_goes_out(codec: Codec, other: Codec, data: st.DataObject) -> None:
    event("converted" if laws.vendor_accepts(codec, other, drawn(data, codec)) else "refused")


@each
@given(data=st.data())
def test_l12_the_vendor_takes_what_stays_in_its_protocol(codec: Codec, data: st.DataObject) -> None:
    laws.vendor_accepts(codec, codec, drawn(data, codec))


@across
@given(data=st.data())
def test_l12_calls_and_results_stay_pairs(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.pairing(codec, other, drawn(data, codec))


@across
@given(data=st.data())
def test_l19_nothing_leaks(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.no_leak(codec, other, drawn(data, codec, unknown=True))


@across
@given(data=st.data())
def test_l21_earlier_turns_stay_as_they_were(codec: Codec, other: Codec, data: st.DataObject) -> None:
    laws.prefix_is_stable(codec, other, drawn(data, codec, portable=True))
