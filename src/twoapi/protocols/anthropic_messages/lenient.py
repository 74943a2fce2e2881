"""A body that the strict wire types refuse, made acceptable: unknown members are taken out, unknown objects wrapped."""

from collections.abc import Callable
from functools import cache

import msgspec
from msgspec import Raw
from msgspec import inspect as mi

from twoapi.protocols.anthropic_messages import schema
from twoapi.wire.errors import WireError
from twoapi.wire.json import decode, encode, escape, fields, first_byte, items

_OPAQUE = schema.OpaqueBlock


def loosen(body: bytes | Raw, kind: type) -> tuple[bytes, dict[str, Raw]]:
    """The body as `kind` (a strict struct) takes it, and what was taken out of it: JSON pointer -> verbatim value.

    Raises WireError when the body is not an object. The depth of the recursion is that of the types, not the body's.
    """
    found: dict[str, Raw] = {}
    members = fields(body)
    return bytes(_struct(members, _info(kind), "", found)), found


@cache
def _info(kind: type) -> mi.StructType:
    info = mi.type_info(kind)
    assert isinstance(info, mi.StructType)  # noqa: S101  only called with one
    return info


@cache
def _types(kind: type) -> dict[str, mi.Type]:
    return {field.encode_name: field.type for field in _info(kind).fields}


def _struct(members: dict[str, Raw], kind: mi.StructType, at: str, found: dict[str, Raw]) -> Raw:
    known = _types(kind.cls)
    kept: dict[str, Raw] = {}
    for name, value in members.items():
        pointer = f"{at}/{escape(name)}"
        if name in known:
            kept[name] = _value(value, known[name], pointer, found)
        elif name == kind.tag_field:
            kept[name] = value
        else:
            found[pointer] = value
    return Raw(encode(kept))


def _value(raw: Raw, kind: mi.Type, at: str, found: dict[str, Raw]) -> Raw:
    byte = first_byte(raw)
    if byte == 123:
        choices = kind.types if isinstance(kind, mi.UnionType) else (kind,)
        return _object(raw, [choice for choice in choices if isinstance(choice, mi.StructType)], at, found)
    if byte == 91:
        listed = _list_type(kind)
        if listed is not None:
            return _list(items(raw), listed, at, found)
    return raw


def _list(elements: list[Raw], kind: mi.Type, at: str, found: dict[str, Raw]) -> Raw:
    kept = []
    for i, element in enumerate(elements):
        if isinstance(kind, mi.StructType) and _is_strict(element, kind.cls):
            kept.append(element)  # most messages and tools hold nothing unknown: they need no second look
        else:
            kept.append(_value(element, kind, f"{at}/{i}", found))
    return Raw(encode(kept))


def _is_strict(raw: Raw, kind: type) -> bool:
    try:
        _decoder(kind)(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


@cache
def _decoder(kind: type) -> Callable[[Raw], object]:
    return msgspec.json.Decoder(kind).decode


def _list_type(kind: mi.Type) -> mi.Type | None:
    for choice in kind.types if isinstance(kind, mi.UnionType) else (kind,):
        if isinstance(choice, mi.ListType):
            return choice.item_type
    return None


def _object(raw: Raw, choices: list[mi.StructType], at: str, found: dict[str, Raw]) -> Raw:
    if not choices:
        return raw
    members = fields(raw)
    if len(choices) == 1 and choices[0].cls is schema.Tool and _name(members.get("type")) not in (None, "custom"):
        return Raw(encode({schema.WRAPPED: raw}))
    if choices[0].tag_field is None:
        return _struct(members, choices[0], at, found)
    tag = _name(members.get("type"))
    for choice in choices:
        if choice.tag == tag:
            return _struct(members, choice, at, found)
    if tag is not None and any(choice.cls is _OPAQUE for choice in choices):
        return Raw(encode({"type": schema.WRAPPED, "raw": raw}))
    return raw


def _name(raw: Raw | None) -> str | None:
    if raw is None or first_byte(raw) != 34:
        return None
    name = decode(raw)
    if name == schema.WRAPPED:
        raise WireError(f"invalid type {name!r}")
    return str(name)
