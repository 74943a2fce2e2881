"""An answer as an upstream of Responses writes it."""

from collections.abc import Iterator

from twoapi.conformance.reply import Called, Fault, Json, Reply, Spoken, event, pieces

_ERRORS = {
    400: ("invalid_request_error", "context_length_exceeded"),
    401: ("authentication_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
}
_CUT_SHORT = {"max_tokens": "max_output_tokens", "content_filter": "content_filter"}


def say(reply: Reply, model: str) -> Spoken:
    """The response and its events."""
    items = list(_items(reply))
    started = {**_response(reply, model), "status": "in_progress", "output": [], "usage": None}
    started["incomplete_details"] = None
    body = {**_response(reply, model), "output": items, "usage": _usage(reply)}
    events = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        *(one for index, item in enumerate(items) for one in _item_events(index, item)),
    ]
    final = {"type": f"response.{body['status']}", "response": body}
    lines = [event({**one, "sequence_number": number}, one["type"]) for number, one in enumerate([*events, final])]
    return Spoken(body=body, head=lines[:-1], tail=lines[-1:])


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    kind, code = _ERRORS.get(fault.status, ("server_error", "server_error"))
    return {"error": {"message": fault.message, "type": kind, "param": None, "code": code}}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    response = {
        "id": "resp_conf",
        "object": "response",
        "created_at": 1790000000,
        "status": "failed",
        "error": {"code": "server_error", "message": fault.message},
        "incomplete_details": None,
        "model": "conf",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }
    return event({"type": "response.failed", "sequence_number": 90, "response": response}, "response.failed")


def _response(reply: Reply, model: str) -> Json:
    reason = _CUT_SHORT.get(reply.stop)
    return {
        "id": "resp_conf",
        "object": "response",
        "created_at": 1790000000,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "metadata": {},
    }


def _usage(reply: Reply) -> Json:
    used = reply.used
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.written},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
    }


def _items(reply: Reply) -> Iterator[Json]:
    if reply.reasoning or reply.opaque:
        summary = [{"type": "summary_text", "text": reply.reasoning}] if reply.reasoning else []
        yield {"id": f"rs_{len(reply.opaque)}", "type": "reasoning", "summary": summary} | (
            {"encrypted_content": reply.opaque} if reply.opaque else {}
        )
    if reply.text or reply.refusal:
        part: Json = {"type": "refusal", "refusal": reply.refusal} if reply.refusal else _text(reply)
        yield {"id": "msg_conf", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    for call in reply.calls:
        yield _call(call)


def _text(reply: Reply) -> Json:
    annotations = []
    if cited := reply.cited:
        start = reply.text.index(cited.passage)
        place = {"start_index": start, "end_index": start + len(cited.passage)}
        annotations.append({"type": "url_citation", **place, "url": cited.url, "title": cited.title})
    return {"type": "output_text", "text": reply.text, "annotations": annotations}


def _call(call: Called) -> Json:
    return {
        "id": "fc_" + call.id,
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _item_events(index: int, item: Json) -> Iterator[Json]:
    at = {"output_index": index, "item_id": item["id"]}
    empty: Json = {"message": {"content": [], "status": "in_progress"}, "reasoning": {"summary": []}}.get(
        item["type"], {"arguments": "", "status": "in_progress"}
    )
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}
    if item["type"] == "message":
        yield from _part_events({**at, "content_index": 0}, item["content"][0])
    elif item["type"] == "reasoning":
        for number, part in enumerate(item["summary"]):
            yield from _summary_events({**at, "summary_index": number}, part)
    else:
        for piece in pieces(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        whole = {"arguments": item["arguments"], "name": item["name"]}
        yield {"type": "response.function_call_arguments.done", **at, **whole}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _summary_events(at: Json, part: Json) -> Iterator[Json]:
    yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
    for piece in pieces(part["text"]):
        yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", **at, "part": part}


def _part_events(at: Json, part: Json) -> Iterator[Json]:
    if part["type"] == "refusal":
        yield {"type": "response.content_part.added", **at, "part": {"type": "refusal", "refusal": ""}}
        for piece in pieces(part["refusal"]):
            yield {"type": "response.refusal.delta", **at, "delta": piece}
        yield {"type": "response.refusal.done", **at, "refusal": part["refusal"]}
    else:
        yield {"type": "response.content_part.added", **at, "part": {**part, "text": "", "annotations": []}}
        for piece in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
        for number, one in enumerate(part["annotations"]):
            added = {"annotation_index": number, "annotation": one}
            yield {"type": "response.output_text.annotation.added", **at, **added}
        yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}
