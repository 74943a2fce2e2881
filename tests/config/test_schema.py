"""The JSON Schema describes what the loader accepts."""

from twoapi.config import json_schema


def test_the_schema_refers_only_to_what_it_defines() -> None:
    schema = json_schema()
    definitions = schema["$defs"]
    references = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                references.add(value["$ref"])
            for member in value.values():
                collect(member)
        elif isinstance(value, list):
            for member in value:
                collect(member)

    collect(schema)
    assert isinstance(definitions, dict)
    assert references == {f"#/$defs/{name}" for name in definitions}


def test_an_alias_is_a_name_a_list_or_a_mapping() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    shapes = definitions["ModelSettings"]["anyOf"]
    assert [shape["type"] for shape in shapes] == ["string", "array", "object"]


def test_unknown_keys_are_refused_everywhere() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    objects = [
        shape for schema in definitions.values() for shape in schema.get("anyOf", [schema]) if "properties" in shape
    ]
    assert len(objects) == len(definitions)
    assert all(shape["additionalProperties"] is False for shape in objects)


def test_a_secret_is_text_and_the_capabilities_are_listed() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    credential = definitions["CredentialSettings"]["anyOf"]
    assert [shape["type"] for shape in credential] == ["string", "object"]
    assert {"access_key_id", "client_secret"} <= credential[1]["properties"]["parts"]["properties"].keys()
    capabilities = definitions["UpstreamSettings"]["properties"]["capabilities"]["properties"]
    assert capabilities["images"] == {"type": "boolean", "description": "Takes images."}
