"""Bodies of one protocol through the real codecs to another: what goes out, and what was lost on the way."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from twoapi import ir
from twoapi.ir.grammar import violations
from twoapi.protocols.base import AnswerContext, Encoded, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.opening import open_sealed
from twoapi.protocols.registry import CODECS
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.canned import PATHS, gemini_path
from twoapi.testing.grammars import stream_problems
from twoapi.testing.strict import refusal_reasons
from twoapi.wire.http import Incoming

CHAT, RESPONSES, MESSAGES, GEMINI = "openai-chat", "openai-responses", "anthropic-messages", "gemini"

Json = Any  # a parsed JSON document
Losses = list[tuple[str, str]]  # path and kind of each

_NEW = {b"anthropic-version": b"2026-10-21"}


def decode(client: str, body: Json, headers: dict[bytes, bytes] | None = None, *, stream: bool = False) -> ir.Request:
    """What a client's body means. `stream`: a Gemini client asks for one, which is no word of its body."""
    path, _, query = (PATHS.get(client) or gemini_path("m", stream=stream)).partition("?")
    incoming = Incoming(path, _NEW if headers is None else headers, as_bytes(body), query)
    request = CODECS[client].decode_request(incoming)
    assert open_sealed(request, PLAIN) == []
    return request


def encode(upstream: str, request: ir.Request, **capabilities: Any) -> tuple[Encoded, Losses]:
    """The upstream's request, which its vendor would not refuse."""
    losses: list[ir.Loss] = []
    encoded = CODECS[upstream].encode_request(request, request.model, Capabilities(**capabilities), losses)
    if "reasoning_field" not in capabilities:  # no field of the vendor's own
        headers = {name.decode(): value.decode() for name, value in encoded.outgoing.headers}
        assert refusal_reasons(upstream, json.loads(encoded.outgoing.body), headers) == []
    return encoded, named(losses)


def convert_request(client: str, upstream: str, body: Json, **capabilities: Any) -> tuple[Json, Losses]:
    """The body for the upstream and the losses. `capabilities`: of the upstream, where they are not the usual ones."""
    encoded, losses = encode(upstream, decode(client, body), **capabilities)
    return json.loads(encoded.outgoing.body), losses


def refused(client: str, upstream: str, body: Json, **capabilities: Any) -> tuple[int, Json]:
    """The status and the body of the client's own error, when the conversion is refused."""
    with pytest.raises(ir.FaultError) as caught:
        convert_request(client, upstream, body, **capabilities)
    status, _, answer = CODECS[client].encode_fault(caught.value.fault, "req_1")
    return status, json.loads(answer)


def convert_answer(upstream: str, client: str, body: Json, request: Json | None = None) -> tuple[Json, Losses]:
    """The client's answer and the losses. `request` is the client's body; without one a plain question."""
    answer, losses = answer_bytes(upstream, client, body, request)
    return json.loads(answer), losses


def answer_bytes(upstream: str, client: str, body: Json, request: Json | None = None) -> tuple[bytes, Losses]:
    """As convert_answer, the answer as it goes on the wire."""
    asked, restore = _asked(upstream, client, request)
    losses: list[ir.Loss] = []
    response = CODECS[upstream].decode_response(as_bytes(body), restore)
    return CODECS[client].encode_response(response, AnswerContext(asked, 0, "x"), losses), named(losses)


def broken_answer(upstream: str, client: str, body: Json, request: Json | None = None) -> ir.Fault:
    """The fault of an answer that cannot be given to the client."""
    with pytest.raises(ir.FaultError) as caught:
        convert_answer(upstream, client, body, request)
    return caught.value.fault


def convert_stream(
    upstream: str, client: str, frames: Iterable[bytes], request: Json | None = None
) -> tuple[list[Json], Losses]:
    """The data of the client's frames and the losses. Each of `frames` is one read from the upstream's connection."""
    asked, restore = _asked(upstream, client, request, stream=True)
    losses: list[ir.Loss] = []
    decoder = CODECS[upstream].stream_decoder(restore)
    encoder = CODECS[client].stream_encoder(AnswerContext(asked, 0, "x"), losses)
    events: list[ir.Event] = []
    out = b""
    for piece in frames:
        new = decoder.feed(piece)
        events += new
        out += encoder.feed(new)
    last = decoder.close()
    assert violations([*events, *last]) == []
    out += encoder.feed(last) + encoder.close()
    return _READERS[client](out), named(losses)


