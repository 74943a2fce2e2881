"""Token counts, both ways: this protocol's totals include what others count beside them."""

import msgspec
from msgspec import Raw

from twoapi.ir import Loss, Usage
from twoapi.protocols.openai_responses.name import NAME
from twoapi.wire import json


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


_WRITTEN = (
    b'{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d,"cache_write_tokens":%d},'
    b'"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d}'
)
_decode = msgspec.json.Decoder(_Usage).decode
_NO_INPUT, _NO_OUTPUT = _InputDetails(), _OutputDetails()


def decode_usage(raw: Raw) -> Usage | None:
    """Disjoint counts; None for null, and for what is no usage."""
    if json.is_null(raw):
        return None
    try:
        found = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    given, answered = found.input_tokens_details or _NO_INPUT, found.output_tokens_details or _NO_OUTPUT
    total, cached, written = found.input_tokens, given.cached_tokens, given.cache_write_tokens
    plain = None if total is None else total - (cached or 0) - (written or 0)
    # An upstream whose cached tokens exceed its input does not count them in it.
    estimated = plain is not None and plain < 0
    output, reasoning = found.output_tokens, answered.reasoning_tokens
    if output is not None and reasoning is not None:
        reasoning = min(reasoning, output)
        output -= reasoning
    return Usage(
        input=total if estimated else plain,
        cache_read=cached,
        cache_write=written,
        output=output,
        reasoning=reasoning,
        estimated=estimated,
        raw=raw,
    )


def encode_usage(usage: Usage | None, *, same: bool, losses: list[Loss]) -> Raw | None:
    """The usage object; verbatim when the upstream spoke this protocol. Clients need every count of it, so that
    zeros stand for what an upstream of another protocol did not tell.
    """
    if same:
        if usage is None:
            return None
        told = usage.cache_read is not None and usage.cache_write is not None and usage.reasoning is not None
        if usage.raw is not None and told and not usage.estimated:
            return usage.raw
    if usage is None:
        usage = Usage()
    if usage.input is None or usage.output is None:
        losses.append(Loss("/usage", "info", NAME, "the upstream did not tell its token counts: shown as 0"))
    written = usage.cache_write
    if written is None:
        written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    given = (usage.input or 0) + (usage.cache_read or 0) + written + (usage.tool_prompt or 0)
    answered = usage.total_output
    counts = (given, usage.cache_read or 0, written, answered, usage.reasoning or 0, given + answered)
    return Raw(_WRITTEN % counts)
