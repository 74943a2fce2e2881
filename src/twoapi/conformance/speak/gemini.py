"""An answer as an upstream of generateContent writes it."""

from collections.abc import Iterator

import msgspec

from twoapi.conformance.reply import Fault, Json, Reply, Spoken, pieces

_STOP = {"max_tokens": "MAX_TOKENS", "content_filter": "SAFETY"}
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


def say(reply: Reply, model: str) -> Spoken:
    """The answer and the frames of its stream."""
    about = {"modelVersion": model, "responseId": "conf"}
    candidate: Json = {"content": {"role": "model", "parts": list(_parts(reply))}, "index": 0}
    candidate["finishReason"] = _STOP.get(reply.stop, "STOP")
    if reply.cited:
        candidate["groundingMetadata"] = _grounding(reply)
    body = {"candidates": [candidate], "usageMetadata": _usage(reply), **about}
    head = [
        {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], **about}
        for part in _streamed(reply)
    ]
    last = {**candidate, "content": {"role": "model", "parts": [{"text": ""}]}}
    tail = [{"candidates": [last], "usageMetadata": _usage(reply), **about}]
    return Spoken(body=body, head=[_frame(one) for one in head], tail=[_frame(one) for one in tail])


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    error: Json = {"code": fault.status, "message": fault.message, "status": _STATUS.get(fault.status, "INTERNAL")}
    if fault.retry_after:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.retry_after}s"}
        error["details"] = [retry]
    return {"error": error}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return _frame(fail(fault))


def _frame(data: Json) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\r\n\r\n"


def _usage(reply: Reply) -> Json:
    used = reply.used
    counts = {
        "promptTokenCount": used.input,
        "cachedContentTokenCount": used.cached,
        "candidatesTokenCount": used.output - used.reasoning,
        "thoughtsTokenCount": used.reasoning,
        "totalTokenCount": used.input + used.output,
    }
    return {name: count for name, count in counts.items() if count}


def _parts(reply: Reply) -> Iterator[Json]:
    if reply.reasoning:
        yield {"text": reply.reasoning, "thought": True}
    if text := reply.text or reply.refusal:
        yield {"text": text} | ({"thoughtSignature": reply.opaque} if reply.opaque and not reply.calls else {})
    yield from _calls(reply)


def _streamed(reply: Reply) -> Iterator[Json]:
    for piece in pieces(reply.reasoning):
        yield {"text": piece, "thought": True}
    for piece in pieces(reply.text or reply.refusal):
        yield {"text": piece}
    if reply.opaque and not reply.calls:
        yield {"text": "", "thoughtSignature": reply.opaque}
    yield from _calls(reply)


def _calls(reply: Reply) -> Iterator[Json]:
    for index, call in enumerate(reply.calls):
        # Of a batch only the first call is signed.
        signed = {"thoughtSignature": reply.opaque} if reply.opaque and index == 0 else {}
        held = {"id": call.id, "name": call.name, "args": msgspec.json.decode(call.arguments)}
        yield {"functionCall": held} | signed


def _grounding(reply: Reply) -> Json:
    cited = reply.cited
    assert cited is not None  # noqa: S101  asked before
    start = len(reply.text[: reply.text.index(cited.passage)].encode())
    segment = {"startIndex": start, "endIndex": start + len(cited.passage.encode()), "text": cited.passage}
    return {
        "webSearchQueries": ["a query"],
        "groundingChunks": [{"web": {"uri": cited.url, "title": cited.title}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
