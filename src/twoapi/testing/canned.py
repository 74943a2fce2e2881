"""The smallest valid exchanges of each protocol, as its vendor would send them."""

import json
from typing import Any

from twoapi.testing.replies import Reply, json_reply, sse_reply

Json = Any  # a parsed JSON document

PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
}


def gemini_path(model: str, *, stream: bool = False) -> str:
    """The path of a Gemini request, which names its model and whether it streams."""
    return f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"


def request_body(protocol: str, model: str, *, stream: bool = False, text: str = "hi") -> dict[str, Json]:
    """The body of a request with one user message."""
    if protocol == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    if protocol == "openai-responses":
        asked: dict[str, Json] = {"model": model, "input": text}
        return {**asked, "stream": True} if stream else asked
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


def responses_answer(text: str = "hello") -> dict[str, Json]:
    """A response."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "m-1",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 5,
        },
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


def responses_frames(*texts: str) -> list[bytes]:
    """The frames of a response's stream, one text delta for each text."""
    answer = responses_answer("".join(texts))
    begun = {**answer, "status": "in_progress", "output": [], "usage": None}
    item = answer["output"][0]
    part = item["content"][0]
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {**item, "status": "in_progress", "content": []}
    events: list[tuple[str, dict[str, Json]]] = [
        ("created", {"response": begun}),
        ("in_progress", {"response": begun}),
        ("output_item.added", {"output_index": 0, "item": empty}),
        ("content_part.added", {**place, "part": {**part, "text": ""}}),
        *(("output_text.delta", {**place, "delta": text, "logprobs": []}) for text in texts),
        ("output_text.done", {**place, "text": part["text"], "logprobs": []}),
        ("content_part.done", {**place, "part": part}),
        ("output_item.done", {"output_index": 0, "item": item}),
        ("completed", {"response": answer}),
    ]
    frames = []
    for number, (name, fields) in enumerate(events):
        data = json.dumps({"type": f"response.{name}", "sequence_number": number, **fields})
        frames.append(f"event: response.{name}\ndata: {data}\n\n".encode())
    return frames


def gemini_frames(*texts: str) -> list[bytes]:
    """The frames of a Gemini stream, one for each text, and a last one without words."""

    def frame(text: str, **fields: Json) -> bytes:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **fields}
        told = {} if fields else {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
        return b"data: " + json.dumps({**gemini_answer(), **told, "candidates": [candidate]}).encode() + b"\r\n\r\n"

    return [*(frame(text) for text in texts), frame("", finishReason="STOP")]


_ANSWERS = {
    "openai-chat": chat_answer,
    "openai-responses": responses_answer,
    "anthropic-messages": messages_answer,
    "gemini": gemini_answer,
}
_FRAMES = {
    "openai-chat": chat_frames,
    "openai-responses": responses_frames,
    "anthropic-messages": messages_frames,
    "gemini": gemini_frames,
}


def whole(protocol: str, text: str = "hello") -> Reply:
    """A whole answer of the protocol."""
    return json_reply(_ANSWERS[protocol](text))


def stream(protocol: str, *texts: str) -> Reply:
    """A streamed answer of the protocol."""
    return sse_reply(_FRAMES[protocol](*texts))
