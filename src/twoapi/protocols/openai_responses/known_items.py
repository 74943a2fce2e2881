"""Items that were read with the body that they stand in, as what their types say they are."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from twoapi.protocols.openai_responses import schema_items as wire
from twoapi.wire.json import EMPTY


class UnusualError(Exception):
    """The items must be read one by one: in one of them is what only such a reading can tell."""


class _Shape(NamedTuple):
    """What an item of one type is made of. `foreign`: the members that it must not have."""

    make: Callable[..., wire.Known]
    names: tuple[str, ...]
    members: Callable[[wire.AnyItem], tuple[Any, ...]]
    foreign: Callable[[wire.AnyItem], tuple[Any, ...]]
    nothing: tuple[object, ...]
    needed: int  # how many of the first ones must be there


_ABSENT = {name: EMPTY if name == "output" else None for name in wire.AnyItem.__struct_fields__ if name != "type"}


def _shape(make: Callable[..., wire.Known], needed: tuple[str, ...], *others: str) -> _Shape:
    names = (*needed, *others)
    foreign = [name for name in _ABSENT if name not in names]
    nothing = tuple(_ABSENT[name] for name in foreign)
    return _Shape(make, names, attrgetter(*names), attrgetter(*foreign), nothing, len(needed))


_not_of_messages, _NOTHING = _shape(wire.Message, ("role", "content"), "id", "status", "phase")[3:5]
_CALL, _RESULT = ("call_id", "name"), ("call_id", "id", "status")
_SHAPES = {
    "reasoning": _shape(wire.Reasoning, (), "id", "summary", "content", "encrypted_content", "status"),
    "function_call": _shape(wire.FunctionCall, (*_CALL, "arguments"), "id", "status", "namespace"),
    "custom_tool_call": _shape(wire.CustomCall, (*_CALL, "input"), "id", "status", "namespace"),
    "function_call_output": _shape(wire.FunctionOutput, ("output",), *_RESULT),
    "custom_tool_call_output": _shape(wire.CustomOutput, ("output",), *_RESULT),
    "compaction": _shape(wire.Compaction, ("encrypted_content",), "id"),
}


def is_message(item: wire.AnyItem) -> bool:
    """True for an item that has no member but those of messages."""
    return _not_of_messages(item) == _NOTHING


def known_item(item: wire.AnyItem, kind: str) -> wire.Known:
    """The item of this type; raises UnusualError when it has other members, or not all."""
    shape = _SHAPES.get(kind)
    if shape is None or shape.foreign(item) != shape.nothing or (item.content and kind == "reasoning"):
        raise UnusualError
    members = shape.members(item)
    needed = members[: shape.needed]
    if None in needed or EMPTY in needed:
        raise UnusualError
    return shape.make(**dict(zip(shape.names, members, strict=True)))
