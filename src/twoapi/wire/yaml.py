"""YAML documents with a place for everything: nodes, the scalars of YAML 1.2, and problems that name file and line."""

import re
from typing import NamedTuple

import msgspec
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["MappingNode", "Node", "Path", "Place", "Problem", "ScalarNode", "SequenceNode", "compose", "core_value"]

# PyYAML without libyaml is eight times slower and reads the same.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+").fullmatch
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+").fullmatch
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?").fullmatch
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Place(NamedTuple):
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True):
    """What is wrong at a place of a file, and how to mend it. `path` is the way to it through the document's keys."""

    file: str
    place: Place
    path: Path
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.place.line}:{self.place.column}"
        return f"{where} {'.'.join(map(str, self.path))}: {self.message}" if self.path else f"{where}: {self.message}"


def compose(text: str, file: str) -> Node | Problem:
    """The document's tree, or why it is no YAML. An empty document is an empty mapping."""
    try:
        node: Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(1, 1) if mark is None else _within(text, Place(mark.line + 1, mark.column + 1))
        return Problem(file, place, (), f"not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError:
        return Problem(file, _unprintable(text), (), "a character that YAML does not allow")
    except RecursionError:
        return Problem(file, Place(1, 1), (), "nested too deeply")
    if node is None:
        return MappingNode("tag:yaml.org,2002:map", [], _START, _START)
    return node


def place_of(node: Node) -> Place:
    """Where a node begins."""
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1)


def core_value(text: str) -> bool | int | float | str | None:
    """What a plain scalar means in YAML 1.2: `no` is text, `1_000` is text, `0o17` is a number."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT(text):
        return int(text) if len(text) < 40 else text
    if _BASED(text):
        return int(text, 0) if len(text) < 40 else text
    return float(text) if _FLOAT(text) else text


_START = yaml.Mark("", 0, 0, 0, None, 0)
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _within(text: str, place: Place) -> Place:
    """The end of the last line for a place behind it, where libyaml says that more was expected."""
    lines = text.split("\n")
    return place if place.line <= len(lines) else Place(len(lines), len(lines[-1]) + 1)


def _unprintable(text: str) -> Place:
    found = _ILLEGAL.search(text)
    before = text[: found.start()] if found else ""
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
