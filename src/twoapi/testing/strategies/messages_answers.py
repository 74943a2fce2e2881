"""Messages and their streamed twins, as Anthropic sends them."""

import json

from hypothesis import strategies as st

from twoapi.testing.replies import Json
from twoapi.testing.strategies.messages_requests import citations, web_search
from twoapi.testing.strategies.values import (
    argument_texts,
    call_ids,
    filled_texts,
    json_bytes,
    maybe,
    names,
    pieces,
    texts,
)

_counts = st.integers(0, 100_000)


@st.composite
def messages_usages(draw: st.DrawFn) -> dict[str, Json]:
    """A usage object; the counts that a vendor may leave out are sometimes left out."""
    short, long = draw(_counts), draw(_counts)
    usage: dict[str, Json] = {"input_tokens": draw(_counts), "output_tokens": draw(_counts)}
    if draw(st.booleans()):
        usage["cache_creation_input_tokens"] = short + long
        usage["cache_read_input_tokens"] = draw(_counts)
        if draw(st.booleans()):
            usage["cache_creation"] = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
    if draw(st.booleans()):
        reasoning = draw(st.integers(0, usage["output_tokens"]))
        usage["output_tokens_details"] = {"thinking_tokens": reasoning}
    maybe(draw, usage, "service_tier", st.sampled_from(("standard", "priority", "batch")))
    maybe(draw, usage, "server_tool_use", st.just({"web_search_requests": 1, "web_fetch_requests": 0}))
    return usage


@st.composite
def _content(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    blocks: list[dict[str, Json]] = []
    if not portable and draw(st.integers(0, 2)) == 0:
        blocks.append({"type": "thinking", "thinking": draw(texts), "signature": "EqQBsig1"})
        if draw(st.booleans()):
            blocks.append({"type": "redacted_thinking", "data": "EmwKAhgB"})
    for _ in range(draw(st.integers(0, 1 if portable else 3))):
        block: dict[str, Json] = {"type": "text", "text": draw(filled_texts)}
        if not portable:
            maybe(draw, block, "citations", st.lists(citations(), min_size=1, max_size=2))
        blocks.append(block)
    if not portable and draw(st.integers(0, 5)) == 0:
        blocks += [dict(block) for block in web_search]
    if draw(st.booleans()):
        for call_id in draw(st.lists(call_ids, min_size=1, max_size=4, unique=True)):
            arguments = json.loads(draw(argument_texts))
            blocks.append({"type": "tool_use", "id": call_id, "name": draw(names), "input": arguments})
            if not portable and draw(st.integers(0, 5)) == 0:
                blocks.append({"type": "text", "text": draw(filled_texts)})
    return blocks


@st.composite
def messages_answer_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """A whole message. `portable`: only what other protocols have too."""
    content = draw(_content(portable=portable))
    calls = any(block["type"] == "tool_use" for block in content)
    ends = ["end_turn", "max_tokens", "stop_sequence", "refusal"]
    own = [] if portable else ["pause_turn", "model_context_window_exceeded"]
    stop = "tool_use" if calls else draw(st.sampled_from(ends + own))
    body: dict[str, Json] = {
        "id": f"msg_{draw(names)}",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": draw(filled_texts) if stop == "stop_sequence" else None,
        "usage": draw(messages_usages()),
    }
    if stop == "refusal" and not portable:
        category = draw(st.sampled_from((None, "cyber", "bio")))
        body["stop_details"] = {
            "type": "refusal",
            "category": category,
            "explanation": draw(st.one_of(st.none(), texts)),
        }
    return body


@st.composite
def messages_answers(draw: st.DrawFn, *, portable: bool = False) -> bytes:
    """A whole message as bytes."""
    return draw(json_bytes(draw(messages_answer_bodies(portable=portable))))


@st.composite
def messages_streams(draw: st.DrawFn, body: dict[str, Json]) -> bytes:
    """The stream that this whole answer would have been, in one of many cuts."""
    usage = body["usage"]
    start = {**body, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    start.pop("stop_details", None)
    events: list[dict[str, Json]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(body["content"]):
        begun, deltas = draw(_block(block))
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {name: body[name] for name in ("stop_reason", "stop_sequence", "stop_details") if name in body}
    told = dict(usage) if draw(st.booleans()) else {"output_tokens": usage["output_tokens"]}
    told.pop("cache_creation", None)
    told.pop("service_tier", None)
    events += [{"type": "message_delta", "delta": ending, "usage": told}, {"type": "message_stop"}]
    ascii_only = draw(st.booleans())
    stream = b""
    for number, event in enumerate(events):
        stream += b'event: ping\ndata: {"type": "ping"}\n\n' if number and draw(st.integers(0, 6)) == 0 else b""
        data = json.dumps(event, ensure_ascii=ascii_only).encode()
        stream += b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), data)
    return stream


@st.composite
def _block(draw: st.DrawFn, block: dict[str, Json]) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    """A block as it starts, and its deltas."""
    kind = block["type"]
    if kind == "text":
        deltas: list[dict[str, Json]] = [{"type": "text_delta", "text": part} for part in draw(pieces(block["text"]))]
        given = [{"type": "citations_delta", "citation": one} for one in block.get("citations") or []]
        start = {"type": "text", "text": "", **({"citations": []} if given else {})}
        return start, given + deltas if draw(st.booleans()) else deltas + given
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": part} for part in draw(pieces(block["thinking"])) if part]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if kind in {"tool_use", "server_tool_use"}:
        if not block["input"] and draw(st.booleans()):
            return dict(block), []
        written = json.dumps(block["input"], ensure_ascii=draw(st.booleans()))
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ["", *draw(pieces(written))]]
        return {**block, "input": {}}, deltas
    return block, []
