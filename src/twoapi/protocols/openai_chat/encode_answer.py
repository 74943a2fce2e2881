"""Pieces of an answer for a client that its whole form and its streamed form share."""

from twoapi.ir import Citation, Loss, SearchSource, TokenLogprob, UrlSource
from twoapi.protocols.base import AnswerContext
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.name import NAME

_MAX_CALL_ID = 40
# The vendor's words for other vendors' tiers.
TIERS = {"default": "default", "standard": "default", "priority": "priority", "flex": "flex"}


def answer_id(upstream_id: str, protocol: str, context: AnswerContext) -> str:
    """The upstream's id when it is one of this protocol, else a new one."""
    return upstream_id if protocol == NAME and upstream_id else "chatcmpl-" + context.id


def answer_tier(tier: str | None, protocol: str, losses: list[Loss]) -> str | None:
    """The service tier in the vendor's words, which its SDK checks."""
    if tier is None or protocol == NAME:
        return tier
    word = TIERS.get(tier)
    if word is None:
        losses.append(Loss("/service_tier", "dropped", NAME, "no such service tier"))
    return word


def client_call_id(call_id: str, protocol: str) -> str:
    """A tool call's id as this protocol's clients can echo it."""
    if protocol == NAME and len(call_id) <= _MAX_CALL_ID:
        return call_id
    return encode_call_id(call_id, _MAX_CALL_ID)


def annotations(cited: list[Citation], start: int, length: int, at: str, losses: list[Loss]) -> list[out.Annotation]:
    """The citations of one text, which begins at `start` of the whole content."""
    encoded = []
    for citation in cited:
        source = citation.source
        if isinstance(source, UrlSource):
            url, title = source.url, source.title
        elif isinstance(source, SearchSource) and source.source.startswith(("http://", "https://")):
            url, title = source.source, source.title
        else:
            losses.append(Loss(at, "dropped", NAME, "a citation without a URL"))
            continue
        begin = 0 if citation.start is None else citation.start
        end = length if citation.end is None else citation.end
        encoded.append(
            out.Annotation(
                url_citation=out.UrlCitation(
                    start_index=start + begin, end_index=start + end, title=title or "", url=url
                )
            )
        )
    return encoded


def tokens(logprobs: list[TokenLogprob] | None) -> list[out.TokenLogprob] | None:
    """Log probabilities in the vendor's form."""
    if logprobs is None:
        return None
    return [
        out.TokenLogprob(
            token=token.token,
            bytes=token.bytes,
            logprob=token.logprob,
            top_logprobs=[out.TokenLogprob(token=top.token, bytes=top.bytes, logprob=top.logprob) for top in token.top],
        )
        for token in logprobs
    ]


def reasoning_field(at: str, protocol: str) -> str:
    """The field that tells reasoning: the upstream's own when it spoke this protocol."""
    return "reasoning" if protocol == NAME and at.endswith("/reasoning") else "reasoning_content"


def report_foreign(part_at: str, kind: str, losses: list[Loss]) -> None:
    """Something in an answer for which this protocol has no place."""
    losses.append(Loss(part_at, "dropped", NAME, f"no place for {kind} in an answer"))
