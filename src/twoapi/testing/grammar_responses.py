"""Which bytes a client of the Responses protocol may be sent: an independent checker of whole streams."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from twoapi.testing.replies import Json

_REQUIRED = {"id", "object", "created_at", "status", "model", "output", "parallel_tool_calls", "tool_choice", "tools"}
_COUNTS = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens")
# Item type -> what it begins with.
_EMPTY: dict[str, dict[str, Json]] = {
    "message": {"status": "in_progress", "role": "assistant", "content": []},
    "reasoning": {"summary": []},
    "function_call": {"status": "in_progress", "arguments": ""},
    "custom_tool_call": {"input": ""},
}
# Type of a part -> the event of its text, and the member that holds the text.
_TEXTS = {
    "output_text": ("output_text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning_text", "text"),
    "summary_text": ("reasoning_summary_text", "text"),
}
_BODIES = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}


@dataclass
class _Part:
    kind: str
    text: str = ""
    said: bool = False  # its text is complete
    done: bool = False
    annotations: list[Json] = field(default_factory=list)
    whole: Json = None


@dataclass
class _Item:
    item: dict[str, Json]
    content: list[_Part] = field(default_factory=list)
    summary: list[_Part] = field(default_factory=list)
    body: str = ""
    said: bool = False
    whole: Json = None


class ResponsesWalker:
    """created, in_progress, items (several may be open), one terminal event that repeats everything."""

    def __init__(self, found: list[str]) -> None:
        self.ended = False
        self._found = found
        self._count = 0
        self._state = "idle"
        self._id = ""
        self._items: list[_Item] = []

    def take(self, name: str, data: str) -> None:
        """The next event."""
        if self.ended:
            self._problem("something follows the end")
        try:
            event = json.loads(data)
        except ValueError as error:
            self._problem(f"not JSON: {error}")
            return
        if event.get("type") != name:
            self._problem(f"the event line says {name!r}")
        if event.get("sequence_number") != self._count:
            self._problem(f"event {event.get('sequence_number')} comes as number {self._count}")
        self._count += 1
        short = name.removeprefix("response.")
        if short in {"created", "in_progress"}:
            self._lifecycle(short, event)
        elif short in {"completed", "incomplete", "failed"}:
            self._terminal(short, event)
        elif self._state != "in_progress":
            self._problem(f"{name} before the answer is in progress")
        elif short.startswith("output_item."):
            self._item_event(short, event)
        else:
            self._inside(short, event)

    def _problem(self, text: str) -> None:
        self._found.append(text)

    # --- the answer

    def _lifecycle(self, short: str, event: dict[str, Json]) -> None:
        if self._state != {"created": "idle", "in_progress": "created"}[short]:
            self._problem(f"{short} in state {self._state!r}")
        self._state = short
        response = self._response(event, "in_progress")
        if response.get("output") != []:
            self._problem("the answer begins with output")

    def _response(self, event: dict[str, Json], status: str) -> dict[str, Json]:
        response: dict[str, Json] = event.get("response") or {}
        missing = _REQUIRED - response.keys()
        if missing:
            self._problem(f"the response has no {sorted(missing)}")
        self._id = self._id or str(response.get("id"))
        if response.get("id") != self._id:
            self._problem("the id of the response changes")
        if response.get("status") != status:
            self._problem(f"the status is {response.get('status')!r}, not {status!r}")
        return response

    def _terminal(self, short: str, event: dict[str, Json]) -> None:
        self.ended = True
        if self._state != "in_progress":
            self._problem(f"{short} in state {self._state!r}")
        response = self._response(event, short)
        error = response.get("error")
        if short == "failed":
            if not isinstance(error, dict) or not (error.get("code") and isinstance(error.get("message"), str)):
                self._problem("a failed response says why: code and message")
            return
        if error is not None:
            self._problem("an error in an answer that did not fail")
        if short == "incomplete" and "incomplete_details" not in response:
            self._problem("an incomplete answer without its details")
        if any(item.whole is None for item in self._items):
            self._problem("an item that is not done")
        if response.get("output") != [item.whole for item in self._items]:
            self._problem("the output is not that of the items")
        usage = response.get("usage")
        if usage is not None and not all(name in usage for name in _COUNTS):
            self._problem("usage without its counts")

    # --- items

    def _item_event(self, short: str, event: dict[str, Json]) -> None:
        item = event.get("item") or {}
        if short == "output_item.added":
            self._begin(event.get("output_index"), item)
            return
        found = self._item(event)
        if found is None:
            return
        if found.whole is not None:
            self._problem("an item is done twice")
        for name in ("id", "type", "call_id", "name", "namespace"):
            if found.item.get(name) != item.get(name):
                self._problem(f"the {name} of an item changes")
        found.whole = item
        self._compare(found, item)

    def _begin(self, index: Json, item: dict[str, Json]) -> None:
        if index != len(self._items):
            self._problem(f"item {index} comes as number {len(self._items)}")
        for name, value in _EMPTY.get(str(item.get("type")), {}).items():
            if item.get(name, value) != value:
                self._problem(f"a {item.get('type')} begins with {name} {value!r}")
        if not item.get("type") or (item["type"] in _EMPTY and not item.get("id")):
            self._problem("an item without type or id")
        if any(other.item.get("id") == item.get("id") is not None for other in self._items):
            self._problem("two items have one id")
        self._items.append(_Item(item))

    def _compare(self, found: _Item, item: dict[str, Json]) -> None:
        """The item that is done against what has been said of it."""
        kind = item.get("type")
        for name, parts in (("content", found.content), ("summary", found.summary)):
            if not all(part.done for part in parts):
                self._problem("an item is done while a part is open")
            if kind in {"message", "reasoning"} and (item.get(name) or []) != [part.whole for part in parts]:
                self._problem(f"the {name} of the item is not that of its parts")
        if kind in _BODIES:
            if not found.said:
                self._problem("a call is done before its arguments are")
            if item.get(_BODIES[kind][1]) != found.body:
                self._problem("the arguments are not those of the deltas")

    def _item(self, event: dict[str, Json]) -> _Item | None:
        index = event.get("output_index")
        if not isinstance(index, int) or not 0 <= index < len(self._items):
            self._problem(f"there is no item {index}")
            return None
        item = self._items[index]
        if "item_id" in event and event["item_id"] != item.item.get("id"):
            self._problem("item_id is not that of the item")
        return item

    # --- parts

    def _inside(self, short: str, event: dict[str, Json]) -> None:
        item = self._item(event)
        if item is None:
            return
        if item.whole is not None:
            self._problem("something comes for an item that is done")
        if "item_id" not in event:
            self._problem("an event without item_id")
        steps: dict[str, Callable[[_Item, dict[str, Json]], None]] = {
            "content_part.added": self._added,
            "reasoning_summary_part.added": self._added,
            "content_part.done": self._done,
            "reasoning_summary_part.done": self._done,
            "output_text.annotation.added": self._annotation,
        }
        step = steps.get(short)
        if step is not None:
            step(item, event)
            return
        stem, _, what = short.rpartition(".")
        if stem == item.item.get("type") not in _EMPTY:
            return  # what a tool of the vendor's is at
        if stem == _BODIES.get(str(item.item.get("type")), ("",))[0]:
            self._body(item, what, event)
        else:
            self._text(item, stem, what, event)

    def _part(self, item: _Item, event: dict[str, Json]) -> _Part | None:
        parts = item.summary if "summary_index" in event else item.content
        number = event.get("summary_index", event.get("content_index"))
        if not isinstance(number, int) or not 0 <= number < len(parts):
            self._problem(f"there is no part {number}")
            return None
        if parts[number].done:
            self._problem("something comes for a part that is done")
        return parts[number]

    def _added(self, item: _Item, event: dict[str, Json]) -> None:
        parts = item.summary if "summary_index" in event else item.content
        number = event.get("summary_index", event.get("content_index"))
        if number != len(parts):
            self._problem(f"part {number} comes as number {len(parts)}")
        part = event.get("part") or {}
        kind = str(part.get("type"))
        if kind in _TEXTS and part.get(_TEXTS[kind][1]) != "":
            self._problem("a part begins with text")
        parts.append(_Part(kind, said=kind not in _TEXTS))

    def _done(self, item: _Item, event: dict[str, Json]) -> None:
        part = self._part(item, event)
        if part is None:
            return
        whole = event.get("part") or {}
        if not part.said:
            self._problem("a part is done before its text is")
        if whole.get("type") != part.kind:
            self._problem("the type of a part changes")
        if part.kind in _TEXTS and whole.get(_TEXTS[part.kind][1]) != part.text:
            self._problem("the text of a part is not that of its deltas")
        if whole.get("annotations", []) != part.annotations:
            self._problem("the annotations of a part are not those that came")
        part.whole, part.done = whole, True

    def _annotation(self, item: _Item, event: dict[str, Json]) -> None:
        part = self._part(item, event)
        if part is None:
            return
        if event.get("annotation_index") != len(part.annotations):
            self._problem("the annotations are not numbered in order")
        part.annotations.append(event.get("annotation"))

    def _text(self, item: _Item, stem: str, what: str, event: dict[str, Json]) -> None:
        part = self._part(item, event)
        if part is None:
            return
        wanted, member = _TEXTS.get(part.kind, ("", ""))
        if stem != wanted or what not in {"delta", "done"}:
            self._problem(f"{stem}.{what} for a part of type {part.kind}")
        elif part.said:
            self._problem("a text goes on after its end")
        elif what == "delta":
            part.text += event["delta"]
        else:
            part.said = True
            if event.get(member) != part.text:
                self._problem("the whole text is not that of the deltas")
        if stem == "output_text" and not isinstance(event.get("logprobs"), list):
            self._problem("a text event without logprobs")

    def _body(self, item: _Item, what: str, event: dict[str, Json]) -> None:
        member = _BODIES[item.item["type"]][1]
        if item.said:
            self._problem("arguments go on after their end")
        elif what == "delta":
            item.body += event["delta"]
        else:
            item.said = True
            if event.get(member) != item.body:
                self._problem("the whole arguments are not those of the deltas")
