"""Turns to the vendor's messages, and what shall be cited to its documents."""

import msgspec

from twoapi import ir
from twoapi.ir import JsonText, plain
from twoapi.protocols.data_urls import encode_url
from twoapi.protocols.dialects.encoding import Encoding, Wire
from twoapi.protocols.dialects.turns import Picture, Turn, document_text, turns
from twoapi.wire.json import is_object

_DETAILS = ("auto", "low", "high")


def encode_messages(encoding: Encoding) -> tuple[list[Wire], list[Wire]]:
    """The messages, and the documents beside them; raises FaultError for what cannot be sent."""
    documents: list[Wire] = []
    messages = [_without_documents(encoding, message, documents) for message in encoding.request.messages]
    made = turns(encoding, messages, quotes=True)
    return [_ROLES[turn.role](encoding, turn) for turn in made], documents


def _without_documents(encoding: Encoding, message: ir.Message, documents: list[Wire]) -> ir.Message:
    """The message without what shall be cited: the vendor's models cite documents beside the conversation."""
    if message.role != "user":
        return message
    kept: list[ir.Part] = []
    for part in message.parts:
        data = _document(part, message.at + part.at)
        if data is None:
            kept.append(part)
            continue
        encoding.lose(message.at + part.at, "moved", "what shall be cited stands beside the conversation")
        encoding.lose_mark(part.cache, message.at + part.at)
        documents.append({"id": f"doc_{len(documents)}", "data": data})
    if len(kept) == len(message.parts):
        return message
    # Something is left of every turn: a question about nothing is still one.
    return msgspec.structs.replace(message, parts=kept or [ir.Text(text="")])


def _document(part: ir.Part, path: str) -> Wire | None:
    if isinstance(part, ir.SearchResult):
        return _search_data(part) if part.want_citations else None
    if not (isinstance(part, ir.Media) and part.want_citations and part.kind == "file"):
        return None
    if isinstance(part.source, ir.Blocks):
        if not all(isinstance(block, ir.Text) for block in part.source.parts):
            return None
        words = "\n\n".join(plain(block.text) for block in part.source.parts if isinstance(block, ir.Text))
    elif isinstance(part.source, ir.PlainText):
        words = document_text(part, path)
    else:
        return None
    return _named(part.title or part.name, {"context": part.context} if part.context else {}, words)


def _search_data(part: ir.SearchResult) -> Wire:
    words = "\n\n".join(plain(text.text) for text in part.content)
    return _named(part.title, {"url": part.source} if part.source else {}, words)


def _named(title: str | None, more: Wire, words: str) -> Wire:
    return {**({"title": title} if title else {}), **more, "snippet": words}


def _system(encoding: Encoding, turn: Turn) -> Wire:
    return {"role": "system", "content": _contents(encoding, turn)}


def _user(encoding: Encoding, turn: Turn) -> Wire:
    return {"role": "user", "content": _contents(encoding, turn)}


def _contents(encoding: Encoding, turn: Turn) -> JsonText | list[Wire]:
    """One text as a string, anything else as a list."""
    if not turn.said:
        return ""
    if len(turn.said) == 1 and not isinstance(only := turn.said[0], Picture):
        return only
    return [_image(encoding, one) if isinstance(one, Picture) else {"type": "text", "text": one} for one in turn.said]


def _image(encoding: Encoding, picture: Picture) -> Wire:
    source, mime = picture.source, picture.mime
    if isinstance(source, ir.Base64):
        if mime is None:
            mime = "image/png"
            encoding.lose(picture.path, "synthesized", "the image has no media type; sent as image/png")
        url = encode_url(source.data, mime)
    else:
        url = source.url
    image: Wire = {"url": url}
    if picture.detail in _DETAILS:
        image["detail"] = picture.detail
    elif picture.detail is not None:
        image["detail"] = "high"
        encoding.lose(picture.path, "approximated", f"detail {picture.detail} is sent as high")
    return {"type": "image_url", "image_url": image}


def _assistant(encoding: Encoding, turn: Turn) -> Wire:
    wire: Wire = {"role": "assistant"}
    contents: list[Wire] = []
    if turn.thoughts and turn.calls:
        wire["tool_plan"] = "\n\n".join(thought.text for thought in turn.thoughts)
    elif "enabled" in encoding.capabilities.thinking:
        contents = [{"type": "thinking", "thinking": thought.text} for thought in turn.thoughts]
    else:
        for thought in turn.thoughts:
            encoding.lose(thought.path, "dropped", "past reasoning is not sent")
    texts = turn.texts
    if contents or len(texts) > 1:
        wire["content"] = contents + [{"type": "text", "text": text} for text in texts]
    elif texts or not turn.calls:
        wire["content"] = texts[0] if texts else ""
    if turn.calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments or "{}"},
            }
            for call in turn.calls
        ]
    return wire


def _tool(encoding: Encoding, turn: Turn) -> Wire:  # noqa: ARG001  as the others
    """A result. Objects go as documents, as the vendor's models want them, and so does what shall be cited."""
    content: list[Wire] = [_piece(text, number) for number, text in enumerate(turn.texts)]
    for result in turn.quoted:
        document = {"id": str(len(content)), "data": _search_data(result)}
        content.append({"type": "document", "document": document})
    only = content[0].get("text") if len(content) == 1 else None
    if not content or only is not None:
        return {"role": "tool", "tool_call_id": turn.call_id, "content": only or ""}
    return {"role": "tool", "tool_call_id": turn.call_id, "content": content}


def _piece(text: JsonText, number: int) -> Wire:
    words = plain(text)
    if words.startswith("{") and is_object(words):
        return {"type": "document", "document": {"id": str(number), "data": words}}
    return {"type": "text", "text": words}


_ROLES = {"system": _system, "user": _user, "assistant": _assistant, "tool": _tool}
