"""Usage: the vendor's counts overlap (prompt includes cached, completion includes reasoning), the model's do not."""

import msgspec
from msgspec import Raw

from twoapi.ir import Loss, Usage
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.name import NAME
from twoapi.wire import json
from twoapi.wire.errors import WireError

_COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in ("raw", "estimated", "server_tools", "cost"))
_NO_PROMPT, _NO_COMPLETION = wire.PromptDetails(), wire.CompletionDetails()
_NO_SPLIT = out.CompletionDetails()
_decode = msgspec.json.Decoder(wire.Usage).decode


def decode_usage(raw: Raw, capabilities: Capabilities = USUAL) -> Usage | None:
    """The usage object as disjoint counts; None when there is none or when it cannot be read."""
    try:
        found = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    apart = capabilities.reasoning_apart
    usage = disjoint(found, apart=apart)
    usage.raw = _together(raw, found, usage.reasoning) if apart and usage.reasoning else raw
    if capabilities.cost_at is not None:
        usage.cost = _cost(raw, capabilities.cost_at)
    return usage


def disjoint(found: wire.Usage, *, apart: bool = False) -> Usage:
    """The counts, disjoint; `apart`: the vendor counts reasoning beside the completion."""
    details, answered = found.prompt_tokens_details or _NO_PROMPT, found.completion_tokens_details or _NO_COMPLETION
    cached, written = details.cached_tokens, details.cache_write_tokens
    if cached is None:
        cached = found.cached_tokens
        if cached is None:
            cached = found.prompt_cache_hit_tokens
    prompt, reasoning = found.prompt_tokens, answered.reasoning_tokens
    if reasoning is None:
        reasoning = found.reasoning_tokens
    usage = Usage(
        input=prompt,
        cache_read=cached,
        cache_write=written,
        output=_visible(found, reasoning, apart=apart) if reasoning else found.completion_tokens,
        reasoning=reasoning,
        audio_in=details.audio_tokens,
        audio_out=answered.audio_tokens,
        text_in=details.text_tokens,
        text_out=answered.text_tokens,
        image_in=details.image_tokens,
        accepted_prediction=answered.accepted_prediction_tokens,
        rejected_prediction=answered.rejected_prediction_tokens,
    )
    if prompt is not None and (cached or written):
        plain = prompt - (cached or 0) - (written or 0)
        if plain < 0:  # an upstream whose cached tokens exceed its prompt does not count them in it
            usage.estimated = True
        else:
            usage.input = plain
    elif prompt is not None and prompt < 0:
        usage.estimated = True
    if found.num_search_queries:
        usage.server_tools = {"web_search": found.num_search_queries}
    return usage


def _together(raw: Raw, found: wire.Usage, reasoning: int) -> Raw:
    """The object as the vendor counts: the completion with its reasoning."""
    if found.completion_tokens is None:
        return raw
    return Raw(json.replace_field(bytes(raw), "completion_tokens", b"%d" % (found.completion_tokens + reasoning)))


def _cost(raw: Raw, pointer: str) -> float | None:
    """The price that is told there."""
    try:
        told = json.at_pointer(raw, pointer)
        price = None if told is None else json.decode(told)
    except WireError:
        return None
    return float(price) if isinstance(price, int | float) and not isinstance(price, bool) and price >= 0 else None


def _visible(found: wire.Usage, reasoning: int, *, apart: bool) -> int | None:
    """The output without the reasoning."""
    completion, total = found.completion_tokens, found.total_tokens
    if completion is None:
        return None
    # Some upstreams count reasoning beside the completion; their total says so.
    beside = apart or (total is not None and total == (found.prompt_tokens or 0) + completion + reasoning)
    return completion if beside or reasoning > completion else completion - reasoning


def _tells_nothing(usage: Usage) -> bool:
    return all(getattr(usage, name) is None for name in _COUNTS)


def encode_usage(usage: Usage | None, losses: list[Loss], *, same: bool) -> out.Usage | Raw | None:
    """The vendor's usage object; verbatim when the upstream spoke the same protocol. None when nothing is known."""
    if usage is None:
        return None
    if same and usage.raw is not None and not usage.estimated:
        return usage.raw
    given, answered = usage.input, usage.output
    if given is None or answered is None:
        if given is None and answered is None and _tells_nothing(usage):
            return None
        losses.append(Loss("/usage", "info", NAME, "the upstream did not tell its token counts: shown as 0"))
    read, written, reasoning = usage.cache_read, usage.cache_write, usage.reasoning
    if written is None and (usage.cache_write_5m is not None or usage.cache_write_1h is not None):
        written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    prompt = (given or 0) + (read or 0) + (written or 0) + (usage.tool_prompt or 0)
    completion = (answered or 0) + (reasoning or 0)
    inside = out.PromptDetails(read, written)
    if usage.audio_in is not None or usage.text_in is not None or usage.image_in is not None:
        inside.audio_tokens, inside.text_tokens, inside.image_tokens = usage.audio_in, usage.text_in, usage.image_in
    if (
        reasoning is None
        and usage.audio_out is None
        and usage.text_out is None
        and usage.accepted_prediction is None
        and usage.rejected_prediction is None
    ):
        return out.Usage(prompt, completion, prompt + completion, inside, _NO_SPLIT)
    split = out.CompletionDetails(
        reasoning, usage.audio_out, usage.text_out, usage.accepted_prediction, usage.rejected_prediction
    )
    return out.Usage(prompt, completion, prompt + completion, inside, split)
