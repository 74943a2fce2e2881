"""A scripted turn as OpenAI's Responses writes it: a response, or its events."""

import json
from collections.abc import Iterator

from twoapi.testing.replies import Json, Reply, json_reply, sse_reply
from twoapi.testing.scripted_turn import Call, Cited, Turn, pieces

_HEADERS = {"x-request-id": "req_scripted", "openai-processing-ms": "5"}
_CUT_SHORT = {"max_tokens": "max_output_tokens", "content_filter": "content_filter"}


def responses_reply(turn: Turn, body: Json) -> Reply:
    """The answer to a Responses request, streamed if it asks for that."""
    items = list(_items(turn, body))
    if not body.get("stream"):
        return json_reply(_response(turn, body, items), 200, _HEADERS)
    frames = [_frame(number, event) for number, event in enumerate(_events(turn, body, items))]
    return sse_reply(frames, _HEADERS)


def responses_usage(turn: Turn) -> dict[str, Json]:
    """The usage object: the input includes what was cached and written, the output its reasoning."""
    tokens = turn.tokens
    given = tokens.input + tokens.cached + tokens.written
    said = tokens.output + tokens.reasoning
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": given + said,
    }


def _response(turn: Turn, body: Json, items: list[Json]) -> dict[str, Json]:
    reason = _CUT_SHORT.get(turn.stop)
    asked = {name: body.get(name) for name in ("instructions", "max_output_tokens", "previous_response_id")}
    return {
        "id": f"resp_S{turn.number:04d}",
        "object": "response",
        "created_at": 1790000000 + turn.number,
        "status": "incomplete" if reason else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        **asked,
        "model": body["model"],
        "output": items,
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": responses_usage(turn),
        "metadata": body.get("metadata") or {},
    }


def _items(turn: Turn, body: Json) -> Iterator[Json]:
    stamp = f"S{turn.number:04d}"
    if turn.reasoning or turn.signature:
        summary = [{"type": "summary_text", "text": turn.reasoning}] if turn.reasoning else []
        item: Json = {"id": f"rs_{stamp}", "type": "reasoning", "summary": summary}
        if "reasoning.encrypted_content" in (body.get("include") or []):
            item["encrypted_content"] = turn.signature
        yield item
    if turn.text or turn.refusal:
        parts = [_text(turn)] if turn.text else []
        parts += [{"type": "refusal", "refusal": turn.refusal}] if turn.refusal else []
        yield {"id": f"msg_{stamp}", "type": "message", "status": "completed", "role": "assistant", "content": parts}
    for number, call in enumerate(turn.calls):
        yield _call(f"{stamp}_{number}", call)


def _text(turn: Turn) -> Json:
    annotations = [_annotation(one) for one in turn.cited]
    return {"type": "output_text", "text": turn.text, "annotations": annotations, "logprobs": []}


def _annotation(one: Cited) -> Json:
    place = {"start_index": one.start, "end_index": one.end}
    return {"type": "url_citation", **place, "url": one.url, "title": one.title}


def _call(stamp: str, call: Call) -> Json:
    if call.kind == "custom":
        own = {"id": f"ctc_{stamp}", "type": "custom_tool_call", "input": call.body}
    else:
        own = {"id": f"fc_{stamp}", "type": "function_call", "arguments": call.body}
    return {**own, "status": "completed", "call_id": call.id, "name": call.name}


def _events(turn: Turn, body: Json, items: list[Json]) -> Iterator[Json]:
    final = _response(turn, body, items)
    began = {**final, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield {"type": "response.created", "response": began}
    yield {"type": "response.in_progress", "response": began}
    for index, item in enumerate(items):
        yield from _item_events(index, item, turn.piece)
    yield {"type": f"response.{final['status']}", "response": final}


def _item_events(index: int, item: Json, size: int) -> Iterator[Json]:
    at = {"item_id": item["id"], "output_index": index}
    member = {"reasoning": "summary", "message": "content", "function_call": "arguments"}.get(item["type"], "input")
    empty: Json = "" if isinstance(item[member], str) else []
    begun = {**item, member: empty} | ({"status": "in_progress"} if "status" in item else {})
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    if isinstance(item[member], str):
        kind = "function_call_arguments" if member == "arguments" else "custom_tool_call_input"
        for piece in pieces(item[member], size):
            yield {"type": f"response.{kind}.delta", **at, "delta": piece}
        yield {"type": f"response.{kind}.done", **at, member: item[member]}
    else:
        for number, part in enumerate(item[member]):
            yield from _part_events(at, number, part, size)
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _part_events(at: Json, number: int, part: Json, size: int) -> Iterator[Json]:
    summary = part["type"] == "summary_text"
    around = "reasoning_summary_part" if summary else "content_part"
    member = "refusal" if part["type"] == "refusal" else "text"
    within = {"summary_text": "reasoning_summary_text", "refusal": "refusal"}.get(part["type"], "output_text")
    at = {**at, ("summary_index" if summary else "content_index"): number}
    told: dict[str, Json] = {"logprobs": []} if within == "output_text" else {}
    begun = {**part, member: ""} | ({"annotations": []} if "annotations" in part else {})
    yield {"type": f"response.{around}.added", **at, "part": begun}
    for piece in pieces(part[member], size):
        yield {"type": f"response.{within}.delta", **at, "delta": piece, **told}
    for index, one in enumerate(part.get("annotations", [])):
        added = {"annotation_index": index, "annotation": one}
        yield {"type": "response.output_text.annotation.added", **at, **added}
    yield {"type": f"response.{within}.done", **at, member: part[member], **told}
    yield {"type": f"response.{around}.done", **at, "part": part}


def _frame(number: int, event: Json) -> bytes:
    data = json.dumps({**event, "sequence_number": number}, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + data + b"\n\n"
