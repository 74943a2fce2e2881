"""The table that ships with the package."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from twoapi.providers.cards import ModelCard, load_table, shipped_table
from twoapi.providers.cards.card import METERS
from twoapi.providers.cards.cost import price_of
from twoapi.providers.cards.table import TableError
from twoapi.providers.catalog import load_catalog

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_every_card_is_sound():
    table = shipped_table()
    for section in table.providers:
        for card in table.cards(section):
            assert card.id, section
            assert all(limit is None or limit > 0 for limit in (card.context, card.max_output)), card
            for price in card.prices:
                assert price.of in METERS
                assert Decimal(price.usd) >= 0, card
            assert table.card(section, card.id) == card


def test_every_section_is_a_providers():
    used = {provider.cards or provider.name for provider in load_catalog().values()}
    assert set(shipped_table().providers) <= used


def test_known_facts():
    card = shipped_table().card("anthropic", "claude-opus-4-7")
    assert card is not None
    assert (card.context, card.max_output, card.agreed) == (1_000_000, 128_000, "both")
    found = {of: price_of(card, of, NOW, 1) for of in ("input", "output", "cache_read", "cache_write")}
    assert {of: price and price.usd for of, price in found.items()} == {
        "input": "5",
        "output": "25",
        "cache_read": "0.5",
        "cache_write": "6.25",
    }


@pytest.mark.parametrize("spelled", ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-latest", "gpt-4o-20991231"])
def test_a_version_is_found_by_its_model(spelled):
    card = shipped_table().card("openai", spelled)
    assert card is not None
    assert card.id.startswith("gpt-4o")


def test_what_nobody_knows_has_no_card():
    table = shipped_table()
    assert (table.card("openai", "no-such-model"), table.card("no-such-vendor", "gpt-4o")) == (None, None)
    assert table.cards("no-such-vendor") == []


def test_it_says_where_it_is_from():
    table = shipped_table()
    assert table.made.year >= 2026
    assert any(source.startswith("https://") for source in table.sources)


@pytest.mark.parametrize("text", ["", "{}", '{"made":"2026-01-01","sources":[],"cards":{"x":[["m","chat","many"]]}}'])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    file = tmp_path / "table.json"
    file.write_text(text)
    with pytest.raises(TableError, match="not a table of model cards"):
        load_table(file)


def test_a_card_is_read_only_when_its_provider_is_asked_for():
    """What is not asked for costs nothing: a section stays text until then."""
    table = load_table(Path(shipped_table.__wrapped__.__globals__["_SHIPPED"]))
    assert table._read == {}
    table.card("anthropic", "claude-opus-4-7")
    assert set(table._read) == {"anthropic"}


def test_the_form_of_a_card_round_trips():
    card = ModelCard("m", context=5, aliases=("m-1",))
    assert msgspec.json.decode(msgspec.json.encode(card), type=ModelCard) == card
