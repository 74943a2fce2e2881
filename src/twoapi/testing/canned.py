"""The smallest valid exchanges of each protocol, as its vendor would send them."""

import json
from typing import Any

from twoapi.testing.replies import Reply, json_reply, sse_reply

Json = Any  # a parsed JSON document

PATHS = {"openai-chat": "/v1/chat/completions", "anthropic-messages": "/v1/messages"}


def gemini_path(model: str, *, stream: bool = False) -> str:
    """The path of a Gemini request, which names its model and whether it streams."""
    return f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"


def request_body(protocol: str, model: str, *, stream: bool = False, text: str = "hi") -> dict[str, Json]:
    """The body of a request with one user message."""
    if protocol == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    body: dict[str, Json] = {"model": model, "messages": [{"role": "user", "content": text}]}
    if protocol == "anthropic-messages":
        body["max_tokens"] = 100
    if stream:
        body["stream"] = True
    return body


def chat_answer(text: str = "hello") -> dict[str, Json]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def messages_answer(text: str = "hello") -> dict[str, Json]:
    """A message."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


def gemini_answer(text: str = "hello") -> dict[str, Json]:
    """An answer of generateContent."""
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0}
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        "modelVersion": "m-1",
        "responseId": "r-1",
    }


def _chunk(**fields: Json) -> bytes:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "m-1", **fields}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def chat_frames(*texts: str) -> list[bytes]:
    """The frames of a chat stream, one text chunk for each text."""

    def choice(delta: dict[str, Json], finish: str | None = None) -> list[dict[str, Json]]:
        return [{"index": 0, "delta": delta, "finish_reason": finish}]

    return [
        _chunk(choices=choice({"role": "assistant", "content": ""})),
        *(_chunk(choices=choice({"content": text})) for text in texts),
        _chunk(choices=choice({}, "stop")),
        _chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}),
        b"data: [DONE]\n\n",
    ]


def messages_frames(*texts: str) -> list[bytes]:
    """The frames of a message stream, one text delta for each text."""

    def event(kind: str, **fields: Json) -> bytes:
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())

    start = {**messages_answer(), "content": [], "stop_reason": None}
    return [
        event("message_start", message=start),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in texts),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
        event("message_stop"),
    ]


def gemini_frames(*texts: str) -> list[bytes]:
    """The frames of a Gemini stream, one for each text, and a last one without words."""

    def frame(text: str, **fields: Json) -> bytes:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **fields}
        told = {} if fields else {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
        return b"data: " + json.dumps({**gemini_answer(), **told, "candidates": [candidate]}).encode() + b"\r\n\r\n"

    return [*(frame(text) for text in texts), frame("", finishReason="STOP")]


_ANSWERS = {"openai-chat": chat_answer, "anthropic-messages": messages_answer, "gemini": gemini_answer}
_FRAMES = {"openai-chat": chat_frames, "anthropic-messages": messages_frames, "gemini": gemini_frames}


def whole(protocol: str, text: str = "hello") -> Reply:
    """A whole answer of the protocol."""
    return json_reply(_ANSWERS[protocol](text))


def stream(protocol: str, *texts: str) -> Reply:
    """A streamed answer of the protocol."""
    return sse_reply(_FRAMES[protocol](*texts))
