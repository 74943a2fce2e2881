"""Every row of groups A-K of the list of peers' failures is a test, or it is said why not."""

import ast
from pathlib import Path

TESTED = "tested"
SIZES = {"a": 20, "b": 12, "c": 24, "d": 16, "e": 18, "f": 11, "g": 21, "h": 16, "i": 17, "j": 12, "k": 10}

# What a row says of a protocol that is not spoken here is tested in the form in which others show the same failure.
OUT_OF_SCOPE: dict[str, str] = {}
ROWS = {
    f"{group}{number:02}": OUT_OF_SCOPE.get(f"{group}{number:02}", TESTED)
    for group, size in SIZES.items()
    for number in range(1, size + 1)
}


def rows_with_tests() -> set[str]:
    """The row ids in the names of the test functions beside this file."""
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_group_*.py"):
        group = path.stem.split("_")[2]
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                words = node.name.split("_")[1:]
                ids = [word for word in words[:2] if word[:1] == group and word[1:].isdecimal() and len(word) == 3]
                assert ids, f"{node.name} in {path.name} names no row of its group"
                found.update(ids)
    return found


def test_every_row_of_the_list_is_known():
    assert len(ROWS) == sum(SIZES.values()) == 177
    assert set(OUT_OF_SCOPE) <= set(ROWS)


def test_every_row_in_scope_has_a_test_and_no_other_has():
    assert rows_with_tests() == {row for row, state in ROWS.items() if state == TESTED}


def test_what_is_left_out_says_why():
    assert all(state == TESTED or len(state) > len("out of scope: ") for state in ROWS.values())
