"""What compatible servers tell otherwise than the vendor: an answer's declared deviations, undone."""

from operator import attrgetter

import msgspec
from msgspec import Raw

from twoapi.ir import Candidate, Citation, Fault, FaultError, Part, Reasoning, Response, Text, UrlSource, Usage, plain
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.hidden_errors import hidden_error, may_hide
from twoapi.protocols.openai_chat.entries import seal_entry
from twoapi.protocols.openai_chat.stop import FAILURE_WORDS, failure
from twoapi.protocols.openai_chat.think_tags import split_thoughts
from twoapi.protocols.openai_chat.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError

# What a server without any deviation has: one comparison for each answer.
answer_deviations = attrgetter(
    "hidden_error",
    "usage_at",
    "reasoning_apart",
    "cost_at",
    "source_members",
    "think_tags",
    "reasoning_details",
)
USUAL_ANSWER = answer_deviations(Capabilities())


class _Source(msgspec.Struct, gc=False):
    """A page that an answer rests on, under the names that servers have for its parts."""

    url: str | None = None
    link: str | None = None
    title: str | None = None


_decode_source = msgspec.json.Decoder(str | _Source).decode


def refuse_hidden(body: bytes, capabilities: Capabilities) -> None:
    """Raises the fault that a body tells in spite of its status."""
    if capabilities.hidden_error is not None:
        fault = hidden_error(body, capabilities.hidden_error)
        if fault is not None:
            raise FaultError(fault)


class _Ended(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Endings(msgspec.Struct, gc=False):
    choices: list[_Ended] | None = None


_decode_endings = msgspec.json.Decoder(_Endings).decode


def may_fail(data: bytes, capabilities: Capabilities) -> bool:
    """False when these bytes certainly tell no failure at a place that is declared."""
    if capabilities.failure_words and any(word in data for word in FAILURE_WORDS):
        return True
    return capabilities.hidden_error is not None and may_hide(data, capabilities.hidden_error)


def told_failure(document: bytes, capabilities: Capabilities) -> Fault | None:
    """The failure that a whole answer or a chunk tells at a place that is declared; None when it tells none."""
    if capabilities.hidden_error is not None:
        fault = hidden_error(document, capabilities.hidden_error)
        if fault is not None:
            return fault
    if not capabilities.failure_words:
        return None
    try:
        choices = _decode_endings(document).choices
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    words = (choice.finish_reason for choice in choices or ())
    return next((fault for word in words if word and (fault := failure(word)) is not None), None)


def mend_response(response: Response, body: bytes, capabilities: Capabilities) -> None:
    """Puts what this server tells elsewhere to where it belongs."""
    if capabilities.usage_at is not None and response.usage is None:
        response.usage = usage_beside(response.extras, capabilities)
    if response.usage is not None and response.usage.cost is not None:
        tell_price(response.usage, response.extras, capabilities)
    for number, candidate in enumerate(response.candidates):
        if capabilities.think_tags is not None:
            candidate.parts = _untagged(candidate.parts, implied=capabilities.think_tags == "closing")
        if capabilities.reasoning_details:
            _keep_entries(candidate, body, number, response.extras)
    cited = sources(response.extras, capabilities)
    if cited:
        for candidate in response.candidates:
            text = next((part for part in reversed(candidate.parts) if isinstance(part, Text)), None)
            if text is not None:
                text.citations = [*text.citations, *cited]
                forget_sources(response.extras, capabilities)


def tell_price(usage: Usage, extras: dict[str, Raw], capabilities: Capabilities) -> None:
    """Notes a price where it stands: no other protocol has a place for it."""
    extras[f"/usage{capabilities.cost_at}"] = Raw(json.encode(usage.cost))


def usage_beside(extras: dict[str, Raw], capabilities: Capabilities) -> Usage | None:
    """The usage at the place that is declared, among the members that the protocol does not have."""
    name, _, rest = (capabilities.usage_at or "/").removeprefix("/").partition("/")
    member = extras.get("/" + name)
    return None if member is None else usage_in(bytes(member), "/" + rest if rest else "", capabilities)


def usage_in(document: bytes, pointer: str, capabilities: Capabilities) -> Usage | None:
    """The usage at a pointer of a document."""
    try:
        raw = json.at_pointer(document.strip(), pointer)
    except WireError:
        return None
    return None if raw is None or json.is_null(raw) else decode_usage(raw, capabilities)


def sources(extras: dict[str, Raw], capabilities: Capabilities) -> list[Citation]:
    """What an answer rests on, of the first declared member that says it; the lists say the same otherwise."""
    cited: list[Citation] = []
    for name in capabilities.source_members:
        raw = extras.get("/" + name)
        if raw is not None and json.first_byte(raw) == 91:
            found = [source for item in json.items(raw) if (source := _source(item)) is not None]
            cited = cited or [Citation(source) for source in found]
    return cited


def forget_sources(extras: dict[str, Raw], capabilities: Capabilities) -> None:
    """Leaves out what has been said by citations."""
    for name in capabilities.source_members:
        extras.pop("/" + name, None)


def _source(item: Raw) -> UrlSource | None:
    try:
        found = _decode_source(item)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(found, str):
        return UrlSource(found) if found else None
    url = found.url or found.link
    return UrlSource(url, found.title or None) if url else None


def _untagged(parts: list[Part], *, implied: bool) -> list[Part]:
    first = next((part for part in parts if isinstance(part, Text)), None)
    if first is None:
        return parts
    thought, said = split_thoughts(plain(first.text), implied=implied)
    if not thought and said == first.text:
        return parts
    mended: list[Part] = []
    for part in parts:
        if part is not first:
            mended.append(part)
            continue
        if thought:
            mended.append(Reasoning(text=thought, at=first.at))
        if said:
            first.text = said
            mended.append(first)
    return mended


def _keep_entries(candidate: Candidate, body: bytes, number: int, extras: dict[str, Raw]) -> None:
    """Each part of reasoning_details carries its whole entry, which must come back as it was."""
    at = f"/choices/{number}/message/reasoning_details"
    raw = json.at_pointer(body.strip(), at)
    if raw is None or json.first_byte(raw) != 91:
        return
    for pointer in [pointer for pointer in extras if pointer.startswith(at + "/")]:
        del extras[pointer]
    entries = json.items(raw)
    parts = [part for part in candidate.parts if isinstance(part, Reasoning)][-len(entries) :]
    for entry, part in zip(entries, parts, strict=False):
        part.opaque = (seal_entry(entry, json.fields(entry)),)
