"""`./dev test` says by its exit status whether the tests and all checks passed, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("python", "ruff", "mypy", "lint-imports", "codespell", "deptry")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment that is ready, and whose every tool succeeds."""
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    (tmp_path / "requirements").mkdir()
    lock = tmp_path / "requirements" / "dev.txt"
    lock.write_text("")
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    for tool in TOOLS:
        answer(tmp_path, tool, 0)
    with lock.open() as read:
        summed = subprocess.run(["cksum"], stdin=read, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / ".venv" / ".lock-stamp").write_text(f"dev {summed} {tmp_path}\n")
    return tmp_path


def answer(checkout: Path, tool: str, status: int) -> None:
    script = checkout / ".venv" / "bin" / tool
    script.write_text(f"#!/bin/sh\nexit {status}\n")
    script.chmod(0o755)


def status_of_test(checkout: Path) -> int:
    return subprocess.run([checkout / "dev", "test"], capture_output=True, timeout=30, check=False).returncode


def test_all_green_is_success(checkout: Path) -> None:
    assert status_of_test(checkout) == 0


@pytest.mark.parametrize("tool", TOOLS)
def test_one_that_fails_fails_the_task(checkout: Path, tool: str) -> None:
    answer(checkout, tool, 1)
    assert status_of_test(checkout) == 1
