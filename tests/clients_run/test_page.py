"""The page of results is made from the records."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from clients.__main__ import main
from clients.page import page
from clients.programs import PROGRAMS
from clients.record import load, packages, record, written
from clients.run import Outcome
from clients.upstreams import KINDS

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs/data/clients"
FILES = sorted(DATA.glob("*.json"))
GOOD = Outcome(program="codex", upstream="gemini", manner="strict", exchanges=2, losses=["dropped /a"], state=True)
BAD = Outcome(program="codex", upstream="cohere", manner="strict", problems=["it | broke"], folder="jobs/b")
CUT = Outcome(program="codex", upstream="gemini", manner="cut")
SPLIT = Outcome(program="codex", upstream="cohere", manner="split")


def test_the_page_is_what_the_command_makes_of_the_records() -> None:
    result = CliRunner().invoke(main, ["--report", str(DATA)])
    due = "run: ./dev clients --report docs/data/clients > docs/clients.md"
    assert (result.exit_code, result.output) == (0, (ROOT / "docs/clients.md").read_text("utf-8")), due


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_record_is_kept_as_it_is_written(file: Path) -> None:
    kept = load(file)
    assert written(kept) == file.read_bytes()
    assert not kept.commit.endswith("-dirty")


def test_every_program_stands_before_every_kind_of_upstream() -> None:
    found = {(job.program, job.upstream) for file in FILES for job in load(file).jobs if job.manner == "strict"}
    assert [(one.name, kind) for one in PROGRAMS for kind in KINDS if (one.name, kind) not in found] == []


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = record([GOOD, BAD], [one for one in PROGRAMS if one.name == "codex"], "abc1234")
    (tmp_path / "a.json").write_bytes(written(kept))
    assert load(tmp_path / "a.json") == kept
    assert list(kept.packages) == ["codex"]
    assert kept.packages["codex"].startswith("@openai/codex 0.")
    assert b"jobs/b" not in written(kept)


def test_packages_of_one_name_are_told_apart() -> None:
    told = packages(PROGRAMS)
    wanted = json.loads((ROOT / "clients/package.json").read_text())["dependencies"]
    assert told["openai-js-chat"] == f"openai {wanted['openai']}"
    assert told["openai-py-chat"] != told["openai-js-chat"]
    assert list(told) == [one.name for one in PROGRAMS]


def test_the_page_shows_what_went_well_and_what_did_not() -> None:
    shown = page([record([GOOD, BAD, CUT, SPLIT], PROGRAMS, "abc1234")]).splitlines()
    assert any(
        line.startswith("| `strict`, `split`, `cut` | `gemini`, `cohere` | 4 | 3 | `abc1234` | ") for line in shown
    )
    assert "| `codex` | 1, state |" in shown  # before Gemini
    assert "| `codex` | **FAIL** |" in shown  # before Cohere
    assert shown.count("| `codex` | 1 of 1 |") == 2  # cut before one of the four, split before Cohere
    assert "| `codex` | `cohere` | `strict` | it &#124; broke |" in shown
