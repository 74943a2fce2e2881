"""`twoapi doctor`: what would fail here, found before a user finds it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import msgspec

from twoapi.cli.output import EXIT_FAILED, columns, print_json
from twoapi.cli.reach import Findings, examine_upstream
from twoapi.cli.source import Source
from twoapi.cli.surroundings import (
    Finding,
    examine_clock,
    examine_files,
    examine_libraries,
    examine_port,
    examine_python,
)
from twoapi.config import ConfigError, Settings

_AT_ONCE = 16


@click.command("doctor")
@click.option("--config", "file", type=click.Path(path_type=Path), help="As for serve.")
@click.option(
    "--online", is_flag=True, help="Ask every upstream for its models too, with its credential; costs nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(file: Path | None, *, online: bool, as_json: bool) -> None:
    """Find out what would fail here, and how to mend it.

    Looks at Python and its libraries, the configuration, the port, the limits of the system and the clock, and
    connects to every upstream: name, connection, TLS. Only with --online is anything asked there. Exit code 1 when
    something would fail.
    """
    findings = list(_examine(Source(file), online=online))
    failed = any(finding.status == "fail" for finding in findings)
    if as_json:
        print_json({"ok": not failed, "findings": [msgspec.to_builtins(finding) for finding in findings]})
    else:
        _tell(findings)
    if failed:
        raise click.exceptions.Exit(EXIT_FAILED)


def _examine(source: Source, *, online: bool) -> Iterator[Finding]:
    yield examine_python()
    yield from examine_libraries()
    yield examine_clock()
    name = str(source.file) if source.file is not None else "no twoapi.yaml: what is found on this machine"
    try:
        settings = source.read()
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("configuration", "fail", str(problem), "mend the file; `twoapi check` checks it again")
        return
    yield Finding("configuration", "ok", name)
    yield examine_port(settings.listen)
    yield examine_files(settings.limits)
    yield from _examine_upstreams(settings, online=online)


def _examine_upstreams(settings: Settings, *, online: bool) -> Findings:
    names = list(settings.upstreams)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for findings in pool.map(lambda name: list(examine_upstream(settings, name, online=online)), names):
            yield from findings


def _tell(findings: list[Finding]) -> None:
    rows: list[tuple[str, str, str]] = []
    for finding in findings:
        rows.append((finding.status, finding.check, finding.message))
        if finding.mend:
            rows.append(("", "", f"-> {finding.mend}"))
    click.echo(columns(rows, indent=""))
    counts = {status: sum(finding.status == status for finding in findings) for status in ("ok", "warn", "fail")}
    click.echo("\n" + ", ".join(f"{count} {status}" for status, count in counts.items()))
