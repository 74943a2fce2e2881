"""Makes src/twoapi/providers/cards/cards.json: `python -m tools.model_cards TABLE`.

TABLE is LiteLLM's price table as a file (its wheel has it, and SOURCE_URL); genai-prices is the second opinion. What
the two do not agree on is printed: a person looks at the vendor's page.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import msgspec
from genai_prices.data import providers
from genai_prices.types import ModelInfo, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from twoapi.providers.cards.build import SOURCE_URL, build
from twoapi.providers.cards.card import Metered, ModelCard, Price
from twoapi.providers.cards.table import load_table
from twoapi.providers.catalog import load_catalog

_FILE = Path(__file__).parents[1] / "src/twoapi/providers/cards/cards.json"
# The second source's name of a provider -> the section of our table; the others have the same name.
_SECTIONS = {
    "aws": "bedrock",
    "azure": "azure-openai",
    "google": "gemini",
    "moonshotai": "moonshot",
    "x-ai": "xai",
    "zhipuai": "zhipu",
    "voyageai": "voyage",
}
_METERS: dict[str, Metered] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
}


def main() -> None:
    """Writes the table, and says how it was checked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("table", type=Path, help="LiteLLM's table")
    today = datetime.now(UTC).date()
    arguments.add_argument("--made", type=date.fromisoformat, default=today, help="the day of the sources")
    asked = arguments.parse_args()
    known = {_SECTIONS.get(one.id, one.id): one.models for one in providers}

    def second(section: str, model: str) -> list[Price] | None:
        found = next((one for one in known.get(section, ()) if one.is_match(model)), None)
        return None if found is None else list(_prices(found))

    wanted = {provider.cards or provider.name for provider in load_catalog().values()}
    sources = (SOURCE_URL, f"genai-prices {genai_prices.__version__}")
    more = {section: [_card(model) for model in models] for section, models in known.items()}
    _FILE.write_bytes(build(msgspec.json.decode(asked.table.read_bytes()), wanted, asked.made, sources, second, more))
    _tell()


def _tell() -> None:
    table = load_table(_FILE)
    cards = [(section, card) for section in table.providers for card in table.cards(section)]
    priced = sum(bool(card.prices) for _, card in cards)
    print(f"{len(cards)} models, {priced} with prices, {_FILE.stat().st_size // 1024} KiB")
    for section, card in cards:
        if card.agreed == "differ":
            print(f"differ: {section}/{card.id}")


def _card(model: ModelInfo) -> ModelCard:
    """What the second source alone says of a model."""
    prices = tuple(price for price in _prices(model) if price.until is None)
    return ModelCard(model.id, context=model.context_window, prices=prices)


def _prices(model: ModelInfo) -> Iterator[Price]:
    """The usual prices, past ones, and those of certain hours."""
    conditional = model.prices if isinstance(model.prices, list) else None
    if conditional is None:
        yield from _lines(model.prices)
        return
    dated = [one for one in conditional if not isinstance(one.constraint, TimeOfDateConstraint)]
    for number, one in enumerate(dated):
        since = one.constraint.start_date if isinstance(one.constraint, StartDateConstraint) else None
        later = dated[number + 1].constraint if number + 1 < len(dated) else None
        until = later.start_date - timedelta(days=1) if isinstance(later, StartDateConstraint) else None
        yield from _lines(one.prices, since=since, until=until)
    for one in conditional:
        if isinstance(one.constraint, TimeOfDateConstraint):
            hours = (f"{one.constraint.start_time:%H:%M}", f"{one.constraint.end_time:%H:%M}")
            yield from _lines(one.prices, hours=hours)


def _lines(prices: Any, **when: Any) -> Iterator[Price]:
    for name, of in _METERS.items():
        price = getattr(prices, name, None)
        if isinstance(price, TieredPrices):
            yield Price(of=of, usd=_text(price.base), **when)
            for tier in price.tiers:
                yield Price(of=of, usd=_text(tier.price), above=tier.start, **when)
        elif price is not None:
            yield Price(of=of, usd=_text(price), **when)


def _text(price: Decimal) -> str:
    return format(price.normalize(), "f")


if __name__ == "__main__":
    main()
