"""The command itself: help, usage errors, what is imported when."""

import subprocess
import sys

import click
import pytest

from twoapi import __version__
from twoapi.cli.commands import SUMMARIES, Subcommands, root

HEAVY = ("twoapi.gateway", "twoapi.server", "twoapi.transport", "twoapi.protocols", "uvicorn", "yaml", "msgspec")


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_the_help_imports_nothing_heavy():
    code = f"""
import sys
from click.testing import CliRunner
from twoapi.cli.commands import root
assert CliRunner().invoke(root, ["--help"]).exit_code == 0
print([name for name in sys.modules if name.startswith({HEAVY!r})])
"""
    assert run_python(code).strip() == "[]"


def test_the_check_imports_no_gateway():
    code = """
import sys
import twoapi.cli.check, twoapi.cli.schema
print([name for name in sys.modules if name.startswith(("twoapi.gateway", "twoapi.server", "uvicorn"))])
"""
    assert run_python(code).strip() == "[]"


@pytest.mark.parametrize("name", SUMMARIES)
def test_each_subcommand_explains_itself(run, name):
    result = run(name, "--help")
    assert (result.exit_code, f"Usage: twoapi {name} [OPTIONS]" in result.output, "--json" in result.output) == (
        0,
        True,
        True,
    )


def test_the_help_lists_every_subcommand_with_its_summary():
    context = click.Context(root)
    formatter = click.HelpFormatter(width=200)
    assert isinstance(root, Subcommands)
    root.format_commands(context, formatter)
    listed = [line.split(None, 1) for line in formatter.getvalue().splitlines()[1:]]
    assert dict(listed) == dict(SUMMARIES)


def test_an_unknown_subcommand_is_wrong_usage(run):
    result = run("serv")
    assert (result.exit_code, "No such command 'serv'" in result.output) == (2, True)


def test_a_wrong_option_is_wrong_usage(run):
    result = run("serve", "--listen", "nowhere")
    assert result.exit_code == 2
    assert "expected host:port, as in 127.0.0.1:8000" in result.output


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "twoapi", "--version"], check=True, capture_output=True, text=True)
    assert done.stdout == f"twoapi {__version__}\n"
