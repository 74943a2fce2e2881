"""Rows F1-F11: keywords of JSON Schema that Gemini's reduced Schema does not have. Whole schemas go out by default."""

import json

import pytest
from tests.peers.pairs import CHAT_TO_GEM, GEM_TO_CHAT, MSG_TO_GEM, Json, function_tool
from tests.peers.vendors import gemini_tool

# The words that Google's Schema has; one that is not here fails the whole request.
KNOWN = {
    "type", "format", "title", "description", "nullable", "default", "items", "minItems", "maxItems", "enum",
    "properties", "propertyOrdering", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
    "maxLength", "pattern", "example", "anyOf",
}  # fmt: skip
TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}


def of(**properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def strange_words(schema: Json) -> list[str]:
    """What a reduced Schema must not hold, at any depth."""
    found = [word for word in schema if word not in KNOWN]
    found += [f"type {schema.get('type')}"] if schema.get("type") not in TYPES and "anyOf" not in schema else []
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if "items" in schema else []
    return [*found, *(word for one in inner for word in strange_words(one))]


def reduced(schema: Json) -> tuple[Json, list[str]]:
    """What an upstream gets that takes no JSON Schema, and where in the schema something was lost."""
    fields, losses = CHAT_TO_GEM.fields({"tools": [function_tool("f", schema)]}, json_schemas=False)
    made = fields["tools"][0]["functionDeclarations"][0]["parameters"]
    assert strange_words(made) == []
    assert {kind for _, kind in losses} <= {"schema"}
    return made, [path.removeprefix("/tools/0/function/parameters") for path, _ in losses]


# What each row says that peers send, drop in silence, or break with; and what is lost of it where it must be reduced.
ROWS = {
    "f01": (of(a={"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10}), []),
    "f02": (of(a={"type": "number", "multipleOf": 0.5}), ["/properties/a/multipleOf"]),
    "f03": (
        {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://a.org", **of(a={"type": "string"})},
        [],
    ),
    "f04": (of(a={"type": "string", "default": "d", "examples": ["e"]}), ["/properties/a/examples"]),
    "f06": (
        of(a={"type": "array", "items": {"type": "object", "propertyNames": {"pattern": "^x"}}}),
        ["/properties/a/items/propertyNames"],
    ),
    "f07": (
        {**of(a={"type": "string"}), "patternProperties": {"^y": {"type": "string"}}, "additionalProperties": False},
        ["/patternProperties", "/additionalProperties"],
    ),
    "f08": (of(a={"not": {"type": "string"}}), ["/properties/a/not", "/properties/a"]),
    "f09": ({**of(a={"$ref": "#/$defs/A"}), "$defs": {"A": {"type": "string"}}}, []),
    "f11": (of(a={"const": "k"}, b={"type": ["string", "null"]}), []),
}


def assert_row(row: str) -> Json:
    """The whole schema arrives where it can; the reduced one says what it lost; it is what comes back."""
    schema, lost = ROWS[row]
    tool = function_tool("f", schema)
    assert CHAT_TO_GEM.fields({"tools": [tool]}) == ({"tools": [gemini_tool("f", schema)]}, [])
    made, found = reduced(schema)
    assert found == lost
    return made


def test_f01_exclusive_bounds_of_integers_are_bounds():
    assert assert_row("f01")["properties"]["a"] == {"type": "INTEGER", "minimum": 1, "maximum": 9}


def test_f02_a_step_is_left_out_and_said_so():
    assert assert_row("f02")["properties"]["a"] == {"type": "NUMBER"}


def test_f03_where_a_schema_comes_from_is_no_part_of_it():
    assert assert_row("f03") == {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}


def test_f04_a_default_stays_and_examples_are_reported():
    assert assert_row("f04")["properties"]["a"] == {"type": "STRING", "default": "d"}


def test_f05_keywords_are_left_out_for_gemini_alone():
    schema = {**ROWS["f07"][0], "properties": {"a": {"const": "k"}, "b": {"type": "integer", "multipleOf": 5}}}
    declared = {"name": "f", "input_schema": schema}
    assert MSG_TO_GEM.fields({"tools": [declared]})[0] == {"tools": [gemini_tool("f", schema)]}
    fields, losses = GEM_TO_CHAT.fields({"tools": [gemini_tool("f", schema)]}, json_schemas=False)
    assert fields["tools"] == [function_tool("f", schema)]
    assert losses == []


def test_f06_a_keyword_deep_inside_a_list_does_not_reach_the_vendor():
    made = assert_row("f06")["properties"]["a"]
    assert made == {"type": "ARRAY", "items": {"type": "OBJECT"}}


def test_f06_one_of_many_functions_does_not_fail_the_others():
    tools = [function_tool(f"f{n}", of(a={"type": "string"})) for n in range(60)]
    tools[45] = function_tool("f45", ROWS["f06"][0])
    fields, losses = CHAT_TO_GEM.fields({"tools": tools}, json_schemas=False)
    declared = fields["tools"][0]["functionDeclarations"]
    assert [one["name"] for one in declared] == [f"f{n}" for n in range(60)]
    assert [word for one in declared for word in strange_words(one["parameters"])] == []
    assert [path for path, _ in losses] == ["/tools/45/function/parameters/properties/a/items/propertyNames"]


def test_f07_patterns_of_names_are_left_out_and_said_so():
    assert assert_row("f07") == {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}


def test_f08_what_a_value_must_not_be_is_left_out_and_any_value_is_allowed():
    kinds = {one["type"] for one in assert_row("f08")["properties"]["a"]["anyOf"]}
    assert kinds == {"STRING", "NUMBER", "BOOLEAN", "OBJECT", "ARRAY"}


@pytest.mark.parametrize("word", ["allOf", "oneOf", "anyOf"])
def test_f08_members_of_a_combination_keep_their_meaning(word):
    members = [{"type": "object", "properties": {"b": {"type": "string"}}}, {"required": ["b"]}]
    if word != "allOf":
        members = [{"type": "string"}, {"type": "integer"}]
    made, lost = reduced(of(a={word: members}))
    both = {"type": "OBJECT", "properties": {"b": {"type": "STRING"}}, "required": ["b"]}
    some = {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}
    assert made["properties"]["a"] == (both if word == "allOf" else some)
    assert lost == (["/properties/a/oneOf"] if word == "oneOf" else [])


def test_f09_a_definition_stands_where_it_is_named():
    assert assert_row("f09") == {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}


def test_f10_the_form_of_an_answer_is_sent_whole_or_reduced_in_the_vendors_words():
    schema = {**of(a={"type": "string"}), "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    fields, losses = CHAT_TO_GEM.fields({"response_format": form})
    assert {name: fields["generationConfig"][name] for name in config} == config
    assert "schema" not in {kind for _, kind in losses}
    fields, losses = CHAT_TO_GEM.fields({"response_format": form}, json_schemas=False)
    assert fields["generationConfig"]["responseSchema"] == {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
    assert ("/response_format/json_schema/schema/additionalProperties", "schema") in losses
    assert "additional_properties" not in json.dumps(fields)


def test_f10_options_of_a_stream_are_no_settings_of_gemini():
    fields, losses = CHAT_TO_GEM.fields({"stream": True, "stream_options": {"include_usage": True}})
    assert fields == {}
    assert losses == []


def test_f11_a_constant_and_a_type_or_null_are_said_in_the_vendors_words():
    assert assert_row("f11")["properties"] == {
        "a": {"type": "STRING", "enum": ["k"]},
        "b": {"type": "STRING", "nullable": True},
    }
