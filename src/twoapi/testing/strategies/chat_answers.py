"""Chat completions and their streamed twins, as OpenAI and its neighbours send them."""

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


@st.composite
def chat_usages(draw: st.DrawFn) -> dict[str, Json]:
    """A usage object: disjoint counts summed up as the vendor does, details present, null or absent."""
    fresh, cached, written, audio = (draw(_counts) for _ in range(4))
    spoken, reasoning = draw(_counts), draw(_counts)
    usage: dict[str, Json] = {
        "prompt_tokens": fresh + cached + written + audio,
        "completion_tokens": spoken + reasoning,
        "total_tokens": fresh + cached + written + audio + spoken + reasoning,
    }
    shape = draw(st.sampled_from(("full", "cached", "null", "none")))
    if shape == "full":
        usage["prompt_tokens_details"] = {
            "cached_tokens": cached,
            "cache_write_tokens": written,
            "audio_tokens": audio,
        }
        usage["completion_tokens_details"] = {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        }
    elif shape == "cached":
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    elif shape == "null":
        usage["prompt_tokens_details"] = None
        usage["completion_tokens_details"] = {"reasoning_tokens": None}
    return usage


@st.composite
def _tokens(draw: st.DrawFn, text: str) -> list[dict[str, Json]]:
    """Log probabilities whose tokens make up the text."""
    tokens = []
    for piece in draw(pieces(text)):
        if piece:
            entry = {
                "token": piece,
                "bytes": list(piece.encode()),
                "logprob": draw(st.sampled_from((-0.5, -9999.0, 0))),
            }
            tokens.append({**entry, "top_logprobs": [entry] if draw(st.booleans()) else []})
    return tokens


