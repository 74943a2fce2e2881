"""Parts of requests to content blocks."""

from collections.abc import Callable
from typing import cast

from twoapi import ir
from twoapi.protocols.bedrock_converse.citations import encode_citation, is_held_elsewhere
from twoapi.protocols.bedrock_converse.encode_media import encode_media
from twoapi.protocols.bedrock_converse.encoding import Encoding
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.bedrock_converse.state import native_redacted, native_signature
from twoapi.protocols.dialects.encoding import Wire
from twoapi.protocols.dialects.unsent import refusal
from twoapi.protocols.past_calls import call_input
from twoapi.wire.json import fields

_SHORT = 64  # a longer text is not looked at: it is taken to hold more than white space


def encode_part(encoding: Encoding, blocks: list[Wire], part: ir.Part, base: str, role: str) -> None:
    """Adds the blocks of a part, none when nothing is left of it. Raises FaultError for what cannot be sent."""
    _ENCODERS[type(part)](encoding, blocks, part, base + part.at, role)


def is_blank(text: ir.JsonText) -> bool:
    """True for a text that the service refuses as empty."""
    return len(text) < _SHORT and not ir.plain(text).strip()


def _put_text(encoding: Encoding, blocks: list[Wire], part: ir.Text, path: str, role: str) -> None:
    text = part.text
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state of another protocol on a text")
    if is_blank(text):
        encoding.lose(path, "dropped" if ir.plain(text) else "info", "text blocks must not be empty")
        encoding.postpone(part.cache, path)
        return
    if part.citations and role == "assistant" and encoding.capabilities.citations:
        if any(citation.start is not None or citation.end is not None for citation in part.citations):
            encoding.lose(path, "approximated", "citations hold for a whole text block")
        if any(is_held_elsewhere(citation) for citation in part.citations):
            encoding.lose(path, "dropped", "what another vendor calls the sources of citations")
        cited = [encode_citation(citation) for citation in part.citations]
        blocks.append({"citationsContent": {"content": [{"text": text}], "citations": cited}})
    else:
        if part.citations:
            encoding.lose(path, "dropped", "the citations of the text")
        blocks.append({"text": text})
    encoding.mark(blocks, part.cache, path)


def _put_refusal(encoding: Encoding, blocks: list[Wire], part: ir.Refusal, path: str, role: str) -> None:
    encoding.lose(path, "emulated", "a refusal is sent as text")
    _put_text(encoding, blocks, ir.Text(text=part.text, cache=part.cache), path, role)


def _put_reasoning(encoding: Encoding, blocks: list[Wire], part: ir.Reasoning, path: str, _: str) -> None:
    encoding.postpone(part.cache, path)
    redacted, signature = native_redacted(part), native_signature(part)
    if redacted is not None:
        blocks.append({"reasoningContent": {"redactedContent": redacted}})
    elif signature is not None:
        blocks.append({"reasoningContent": {"reasoningText": {"text": part.text, "signature": signature}}})
    elif part.opaque or part.text:
        encoding.lose(path, "reasoning_foreign", "reasoning without a signature of this service's is withheld")
    else:
        encoding.lose(path, "info", "reasoning without words or state")


def _put_call(encoding: Encoding, blocks: list[Wire], part: ir.ToolCall, path: str, _: str) -> None:
    encoding.tools_used = True
    given = call_input(part, path, encoding.lose)
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state of another protocol on a tool call")
    name = encoding.names.wire(part.name, part.namespace)
    blocks.append({"toolUse": {"toolUseId": encoding.call_id(part, path), "name": name, "input": given}})
    encoding.mark(blocks, part.cache, path)


def _put_result(encoding: Encoding, blocks: list[Wire], part: ir.ToolResult, path: str, _: str) -> None:
    encoding.tools_used = True
    base = path.removesuffix(part.at)
    content: list[Wire] = []
    for inner in part.content:
        encoding.postpone(inner.cache, base + inner.at)
        _put_inner(encoding, content, inner, base + inner.at)
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state on a result")
    result: Wire = {"toolUseId": encoding.result_id(part.call_id), "content": content}
    if part.is_error is not None:
        result["status"] = "error" if part.is_error else "success"
    blocks.append({"toolResult": result})
    encoding.mark(blocks, part.cache, path)


