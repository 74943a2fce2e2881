"""Instructions are read out of what the counter writes."""

import pytest
from bench.instructions import total

DUMP = """# callgrind format
version: 1
events: Ir

fn=(1) _PyEval_EvalFrameDefault
0 1500
calls=2 0
0 4000

totals: 5500
"""


def test_the_total_is_the_dumps_own() -> None:
    assert total(DUMP) == 5500


def test_a_dump_that_broke_off_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no totals"):
        total(DUMP.partition("totals")[0])