def events_of(stream: bytes) -> list[Json]:
    """The documents of an Anthropic stream; each frame has both lines, and they agree."""
    found = []
    assert stream.endswith(b"\n\n")
    for frame in stream.decode().removesuffix("\n\n").split("\n\n"):
        event, data = frame.split("\n")
        document = json.loads(data.removeprefix("data: "))
        assert event == "event: " + document["type"]
        found.append(document)
    return found


def chunks_of(stream: bytes) -> list[Json]:
    """The documents of a chat stream; "[DONE]" stands for the end mark."""
    found: list[Json] = []
    assert stream.endswith(b"\n\n")
    for frame in stream.decode().removesuffix("\n\n").split("\n\n"):
        assert frame.startswith("data: ")
        found.append(frame[6:] if frame == "data: [DONE]" else json.loads(frame[6:]))
    return found


def responses_of(stream: bytes) -> list[Json]:
    """The documents of a Responses stream, which keeps to its grammar; each is numbered, and none is an end mark."""
    assert stream_problems(RESPONSES, stream) == []
    found: list[Json] = []
    for frame in stream.decode().removesuffix("\n\n").split("\n\n"):
        event, data = frame.split("\n")
        document = json.loads(data.removeprefix("data: "))
        assert event == "event: " + document["type"]
        assert document["sequence_number"] == len(found)
        found.append(document)
    return found


def answers_of(stream: bytes) -> list[Json]:
    """The documents of a Gemini stream: data lines and blank ones, and nothing else that its SDK would stop at."""
    assert stream_problems(GEMINI, stream) == []
    lines = [line for line in stream.decode().split("\n") if line]
    assert [line for line in lines if not line.startswith("data: {")] == []
    return [json.loads(line.removeprefix("data: ")) for line in lines]


_READERS = {CHAT: chunks_of, RESPONSES: responses_of, MESSAGES: events_of, GEMINI: answers_of}


def named(losses: list[ir.Loss]) -> Losses:
    return [(loss.path, loss.kind) for loss in losses]


def as_bytes(body: Json) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()


# --- Short ways to say a body; those of Responses and Gemini are in tests.peers.vendors ---


def chat_body(*messages: Json, **fields: Json) -> dict[str, Json]:
    """A chat request; without messages a plain question."""
    return {"model": "m", "messages": list(messages) or [user("hi")], **fields}


def messages_body(*messages: Json, **fields: Json) -> dict[str, Json]:
    """A Messages request; without messages a plain question."""
    return {"model": "m", "max_tokens": 4000, "messages": list(messages) or [user("hi")], **fields}


def in_chat(*messages: Json, **fields: Json) -> dict[str, Json]:
    """What a chat upstream gets of a `messages_body`."""
    return {"model": "m", "max_completion_tokens": 4000, "messages": list(messages) or [user("hi")], **fields}


def in_messages(*messages: Json, **fields: Json) -> dict[str, Json]:
    """What an Anthropic upstream gets of a request for at most 50 tokens."""
    return {"model": "m", "max_tokens": 50, "messages": list(messages) or [user("hi")], **fields}


def responses_body(*items: Json, **fields: Json) -> dict[str, Json]:
    """A Responses request; without items a plain question."""
    return {"model": "m", "input": list(items) or "hi", **fields}


def gemini_body(*contents: Json, **fields: Json) -> dict[str, Json]:
    """A Gemini request; without contents a plain question."""
    return {"contents": list(contents) or [said("user", "hi")], **fields}


def said(role: str, *parts: Json) -> dict[str, Json]:
    """A content of a Gemini body; words stand for a text part."""
    return {"role": role, "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def user(content: Json, **fields: Json) -> dict[str, Json]:
    return {"role": "user", "content": content, **fields}


def assistant(content: Json, **fields: Json) -> dict[str, Json]:
    return {"role": "assistant", "content": content, **fields}


def text(words: str, **fields: Json) -> dict[str, Json]:
    """A text part, a text block: both look the same."""
    return {"type": "text", "text": words, **fields}


def chat_call(call_id: str, arguments: str = "{}", name: str = "f") -> dict[str, Json]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chat_result(call_id: str, content: Json = "ok") -> dict[str, Json]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def chat_tool(name: str = "f", parameters: Json | None = None, **fields: Json) -> dict[str, Json]:
    schema = SCHEMA if parameters is None else parameters
    return {"type": "function", "function": {"name": name, "parameters": schema, **fields}}


def tool_use(call_id: str, arguments: Json | None = None, name: str = "f") -> dict[str, Json]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {} if arguments is None else arguments}


