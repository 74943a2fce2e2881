"""An answer as an upstream of Messages writes it."""

from collections.abc import Iterator

import msgspec

from twoapi.conformance.reply import Fault, Json, Reply, Spoken, event, pieces

_STOP = {
    "stop": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "content_filter": "refusal",
    "refusal": "refusal",
}
_ERRORS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}

# A block as a stream starts it, its deltas, and the whole block.
_Block = tuple[Json, list[Json], Json]


def say(reply: Reply, model: str) -> Spoken:
    """The message and its events."""
    blocks = list(_blocks(reply))
    about = {"id": "msg_conf", "type": "message", "role": "assistant", "model": model}
    ending: Json = {"stop_reason": _STOP[reply.stop], "stop_sequence": reply.stop_text or None}
    if ending["stop_reason"] == "refusal":
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    body = {**about, "content": [whole for _, _, whole in blocks], **ending, "usage": _usage(reply)}
    began: Json = {**about, "content": [], "stop_reason": None, "stop_sequence": None}
    start = {"type": "message_start", "message": {**began, "usage": {**_usage(reply), "output_tokens": 1}}}
    head = [start, {"type": "ping"}, *_block_events(blocks)]
    tail = [{"type": "message_delta", "delta": ending, "usage": _usage(reply)}, {"type": "message_stop"}]
    return Spoken(
        body=body,
        head=[event(one, one["type"]) for one in head],
        tail=[event(one, one["type"]) for one in tail],
    )


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    error = {"type": _ERRORS.get(fault.status, "api_error"), "message": fault.message}
    return {"type": "error", "error": error, "request_id": "req_conf"}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return event(fail(fault), "error")


def _usage(reply: Reply) -> Json:
    used = reply.used
    return {
        "input_tokens": used.input - used.cached - used.written,
        "cache_creation_input_tokens": used.written,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
        "output_tokens_details": {"thinking_tokens": used.reasoning},
    }


def _blocks(reply: Reply) -> Iterator[_Block]:
    if reply.reasoning or reply.opaque:
        deltas: list[Json] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(reply.reasoning)]
        deltas.append({"type": "signature_delta", "signature": reply.opaque})
        thought = {"type": "thinking", "thinking": reply.reasoning, "signature": reply.opaque}
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas, thought
    for text, citation in _runs(reply):
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(text)]
        if citation:
            deltas.append({"type": "citations_delta", "citation": citation})
        whole: Json = {"type": "text", "text": text} | ({"citations": [citation]} if citation else {})
        yield {"type": "text", "text": ""}, deltas, whole
    for call in reply.calls:
        block: Json = {"type": "tool_use", "id": call.id, "name": call.name}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(call.arguments)]]
        yield {**block, "input": {}}, deltas, {**block, "input": msgspec.json.decode(call.arguments)}


def _runs(reply: Reply) -> Iterator[tuple[str, Json]]:
    """The text, cut around what is cited: a citation belongs to a whole block."""
    text = reply.text or reply.refusal
    if cited := reply.cited:
        before, _, after = text.partition(cited.passage)
        quoted = {"cited_text": "what the page says", "encrypted_index": "RW5jCg=="}
        citation = {"type": "web_search_result_location", "url": cited.url, "title": cited.title, **quoted}
        runs: list[tuple[str, Json]] = [(before, None), (cited.passage, citation), (after, None)]
    else:
        runs = [(text, None)]
    yield from (run for run in runs if run[0])


def _block_events(blocks: list[_Block]) -> Iterator[Json]:
    for index, (start, deltas, _) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
