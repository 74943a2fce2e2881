"""Responses and their streamed twins, as OpenAI sends them."""

import json

from hypothesis import strategies as st

from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import (
    argument_texts,
    broken_arguments,
    call_ids,
    filled_texts,
    json_bytes,
    maybe,
    names,
    pieces,
    texts,
    urls,
)

_counts = st.integers(0, 100_000)
_calls = ("function_call", "custom_tool_call")


@st.composite
def responses_usages(draw: st.DrawFn) -> dict[str, Json]:
    """A usage object, sometimes with counts that are newer."""
    fresh, cached, written, spoken, reasoning = (draw(_counts) for _ in range(5))
    usage: dict[str, Json] = {
        "input_tokens": fresh + cached + written,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": spoken + reasoning,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": fresh + cached + written + spoken + reasoning,
    }
    split = {"ttl_30m_tokens": written, "ttl_12h_tokens": 0}
    maybe(draw, usage["input_tokens_details"], "cache_write_tokens_details", st.just(split))
    return usage


@st.composite
def _annotations(draw: st.DrawFn, text: str, *, portable: bool) -> list[dict[str, Json]]:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    found: list[dict[str, Json]] = [
        {"type": "url_citation", "start_index": start, "end_index": end, "url": draw(urls), "title": draw(texts)}
    ]
    if not portable:
        place: dict[str, Json] = {"file_id": "file-1", "filename": "a.pdf"}
        maybe(draw, place, "index", st.just(start))
        if "index" in place:
            found.append({"type": "file_citation", **place})
        else:
            span = {"start_index": start, "end_index": end, "container_id": "cntr_1"}
            found.append({"type": "container_file_citation", **place, **span})
    return found


@st.composite
def _tokens(draw: st.DrawFn, text: str) -> list[dict[str, Json]]:
    tokens = []
    for piece in draw(pieces(text)):
        if piece:
            entry = {"token": piece, "bytes": list(piece.encode()), "logprob": draw(st.sampled_from((-0.5, -9999.0)))}
            tokens.append({**entry, "top_logprobs": [entry] if draw(st.booleans()) else []})
    return tokens


@st.composite
def _text(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    text = draw(filled_texts)
    part: dict[str, Json] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    if draw(st.integers(0, 3)) == 0:
        part["annotations"] = draw(_annotations(text, portable=portable))
    if not portable and draw(st.integers(0, 4)) == 0:
        part["logprobs"] = draw(_tokens(text))
    return part


@st.composite
def _message(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    if portable:
        content = [draw(_text(portable=True))]
    elif draw(st.integers(0, 4)) == 0:
        content = [{"type": "refusal", "refusal": draw(filled_texts)}]
    else:
        content = draw(st.lists(_text(portable=False), min_size=1, max_size=2))
    message: dict[str, Json] = {"type": "message", "status": "completed", "role": "assistant", "content": content}
    if not portable:
        maybe(draw, message, "phase", st.sampled_from(("commentary", "final_answer")))
    return message


@st.composite
def _reasoning(draw: st.DrawFn) -> dict[str, Json]:
    summary = draw(st.lists(filled_texts, max_size=2))
    item: dict[str, Json] = {"type": "reasoning", "summary": [{"type": "summary_text", "text": one} for one in summary]}
    if draw(st.integers(0, 2)) == 0:
        item["content"] = [{"type": "reasoning_text", "text": draw(filled_texts)}]
    maybe(draw, item, "status", st.just("completed"))
    if draw(st.booleans()):
        item["encrypted_content"] = "gAAAAB" + draw(names)
    return item


@st.composite
def _call(draw: st.DrawFn, call_id: str, *, portable: bool) -> dict[str, Json]:
    if not portable and draw(st.integers(0, 3)) == 0:
        return {"type": "custom_tool_call", "call_id": call_id, "name": draw(names), "input": draw(texts)}
    arguments = draw(argument_texts if portable else st.one_of(argument_texts, broken_arguments))
    item = {"type": "function_call", "status": "completed", "call_id": call_id, "name": draw(names)}
    item["arguments"] = arguments
    if not portable:
        maybe(draw, item, "namespace", names)
    return item


_search = {
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "北京", "queries": ["北京"]},
}
_no_tokens = {"image_tokens": 0, "text_tokens": 0}
_tool_usage = {
    "image_gen": {"input_tokens": 0, "input_tokens_details": _no_tokens, "output_tokens": 0, "total_tokens": 0},
    "web_search": {"num_requests": 1},
}
_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}


