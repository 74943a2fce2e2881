"""`twoapi check`: whether a configuration is good, and what it amounts to."""

import os
from pathlib import Path

import click

from twoapi.cli.output import EXIT_CONFIG, columns, print_json
from twoapi.config import ConfigError, Settings, load, unenforced
from twoapi.config.load import DEFAULT_FILE
from twoapi.wire.yaml import Problem


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(file: Path | None, *, as_json: bool) -> None:
    """Check the configuration FILE, or ./twoapi.yaml, and say everything that is wrong with it.

    The environment variables that it names must be set, as they must be for `serve`. Nothing is connected to; `twoapi
    doctor` does that. Exit code 78 when the configuration cannot be used.
    """
    file = file or Path(DEFAULT_FILE)
    try:
        settings = load(file, os.environ)
    except ConfigError as error:
        _tell_problems(file, error.problems, as_json=as_json)
        raise click.exceptions.Exit(EXIT_CONFIG) from None
    if as_json:
        print_json({"ok": True, "file": str(file), "problems": [], "notes": unenforced(settings), **summary(settings)})
    else:
        click.echo(f"{file}: ok\n" + columns(_rows(settings)))
        for note in unenforced(settings):
            click.echo(f"note: {note}", err=True)


def summary(settings: Settings) -> dict[str, object]:
    """What the settings amount to, without secrets."""
    return {
        "listen": str(settings.listen),
        "upstreams": {
            name: {"provider": upstream.provider, "credentials": len(upstream.credentials)}
            for name, upstream in settings.upstreams.items()
        },
        "models": {
            alias: [candidate.model for candidate in model.candidates] for alias, model in settings.models.items()
        },
        "keys": settings.keys if isinstance(settings.keys, str) else len(settings.keys),
        "on_loss": settings.on_loss,
    }


def _rows(settings: Settings) -> list[tuple[str, str, str]]:
    keys = "open: whoever reaches the address may use it" if settings.keys == "open" else str(len(settings.keys))
    rows = [("listen", str(settings.listen), ""), ("keys", keys, ""), ("on_loss", settings.on_loss, "")]
    for name, upstream in settings.upstreams.items():
        count = len(upstream.credentials)
        about = f"{upstream.provider}, {count} credential{'' if count == 1 else 's'}"
        rows.append(("upstream", name, about))
    for alias, model in settings.models.items():
        rows.append(("model", alias, ", ".join(candidate.model for candidate in model.candidates)))
    return rows


def _tell_problems(file: Path, problems: list[Problem], *, as_json: bool) -> None:
    if not as_json:
        for problem in problems:
            click.echo(str(problem), err=True)
        click.echo(f"{file}: {len(problems)} problem{'' if len(problems) == 1 else 's'}", err=True)
        return
    listed = [
        {
            "file": problem.file,
            "line": problem.place.line,
            "column": problem.place.column,
            "path": ".".join(map(str, problem.path)),
            "message": problem.message,
        }
        for problem in problems
    ]
    print_json({"ok": False, "file": str(file), "problems": listed})
