"""One answer of a scripted model, before any protocol writes it down."""

import re
from dataclasses import dataclass, field
from typing import Literal

from twoapi.testing.replies import Json

Stop = Literal[
    "stop", "tool_use", "max_tokens", "stop_sequence", "refusal", "content_filter", "context_window", "pause"
]


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What an answer costs, in disjoint counts."""

    input: int = 20
    cached: int = 4
    written: int = 2
    output: int = 9
    reasoning: int = 0


@dataclass(frozen=True, kw_only=True)
class Cited:
    """A part of the final text that rests on a page: code points, `end` exclusive."""

    start: int
    end: int
    url: str
    title: str
    quoted: str = "a passage"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of an offered tool; `body` is JSON text, or free text for a custom tool."""

    id: str
    name: str
    body: str
    kind: Literal["function", "custom"] = "function"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """All that one answer holds, in order: reasoning, text, calls."""

    reasoning: str = ""
    signature: str = ""
    redacted: str = ""
    text: str = ""
    cited: tuple[Cited, ...] = ()
    refusal: str = ""
    calls: tuple[Call, ...] = ()
    interleaved: bool = False
    stop: Stop = "stop"
    stop_sequence: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    piece: int = 5
    number: int = 0


def pieces(text: str, size: int) -> list[str]:
    """The text in deltas of so many code points."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def cited_runs(turn: Turn) -> list[tuple[str, Cited | None]]:
    """The text cut at the borders of what is cited; citations must not overlap."""
    runs: list[tuple[str, Cited | None]] = []
    at = 0
    for one in sorted(turn.cited, key=lambda cited: cited.start):
        runs += [(turn.text[at : one.start], None), (turn.text[one.start : one.end], one)]
        at = one.end
    runs.append((turn.text[at:], None))
    return [(text, one) for text, one in runs if text]


def instance(schema: Json, root: Json = None, depth: int = 0) -> Json:
    """A value that a JSON Schema accepts: every property, the first of every choice."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return instance(_resolve(root, schema["$ref"]), root, depth + 1) if depth < 8 else None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return instance(schema[name][-1 if depth > 6 else 0], root, depth + 1)
    return _typed(schema, root, depth)


def _typed(schema: Json, root: Json, depth: int) -> Json:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        wanted = properties if depth < 6 else {name: properties[name] for name in schema.get("required", [])}
        return {name: instance(child, root, depth + 1) for name, child in wanted.items()}
    if kind == "array":
        count = max(schema.get("minItems", 0), 1 if depth < 5 else 0)
        return [instance(schema.get("items", {"type": "string"}), root, depth + 1) for _ in range(count)]
    if kind in {"integer", "number"}:
        return max(3, schema.get("minimum", 3)) if schema.get("maximum", 3) >= 3 else schema["maximum"]
    return {"boolean": True, "null": None}.get(kind, _text(schema))


def _text(schema: Json) -> str:
    text = {"date": "2026-11-20", "uri": "https://e.example/", "email": "a@e.example"}.get(
        schema.get("format", ""), "Zürich 北京 🌍"
    )
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


def _resolve(root: Json, reference: str) -> Json:
    node = root
    for token in re.split("/", reference.removeprefix("#"))[1:]:
        node = node[token.replace("~1", "/").replace("~0", "~")]
    return node
