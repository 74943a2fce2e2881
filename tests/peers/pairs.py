"""A client protocol in front of an upstream protocol: one request, answer or stream through the real codecs."""

import json
from typing import Any, NamedTuple

from twoapi.ir import Loss, Opaque, Origin
from twoapi.protocols.base import AnswerContext, Codec, Encoded
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.opening import open_sealed
from twoapi.protocols.registry import CODECS
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.canned import PATHS, gemini_path, request_body
from twoapi.wire.http import Incoming

Json = Any  # a parsed JSON document
Losses = list[tuple[str, str]]  # path and kind of each
NOW = 1700000000


class Pair(NamedTuple):
    """client > upstream, as the rows of the reference are headed."""

    client: Codec
    upstream: Codec

    @property
    def heading(self) -> str:
        """The pair in a test's name."""
        return f"{_SHORT[self.client.name]}>{_SHORT[self.upstream.name]}"

    def incoming(
        self, body: Json | bytes, headers: dict[bytes, bytes] | None = None, *, stream: bool = False
    ) -> Incoming:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = (PATHS.get(self.client.name) or gemini_path("m", stream=stream)).partition("?")
        return Incoming(path, headers or {}, data, query)

    def encoded(
        self,
        body: Json | bytes,
        headers: dict[bytes, bytes] | None = None,
        *,
        stream: bool = False,
        **capabilities: Any,
    ) -> tuple[Encoded, AnswerContext, list[Loss]]:
        losses: list[Loss] = []
        request = self.client.decode_request(self.incoming(body, headers, stream=stream))
        losses += open_sealed(request, PLAIN)
        encoded = self.upstream.encode_request(request, "up", Capabilities(**capabilities), losses)
        return encoded, AnswerContext(request, NOW, "x"), losses

    def request(
        self, body: Json | bytes, headers: dict[bytes, bytes] | None = None, **capabilities: Any
    ) -> tuple[Json, Losses]:
        """What the upstream gets, and what is reported."""
        encoded, _, losses = self.encoded(body, headers, **capabilities)
        return json.loads(encoded.outgoing.body), told(losses)

    def fields(self, extra: Json, **capabilities: Any) -> tuple[Json, Losses]:
        """As request, of the smallest request with further members; what the upstream always gets is left out."""
        small = request_body(self.client.name, "m")
        if self.client is CHAT and not {"max_tokens", "max_completion_tokens"} & set(extra):
            small["max_completion_tokens"] = 100
        usual = self.request(small)[0]
        body, losses = self.request({**small, **extra}, **capabilities)
        return {name: value for name, value in body.items() if usual.get(name) != value}, losses

    def whole(self, answer: Json | bytes, asked: Json = None) -> tuple[Json, Losses]:
        """What the client gets of a whole answer, and what is reported of it."""
        encoded, context, _ = self.encoded(asked or request_body(self.client.name, "m"))
        losses: list[Loss] = []
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        response = self.upstream.decode_response(body, encoded.restore)
        return json.loads(self.client.encode_response(response, context, losses)), told(losses)

    def stream_bytes(self, stream: bytes, asked: Json = None, size: int | None = None) -> tuple[bytes, Losses]:
        """What the client gets of a stream that comes in reads of `size` bytes."""
        encoded, context, _ = self.encoded(asked or request_body(self.client.name, "m", stream=True), stream=True)
        losses: list[Loss] = []
        decoder = self.upstream.stream_decoder(encoded.restore)
        encoder = self.client.stream_encoder(context, losses)
        size = size or len(stream) or 1
        out = [encoder.feed(decoder.feed(stream[at : at + size])) for at in range(0, len(stream), size)]
        out += [encoder.feed(decoder.close()), encoder.close()]
        return b"".join(out), told(losses)

    def stream(self, stream: bytes, asked: Json = None, size: int | None = None) -> tuple[list[Json], Losses]:
        """As stream_bytes, the frames read: Anthropic events, or chunks with "[DONE]" as a word."""
        out, losses = self.stream_bytes(stream, asked, size)
        return read(out), losses


def carrier(kind: Any, data: str, protocol: str = "anthropic-messages") -> str:
    """What a client of another protocol holds of this state."""
    return PLAIN.seal((Opaque(kind, data, Origin(protocol)),), protocol)


_SHORT = {"openai-chat": "chat", "openai-responses": "resp", "anthropic-messages": "msg", "gemini": "gem"}
CHAT, RESPONSES, MESSAGES, GEMINI = (CODECS[name] for name in _SHORT)
RESP_TO_CHAT, RESP_TO_MSG, RESP_TO_GEM = Pair(RESPONSES, CHAT), Pair(RESPONSES, MESSAGES), Pair(RESPONSES, GEMINI)
GEM_TO_CHAT, GEM_TO_MSG, GEM_TO_GEM = Pair(GEMINI, CHAT), Pair(GEMINI, MESSAGES), Pair(GEMINI, GEMINI)
CHAT_TO_RESP, MSG_TO_RESP = Pair(CHAT, RESPONSES), Pair(MESSAGES, RESPONSES)
CHAT_TO_GEM, MSG_TO_GEM = Pair(CHAT, GEMINI), Pair(MESSAGES, GEMINI)
EVERY_PAIR = [Pair(client, upstream) for client in CODECS.values() for upstream in CODECS.values()]
CHAT_TO_MSG, MSG_TO_CHAT = Pair(CHAT, MESSAGES), Pair(MESSAGES, CHAT)
CHAT_TO_CHAT, MSG_TO_MSG = Pair(CHAT, CHAT), Pair(MESSAGES, MESSAGES)
USER = {"role": "user", "content": "hi"}


