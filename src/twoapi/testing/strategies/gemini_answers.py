"""Gemini answers and their streamed twins, as Google sends them."""

import base64
import json

from hypothesis import strategies as st

from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import (
    argument_texts,
    base64s,
    call_ids,
    filled_texts,
    json_bytes,
    maybe,
    names,
    pieces,
    urls,
)

_counts = st.integers(1, 100_000)  # the vendor leaves out counts of zero
# Never one that begins like a carrier of a gateway's, which is taken for a damaged one: no vendor's does.
signatures = (
    st.binary(min_size=1, max_size=20)
    .filter(lambda data: not data.startswith(b"tw1"))
    .map(lambda data: base64.b64encode(data).decode())
)
_function_names = names.map(lambda name: "f" + name)  # the vendor's begin with a letter


@st.composite
def gemini_usages(draw: st.DrawFn) -> dict[str, Json]:
    """A usage object: the prompt includes what was cached, thoughts and tools' prompts stand beside."""
    fresh, cached, spoken, thoughts, tools = (draw(_counts) for _ in range(5))
    usage: dict[str, Json] = {"promptTokenCount": fresh}
    total = fresh
    if draw(st.booleans()):
        usage["promptTokenCount"], total = fresh + cached, total + cached
        usage["cachedContentTokenCount"] = cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": cached}]
    if draw(st.booleans()):
        usage["candidatesTokenCount"], total = spoken, total + spoken
    if draw(st.booleans()):
        usage["thoughtsTokenCount"], total = thoughts, total + thoughts
    if draw(st.integers(0, 3)) == 0:
        usage["toolUsePromptTokenCount"], total = tools, total + tools
    if draw(st.booleans()):
        usage["promptTokensDetails"] = [
            {"modality": "TEXT", "tokenCount": 1},
            {"modality": "DOCUMENT", "tokenCount": usage["promptTokenCount"]},
        ]
    usage["totalTokenCount"] = total
    return usage


def _sized(text: str) -> int:
    return len(text.encode())


@st.composite
def _grounding(draw: st.DrawFn, number: int, text: str) -> dict[str, Json]:
    """Grounding metadata of one text, in bytes; sometimes sources that nothing rests on."""
    chunks: list[Json] = []
    for url in draw(st.lists(urls, min_size=1, max_size=3)):
        web = {"uri": url, "title": draw(filled_texts)}
        maybe(draw, web, "domain", st.just("e.example"))
        chunks.append({"web": web})
    supports = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        segment: dict[str, Json] = {"endIndex": _sized(text[:end]), "text": text[start:end]}
        if start:
            segment["startIndex"] = _sized(text[:start])
        if number:
            segment["partIndex"] = number
        indices = draw(st.lists(st.integers(0, len(chunks) - 1), min_size=1, max_size=2, unique=True))
        support: dict[str, Json] = {"segment": segment, "groundingChunkIndices": indices}
        if draw(st.booleans()):
            support["confidenceScores"] = [0.5] * len(indices)
        supports.append(support)
    grounding: dict[str, Json] = {"groundingChunks": chunks, "groundingSupports": supports}
    maybe(draw, grounding, "webSearchQueries", st.just(["北京 weather"]))
    maybe(draw, grounding, "searchEntryPoint", st.just({"renderedContent": "<div></div>"}))
    return grounding


@st.composite
def _logprobs(draw: st.DrawFn, text: str) -> dict[str, Json]:
    tokens = [
        {"token": piece, "logProbability": draw(st.sampled_from((-0.5, -20.25, 0)))}
        for piece in draw(pieces(text))
        if piece
    ]
    if draw(st.booleans()):
        tokens = [{**token, "tokenId": 7 + number} for number, token in enumerate(tokens)]
    result: dict[str, Json] = {"chosenCandidates": tokens}
    if draw(st.booleans()):
        result["topCandidates"] = [{"candidates": [token]} for token in tokens]
    return result


