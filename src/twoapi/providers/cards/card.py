"""A model card: what is known of one model at one provider, and what it costs there."""

from datetime import date
from typing import Literal, get_args

import msgspec

Kind = Literal["chat", "completion", "embedding", "rerank", "image", "speech", "transcription", "moderation"]
# What is counted: tokens, whose prices are for a million, and what is paid for one by one.
_Tokens = Literal[
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_in",
    "audio_out",
    "image_in",
    "image_out",
    "video_in",
]
_Units = Literal[
    "image",
    "second_in",
    "second_out",
    "character_in",
    "character_out",
    "request",
    "search",
]
Metered = Literal[_Tokens, _Units]
METERS: frozenset[str] = frozenset(get_args(Metered))
TOKENS: frozenset[str] = frozenset(get_args(_Tokens))
MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What is paid for a million tokens, or for one of anything else, in US dollars as decimal text.

    `tier`: the service tier it is for, "" the usual one. `above`: for prompts of more input tokens than this. `since`
    and `until`: the first and the last day of it. `hours`: begin and end of the time of day (UTC, "HH:MM") that it is
    for; None: all day, but for the hours that another price names.
    """

    of: Metered
    usd: str
    tier: str = ""
    above: int = 0
    since: date | None = None
    until: date | None = None
    hours: tuple[str, str] | None = None


class ModelCard(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One model. Limits are in tokens; None is what nobody says. No price at all means unpriced, which is not free.

    `agreed`: how the sources stand to its usual input and output price: only "one" has it, "both" agree, or they
    "differ" and the first one's stands here. `retires`: the day from which it is gone. `source`: the vendor's page.
    """

    id: str
    kind: Kind = "chat"
    context: int | None = None
    max_output: int | None = None
    inputs: tuple[str, ...] = ("text",)
    outputs: tuple[str, ...] = ("text",)
    abilities: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    aliases: tuple[str, ...] = ()
    agreed: Literal["one", "both", "differ"] = "one"
    retires: date | None = None
    source: str = ""
