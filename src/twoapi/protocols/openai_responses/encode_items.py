"""Parts as items again: what requests and answers share."""

from collections.abc import Iterator

from msgspec import Raw

from twoapi.ir import (
    ENVELOPE_PREFIX,
    Citation,
    DocumentSource,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
    UrlSource,
)
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.name import NAME


def runs(parts: list[Part]) -> Iterator[list[Part]]:
    """The parts that make one item each, in order: texts and refusals of one message, pieces of one reasoning."""
    run: list[Part] = []
    for part in parts:
        if run and _joins(run[-1], part):
            run.append(part)
            continue
        if run:
            yield run
        run = [part]
    if run:
        yield run


def _joins(before: Part, part: Part) -> bool:
    if before.item != part.item:
        return False
    if isinstance(part, Reasoning):
        return isinstance(before, Reasoning) and (part.item is not None or _goes_on(before))
    return not isinstance(part, ToolCall) and not isinstance(before, ToolCall | Reasoning)


def _goes_on(part: Part) -> bool:
    """True for a piece of this protocol's that came back from another's client: the seal is on the last piece."""
    return bool(part.opaque) and all(
        not opaque.data and opaque.origin is not None and opaque.origin.protocol == NAME for opaque in part.opaque
    )


def own_state(parts: list[Part], kind: str) -> str | None:
    """The sealed state of this protocol that one of the parts holds; None for any other's, and for a carrier."""
    return next((opaque.data for part in parts for opaque in part.opaque if is_own(opaque, kind)), None)


def is_own(opaque: Opaque, kind: str) -> bool:
    """True for state of this kind that an upstream of this protocol made."""
    return (
        opaque.kind == kind
        and (opaque.origin is None or opaque.origin.protocol == NAME)
        and not opaque.data.startswith(ENVELOPE_PREFIX)
    )


def written_reasoning(parts: list[Part], encrypted: str | None, item_id: str | None) -> wire.WrittenReasoning:
    """The item of one reasoning, with this sealed state."""
    pieces = [part for part in parts if isinstance(part, Reasoning)]
    return wire.WrittenReasoning(
        id=item_id,
        summary=[wire.WrittenSummary(text=part.text) for part in pieces if part.form == "summary"],
        content=[wire.WrittenReasoningText(text=part.text) for part in pieces if part.form == "full"] or None,
        encrypted_content=encrypted,
        status=None if parts[0].item is None else parts[0].item.status,
    )


def written_text(text: Text, *, annotations: Raw | None = None, logprobs: Raw | None = None) -> wire.WrittenText:
    """The text with its citations and log probabilities, or with these in their place."""
    return wire.WrittenText(
        text=text.text,
        annotations=encode_annotations(text.citations) if annotations is None else annotations,
        logprobs=(None if text.logprobs is None else encode_logprobs(text.logprobs)) if logprobs is None else logprobs,
    )


def written_refusal(refusal: Refusal) -> wire.WrittenRefusal:
    """The refusal."""
    return wire.WrittenRefusal(refusal=refusal.text)


def encode_annotations(citations: list[Citation]) -> list[wire.UrlCitation | wire.FileCitation | Raw]:
    """The annotations that can be said here: of the web, of files that the vendor holds, and what was kept verbatim.

    A citation without a span stands at the beginning of its text.
    """
    found: list[wire.UrlCitation | wire.FileCitation | Raw] = []
    for citation in citations:
        source, start = citation.source, citation.start or 0
        if citation.raw is not None:
            found.append(citation.raw)
        elif isinstance(source, UrlSource):
            end = start if citation.end is None else citation.end
            found.append(wire.UrlCitation(start_index=start, end_index=end, url=source.url, title=source.title or ""))
        elif isinstance(source, DocumentSource) and source.file_id is not None:
            found.append(wire.FileCitation(index=start, file_id=source.file_id, filename=source.title or ""))
    return found


def encode_logprobs(logprobs: list[TokenLogprob]) -> list[wire.WrittenLogprob]:
    """The log probabilities of a text; the bytes are those of the token where nobody said them."""
    return [
        wire.WrittenLogprob(
            token=item.token,
            logprob=item.logprob,
            bytes=_bytes(item),
            top_logprobs=[wire.WrittenTop(token=top.token, logprob=top.logprob, bytes=_bytes(top)) for top in item.top],
        )
        for item in logprobs
    ]


def _bytes(item: TokenLogprob) -> list[int]:
    return list(item.token.encode("utf-8", "surrogatepass")) if item.bytes is None else item.bytes
