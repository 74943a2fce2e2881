"""The canonical form of a Gemini answer, and what the frames of a stream amount to: from the reference alone."""

import json

from twoapi.testing.replies import Json

_CONSTANT = ("modelVersion", "responseId", "createTime", "modelStatus", "promptFeedback", "usageMetadata")
_JOINED = {"citationMetadata", "logprobsResult"}  # each frame tells more of them


def gemini_response(body: dict[str, Json]) -> dict[str, Json]:
    """The canonical form of a whole answer: nulls and pieces that say nothing are left out."""
    value = {name: item for name, item in body.items() if item is not None}
    if "candidates" in value:
        value["candidates"] = [_candidate(number, one) for number, one in enumerate(value["candidates"])]
    return value


def _candidate(number: int, candidate: dict[str, Json]) -> dict[str, Json]:
    value = {name: item for name, item in candidate.items() if item is not None and item != {}}
    value["index"] = value.get("index", number)
    content = value.pop("content", None) or {}
    parts = [_part(part) for part in content.get("parts") or []]
    parts = [part for part in parts if part not in ({"text": ""}, {"text": "", "thought": True})]
    return value | ({"content": {"parts": parts}} if parts else {})


def _part(part: dict[str, Json]) -> dict[str, Json]:
    return {name: item for name, item in part.items() if item is not None and (name, item) != ("thought", False)}


class _Fold:
    """What frames add up to."""

    def __init__(self) -> None:
        self.answer: dict[str, Json] = {}
        self._candidates: dict[int, dict[str, Json]] = {}

    def take(self, frame: dict[str, Json]) -> None:
        """Adds a frame."""
        for name, value in frame.items():
            if name != "candidates" and value is not None:
                self.answer[name] = value
        for number, candidate in enumerate(frame.get("candidates") or []):
            self._take(candidate.get("index", number), candidate)

    def close(self) -> dict[str, Json]:
        """The whole answer."""
        if self._candidates:
            self.answer["candidates"] = [self._candidates[index] for index in sorted(self._candidates)]
        return self.answer

    def _take(self, index: int, candidate: dict[str, Json]) -> None:
        folded = self._candidates.setdefault(index, {"index": index, "content": {"parts": []}})
        for part in (candidate.get("content") or {}).get("parts") or []:
            _add(folded["content"]["parts"], _part(part))
        for name, value in candidate.items():
            if name in {"content", "index"} or value in (None, {}):
                continue
            if name in _JOINED and name in folded:
                folded[name] = _joined(folded[name], value)
            else:
                folded[name] = value


def _add(parts: list[dict[str, Json]], part: dict[str, Json]) -> None:
    """A piece of words goes on with the part before it, which its signature closes."""
    words = part.keys() <= {"text", "thought", "thoughtSignature"} and "text" in part
    last = parts[-1] if parts else {}
    if words and not part["text"] and "thoughtSignature" not in part:
        return
    if words and "thoughtSignature" not in last and last.keys() == part.keys() - {"thoughtSignature"}:
        parts[-1] = {**part, "text": last["text"] + part["text"]}
    else:
        parts.append(part)


def _joined(before: dict[str, Json], more: dict[str, Json]) -> dict[str, Json]:
    joined = dict(before)
    for name, value in more.items():
        joined[name] = joined.get(name, []) + value if isinstance(value, list) else value
    return joined


def fold_gemini(frames: list[tuple[str, str]]) -> dict[str, Json]:
    """The whole answer that these frames amount to, with `error` when they failed."""
    fold = _Fold()
    for _, data in frames:
        fold.take(json.loads(data))
    return fold.close()
