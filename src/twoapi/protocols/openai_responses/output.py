"""The output items of an answer as parts, with everything that the request's encoder changed changed back."""

import msgspec
from msgspec import Raw

from twoapi.ir import Item, Opaque, Origin, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Unknown
from twoapi.protocols.base import Restore
from twoapi.protocols.free_text import unwrap_custom
from twoapi.protocols.openai_responses.items import ROLES, ItemDecoder
from twoapi.protocols.openai_responses.known_items import UnusualError, is_message, known_item
from twoapi.protocols.openai_responses.name import NAME
from twoapi.protocols.openai_responses.schema_items import AnyItem, OutputText
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.json import EMPTY

_EMPTY_LIST, _EMPTY_TEXT = Raw(b"[]"), Raw(b'""')
_NONE = (EMPTY, _EMPTY_LIST)
_decode_str = msgspec.json.Decoder(str).decode


def bare_text(items: list[AnyItem]) -> Text | None:
    """The text of an answer that is one message with one bare text, as nearly all are; None for any other."""
    if len(items) != 1 or (item := items[0]).type != "message" or item.phase or item.role != "assistant":
        return None
    content = item.content
    if type(content) is not list or len(content) != 1 or type(part := content[0]) is not OutputText:
        return None
    if part.annotations not in _NONE or part.logprobs not in _NONE or not is_message(item):
        return None
    mark = Item(0, item.id, item.status, item.phase)
    return Text(text=_decode_str(part.text), at="/output/0/content/0", item=mark)


class OutputDecoder:
    """Reads the output items of one answer. What the model does not hold goes to `extras`."""

    __slots__ = ("_items", "_restore")

    def __init__(self, extras: dict[str, Raw], restore: Restore) -> None:
        self._items = ItemDecoder("/output", extras, answer=True)
        self._restore = restore

    def decode(self, raw: Raw, index: int) -> list[Part]:
        """The parts of one item, `at` from the answer's root. Raises WireError when it cannot be read."""
        try:
            _, parts = self._items.decode(raw, index)
        except WireError:
            _, parts = self._items.decode(_mended(raw), index)
        return [self._restored(part, raw) for part in parts]

    def decode_known(self, item: AnyItem, index: int) -> list[Part]:
        """The same for an item that has been read already. Raises UnusualError too."""
        kind = item.type
        if kind == "message":
            content = item.content
            if type(content) is not list or item.role not in ROLES or not is_message(item):
                raise UnusualError
            mark = Item(index, item.id, item.status, item.phase)
            parts = self._items.decode_parts(content, index, f"/{index}", mark)
        elif kind is None:
            raise UnusualError
        else:
            role, parts = self._items.decode_known(known_item(item, kind), index)
            if role != "assistant":
                raise UnusualError
        return [self._restored(part, EMPTY) for part in parts]

    def _restored(self, part: Part, raw: Raw) -> Part:
        part.at = "/output" + part.at
        if isinstance(part, Text | Refusal | Reasoning):
            # Decoded here, where a wrong spelling is the upstream's.
            if type(part.text) is not str:
                part.text = str(json.decode(part.text))
            if part.item is not None and part.item.phase:
                part.opaque = (phase_of(part.item.phase),)
        elif isinstance(part, ToolCall):
            self.restore_call(part)
            if part.name in self._restore.custom and part.kind == "function":
                part.kind, part.arguments = "custom", unwrap_custom(part.arguments)
            part.complete = part.item is None or part.item.status != "incomplete"
        elif isinstance(part, ToolResult):
            kind = "custom_tool_call_output" if part.kind == "custom" else "function_call_output"
            return Unknown(protocol=NAME, type=kind, raw=raw, at=part.at, item=part.item)
        return part

    def restore_call(self, call: ToolCall) -> None:
        """Gives a call the client's id and name back."""
        call.name = self._restore.names.get(call.name, call.name)
        call.id = self._restore.call_ids.get(call.id, call.id)


def phase_of(word: str) -> Opaque:
    """Where in its work the model said a text, as state that others carry."""
    return Opaque("phase", word, Origin(NAME))


def _mended(raw: Raw) -> Raw:
    """An item with the members that careless servers leave out, or send in another form."""
    members = json.fields(raw)
    kind = members.get("type")
    word = "" if kind is None else bytes(kind)
    if word == b'"message"' or kind is None:
        members.setdefault("role", Raw(b'"assistant"'))
        if json.is_null(members.get("content", json.EMPTY)):
            members["content"] = _EMPTY_LIST
    elif word in (b'"function_call"', b'"custom_tool_call"'):
        body = "input" if word == b'"custom_tool_call"' else "arguments"
        written = members.get(body, json.EMPTY)
        if json.is_null(written):
            members[body] = _EMPTY_TEXT
        elif json.first_byte(written) == 123:
            members[body] = Raw(json.encode(bytes(written).decode("utf-8", "replace")))
        if json.first_byte(members.get("call_id", json.EMPTY)) != 34:
            members["call_id"] = members.get("id", _EMPTY_TEXT)
    for name in [name for name, value in members.items() if json.is_null(value)]:
        del members[name]
    return Raw(json.encode(members))
