"""The input of a request as messages: in the scan that has read the whole body, or item by item."""

from collections.abc import Iterable, Iterator

from msgspec import Raw

from twoapi.ir import Item, Message, Part, Text
from twoapi.ir.request import Role
from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.protocols.openai_responses.items import ROLES, ItemDecoder
from twoapi.protocols.openai_responses.known_items import UnusualError, is_message, known_item
from twoapi.wire import json
from twoapi.wire.json import EMPTY

INPUT = "/input"

# Pointers of nearly all items and of their first parts, spelled once.
_AT = tuple((f"{INPUT}/{number}", f"/{number}", f"/{number}/content/0") for number in range(1024))
_Message, _Text, _Item = Message, Text, Item
_InputText, _OutputText = wire.InputText, wire.OutputText

_Read = tuple[Role, list[Part]]


def decode_items(items: list[Raw], extras: dict[str, Raw], messages: list[Message]) -> None:
    """Items of any kind, put to the messages. Raises WireError for one that breaks the vendor's rules."""
    _gather(_read_items(items, extras), messages)


def decode_known_items(items: list[wire.AnyItem], extras: dict[str, Raw], messages: list[Message]) -> None:
    """The same for items that have been read already; raises UnusualError too."""
    _gather(_read_known(items, extras), messages)


def _gather(items: Iterable[_Read], messages: list[Message]) -> None:
    """One message for every item of anybody else, one for all items that the model wrote in a turn."""
    turn: list[Part] = []
    begin = index = -1
    for role, parts in items:
        index += 1
        if role == "assistant" and parts:
            if not turn:
                begin = index
            turn += parts
            continue
        if turn:
            messages.append(_turn(turn, begin, index))
            turn = []
        at = _AT[index][0] if index < 1024 else f"{INPUT}/{index}"
        messages.append(_Message(role, parts, at, plain_content=bool(parts) and parts[0].at == "/content"))
    if turn:
        messages.append(_turn(turn, begin, index + 1))


def _turn(parts: list[Part], begin: int, end: int) -> Message:
    """A turn of one item is at home in it, so that what is said of the whole turn has a place."""
    if end - begin > 1:
        return _Message("assistant", parts, INPUT)
    place = f"/{begin}"
    for part in parts:
        part.at = part.at.removeprefix(place)
    return _Message("assistant", parts, INPUT + place, plain_content=parts[0].at == "/content")


def _read_items(items: list[Raw], extras: dict[str, Raw]) -> Iterator[_Read]:
    decoder = ItemDecoder(INPUT, extras, answer=False)
    for index, raw in enumerate(items):
        role, parts = decoder.decode(raw, index)
        if not parts:
            _keep_of_empty(raw, f"{INPUT}/{index}", extras)
        yield role, parts


def _keep_of_empty(raw: Raw, at: str, extras: dict[str, Raw]) -> None:
    """A message without parts has nobody who could hold what its item says."""
    members = json.fields(raw)
    for name in ("id", "status", "phase"):
        if name in members and not json.is_null(members[name]):
            extras[f"{at}/{name}"] = members[name]


def _read_known(items: list[wire.AnyItem], extras: dict[str, Raw]) -> Iterator[_Read]:
    decoder = ItemDecoder(INPUT, extras, answer=False)
    parts: list[Part]
    for index, item in enumerate(items):
        kind = item.type
        if kind != "message" and kind is not None:
            yield decoder.decode_known(known_item(item, kind), index)
            continue
        role, content = ROLES.get(item.role), item.content
        if role is None or content is None or content == [] or not is_message(item):
            raise UnusualError
        full, at, first = _AT[index] if index < 1024 else (f"{INPUT}/{index}", f"/{index}", f"/{index}/content/0")
        mark = _Item(index, item.id, item.status, item.phase)
        if item.phase is not None:
            extras[full + "/phase"] = Raw(json.encode(item.phase))
        own = role == "assistant"
        if isinstance(content, str):
            parts = [_Text(text=content, at=at + "/content" if own else "/content", item=mark)]
        elif len(content) == 1 and (
            (type(part := content[0]) is _InputText and part.prompt_cache_breakpoint is None)
            or (type(part) is _OutputText and part.annotations is EMPTY and part.logprobs is EMPTY)
        ):  # nearly all are one bare text
            parts = [_Text(text=part.text, at=first if own else "/content/0", item=mark)]
        else:
            parts = decoder.decode_parts(content, index, at if own else "", mark)
        yield role, parts
