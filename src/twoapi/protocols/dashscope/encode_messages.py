"""Turns as the vendor writes them: one text at the endpoint for text, a list of what is said at the other."""

from twoapi.ir import Base64
from twoapi.protocols.data_urls import encode_url
from twoapi.protocols.dialects.encoding import Encoding, Wire
from twoapi.protocols.dialects.turns import Call, Picture, Turn, one_text, past_thoughts

_USUAL = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}


def encode_messages(encoding: Encoding, spoken: list[Turn], *, media: bool) -> list[Wire]:
    """The members of `messages`; `media`: they go to the endpoint for media."""
    return [_message(encoding, turn, media=media) for turn in spoken]


def _message(encoding: Encoding, turn: Turn, *, media: bool) -> Wire:
    message: Wire = {"role": turn.role, "content": _content(encoding, turn) if media else one_text(encoding, turn)}
    if turn.calls:
        message["tool_calls"] = [_call(number, call) for number, call in enumerate(turn.calls)]
    if turn.role == "tool":
        message["tool_call_id"] = turn.call_id
    field, thoughts = encoding.capabilities.reasoning_field, past_thoughts(encoding, turn)
    if field is not None and thoughts is not None:
        message[field] = thoughts
    return message


def _content(encoding: Encoding, turn: Turn) -> list[Wire]:
    return [_shown(encoding, one) if isinstance(one, Picture) else {"text": one} for one in turn.said]


def _shown(encoding: Encoding, picture: Picture) -> Wire:
    source = picture.source
    if picture.detail not in (None, "auto"):
        encoding.lose(picture.path, "dropped", "the detail of an image is not chosen here")
    if not isinstance(source, Base64):
        return {picture.kind: source.url}
    mime = picture.mime
    if mime is None:
        mime = _USUAL[picture.kind]
        encoding.lose(picture.path, "synthesized", f"the {picture.kind} has no media type; sent as {mime}")
    return {picture.kind: encode_url(source.data, mime)}


def _call(number: int, call: Call) -> Wire:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "index": number, "function": function}
