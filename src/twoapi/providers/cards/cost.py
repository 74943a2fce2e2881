"""What an answer costs: counts times prices, with every count that has no price told."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec

from twoapi.ir import Usage
from twoapi.providers.cards.card import MILLION, TOKENS, Metered, ModelCard, Price

# What has no price of its own is paid as this.
_PAID_AS: Mapping[str, Metered] = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "reasoning": "output",
    "audio_in": "input",
    "image_in": "input",
    "video_in": "input",
    "audio_out": "output",
    "image_out": "output",
}


class Line(msgspec.Struct, frozen=True):
    """So many of one thing, for so much."""

    of: Metered
    count: int
    usd: Decimal


class Bill(msgspec.Struct, frozen=True):
    """The lines, and what was used but has no price. `usd` is None when anything has none: unpriced is not free."""

    lines: tuple[Line, ...]
    unpriced: tuple[Metered, ...]

    @property
    def usd(self) -> Decimal | None:
        """The sum; None when it is not known."""
        return None if self.unpriced else sum((line.usd for line in self.lines), Decimal(0))


def bill(card: ModelCard | None, usage: Usage, at: datetime, tier: str = "") -> Bill:
    """What this usage of a model costs; `at` is the time of the request (UTC), `tier` the service tier that was used.

    Without a card nothing has a price.
    """
    lines, unpriced = [], []
    prompt = usage.total_input
    for of, count in counts(usage).items():
        if count <= 0:
            continue
        price = None if card is None else price_of(card, of, at, prompt, tier)
        if price is None:
            unpriced.append(of)
        else:
            each = Decimal(price.usd) / MILLION if of in TOKENS else Decimal(price.usd)
            lines.append(Line(of, count, each * count))
    return Bill(tuple(lines), tuple(unpriced))


def counts(usage: Usage) -> dict[Metered, int]:
    """What is paid for, in disjoint counts."""
    short, long = usage.cache_write_5m or 0, usage.cache_write_1h or 0
    written = max((usage.cache_write or 0) - long, short)
    audio_in, audio_out = usage.audio_in or 0, usage.audio_out or 0
    image_in = usage.image_in or 0
    fresh = (usage.input or 0) + (usage.tool_prompt or 0)
    found: dict[Metered, int] = {
        "input": max(fresh - audio_in - image_in, 0),
        "cache_read": usage.cache_read or 0,
        "cache_write": written,
        "cache_write_1h": long,
        "output": max((usage.output or 0) - audio_out, 0),
        "reasoning": usage.reasoning or 0,
        "audio_in": min(audio_in, fresh),
        "image_in": min(image_in, max(fresh - audio_in, 0)),
        "audio_out": min(audio_out, usage.output or 0),
        "search": sum((usage.server_tools or {}).values()),
    }
    return found


def price_of(card: ModelCard, of: Metered, at: datetime, prompt: int, tier: str = "") -> Price | None:
    """The price that holds then, for a prompt of so many input tokens; None when there is none."""
    for one in _kinds(of):
        for wanted in (tier, "") if tier else ("",):
            fitting = [
                price
                for price in card.prices
                if price.of == one and price.tier == wanted and price.above <= max(prompt - 1, 0) and _holds(price, at)
            ]
            if fitting:
                return max(fitting, key=_precedence)
    return None


def _precedence(price: Price) -> tuple[int, bool, date]:
    """Of prices that hold together the more special one wins."""
    return price.above, price.hours is not None, price.since or date.min


def _kinds(of: Metered) -> list[Metered]:
    found = [of]
    while (other := _PAID_AS.get(found[-1])) is not None:
        found.append(other)
    return found


def _holds(price: Price, at: datetime) -> bool:
    day = at.date()
    if (price.since is not None and day < price.since) or (price.until is not None and day > price.until):
        return False
    if price.hours is None:
        return True
    begin, end = price.hours
    now = f"{at:%H:%M}"
    return begin <= now < end if begin <= end else now >= begin or now < end
