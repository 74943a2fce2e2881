"""Says why a value is not valid under a JSON Schema: the second opinion on made-up arguments."""

import math
from typing import Any

_TYPES: dict[str, Any] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and isinstance(value, int | float) and value == int(value),
}
_BOUNDS: dict[str, Any] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
    "multipleOf": lambda value, unit: math.isclose(value / unit, round(value / unit)),
}
_SIZES: dict[type, tuple[str, str]] = {
    str: ("minLength", "maxLength"),
    list: ("minItems", "maxItems"),
    dict: ("minProperties", "maxProperties"),
}


def problems(value: Any, schema: Any, root: Any = None, at: str = "$") -> list[str]:
    root = schema if root is None else root
    if isinstance(schema, bool):
        return [] if schema else [f"{at}: nothing is allowed here"]
    found: list[str] = []
    if "$ref" in schema:
        target = root
        for token in schema["$ref"].split("/")[1:]:
            target = target[token]
        found += problems(value, target, root, at)
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} not in {schema['enum']!r}")
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        found.append(f"{at}: {value!r} is no {kinds}")
    for part in schema.get("allOf", []):
        found += problems(value, part, root, at)
    if "anyOf" in schema and all(problems(value, part, root, at) for part in schema["anyOf"]):
        found.append(f"{at}: {value!r} fits none of anyOf")
    if isinstance(value, int | float) and not isinstance(value, bool):
        found += [
            f"{at}: {value} {name}"
            for name, holds in _BOUNDS.items()
            if name in schema and not holds(value, schema[name])
        ]
    return found + _size(value, schema, at) + _members(value, schema, root, at)


def _size(value: Any, schema: Any, at: str) -> list[str]:
    if type(value) not in _SIZES:
        return []
    least, most = _SIZES[type(value)]
    fits = schema.get(least, 0) <= len(value) <= schema.get(most, math.inf)
    return [] if fits else [f"{at}: {len(value)} is not a legal size"]


def _members(value: Any, schema: Any, root: Any, at: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{at}: needs {name}" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            found += problems(member, known.get(name, schema.get("additionalProperties", True)), root, f"{at}.{name}")
    if isinstance(value, list):
        prefix = schema.get("prefixItems", [])
        for index, element in enumerate(value):
            part = prefix[index] if index < len(prefix) else schema.get("items", True)
            found += problems(element, part, root, f"{at}[{index}]")
        if schema.get("uniqueItems") and any(element in value[:index] for index, element in enumerate(value)):
            found.append(f"{at}: elements repeat")
    return found
