"""Pieces of an answer that its whole form and its streamed form share."""

import base64
import hashlib

import msgspec
from msgspec import Raw

from twoapi.ir import Citation, Part, Reasoning, Text, TokenLogprob, ToolCall, UrlSource
from twoapi.protocols.base import Restore
from twoapi.protocols.openai_chat import schema_answer as wire
from twoapi.wire import json

LATEST = 1_000_000_000_000  # seconds; what is no less is no time
_decode_logprobs = msgspec.json.Decoder(wire.Logprobs).decode


class _Item(msgspec.Struct, gc=False):
    """An element of content where a server sends a list: text, or reasoning in its own list."""

    type: str = ""
    text: str | None = None
    thinking: list["_Item"] | str | None = None
    summary: list["_Item"] | str | None = None
    signature: str | None = None


class Piece(msgspec.Struct):
    """A piece of a content list: `text` is reasoning when `thought`; of what is neither, only `stray`, verbatim."""

    text: str = ""
    thought: bool = False
    seal: str | None = None
    stray: Raw | None = None


_decode_item = msgspec.json.Decoder(_Item).decode


def content_pieces(items: list[Raw]) -> list[Piece]:
    """The pieces of a content list in order."""
    pieces: list[Piece] = []
    for raw in items:
        try:
            item = _decode_item(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pieces.append(Piece(stray=raw))
            continue
        inner = item.thinking if item.thinking is not None else item.summary
        if inner is not None:
            text = inner if isinstance(inner, str) else "".join(each.text or "" for each in inner)
            pieces.append(Piece(text, thought=True, seal=item.signature))
        elif item.text:
            pieces.append(Piece(item.text, thought=item.type in ("thinking", "reasoning"), seal=item.signature))
        elif item.text is None:
            pieces.append(Piece(stray=raw))
    return pieces


def citations(annotations: list[wire.Annotation]) -> list[Citation]:
    """The URL citations among the annotations."""
    return [
        Citation(UrlSource(cited.url, cited.title or None), cited.start_index, cited.end_index)
        for annotation in annotations
        if (cited := annotation.url_citation) is not None
    ]


def logprobs(raw: Raw) -> tuple[list[TokenLogprob] | None, list[TokenLogprob] | None]:
    """The log probabilities of content and refusal; (None, None) for none and for a form that is not the vendor's."""
    try:
        found = _decode_logprobs(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, None
    return _tokens(found.content), _tokens(found.refusal)


def _tokens(tokens: list[wire.TokenLogprob] | None) -> list[TokenLogprob] | None:
    if tokens is None:
        return None
    return [
        TokenLogprob(
            token.token,
            token.logprob,
            token.bytes,
            tuple(TokenLogprob(top.token, top.logprob, top.bytes) for top in token.top_logprobs),
        )
        for token in tokens
    ]


def call_header(call: wire.ToolCall, call_id: str, at: str, restore: Restore) -> ToolCall:
    """A tool call without its arguments, under the client's name of the tool."""
    if call.custom is not None:
        name = call.custom.name or ""
        return ToolCall(id=call_id, name=restore.names.get(name, name), kind="custom", at=at)
    name = "" if call.function is None else call.function.name or ""
    return ToolCall(id=call_id, name=restore.names.get(name, name), at=at)


def arguments_text(arguments: str | dict[str, Raw] | None) -> str:
    """The arguments verbatim; the spelling of an object where a server sends one."""
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else json.encode(arguments).decode()


def seconds(created: float | None) -> int | None:
    """A time of creation as whole seconds; None for one that is no time."""
    return int(created) if created is not None and 0 <= created < LATEST else None


def made_call_id(answer: str, created: int | None, candidate: int, number: int) -> str:
    """An id for a call that came without one: the same for the same call in the whole and the streamed form."""
    seed = f"{answer}/{created}/{candidate}/{number}"
    return "call_" + base64.b32encode(hashlib.sha256(seed.encode()).digest())[:24].decode().lower()


def cut_calls(parts: list[Part], kind: str) -> None:
    """Marks the function calls that a limit or a filter cut in the middle of their arguments."""
    if kind not in ("max_tokens", "context_window", "content_filter"):
        return
    for part in parts:
        if isinstance(part, ToolCall) and part.kind == "function" and not json.is_object(part.arguments):
            part.complete = False


def text_of(part: Part) -> str:
    """The text of a text or reasoning part that an answer's decoder made."""
    return part.text if isinstance(part, Text | Reasoning) and isinstance(part.text, str) else ""
