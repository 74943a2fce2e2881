"""A value that fits a JSON Schema: the same one every time, no larger than it must be."""

import math
from collections.abc import Callable, Mapping

_DEEPEST = 24  # a schema that requires more of itself than this has no finite value worth making
_MOST = 5000  # values in all: a small schema can ask for very many
_LONGEST = 256  # characters of a text, elements of a list

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_FORMATS: Mapping[str, str] = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "PT1M",
    "email": "demo@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/demo",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/demo",
    "regex": "demo",
}


def example(schema: Json) -> Json:
    """A value that is valid under the schema, as far as types, constants, bounds, formats and references tell.

    Patterns and negations are not solved: where a schema has them, its own `examples` or `default` are used if given.
    """
    return _Example(schema).of(schema, 0)


class _Example:
    """One schema document, for its references."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._budget = _MOST

    def of(self, schema: Json, depth: int) -> Json:
        if not isinstance(schema, dict) or depth > _DEEPEST or self._budget <= 0:
            return {} if isinstance(schema, bool) else None
        self._budget -= 1
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        enum = schema.get("enum")
        if isinstance(enum, list) and enum:
            return enum[0]
        given = schema.get("examples")
        if "pattern" in schema and isinstance(given, list) and given:
            return given[0]
        if "pattern" in schema and "default" in schema:
            return schema["default"]
        return self._of_type(_type_of(schema), schema, depth)

    def _of_type(self, kind: str, schema: dict[str, Json], depth: int) -> Json:
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return _string(schema)
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "boolean":
                return True
            case _:
                return None

    def _resolved(self, schema: dict[str, Json], depth: int) -> dict[str, Json]:
        """The schema with its reference, `allOf` and the first branch of `anyOf` and `oneOf` merged in."""
        merged = {name: value for name, value in schema.items() if name not in _APPLIED}
        parts: list[Json] = []
        reference = schema.get("$ref")
        if isinstance(reference, str):
            parts.append(self._at(reference))
        every = schema.get("allOf")
        if isinstance(every, list):
            parts += every
        for name in ("anyOf", "oneOf"):
            branches = schema.get(name)
            if isinstance(branches, list) and branches:
                parts.append(_simplest(branches))
        for part in parts:
            if isinstance(part, dict) and depth < _DEEPEST and self._budget > 0:
                self._budget -= 1
                merged = _both(merged, self._resolved(part, depth + 1))
        return merged

    def _at(self, reference: str) -> Json:
        """What a reference within the document points to; {} when it leads out of it or nowhere."""
        if not reference.startswith("#"):
            return {}
        value = self._root
        for token in reference[1:].split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return {}
        return value

    def _object(self, schema: dict[str, Json], depth: int) -> Json:
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        if not names and depth == 0:
            names = list(known)[:_LONGEST]  # nothing is required: show what there is
        rest = schema.get("additionalProperties", True)
        members: dict[str, Json] = {name: self.of(known.get(name, rest), depth + 1) for name in names}
        for name in list(known)[: _bounded(schema.get("minProperties"))]:
            if len(members) < _bounded(schema.get("minProperties")) and name not in members:
                members[name] = self.of(known[name], depth + 1)
        while len(members) < _bounded(schema.get("minProperties")):
            members[f"demo{len(members)}"] = self.of(rest, depth + 1)
        return dict(members)

    def _array(self, schema: dict[str, Json], depth: int) -> Json:
        first = schema.get("prefixItems")
        prefix = first if isinstance(first, list) else []
        items = schema.get("items", {})
        least = _bounded(schema.get("minItems"))
        elements = [self.of(prefix[n] if n < len(prefix) else items, depth + 1) for n in range(least)]
        return self._distinct(elements, items) if schema.get("uniqueItems") is True else list(elements)

    def _distinct(self, elements: list[Json], items: Json) -> Json:
        """The elements, with repeated ones replaced as far as an enumeration or their type allows."""
        resolved = self._resolved(items, 1) if isinstance(items, dict) else {}
        choices = resolved.get("enum")
        distinct: list[Json] = []
        for number, element in enumerate(elements):
            if element not in distinct:
                distinct.append(element)
            elif isinstance(choices, list) and number < len(choices):
                distinct.append(choices[number])
            elif isinstance(element, str):
                distinct.append(f"{element}{number}")
            elif isinstance(element, int | float) and not isinstance(element, bool):
                distinct.append(element + number)
            else:
                distinct.append(element)
        return list(distinct)


_APPLIED = frozenset({"$ref", "allOf", "anyOf", "oneOf"})


def _both(first: dict[str, Json], second: dict[str, Json]) -> dict[str, Json]:
    """Two schemas that must hold together, as one."""
    merged = {**first, **second}
    for name in ("properties", "$defs", "definitions"):
        left, right = first.get(name), second.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            merged[name] = {**left, **right}
    left, right = first.get("required"), second.get("required")
    if isinstance(left, list) and isinstance(right, list):
        merged["required"] = [*left, *(name for name in right if name not in left)]
    for name, stricter in _STRICTER.items():
        one, other = first.get(name), second.get(name)
        if isinstance(one, int | float) and isinstance(other, int | float):
            merged[name] = stricter(one, other)
    return merged


_STRICTER: Mapping[str, Callable[[float, float], float]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def _simplest(branches: list[Json]) -> Json:
    """The first branch that refers to nothing, so that recursion ends where it can; rather no null, and a scalar."""
    final = [branch for branch in branches if isinstance(branch, dict) and "$ref" not in branch]
    plain = [branch for branch in final if branch.get("type") != "null"]
    scalars = [branch for branch in plain if _type_of(branch) not in {"object", "array"}]
    return (scalars or plain or final or branches)[0]


def _type_of(schema: dict[str, Json]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    return next((kind for name, kind in _TELLING.items() if name in schema), "string")


_TELLING: Mapping[str, str] = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minimum": "number",
    "maximum": "number",
}


def _string(schema: dict[str, Json]) -> str:
    form = schema.get("format")
    text = _FORMATS.get(form, "demo") if isinstance(form, str) else "demo"
    least = _bounded(schema.get("minLength"))
    while len(text) < least:
        text += " demo"
    most = schema.get("maxLength")
    longest = max(least, int(most)) if isinstance(most, int | float) else None
    return text[:longest] if len(text) > (longest if longest is not None else len(text)) else text


def _number(schema: dict[str, Json], *, whole: bool) -> int | float:
    low, high = _bound(schema, "minimum", "exclusiveMinimum"), _bound(schema, "maximum", "exclusiveMaximum")
    step = schema.get("multipleOf")
    unit: float = step if isinstance(step, int | float) and step > 0 else 1
    if whole and unit < 1:
        unit = 1
    value: float = 1 if unit == 1 else unit
    if low is not None and value <= low:
        value = math.ceil(low / unit) * unit
        if value == low and schema.get("exclusiveMinimum") == low:
            value += unit
    if high is not None and value >= high:
        value = math.floor(high / unit) * unit
        if value == high and schema.get("exclusiveMaximum") == high:
            value -= unit
    if not whole and low is not None and high is not None and not low <= value <= high:
        value = (low + high) / 2
    return int(value) if whole or float(value).is_integer() else value


def _bound(schema: dict[str, Json], *names: str) -> float | None:
    values = (schema.get(name) for name in names)
    bounds = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if not bounds:
        return None
    return max(bounds) if names[0] == "minimum" else min(bounds)


def _bounded(least: Json) -> int:
    return min(int(least), _LONGEST) if isinstance(least, int | float) and least > 0 else 0
