"""Usage: the vendor's counts overlap (input includes cached, output includes reasoning), the model's do not."""

from collections.abc import Collection

import msgspec
from msgspec import Raw

from twoapi.ir import Usage
from twoapi.protocols.dashscope import schema as wire
from twoapi.wire.errors import WireError
from twoapi.wire.json import is_null, unknown_fields

_decode = msgspec.json.Decoder(wire.Usage).decode
_NO_INPUT, _NO_OUTPUT, _NO_PROMPT = wire.InputDetails(), wire.OutputDetails(), wire.PromptDetails()


def decode_usage(told: Collection[Raw]) -> Usage | None:
    """The usage of an answer; None when there is none, or none that can be read.

    `told` are the last counts of each candidate: with several, each tells the whole input and its own output.
    """
    found = [usage for raw in told if (usage := _read(raw)) is not None]
    if not found:
        return None
    last = found[-1]
    asked, details = last.prompt_tokens_details or _NO_PROMPT, last.input_tokens_details or _NO_INPUT
    cached, written = asked.cached_tokens, asked.cache_creation_input_tokens
    given = last.input_tokens
    plain = None if given is None else given - (cached or 0) - (written or 0)
    # A server whose cached tokens exceed its input does not count them in it.
    estimated = plain is not None and plain < 0
    reasoning = _sum([(one.output_tokens_details or _NO_OUTPUT).reasoning_tokens for one in found])
    written_out = _sum([one.output_tokens for one in found])
    answered = last.output_tokens_details or _NO_OUTPUT
    search = None if last.plugins is None else last.plugins.search
    return Usage(
        input=given if estimated else plain,
        cache_read=cached,
        cache_write=written,
        output=_visible(written_out, reasoning),
        reasoning=reasoning,
        audio_in=_first(details.audio_tokens, last.audio_tokens),
        audio_out=answered.audio_tokens,
        text_in=details.text_tokens,
        text_out=answered.text_tokens,
        image_in=_first(details.image_tokens, last.image_tokens),
        server_tools={"web_search": search.count} if search is not None and search.count else None,
        estimated=estimated,
    )


def unknown_usage(told: Collection[Raw]) -> dict[str, Raw]:
    """What the counts tell beside those that are known, by pointer in the answer."""
    found: dict[str, Raw] = {}
    for raw in told:
        try:
            unknown = unknown_fields(raw, wire.Usage)
        except WireError:
            continue
        found |= {"/usage" + pointer: value for pointer, value in unknown.items() if not is_null(value)}
    return found


def _read(raw: Raw) -> wire.Usage | None:
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _visible(written: int | None, reasoning: int | None) -> int | None:
    """The output without the reasoning."""
    if written is None or not reasoning or reasoning > written:
        return written
    return written - reasoning


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
