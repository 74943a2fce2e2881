"""The table of all cards, read section by section: a gateway asks for few providers of many."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Raw

from twoapi.providers.cards.card import ModelCard

_SHIPPED = Path(__file__).parent / "cards.json"


class TableError(Exception):
    """A file that is no table of model cards."""


class _Document(msgspec.Struct, frozen=True):
    made: date
    sources: tuple[str, ...]
    cards: dict[str, Raw]


class Table:
    """Cards by provider. `made`: the day on which its sources were read."""

    def __init__(self, made: date, sources: tuple[str, ...], sections: Mapping[str, Raw]) -> None:
        self.made = made
        self.sources = sources
        self._sections = sections
        self._read: dict[str, dict[str, ModelCard]] = {}

    @property
    def providers(self) -> Iterator[str]:
        """The names of all sections."""
        return iter(self._sections)

    def cards(self, section: str) -> list[ModelCard]:
        """All cards of a section, in the order of their names; [] when there is none of that name."""
        return list({card.id: card for card in self._section(section).values()}.values())

    def card(self, section: str, model: str) -> ModelCard | None:
        """The card of a model by its id or an alias, else of the same model without the date of its version."""
        section_cards = self._section(section)
        return section_cards.get(model) or section_cards.get(undated(model))

    def _section(self, section: str) -> dict[str, ModelCard]:
        found = self._read.get(section)
        if found is None:
            found = self._read[section] = {}
            raw = self._sections.get(section)
            cards = [] if raw is None else msgspec.json.decode(raw, type=list[ModelCard])
            for card in cards:
                found[card.id] = card
                for alias in card.aliases:
                    found.setdefault(alias, card)
        return found


def load_table(file: Path) -> Table:
    """The table in a file; raises TableError when it is none, OSError when it cannot be read."""
    try:
        document = msgspec.json.decode(file.read_bytes(), type=_Document)
        table = Table(document.made, document.sources, document.cards)
        if file != _SHIPPED:
            for section in document.cards:
                table.cards(section)
    except msgspec.MsgspecError as error:
        raise TableError(f"{file}: not a table of model cards: {error}") from None
    return table


@cache
def shipped_table() -> Table:
    """The table that came with the package."""
    return load_table(_SHIPPED)


def undated(model: str) -> str:
    """The name without its version: `-20260101`, `-2026-01-01`, `@20260101`, `-latest`."""
    for mark in ("@", "-"):
        head, found, tail = model.rpartition(mark)
        if found and (tail == "latest" or (len(tail) == 8 and tail.isdigit())):
            return head
    head, tail = model[:-11], model[-11:]
    if len(tail) == 11 and tail[0] == tail[5] == tail[8] == "-" and tail.replace("-", "").isdigit():
        return head
    return model
