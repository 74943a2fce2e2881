"""The subset of JSON Schema that OpenAI's strict mode takes."""

from twoapi.ir import Schema
from twoapi.wire import json
from twoapi.wire.errors import WireError

# Members whose values are data, or maps of names, not schemas.
_VALUES = frozenset({"properties", "enum", "const", "default", "examples", "required"})


def conforms(schema: Schema) -> bool:
    """True when a schema is in the strict subset: closed objects, all of whose properties are required."""
    try:
        root = json.decode(schema.raw)
    except WireError:
        return False
    if not isinstance(root, dict) or root.get("type") != "object":
        return False
    waiting: list[object] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            properties = node.get("properties")
            if node.get("type") == "object" or isinstance(properties, dict):
                names = set(properties) if isinstance(properties, dict) else set()
                if node.get("additionalProperties") is not False or _names(node.get("required")) != names:
                    return False
            if isinstance(properties, dict):
                waiting += properties.values()
            waiting += [value for key, value in node.items() if key not in _VALUES]
    return True


def _names(required: object) -> set[object]:
    return {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
