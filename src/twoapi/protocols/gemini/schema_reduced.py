"""JSON Schema as the vendor's reduced Schema, for upstreams that take nothing else.

What is valid stays valid: a keyword that the Schema does not have is left out, never guessed, and reported.
"""

from collections.abc import Callable
from typing import Any

from twoapi.wire.errors import WireError
from twoapi.wire.json import decode, escape, unescape

Lose = Callable[[str, str], None]  # pointer in the schema, what was lost
Node = dict[str, Any]

_DEEPEST = 100
_MOST = 5000  # schemas that references may grow to
_TYPES = {
    "string": "STRING",
    "number": "NUMBER",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "array": "ARRAY",
    "object": "OBJECT",
    "null": "NULL",
}
_FORMATS = {
    "STRING": {"enum", "date-time"},
    "NUMBER": {"float", "double"},
    "INTEGER": {"int32", "int64"},
}
# Keywords that the Schema has for each type.
_OF_TYPE = {
    "STRING": ("minLength", "maxLength", "pattern"),
    "NUMBER": ("minimum", "maximum"),
    "INTEGER": ("minimum", "maximum"),
    "ARRAY": ("minItems", "maxItems"),
    "OBJECT": ("minProperties", "maxProperties"),
}
_SAID = ("title", "description", "default")
# Keywords that say nothing of what is valid.
_SILENT = frozenset(("$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "defs"))
_HANDLED = frozenset(
    (
        "type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "format", "nullable", "properties", "required",
        "items", "additionalProperties", "exclusiveMinimum", "exclusiveMaximum", "propertyOrdering", "example",
    )
)  # fmt: skip
_ANY_KINDS = ("STRING", "NUMBER", "BOOLEAN", "OBJECT", "ARRAY")
# What tells the type of a schema that does not say it.
_HINTS = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "minItems": "array",
    "maxItems": "array",
    "pattern": "string",
    "minLength": "string",
    "maxLength": "string",
    "minimum": "number",
    "maximum": "number",
}
_KNOWN = frozenset((*_HANDLED, *_SILENT, *_SAID, *_HINTS, "minProperties", "maxProperties"))


def to_schema(raw: bytes, lose: Lose) -> Node:
    """The Schema; `lose` is called for every reduction with its pointer in `raw`. Raises WireError."""
    root = decode(raw)
    if not isinstance(root, dict):
        raise WireError("a schema must be an object")
    return _Reduction(root, lose).node(root, "", (), _DEEPEST)


class _Reduction:
    __slots__ = ("_left", "_lose", "_root")

    def __init__(self, root: Node, lose: Lose) -> None:
        self._root = root
        self._lose = lose
        self._left = _MOST

    def node(self, schema: object, at: str, refs: tuple[str, ...], depth: int) -> Node:
        """One schema. `refs` are the references that led here."""
        self._left -= 1
        if depth == 0 or self._left <= 0:
            self._lose(at, "a schema this deep or large is cut: anything is valid here")
            return self._anything()
        if not isinstance(schema, dict):
            if schema is not True:
                self._lose(at, "a schema that nothing fits is left out")
            return self._any_reported(at)
        if "$ref" in schema:
            return self._referred(schema, at, refs, depth)
        if "allOf" in schema:
            schema = self._merged(schema, at, refs)
        for word in schema:
            if word not in _KNOWN:
                self._lose(f"{at}/{escape(word)}", f"{word} does not exist here")
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list) and schema[word]:
                return self._choice(schema, word, at, refs, depth)
        return self._typed(schema, at, refs, depth)

    def _anything(self) -> Node:
        kinds: list[Node] = [{"type": kind} for kind in _ANY_KINDS]
        kinds[-1]["items"] = {"type": "STRING"}
        return {"anyOf": kinds, "nullable": True}

    def _any_reported(self, at: str) -> Node:
        self._lose(at, "a schema without a type: lists in it are of strings")
        return self._anything()

    def _referred(self, schema: Node, at: str, refs: tuple[str, ...], depth: int) -> Node:
        reference = str(schema["$ref"])
        target = self._resolved(reference)
        if target is None:
            self._lose(f"{at}/$ref", f"{reference!r} leads nowhere")
            return self._anything()
        if reference in refs:
            self._lose(f"{at}/$ref", "a recursive schema is cut: it is an object of any kind")
            kind = target.get("type") if isinstance(target, dict) else None
            return {"type": "OBJECT"} if kind == "object" else self._anything()
        for word in schema:
            if word not in (*_SAID, "$ref") and word not in _SILENT:
                self._lose(f"{at}/{escape(word)}", f"{word} beside a reference")
        made = self.node(target, reference[1:], (*refs, reference), depth - 1)
        return {**made, **{word: schema[word] for word in _SAID if word in schema}}

    def _resolved(self, reference: str) -> object | None:
        if not reference.startswith("#"):
            return None
        found: object = self._root
        for token in reference[1:].split("/")[1:]:
            name = unescape(token)
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found

    def _merged(self, schema: Node, at: str, refs: tuple[str, ...]) -> Node:
        """All members of `allOf` as one schema; where two say different things of one word, the first is kept."""
        made = {word: _copied(value) for word, value in schema.items() if word != "allOf"}
        waiting = [(f"{at}/allOf/{i}", member, refs) for i, member in reversed(list(enumerate(_list(schema["allOf"]))))]
        while waiting:
            place, member, path = waiting.pop()
            reference = member.get("$ref") if isinstance(member, dict) else None
            if not isinstance(member, dict) or (reference is not None and reference in path):
                self._lose(place, "this member of allOf is left out")
                continue
            if reference is not None:
                waiting.append((str(reference)[1:], self._resolved(str(reference)), (*path, str(reference))))
            inner = _list(member.get("allOf"))
            waiting += [(f"{place}/allOf/{i}", one, path) for i, one in reversed(list(enumerate(inner)))]
            for word, value in member.items():
                if word not in ("allOf", "$ref"):
                    self._merge_word(made, word, value, place)
        return made

    def _merge_word(self, made: Node, word: str, value: object, place: str) -> None:
        old = made.get(word)
        if word not in made:
            made[word] = _copied(value)
        elif word == "properties" and isinstance(old, dict) and isinstance(value, dict):
            for name, inner in value.items():
                if old.setdefault(name, inner) != inner:
                    self._lose(f"{place}/properties/{escape(name)}", "twice in allOf: the first is kept")
        elif word == "required" and isinstance(old, list) and isinstance(value, list):
            made[word] = list(dict.fromkeys([*old, *value]))
        elif old != value and word not in _SAID:
            self._lose(f"{place}/{escape(word)}", f"{word} twice in allOf: the first is kept")

    def _choice(self, schema: Node, word: str, at: str, refs: tuple[str, ...], depth: int) -> Node:
        """One of several; null among them is `nullable`."""
        if word == "oneOf":
            self._lose(f"{at}/oneOf", "oneOf is anyOf here")
        said = {name: schema[name] for name in _SAID if name in schema}
        members = [(f"{at}/{word}/{i}", member) for i, member in enumerate(schema[word])]
        some = [(place, member) for place, member in members if not _is_null(member)]
        nullable = len(some) < len(members)
        for other in schema:
            if other not in (word, "nullable", *_SAID) and other not in _SILENT and other in {*_HANDLED, *_HINTS}:
                self._lose(f"{at}/{escape(other)}", f"{other} beside {word}")
        if not some:
            return {**said, "type": "NULL"}
        made = [self.node(member, place, refs, depth - 1) for place, member in some]
        result = made[0] if len(made) == 1 else {"anyOf": made}
        return {**result, **said, **({"nullable": True} if nullable or schema.get("nullable") is True else {})}

    def _typed(self, schema: Node, at: str, refs: tuple[str, ...], depth: int) -> Node:
        kinds, nullable = self._kinds(schema, at)
        said = {name: schema[name] for name in _SAID if name in schema}
        if not kinds:
            return {**self._any_reported(at), **said} if not nullable else {**said, "type": "NULL"}
        made = [self._of_kind(schema, kind, at, refs, depth) for kind in kinds]
        result = made[0] if len(made) == 1 else {"anyOf": made}
        return {**result, **said, **({"nullable": True} if nullable else {})}

    def _kinds(self, schema: Node, at: str) -> tuple[list[str], bool]:
        """The types, without null, and whether null is one of them."""
        given = schema.get("type")
        values = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
        if given is None:
            found = {_type_of(value) for value in values} or {next((_HINTS[w] for w in schema if w in _HINTS), "")}
            if not values and "" not in found:
                self._lose(at, "a schema without a type has the one that its keywords are for")
            given = sorted(found - {""})
        names = [given] if isinstance(given, str) else [name for name in _list(given) if isinstance(name, str)]
        if len(values) and None not in values:
            names = [name for name in names if name != "null"]
        kinds = [_TYPES[name.lower()] for name in names if name.lower() in _TYPES]
        nullable = "NULL" in kinds or schema.get("nullable") is True
        return [kind for kind in dict.fromkeys(kinds) if kind != "NULL"], nullable

    def _of_kind(self, schema: Node, kind: str, at: str, refs: tuple[str, ...], depth: int) -> Node:
        made: Node = {"type": kind}
        self._put_values(schema, kind, made, at)
        form = schema.get("format")
        if form is not None:
            if form in _FORMATS.get(kind, ()):
                made["format"] = form
            else:
                self._lose(f"{at}/format", f"format {form!r} does not exist here")
        for word in _OF_TYPE.get(kind, ()):
            if word in schema:
                made[word] = schema[word]
        if kind in ("NUMBER", "INTEGER"):
            self._put_exclusive(schema, kind, made, at)
        elif kind == "ARRAY":
            self._put_items(schema, made, at, refs, depth)
        elif kind == "OBJECT":
            self._put_properties(schema, made, at, refs, depth)
        return made

    def _put_values(self, schema: Node, kind: str, made: Node, at: str) -> None:
        word = "const" if "const" in schema else "enum"
        if word not in schema:
            return
        values = [schema["const"]] if word == "const" else _list(schema["enum"])
        texts = [value for value in values if isinstance(value, str)]
        if kind == "STRING" and texts:
            made["enum"] = texts
        elif any(value is not None for value in values):
            self._lose(f"{at}/{word}", "only strings can be listed here")

    def _put_exclusive(self, schema: Node, kind: str, made: Node, at: str) -> None:
        for word, limit, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
            value = schema.get(word)
            if isinstance(value, bool) or not isinstance(value, int | float):
                if word in schema:
                    self._lose(f"{at}/{word}", f"{word} does not exist here")
                continue
            bound: float = value
            if kind == "INTEGER" and float(value).is_integer():
                bound = int(value) + step
            else:
                self._lose(f"{at}/{word}", f"{word} is {limit} here")
            old = made.get(limit)
            pick = max if limit == "minimum" else min
            made[limit] = bound if old is None else pick(old, bound)

    def _put_items(self, schema: Node, made: Node, at: str, refs: tuple[str, ...], depth: int) -> None:
        if isinstance(schema.get("items"), dict):
            made["items"] = self.node(schema["items"], f"{at}/items", refs, depth - 1)
            return
        self._lose(f"{at}/items" if "items" in schema else at, "a list must say of what: it is of strings")
        made["items"] = {"type": "STRING"}

    def _put_properties(self, schema: Node, made: Node, at: str, refs: tuple[str, ...], depth: int) -> None:
        properties = schema.get("properties")
        if "additionalProperties" in schema:
            self._lose(f"{at}/additionalProperties", "additionalProperties does not exist here")
        required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
        if isinstance(properties, dict) and properties:
            made["properties"] = {
                name: self.node(inner, f"{at}/properties/{escape(name)}", refs, depth - 1)
                for name, inner in properties.items()
            }
            if len(properties) > 1:
                made["propertyOrdering"] = list(properties)
        known = [name for name in required if name in made.get("properties", ())]
        if known:
            made["required"] = known
        if len(known) < len(required):
            self._lose(f"{at}/required", "only what is described can be required")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_null(member: object) -> bool:
    return isinstance(member, dict) and (member.get("type") == "null" or member.get("const", 0) is None)


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _copied(value: object) -> object:
    return dict(value) if isinstance(value, dict) else value
