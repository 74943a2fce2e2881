"""The canonical form of a Responses answer, and what a stream of one amounts to."""

import json

from twoapi.testing.replies import Json

# What an answer says of a request that does not set it.
_SETTINGS: dict[str, Json] = {
    "background": False,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "truncation": "disabled",
}
_EMPTY_LISTS = {"annotations", "logprobs"}


def responses_response(body: dict[str, Json]) -> dict[str, Json]:
    """The canonical form of a whole answer."""
    value = {
        name: item
        for name, item in body.items()
        if item is not None and (name not in _SETTINGS or item != _SETTINGS[name])
    }
    value["output"] = [_item(item) for item in value.get("output") or []]
    return value


def _item(item: dict[str, Json]) -> dict[str, Json]:
    value = {name: member for name, member in item.items() if member is not None}
    if isinstance(value.get("content"), list):
        value["content"] = [
            {name: member for name, member in part.items() if name not in _EMPTY_LISTS or member}
            for part in value["content"]
        ]
        if not value["content"] and value.get("type") == "reasoning":
            del value["content"]
    return value


def fold_responses(frames: list[tuple[str, str]]) -> dict[str, Json]:
    """The answer of the terminal event; its items are those that came, where it repeats none."""
    answer: dict[str, Json] = {}
    done: dict[int, Json] = {}
    for _, data in frames:
        if data == "[DONE]":
            continue
        event = json.loads(data)
        kind = event.get("type", "")
        if kind == "response.output_item.done":
            done[event["output_index"]] = event["item"]
        elif isinstance(event.get("response"), dict):
            answer = {**answer, **event["response"]}
        elif kind == "error":
            answer = {**answer, "status": "failed", "error": {"code": event.get("code"), "message": event["message"]}}
    if not answer.get("output"):
        answer["output"] = [done[index] for index in sorted(done)]
    return answer
