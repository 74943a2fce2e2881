"""Model cards: limits, abilities and prices of single models, as one table that ships with the package."""

from twoapi.providers.cards.card import METERS, Metered, ModelCard, Price
from twoapi.providers.cards.cost import Bill, bill
from twoapi.providers.cards.table import Table, load_table, shipped_table

__all__ = ["METERS", "Bill", "Metered", "ModelCard", "Price", "Table", "bill", "load_table", "shipped_table"]
