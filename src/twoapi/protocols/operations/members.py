"""The members of a JSON object, taken one by one: what nobody took is what nobody knows."""

from collections.abc import Callable

from msgspec import Raw

from twoapi.ir import Fault, FaultError
from twoapi.protocols.members import check_utf8
from twoapi.wire import json
from twoapi.wire.errors import WireError

_MOST_INPUTS = 100_000  # of one request: no vendor takes a fiftieth of it


def refuse(message: str, pointer: str | None, code: str | None = None) -> FaultError:
    """The error of a request that is wrong, or that a shape cannot carry; `pointer` into the client's body."""
    return FaultError(Fault("invalid_request", message, code=code, param=pointer))


def broken(message: str) -> FaultError:
    """The error of an upstream whose answer cannot be used."""
    return FaultError(Fault("upstream_error", message, whose="upstream"))


class Members:
    """An object of a request. Every method takes a member by its name, or by the name's spelling in snake_case when
    `spellings` says that its sender may write so; None for one that is absent or null. They raise FaultError.
    """

    __slots__ = ("_at", "_left", "_snakes")

    def __init__(self, raw: bytes | Raw, at: str = "", *, spellings: bool = False) -> None:
        if not at:
            check_utf8(bytes(raw))
        try:
            self._left = json.fields(raw)
        except WireError as error:
            raise refuse(f"expected a JSON object: {error.message}", at or None) from None
        self._at = at
        self._snakes = spellings

    def where(self, name: str) -> str:
        """The pointer of a member, as its sender spells it; to be asked before it is taken."""
        return f"{self._at}/{self._spelled(name)}"

    def raw(self, name: str) -> Raw | None:
        """A member as it is."""
        value = self._left.pop(self._spelled(name), None)
        return None if value is None or json.is_null(value) else value

    def text(self, name: str) -> str | None:
        """A string."""
        found = self._of(name, "a string", lambda value: isinstance(value, str))
        return found if isinstance(found, str) else None

    def count(self, name: str) -> int | None:
        """A whole number that is not negative."""
        found = self._of(
            name, "a whole number", lambda value: type(value) is int or (isinstance(value, float) and value % 1 == 0)
        )
        if isinstance(found, int | float):
            if found < 0:
                raise refuse("must not be negative", f"{self._at}/{name}")
            return int(found)
        return None

    def flag(self, name: str) -> bool | None:
        """True or false."""
        found = self._of(name, "true or false", lambda value: isinstance(value, bool))
        return found if isinstance(found, bool) else None

    def names(self, name: str) -> list[str] | None:
        """A list of strings."""
        found = self._of(
            name,
            "a list of strings",
            lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
        )
        return found if isinstance(found, list) else None

    def elements(self, name: str) -> list[Raw] | None:
        """The elements of a list."""
        where = self.where(name)
        value = self.raw(name)
        return None if value is None else elements(value, where)

    def rest(self) -> dict[str, Raw]:
        """Every member that was not taken, by its pointer."""
        return {f"{self._at}/{json.escape(name)}": value for name, value in self._left.items()}

    def _of(self, name: str, what: str, fits: Callable[[object], bool]) -> object:
        where = self.where(name)
        value = self.raw(name)
        if value is None:
            return None
        try:
            found: object = json.decode(value)
        except WireError as error:
            raise refuse(error.message, where) from None
        if not fits(found):
            raise refuse(f"must be {what}", where)
        return found

    def _spelled(self, name: str) -> str:
        if self._snakes and name not in self._left:
            snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
            if snake in self._left:
                return snake
        return name


def elements(value: Raw, where: str) -> list[Raw]:
    """The elements of a list of a request; raises FaultError."""
    if json.first_byte(value) != 91:
        raise refuse("must be a list", where)
    try:
        found = json.items(value)
    except WireError as error:
        raise refuse(error.message, where) from None
    if len(found) > _MOST_INPUTS:
        raise refuse(f"more than {_MOST_INPUTS} elements", where)
    return found


def with_extras(members: dict[str, object], extras: dict[str, Raw]) -> bytes:
    """An object as JSON, with what its own shape's sender wrote beside at its old places."""
    body, _ = json.insert(json.encode(members), extras)
    return body
