"""Folding events to a response, and back."""

from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import (
    Base64,
    Candidate,
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    Media,
    Opaque,
    PartEnd,
    PartStart,
    Reasoning,
    Response,
    Start,
    StopReason,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
)
from twoapi.ir.assemble import fold, unfold
from twoapi.ir.grammar import violations
from twoapi.testing.strategies.events import legal_events, recut

finished = legal_events(failing=False)


@given(legal_events())
def test_unfolding_is_legal(events: list[Event]) -> None:
    assert violations(list(unfold(fold(events)))) == []


@given(finished)
def test_folding_undoes_unfolding(events: list[Event]) -> None:
    response = fold(events)
    assert fold(unfold(response)) == response


@given(st.data())
def test_how_text_is_cut_makes_no_difference(data: st.DataObject) -> None:
    events = data.draw(finished)
    assert fold(data.draw(recut(events))) == fold(events)


@given(finished)
def test_folding_leaves_the_events_alone(events: list[Event]) -> None:
    once = fold(events)
    assert fold(events) == once


def test_an_answer_is_folded_whole() -> None:
    seal = Opaque("signature", "c2ln")
    events: list[Event] = [
        Start(id="x", model="m", created=7, tier="default", fingerprint="fp", protocol="p", usage=Usage(input=1)),
        PartStart(0, 0, Reasoning(opaque=(seal,))),
        Delta(0, 0, "Pl"),
        PartStart(0, 1, ToolCall(id="call_1", name="f")),
        KeepAlive(),
        Delta(0, 1, '{"a"'),
        Delta(0, 0, "an"),
        Delta(0, 1, ": 1}"),
        PartEnd(0, 0),
        PartEnd(0, 1),
        UsageUpdate(Usage(input=2, output=3)),
        Finish(0, StopReason(kind="tool_use")),
        End(),
    ]
    assert fold(events) == Response(
        protocol="p",
        id="x",
        model="m",
        created=7,
        tier="default",
        fingerprint="fp",
        usage=Usage(input=2, output=3),
        candidates=[
            Candidate(
                0,
                [
                    Reasoning(text="Plan", opaque=(seal,)),
                    ToolCall(id="call_1", name="f", arguments='{"a": 1}'),
                ],
                StopReason(kind="tool_use"),
            )
        ],
    )


def test_a_final_part_replaces_what_was_folded() -> None:
    final = Text(text="whole")
    events: list[Event] = [
        Start(id="x", model="m"),
        PartStart(0, 0, Text()),
        Delta(0, 0, "hal"),
        PartEnd(0, 0, final),
        End(),
    ]
    assert fold(events).candidates == [Candidate(0, [final])]


def test_sound_has_data_and_words() -> None:
    events: list[Event] = [
        Start(id="x", model="m"),
        PartStart(0, 0, Media(kind="audio", source=Base64(""))),
        Delta(0, 0, "AA", "data"),
        Delta(0, 0, "hello", "transcript"),
        Delta(0, 0, "BB", "data"),
        PartEnd(0, 0),
        End(),
    ]
    assert fold(events).candidates[0].parts == [Media(kind="audio", source=Base64("AABB"), transcript="hello")]


def test_candidates_are_in_order_and_a_failure_is_kept() -> None:
    fault = Fault("upstream_error", "broke off")
    events: list[Event] = [
        Start(id="x", model="m"),
        PartStart(1, 0, Text()),
        PartStart(0, 0, Text()),
        Delta(1, 0, "b"),
        Delta(0, 0, "a"),
        Failed(fault),
    ]
    response = fold(events)
    assert response.fault == fault
    assert response.candidates == [Candidate(0, [Text(text="a")]), Candidate(1, [Text(text="b")])]
    assert list(unfold(response))[-1] == Failed(fault)
