"""A YAML tree to typed values: every problem at once, each with its place and what was probably meant."""

import difflib
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect as mi

from twoapi.wire.yaml import MappingNode, Node, Path, Place, Problem, ScalarNode, SequenceNode, core_value, place_of

T = TypeVar("T")


class Broken:
    """Stands for a value that has a problem; the problem is already noted."""


BROKEN: Final = Broken()


class Expansion(msgspec.Struct, frozen=True):
    """The text of a scalar with its references resolved, or why that failed."""

    text: str
    problem: str = ""


class Fitter:
    """Fits the nodes of one file to types, collecting `problems` and remembering the `places` of what it read.

    `readers`: types with a reading of their own. `shorthands`: struct -> the field that a value other than a mapping
    stands for. `expand` resolves the references in a scalar's text. No message repeats a scalar's text.
    """

    def __init__(
        self,
        file: str,
        readers: Mapping[type, "Reader"] | None = None,
        shorthands: Mapping[type, str] | None = None,
        expand: Callable[[str], Expansion] | None = None,
    ) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.places: dict[Path, Place] = {}
        self._readers = readers or {}
        self._shorthands = shorthands or {}
        self._expand = expand

    def fit(self, node: Node, kind: type[T], path: Path = ()) -> T | Broken:
        """The node as a value of this type."""
        value = self._fit(node, mi.type_info(kind), path)
        if isinstance(value, Broken):
            return value
        assert isinstance(value, kind)  # noqa: S101  what _fit makes of this type
        return value

    def text(self, node: Node, path: Path, expected: str) -> str | Broken:
        """The text of a scalar with its references resolved."""
        if not isinstance(node, ScalarNode) or (not node.style and core_value(node.value) is None):
            return self._unexpected(node, path, expected)
        text: str = node.value
        if self._expand is None or "${" not in text:
            return text
        expansion = self._expand(text)
        if expansion.problem:
            return self.wrong(node, path, expansion.problem)
        return expansion.text

    def wrong(self, node: Node, path: Path, message: str) -> Broken:
        """Notes a problem."""
        self.problems.append(Problem(self.file, place_of(node), path, message))
        return BROKEN

    def _fit(self, node: Node, kind: mi.Type, path: Path) -> object:
        self.places[path] = place_of(node)
        return _BY_TYPE[type(kind)](self, node, kind, path)

    def _struct(self, node: Node, kind: mi.StructType, path: Path) -> object:
        reader = self._readers.get(kind.cls)
        if reader is not None:
            return reader(self, node, path)
        known = {field.encode_name: field for field in kind.fields}
        if not isinstance(node, MappingNode):
            short = self._shorthands.get(kind.cls)
            if short is None:
                return self._unexpected(node, path, "a mapping")
            value = self._short(node, known[short].type, path)
            return BROKEN if isinstance(value, Broken) else self._make(kind.cls, {short: value}, node, path)
        values: dict[str, object] = {}
        broken = False
        for name, (key, child) in self._members(node, path).items():
            field = known.get(name)
            if field is None:
                self.wrong(key, (*path, name), f"unknown key{_hint(name, known)}")
                continue
            value = self._fit(child, field.type, (*path, name))
            broken = broken or isinstance(value, Broken)
            values[field.name] = value
        missing = [field.encode_name for field in kind.fields if field.required and field.name not in values]
        if missing:
            self.wrong(node, path, f"needs {' and '.join(missing)}")
        return BROKEN if broken or missing else self._make(kind.cls, values, node, path)

    def _make(self, cls: type, values: dict[str, object], node: Node, path: Path) -> object:
        try:
            return cls(**values)
        except ValueError as error:  # what a __post_init__ refuses
            return self.wrong(node, path, str(error))

    def _short(self, node: Node, kind: mi.Type, path: Path) -> object:
        """A value that stands for a whole struct; one scalar stands for a list of it."""
        kind = bare(kind)
        if isinstance(kind, mi.VarTupleType) and isinstance(node, ScalarNode):
            value = self._fit(node, kind.item_type, (*path, 0))
            return value if isinstance(value, Broken) else (value,)
        return self._fit(node, kind, path)

    def _members(self, node: MappingNode, path: Path) -> dict[str, tuple[Node, Node]]:
        members: dict[str, tuple[Node, Node]] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self.wrong(key, path, "a key must be text")
            elif key.value == "<<" and not key.style:
                self.wrong(key, (*path, "<<"), "merge keys are not part of YAML 1.2; write the keys out")
            elif key.value in members:
                first = place_of(members[key.value][0])
                self.wrong(key, (*path, key.value), f"the key stands twice; the first is in line {first.line}")
            else:
                members[key.value] = (key, child)
        return members

    def _dict(self, node: Node, kind: mi.DictType, path: Path) -> object:
        if not isinstance(node, MappingNode):
            return self._unexpected(node, path, "a mapping")
        value_type = kind.value_type
        members = self._members(node, path)
        values = {name: self._fit(child, value_type, (*path, name)) for name, (_, child) in members.items()}
        return BROKEN if any(isinstance(value, Broken) for value in values.values()) else values

    def _tuple(self, node: Node, kind: mi.VarTupleType, path: Path) -> object:
        if not isinstance(node, SequenceNode):
            return self._unexpected(node, path, "a list")
        values = tuple(self._fit(child, kind.item_type, (*path, index)) for index, child in enumerate(node.value))
        return BROKEN if any(isinstance(value, Broken) for value in values) else values

    def _row(self, node: Node, kind: mi.TupleType, path: Path) -> object:
        """A list of a known length."""
        length = len(kind.item_types)
        if not isinstance(node, SequenceNode) or len(node.value) != length:
            return self._unexpected(node, path, f"a list of {length}")
        items = zip(node.value, kind.item_types, strict=True)
        values = tuple(self._fit(child, item, (*path, index)) for index, (child, item) in enumerate(items))
        return BROKEN if any(isinstance(value, Broken) for value in values) else values

    def _union(self, node: Node, kind: mi.UnionType, path: Path) -> object:
        is_null = isinstance(node, ScalarNode) and not node.style and core_value(node.value) is None
        members = [member for member in kind.types if not isinstance(member, mi.NoneType)]
        if is_null and len(members) < len(kind.types):
            return None
        if len(members) == 1:
            return self._fit(node, members[0], path)
        wanted = _MAPPINGS if isinstance(node, MappingNode) else _LISTS if isinstance(node, SequenceNode) else _SCALARS
        for member in members:
            if isinstance(member, wanted) and _takes(node, member):
                return self._fit(node, member, path)
        for member in members:
            if isinstance(member, mi.StructType) and member.cls in self._shorthands:
                return self._fit(node, member, path)
        return self._unexpected(node, path, " or ".join(map(_describe, members)))

    def _str(self, node: Node, kind: mi.StrType, path: Path) -> object:
        text = self.text(node, path, "text")
        if isinstance(text, Broken) or not isinstance(node, ScalarNode):
            return BROKEN
        if not node.style and not isinstance(core_value(node.value), str):
            return self.wrong(node, path, f"expected text, found {_describe_scalar(node)}; put it in quotes")
        if kind.min_length is not None and len(text) < kind.min_length:
            return self.wrong(node, path, "must not be empty")
        return text

    def _number(self, node: Node, kind: mi.IntType | mi.FloatType, path: Path) -> object:
        expected = _describe(kind)
        text = self.text(node, path, expected)
        if isinstance(text, Broken) or not isinstance(node, ScalarNode):
            return BROKEN
        value = core_value(text) if not node.style or text != node.value else text
        if isinstance(kind, mi.FloatType) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not (int if isinstance(kind, mi.IntType) else float):
            return self._unexpected(node, path, expected)
        low, high = kind.ge, kind.le
        if (low is not None and value < low) or (high is not None and value > high):
            return self.wrong(node, path, f"expected {expected}")
        return value

    def _bool(self, node: Node, kind: mi.BoolType, path: Path) -> object:
        expected = _describe(kind)
        text = self.text(node, path, expected)
        if isinstance(text, Broken) or not isinstance(node, ScalarNode):
            return BROKEN
        value = core_value(text) if not node.style or text != node.value else text
        return value if isinstance(value, bool) else self._unexpected(node, path, expected)

    def _literal(self, node: Node, kind: mi.LiteralType, path: Path) -> object:
        text = self.text(node, path, _describe(kind))
        if isinstance(text, Broken) or text in kind.values:
            return text
        return self.wrong(node, path, f"expected {_describe(kind)}{_hint(text, map(str, kind.values))}")

    def _custom(self, node: Node, kind: mi.CustomType, path: Path) -> object:
        return self._readers[kind.cls](self, node, path)

    def _annotated(self, node: Node, kind: mi.Metadata, path: Path) -> object:
        return self._fit(node, kind.type, path)

    def _unexpected(self, node: Node, path: Path, expected: str) -> Broken:
        return self.wrong(node, path, f"expected {expected}, found {_found(node)}")


