"""The strict twin of a struct: what a sender adds that nobody here knows makes it fail, and is looked for only then."""

import functools
import operator
import types
import typing
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def strict(kind: type[T]) -> type[T]:
    """A subclass of a struct that refuses unknown fields, in itself and in the structs that its fields hold."""
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        default: Any = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory)
        elif field.required:
            default = msgspec.field()
        fields.append((field.name, _strict_type(field.type), default))
    return msgspec.defstruct(  # type: ignore[return-value]  # a subclass of `kind`, as bases says
        kind.__name__,
        fields,
        bases=(kind,),
        tag_field=kind.__struct_config__.tag_field,
        tag=kind.__struct_config__.tag,
        forbid_unknown_fields=True,
        kw_only=True,
        module=kind.__module__,
    )


def join(kinds: Iterable[type]) -> Any:  # noqa: ANN401  a type expression
    """The union of types."""
    return functools.reduce(operator.or_, kinds)


def _strict_type(kind: Any) -> Any:  # noqa: ANN401  a type expression
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return strict(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return types.GenericAlias(list, _strict_type(args[0]))
    if origin in (types.UnionType, typing.Union):
        return join(_strict_type(arg) for arg in args)
    return kind
