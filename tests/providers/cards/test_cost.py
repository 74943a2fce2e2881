"""Counts times prices."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir import Usage
from twoapi.providers.cards import ModelCard, Price, bill
from twoapi.providers.cards.cost import counts, price_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CARD = ModelCard(
    "m",
    prices=(
        Price("input", "5"),
        Price("output", "25"),
        Price("cache_read", "0.5"),
        Price("cache_write", "6.25"),
        Price("cache_write_1h", "10"),
        Price("input", "10", above=200_000),
        Price("output", "40", above=200_000),
        Price("input", "2.5", tier="batch"),
    ),
)


def test_each_count_has_its_price():
    usage = Usage(input=1000, cache_read=2000, cache_write=3000, cache_write_1h=1000, output=500, reasoning=100)
    made = bill(CARD, usage, NOON)
    assert {line.of: line.usd for line in made.lines} == {
        "input": Decimal("0.005"),
        "cache_read": Decimal("0.001"),
        "cache_write": Decimal("0.0125"),
        "cache_write_1h": Decimal("0.01"),
        "output": Decimal("0.0125"),
        "reasoning": Decimal("0.0025"),
    }
    assert made.usd == Decimal("0.0435")


def test_the_length_of_the_whole_prompt_decides_on_the_step():
    at_the_step = bill(CARD, Usage(input=150_000, cache_read=50_000, output=1_000_000), NOON)
    above = bill(CARD, Usage(input=150_001, cache_read=50_000, output=1_000_000), NOON)
    assert [line.usd for line in at_the_step.lines if line.of == "output"] == [25]
    assert [line.usd for line in above.lines if line.of == "output"] == [40]


def test_a_tier_has_its_own_price_and_else_the_usual():
    small = bill(CARD, Usage(input=100_000, output=100_000), NOON, "batch")
    assert {line.of: line.usd for line in small.lines} == {"input": Decimal("0.25"), "output": Decimal("2.5")}


def test_unpriced_is_not_free():
    assert bill(None, Usage(input=1, output=1), NOON).usd is None
    assert bill(ModelCard("m"), Usage(input=1), NOON).unpriced == ("input",)
    assert bill(ModelCard("m", prices=(Price("input", "0"),)), Usage(input=1), NOON).usd == 0
    assert bill(None, Usage(), NOON).usd == 0


def test_what_is_cached_but_has_no_price_of_its_own_costs_as_input():
    card = ModelCard("m", prices=(Price("input", "5"), Price("output", "25")))
    assert bill(card, Usage(cache_read=1_000_000), NOON).usd == 5


@pytest.mark.parametrize(("day", "usd"), [(date(2026, 1, 31), "3"), (date(2026, 2, 1), "2"), (date(2025, 1, 1), "3")])
def test_prices_hold_from_one_day_to_another(day, usd):
    card = ModelCard(
        "m", prices=(Price("input", "2", since=date(2026, 2, 1)), Price("input", "3", until=date(2026, 1, 31)))
    )
    found = price_of(card, "input", datetime(day.year, day.month, day.day, tzinfo=UTC), 1)
    assert found is not None
    assert found.usd == usd


@pytest.mark.parametrize(
    ("hour", "minute", "usd"), [(0, 59, "1"), (1, 0, "2"), (3, 59, "2"), (4, 0, "1"), (23, 30, "3"), (0, 10, "3")]
)
def test_prices_of_hours_go_before_the_others(hour, minute, usd):
    card = ModelCard(
        "m",
        prices=(
            Price("input", "1"),
            Price("input", "2", hours=("01:00", "04:00")),
            Price("input", "3", hours=("23:00", "00:30")),
        ),
    )
    found = price_of(card, "input", datetime(2026, 11, 20, hour, minute, tzinfo=UTC), 1)
    assert found is not None
    assert found.usd == usd


COUNT = st.none() | st.integers(0, 10**9)


@given(
    st.builds(
        Usage,
        input=COUNT,
        cache_read=COUNT,
        cache_write=COUNT,
        output=COUNT,
        reasoning=COUNT,
        audio_in=COUNT,
        audio_out=COUNT,
        image_in=COUNT,
        tool_prompt=COUNT,
    )
)
def test_every_token_is_paid_once(usage):
    """Audio and images are parts of the input: what is paid for is never more, nor less, than what was used."""
    found = {str(of): count for of, count in counts(usage).items()}
    assert all(count >= 0 for count in found.values())
    read = ("input", "cache_read", "cache_write", "cache_write_1h", "audio_in", "image_in")
    assert sum(found[of] for of in read) == usage.total_input
    assert sum(found[of] for of in ("output", "reasoning", "audio_out")) == usage.total_output
