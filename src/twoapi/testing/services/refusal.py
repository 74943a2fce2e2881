"""How a fake looks at a request: strictly, member by member."""

from collections.abc import Mapping
from typing import Any

Json = Any  # a parsed JSON document
Kinds = Mapping[str, type | tuple[type, ...]]  # the types of members by their names


class RefusedError(Exception):
    """The vendor would answer with an error of this status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def members(
    body: Json, needed: Mapping[str, type | tuple[type, ...]], known: Mapping[str, type | tuple[type, ...]]
) -> Json:
    """The body; raises RefusedError when a needed member is missing, one is unknown, or one of another type."""
    if not isinstance(body, dict):
        raise RefusedError("the body must be an object")
    for name in needed:
        if name not in body:
            raise RefusedError(f"{name} is required")
    types = {**needed, **known}
    for name, value in body.items():
        if name not in types:
            raise RefusedError(f"unknown member {name}")
        kinds = types[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in _listed(kinds)):
            raise RefusedError(f"{name} has the wrong type")
    return body


def one_of(value: Json, *words: str) -> Json:
    """The value; raises RefusedError when it is none of these."""
    if value not in words:
        raise RefusedError(f"{value!r} is none of {', '.join(words)}")
    return value


def texts(value: Json, name: str) -> list[str]:
    """A list of strings that is not empty, none of which is."""
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise RefusedError(f"{name} must be strings")
    return value


def _listed(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)
