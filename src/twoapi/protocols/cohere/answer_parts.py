"""Pieces of an answer that its whole form and its streamed form share."""

import base64
import hashlib
import math

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.ir.response import StopKind
from twoapi.protocols.base import Restore
from twoapi.protocols.cohere import schema_answer as wire
from twoapi.protocols.dialects.encoding import broken
from twoapi.wire.json import EMPTY, first_byte, is_null, is_object

_BAD = (msgspec.DecodeError, UnicodeDecodeError)
_decode_usage = msgspec.json.Decoder(wire.Usage).decode
_decode_logprobs = msgspec.json.Decoder(list[wire.LogprobItem]).decode
_decode_logprob = msgspec.json.Decoder(wire.LogprobItem).decode
_STOPS: dict[str, StopKind] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "max_tokens",
    "TOOL_CALL": "tool_use",
    # Words of the version before this one, which other vendors' copies of the service still have.  # recalled
    "ERROR_TOXIC": "content_filter",
    "ERROR_LIMIT": "context_window",
    "USER_CANCEL": "cancelled",
}
_FAILURES: dict[str, ir.FaultKind] = {"ERROR": "upstream_error", "TIMEOUT": "timeout"}
_CUT = ("max_tokens", "context_window", "content_filter")


class _Page(msgspec.Struct):
    """What may be known of a document; its members are whatever its sender gave it."""

    url: str | None = None
    title: str | None = None


_decode_page = msgspec.json.Decoder(_Page).decode


def count(number: float | None) -> int | None:
    """A count, which this vendor writes as a float; None for one that is no count."""
    return None if number is None or not math.isfinite(number) or number < 0 else round(number)


def decode_usage(raw: Raw) -> ir.Usage | None:
    """The tokens, and what of them is paid. The vendor's input counts hold what was cached.

    Where only the paid ones are told, they stand for the tokens, as an estimate: the prompt's template is not paid.
    """
    if is_null(raw):
        return None
    try:
        told = _decode_usage(raw)
    except _BAD:
        return None
    tokens, billed = told.tokens, told.billed_units
    given, made = (None, None) if tokens is None else (count(tokens.input_tokens), count(tokens.output_tokens))
    estimated = given is None and made is None and billed is not None
    if estimated and billed is not None:
        given, made = count(billed.input_tokens), count(billed.output_tokens)
    cached = count(told.cached_tokens)
    if cached is not None and given is not None and cached > given:
        estimated = True  # it does not count the cached ones among the others
    elif cached and given is not None:
        given -= cached
    searches = None if billed is None else count(billed.search_units)
    return ir.Usage(
        input=given,
        cache_read=cached,
        output=made,
        server_tools={"search_units": searches} if searches else None,
        estimated=estimated,
        raw=raw,
    )


def decode_stop(word: str | None, *, called: bool) -> ir.StopReason:
    """Why the model stopped; a call beats a plain end. A stream may end properly without a word."""
    kind = _STOPS.get(word, "other") if word else "stop"
    if called and kind in ("stop", "other"):
        kind = "tool_use"
    return ir.StopReason(kind=kind, raw=word)


def failure(word: str | None, error: str | None) -> ir.Fault | None:
    """The fault that hides behind a finish reason, or beside it; None when all is well."""
    kind = _FAILURES.get(word or "")
    if kind is None and not error:
        return None
    message = error or f"the upstream ended its answer with finish_reason {word!r}"
    return ir.Fault(kind or "upstream_error", message[:1000], whose="upstream", code=word)


def call_of(call: wire.ToolCall, seed: str, number: int, restore: Restore) -> ir.ToolCall:
    """A call without its arguments, under the client's name of the tool. `seed` is the answer's id."""
    name = "" if call.function is None else call.function.name or ""
    name = restore.names.get(name, name)
    call_id = call.id or _made_id(seed, number)
    return ir.ToolCall(
        id=restore.call_ids.get(call_id, call_id),
        name=name,
        kind="custom" if name in restore.custom else "function",
        at=f"/message/tool_calls/{number}",
    )


def _made_id(seed: str, number: int) -> str:
    """An id for a call that came without one: the same for the same call in the whole and the streamed form."""
    return "call_" + base64.b32encode(hashlib.sha256(f"{seed}/{number}".encode()).digest())[:24].decode().lower()


def is_cut(call: ir.ToolCall, stop: ir.StopReason) -> bool:
    """True for a call that a limit or a filter cut in the middle of its arguments."""
    return stop.kind in _CUT and call.kind == "function" and not is_object(call.arguments)


def citations(cited: wire.Citation) -> list[ir.Citation]:
    """A citation for each source. Places are code points of the text, as the vendor counts them."""
    start, end = count(cited.start), count(cited.end)
    return [
        ir.Citation(_source(source, number), start, end, cited.text)
        for number, source in enumerate(cited.sources or ())
    ]


def is_of_text(cited: wire.Citation) -> bool:
    """False for what the model's plan or thinking rests on: that has no place but in the vendor's own answer."""
    return cited.type in (None, "TEXT_CONTENT") and bool(cited.sources)


def _source(source: wire.Source, number: int) -> ir.UrlSource | ir.SearchSource:
    told = source.document if source.document is not EMPTY else source.tool_output
    page = _Page()
    if first_byte(told) == 123:
        try:
            page = _decode_page(told)
        except _BAD:
            page = _Page()
    if page.url is not None and page.url.startswith(("http://", "https://")):
        return ir.UrlSource(page.url, page.title)
    return ir.SearchSource(number, page.url or source.id or "", page.title)


def logprobs(raw: Raw, *, one: bool = False) -> list[ir.TokenLogprob] | None:
    """The log probabilities of pieces of the text; of a piece of several tokens their sum. None for another form."""
    if is_null(raw):
        return None
    try:
        found = [_decode_logprob(raw)] if one else _decode_logprobs(raw)
    except _BAD:
        return None
    return [ir.TokenLogprob(item.text or "", sum(item.logprobs or ())) for item in found]


def unreadable(detail: str) -> ir.FaultError:
    """The error of an answer that is none of this protocol."""
    return ir.FaultError(broken(f"the upstream's answer cannot be read: {detail}"))
