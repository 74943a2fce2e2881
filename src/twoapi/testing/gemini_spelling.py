"""Google's service takes every field in camelCase and in snake_case, at any depth."""

from twoapi.testing.replies import Json

# Members whose keys are the client's own data.
_FREE = {
    *("args", "response", "parametersJsonSchema", "responseJsonSchema"),
    *("partMetadata", "labels", "schema", "jsonSchema", "headers"),
}
# The vendor's own Schema objects, and their members whose keys are names of properties.
_SCHEMAS = {"parameters", "responseSchema"}
_NAMED = {"properties", "defs"}


def spelled(value: Json) -> Json:
    """The body in camelCase."""
    if isinstance(value, list):
        return [spelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, item) for name, item in _camels(value).items()}


def _member(name: str, item: Json) -> Json:
    if name in _SCHEMAS:
        return _schema(item)
    return item if name in _FREE else spelled(item)


def _schema(value: Json) -> Json:
    if isinstance(value, list):
        return [_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    free = {"default", "example", "enum", "required", "propertyOrdering"}
    return {
        name: {key: _schema(one) for key, one in item.items()}
        if name in _NAMED and isinstance(item, dict)
        else item
        if name in free
        else _schema(item)
        for name, item in _camels(value).items()
    }


def _camels(value: dict[str, Json]) -> dict[str, Json]:
    return {_camel(name): item for name, item in value.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest) if first and all(rest) and name.islower() else name
