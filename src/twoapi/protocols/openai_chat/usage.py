"""Usage: the vendor's counts overlap (prompt includes cached, completion includes reasoning), the model's do not."""

import msgspec
from msgspec import Raw

from twoapi.ir import Usage
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.wire import json

_COUNTS = tuple(name for name in Usage.__struct_fields__ if name not in ("raw", "estimated", "server_tools"))
_decode = msgspec.json.Decoder(wire.Usage).decode


def decode_usage(raw: Raw) -> Usage | None:
    """The usage object as disjoint counts; None when there is none or when it cannot be read."""
    if json.first_byte(raw) != 123:
        return None
    try:
        found = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    usage = Usage(raw=raw)
    _decode_input(found, usage)
    _decode_output(found, usage)
    return usage


def _decode_input(found: wire.Usage, usage: Usage) -> None:
    details = found.prompt_tokens_details
    cached, written = found.cached_tokens, None
    if cached is None:
        cached = found.prompt_cache_hit_tokens
    if details is not None:
        cached = cached if details.cached_tokens is None else details.cached_tokens
        written = details.cache_write_tokens
        usage.audio_in, usage.text_in = details.audio_tokens, details.text_tokens
        usage.image_in = details.image_tokens
    usage.cache_read, usage.cache_write = cached, written
    prompt = found.prompt_tokens
    if prompt is not None:
        plain = prompt - (cached or 0) - (written or 0)
        # An upstream whose cached tokens exceed its prompt does not count them in it.
        usage.input, usage.estimated = (plain, False) if plain >= 0 else (prompt, True)


def _decode_output(found: wire.Usage, usage: Usage) -> None:
    details = found.completion_tokens_details
    reasoning = None
    if details is not None:
        reasoning = details.reasoning_tokens
        usage.audio_out, usage.text_out = details.audio_tokens, details.text_tokens
        usage.accepted_prediction = details.accepted_prediction_tokens
        usage.rejected_prediction = details.rejected_prediction_tokens
    usage.reasoning = reasoning
    completion = found.completion_tokens
    if completion is None or not reasoning:
        usage.output = completion
    else:
        total = found.total_tokens
        beside = total is not None and total == (found.prompt_tokens or 0) + completion + reasoning
        # Some upstreams count reasoning beside the completion; their total says so.
        usage.output = completion if beside or reasoning > completion else completion - reasoning


def encode_usage(usage: Usage | None, *, same: bool) -> Raw | None:
    """The vendor's usage object; verbatim when the upstream spoke the same protocol. None when nothing is known."""
    if usage is None:
        return None
    if same and usage.raw is not None and not usage.estimated:
        return usage.raw
    if not any(getattr(usage, name) is not None for name in _COUNTS):
        return None
    written = usage.cache_write
    if written is None and (usage.cache_write_5m is not None or usage.cache_write_1h is not None):
        written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    prompt = usage.total_input if usage.cache_write is not None else usage.total_input + (written or 0)
    completion = usage.total_output
    encoded = wire.Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=wire.PromptDetails(
            cached_tokens=usage.cache_read,
            cache_write_tokens=written,
            audio_tokens=usage.audio_in,
            text_tokens=usage.text_in,
            image_tokens=usage.image_in,
        ),
        completion_tokens_details=wire.CompletionDetails(
            reasoning_tokens=usage.reasoning,
            audio_tokens=usage.audio_out,
            text_tokens=usage.text_out,
            accepted_prediction_tokens=usage.accepted_prediction,
            rejected_prediction_tokens=usage.rejected_prediction,
        ),
    )
    return Raw(json.encode(encoded))