def told(losses: list[Loss]) -> Losses:
    return [(loss.path, loss.kind) for loss in losses]


def read(stream: bytes) -> list[Json]:
    """The frames of a stream; fails when an event's name and its type differ."""
    frames: list[Json] = []
    for frame in stream.decode().split("\n\n"):
        *event, data = frame.split("\n") if frame else [""]
        if not data.startswith("data: "):
            continue
        payload = data.removeprefix("data: ")
        frames.append(payload if payload == "[DONE]" else json.loads(payload))
        assert not event or event == [f"event: {frames[-1]['type']}"]
    return frames


# --- What a chat upstream says -------------------------------------------------------------------


def chunk(delta: Json = None, finish: str | None = None, **fields: Json) -> bytes:
    """One chunk; without a delta and a finish reason it has no choices."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": NOW, "model": "m-1"}
    body["choices"] = choices if delta is not None or finish is not None else []
    return b"data: " + json.dumps({**body, **fields}).encode() + b"\n\n"


def chat_stream(*deltas: Json, finish: str = "stop", usage: Json = None) -> bytes:
    """A whole stream of these deltas, with finish reason, usage and end mark."""
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5} if usage is None else usage
    chunks = [chunk(delta) for delta in ({"role": "assistant", "content": ""}, *deltas)]
    return b"".join([*chunks, chunk({}, finish), chunk(usage=counts), b"data: [DONE]\n\n"])


def call_start(index: int, call_id: str, name: str, arguments: str = "") -> Json:
    """The delta that begins a tool call."""
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}


def call_more(index: int, arguments: str) -> Json:
    """The delta that goes on with one."""
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def chat_answer(message: Json, finish: str | None = "stop", **fields: Json) -> Json:
    """A whole chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": NOW,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **fields,
    }


def chat_call(call_id: str, name: str, arguments: str = "{}") -> Json:
    """A call in a whole message."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def function_tool(name: str, parameters: Json = None, **fields: Json) -> Json:
    """A declaration of a chat client."""
    function = {"name": name, **({} if parameters is None else {"parameters": parameters}), **fields}
    return {"type": "function", "function": function}


# --- What an Anthropic upstream says -------------------------------------------------------------


def event(kind: str, **fields: Json) -> Json:
    return {"type": kind, **fields}


def message_stream(*events: Json) -> bytes:
    """These events on the wire."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def start(usage: Json = None, **fields: Json) -> Json:
    """message_start."""
    message: dict[str, Json] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": usage or {"input_tokens": 3, "output_tokens": 1}}
    return event("message_start", message={**message, **fields})


def block(index: int, content: Json, *deltas: Json) -> list[Json]:
    """A content block: its start, its deltas, its stop."""
    more = [event("content_block_delta", index=index, delta=delta) for delta in deltas]
    opening = event("content_block_start", index=index, content_block=content)
    return [opening, *more, event("content_block_stop", index=index)]


def text_block(index: int, *texts: str) -> list[Json]:
    return block(index, event("text", text=""), *(event("text_delta", text=text) for text in texts))


def call_block(index: int, call_id: str, name: str, *pieces: str) -> list[Json]:
    content = event("tool_use", id=call_id, name=name, input={})
    return block(index, content, *(event("input_json_delta", partial_json=piece) for piece in pieces))


def thinking_block(index: int, signature: str, *texts: str) -> list[Json]:
    deltas = [event("thinking_delta", thinking=text) for text in texts]
    content = event("thinking", thinking="", signature="")
    return block(index, content, *deltas, event("signature_delta", signature=signature))


def end(reason: str | None = "end_turn", usage: Json = None, sequence: str | None = None) -> list[Json]:
    """message_delta and message_stop."""
    delta = {"stop_reason": reason, "stop_sequence": sequence}
    return [event("message_delta", delta=delta, usage=usage or {"output_tokens": 2}), event("message_stop")]


def message_answer(*content: Json, stop: str | None = "end_turn", **fields: Json) -> Json:
    """A whole message."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
        **fields,
    }


# --- What a client of ours must get -------------------------------------------------------------


def shown(events: list[Json]) -> list[Json]:
    """The events of a complete message, without its head and tail, which must be in order."""
    kinds = [e["type"] for e in events]
    assert (kinds[0], *kinds[-2:]) == ("message_start", "message_delta", "message_stop")
    assert not {"message_start", "message_delta", "message_stop", "error"}.intersection(kinds[1:-2])
    return events[1:-2]


def reason(events: list[Json]) -> Json:
    """The delta of message_delta."""
    return next(e["delta"] for e in events if e["type"] == "message_delta")


def deltas(frames: list[Json], index: int = 0) -> list[tuple[Json, str | None]]:
    """Delta and finish reason of each chunk of a complete chat stream; all else in the chunks must be as it should."""
    assert frames[-1] == "[DONE]"
    found = []
    for frame in frames[:-1]:
        assert frame["object"] == "chat.completion.chunk"
        assert frame["id"].startswith("chatcmpl-")
        for choice in frame["choices"]:
            if choice["index"] == index:
                assert set(choice) == {"index", "delta", "logprobs", "finish_reason"}
                found.append((choice["delta"], choice["finish_reason"]))
    return found
