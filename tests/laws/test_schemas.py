"""L17 over all protocols; a schema goes through as it is, or reduced."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.protocols import each, few
from tests.providers.schema_check import problems

from twoapi.protocols.base import Codec
from twoapi.testing.laws import schemas as laws
from twoapi.testing.strategies.values import json_values, schemas

NODES: st.SearchStrategy[Any] = st.recursive(
    st.none(), lambda inner: st.fixed_dictionaries({"next": inner}), max_leaves=3
)

NUMBERS = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def instances(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """An object that is mostly valid."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=5),
        "integer": st.integers(),
        "array": st.lists(st.text(max_size=3), max_size=2),
    }
    made = {}
    for name, kind in schema["properties"].items():
        if "$ref" in kind:
            valid: st.SearchStrategy[Any] = st.fixed_dictionaries({"next": NODES})
        elif "enum" in kind:
            valid = st.sampled_from(kind["enum"])
        else:
            valid = values.get(str(kind.get("type")), NUMBERS)
        made[name] = draw(valid if draw(st.integers(0, 9)) else json_values)
    return {**made, "more": 1} if draw(st.integers(0, 5)) == 0 else made


@each
@pytest.mark.parametrize(
    "lacking", [{}, {"json_schemas": False}, {"strict_tools": False}], ids=["able", "reduced", "lax"]
)
@few
@given(data=st.data(), strict=st.booleans())
def test_l17_what_is_valid_stays_valid(
    codec: Codec, lacking: dict[str, Any], data: st.DataObject, *, strict: bool
) -> None:
    schema = data.draw(schemas(strict=strict))
    made = [data.draw(instances(schema)) for _ in range(3)]
    laws.weaker_or_equal(codec, schema, made, problems, **lacking)
