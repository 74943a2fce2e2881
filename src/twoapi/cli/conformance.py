"""`twoapi conformance`: how any gateway carries requests and answers between the protocols, seen from outside."""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import msgspec

from twoapi import __version__
from twoapi.cli.output import EXIT_FAILED, columns, fail, print_json
from twoapi.conformance import (
    MODES,
    NAMES,
    SCENES,
    Check,
    Client,
    Pair,
    Part,
    Record,
    Result,
    Stage,
    Upstream,
    record,
    run,
    total,
)
from twoapi.conformance.gateways import GATEWAYS
from twoapi.conformance.launch import launched
from twoapi.conformance.page import page, rows
from twoapi.conformance.verdict import Verdict, written

_PORT = 8790
_FEATURES = tuple(dict.fromkeys(scene.feature for scene in SCENES))
_BAD: tuple[Verdict, ...] = ("silent", "wrong")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway under test, and how to reach it."""

    name: str
    version: str
    base_url: str
    key: str
    headers: Mapping[str, str]
    patience: float
    launch: str
    note: str


@click.command("conformance")
@click.option("--base-url", default="http://127.0.0.1:8000", show_default=True, help="The gateway under test.")
@click.option("--key", default="sk-conformance", show_default=True, help="The key that clients send.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A further header of each request.")
@click.option(
    "--gateway", "name", default="twoapi", show_default=True, help="Its name; some know a setup of their own."
)
@click.option("--version", "version", default="", help="Its version, for the record.")
@click.option("--note", default="", help="How it was set up, for the record.")
@click.option("--launch", default="", help="A command that starts it; {config} is a file with the configuration.")
@click.option("--listen", default=f"127.0.0.1:{_PORT}", show_default=True, help="Where the suite's upstreams listen.")
@click.option("--pair", "pairs", multiple=True, metavar="CLIENT:UPSTREAM", help="Only this pair; again for more.")
@click.option("--feature", "features", multiple=True, type=click.Choice(_FEATURES), help="Only this; again for more.")
@click.option("--mode", "modes", multiple=True, type=click.Choice(MODES), help="Only whole answers, or only streams.")
@click.option("--patience", default=10.0, show_default=True, help="Seconds until an exchange counts as hanging.")
@click.option("--print-config", type=click.Choice(list(GATEWAYS)), help="Print the configuration of a gateway.")
@click.option(
    "--report", type=click.Path(path_type=Path, exists=True), help="Make the page of all records in a folder."
)
@click.option("--save", type=click.Path(path_type=Path), help="Write the record to this file.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def command(  # noqa: PLR0913, PLR0917  one argument per option
    base_url: str,
    key: str,
    headers: tuple[str, ...],
    name: str,
    version: str,
    note: str,
    launch: str,
    listen: str,
    pairs: tuple[str, ...],
    features: tuple[str, ...],
    modes: tuple[str, ...],
    patience: float,
    print_config: str | None,
    report: Path | None,
    save: Path | None,
    *,
    as_json: bool,
) -> None:
    """Score a gateway: each pair of a client's and an upstream's protocol, each feature, whole and streamed.

    The suite plays all clients and all upstreams itself. The gateway under test sends the models conf-chat,
    conf-responses, conf-messages and conf-gemini to the upstreams that listen at --listen: --print-config says how.
    Nothing else is needed, and nothing leaves this machine.

    Exit code 1 when anything is lost in silence or wrong.
    """
    if report is not None:
        click.echo(page([load(file) for file in sorted(report.glob("*.json"))]), nl=False)
        return
    host, port = _address(listen)
    wanted = _pairs(pairs)
    if print_config is not None:
        bases = _bases(Upstream.bases(f"http://{host}:{port}"), wanted)
        click.echo(GATEWAYS[print_config].config(bases), nl=False)
        return
    target = Target(
        name=name,
        version=version or (__version__ if name == "twoapi" else ""),
        base_url=base_url,
        key=key,
        headers=_headers(headers),
        patience=patience,
        launch=launch,
        note=note,
    )
    kept = record(_measure(target, (host, port), Part(pairs=wanted, features=features, modes=modes or MODES)))
    if save is not None:
        save.write_bytes(written(kept))
    _tell(kept, as_json=as_json)
    counts = total(kept.cells)
    if any(counts[one] for one in _BAD):
        raise click.exceptions.Exit(EXIT_FAILED)


def load(file: Path) -> Record:
    """The record in a file; raises msgspec.MsgspecError for any other."""
    return msgspec.json.decode(file.read_bytes(), type=Record)


def _measure(target: Target, listen: tuple[str, int], part: Part) -> Result:
    checks: list[Check] = []
    try:
        upstream = Upstream(*listen)
    except OSError as error:
        fail(f"the upstreams cannot listen at {listen[0]}:{listen[1]}: {error}")
    with upstream, _running(target, upstream, part.pairs):
        stage = Stage(
            upstream=upstream,
            client=lambda protocol: _client(target, protocol, upstream.base(protocol)),
            models=_models(target.name),
        )
        absent = run(stage, part, checks.append)
    return Result(
        gateway=target.name,
        version=target.version,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        note=target.note,
        absent=absent,
        checks=checks,
    )


@contextlib.contextmanager
def _running(target: Target, upstream: Upstream, pairs: list[Pair]) -> Iterator[None]:
    if not target.launch:
        yield
        return
    known = GATEWAYS.get(target.name)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / ("config.json" if target.name == "claude-code-router" else "config.yaml")
        if known is not None:
            config.write_text(known.config(_bases(Upstream.bases(upstream.url), pairs)), "utf-8")
        command = target.launch.replace("{config}", str(config)).replace("{folder}", folder)
        try:
            with launched(command, target.base_url, 90):
                yield
        except TimeoutError as error:
            fail(str(error))


def _client(target: Target, protocol: str, base: str) -> Client:
    known = GATEWAYS.get(target.name)
    own = known.headers(protocol, base) if known is not None else {}
    return Client(target.base_url, target.key, {**own, **target.headers}, target.patience)


def _models(name: str) -> dict[str, str]:
    known = GATEWAYS.get(name, GATEWAYS["twoapi"])
    return {protocol: known.models(protocol) for protocol in NAMES}


def _bases(bases: dict[str, str], pairs: list[Pair]) -> dict[str, str]:
    wanted = {upstream for _, upstream in pairs}
    return {protocol: base for protocol, base in bases.items() if protocol in wanted}


def _tell(kept: Record, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(kept))
        return
    click.echo(columns(rows(kept), indent=""))
    for cell in kept.cells:
        for found in cell.found:
            told = ": ".join(filter(None, (found.verdict, found.scene, found.leaf, found.note)))
            click.echo(f"{cell.client} {cell.upstream} {cell.mode}: {told}")


def _pairs(named: tuple[str, ...]) -> list[Pair]:
    if not named:
        return [(client, upstream) for client in NAMES for upstream in NAMES]
    pairs = []
    for one in named:
        client, _, upstream = one.partition(":")
        if client not in NAMES or upstream not in NAMES:
            raise click.BadParameter(f"{one}: two of {', '.join(NAMES)}, with a colon", param_hint="--pair")
        pairs.append((client, upstream))
    return pairs


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter(f"{one}: NAME:VALUE", param_hint="--header")
        headers[name.strip().lower()] = value.strip()
    return headers


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter(f"{listen}: HOST:PORT", param_hint="--listen")
    return host, int(port)
