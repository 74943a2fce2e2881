"""A body that the strict wire types refuse, made acceptable: snake_case respelled, unknown members taken out.

Only bodies that need it come here; one in camelCase with known members alone is never looked at twice.
"""

from collections.abc import Callable
from functools import cache

import msgspec
from msgspec import Raw
from msgspec import inspect as mi

from twoapi.wire.errors import WireError
from twoapi.wire.json import encode, escape, fields, first_byte, items, unescape

# Members whose value is the client's own: the keys in it are data.
FREE = frozenset(
    (
        "args",
        "response",
        "parameters",
        "parametersJsonSchema",
        "responseJsonSchema",
        "responseSchema",
        "partMetadata",
        "labels",
        "schema",
        "jsonSchema",
        "headers",
    )
)
_DEEPEST = 24  # options of the vendor's are nested less; below this depth they are kept as they are


def camel(name: str) -> str:
    """snake_case as camelCase; any other name as it is."""
    if "_" not in name:
        return name
    first, *rest = name.split("_")
    if not (first and all(rest) and name.islower()):
        return name
    return first + "".join(word[0].upper() + word[1:] for word in rest)


class Loosened(msgspec.Struct):
    """A body that strict types take. `extras`: what was taken out, by JSON pointer in the client's spelling.

    `spelled`: JSON pointer in camelCase -> the client's spelling of its last token, where that is another.
    """

    body: bytes
    extras: dict[str, Raw]
    spelled: dict[str, str]

    def client(self, pointer: str) -> str:
        """A pointer in camelCase as one into the body that the client sent."""
        if not self.spelled or not pointer:
            return pointer
        at = found = ""
        for token in pointer.split("/")[1:]:
            at += "/" + token
            found += "/" + self.spelled.get(at, token)
        return found


def loosen(body: bytes | Raw, kind: type) -> Loosened:
    """The body as `kind` (a strict struct) takes it. Raises WireError when it is not an object.

    The depth of the recursion is that of the types, not the body's.
    """
    work = _Loosening()
    made = work.struct(fields(body), _info(kind), "", "")
    return Loosened(bytes(made), work.extras, work.spelled)


def upstream_pointer(pointer: str, known: frozenset[str]) -> str:
    """A pointer of `extras` in camelCase; its last token stays the client's unless camelCase makes it a `known` one."""
    *parents, last = pointer.split("/")
    respelled = camel(unescape(last))
    return "/".join([*map(camel, parents), respelled if respelled in known else last])


@cache
def _info(kind: type) -> mi.StructType:
    info = mi.type_info(kind)
    assert isinstance(info, mi.StructType)  # noqa: S101  only called with one
    return info


@cache
def _types(kind: type) -> dict[str, mi.Type]:
    return {field.encode_name: field.type for field in _info(kind).fields}


@cache
def _decoder(kind: type) -> Callable[[Raw], object]:
    return msgspec.json.Decoder(kind).decode


class _Loosening:
    __slots__ = ("extras", "spelled")

    def __init__(self) -> None:
        self.extras: dict[str, Raw] = {}
        self.spelled: dict[str, str] = {}

    def struct(self, members: dict[str, Raw], kind: mi.StructType, at: str, client: str) -> Raw:
        """The members that the type knows; `at` is the place in camelCase, `client` in the client's spelling."""
        known = _types(kind.cls)
        kept: dict[str, Raw] = {}
        for given, value in members.items():
            name = given if given in known else camel(given)
            if name not in known:
                self.extras[f"{client}/{escape(given)}"] = value
                continue
            if name in kept:
                raise WireError(f"{name!r} is given in two spellings", f"{client}/{escape(given)}")
            if name != given:
                self.spelled[f"{at}/{name}"] = given
            kept[name] = self._value(value, known[name], name, f"{at}/{name}", f"{client}/{given}")
        return Raw(encode(kept))

    def _value(self, raw: Raw, kind: mi.Type, name: str, at: str, client: str) -> Raw:
        byte = first_byte(raw)
        if isinstance(kind, mi.RawType):
            return raw if name in FREE or byte not in (91, 123) else respelled(raw, at=at, spelled=self.spelled)
        for choice in kind.types if isinstance(kind, mi.UnionType) else (kind,):
            if byte == 123 and isinstance(choice, mi.StructType):
                return self.struct(fields(raw), choice, at, client)
            if byte == 91 and isinstance(choice, mi.ListType):
                return self._list(items(raw), choice.item_type, name, at, client)
        return raw

    def _list(self, elements: list[Raw], kind: mi.Type, name: str, at: str, client: str) -> Raw:
        kept = []
        for i, element in enumerate(elements):
            if isinstance(kind, mi.StructType) and _is_strict(element, kind.cls):
                kept.append(element)  # most contents and tools need no second look
            else:
                kept.append(self._value(element, kind, name, f"{at}/{i}", f"{client}/{i}"))
        return Raw(encode(kept))


def _is_strict(raw: Raw, kind: type) -> bool:
    try:
        _decoder(kind)(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def respelled(raw: Raw, depth: int = _DEEPEST, at: str = "", spelled: dict[str, str] | None = None) -> Raw:
    """Options of the vendor's with every key in camelCase, but for what is the client's own data.

    `spelled` is given the keys that were others, by their places below `at`.
    """
    if depth == 0 or b"_" not in bytes(raw):
        return raw
    byte = first_byte(raw)
    if byte == 123:
        members: dict[str, Raw] = {}
        for given, value in fields(raw).items():
            name = camel(given)
            if spelled is not None and name != given:
                spelled[f"{at}/{name}"] = given
            members[name] = value if name in FREE else respelled(value, depth - 1, f"{at}/{name}", spelled)
        return Raw(encode(members))
    if byte == 91:
        found = [respelled(item, depth - 1, f"{at}/{i}", spelled) for i, item in enumerate(items(raw))]
        return Raw(encode(found))
    return raw