def tool_result(call_id: str, content: Json = "ok", **fields: Json) -> dict[str, Json]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}


def messages_tool(name: str = "f", schema: Json | None = None, **fields: Json) -> dict[str, Json]:
    return {"name": name, "input_schema": SCHEMA if schema is None else schema, **fields}


def chat_answer(message: Json, finish: str | None = "stop", **fields: Json) -> dict[str, Json]:
    """A whole chat answer of one choice."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **fields,
    }


def messages_answer(*content: Json, stop: str = "end_turn", **fields: Json) -> dict[str, Json]:
    """A whole Messages answer."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
        **fields,
    }


def chunk(delta: Json | None = None, finish: str | None = None, **fields: Json) -> bytes:
    """A frame of a chat stream."""
    choices = [{"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}]
    document = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + as_bytes({**document, **fields}) + b"\n\n"


def event(kind: str, **fields: Json) -> bytes:
    """A frame of an Anthropic stream."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), as_bytes({"type": kind, **fields}))


DONE = b"data: [DONE]\n\n"
SCHEMA: Json = {"type": "object", "properties": {"x": {"type": "integer"}}}


# --- What our own answers look like ---


def completion(message: Json, finish: str, **fields: Json) -> dict[str, Json]:
    """The chat completion that a client of ours gets."""
    whole = {"role": "assistant", "content": None, "refusal": None, "annotations": [], **message}
    return {
        "id": "chatcmpl-x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "message": whole, "logprobs": None, "finish_reason": finish}],
        "usage": chat_usage(3, 2),
        **fields,
    }


def chat_usage(prompt: int, answer: int, cached: Json = None, reasoning: Json = None) -> dict[str, Json]:
    """The usage of a completion of ours; the details are those that the upstream told."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": cached or {},
        "completion_tokens_details": reasoning or {},
    }


def deltas(*choices: tuple[Json, str | None], begun_with: str | None = None, **fields: Json) -> list[Json]:
    """The chunks that a chat client of ours gets: one for the role, one for each delta and its finish reason.

    `begun_with`: the content of the first, which is "" when the answer begins with text.
    """
    begun = ({"role": "assistant", "content": begun_with, "refusal": None}, None)
    return [
        {
            "id": "chatcmpl-x",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            **fields,
        }
        for delta, finish in (begun, *choices)
    ]


def message(*content: Json, stop: str = "end_turn", **fields: Json) -> dict[str, Json]:
    """The message that an Anthropic client of ours gets."""
    return {**messages_answer(*content, stop=stop), "id": "msg_x", "usage": messages_usage(3, 2), **fields}


def messages_usage(given: int, answer: int, written: int | None = None, read: int | None = None) -> dict[str, Json]:
    """The usage of a message of ours."""
    return {
        "input_tokens": given,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": answer,
    }


def started(usage: Json = None) -> dict[str, Json]:
    """The first event that an Anthropic client of ours gets."""
    begun = message(stop_reason=None, usage=messages_usage(0, 0) if usage is None else usage)
    return {"type": "message_start", "message": begun}


def block(index: int, opened: Json, *changes: Json) -> list[Json]:
    """The events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": change} for change in changes),
        {"type": "content_block_stop", "index": index},
    ]


def text_block(index: int, *words: str) -> list[Json]:
    """The events of a block of text."""
    return block(index, text(""), *({"type": "text_delta", "text": word} for word in words))


def call_block(index: int, call_id: str, *arguments: str, name: str = "f") -> list[Json]:
    """The events of a tool call."""
    pieces = ({"type": "input_json_delta", "partial_json": piece} for piece in arguments)
    return block(index, tool_use(call_id, name=name), *pieces)


def stopped(stop: str, usage: Json = None) -> list[Json]:
    """The last events that an Anthropic client of ours gets."""
    told = messages_usage(0, 0) if usage is None else usage
    return [
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": told},
        {"type": "message_stop"},
    ]


_PLAIN = {CHAT: chat_body, RESPONSES: responses_body, MESSAGES: messages_body, GEMINI: gemini_body}


def _asked(upstream: str, client: str, request: Json | None, *, stream: bool = False) -> tuple[ir.Request, Restore]:
    asked = decode(client, _PLAIN[client]() if request is None else request, stream=stream)
    return asked, encode(upstream, asked)[0].restore
