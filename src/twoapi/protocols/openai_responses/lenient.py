"""Twins of the wire structs that pass over what they do not know."""

import types
import typing
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def lenient(kind: type[T]) -> type[T]:
    """A subclass of a struct that takes unknown fields, in itself and in the structs that its fields hold.

    Where the struct has a tag, the twin has none: whoever decodes with it knows the kind.
    """
    fields: list[tuple[str, Any, Any]] = [
        (
            field.name,
            _lenient_type(field.type),
            msgspec.field(name=field.encode_name)
            if field.required
            else msgspec.field(default=field.default, name=field.encode_name),
        )
        for field in msgspec.structs.fields(kind)
    ]
    return msgspec.defstruct(  # type: ignore[return-value]  # a subclass of `kind`, as bases says
        kind.__name__,
        fields,
        bases=(kind,),
        forbid_unknown_fields=False,
        kw_only=True,
        tag=False,
        module=kind.__module__,
    )


def _lenient_type(kind: Any) -> Any:  # noqa: ANN401  a type expression
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return lenient(kind)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return types.GenericAlias(list, _lenient_type(args[0]))
    if origin in (types.UnionType, typing.Union):
        found = [_lenient_type(arg) for arg in args]
        union = found[0]
        for one in found[1:]:
            union |= one
        return union
    return kind
