"""The shapes of payloads as data, and what of a payload is outside its shape."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True)
class Anything:
    """A value that is not looked into."""


@dataclass(frozen=True)
class Each:
    """A list of one shape."""

    item: "Shape"


@dataclass(frozen=True)
class Members:
    """An object with these members."""

    fields: dict[str, "Shape"]


@dataclass(frozen=True)
class Tagged:
    """An object whose member `tag` says which shape it has; `other` is for a tag that is not listed (None: refused)."""

    tag: str
    shapes: dict[str, "Shape"]
    other: Union["Shape", None] = None


@dataclass(frozen=True)
class Either:
    """A list or an object, whichever the value is."""

    shapes: tuple["Shape", ...] = field(default=())


Shape = Anything | Each | Members | Tagged | Either
ANY = Anything()


def members(names: str = "", /, **shapes: Shape) -> Members:
    """An object: `names` are members of any value, separated by spaces."""
    return Members({**dict.fromkeys(names.split(), ANY), **shapes})


def undocumented(value: object, shape: Shape, at: str = "") -> Iterator[str]:
    """The JSON pointers of all members (and tagged objects) that are not documented."""
    match shape:
        case Either():
            for one in shape.shapes:
                if isinstance(value, list if isinstance(one, Each) else dict):
                    yield from undocumented(value, one, at)
        case Each() if isinstance(value, list):
            for index, item in enumerate(value):
                yield from undocumented(item, shape.item, f"{at}/{index}")
        case Tagged() if isinstance(value, dict):
            found = shape.shapes.get(str(value.get(shape.tag)), shape.other)
            yield from [f"{at}/{shape.tag}"] if found is None else undocumented(value, found, at)
        case Members() if isinstance(value, dict):
            yield from _undocumented_members(value, shape, at)


def _undocumented_members(value: dict[str, object], shape: Members, at: str) -> Iterator[str]:
    for name, child in value.items():
        pointer = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
        if name in shape.fields:
            yield from undocumented(child, shape.fields[name], pointer)
        else:
            yield pointer
