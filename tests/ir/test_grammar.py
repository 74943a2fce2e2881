"""The grammar of events: every illegal order is named."""

import pytest
from hypothesis import given

from twoapi.ir import (
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    PartEnd,
    PartStart,
    Start,
    StopReason,
    Text,
    UsageUpdate,
)
from twoapi.ir.grammar import TRANSITIONS, GrammarChecker, violations
from twoapi.testing.strategies.events import legal_events

START = Start(id="x", model="m")
OPEN = PartStart(0, 0, Text())
SAID = Delta(0, 0, "x")
SHUT = PartEnd(0, 0)
FINISH = Finish(0, StopReason(kind="stop"))
FAILED = Failed(Fault("upstream_error", "x"))


@pytest.mark.parametrize(
    "events",
    [
        [START, End()],
        [KeepAlive(), FAILED],
        [START, OPEN, SAID, FAILED],
        [START, OPEN, SAID, SHUT, FINISH, End()],
        [START, OPEN, PartStart(0, 1, Text()), SAID, PartEnd(0, 1), SHUT, End()],
        [START, OPEN, SHUT, PartStart(1, 0, Text()), FINISH, PartEnd(1, 0), End()],
    ],
)
def test_a_legal_order_is_legal(events: list[Event]) -> None:
    assert violations(events) == []


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([], "ends in state 'idle'"),
        ([START], "ends in state 'open'"),
        ([OPEN, FAILED], "PartStart is not legal in state 'idle'"),
        ([START, START, End()], "Start is not legal in state 'open'"),
        ([START, End(), End()], "End is not legal in state 'done'"),
        ([START, FAILED, FINISH], "Finish is not legal in state 'done'"),
        ([START, SAID, End()], "Delta for part (0, 0), which is not open"),
        ([START, OPEN, SHUT, SAID, End()], "Delta for part (0, 0), which is not open"),
        ([START, OPEN, SHUT, SHUT, End()], "PartEnd for part (0, 0), which is not open"),
        ([START, OPEN, End()], "End with open parts [(0, 0)]"),
        ([START, OPEN, FINISH, FAILED], "candidate 0 finishes with an open part"),
        ([START, FINISH, FINISH, End()], "candidate 0 finishes twice"),
        ([START, FINISH, OPEN, FAILED], "part starts after Finish of candidate 0"),
        ([START, PartStart(0, 1, Text()), FAILED], "part 1 of candidate 0 starts, expected 0"),
    ],
)
def test_an_illegal_order_is_named(events: list[Event], problem: str) -> None:
    found = violations(events)
    assert len(found) == 1
    assert problem in found[0]


@given(legal_events())
def test_every_beginning_of_a_legal_list_is_legal_so_far(events: list[Event]) -> None:
    checker = GrammarChecker()
    assert [checker.check(event) for event in events] == [None] * len(events)


def test_the_table_names_every_event() -> None:
    named = {kind for row in TRANSITIONS.values() for kind in row}
    assert {kind.__name__ for kind in named} == {kind.__name__ for kind in Event.__args__}
    assert UsageUpdate in named