@st.composite
def _calls(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    calls = []
    for call_id in draw(st.lists(call_ids, min_size=1, max_size=4, unique=True)):
        if not portable and draw(st.integers(0, 4)) == 0:
            calls.append({"id": call_id, "type": "custom", "custom": {"name": draw(names), "input": draw(texts)}})
            continue
        arguments = draw(argument_texts if portable else st.one_of(argument_texts, broken_arguments))
        made = {"name": draw(names), "arguments": arguments}
        calls.append({"id": call_id, "type": "function", "function": made})
    return calls


@st.composite
def _annotations(draw: st.DrawFn, text: str) -> list[dict[str, Json]]:
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    place = {"start_index": start, "end_index": end, "title": draw(texts), "url": draw(urls)}
    return [{"type": "url_citation", "url_citation": place}]


@st.composite
def _message(draw: st.DrawFn, *, portable: bool) -> tuple[dict[str, Json], str]:
    """A message, and the finish that goes with it."""
    message: dict[str, Json] = {"role": "assistant", "content": draw(st.one_of(st.none(), filled_texts))}
    message["refusal"] = None
    finish = draw(st.sampled_from(("stop", "stop", "length", "content_filter")))
    kind = draw(st.sampled_from(("text", "text", "calls", "refusal")))
    if kind == "calls":
        message["tool_calls"] = draw(_calls(portable=portable))
        finish = "tool_calls"
    elif kind == "refusal" and not portable:
        message["content"], message["refusal"] = None, draw(filled_texts)
        finish = "stop"
    elif message["content"] is None:
        message["content"] = draw(filled_texts)
    if message["content"] and draw(st.integers(0, 3)) == 0:
        message["annotations"] = draw(_annotations(message["content"]))
    else:
        maybe(draw, message, "annotations", st.just([]))
    if not portable:
        maybe(draw, message, "reasoning_content", filled_texts)
    return message, finish


@st.composite
def chat_answer_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """A whole chat completion. `portable`: one choice, and only what other protocols have too."""
    choices = []
    for index in range(1 if portable else draw(st.sampled_from((1, 1, 1, 2)))):
        message, finish = draw(_message(portable=portable))
        choice: dict[str, Json] = {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
        if not portable and message["content"] and draw(st.integers(0, 4)) == 0:
            choice["logprobs"] = {"content": draw(_tokens(message["content"])), "refusal": None}
        choices.append(choice)
    body: dict[str, Json] = {
        "id": f"chatcmpl-{draw(names)}",
        "object": "chat.completion",
        "created": draw(st.integers(0, 2_000_000_000)),
        "model": "gpt-6-sol",
        "choices": choices,
    }
    maybe(draw, body, "usage", st.none())
    if "usage" not in body:
        body["usage"] = draw(chat_usages())
    if not portable:
        maybe(draw, body, "service_tier", st.sampled_from(("default", "flex", None)))
        maybe(draw, body, "system_fingerprint", st.sampled_from(("fp_1", None)))
    return body


@st.composite
def chat_answers(draw: st.DrawFn, *, portable: bool = False) -> bytes:
    """A whole chat completion as bytes."""
    return draw(json_bytes(draw(chat_answer_bodies(portable=portable))))


@st.composite
def chat_streams(draw: st.DrawFn, body: dict[str, Json]) -> bytes:
    """The stream that this whole answer would have been, in one of many cuts."""
    constant = ("id", "created", "model", "service_tier", "system_fingerprint")
    head: dict[str, Json] = {name: body[name] for name in constant if name in body}
    head["object"] = "chat.completion.chunk"
    rows = [draw(_choice_chunks(choice)) for choice in body["choices"]]
    order = draw(st.permutations([index for index, row in enumerate(rows) for _ in row]))
    usage_everywhere = {"usage": None} if body.get("usage") and draw(st.booleans()) else {}
    frames = [{**head, "choices": [rows[index].pop(0)], **usage_everywhere} for index in order]
    if body.get("usage"):
        frames.append({**head, "choices": [], "usage": body["usage"]})
    ascii_only = draw(st.booleans())
    stream = b""
    for frame in frames:
        stream += b": keep-alive\n\n" if draw(st.integers(0, 5)) == 0 else b""
        stream += b"data: " + json.dumps(frame, ensure_ascii=ascii_only).encode() + b"\n\n"
    return stream + b"data: [DONE]\n\n"


@st.composite
def _choice_chunks(draw: st.DrawFn, choice: dict[str, Json]) -> list[dict[str, Json]]:
    """The chunks of one choice, in order."""
    message = choice["message"]
    deltas: list[tuple[dict[str, Json], Json]] = [
        ({"role": "assistant", "content": draw(st.sampled_from(("", None)))}, None)
    ]
    deltas += [({"reasoning_content": piece}, None) for piece in draw(pieces(message.get("reasoning_content") or ""))]
    tokens = (choice.get("logprobs") or {}).get("content")
    if tokens:
        deltas += [({"content": entry["token"]}, {"content": [entry], "refusal": None}) for entry in tokens]
    elif message["content"]:
        deltas += [({"content": piece}, None) for piece in draw(pieces(message["content"]))]
    if message.get("annotations"):
        deltas.append(({"annotations": message["annotations"]}, None))
    deltas += [({"refusal": piece}, None) for piece in draw(pieces(message["refusal"] or ""))]
    deltas += [({"tool_calls": [delta]}, None) for delta in draw(_call_deltas(message.get("tool_calls") or []))]
    chunks = [
        {"index": choice["index"], "delta": delta, "logprobs": logprobs, "finish_reason": None}
        for delta, logprobs in deltas
    ]
    end = {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}
    return [*chunks, end]


@st.composite
def _call_deltas(draw: st.DrawFn, calls: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """The fragments of all calls, in sequence or interleaved; each begins with its id and name."""
    rows: list[list[dict[str, Json]]] = []
    for index, call in enumerate(calls):
        kind, body = ("custom", "input") if call["type"] == "custom" else ("function", "arguments")
        parts = draw(pieces(call[kind][body]))
        first = {"index": index, "id": call["id"], "type": kind, kind: {"name": call[kind]["name"], body: parts[0]}}
        rows.append([first, *({"index": index, kind: {body: part}} for part in parts[1:])])
    if draw(st.booleans()):
        return [delta for row in rows for delta in row]
    started = [row.pop(0) for row in rows]
    order = draw(st.permutations([index for index, row in enumerate(rows) for _ in row]))
    return started + [rows[index].pop(0) for index in order]
