"""The table from its source."""

import json
from datetime import date

import pytest

from twoapi.providers.cards import ModelCard, Price, load_table
from twoapi.providers.cards.build import build

MADE = date(2026, 11, 20)
SOURCE = {
    "sample_spec": {"mode": "one of: chat"},
    "claude-x": {
        "litellm_provider": "anthropic",
        "mode": "chat",
        "max_input_tokens": 200000,
        "max_output_tokens": 64000,
        "input_cost_per_token": 3e-06,
        "input_cost_per_token_above_200k_tokens": 6e-06,
        "input_cost_per_token_batches": 1.5e-06,
        "output_cost_per_token": 1.5e-05,
        "cache_read_input_token_cost": 3e-07,
        "cache_creation_input_token_cost_above_1hr": 6e-06,
        "supports_vision": True,
        "supports_function_calling": True,
        "source": "https://vendor.example/prices",
    },
    "gemini/gemini-x": {"litellm_provider": "gemini", "mode": "chat", "deprecation_date": "2027-01-31"},
    "azure/eu/gpt-x": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 1e-06},
    "azure/gpt-x": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 1e-06},
    "azure/gpt-x-2026-01-01": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 1e-06},
    "azure/gpt-x-2025-01-01": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 2e-06},
    "embed-x": {
        "litellm_provider": "anthropic",
        "mode": "embedding",
        "input_cost_per_token": 1e-07,
        "output_cost_per_token": 0.0,
    },
    "film-x": {"litellm_provider": "anthropic", "mode": "video_generation"},
    "elsewhere": {"litellm_provider": "nobody", "mode": "chat"},
}
WANTED = {"anthropic", "gemini", "azure-openai"}


def table(tmp_path, source=SOURCE, **second):
    file = tmp_path / "cards.json"
    file.write_bytes(build(source, WANTED, MADE, ("here",), **second))
    json.loads(file.read_bytes())
    return load_table(file)


def test_a_card(tmp_path):
    assert table(tmp_path).card("anthropic", "claude-x") == ModelCard(
        id="claude-x",
        context=200_000,
        max_output=64_000,
        inputs=("text", "image"),
        abilities=("tools",),
        prices=(
            Price("input", "3"),
            Price("output", "15"),
            Price("cache_read", "0.3"),
            Price("cache_write_1h", "6"),
            Price("input", "6", above=200_000),
            Price("input", "1.5", "batch"),
        ),
        source="https://vendor.example/prices",
    )


def test_names_are_the_vendors_own(tmp_path):
    made = table(tmp_path)
    assert [card.id for card in made.cards("gemini")] == ["gemini-x"]
    assert [card.id for card in made.cards("azure-openai")] == ["gpt-x", "gpt-x-2025-01-01"]
    assert made.card("gemini", "gemini-x").retires == date(2027, 1, 31)


def test_a_version_that_is_the_same_is_an_alias(tmp_path):
    found = table(tmp_path).card("azure-openai", "gpt-x-2026-01-01")
    assert (found.id, found.aliases) == ("gpt-x", ("gpt-x-2026-01-01",))


def test_other_services_and_other_vendors_are_left_out(tmp_path):
    made = table(tmp_path)
    assert list(made.providers) == ["anthropic", "azure-openai", "gemini"]
    assert made.card("anthropic", "film-x") is None
    assert made.card("anthropic", "embed-x").prices == (Price("input", "0.1"),)


@pytest.mark.parametrize(
    ("second", "agreed"),
    [
        ([Price("input", "3"), Price("output", "15")], "both"),
        ([Price("input", "3"), Price("output", "14")], "differ"),
        (None, "one"),
    ],
)
def test_a_second_opinion(tmp_path, second, agreed):
    made = table(tmp_path, second=lambda section, model: second if model == "claude-x" else None)
    assert made.card("anthropic", "claude-x").agreed == agreed


def test_past_prices_are_taken_from_the_second_source(tmp_path):
    past = Price("input", "4", until=date(2026, 1, 31))
    second = [Price("input", "3", since=date(2026, 2, 1)), Price("output", "15", since=date(2026, 2, 1)), past]
    card = table(tmp_path, second=lambda *_: second).card("anthropic", "claude-x")
    assert past in card.prices
    assert Price("input", "3", since=date(2026, 2, 1)) in card.prices


@pytest.mark.parametrize("source", [[], {}, {"x": {"litellm_provider": "nobody", "mode": "chat"}}, {"x": 5}])
def test_what_is_no_table_is_refused(source):
    with pytest.raises(ValueError, match=r"holds no model|expected an object"):
        build(source, WANTED, MADE, ())


def test_a_provider_that_only_the_second_source_has(tmp_path):
    more = {"gemini": [ModelCard("other")], "openrouter": [ModelCard("a/b", context=9)], "unwanted": [ModelCard("c")]}
    file = tmp_path / "cards.json"
    file.write_bytes(build(SOURCE, {*WANTED, "openrouter"}, MADE, (), more=more))
    made = load_table(file)
    assert list(made.providers) == ["anthropic", "azure-openai", "gemini", "openrouter"]
    assert [card.id for card in made.cards("gemini")] == ["gemini-x"]
    assert made.cards("openrouter") == [ModelCard("a/b", context=9)]
