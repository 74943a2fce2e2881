"""The table from its sources: LiteLLM's published table, checked against genai-prices where that is at hand.

Both are collections of facts from the vendors' price pages; each card names the page where the source does.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from twoapi.providers.cards.card import MILLION, TOKENS, Kind, Metered, ModelCard, Price
from twoapi.providers.cards.table import undated

Json = Any  # a parsed JSON document
SOURCE_URL = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"

# LiteLLM's name of a provider -> the section of our table. What is not here keeps its name.
_SECTIONS: Mapping[str, str] = {
    "azure": "azure-openai",
    "azure_text": "azure-openai",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "codestral": "mistral",
    "text-completion-codestral": "mistral",
    "text-completion-openai": "openai",
    "qwen_ai_platform": "dashscope",
    "qwencloud": "dashscope-intl",
    "tencent": "hunyuan",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "vertex_ai": "vertex",
    "vertex_ai-anthropic_models": "anthropic-vertex",
    "vertex_ai-language-models": "vertex",
    "vertex_ai-embedding-models": "vertex",
    "vertex_ai-text-models": "vertex",
    "bedrock_mantle": "bedrock-mantle",
    "bigmodel": "zhipu",
    "aiml": "aimlapi",
    "featherless_ai": "featherless",
    "friendliai": "friendli",
    "gradient_ai": "digitalocean",
    "lambda_ai": "lambda",
    "nvidia_nim": "nvidia",
}
_KINDS: Mapping[str, Kind] = {
    "chat": "chat",
    "responses": "chat",
    "completion": "completion",
    "embedding": "embedding",
    "rerank": "rerank",
    "image_generation": "image",
    "image_edit": "image",
    "audio_speech": "speech",
    "audio_transcription": "transcription",
    "moderation": "moderation",
}
_METERS: Mapping[str, Metered] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_in",
    "output_cost_per_audio_token": "audio_out",
    "input_cost_per_image_token": "image_in",
    "output_cost_per_image_token": "image_out",
    "input_cost_per_video_token": "video_in",
    "output_cost_per_image": "image",
    "input_cost_per_second": "second_in",
    "output_cost_per_second": "second_out",
    "input_cost_per_character": "character_in",
    "output_cost_per_character": "character_out",
    "input_cost_per_request": "request",
    "input_cost_per_query": "search",
}
_TIERS: Mapping[str, str] = {
    "": "",
    "_batches": "batch",
    "_flex": "flex",
    "_priority": "priority",
}
_ABILITIES: Mapping[str, str] = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_tool_choice": "tool_choice",
    "supports_response_schema": "structured_output",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "prompt_cache",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
    "supports_assistant_prefill": "prefill",
}
_MEDIA: Mapping[str, str] = {
    "supports_vision": "image",
    "supports_pdf_input": "document",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
}
# What stands before a name though it is not the provider's.
_PREFIXES = ("azure", "bedrock", "vertex-ai", "together-ai", "fireworks-ai", "cohere", "fireworks")
_REGIONAL = ("us", "eu", "global", "us-gov", "apac", "jp", "au")


# What a second source says of a model of a section: its usual prices; None when it does not know it.
Second = Callable[[str, str], list[Price] | None]


def build(
    litellm: Json,
    wanted: Container[str],
    made: date,
    sources: tuple[str, ...],
    second: Second = lambda *_: None,
    more: Mapping[str, list[ModelCard]] = {},
) -> bytes:
    """The table's file: the wanted sections of LiteLLM's parsed table, and of `more` those that it has not. Raises
    ValueError when it is not that table.
    """
    sections: dict[str, dict[str, ModelCard]] = {}
    if not isinstance(litellm, dict):
        raise ValueError("expected an object with a member for each model")  # noqa: TRY004  a wrong file
    for name, facts in litellm.items():
        card = _card(name, facts) if isinstance(facts, dict) else None
        if card is not None and (known := _section(facts["litellm_provider"])) in wanted:
            section = sections.setdefault(known, {})
            held = section.get(card.id)
            if held is None or len(held.prices) < len(card.prices):
                section[card.id] = card
    if not sections:
        raise ValueError("it holds no model of a known provider")
    told = {
        name: _merged([_compared(card, second(name, id_)) for id_, card in sorted(cards.items())])
        for name, cards in sorted(sections.items())
    }
    told |= {name: cards for name, cards in more.items() if name in wanted and name not in told}
    return written(made, sources, dict(sorted(told.items())))


def written(made: date, sources: tuple[str, ...], sections: Mapping[str, list[ModelCard]]) -> bytes:
    """The file of a table: a card a line, so that changes can be read."""
    encode = msgspec.json.encode
    lines = [b'{"made":%b,"sources":%b,"cards":{' % (encode(made), encode(sources))]
    for number, (name, cards) in enumerate(sections.items()):
        lines.append(b"%b%b:[" % (b"," if number else b"", encode(name)))
        lines += [encode(card) + (b"," if index + 1 < len(cards) else b"") for index, card in enumerate(cards)]
        lines.append(b"]")
    return b"\n".join([*lines, b"}}", b""])


def _section(provider: str) -> str:
    return _SECTIONS.get(provider, provider.replace("_", "-"))


def _card(name: str, facts: Json) -> ModelCard | None:
    kind = _KINDS.get(facts.get("mode") or "")
    provider = facts.get("litellm_provider")
    if kind is None or not isinstance(provider, str):
        return None
    model = _model(name, provider)
    if model is None:
        return None
    inputs = ["text", *(medium for flag, medium in _MEDIA.items() if facts.get(flag))]
    inputs += [medium for medium in facts.get("supported_modalities") or () if medium not in inputs]
    return ModelCard(
        id=model,
        kind=kind,
        context=_whole(facts.get("max_input_tokens")),
        max_output=_whole(facts.get("max_output_tokens")),
        inputs=tuple(inputs),
        outputs=tuple(facts.get("supported_output_modalities") or ("text",)),
        abilities=tuple(ability for flag, ability in _ABILITIES.items() if facts.get(flag)),
        prices=tuple(_prices(facts)),
        retires=_day(facts.get("deprecation_date")),
        source=facts.get("source") or "",
    )


def _model(name: str, provider: str) -> str | None:
    """The vendor's own name; None for entries of a single region, or of a commitment."""
    parts = name.split("/")
    if parts[0].replace("_", "-") in {provider.replace("_", "-"), *_PREFIXES}:
        parts = parts[1:]
    if not parts or parts[0] in _REGIONAL or "commitment" in name or "*" in name:
        return None
    if provider.startswith("bedrock") and len(parts) > 1 and parts[0].count("-") >= 2 and parts[0][-1].isdigit():
        return None
    return "/".join(parts)


