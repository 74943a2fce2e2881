"""Bodies and streams of OpenAI Responses and of Gemini, as their vendors send them."""

import json
from typing import Any

Json = Any  # a parsed JSON document
NOW = 1700000000


# --- OpenAI Responses ---


def response(*output: Json, status: str = "completed", **fields: Json) -> dict[str, Json]:
    """A whole response with these items."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": NOW,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": "m-1",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": response_usage(3, 2),
        **fields,
    }


def response_usage(given: int, answer: int, cached: int = 0, reasoning: int = 0, written: int = 0) -> dict[str, Json]:
    """The usage of a response; what was read from the cache, and reasoned, is within."""
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": answer,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": given + answer,
    }


def output_text(words: str, **fields: Json) -> dict[str, Json]:
    """A text part of an answer."""
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": [], **fields}


def response_message(*parts: Json, item_id: str = "msg_1", **fields: Json) -> dict[str, Json]:
    """A message item; words stand for a text part."""
    content = [output_text(part) if isinstance(part, str) else part for part in parts]
    message = {"id": item_id, "type": "message", "status": "completed", "role": "assistant", "content": content}
    return {**message, **fields}


def function_call(call_id: str, name: str = "f", arguments: str = "{}", **fields: Json) -> dict[str, Json]:
    """An item that calls a function."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **fields}


def function_output(call_id: str, output: Json = "ok") -> dict[str, Json]:
    """An item with the result of a call."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def frames(*events: Json) -> list[bytes]:
    """Events of a response's stream on the wire, numbered from 0; `type` without its "response."."""
    made = []
    for number, event in enumerate(events):
        kind = f"response.{event['type']}"
        data = json.dumps({**event, "type": kind, "sequence_number": number}, ensure_ascii=False)
        made.append(f"event: {kind}\ndata: {data}\n\n".encode())
    return made


def event(kind: str, **fields: Json) -> dict[str, Json]:
    """An event for `frames`."""
    return {"type": kind, **fields}


def response_call(call_id: str, name: str, *pieces: str) -> list[Json]:
    """The events of a call, the first of the answer, whose arguments come in these pieces; its item is in the last."""
    item = {"id": "fc_1", "status": "completed", **function_call(call_id, name, "".join(pieces))}
    place = {"item_id": "fc_1", "output_index": 0}
    return [
        event("output_item.added", output_index=0, item={**item, "status": "in_progress", "arguments": ""}),
        *(event("function_call_arguments.delta", **place, delta=piece) for piece in pieces),
        event("function_call_arguments.done", **place, name=name, arguments="".join(pieces)),
        event("output_item.done", output_index=0, item=item),
    ]


def response_text(*texts: str, index: int = 0, item_id: str = "msg_1") -> list[Json]:
    """The events of a message of one text, which comes in these pieces."""
    part = output_text("".join(texts))
    item = response_message(part, item_id=item_id)
    place = {"item_id": item_id, "output_index": index, "content_index": 0}
    return [
        event("output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []}),
        event("content_part.added", **place, part={**part, "text": ""}),
        *(event("output_text.delta", **place, delta=text, logprobs=[]) for text in texts),
        event("output_text.done", **place, text=part["text"], logprobs=[]),
        event("content_part.done", **place, part=part),
        event("output_item.done", output_index=index, item=item),
    ]


def response_stream(events: list[Json], **fields: Json) -> list[bytes]:
    """A whole stream of these events, with its beginning, and an end that repeats the items; `fields` of its answer."""
    begun = {**response(status="in_progress"), "usage": None}
    items = [event["item"] for event in events if event["type"] == "output_item.done"]
    told = response(*items, **fields)
    end = {"completed": "completed", "incomplete": "incomplete", "failed": "failed"}[told["status"]]
    opening = [event("created", response=begun), event("in_progress", response=begun)]
    return frames(*opening, *events, event(end, response=told))


# --- Gemini ---


def gemini_answer(*parts: Json, finish: str | None = "STOP", **fields: Json) -> dict[str, Json]:
    """A whole answer of one candidate; words stand for a text part. `fields` replace those of the answer."""
    candidate: dict[str, Json] = {"index": 0}
    if parts:
        made = [{"text": part} if isinstance(part, str) else part for part in parts]
        candidate["content"] = {"role": "model", "parts": made}
    if finish is not None:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        "modelVersion": "m-1",
        "responseId": "r-1",
        **fields,
    }


def gemini_frame(*parts: Json, finish: str | None = None, **fields: Json) -> bytes:
    """One frame of a stream."""
    answer = gemini_answer(*parts, finish=finish, **fields)
    return b"data: " + json.dumps(answer, ensure_ascii=False).encode() + b"\r\n\r\n"


def gemini_call(name: str, arguments: Json = None, call_id: str | None = None, **fields: Json) -> dict[str, Json]:
    """A part that calls a function."""
    call = {"name": name, "args": {} if arguments is None else arguments}
    return {"functionCall": {**({} if call_id is None else {"id": call_id}), **call}, **fields}


def gemini_result(name: str, answer: Json, call_id: str | None = None) -> dict[str, Json]:
    """A part with the result of a call."""
    result = {"name": name, "response": answer}
    return {"functionResponse": {**({} if call_id is None else {"id": call_id}), **result}}


def gemini_tool(name: str = "f", schema: Json = None, **fields: Json) -> dict[str, Json]:
    """A declaration of one function, as JSON Schema."""
    given = {} if schema is None else {"parametersJsonSchema": schema}
    return {"functionDeclarations": [{"name": name, **given, **fields}]}
