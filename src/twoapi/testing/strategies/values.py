"""Texts, JSON values, identifiers and cuts: what all payloads are made of."""

import copy
import itertools
import json
import string

from hypothesis import strategies as st

from twoapi.testing.documented import Each, Either, Members, Shape, Tagged
from twoapi.testing.replies import Json

# What text handling gets wrong: combining marks, line separators that are text, astral and joined emoji, escapes.
HARD_TEXTS = (
    "e\u0301 a\u0308",
    "line\u2028sep\u2029para\u0085next",
    "👩‍👩‍👧‍👦 🌍 \U0001d11e",
    'quote " back \\ slash / tab \t nl \n cr \r nul \u0000 bs \b',
    "data: x\n\nevent: y\r\n\r\n: comment",
    "[DONE]",
    "北京 Grüß \u200f עברית",
    '{"a": 1}',
    "\ufeffbom",
    "</script>\u007f\u0080",
)
texts = st.one_of(st.text(max_size=12), st.sampled_from(HARD_TEXTS), st.just(""))
# Where the vendor wants at least one character. No filter: one draw in three would be thrown away.
filled_texts = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from(HARD_TEXTS))
words = st.one_of(st.sampled_from(("Answer briefly.", "hi 你好", "ok", "x")), filled_texts.filter(str.strip))
_LEGAL = string.ascii_letters + string.digits + "_-"
names = st.text(_LEGAL, min_size=1, max_size=12)
long_names = st.text(_LEGAL, min_size=65, max_size=100)
base64s = st.sampled_from(("aGk=", "iVBORw0KGgoAAAANSUhEUg==", "AAAA", "/+8="))
urls = st.sampled_from(("https://e.example/a.png", "https://e.example/ü?q=1&r=%20", "https://w.example"))
call_ids = st.one_of(
    st.sampled_from(("call_1", "toolu_01A09q90qw90lq917835lq9", "call_" + "x" * 35)),
    st.text(_LEGAL, min_size=1, max_size=40).filter(lambda text: not text.startswith("tw_")),
)

# Also numbers that break when a float carries them.
scalars = st.sampled_from(
    (None, True, False, 0, -7, 1234567890123456789, 2**70, 0.1, -1.5, 1e21, 1e-9, "", "x", *HARD_TEXTS)
)
_lists = st.lists(scalars, max_size=3)
_keys = st.sampled_from(("a", "b c", "", "a/b", "m~n", "北", "$ref", "type"))
_dicts = st.dictionaries(_keys, st.one_of(scalars, _lists), max_size=3)
json_values = st.one_of(scalars, _lists, _dicts, st.lists(_dicts, max_size=2), texts)
json_objects = st.dictionaries(_keys, json_values, max_size=3)
argument_texts = st.one_of(
    json_objects.map(lambda value: json.dumps(value, ensure_ascii=False)),
    json_objects.map(lambda value: json.dumps(value, indent=1)),
    st.sampled_from(("{}", '{"id": 1234567890123456789, "x": 1.0}', '{"a" : [1 , 2]}', '{"k":"\\u4f60"}')),
)
broken_arguments = st.sampled_from(("", '{"a": 1', "[1]", "null", "not json", '"text"', '{"a": 1}}', "{'a': 1}"))


def maybe(draw: st.DrawFn, target: dict[str, Json], name: str, strategy: st.SearchStrategy[Json]) -> None:
    """Set a member in one of four draws."""
    if draw(st.integers(0, 3)) == 0:
        target[name] = draw(strategy)


@st.composite
def json_bytes(draw: st.DrawFn, value: Json) -> bytes:
    """A value in one of the spellings of JSON: escapes or UTF-8, tight or indented."""
    ascii_only = draw(st.booleans())
    indent = draw(st.sampled_from((None, None, 1)))
    separators = (",", ":") if indent is None and draw(st.booleans()) else None
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators).encode()


@st.composite
def schemas(draw: st.DrawFn, *, strict: bool = False) -> dict[str, Json]:
    """A JSON Schema of type object, also with references and recursion; `strict` as OpenAI's strict mode wants it."""
    properties: dict[str, Json] = {}
    for name in draw(st.lists(names, max_size=3, unique=True)):
        properties[name] = draw(
            st.sampled_from(
                (
                    {"type": "string"},
                    {"type": "integer"},
                    {"type": "string", "enum": ["c", "f", "北"]},
                    {"anyOf": [{"type": "null"}, {"type": "number"}]},
                    {"type": "array", "items": {"type": "string"}},
                    {"$ref": "#/$defs/node"},
                )
            )
        )
    schema: dict[str, Json] = {"type": "object", "properties": properties}
    if strict or draw(st.booleans()):
        schema["required"] = list(properties)
        schema["additionalProperties"] = False
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["next"],
        "additionalProperties": False,
    }
    schema["$defs"] = {"node": node}
    return schema


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """A partition of bytes; now and then into single ones."""
    if draw(st.integers(0, 4)) == 0:
        return [data[at : at + 1] for at in range(len(data))]
    marks = draw(st.lists(st.integers(0, len(data)), max_size=12)) if data else []
    edges = [0, *sorted(marks), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    """A text in deltas, empty ones included."""
    marks = draw(st.lists(st.integers(0, len(text)), max_size=3))
    edges = [0, *sorted(marks), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def with_unknown(draw: st.DrawFn, body: Json, shape: Shape) -> Json:
    """The body with members that no release knows, at up to three places of any depth."""
    body = copy.deepcopy(body)  # strategies share their constants
    places = list(_objects(body, shape))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        name = draw(st.sampled_from(("x_future", "vendor/y~z", "übermorgen", "x_list")))
        place[name] = draw(json_values)
    return body


def _objects(value: Json, shape: Shape) -> list[dict[str, Json]]:
    """Every object of the body whose members are documented."""
    if isinstance(shape, Either):
        return [
            found
            for one in shape.shapes
            if isinstance(value, list if isinstance(one, Each) else dict)
            for found in _objects(value, one)
        ]
    if isinstance(shape, Each) and isinstance(value, list):
        return [found for item in value for found in _objects(item, shape.item)]
    if isinstance(shape, Tagged) and isinstance(value, dict):
        inner = shape.shapes.get(str(value.get(shape.tag)))
        return [] if inner is None else _objects(value, inner)
    if isinstance(shape, Members) and isinstance(value, dict):
        below = [found for name, item in value.items() for found in _objects(item, shape.fields.get(name, Either()))]
        return [value, *below]
    return []