Reader = Callable[[Fitter, Node, Path], object]


def bare(kind: mi.Type) -> mi.Type:
    """A type without what is said of it."""
    return bare(kind.type) if isinstance(kind, mi.Metadata) else kind


def scalar_reader(parse: Callable[[str], object], expected: str) -> Reader:
    """The reading of a type that is written as one scalar. `parse` raises ValueError with what is wrong and how to
    mend it, without repeating the text.
    """

    def read(fitter: Fitter, node: Node, path: Path) -> object:
        text = fitter.text(node, path, expected)
        if isinstance(text, Broken):
            return text
        try:
            return parse(text)
        except ValueError as error:
            return fitter.wrong(node, path, str(error))

    return read


def partial_reader(struct: type, make: Callable[[dict[str, object]], object]) -> Reader:
    """The reading of a mapping with some of a struct's fields: only those that are said, each of its own type."""

    def read(fitter: Fitter, node: Node, path: Path) -> object:
        if not isinstance(node, MappingNode):
            return fitter._unexpected(node, path, "a mapping")  # noqa: SLF001  a part of the fitter
        known = _struct_types(struct)
        values: dict[str, object] = {}
        for name, (key, child) in fitter._members(node, path).items():  # noqa: SLF001
            if name in known:
                values[name] = fitter._fit(child, known[name], (*path, name))  # noqa: SLF001
            else:
                fitter.wrong(key, (*path, name), f"unknown key{_hint(name, known)}")
        return BROKEN if any(isinstance(value, Broken) for value in values.values()) else make(values)

    return read


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return close[0] if close else None


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    meant = did_you_mean(name, names)
    if meant is not None:
        return f"; did you mean {meant!r}?"
    return f"; known: {', '.join(names)}"


