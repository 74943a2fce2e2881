"""Parts of requests to the parts of a content."""

from collections.abc import Callable
from typing import cast

from msgspec import Raw

from twoapi import ir
from twoapi.protocols.gemini.decode_contents import RESPONSE
from twoapi.protocols.gemini.encode_media import encode_document, encode_media
from twoapi.protocols.gemini.encoding import Encoding
from twoapi.protocols.gemini.name import NAME
from twoapi.protocols.gemini.pairing import is_missing_id
from twoapi.protocols.gemini.parts import Wire, signature_of, write_call, write_server_tool, write_text
from twoapi.protocols.past_calls import call_input

# What the vendor documents for a call of a history that has no signature ("skip_thought_signature_validator").
SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="


def encode_part(encoding: Encoding, part: ir.Part, base: str) -> list[Wire]:
    """What goes out for a part, [] when nothing is left of it. Raises FaultError for what cannot be sent."""
    return _ENCODERS[type(part)](encoding, part, base + part.at)


def _signature(encoding: Encoding, part: ir.Part, path: str) -> str | None:
    """The signature that goes back to where it came from; state of others is withheld."""
    found = signature_of(part)
    # State without data only says whom a part is from.
    sealed = [one for one in part.opaque if one.data or one.origin is None or one.origin.protocol != NAME]
    if sealed and (found is None or len(sealed) > 1):
        encoding.lose(path, "reasoning_foreign", "sealed state of another origin is withheld")
    return found


def _encode_text(encoding: Encoding, part: ir.Text, path: str) -> list[Wire]:
    if part.citations:
        encoding.lose(path, "dropped", "texts of a history have no citations")
    encoding.lose_mark(part.cache, path)
    return [write_text(part.text, _signature(encoding, part, path))]


def _encode_refusal(encoding: Encoding, part: ir.Refusal, path: str) -> list[Wire]:
    encoding.lose(path, "emulated", "a refusal is sent as text")
    encoding.lose_mark(part.cache, path)
    return [write_text(part.text)]


def _encode_reasoning(encoding: Encoding, part: ir.Reasoning, path: str) -> list[Wire]:
    encoding.lose_mark(part.cache, path)
    signature = _signature(encoding, part, path)
    if signature is None and not ir.plain(part.text):
        if not part.opaque and not encoding.native:
            encoding.lose(path, "info", "reasoning without words or state")
        return [write_text(part.text, thought=True)] if encoding.native and not part.opaque else []
    return [write_text(part.text, signature, thought=True)]


def _encode_call(encoding: Encoding, part: ir.ToolCall, path: str) -> list[Wire]:
    name = encoding.name(part.name, part.namespace)
    encoding.called[part.id] = name
    encoding.lose_mark(part.cache, path)
    bare = encoding.native and not part.arguments and part.kind != "custom"
    args = None if bare else call_input(part, path, encoding.lose)
    call_id: str | None = part.id
    if encoding.native and is_missing_id(part, path):
        encoding.missing.add(part.id)
        call_id = None
    if not encoding.capabilities.call_ids:
        call_id = None
    return [write_call(name, call_id, args, _signature(encoding, part, path))]


def put_skip(
    encoding: Encoding, made: list[Wire], calls: list[tuple[ir.ToolCall, str, Wire]], *, withheld: bool
) -> None:
    """The first call of a turn has a signature, or the value that the vendor documents for histories without.

    `withheld`: the turn's reasoning is of another origin, and its state does not go out.
    """
    if not calls or not encoding.capabilities.thought_signatures:
        return
    part, path, wire = calls[0]
    if any("thoughtSignature" in one for one in made if "functionCall" in one):
        return
    if encoding.native and not part.opaque and not withheld:
        return  # the client's own history, for the vendor to judge
    wire["thoughtSignature"] = SKIP
    encoding.lose(path, "synthesized", "the documented value for a call without a thought signature")


