"""Which bytes a Gemini client may be sent: frames of `data: ` and a blank line, and blank lines; nothing else."""

import json

from twoapi.testing.replies import Json

ANSWER = {
    "candidates",
    "promptFeedback",
    "usageMetadata",
    "modelVersion",
    "responseId",
    "createTime",
    "modelStatus",
}
CANDIDATE = {
    "index",
    "content",
    "finishReason",
    "finishMessage",
    "safetyRatings",
    "citationMetadata",
    "groundingMetadata",
    "urlContextMetadata",
    "avgLogprobs",
    "logprobsResult",
    "tokenCount",
    "continuationToken",
}
DATA = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
}
FINISH = {
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "CONTINUATION",
}


def gemini_blocks(text: str, found: list[str]) -> list[str]:
    """The documents of a stream of events, in the one spelling that the vendor's SDK reads."""
    if text and not text.endswith("\n\n"):
        found.append("the last frame has no blank line")
    documents = []
    for block in text.split("\n\n"):
        line = block.strip("\n")
        if not line:
            continue
        if not line.startswith("data: ") or "\n" in line or "\r" in line:
            found.append(f"not one data line: {line[:200]}")
        documents.append(line.removeprefix("data: "))
    return documents


class GeminiGrammar:
    """Frames with content, the last of which finishes every candidate; or a refused prompt; or an error."""

    def __init__(self, found: list[str]) -> None:
        self._found = found
        self._failed = self._blocked = False
        self._finished: dict[int, bool] = {}
        self._constant: dict[str, Json] = {}

    @property
    def ended(self) -> bool:
        """True when nothing is missing."""
        return self._failed or self._blocked or (bool(self._finished) and all(self._finished.values()))

    def take(self, _: str, data: str) -> None:
        """One frame."""
        if self._failed or self._blocked:
            self._found.append("something follows the end")
        try:
            frame = json.loads(data)
        except ValueError as error:
            self._found.append(f"not JSON: {error}")
            return
        if not isinstance(frame, dict):
            self._found.append("not an object")
        elif "error" in frame:
            self._error(frame)
        else:
            self._frame(frame)

    def _error(self, frame: dict[str, Json]) -> None:
        self._failed = True
        error = frame["error"]
        if frame.keys() != {"error"} or not {"code", "message", "status"} <= error.keys():
            self._found.append("the error has not its members")

    def _frame(self, frame: dict[str, Json]) -> None:
        if unknown := frame.keys() - ANSWER:
            self._found.append(f"undocumented members {sorted(unknown)}")
        for name in ("modelVersion", "responseId"):
            if not isinstance(frame.get(name), str) or self._constant.setdefault(name, frame[name]) != frame[name]:
                self._found.append(f"{name} is missing or changes")
        candidates = frame.get("candidates") or []
        self._blocked = bool((frame.get("promptFeedback") or {}).get("blockReason")) and not candidates
        if not candidates and not self._blocked:
            self._found.append("a frame without a candidate, which the vendor's SDK takes for a broken answer")
        for candidate in candidates:
            self._candidate(candidate)

    def _candidate(self, candidate: dict[str, Json]) -> None:
        if unknown := candidate.keys() - CANDIDATE:
            self._found.append(f"undocumented members {sorted(unknown)}")
        index = candidate.get("index", 0)
        if self._finished.get(index):
            self._found.append("something follows the finish of its candidate")
        content = candidate.get("content") or {}
        parts = content.get("parts")
        if content.get("role") != "model" or not isinstance(parts, list) or not parts:
            self._found.append("a candidate without content, which the vendor's SDK takes for a broken answer")
        for part in parts or []:
            self._part(part)
        finish = candidate.get("finishReason")
        self._finished[index] = finish is not None
        if finish is not None and finish not in FINISH:
            self._found.append(f"unknown finishReason {finish!r}")

    def _part(self, part: dict[str, Json]) -> None:
        if len(part.keys() & DATA) != 1:
            self._found.append("a part has one member of data")
        call = part.get("functionCall")
        if call is not None and not (call.get("name") and isinstance(call.get("args", {}), dict)):
            self._found.append("a call without name, or whose args are no object")
