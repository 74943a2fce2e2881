"""The shape of the source: sizes, names, docstrings, and no question about who a provider is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
DRAWER_NAMES = {"utils", "util", "helpers", "common", "misc"}
PROVIDER_NAMES = {"provider", "provider_name"}

SOURCES = sorted((ROOT / "src").rglob("*.py"))
ALL_PYTHON = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """Every source file by its place, parsed."""
    return {place(path): ast.parse(path.read_bytes()) for path in SOURCES}


def test_files_are_short() -> None:
    lines = {place(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {}, "split these by concern"


def test_functions_are_short(trees: dict[str, ast.Module]) -> None:
    long = [
        f"{name}:{node.lineno}: {node.name} has {length} lines"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_modules_say_what_they_are_for(trees: dict[str, ast.Module]) -> None:
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_nobody_asks_who_the_provider_is(trees: dict[str, ast.Module]) -> None:
    found = [f"{name}:{line}" for name, tree in trees.items() for line in provider_questions(tree)]
    assert found == [], "ask what a provider can do (a capability), not who it is"


def test_no_drawer_modules() -> None:
    assert [place(path) for path in ALL_PYTHON if path.stem in DRAWER_NAMES] == []


def test_provider_questions_are_found() -> None:
    source = """
if provider == "x": pass
if upstream.provider in ("x", "y"): pass
while "x" != self.provider_name: pass
match provider:
    case "x" | "y": pass
if provider == other: pass
if protocol == "x": pass
"""
    assert sorted(provider_questions(ast.parse(source))) == [2, 3, 4, 5]


def provider_questions(tree: ast.AST) -> Iterator[int]:
    """The lines where a provider's name is compared with a literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(_is_provider, sides)) and any(map(_is_literal, sides)):
                yield node.lineno
        elif isinstance(node, ast.Match) and _is_provider(node.subject):
            yield node.lineno


def _is_provider(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in PROVIDER_NAMES
        case _:
            return False


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str()):
            return True
        case ast.Tuple(elts=members) | ast.List(elts=members) | ast.Set(elts=members):
            return any(map(_is_literal, members))
        case _:
            return False
