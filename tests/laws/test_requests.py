"""The laws of requests: every protocol to every protocol. One request is drawn, and goes to all four targets."""

import json

from hypothesis import event, given, note
from hypothesis import strategies as st
from tests.laws.protocols import ALL, each, few, half, others

from twoapi.protocols.base import Codec
from twoapi.protocols.registry import CODECS
from twoapi.testing.laws import conversations, targets
from twoapi.testing.laws import requests as laws
from twoapi.testing.strategies.gemini_requests import snake_requests
from twoapi.testing.strategies.payloads import REQUESTS
from twoapi.testing.strict import refusal_reasons


def drawn(data: st.DataObject, codec: Codec, *, portable: bool = False, unknown: bool = False) -> bytes:
    return data.draw(REQUESTS[codec.name](portable=portable, unknown=unknown))


@each
@few
@given(data=st.data())
def test_the_vendor_would_take_every_request_that_is_drawn(codec: Codec, data: st.DataObject) -> None:
    assert refusal_reasons(codec.name, json.loads(drawn(data, codec))) == []


@each
@few
@given(data=st.data())
def test_l1_a_request_to_its_own_protocol_is_the_same(codec: Codec, data: st.DataObject) -> None:
    laws.request_identity(codec, drawn(data, codec))


@each
@few
@given(data=st.data())
def test_l1_unknown_members_come_through(codec: Codec, data: st.DataObject) -> None:
    laws.request_identity(codec, drawn(data, codec, unknown=True))


@few
@given(body=snake_requests())
def test_l1_a_gemini_request_in_either_spelling_is_the_same(body: bytes) -> None:
    laws.request_identity(CODECS["gemini"], body)


@each
@given(data=st.data())
def test_l8_l19_nothing_is_lost_in_silence_and_nothing_leaks(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    for other in others(codec):
        note(f"{codec.name} to {other.name}")
        event(f"{other.name}: {'converted' if laws.round_trip(codec, other, body) else 'refused'}")
        laws.no_leak(codec, other, body)
    laws.no_leak(codec, codec, body)


@each
@half
@given(data=st.data())
def test_l8_l19_unknown_members_are_reported_and_stay_here(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec, unknown=True)
    for other in others(codec):
        note(f"{codec.name} to {other.name}")
        laws.round_trip(codec, other, body)
        laws.no_leak(codec, other, body)


@each
@few
@given(data=st.data())
def test_l8_what_all_have_is_never_refused(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec, portable=True)
    for other in others(codec):
        note(f"{codec.name} to {other.name}")
        assert laws.round_trip(codec, other, body)


@few
@given(body=snake_requests())
def test_l8_losses_are_told_in_the_clients_spelling(body: bytes) -> None:
    for other in others(CODECS["gemini"]):
        laws.round_trip(CODECS["gemini"], other, body)


@each
@few
@given(data=st.data())
def test_l9_a_target_that_can_do_more_loses_no_more(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    lacking = data.draw(st.sampled_from(sorted(targets.LACKING)))
    for other in ALL:
        note(f"{codec.name} to {other.name} without {lacking}")
        targets.monotone(codec, other, body, lacking)


@each
@few
@given(data=st.data())
def test_l10_the_second_time_changes_nothing(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    for other in ALL:
        note(f"{codec.name} to {other.name}")
        laws.idempotence(codec, other, body)


@each
@few
@given(data=st.data())
def test_l12_the_vendor_takes_what_goes_out(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    for other in ALL:
        note(f"{codec.name} to {other.name}")
        event(f"{other.name}: {'converted' if laws.vendor_accepts(codec, other, body) else 'refused'}")


@each
@few
@given(data=st.data())
def test_l12_calls_and_results_stay_pairs(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    for other in ALL:
        note(f"{codec.name} to {other.name}")
        laws.pairing(codec, other, body)


@each
@few
@given(data=st.data())
def test_l12_the_order_of_results_changes_nothing_else(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    for other in others(codec):
        note(f"{codec.name} to {other.name}")
        conversations.results_may_come_in_any_order(codec, other, body, lambda parts: data.draw(st.permutations(parts)))


@each
@few
@given(data=st.data())
def test_l13_ids_stay_while_the_conversation_grows(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec)
    for other in ALL:
        note(f"{codec.name} to {other.name}")
        conversations.ids_are_stable(codec, other, body)


@each
@few
@given(data=st.data())
def test_l21_earlier_turns_stay_as_they_were(codec: Codec, data: st.DataObject) -> None:
    body = drawn(data, codec, portable=True)
    for other in ALL:
        note(f"{codec.name} to {other.name}")
        laws.prefix_is_stable(codec, other, body)
