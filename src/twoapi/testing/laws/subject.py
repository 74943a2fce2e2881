"""How a law calls a codec."""

import json
import re

from twoapi.ir import Event, Loss, Message, Request, Response, Text, Tool, ToolCall
from twoapi.protocols.base import AnswerContext, Codec, Restore, UpstreamCodec
from twoapi.protocols.capabilities import Capabilities
from twoapi.testing.replies import Json
from twoapi.wire.http import Incoming

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "gemini": "/v1beta/models/gemini-3-pro:generateContent",
}
HEADERS = {
    "openai-chat": {},
    "openai-responses": {},
    "anthropic-messages": {b"anthropic-version": b"2026-10-21"},
    "gemini": {},
}
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
PATH = ":path"  # among the headers that a law hands on: where the request went, which says more than its body
SECRET = b"sk-client-secret"

# Everything on, but what some of a vendor's models refuse.
FULL = Capabilities(sampling_pair=False, labels=True)


def incoming(codec: Codec, body: bytes, headers: dict[str, str] | None = None) -> Incoming:
    """A client's request with these bytes, and with its key."""
    given = {name.encode(): value.encode() for name, value in (headers or {}).items()}
    base = {b"content-type": b"application/json", b"authorization": b"Bearer " + SECRET, b"x-api-key": SECRET}
    path, _, query = given.pop(PATH.encode(), PATHS[codec.name].encode()).decode().partition("?")
    return Incoming(path=path, headers={**base, **HEADERS[codec.name], **given}, body=body, query=query)


def decoded(codec: Codec, body: bytes, headers: dict[str, str] | None = None) -> Request:
    """The request in these bytes; `headers` beside the usual ones."""
    return codec.decode_request(incoming(codec, body, headers or {}))


def encoded(
    codec: Codec, request: Request, capabilities: Capabilities = FULL
) -> tuple[bytes, dict[str, str], list[Loss]]:
    """The upstream's body and headers, and what was lost."""
    losses: list[Loss] = []
    outgoing = codec.encode_request(request, request.model, capabilities, losses).outgoing
    headers = {name.decode().lower(): value.decode() for name, value in outgoing.headers}
    return outgoing.body, {**headers, PATH: outgoing.path}, losses


def clients_names(codec: Codec, request: Request) -> dict[str, str]:
    """The names of tools that the upstream sees, and the client's own of each that is another.

    A tool of a namespace has it before its name: that is what it is called in other protocols.
    """
    names = codec.encode_request(request, request.model, FULL, []).restore.names
    known: list[Tool | ToolCall] = [*request.tools]
    known += [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
    full: dict[str, str] = {}
    for tool in known:
        if tool.namespace:
            whole = f"{tool.namespace}__{tool.name}"
            spelled = _ILLEGAL.sub("_", whole)[:40]
            full |= {wire: whole for wire, name in names.items() if name == tool.name and spelled in wire}
    return {**names, **full}


def context(codec: Codec, *, include_usage: bool = True) -> AnswerContext:
    """An answer to somebody who asked for everything."""
    request = Request(
        protocol=codec.name,
        model="m",
        messages=[Message("user", [Text(text="hi")])],
        stream=True,
        include_usage=include_usage,
    )
    return AnswerContext(request=request, now=1_790_000_000, id="fallback")


def events_of(codec: UpstreamCodec, pieces: list[bytes]) -> list[Event]:
    """What a stream decoder makes of a stream that comes in these pieces."""
    decoder = codec.stream_decoder(Restore())
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return events + decoder.close()


def stream_of(
    codec: Codec, batches: list[list[Event]], losses: list[Loss] | None = None, *, include_usage: bool = True
) -> bytes:
    """What a stream encoder makes of events that come in these batches."""
    encoder = codec.stream_encoder(context(codec, include_usage=include_usage), [] if losses is None else losses)
    return b"".join([encoder.feed(batch) for batch in batches]) + encoder.close()


def answer_of(codec: Codec, response: Response, losses: list[Loss] | None = None) -> bytes:
    """The whole answer as the codec's client gets it."""
    return codec.encode_response(response, context(codec), [] if losses is None else losses)


def same(found: Json, expected: Json, what: str) -> None:
    """Both are equal, or the first difference is told."""
    if found != expected:
        place = first_difference(found, expected)
        raise AssertionError(f"{what} differs at {place}\nfound:    {_shown(found)}\nexpected: {_shown(expected)}")


def first_difference(found: Json, expected: Json, at: str = "") -> str:
    """Where two values first differ, and how."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in {**expected, **found}:
            if name not in found or name not in expected:
                return f"{at}/{name} ({'missing' if name not in found else 'too much'})"
            if found[name] != expected[name]:
                return first_difference(found[name], expected[name], f"{at}/{name}")
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            if one != other:
                return first_difference(one, other, f"{at}/{index}")
    return f"{at or '/'}: {_shown(found)} is not {_shown(expected)}"


def _shown(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:1500]
    except TypeError:
        return repr(value)[:1500]
