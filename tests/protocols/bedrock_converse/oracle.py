"""The vendor's own service model as the judge: it reads a body, validates what it read, and writes it again."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.parsers  # type: ignore[import-untyped]
import botocore.serialize  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

Json = Any


@cache
def operation(name: str = "Converse") -> Any:
    return botocore.session.get_session().get_service_model("bedrock-runtime").operation_model(name)


@cache
def _serializer() -> Any:
    return botocore.serialize.create_serializer("rest-json", include_validation=False)


def params(body: Json, model: str = "m") -> Json:
    """What a client would have passed to send this body."""
    parser = botocore.parsers.create_parser("rest-json")
    return {**parser._parse_shape(operation().input_shape, body), "modelId": model}


def serialized(given: Json, name: str = "Converse") -> tuple[str, Json]:
    """Path and body that the vendor's client sends."""
    made = _serializer().serialize_to_request(given, operation(name))
    return made["url_path"], json.loads(made["body"])


def problems(body: Json, model: str = "m") -> list[str]:
    """What the service model has against a body; [] for a good one."""
    given = params(body, model)
    report = ParamValidator().validate(given, operation().input_shape)
    found = [report.generate_report()] if report.has_errors() else []
    return found + list(_beyond(given, operation().input_shape, ""))


def _beyond(value: Json, shape: Any, at: str) -> Iterator[str]:
    """Enumerations, patterns, most lengths and unions, which the vendor's validator leaves to the service."""
    if getattr(shape, "is_document_type", False):
        return
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{at}: {sorted(value)} in a union"
    for name, child, inner in _children(value, shape):
        yield from _beyond(child, inner, f"{at}/{name}")
    most = shape.metadata.get("max")
    if most is not None and (value if shape.type_name in ("integer", "float") else len(value)) > most:
        yield f"{at}: more than {most}"
    if shape.type_name == "string":
        yield from _text(value, shape, at)


def _children(value: Json, shape: Any) -> Iterator[tuple[str, Json, Any]]:
    if shape.type_name == "structure":
        yield from ((name, child, shape.members[name]) for name, child in value.items())
    elif shape.type_name == "list":
        yield from ((str(number), child, shape.member) for number, child in enumerate(value))
    elif shape.type_name == "map":
        yield from ((key, key, shape.key) for key in value)
        yield from ((key, child, shape.value) for key, child in value.items())


def _text(value: str, shape: Any, at: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{at}: {value!r} is none of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{at}: {value!r} does not match {pattern}"
