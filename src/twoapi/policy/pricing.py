"""Which card a model of an upstream has: the operator's prices over the table's."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from twoapi.config.settings import UpstreamSettings
from twoapi.providers.cards import Metered, ModelCard, Price, Table
from twoapi.providers.model import Provider


def card_for(provider: Provider, upstream: UpstreamSettings, model: str, table: Table) -> ModelCard | None:
    """What is known of a model there; None when nothing is, and it is unpriced.

    Prices of the operator's stand alone: what they do not name is not taken from the table, whose prices are others'.
    """
    card = table.card(provider.cards or provider.name, model)
    own = _own_prices(upstream.prices, model)
    if own is None:
        return card
    prices = tuple(Price(of=of, usd=str(usd)) for of, usd in own.items())
    return msgspec.structs.replace(card or ModelCard(model), prices=prices)


def _own_prices(prices: Mapping[str, Mapping[Metered, str]], model: str) -> Mapping[Metered, str] | None:
    """The first pattern that fits; a name in full goes before all patterns."""
    if model in prices:
        return prices[model]
    return next((said for pattern, said in prices.items() if fnmatchcase(model, pattern)), None)
