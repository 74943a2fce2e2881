"""A scripted turn as Google's generateContent writes it: an answer, the frames of a stream, or a JSON array."""

import json
from collections.abc import Iterator

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Json, Reply, json_reply, sse_reply
from twoapi.testing.scripted_turn import Cited, Turn, pieces

_FINISH = {"max_tokens": "MAX_TOKENS", "context_window": "MAX_TOKENS", "content_filter": "SAFETY", "refusal": "SAFETY"}
_HEADERS = {"server-timing": "gfet4t7; dur=5"}


def gemini_reply(turn: Turn, request: Received) -> Reply:
    """The answer to a generateContent request; the path says whether it is streamed, the query how."""
    model, _, method = request.path.rpartition("/")[2].partition(":")
    if method != "streamGenerateContent":
        return json_reply(_answer(turn, model, list(_parts(turn)), last=True), 200, _HEADERS)
    chunks = list(_chunks(turn, model))
    if request.arguments.get("alt") != "sse":
        return json_reply(chunks, 200, _HEADERS)
    return sse_reply(
        [b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\r\n\r\n" for one in chunks], _HEADERS
    )


def gemini_usage(turn: Turn, *, last: bool = True) -> dict[str, Json]:
    """The usage object: the prompt includes what was cached, the candidates exclude the thoughts; no zeros."""
    tokens = turn.tokens
    prompt = tokens.input + tokens.cached + tokens.written
    counts = {"promptTokenCount": prompt, "cachedContentTokenCount": tokens.cached}
    said = {"candidatesTokenCount": tokens.output, "thoughtsTokenCount": tokens.reasoning} if last else {}
    total = prompt + sum(said.values())
    return {name: count for name, count in {**counts, **said, "totalTokenCount": total}.items() if count}


def _answer(turn: Turn, model: str, parts: list[Json], *, last: bool) -> dict[str, Json]:
    candidate: dict[str, Json] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = _FINISH.get(turn.stop, "STOP")
        if turn.cited:
            candidate["groundingMetadata"] = _grounding(turn)
    return {
        "candidates": [candidate],
        "usageMetadata": gemini_usage(turn, last=last),
        "modelVersion": model,
        "responseId": f"S{turn.number:04d}",
    }


def _chunks(turn: Turn, model: str) -> Iterator[Json]:
    for piece in pieces(turn.reasoning, turn.piece):
        yield _answer(turn, model, [{"text": piece, "thought": True}], last=False)
    for piece in pieces(turn.text or turn.refusal, turn.piece):
        yield _answer(turn, model, [{"text": piece}], last=False)
    if turn.calls:
        yield _answer(turn, model, list(_calls(turn)), last=False)
    # Google signs an answer without calls on an empty text at its end.
    signed = {"thoughtSignature": turn.signature} if turn.signature and not turn.calls else {}
    yield _answer(turn, model, [{"text": "", **signed}], last=True)


def _parts(turn: Turn) -> Iterator[Json]:
    if turn.reasoning:
        yield {"text": turn.reasoning, "thought": True}
    if text := turn.text or turn.refusal:
        yield {"text": text} | ({"thoughtSignature": turn.signature} if turn.signature and not turn.calls else {})
    yield from _calls(turn)


def _calls(turn: Turn) -> Iterator[Json]:
    """The calls, without ids as most models make them; of a batch only the first is signed."""
    for number, call in enumerate(turn.calls):
        try:
            arguments = json.loads(call.body or "{}")
        except ValueError:
            arguments = {}  # a call that was cut off
        part: dict[str, Json] = {"functionCall": {"name": call.name, "args": arguments}}
        if turn.signature and number == 0:
            part["thoughtSignature"] = turn.signature
        yield part


def _grounding(turn: Turn) -> Json:
    return {
        "webSearchQueries": ["a query"],
        "groundingChunks": [{"web": {"uri": one.url, "title": one.title}} for one in turn.cited],
        "groundingSupports": [
            {"segment": _segment(turn.text, one), "groundingChunkIndices": [index]}
            for index, one in enumerate(turn.cited)
        ],
    }


def _segment(text: str, one: Cited) -> Json:
    """The place in bytes of UTF-8."""
    start, end = (len(text[:at].encode()) for at in (one.start, one.end))
    return {"startIndex": start, "endIndex": end, "text": text[one.start : one.end]}
