"""Google's service takes every field in camelCase and in snake_case, at any depth."""

from twoapi.testing.replies import Json

# Members whose keys are the client's own data.
_FREE = {
    *("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"),
    *("partMetadata", "labels", "schema", "jsonSchema", "headers"),
}


def spelled(value: Json) -> Json:
    """The body in camelCase."""
    if isinstance(value, list):
        return [spelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_camel(name): item for name, item in value.items()}
    return {name: item if name in _FREE else spelled(item) for name, item in named.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest) if first and all(rest) and name.islower() else name