def _takes(node: Node, kind: mi.Type) -> bool:
    """True when a member of a union is the one that a scalar is written for."""
    value = core_value(node.value) if isinstance(node, ScalarNode) and not node.style else ""
    match kind:
        case mi.BoolType():
            return isinstance(value, bool)
        case mi.IntType() | mi.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case mi.StrType():
            return isinstance(value, str)
        case _:
            return True


def _found(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return _describe_scalar(node)


def _describe_scalar(node: Node) -> str:
    value = core_value(node.value) if isinstance(node, ScalarNode) and not node.style else ""
    match value:
        case None:
            return "nothing"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text"


def _describe(kind: mi.Type) -> str:
    match kind:
        case mi.IntType() | mi.FloatType():
            noun = "a whole number" if isinstance(kind, mi.IntType) else "a number"
            low = f" from {kind.ge}" if kind.ge is not None else ""
            return noun + low + (f" to {kind.le}" if kind.le is not None else "")
        case mi.LiteralType():
            return " or ".join(map(str, kind.values))
        case mi.Metadata():
            return _describe(kind.type)
        case _:
            return _NAMES.get(type(kind), "a value")


_NAMES: dict[type, str] = {
    mi.StrType: "text",
    mi.BoolType: "true or false",
    mi.StructType: "a mapping",
    mi.DictType: "a mapping",
    mi.VarTupleType: "a list",
    mi.TupleType: "a list",
}
_MAPPINGS = (mi.StructType, mi.DictType)
_LISTS = (mi.VarTupleType, mi.TupleType)
_SCALARS = (mi.StrType, mi.IntType, mi.FloatType, mi.BoolType, mi.LiteralType, mi.CustomType)

_BY_TYPE: dict[type, Callable[[Fitter, Node, Any, Path], object]] = {
    mi.StructType: Fitter._struct,  # noqa: SLF001  the class's own table
    mi.DictType: Fitter._dict,  # noqa: SLF001
    mi.VarTupleType: Fitter._tuple,  # noqa: SLF001
    mi.TupleType: Fitter._row,  # noqa: SLF001
    mi.UnionType: Fitter._union,  # noqa: SLF001
    mi.StrType: Fitter._str,  # noqa: SLF001
    mi.IntType: Fitter._number,  # noqa: SLF001
    mi.FloatType: Fitter._number,  # noqa: SLF001
    mi.BoolType: Fitter._bool,  # noqa: SLF001
    mi.LiteralType: Fitter._literal,  # noqa: SLF001
    mi.CustomType: Fitter._custom,  # noqa: SLF001
    mi.Metadata: Fitter._annotated,  # noqa: SLF001
}


@cache
def _struct_types(struct: Hashable) -> dict[str, mi.Type]:
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)  # noqa: S101  only called with one
    return {field.encode_name: field.type for field in info.fields}