@st.composite
def _parts(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    """Thoughts, text, calls, and what the vendor's own tools leave; texts do not stand side by side."""
    parts: list[dict[str, Json]] = []
    if not portable and draw(st.integers(0, 2)) == 0:
        thought: dict[str, Json] = {"text": draw(filled_texts), "thought": True}
        maybe(draw, thought, "thoughtSignature", signatures)
        parts.append(thought)
    if not portable and draw(st.integers(0, 5)) == 0:
        parts.append({"executableCode": {"id": "ce-1", "language": "PYTHON", "code": "print(1)"}})
        parts.append({"codeExecutionResult": {"id": "ce-1", "outcome": "OUTCOME_OK", "output": "1\n"}})
    if draw(st.integers(0, 3)):
        text: dict[str, Json] = {"text": draw(filled_texts)}
        if not portable:
            maybe(draw, text, "thoughtSignature", signatures)
        parts.append(text)
    if not portable and draw(st.integers(0, 5)) == 0:
        parts.append({"inlineData": {"mimeType": "image/png", "data": draw(base64s)}})
    if draw(st.booleans()):
        parts += draw(_calls(portable=portable))
        if not portable and draw(st.integers(0, 3)) == 0:
            parts.append({"text": "", "thoughtSignature": draw(signatures)})
    return parts


@st.composite
def _calls(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    calls: list[dict[str, Json]] = []
    for call_id in draw(st.lists(call_ids, min_size=1, max_size=4, unique=True)):
        call: dict[str, Json] = {"name": draw(_function_names), "args": json.loads(draw(argument_texts))}
        if portable or draw(st.booleans()):
            call["id"] = call_id
        part: dict[str, Json] = {"functionCall": call}
        if not portable and not calls:
            maybe(draw, part, "thoughtSignature", signatures)
        calls.append(part)
    return calls


@st.composite
def _candidate(draw: st.DrawFn, index: int, *, portable: bool) -> dict[str, Json]:
    parts = draw(_parts(portable=portable))
    ends = ["STOP", "STOP", "MAX_TOKENS"]
    if not any("functionCall" in part for part in parts):
        ends += ["SAFETY"] if portable else ["SAFETY", "RECITATION", "BLOCKLIST", "SPII", "OTHER", "CONTINUATION"]
    candidate: dict[str, Json] = {"index": index, "finishReason": draw(st.sampled_from(ends))}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if not portable:
        maybe(draw, candidate, "finishMessage", filled_texts)
        maybe(draw, candidate, "avgLogprobs", st.just(-0.25))
        maybe(
            draw, candidate, "safetyRatings", st.just([{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}])
        )
        maybe(draw, candidate, "urlContextMetadata", st.just({"urlMetadata": []}))
    number = len(parts) - 1
    if parts and parts[-1].get("text") and not parts[-1].get("thought") and "thoughtSignature" not in parts[-1]:
        candidate |= draw(_cited(number, parts, portable=portable))
    return candidate


@st.composite
def _cited(draw: st.DrawFn, number: int, parts: list[dict[str, Json]], *, portable: bool) -> dict[str, Json]:
    """What is told of the last text."""
    text = parts[-1]["text"]
    told: dict[str, Json] = {}
    maybe(draw, told, "groundingMetadata", _grounding(number, text))
    if not portable:
        maybe(draw, told, "logprobsResult", _logprobs(text))
        place = {"startIndex": 0, "endIndex": _sized(text), "uri": draw(urls), "license": "mit"}
        maybe(draw, told, "citationMetadata", st.just({"citations": [place]}))
    return told


@st.composite
def gemini_answer_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """A whole answer. `portable`: one candidate, and only what other protocols have too."""
    body: dict[str, Json] = {"modelVersion": "gemini-3.6-flash", "responseId": draw(names)}
    if draw(st.integers(0, 3)):
        body["usageMetadata"] = draw(gemini_usages())
    if not portable:
        maybe(draw, body, "createTime", st.sampled_from(("2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456Z")))
        maybe(draw, body, "modelStatus", st.just({"modelStage": "STABLE"}))
        if draw(st.integers(0, 9)) == 0:
            reason = draw(st.sampled_from(("SAFETY", "PROHIBITED_CONTENT", "OTHER")))
            return {**body, "promptFeedback": {"blockReason": reason}}
    count = 1 if portable else draw(st.sampled_from((1, 1, 1, 2)))
    body["candidates"] = [draw(_candidate(index, portable=portable)) for index in range(count)]
    return body


@st.composite
def gemini_answers(draw: st.DrawFn, *, portable: bool = False) -> bytes:
    """A whole answer as bytes."""
    return draw(json_bytes(draw(gemini_answer_bodies(portable=portable))))


@st.composite
def gemini_streams(draw: st.DrawFn, body: dict[str, Json]) -> bytes:
    """The stream that this whole answer would have been, in one of many cuts."""
    frames = draw(gemini_frames(body))
    ascii_only = draw(st.booleans())
    stream = b""
    for frame in frames:
        stream += b"data: " + json.dumps(frame, ensure_ascii=ascii_only).encode() + b"\n\n"
    return stream


@st.composite
def gemini_arrays(draw: st.DrawFn, body: dict[str, Json]) -> bytes:
    """The same stream without `alt=sse`: one array, indented as the vendor does."""
    frames = draw(gemini_frames(body))
    return (
        b"["
        + b"\n,\r\n".join(json.dumps(frame, indent=draw(st.sampled_from((None, 2)))).encode() for frame in frames)
        + b"\n]\n"
    )


@st.composite
def gemini_frames(draw: st.DrawFn, body: dict[str, Json]) -> list[dict[str, Json]]:
    """The frames of a stream."""
    constant = ("modelVersion", "responseId", "createTime")
    head: dict[str, Json] = {name: body[name] for name in constant if name in body}
    last: dict[str, Json] = {name: body[name] for name in ("modelStatus", "usageMetadata") if name in body}
    if "candidates" not in body:
        return [{"promptFeedback": body["promptFeedback"], **last, **head}]
    rows = [draw(_candidate_frames(candidate)) for candidate in body["candidates"]]
    order = draw(st.permutations([index for index, row in enumerate(rows) for _ in row]))
    prompt = body.get("usageMetadata", {}).get("promptTokenCount")
    early = {"usageMetadata": {"promptTokenCount": prompt}} if prompt and draw(st.booleans()) else {}
    frames = [{"candidates": [rows[index].pop(0)], **early, **head} for index in order]
    frames[-1] |= last
    return frames


@st.composite
def _candidate_frames(draw: st.DrawFn, candidate: dict[str, Json]) -> list[dict[str, Json]]:
    """The frames of one candidate, in order."""
    index = candidate["index"]
    content = candidate.get("content") or {"parts": []}
    rows: list[list[dict[str, Json]]] = []
    for part in content["parts"]:
        rows += [[piece] for piece in draw(_pieces(part))]
    frames: list[dict[str, Json]] = [
        {"content": {"role": "model", "parts": parts}, "index": index} for parts in draw(_batched(rows))
    ]
    ending = {name: value for name, value in candidate.items() if name not in {"content", "index"}}
    if "logprobsResult" in ending:
        frames = frames or [{"index": index}]
        frames[-1]["logprobsResult"] = ending.pop("logprobsResult")
    together, worded = draw(st.booleans()), draw(st.booleans())
    if frames and together:
        frames[-1] |= ending
        return frames
    last: dict[str, Json] = {**ending, "index": index}
    if worded:
        last["content"] = {"role": "model", "parts": [{"text": ""}]}
    return [*frames, last]


@st.composite
def _pieces(draw: st.DrawFn, part: dict[str, Json]) -> list[dict[str, Json]]:
    """A part in pieces: words come bit by bit, the signature with the last one or behind it."""
    if "text" not in part:
        return [part]
    bits = [{**part, "text": bit} for bit in draw(pieces(part["text"]))]
    if "thoughtSignature" not in part:
        return bits
    for bit in bits:
        del bit["thoughtSignature"]
    signed = {"thoughtSignature": part["thoughtSignature"]}
    if draw(st.booleans()):
        return [*bits, {**bits[-1], "text": "", **signed}]
    return [*bits[:-1], {**bits[-1], **signed}]


@st.composite
def _batched(draw: st.DrawFn, rows: list[list[dict[str, Json]]]) -> list[list[dict[str, Json]]]:
    """Pieces that follow each other, sometimes in one frame."""
    frames: list[list[dict[str, Json]]] = []
    for row in rows:
        if frames and draw(st.integers(0, 3)) == 0:
            frames[-1] = frames[-1] + row
        else:
            frames.append(row)
    return frames