def _encode_result(encoding: Encoding, part: ir.ToolResult, path: str) -> list[Wire]:
    """A result, and after it, for upstreams that take none in it, its media."""
    encoding.lose_mark(part.cache, path)
    response: Wire = {"name": encoding.called.get(part.call_id) or encoding.name(part.name or "")}
    if encoding.capabilities.call_ids and part.call_id not in encoding.missing:
        response["id"] = part.call_id
    base = path.removesuffix(part.at)
    first = part.content[0] if part.content else None
    if encoding.native and type(first) is ir.Text and first.at.endswith((RESPONSE, "/function_response/response")):
        response["response"] = Raw(ir.plain(first.text))
        media = _native_media(encoding, part, base)
    else:
        texts, media = _contents(encoding, part, base)
        if len(texts) > 1:
            encoding.lose(path, "approximated", "the texts of a result are one text")
        if texts or not encoding.native:
            text = texts[0] if len(texts) == 1 else "\n".join(ir.plain(text) for text in texts)
            response["response"] = {"error" if part.is_error else "output": text}
    _report_opaque(encoding, part, path)
    if media and encoding.capabilities.result_media:
        response["parts"] = media
        media = []
    elif media:
        encoding.lose(path, "emulated", "images and files of a result stand behind it")
    return [{"functionResponse": response}, *media]


def _report_opaque(encoding: Encoding, part: ir.Part, path: str) -> None:
    if part.opaque:
        encoding.lose(path, "reasoning_foreign", "sealed state on a result")


def _native_media(encoding: Encoding, part: ir.ToolResult, base: str) -> list[Wire]:
    return [
        wire for inner in part.content if isinstance(inner, ir.Media) for wire in encode_media(encoding, inner, base)
    ]


def _contents(encoding: Encoding, part: ir.ToolResult, base: str) -> tuple[list[ir.JsonText], list[Wire]]:
    """The texts of a result, and its media."""
    texts: list[ir.JsonText] = []
    media: list[Wire] = []
    for inner in part.content:
        path = base + inner.at
        said: list[ir.JsonText] = []
        if isinstance(inner, ir.Text):
            if inner.citations:
                encoding.lose(path, "dropped", "texts of a result have no citations")
            encoding.lose_mark(inner.cache, path)
            said = [inner.text]
        elif isinstance(inner, ir.SearchResult):
            said = [_search_text(encoding, inner, path)]
        elif isinstance(inner, ir.Media):
            made = encode_document(encoding, inner, base)
            said = [cast("ir.JsonText", wire["text"]) for wire in made if "text" in wire]
            media += [wire for wire in made if "text" not in wire]
        else:
            encoding.lose(path, "dropped", f"unknown part {inner.type!r} of a result")
        if said and media and isinstance(inner, ir.Text):
            encoding.lose(path, "reordered", "the words of a result stand before its media")
        texts += said
    return texts, media


def _encode_search_result(encoding: Encoding, part: ir.SearchResult, path: str) -> list[Wire]:
    return [write_text(_search_text(encoding, part, path))]


def _search_text(encoding: Encoding, part: ir.SearchResult, path: str) -> str:
    encoding.lose(path, "emulated", "a search result is sent as text")
    for mark in (part.cache, *(text.cache for text in part.content)):
        encoding.lose_mark(mark, path)
    head = "\n".join(line for line in (part.title, part.source) if line)
    return "\n\n".join(text for text in (head, *(ir.plain(text.text) for text in part.content)) if text)


def _encode_server_tool(encoding: Encoding, part: ir.ServerTool, path: str) -> list[Wire]:
    if part.protocol == NAME:
        _signature(encoding, part, path)
        return [write_server_tool(part)]
    encoding.lose_mark(part.cache, path)
    if not part.text:
        encoding.lose(path, "dropped", f"{part.tool or 'a tool'} of another vendor")
        return []
    encoding.lose(path, "emulated", f"{part.tool or 'a tool'} of another vendor is sent as text")
    return [write_text(part.text)]


def _encode_unknown(encoding: Encoding, part: ir.Unknown, path: str) -> list[Wire]:
    encoding.lose(path, "dropped", f"unknown part {part.type!r}")
    return []


def _encode_media(encoding: Encoding, part: ir.Media, path: str) -> list[Wire]:
    made = encode_document(encoding, part, path.removesuffix(part.at))
    signature = _signature(encoding, part, path)
    if signature is not None and made:
        made[-1]["thoughtSignature"] = signature
    return made


_Encode = Callable[[Encoding, ir.Part, str], list[Wire]]
_ENCODERS: dict[type, _Encode] = {
    ir.Text: cast("_Encode", _encode_text),
    ir.Refusal: cast("_Encode", _encode_refusal),
    ir.Reasoning: cast("_Encode", _encode_reasoning),
    ir.ToolCall: cast("_Encode", _encode_call),
    ir.ToolResult: cast("_Encode", _encode_result),
    ir.SearchResult: cast("_Encode", _encode_search_result),
    ir.ServerTool: cast("_Encode", _encode_server_tool),
    ir.Unknown: cast("_Encode", _encode_unknown),
    ir.Media: cast("_Encode", _encode_media),
}