def _put_inner(encoding: Encoding, content: list[Wire], inner: ir.Part, path: str) -> None:
    """A part of a result, which has no cache marks of its own."""
    if isinstance(inner, ir.Text):
        if inner.citations:
            encoding.lose(path, "dropped", "texts of a result have no citations")
        if is_blank(inner.text):
            encoding.lose(path, "dropped" if ir.plain(inner.text) else "info", "text blocks must not be empty")
        else:
            content.append({"text": inner.text})
    elif isinstance(inner, ir.SearchResult):
        content += _search_result(encoding, inner, path)
    elif isinstance(inner, ir.Media):
        content += encode_media(encoding, inner, path, "tool")
    elif isinstance(inner, ir.Unknown):
        encoding.lose(path, "dropped", f"unknown part {inner.type!r} of a result")


def _put_search_result(encoding: Encoding, blocks: list[Wire], part: ir.SearchResult, path: str, _: str) -> None:
    base = path.removesuffix(part.at)
    for text in part.content:
        encoding.postpone(text.cache, base + text.at)
    blocks += _search_result(encoding, part, path)
    encoding.mark(blocks, part.cache, path)


def _search_result(encoding: Encoding, part: ir.SearchResult, path: str) -> list[Wire]:
    texts = [text.text for text in part.content if not is_blank(text.text)]
    if encoding.capabilities.citations:
        result: Wire = {"source": part.source, "title": part.title, "content": [{"text": text} for text in texts]}
        if part.want_citations is not None:
            result["citations"] = {"enabled": part.want_citations}
        return [{"searchResult": result}]
    encoding.lose(path, "emulated", "a search result is sent as text")
    head = "\n".join(line for line in (part.title, part.source) if line)
    words = "\n\n".join(text for text in (head, *map(ir.plain, texts)) if text)
    return [{"text": words}] if words.strip() else []


def _put_server_tool(encoding: Encoding, blocks: list[Wire], part: ir.ServerTool, path: str, role: str) -> None:
    if part.protocol == NAME:
        blocks.append(dict(fields(part.raw)))
    elif part.text:
        encoding.lose(path, "emulated", f"{part.tool or 'a tool'} of another vendor is sent as text")
        _put_text(encoding, blocks, ir.Text(text=part.text, cache=part.cache), path, role)
    else:
        encoding.lose(path, "dropped", f"{part.tool or 'a tool'} of another vendor")
        encoding.postpone(part.cache, path)


def _put_unknown(encoding: Encoding, blocks: list[Wire], part: ir.Unknown, path: str, _: str) -> None:
    if part.protocol == NAME:
        blocks.append(dict(fields(part.raw)))
        return
    encoding.lose(path, "dropped", f"unknown part {part.type!r}")
    encoding.postpone(part.cache, path)


def _put_media(encoding: Encoding, blocks: list[Wire], part: ir.Media, path: str, role: str) -> None:
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state of another protocol on media")
    if role == "system":
        raise refusal("instructions to the target are text", path)
    if role == "user":
        blocks += encode_media(encoding, part, path, role)
        encoding.mark(blocks, part.cache, path)
        return
    if part.transcript:
        encoding.lose(path, "emulated", "earlier audio is sent as its transcript")
        blocks.append({"text": part.transcript})
    else:
        encoding.lose(path, "dropped", f"{part.kind} in a turn of the model")
    encoding.postpone(part.cache, path)


_Encode = Callable[[Encoding, list[Wire], ir.Part, str, str], None]
_ENCODERS: dict[type, _Encode] = {
    ir.Text: cast("_Encode", _put_text),
    ir.Refusal: cast("_Encode", _put_refusal),
    ir.Reasoning: cast("_Encode", _put_reasoning),
    ir.ToolCall: cast("_Encode", _put_call),
    ir.ToolResult: cast("_Encode", _put_result),
    ir.SearchResult: cast("_Encode", _put_search_result),
    ir.ServerTool: cast("_Encode", _put_server_tool),
    ir.Unknown: cast("_Encode", _put_unknown),
    ir.Media: cast("_Encode", _put_media),
}
