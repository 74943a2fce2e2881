"""An answer as a client of Responses takes it."""

from collections import defaultdict

import msgspec

from twoapi.conformance.answer import Answer, Call, Citation, Json, events, number

_TERMINAL = {"response.completed", "response.incomplete", "response.failed"}
_REQUIRED = ("id", "created_at", "model", "output", "parallel_tool_calls", "tool_choice", "tools")
# What fills a part or an item bit by bit: the event, and the member in which the whole stands at the end.
_FILLS = {
    "response.output_text.delta": ("response.output_text.done", "text"),
    "response.refusal.delta": ("response.refusal.done", "refusal"),
    "response.reasoning_summary_text.delta": ("response.reasoning_summary_text.done", "text"),
    "response.reasoning_text.delta": ("response.reasoning_text.done", "text"),
    "response.function_call_arguments.delta": ("response.function_call_arguments.done", "arguments"),
}


def whole(body: Json) -> Answer:
    """The response."""
    answer = Answer(own=body["output"])
    _response(answer, body)
    return answer


def stream(body: bytes) -> Answer:
    """The events: judged as they come; the answer is what the terminal event holds."""
    answer = Answer(own=[])
    found = events(body)
    if found.open_end:
        answer.problems.append("the last event is not ended by a blank line")
    taking = _Taking(answer)
    for frame in found.frames:
        if frame.data == "[DONE]":
            continue  # the SDK stops on it
        event = msgspec.json.decode(frame.data)
        if frame.name != event.get("type"):
            answer.problems.append(f"event line {frame.name!r} of a {event.get('type')}")
        taking.take(event)
    if taking.items:
        answer.problems.append(f"no output_item.done of item {min(taking.items)}")
    return answer


class _Taking:
    """The state of a stream: what is open, by the ids of items and the indexes of parts."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.items: dict[int, Json] = {}
        self._done: list[Json] = []
        self._parts: set[tuple[Json, ...]] = set()
        self._filled: defaultdict[tuple[Json, ...], str] = defaultdict(str)
        self._number = 0

    def take(self, event: Json) -> None:
        answer, kind = self.answer, str(event.get("type"))
        if answer.ended or answer.error is not None:
            answer.problems.append(f"{kind} follows the end")
        if event.get("sequence_number") != self._number:
            answer.problems.append(f"sequence_number {event.get('sequence_number')} at {self._number}")
        if self._number == 0 and kind not in ("response.created", "error"):
            answer.problems.append(f"the stream begins with {kind}")
        self._number += 1
        if kind in _TERMINAL:
            self._end(event["response"])
        elif kind == "error":
            answer.error = str(event.get("message") or event)
        elif kind.startswith("response.output_item."):
            self._item(kind, event)
        else:
            self._part(kind, event)

    def _item(self, kind: str, event: Json) -> None:
        index = event["output_index"]
        if kind.endswith("added"):
            if index != len(self.items) + len(self._done):
                self.answer.problems.append(f"output_index {index} of item {len(self.items) + len(self._done)}")
            self.items[index] = event["item"]
        elif self.items.pop(index, None) is None:
            self.answer.problems.append(f"output_item.done of {index} without added")
        else:
            self._done.append(event["item"])

    def _part(self, kind: str, event: Json) -> None:
        if "item_id" not in event:
            return
        open_item = self.items.get(event["output_index"])
        if open_item is None or open_item.get("id") != event["item_id"]:
            self.answer.problems.append(f"{kind} of an item that is not open")
        place = (event["item_id"], event.get("content_index"), event.get("summary_index"))
        if kind.endswith("_part.added"):
            self._parts.add(place)
        elif kind.endswith("_part.done"):
            self._parts.discard(place)
        elif kind in _FILLS:
            self._fill(place, kind, event["delta"])
        for done, member in _FILLS.values():
            if kind == done and event.get(member) != self._filled.pop((*place, done), ""):
                self.answer.problems.append(f"{kind} is not the sum of its deltas")

    def _fill(self, place: tuple[Json, ...], kind: str, delta: str) -> None:
        if (place[1] is not None or place[2] is not None) and place not in self._parts:
            self.answer.problems.append(f"{kind} of a part that was not added")
        self._filled[(*place, _FILLS[kind][0])] += delta

    def _end(self, response: Json) -> None:
        _response(self.answer, response)
        self.answer.own = response["output"]
        if self.answer.ended and [_essence(one) for one in response["output"]] != [_essence(one) for one in self._done]:
            self.answer.problems.append("the terminal output is not what was streamed")
        if self.answer.ended and self._filled:
            self.answer.problems.append("deltas without their done event")


def _essence(item: Json) -> Json:
    return {name: value for name, value in item.items() if name != "status"}


def _response(answer: Answer, body: Json) -> None:
    status = body.get("status")
    if status == "failed":
        answer.error = str((body.get("error") or {}).get("message"))
        return
    missing = [name for name in _REQUIRED if name not in body]
    if body.get("object") != "response" or missing:
        answer.problems.append(f"not a response object: {', '.join(missing) or 'object'}")
    answer.stop = str(status)
    if status == "incomplete":
        answer.stop = f"incomplete: {(body.get('incomplete_details') or {}).get('reason')}"
    elif status != "completed":
        answer.problems.append(f"status {status!r}")
    answer.ended = True
    for item in body["output"]:
        _output(answer, item)
    if isinstance(body.get("usage"), dict):
        _used(answer, body["usage"])


def _output(answer: Answer, item: Json) -> None:
    match item["type"]:
        case "message":
            for part in item["content"]:
                _content(answer, part)
        case "reasoning":
            if not isinstance(item.get("summary"), list):
                answer.problems.append("a reasoning item without summary")
            parts = [*(item.get("summary") or []), *(item.get("content") or [])]
            answer.reasoning += "".join(part["text"] for part in parts)
            if item.get("encrypted_content"):
                answer.opaque.append(item["encrypted_content"])
        case "function_call":
            if not item.get("call_id"):
                answer.problems.append("a call without call_id")
            call = Call(id=item.get("call_id") or "", name=item["name"], arguments=item["arguments"])
            answer.calls.append(call)
        case _:
            pass  # further kinds of items are the client's to ignore


def _content(answer: Answer, part: Json) -> None:
    if part["type"] == "refusal":
        answer.refusal += part["refusal"]
        return
    answer.text += part["text"]
    if "annotations" not in part:
        answer.problems.append("output_text without annotations")
    for one in part.get("annotations") or []:
        if one["type"] == "url_citation":
            passage = part["text"][one["start_index"] : one["end_index"]]
            answer.cited.append(Citation(url=one["url"], title=one.get("title") or "", passage=passage))


def _used(answer: Answer, usage: Json) -> None:
    answer.used = {
        "input": number(usage, "input_tokens"),
        "cached": number(usage, "input_tokens_details", "cached_tokens"),
        "written": number(usage, "input_tokens_details", "cache_write_tokens"),
        "output": number(usage, "output_tokens"),
        "reasoning": number(usage, "output_tokens_details", "reasoning_tokens"),
    }
    total = number(usage, "total_tokens")
    if total != (answer.used["input"] or 0) + (answer.used["output"] or 0):
        answer.problems.append("total_tokens is not the sum")
