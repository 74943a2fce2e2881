"""A scripted turn as OpenAI writes it: chat.completion and chat.completion.chunk."""

import json
from collections.abc import Iterator
from itertools import zip_longest

from twoapi.testing.replies import Json, Reply, json_reply, sse_reply
from twoapi.testing.scripted_turn import Call, Cited, Turn, pieces

_FINISH = {
    "stop": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "refusal": "stop",
    "content_filter": "content_filter",
    "context_window": "length",
    "pause": "stop",
}
_HEADERS = {"x-request-id": "req_scripted", "openai-processing-ms": "5"}


def chat_reply(turn: Turn, body: Json, reasoning_field: str | None = "reasoning_content") -> Reply:
    """The answer to a chat request, streamed if it asks for that."""
    choices = body.get("n") or 1
    if not body.get("stream"):
        return json_reply(_whole(turn, body["model"], choices, reasoning_field), 200, _HEADERS)
    include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    frames = [_frame(chunk) for chunk in _chunks(turn, body["model"], choices, reasoning_field, include_usage)]
    return sse_reply([*frames, b"data: [DONE]\n\n"], _HEADERS)


def chat_usage(turn: Turn) -> dict[str, Json]:
    """The usage object: the prompt includes what was cached and written, the completion its reasoning."""
    tokens = turn.tokens
    prompt = tokens.input + tokens.cached + tokens.written
    completion = tokens.output + tokens.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.written,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _head(turn: Turn, model: str, kind: str) -> dict[str, Json]:
    return {
        "id": f"chatcmpl-S{turn.number:04d}",
        "object": kind,
        "created": 1790000000 + turn.number,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }


def _whole(turn: Turn, model: str, choices: int, reasoning_field: str | None) -> dict[str, Json]:
    message: dict[str, Json] = {
        "role": "assistant",
        "content": turn.text or None,
        "refusal": turn.refusal or None,
        "annotations": [_annotation(one) for one in turn.cited],
    }
    if turn.reasoning and reasoning_field:
        message[reasoning_field] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
    finish = _FINISH[turn.stop]
    return {
        **_head(turn, model, "chat.completion"),
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish} for index in range(choices)
        ],
        "usage": chat_usage(turn),
    }


def _annotation(one: Cited) -> dict[str, Json]:
    place = {"start_index": one.start, "end_index": one.end, "title": one.title, "url": one.url}
    return {"type": "url_citation", "url_citation": place}


def _call(call: Call) -> dict[str, Json]:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.body}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.body}}


def _chunks(
    turn: Turn,
    model: str,
    choices: int,
    reasoning_field: str | None,
    include_usage: bool,  # noqa: FBT001  as asked
) -> Iterator[dict[str, Json]]:
    head = _head(turn, model, "chat.completion.chunk")
    extra = {"usage": None} if include_usage else {}
    deltas = list(_deltas(turn, reasoning_field))
    for number, delta in enumerate(deltas):
        finish = _FINISH[turn.stop] if number == len(deltas) - 1 else None
        for index in range(choices):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            yield {**head, "choices": [choice], **extra}
    if include_usage:
        yield {**head, "choices": [], "usage": chat_usage(turn)}


def _deltas(turn: Turn, reasoning_field: str | None) -> Iterator[dict[str, Json]]:
    """What one choice says, chunk by chunk; the last delta is the empty one of the finish."""
    yield {"role": "assistant", "content": "", "refusal": None}
    if reasoning_field:
        yield from ({reasoning_field: piece} for piece in pieces(turn.reasoning, turn.piece))
    texts: list[dict[str, Json]] = [{"content": piece} for piece in pieces(turn.text, turn.piece)]
    if texts and turn.cited:
        texts[-1]["annotations"] = [_annotation(one) for one in turn.cited]
    yield from texts
    yield from ({"refusal": piece} for piece in pieces(turn.refusal, turn.piece))
    calls = [list(_call_deltas(index, call, turn.piece)) for index, call in enumerate(turn.calls)]
    if turn.interleaved:
        for row in zip_longest(*calls):
            yield from (delta for delta in row if delta is not None)
    else:
        for deltas in calls:
            yield from deltas
    yield {}


def _call_deltas(index: int, call: Call, size: int) -> Iterator[dict[str, Json]]:
    body = "input" if call.kind == "custom" else "arguments"
    first = {"index": index, "id": call.id, "type": call.kind, call.kind: {"name": call.name, body: ""}}
    yield {"tool_calls": [first]}
    for piece in pieces(call.body, size):
        yield {"tool_calls": [{"index": index, call.kind: {body: piece}}]}


def _frame(value: Json) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
