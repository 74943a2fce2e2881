"""An answer as a client of generateContent takes it."""

import msgspec

from twoapi.conformance.answer import Answer, Call, Citation, Json, number

_FINISH = {
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
}


def refusal(body: Json, status: int) -> str:
    """The message of an HTTP error; raises ValueError for another format."""
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        raise ValueError("no {error: {code, message, status}}")  # noqa: TRY004  what a reader may raise
    if error.get("code") != status or not isinstance(error.get("status"), str):
        raise ValueError(f"error.code is {error.get('code')!r}, error.status {error.get('status')!r}")
    return str(error["message"])


def whole(body: Json) -> Answer:
    """The answer."""
    answer = Answer(own={"role": "model", "parts": []})
    _take(answer, body)
    answer.ended = bool(answer.stop)
    if not answer.ended:
        answer.problems.append("no finishReason")
    return answer


def stream(body: bytes) -> Answer:
    """The frames, put together, taken as strictly as Google's own client takes them."""
    answer = Answer(own={"role": "model", "parts": []})
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if not line:
            continue
        if not line.startswith("data: "):
            answer.problems.append(f"a line that the client cannot read: {line[:40]}")
            continue
        try:
            frame = msgspec.json.decode(line[6:])
        except ValueError:
            answer.problems.append(f"data that is no JSON: {line[6:46]}")
            continue
        if "error" in frame:
            answer.error = str(frame["error"].get("message"))
            continue
        _take(answer, frame)
    answer.ended = bool(answer.stop) and answer.error is None
    return answer


def _take(answer: Answer, body: Json) -> None:
    for candidate in body.get("candidates") or []:
        if candidate.get("index", 0) != 0:
            answer.problems.append("a second candidate")
        for part in (candidate.get("content") or {}).get("parts") or []:
            answer.own["parts"].append(part)
            _part(answer, part)
        if finish := candidate.get("finishReason"):
            answer.stop = finish
            if finish not in _FINISH:
                answer.problems.append(f"finishReason {finish!r}")
        _grounding(answer, candidate.get("groundingMetadata") or {})
    if block := (body.get("promptFeedback") or {}).get("blockReason"):
        answer.stop = block
    if "usageMetadata" in body:
        _used(answer, body["usageMetadata"])


def _part(answer: Answer, part: Json) -> None:
    if part.get("thoughtSignature"):
        answer.opaque.append(part["thoughtSignature"])
    if "functionCall" in part:
        call = part["functionCall"]
        if not isinstance(call.get("args", {}), dict):
            answer.problems.append("the args of a call are no object")
        said = msgspec.json.encode(call.get("args", {})).decode()
        answer.calls.append(Call(id=call.get("id", ""), name=call["name"], arguments=said))
    elif part.get("thought"):
        answer.reasoning += part["text"]
    elif "text" in part:
        answer.text += part["text"]


def _grounding(answer: Answer, grounding: Json) -> None:
    chunks = grounding.get("groundingChunks") or []
    for support in grounding.get("groundingSupports") or []:
        passage = _passage(answer, support["segment"])
        for index in support.get("groundingChunkIndices") or []:
            web = chunks[index].get("web") or {}
            one = Citation(url=web.get("uri", ""), title=web.get("title", ""), passage=passage)
            if one not in answer.cited:
                answer.cited.append(one)


def _passage(answer: Answer, segment: Json) -> str:
    """What a segment names: bytes of one part of a whole answer; the parts of a stream are pieces of one text."""
    parts = answer.own["parts"]
    number = segment.get("partIndex", 0)
    whole = number > 0 and number < len(parts)
    said = parts[number].get("text", "") if whole else answer.text
    return str(said).encode()[segment.get("startIndex", 0) : segment["endIndex"]].decode("utf-8", "replace")


def _used(answer: Answer, usage: Json) -> None:
    prompt, tools = number(usage, "promptTokenCount"), number(usage, "toolUsePromptTokenCount")
    told = number(usage, "candidatesTokenCount")
    thoughts = number(usage, "thoughtsTokenCount")
    # Counts of zero are left out on this wire.
    answer.used = {
        "input": None if prompt is None else prompt + (tools or 0),
        "cached": number(usage, "cachedContentTokenCount") or 0,
        "output": (told or 0) + (thoughts or 0),
        "reasoning": thoughts or 0,
    }
    total = number(usage, "totalTokenCount")
    if total is not None and total != (answer.used["input"] or 0) + (answer.used["output"] or 0):
        answer.problems.append("totalTokenCount is not the sum")
