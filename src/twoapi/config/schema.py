"""The JSON Schemas of `twoapi.yaml` and of a catalogue file, for editors."""

from collections.abc import Mapping

import msgspec
from msgspec import inspect as mi

from twoapi.config.load import SHORTHANDS
from twoapi.config.settings import CredentialSettings, Settings
from twoapi.config.values import Address, BaseUrl, Dollars, Duration, HostPattern, Size
from twoapi.protocols.capabilities import Capabilities
from twoapi.providers import catalog
from twoapi.providers.model import Overrides, Provider
from twoapi.providers.schemes import part_names
from twoapi.wire.fit import bare
from twoapi.wire.secret import Secret

_SCALARS: Mapping[type, dict[str, object]] = {
    Address: {"type": "string", "examples": ["127.0.0.1:8000"]},
    BaseUrl: {"type": "string", "format": "uri"},
    Dollars: {"type": ["string", "number"], "examples": [2.5]},
    Duration: {"type": ["string", "integer"], "examples": ["300ms", "5s", "2m"]},
    HostPattern: {"type": "string", "examples": ["*.example.com", "10.0.0.7:8080"]},
    Secret: {"type": "string", "examples": ["${OPENAI_API_KEY}", "${file:/run/secrets/key}"]},
    Size: {"type": ["string", "integer"], "examples": ["64KiB", "32MiB"]},
}


def json_schema() -> dict[str, object]:
    """The schema of the configuration, complete and self-contained (2020-12)."""
    return _schema(Settings, "twoapi.yaml", SHORTHANDS)


def provider_schema() -> dict[str, object]:
    """The schema of a catalogue file, likewise."""
    return _schema(Provider, "a provider of the catalogue", catalog.SHORTHANDS)


def _schema(kind: type, title: str, shorthands: Mapping[type, str]) -> dict[str, object]:
    (reference,), components = msgspec.json.schema_components(
        (kind,), schema_hook=_of_own_type, ref_template="#/$defs/{name}"
    )
    definitions: dict[str, dict[str, object]] = {
        name: {**schema, "additionalProperties": False} for name, schema in components.items()
    }
    if CredentialSettings.__name__ in definitions:
        credential = definitions[CredentialSettings.__name__]["properties"]
        assert isinstance(credential, dict)  # noqa: S101  a struct's schema has them
        credential["parts"] = _parts()
    for struct, short in shorthands.items():
        if struct.__name__ in definitions:
            definitions[struct.__name__] = _with_shorthand(definitions[struct.__name__], struct, short)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **reference,
        "$defs": definitions,
    }


def _of_own_type(kind: type) -> dict[str, object]:
    if kind is Overrides:
        schema = msgspec.json.schema(Capabilities)
        properties = schema["$defs"]["Capabilities"]["properties"]
        for member in properties.values():
            member.pop("default", None)
        return {"type": "object", "properties": properties, "additionalProperties": False}
    return dict(_SCALARS[kind])


def _with_shorthand(schema: dict[str, object], struct: type, short: str) -> dict[str, object]:
    """Either the mapping or what may stand for it."""
    properties = schema["properties"]
    assert isinstance(properties, dict)  # noqa: S101  a struct's schema has them
    shapes: list[object] = [*_without_null(properties[short]), schema]
    if any(isinstance(bare(field.type), mi.VarTupleType) for field in _fields(struct) if field.encode_name == short):
        shapes.insert(0, {"type": "string"})
    return {"anyOf": shapes}


def _without_null(schema: dict[str, object]) -> list[object]:
    """What a value may be that is said."""
    choices = schema.get("anyOf")
    return [one for one in choices if one != {"type": "null"}] if isinstance(choices, list) else [schema]


def _parts() -> dict[str, object]:
    """The parts of all schemes; which of them go together is for the loader to say."""
    secret = _SCALARS[Secret]
    return {"type": "object", "properties": dict.fromkeys(part_names(), secret), "additionalProperties": False}


def _fields(struct: type) -> tuple[mi.Field, ...]:
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)  # noqa: S101  only called with one
    return info.fields
