"""How every command speaks: JSON for machines, aligned columns for people, errors with an exit code."""

import json
from collections.abc import Sequence
from typing import NoReturn

import click

EXIT_FAILED = 1
EXIT_CONFIG = 78  # sysexits.h: EX_CONFIG


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def columns(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows as aligned columns; the last column is not padded."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(indent + "  ".join([*padded, row[-1]]).rstrip())
    return "\n".join(lines)


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Says what went wrong on standard error, and ends with an exit code."""
    click.echo(f"twoapi: {message}", err=True)
    raise click.exceptions.Exit(code)
