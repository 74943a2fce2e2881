"""The vendor's Schema, a reduced OpenAPI form, as JSON Schema: what its clients declare, for everybody else.

Every instance that the Schema allows is allowed by the JSON Schema. Nothing is lost but hints (the order of
properties becomes their order).
"""

from msgspec import Raw

from twoapi.protocols.gemini.spelling import camel
from twoapi.wire.errors import WireError
from twoapi.wire.json import decode, encode, fields, first_byte, items

_DEEPEST = 200
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_NUMBERS = {"integer": int, "number": float}
_STRING, _LIST, _OBJECT = 34, 91, 123
_NULL = Raw(b"null")
_NULL_TYPE = Raw(b'{"type":"null"}')
_DEFS = "#/defs/"


def to_json_schema(schema: Raw) -> Raw:
    """The same as JSON Schema; raises WireError when it is no object, or nested deeper than 200."""
    return _node(schema, _DEEPEST)


def _node(raw: Raw, depth: int) -> Raw:
    if depth == 0:
        raise WireError("a schema is nested too deeply")
    if first_byte(raw) != _OBJECT:
        if bytes(raw) in (b"true", b"false"):
            return raw  # `additionalProperties: false`
        raise WireError("a schema must be an object")
    node = {camel(name): value for name, value in fields(raw).items()}
    made: dict[str, Raw] = {}
    for name, value in node.items():
        if name in _COUNTS:
            made[name] = _number(value)
        elif name in _INNER:
            made["$defs" if name == "defs" else name] = _inner(name, value, node, depth)
        elif name not in _TRANSLATED:
            made[name] = value
    _put_type(node, made)
    if "ref" in node:
        made["$ref"] = _reference(node["ref"])
    if "example" in node:
        made["examples"] = Raw(encode([node["example"]]))
    return _nullable(made) if bytes(node.get("nullable", b"")) == b"true" else Raw(encode(made))


_TRANSLATED = frozenset(("type", "nullable", "propertyOrdering", "ref", "example"))
_INNER = frozenset(("items", "additionalProperties", "anyOf", "properties", "defs", "$defs"))


def _inner(name: str, value: Raw, node: dict[str, Raw], depth: int) -> Raw:
    """The schemas inside of one."""
    if name == "properties":
        return _properties(value, node.get("propertyOrdering"), depth)
    if name == "anyOf":
        return Raw(encode([_node(item, depth - 1) for item in items(value)]))
    if name in ("defs", "$defs"):
        return Raw(encode({key: _node(item, depth - 1) for key, item in fields(value).items()}))
    return _node(value, depth - 1)


def _properties(raw: Raw, order: Raw | None, depth: int) -> Raw:
    properties = fields(raw)
    if order is not None and first_byte(order) == _LIST:
        names = [name for item in items(order) if first_byte(item) == _STRING and (name := decode(item)) in properties]
        properties = {name: properties[name] for name in dict.fromkeys([*names, *properties])}
    return Raw(encode({name: _node(value, depth - 1) for name, value in properties.items()}))


def _put_type(node: dict[str, Raw], made: dict[str, Raw]) -> None:
    given = node.get("type")
    if given is None:
        return
    if first_byte(given) != _STRING:
        made["type"] = given  # a list, as JSON Schema has it
        return
    kind = str(decode(given)).lower()
    if kind == "type_unspecified":
        return
    made["type"] = Raw(encode(kind))
    if kind in _NUMBERS and "enum" in made and first_byte(made["enum"]) == _LIST:
        made["enum"] = Raw(encode([_number(item) for item in items(made["enum"])]))


def _number(raw: Raw) -> Raw:
    """A number, also one that is written as a string, as int64 is."""
    if first_byte(raw) != _STRING:
        return raw
    text = str(decode(raw)).encode()
    try:
        float(text)
        decode(text)
    except (ValueError, WireError):
        return raw
    return Raw(text)


def _reference(raw: Raw) -> Raw:
    name = decode(raw)
    return Raw(encode("#/$defs/" + name.removeprefix(_DEFS))) if str(name).startswith(_DEFS) else raw


def _nullable(made: dict[str, Raw]) -> Raw:
    """The schema, or null."""
    kind = made.get("type")
    if kind is not None and first_byte(kind) == _STRING and "$ref" not in made and "anyOf" not in made:
        made["type"] = Raw(encode([kind, "null"]))
        if "enum" in made and first_byte(made["enum"]) == _LIST:
            allowed = items(made["enum"])
            made["enum"] = Raw(encode(allowed if _NULL in allowed else [*allowed, _NULL]))
        return Raw(encode(made))
    said = {name: made.pop(name) for name in ("title", "description", "default") if name in made}
    if list(made) == ["anyOf"]:
        return Raw(encode({**said, "anyOf": [*items(made["anyOf"]), _NULL_TYPE]}))
    return Raw(encode({**said, "anyOf": [made, _NULL_TYPE]}))
