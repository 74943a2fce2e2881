"""What the mock upstream answers: the same words in every protocol, whole and as events."""

from typing import Any

import msgspec

encode = msgspec.json.Encoder().encode

SENTENCE = "A small boat left the harbour before dawn and came back at noon with bread, two letters and no fish. "
TEXT = SENTENCE * 2
INPUT_TOKENS = 1117
OUTPUT_TOKENS = 46
CHAT_MODEL = "gpt-4o-mini"
MESSAGES_MODEL = "claude-sonnet-4-5"
GEMINI_MODEL = "gemini-2.5-flash"

_WORDS = (SENTENCE * 4).split(" ")
_CHAT_ID = "chatcmpl-BenchUpstream0123456789ab"
_ITEM_ID = "msg_BenchUpstream0123456789ab"
_MESSAGE_ID = "msg_01BenchUpstream0123456789"
_CREATED = 1_741_570_283


def word(index: int) -> str:
    """The text of one streamed event."""
    return " " + _WORDS[index % len(_WORDS)]


def streamed_text(words: int) -> str:
    """The text of a whole stream."""
    return "".join(map(word, range(words)))


def chat_answer() -> bytes:
    """A chat completion of 0.8 KB."""
    message: dict[str, Any] = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    return encode(
        {
            "id": _CHAT_ID,
            "object": "chat.completion",
            "created": _CREATED,
            "model": CHAT_MODEL,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": _chat_usage(OUTPUT_TOKENS),
            "service_tier": "default",
            "system_fingerprint": "fp_bench",
        }
    )


def chat_events(words: int) -> list[bytes]:
    """A streamed chat completion: role, one event per word, finish, usage, end mark."""
    return [
        _chat_event({"role": "assistant", "content": "", "refusal": None}),
        *(_chat_event({"content": word(index)}) for index in range(words)),
        _chat_event({}, finish="stop"),
        _chat_event(None, usage=_chat_usage(words)),
        b"data: [DONE]\n\n",
    ]


def messages_answer() -> bytes:
    """A message of 0.5 KB."""
    return encode(
        {
            "id": _MESSAGE_ID,
            "type": "message",
            "role": "assistant",
            "model": MESSAGES_MODEL,
            "content": [{"type": "text", "text": TEXT}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": _messages_usage(OUTPUT_TOKENS),
        }
    )


def messages_events(words: int) -> list[bytes]:
    """A streamed message: start, block, one event per word, end of block, usage, end."""
    message: dict[str, Any] = {
        "id": _MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "model": MESSAGES_MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _messages_usage(1),
    }
    ending = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": words}}
    return [
        _messages_event("message_start", {"message": message}),
        _messages_event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        *(
            _messages_event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word(index)}})
            for index in range(words)
        ),
        _messages_event("content_block_stop", {"index": 0}),
        _messages_event("message_delta", ending),
        _messages_event("message_stop", {}),
    ]


def responses_answer() -> bytes:
    """A response of 1.2 KB."""
    return encode(_response("completed", [_responses_message(TEXT)], OUTPUT_TOKENS))


def responses_events(words: int) -> list[bytes]:
    """A streamed response: created, item, part, one event per word, the ends of each, completed."""
    text = streamed_text(words)
    place = {"item_id": _ITEM_ID, "output_index": 0, "content_index": 0}
    part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    opened: dict[str, Any] = {**_responses_message(""), "status": "in_progress", "content": []}
    events: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": _response("in_progress", [], None)}),
        ("in_progress", {"response": _response("in_progress", [], None)}),
        ("output_item.added", {"output_index": 0, "item": opened}),
        ("content_part.added", {**place, "part": part}),
        *(("output_text.delta", {**place, "delta": word(index), "logprobs": []}) for index in range(words)),
        ("output_text.done", {**place, "text": text, "logprobs": []}),
        ("content_part.done", {**place, "part": {**part, "text": text}}),
        ("output_item.done", {"output_index": 0, "item": _responses_message(text)}),
        ("completed", {"response": _response("completed", [_responses_message(text)], words)}),
    ]
    return [
        b"event: response.%b\ndata: %b\n\n"
        % (name.encode(), encode({"type": f"response.{name}", "sequence_number": number, **fields}))
        for number, (name, fields) in enumerate(events)
    ]


def gemini_answer() -> bytes:
    """An answer of generateContent, 0.5 KB."""
    return encode(_gemini(TEXT, OUTPUT_TOKENS, finishReason="STOP"))


def gemini_events(words: int) -> list[bytes]:
    """A streamed answer: one frame per word, and one with the reason to stop."""
    frames = [_gemini(word(index), index + 1) for index in range(words)]
    return [b"data: %b\r\n\r\n" % encode(frame) for frame in (*frames, _gemini("", words, finishReason="STOP"))]


def _response(status: str, output: list[dict[str, Any]], tokens: int | None) -> dict[str, Any]:
    usage = None
    if tokens is not None:
        usage = {
            "input_tokens": INPUT_TOKENS,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": INPUT_TOKENS + tokens,
        }
    return {
        "id": "resp_BenchUpstream0123456789ab",
        "object": "response",
        "created_at": _CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": 512,
        "model": CHAT_MODEL,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 0.7,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "metadata": {},
    }


def _responses_message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": _ITEM_ID, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def _gemini(text: str, tokens: int, **more: str) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **more, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": tokens,
            "totalTokenCount": INPUT_TOKENS + tokens,
        },
        "modelVersion": GEMINI_MODEL,
        "responseId": "BenchUpstream0123456789",
    }


def _chat_usage(output: int) -> dict[str, Any]:
    return {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": output,
        "total_tokens": INPUT_TOKENS + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _messages_usage(output: int) -> dict[str, Any]:
    return {
        "input_tokens": INPUT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
        "service_tier": "standard",
    }


def _chat_event(
    delta: dict[str, Any] | None, *, finish: str | None = None, usage: dict[str, Any] | None = None
) -> bytes:
    event: dict[str, Any] = {
        "id": _CHAT_ID,
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": CHAT_MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_bench",
        "choices": [],
    }
    if delta is not None:
        event["choices"] = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    if usage is not None:
        event["usage"] = usage
    return b"data: " + encode(event) + b"\n\n"


def _messages_event(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + encode({"type": name, **fields}) + b"\n\n"
