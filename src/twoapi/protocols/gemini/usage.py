"""Usage: the prompt's count includes what was cached, the counts of thoughts and of tools' prompts stand beside."""

from collections.abc import Callable
from struct import Struct as Packed

from msgspec import Raw, Struct

from twoapi import ir
from twoapi.protocols.gemini.name import NAME
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY, decoder, first_byte

_COUNTS = tuple(name for name in ir.Usage.__struct_fields__ if name not in ("raw", "estimated", "server_tools", "cost"))
_LIMIT = 2**53  # beyond this a count is no count
# The vendor's word for a tier -> the canonical one, and words of other protocols -> the vendor's.
_TIERS = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}


class _Modality(Struct, rename="camel", omit_defaults=True):
    modality: str = ""
    token_count: int = 0


class _Usage(Struct, rename="camel", omit_defaults=True):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None
    service_tier: str | None = None


_TIER = b'"serviceTier"'
_OBJECT = (123,)
_byte: Callable[[Raw], tuple[int]] = Packed("B").unpack_from  # half the time of a memoryview
_decode = decoder(_Usage)


def decode_usage(raw: Raw) -> ir.Usage | None:
    """The usage object as disjoint counts; None when there is none or when it cannot be read.

    The vendor leaves out counts of zero: where its total tells that nothing else was counted, they are 0.
    """
    if first_byte(raw) != 123:
        return None
    try:
        found = _decode(raw)
    except WireError:
        return None
    prompt, cached = found.prompt_token_count, found.cached_content_token_count
    thoughts, tools = found.thoughts_token_count, found.tool_use_prompt_token_count
    for count in (prompt, cached, thoughts, tools):
        if count is not None and not 0 <= count < _LIMIT:
            return None
    plain = prompt if prompt is None else prompt - (cached or 0)
    # An upstream whose cached tokens exceed its prompt does not count them in it.
    estimated = plain is not None and plain < 0
    asked, answered = found.prompt_tokens_details or None, found.candidates_tokens_details or None
    return ir.Usage(
        input=prompt if estimated else plain,
        cache_read=cached,
        tool_prompt=tools,
        output=_output(found),
        reasoning=thoughts,
        audio_in=asked and _tokens(asked, "AUDIO"),
        text_in=asked and _tokens(asked, "TEXT"),
        image_in=asked and _tokens(asked, "IMAGE"),
        audio_out=answered and _tokens(answered, "AUDIO"),
        text_out=answered and _tokens(answered, "TEXT"),
        estimated=estimated,
        raw=raw,
    )


def _output(found: _Usage) -> int | None:
    told, total = found.candidates_token_count, found.total_token_count
    if told is None and total is not None:
        others = (found.prompt_token_count, found.thoughts_token_count, found.tool_use_prompt_token_count)
        told = max(total - sum(count or 0 for count in others), 0)
    return told if told is None or 0 <= told < _LIMIT else None


def _tokens(details: list[_Modality], modality: str) -> int | None:
    counts = [one.token_count for one in details if one.modality == modality]
    return sum(counts) if counts else None


def decode_tier(raw: Raw) -> str | None:
    """The service tier that the usage object tells."""
    if _TIER not in bytes(raw):
        return None
    try:
        return _decode(raw).service_tier
    except WireError:
        return None


def encode_usage(
    usage: ir.Usage | None, tier: str | None, losses: list[ir.Loss], *, same: bool, at: str = "/usage"
) -> Raw | _Usage | None:
    """The vendor's usage object; verbatim when the upstream spoke the same protocol. None when nothing is known."""
    if same:
        if usage is None:
            return None
        if usage.raw is not None and not usage.estimated:
            return usage.raw
    word = None if tier is None else _TIERS.get(tier)
    if tier is not None and word is None:
        losses.append(ir.Loss("/service_tier", "dropped", NAME, "no such service tier"))
    if usage is None or (usage.input is None and usage.output is None and _tells_nothing(usage)):
        return None if word is None else _Usage(service_tier=word)
    written = usage.cache_write
    if written is None and (usage.cache_write_5m is not None or usage.cache_write_1h is not None):
        written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    if written:
        losses.append(ir.Loss(at, "approximated", NAME, "tokens written to a cache count as prompt"))
    if usage.server_tools:
        losses.append(ir.Loss(at, "dropped", NAME, "no count of requests by the vendor's own tools"))
    prompt = (usage.input or 0) + (usage.cache_read or 0) + (written or 0)
    told = usage.input is not None or usage.cache_read is not None or written is not None
    return _Usage(
        prompt_token_count=prompt if told else None,
        cached_content_token_count=usage.cache_read,
        candidates_token_count=usage.output,
        thoughts_token_count=usage.reasoning,
        tool_use_prompt_token_count=usage.tool_prompt,
        total_token_count=prompt + (usage.tool_prompt or 0) + usage.total_output,
        prompt_tokens_details=_given(usage) if usage.text_in or usage.image_in or usage.audio_in else None,
        candidates_tokens_details=_answered(usage) if usage.text_out or usage.audio_out else None,
        service_tier=word,
    )


def _tells_nothing(usage: ir.Usage) -> bool:
    return all(getattr(usage, name) is None for name in _COUNTS)


def _given(usage: ir.Usage) -> list[_Modality] | None:
    return _details(("TEXT", usage.text_in), ("IMAGE", usage.image_in), ("AUDIO", usage.audio_in))


def _answered(usage: ir.Usage) -> list[_Modality] | None:
    return _details(("TEXT", usage.text_out), ("AUDIO", usage.audio_out))


def _details(*counts: tuple[str, int | None]) -> list[_Modality] | None:
    told = [_Modality(modality, count) for modality, count in counts if count]
    return told or None


def usage_raw(raw: Raw) -> Raw | None:
    """A usage member worth remembering: an object."""
    return raw if raw is not EMPTY and _byte(raw) == _OBJECT else None
