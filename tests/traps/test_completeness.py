"""Every trap is a test, or has a reason not to be one yet."""

import ast
from pathlib import Path

TRAPS = range(1, 136)

# A row that this release cannot have, and why.
OUT_OF_SCOPE: dict[int, str] = {}
STATE = {n: f"out of scope: {OUT_OF_SCOPE[n]}" if n in OUT_OF_SCOPE else "tested" for n in TRAPS}


def functions_by_number() -> dict[int, list[str]]:
    """The names of the test functions in this folder, by the number in the name."""
    found: dict[int, list[str]] = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                number = node.name.split("_")[1]
                if number.isdecimal():
                    found.setdefault(int(number), []).append(node.name)
    return found


def test_every_trap_is_tested_or_out_of_scope_and_never_both() -> None:
    tested = set(functions_by_number())

    assert set(STATE) == set(TRAPS)
    assert tested == {number for number, state in STATE.items() if state == "tested"}