@st.composite
def _output(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    items: list[dict[str, Json]] = []
    if not portable:
        items += draw(st.lists(_reasoning(), max_size=2))
        if draw(st.integers(0, 4)) == 0:
            items.append(dict(_search))
        if draw(st.integers(0, 6)) == 0:
            items.append({"type": "compaction", "encrypted_content": "gAAAAB" + draw(names)})
    items += draw(st.lists(_message(portable=portable), max_size=1 if portable else 2))
    if draw(st.booleans()):
        for call_id in draw(st.lists(call_ids, min_size=1, max_size=4, unique=True)):
            items.append(draw(_call(call_id, portable=portable)))
            if not portable and draw(st.integers(0, 5)) == 0:
                items.append(draw(_message(portable=False)))
    return [{"id": f"{_PREFIXES.get(item['type'], 'x')}_{number}", **item} for number, item in enumerate(items)]


@st.composite
def responses_answer_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """A whole response. `portable`: only what other protocols have too."""
    output = draw(_output(portable=portable))
    reason = draw(st.sampled_from((None, None, None, "max_output_tokens", "content_filter")))
    if reason is not None and any(item["type"] in _calls for item in output):
        reason = None
    if reason is not None and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"
    body: dict[str, Json] = {
        "id": f"resp_{draw(names)}",
        "object": "response",
        "created_at": draw(st.integers(0, 2_000_000_000)),
        "status": "completed" if reason is None else "incomplete",
        "error": None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "model": "gpt-6-sol",
        "output": output,
        "parallel_tool_calls": draw(st.booleans()),
        "tool_choice": "auto",
        "tools": draw(st.sampled_from(([], [{"type": "function", "name": "f", "parameters": None, "strict": None}]))),
        "usage": draw(responses_usages()),
    }
    maybe(draw, body, "instructions", st.just("Answer briefly."))
    maybe(draw, body, "temperature", st.sampled_from((0, 1.0)))
    maybe(draw, body, "metadata", st.just({"a": "b"}))
    if not portable:
        maybe(draw, body, "service_tier", st.sampled_from(("default", "flex")))
        maybe(draw, body, "tool_usage", st.just(_tool_usage))
    return body


@st.composite
def responses_answers(draw: st.DrawFn, *, portable: bool = False) -> bytes:
    """A whole response as bytes."""
    return draw(json_bytes(draw(responses_answer_bodies(portable=portable))))


@st.composite
def responses_streams(draw: st.DrawFn, body: dict[str, Json]) -> bytes:
    """The stream that this whole answer would have been, in one of many cuts; items may be open at the same time."""
    begun = {**body, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    events: list[dict[str, Json]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    rows = [draw(_item_events(index, item)) for index, item in enumerate(body["output"])]
    events += draw(_woven(rows)) if draw(st.integers(0, 3)) == 0 else [event for row in rows for event in row]
    events.append({"type": f"response.{body['status']}", "response": body})
    ascii_only = draw(st.booleans())
    stream = b""
    for number, event in enumerate(events):
        stream += b": keep-alive\n\n" if draw(st.integers(0, 6)) == 0 else b""
        numbered = {"type": event["type"], "sequence_number": number, **event}
        data = json.dumps(numbered, ensure_ascii=ascii_only).encode()
        stream += b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), data)
    return stream


@st.composite
def _woven(draw: st.DrawFn, rows: list[list[dict[str, Json]]]) -> list[dict[str, Json]]:
    """Items that are open at the same time; each begins after the one before it."""
    order = draw(st.permutations([index for index, row in enumerate(rows) for _ in row]))
    left = [list(row) for row in rows]
    woven: list[dict[str, Json]] = []
    started = 0
    for index in order:
        while started <= index:
            woven += [left[started].pop(0) for _ in range(_opening(rows[started]))]
            started += 1
        if left[index]:
            woven.append(left[index].pop(0))
    return woven + [event for row in left for event in row]


def _opening(row: list[dict[str, Json]]) -> int:
    """How many events begin an item and all of its parts: what begins later would come behind other items."""
    added = [n for n, event in enumerate(row) if event["type"].endswith(".added") and "annotation" not in event]
    sealed = len(added) == 1 and row[0]["item"]["type"] in {"reasoning", "compaction"}  # its end alone says anything
    return len(row) if sealed else added[-1] + 1


@st.composite
def _item_events(draw: st.DrawFn, index: int, item: dict[str, Json]) -> list[dict[str, Json]]:
    """The events of one item."""
    begun = {
        name: member for name, member in item.items() if name != "encrypted_content" or item["type"] != "reasoning"
    }
    if "status" in begun:
        begun["status"] = "in_progress"
    begun |= {"content": []} if item["type"] == "message" else {}
    begun |= {"summary": []} if item["type"] == "reasoning" else {}
    if item["type"] == "reasoning":
        begun.pop("content", None)
        begun.pop("status", None)
    inner: list[dict[str, Json]] = []
    place = {"item_id": item["id"], "output_index": index}
    if item["type"] in _calls:
        body, stem = ("input", "custom_tool_call_input")
        if item["type"] == "function_call":
            body, stem = ("arguments", "function_call_arguments")
        begun[body] = ""
        inner = [{"type": f"response.{stem}.delta", **place, "delta": one} for one in draw(pieces(item[body]))]
        inner.append({"type": f"response.{stem}.done", **place, body: item[body]})
    elif item["type"] == "web_search_call":
        inner = [{"type": f"response.web_search_call.{step}", **place} for step in ("in_progress", "completed")]
    for number, part in enumerate(item.get("summary") or []):
        inner += draw(_summary_events({**place, "summary_index": number}, part))
    if item["type"] in ("message", "reasoning"):
        for number, part in enumerate(item.get("content") or []):
            inner += draw(_part_events({**place, "content_index": number}, part))
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *inner,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


@st.composite
def _summary_events(draw: st.DrawFn, place: dict[str, Json], part: dict[str, Json]) -> list[dict[str, Json]]:
    text = part["text"]
    stem = "response.reasoning_summary_text"
    deltas = [{"type": f"{stem}.delta", **place, "delta": one} for one in draw(pieces(text))]
    return [
        {"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}},
        *deltas,
        {"type": f"{stem}.done", **place, "text": text},
        {"type": "response.reasoning_summary_part.done", **place, "part": part},
    ]


_STEMS = {
    "output_text": ("output_text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning_text", "text"),
}


@st.composite
def _part_events(draw: st.DrawFn, place: dict[str, Json], part: dict[str, Json]) -> list[dict[str, Json]]:
    stem, member = _STEMS[part["type"]]
    empty = {name: [] if isinstance(value, list) else value for name, value in part.items()}
    empty[member] = ""
    logprobs: dict[str, Json] = {"logprobs": []} if stem == "output_text" else {}
    tokens = part.get("logprobs") or []
    if tokens:
        deltas = [
            {"delta": entry["token"], "logprobs": [{name: entry[name] for name in ("token", "logprob")}]}
            for entry in tokens
        ]
    else:
        deltas = [{"delta": one, **logprobs} for one in draw(pieces(part[member]))]
    inner = [{"type": f"response.{stem}.delta", **place, **delta} for delta in deltas]
    for number, annotation in enumerate(part.get("annotations") or []):
        cited = {"annotation_index": number, "annotation": annotation}
        inner.append({"type": "response.output_text.annotation.added", **place, **cited})
    return [
        {"type": "response.content_part.added", **place, "part": empty},
        *inner,
        {"type": f"response.{stem}.done", **place, member: part[member], **logprobs},
        {"type": "response.content_part.done", **place, "part": part},
    ]
