"""A whole answer of the upstream."""

import msgspec
from msgspec import Raw

from twoapi import ir
from twoapi.protocols.base import Restore
from twoapi.protocols.cohere import schema_answer as wire
from twoapi.protocols.cohere.answer_parts import (
    call_of,
    citations,
    count,
    decode_stop,
    decode_usage,
    failure,
    is_cut,
    is_of_text,
    logprobs,
    unreadable,
)
from twoapi.protocols.cohere.name import NAME
from twoapi.protocols.free_text import unwrap_custom
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.strict import strict

_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_strict = msgspec.json.Decoder(strict(wire.Answer)).decode
_decode_lenient = json.decoder(wire.Answer)
_encode = msgspec.json.Encoder().encode


def decode_response(body: bytes, restore: Restore) -> ir.Response:
    """The whole answer; raises FaultError (whose="upstream") for a failure told in a 200 and for a broken body."""
    extras: dict[str, Raw] = {}
    try:
        answer: wire.Answer = _decode_strict(body)
    except _BAD:
        try:
            answer, extras = _decode_lenient(body), json.unknown_fields(body, wire.Answer)
        except WireError as error:
            raise unreadable(error.message) from None
    fault = failure(answer.finish_reason, answer.error)
    if fault is not None:
        raise ir.FaultError(fault)
    if answer.message is None:
        raise unreadable("it has no message")
    parts, contents = _content(answer.message)
    _calls(answer, parts, restore)
    _cite(answer.message, parts, contents, extras)
    if not json.is_null(answer.logprobs):
        _place_logprobs(answer.logprobs, parts, extras)
    stop = decode_stop(answer.finish_reason, called=any(isinstance(part, ir.ToolCall) for part in parts))
    for part in parts:
        if isinstance(part, ir.ToolCall):
            part.complete = not is_cut(part, stop)
    return ir.Response(
        protocol=NAME,
        id=answer.id or "",
        model="",
        candidates=[ir.Candidate(0, parts, stop if answer.finish_reason else None)],
        usage=decode_usage(answer.usage),
        extras=extras,
    )


def _content(message: wire.Message) -> tuple[list[ir.Part], dict[int, ir.Text]]:
    """The parts before the calls, and the texts by their number in the content."""
    parts: list[ir.Part] = []
    texts: dict[int, ir.Text] = {}
    content = message.content
    items = [wire.Content(text=content)] if isinstance(content, str) else content or ()
    for number, item in enumerate(items):
        at = f"/message/content/{number}" if not isinstance(content, str) else "/message/content"
        if item.thinking:
            parts.append(ir.Reasoning(text=item.thinking, at=at))
        if item.text:
            texts[number] = ir.Text(text=item.text, at=at)
            parts.append(texts[number])
    if message.tool_plan:
        parts.append(ir.Reasoning(text=message.tool_plan, at="/message/tool_plan"))
    return parts, texts


def _calls(answer: wire.Answer, parts: list[ir.Part], restore: Restore) -> None:
    calls = None if answer.message is None else answer.message.tool_calls
    for number, call in enumerate(calls or ()):
        made = call_of(call, answer.id or "", number, restore)
        made.arguments = "" if call.function is None else call.function.arguments or ""
        if made.kind == "custom":
            made.arguments = unwrap_custom(made.arguments)
        parts.append(made)


def _cite(message: wire.Message, parts: list[ir.Part], texts: dict[int, ir.Text], extras: dict[str, Raw]) -> None:
    first = next((part for part in parts if isinstance(part, ir.Text)), None)
    for number, cited in enumerate(message.citations or ()):
        index = count(cited.content_index)
        text = first if index is None else texts.get(index)
        if text is not None and is_of_text(cited):
            text.citations += citations(cited)
        else:
            extras[f"/message/citations/{number}"] = Raw(_encode(cited))


def _place_logprobs(raw: Raw, parts: list[ir.Part], extras: dict[str, Raw]) -> None:
    found = logprobs(raw)
    text = next((part for part in parts if isinstance(part, ir.Text)), None)
    if found is None or text is None:
        extras["/logprobs"] = raw
    else:
        text.logprobs = found
