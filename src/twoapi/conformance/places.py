"""Where things stand in a body, and whether a loss report names the place."""

from collections.abc import Iterator
from typing import Any

import msgspec

Json = Any  # a parsed JSON document

# What a whole conversation or answer lies in: a loss of all of it is not a report of one thing in it.
_EVERYTHING = {"", "/messages", "/input", "/contents", "/content", "/output", "/choices", "/candidates"}


class Key(msgspec.Struct, frozen=True):
    """A place that is known by the name of its member."""

    name: str


# A place is known by what stands there: a text that holds this one, a number, or a member of this name.
Mark = str | int | float | Key


def places(body: Json, mark: Mark) -> list[str]:
    """The JSON pointers of all that a mark fits, in the order of the document."""
    return list(_places(body, mark, ""))


def covers(path: str, pointer: str) -> bool:
    """Whether a loss at `path` speaks of the place `pointer`: it is the same, within it, or around it."""
    if path == pointer or path.startswith(pointer + "/"):
        return True
    return path not in _EVERYTHING and pointer.startswith(path + "/")


def _places(body: Json, mark: Mark, at: str) -> Iterator[str]:
    if isinstance(body, dict):
        for name, value in body.items():
            pointer = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if isinstance(mark, Key) and name == mark.name:
                yield pointer
            else:
                yield from _places(value, mark, pointer)
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from _places(value, mark, f"{at}/{index}")
    elif _fits(body, mark):
        yield at


def _fits(value: Json, mark: Mark) -> bool:
    if isinstance(value, bool) or isinstance(mark, Key):
        return False
    if isinstance(mark, str):
        return isinstance(value, str) and mark in value
    return bool(value == mark)
