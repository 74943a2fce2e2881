"""The command line: where everything is put together."""

from twoapi.cli.commands import main

__all__ = ["main"]
