"""Values made for schemas are valid under them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.schema_check import problems

from twoapi.providers.example import example

names = st.sampled_from(["a", "b", "c", "d"])


def ranges(least: str, most: str, low: int, high: int) -> st.SearchStrategy[dict[str, int]]:
    pairs = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    both = pairs.map(lambda pair: {least: pair[0], most: pair[1]})
    return st.one_of(st.just({}), both, both.map(lambda b: {least: b[least]}), both.map(lambda b: {most: b[most]}))


texts = ranges("minLength", "maxLength", 0, 40).map(lambda bounds: {"type": "string", **bounds})
whole_numbers = ranges("minimum", "maximum", -1000, 1000).map(lambda bounds: {"type": "integer", **bounds})
numbers = (
    ranges("exclusiveMinimum", "maximum", -9, 9)
    .filter(lambda bounds: bounds.get("exclusiveMinimum", -99) < bounds.get("maximum", 99))
    .map(lambda bounds: {"type": "number", **bounds})
)
steps = st.integers(1, 60).map(lambda unit: {"type": "integer", "multipleOf": unit, "minimum": 10})
choices = st.lists(st.one_of(st.integers(), st.text(max_size=5), st.none()), min_size=1).map(lambda e: {"enum": e})
scalars = st.one_of(
    texts,
    whole_numbers,
    numbers,
    steps,
    choices,
    st.just({"type": "boolean"}),
    st.just({"type": ["null", "string"]}),
    st.just({"const": {"x": [1]}}),
    st.just({"$ref": "#/$defs/shared"}),
    st.just({"format": "uuid", "type": "string"}),
    st.sampled_from([True]),
)


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(names, inner, max_size=4)
    objects = st.builds(
        lambda known, closed, count: {
            "type": "object",
            "properties": known,
            "required": list(known)[:count],
            **({"additionalProperties": False} if closed else {}),
        },
        members,
        st.booleans(),
        st.integers(0, 4),
    )
    lists = st.builds(
        lambda items, bounds: {"type": "array", "items": items, **bounds}, inner, ranges("minItems", "maxItems", 0, 4)
    )
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})
    return st.one_of(objects, lists, unions)


schemas = st.recursive(scalars, grown, max_leaves=12).filter(lambda schema: isinstance(schema, dict))


@given(schemas, scalars.filter(lambda schema: schema is not True and "$ref" not in schema))
def test_a_value_fits_its_schema(schema: dict[str, Any], shared: dict[str, Any]) -> None:
    document = {**schema, "$defs": {"shared": shared}}
    assert problems(example(document), document) == []


CASES: dict[str, tuple[Any, Any]] = {
    "nothing known": ({}, "demo"),
    "no schema at all": (True, {}),
    "an object of which nothing is required": (
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}},
        {"a": "demo", "b": 1},
    ),
    "only what is required": (
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]},
        {"b": 1},
    ),
    "required but not described": ({"type": "object", "required": ["x"]}, {"x": {}}),
    "a recursive type that may end": (
        {
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                    "required": ["next"],
                }
            },
        },
        {"next": None},
    ),
    "parts that hold together": (
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]},
                {"properties": {"b": {"type": "string", "format": "date"}}, "required": ["b"]},
            ]
        },
        {"a": 3, "b": "2026-01-01"},
    ),
    "a pattern with an example": ({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]}, "EUR"),
    "a pattern with a default": ({"type": "string", "pattern": "^[A-Z]{3}$", "default": "USD"}, "USD"),
    "a list of different texts": (
        {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
        ["demo", "demo1", "demo2"],
    ),
    "a tuple": (
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
        ["demo", 1],
    ),
    "a choice of nothing or something": ({"type": ["null", "integer"]}, 1),
    "bounds without a type": ({"minimum": 7}, 7),
    "more members than are known": ({"type": "object", "minProperties": 2}, {"demo0": {}, "demo1": {}}),
    "a reference out of the document": ({"$ref": "https://example.com/x.json"}, "demo"),
    "a reference to nowhere": ({"$ref": "#/$defs/none"}, "demo"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_schema_has_its_one_value(name: str) -> None:
    schema, expected = CASES[name]
    assert example(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 10**9},
        {"type": "string", "minLength": 10**12},
        {"type": "object", "minProperties": 10**9},
        {"type": "integer", "multipleOf": 0, "minimum": 1e308, "maximum": -1e308},
    ],
)
def test_a_schema_that_asks_for_the_impossible_gets_something_soon(schema: Any) -> None:
    assert len(repr(example(schema))) < 200_000
