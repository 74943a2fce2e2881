"""The README's lines do what it says; those of its translation are the same."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from twoapi.config import parse
from twoapi.testing.running_gateway import RunningGateway

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ADDRESS = "127.0.0.1:8000"
SAID = "This is the twoapi demo, not a model. You said: Hello"

# What `claude` would do with its variables, as far as a gateway sees it.
CLAUDE = """#!/bin/sh
exec "{python}" -c '
import anthropic, os
question = {{"role": "user", "content": "Hello"}}
for name in ("ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"):
    answer = anthropic.Anthropic().messages.create(model=os.environ[name], max_tokens=100, messages=[question])
    print(answer.content[0].text)
'
"""


class Block(NamedTuple):
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.language}: {self.text.splitlines()[0][:60]}"


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(*one) for one in found]


START = "./dev serve\n"  # the gateway that these tests run has its own way to start
ALL = blocks(README)
RUNNABLE = [block for block in ALL if block.language in ("sh", "python") and block.text != START]


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    with RunningGateway(parse("listen: 127.0.0.1:0\nupstreams: {demo: {provider: demo}}", "test.yaml", {})) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which `twoapi` and `claude` are commands."""
    commands = {
        "claude": CLAUDE.format(python=sys.executable),
        "twoapi": f'#!/bin/sh\nexec "{sys.executable}" -m twoapi "$@"\n',
    }
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in commands.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def run(block: Block, gateway: RunningGateway, environ: dict[str, str], folder: Path) -> str:
    text = block.text.replace(ADDRESS, f"127.0.0.1:{gateway.port}")
    command = [sys.executable, "-c", text] if block.language == "python" else ["sh", "-ec", text]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout


def words(output: str) -> str:
    """What an answer says: of a stream, its deltas one after the other."""
    deltas = re.findall(r'"(?:content|text)": ?"((?:[^"\\]|\\.)*)"', output)
    return "".join(deltas) if deltas else output.strip()


def test_there_is_everything_that_people_paste():
    shapes = [(block.language, block.text.split()[0]) for block in ALL]
    assert shapes == [
        ("sh", "./dev"),
        ("sh", "curl"),
        ("sh", "ANTHROPIC_BASE_URL=http://127.0.0.1:8000"),
        ("python", "from"),
        ("python", "from"),
        ("sh", "curl"),
        ("sh", "curl"),
        ("sh", "curl"),
        ("yaml", "upstreams:"),
        ("sh", "cat"),
        ("text", "POST"),
    ]


@pytest.mark.parametrize(
    "block", [block for block in RUNNABLE if "twoapi" not in block.text], ids=lambda block: block.name
)
def test_a_block_talks_to_the_demo(block, gateway, environ, tmp_path):
    assert SAID in words(run(block, gateway, environ, tmp_path))


def test_explain_says_what_the_readme_shows(gateway, environ, tmp_path):
    (block,) = [block for block in RUNNABLE if "twoapi explain" in block.text]
    shown = ALL[ALL.index(block) + 1]
    assert run(block, gateway, environ, tmp_path) == shown.text


def test_the_configuration_is_good():
    (block,) = [block for block in ALL if block.language == "yaml"]
    settings = parse(block.text, "twoapi.yaml", {"ANTHROPIC_API_KEY": "sk-ant"})
    assert [candidate.model for candidate in settings.models["smart"].candidates] == [
        "claude/claude-opus-5-5",
        "lab/qwen3",
    ]