def _prices(facts: Json) -> Iterator[Price]:
    found = []
    for key, value in facts.items():
        if (split := _meter(key)) is not None and (usd := _dollars(value, split[0])) is not None:
            of, tier, above = split
            found.append(Price(of=of, usd=usd, tier=tier, above=above))
    for step in facts.get("tiered_pricing") or ():
        above = int(step.get("range", (0,))[0])
        for key, value in step.items():
            stepped = _METERS.get(key)
            if stepped is not None and (usd := _dollars(value, stepped)) is not None:
                found.append(Price(of=stepped, usd=usd, above=above))
    # Embeddings and the like tell an output price of 0, which says nothing.
    silent = facts.get("mode") in {"embedding", "rerank", "moderation"}
    yield from sorted(
        (price for price in found if not (silent and price.of == "output")),
        key=lambda price: (price.tier, price.above, list(_METERS.values()).index(price.of)),
    )


def _meter(key: str) -> tuple[Metered, str, int] | None:
    """What a member is the price of, for which tier, above which length of the prompt; None for another member."""
    for suffix, tier in _TIERS.items():
        if not key.endswith(suffix) or (not suffix and any(key.endswith(one) for one in _TIERS if one)):
            continue
        rest = key.removesuffix(suffix)
        if (of := _METERS.get(rest)) is not None:
            return of, tier, 0
        head, found, tail = rest.rpartition("_above_")
        if found and tail.endswith("k_tokens") and tail[:-8].isdigit() and (of := _METERS.get(head)) is not None:
            return of, tier, int(tail[:-8]) * 1000
    return None


def _dollars(value: Json, of: Metered) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        usd = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        return None
    if of in TOKENS:
        usd *= MILLION
    # A float's shortest spelling is the source's own; what a product made of it is cut where it is noise.
    return format(usd.quantize(Decimal("1e-12")).normalize(), "f") if usd else "0"


def _compared(card: ModelCard, second: list[Price] | None) -> ModelCard:
    """The card with the second source's word: whether they agree, and when they do, past prices and those of hours."""
    if not second:
        return card
    usual = {(price.of, price.usd) for price in card.prices if not price.tier and not price.above}
    now = [price for price in second if price.until is None and price.hours is None and not price.above]
    if any((price.of, price.usd) not in usual for price in now if price.of in {"input", "output"}):
        return msgspec.structs.replace(card, agreed="differ")
    since = max((price.since for price in now if price.since is not None), default=None)
    past = tuple(price for price in second if price.until is not None or price.hours is not None)
    prices = card.prices
    if since is not None:
        prices = tuple(price if price.tier else msgspec.structs.replace(price, since=since) for price in prices)
    return msgspec.structs.replace(card, agreed="both", prices=(*prices, *past))


def _merged(cards: list[ModelCard]) -> list[ModelCard]:
    """Versions with a date that are as the model without one become its aliases."""
    by_id = {card.id: card for card in cards}
    aliases: dict[str, list[str]] = {}
    for card in cards:
        base = by_id.get(undated(card.id))
        if base is not None and base.id != card.id and _same(base, card):
            aliases.setdefault(base.id, []).append(card.id)
    gone = {name for names in aliases.values() for name in names}
    return [
        msgspec.structs.replace(card, aliases=tuple(aliases.get(card.id, ()))) for card in cards if card.id not in gone
    ]


def _same(one: ModelCard, other: ModelCard) -> bool:
    return msgspec.structs.replace(other, id=one.id, source=one.source, agreed=one.agreed) == one


def _whole(value: Json) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _day(value: Json) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None
