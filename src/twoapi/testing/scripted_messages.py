"""A scripted turn as Anthropic writes it: a message, or its events."""

import json
from collections.abc import Iterator

from twoapi.testing.replies import Json, Reply, json_reply, sse_reply
from twoapi.testing.scripted_turn import Call, Cited, Turn, cited_runs, pieces

_STOP = {
    "stop": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "refusal",
    "content_filter": "refusal",
    "context_window": "model_context_window_exceeded",
    "pause": "pause_turn",
}
_HEADERS = {"request-id": "req_scripted"}

# A block as it is started in a stream, its deltas, and the whole block.
Block = tuple[dict[str, Json], list[dict[str, Json]], dict[str, Json]]


def messages_reply(turn: Turn, body: Json) -> Reply:
    """The answer to a messages request, streamed if it asks for that."""
    blocks = list(_blocks(turn))
    if body.get("stream"):
        return sse_reply([_frame(event) for event in _events(turn, body["model"], blocks)], _HEADERS)
    message = _message(turn, body["model"])
    message["content"] = [whole for _, _, whole in blocks]
    message |= _ending(turn)
    message["usage"] = messages_usage(turn)
    return json_reply(message, 200, _HEADERS)


def messages_usage(turn: Turn) -> dict[str, Json]:
    """The usage object: the input excludes what was read from and written to the cache."""
    tokens = turn.tokens
    return {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": tokens.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens.output + tokens.reasoning,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
        "service_tier": "standard",
    }


def _message(turn: Turn, model: str) -> dict[str, Json]:
    return {
        "id": f"msg_S{turn.number:04d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _ending(turn: Turn) -> dict[str, Json]:
    ending: dict[str, Json] = {"stop_reason": _STOP[turn.stop], "stop_sequence": turn.stop_sequence}
    if ending["stop_reason"] == "refusal":
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return ending


def _events(turn: Turn, model: str, blocks: list[Block]) -> Iterator[dict[str, Json]]:
    usage = messages_usage(turn)
    yield {"type": "message_start", "message": {**_message(turn, model), "usage": {**usage, "output_tokens": 1}}}
    yield {"type": "ping"}
    for index, (start, deltas, _) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    told = {name: value for name, value in usage.items() if name not in {"cache_creation", "service_tier"}}
    yield {"type": "message_delta", "delta": _ending(turn), "usage": told}
    yield {"type": "message_stop"}


def _blocks(turn: Turn) -> Iterator[Block]:
    if turn.reasoning or turn.signature:
        deltas: list[dict[str, Json]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces(turn.reasoning, turn.piece)
        ]
        deltas.append({"type": "signature_delta", "signature": turn.signature})
        whole = {"type": "thinking", "thinking": turn.reasoning, "signature": turn.signature}
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas, whole
    if turn.redacted:
        block = {"type": "redacted_thinking", "data": turn.redacted}
        yield block, [], block
    for text, cited in cited_runs(turn):
        yield _text(text, cited, turn.piece)
    if turn.refusal:
        yield _text(turn.refusal, None, turn.piece)
    for call in turn.calls:
        yield _tool_use(call, turn.piece)


def _text(text: str, cited: Cited | None, size: int) -> Block:
    deltas: list[dict[str, Json]] = [{"type": "text_delta", "text": piece} for piece in pieces(text, size)]
    start: dict[str, Json] = {"type": "text", "text": ""}
    whole: dict[str, Json] = {"type": "text", "text": text}
    if cited is not None:
        citation = {
            "type": "web_search_result_location",
            "cited_text": cited.quoted,
            "url": cited.url,
            "title": cited.title,
            "encrypted_index": "Eidx",
        }
        start["citations"] = []
        whole["citations"] = [citation]
        deltas.append({"type": "citations_delta", "citation": citation})
    return start, deltas, whole


def _tool_use(call: Call, size: int) -> Block:
    start = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    deltas: list[dict[str, Json]] = [{"type": "input_json_delta", "partial_json": ""}]
    deltas += [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(call.body, size)]
    try:
        arguments = json.loads(call.body or "{}")
    except ValueError:
        arguments = {}  # a call that was cut off
    return start, deltas, {**start, "input": arguments}


def _frame(event: Json) -> bytes:
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + data + b"\n\n"
