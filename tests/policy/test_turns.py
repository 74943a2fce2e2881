"""Turns by weight: exact shares, evenly spread."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from twoapi.policy.turns import Turns, cycle

weights = st.lists(st.integers(1, 50), min_size=1, max_size=6).map(tuple)


def test_the_heavier_one_comes_first_and_turns_are_mixed() -> None:
    assert cycle((5, 1, 1)) == (0, 0, 1, 0, 2, 0, 0)
    assert cycle((1, 1)) == (0, 1)
    assert cycle((2, 4)) == (1, 0, 1)
    assert cycle((7,)) == (0,)


@given(weights)
def test_everyone_gets_the_share_of_its_weight(given_weights: tuple[int, ...]) -> None:
    turns = cycle(given_weights)
    counts = Counter(turns)
    total = sum(given_weights)
    assert all(counts[index] * total == weight * len(turns) for index, weight in enumerate(given_weights))


@given(weights)
def test_no_one_is_ever_more_than_one_turn_away_from_its_share_per_other(given_weights: tuple[int, ...]) -> None:
    total = sum(given_weights)
    counts = [0] * len(given_weights)
    for number, chosen in enumerate(cycle(given_weights), 1):
        counts[chosen] += 1
        for index, weight in enumerate(given_weights):
            assert abs(counts[index] - weight * number / total) < len(given_weights)


def test_very_uneven_weights_keep_a_cycle_of_bearable_length() -> None:
    turns = cycle((1_000_003, 1, 999_983))
    assert len(turns) <= 10_003
    assert set(turns) == {0, 1, 2}


def test_turns_go_round() -> None:
    turns = Turns((2, 1))
    assert [turns.take() for _ in range(7)] == [0, 1, 0, 0, 1, 0, 0]


def test_one_alone_is_always_next() -> None:
    turns = Turns((3,))
    assert [turns.take() for _ in range(3)] == [0, 0, 0]
