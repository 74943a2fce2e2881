"""`twoapi models`: what can be asked for here, what it can do and what it costs; and the table behind that."""

import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import click
import msgspec

from twoapi.cli.output import EXIT_CONFIG, columns, fail, print_json
from twoapi.cli.source import Source
from twoapi.config import ConfigError, Settings
from twoapi.policy.pricing import card_for
from twoapi.providers.cards import Metered, ModelCard, Price, Table, load_table, shipped_table
from twoapi.providers.cards.build import SOURCE_URL, build
from twoapi.providers.cards.cost import price_of
from twoapi.providers.cards.table import TableError
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import Provider

_FILE = "twoapi-models.json"
_PATIENCE = 60.0  # seconds for the download
_LARGEST = 64 * 2**20  # bytes of a table
_FEW = 12  # models of one upstream that are shown unless all are wanted


class Row(msgspec.Struct, kw_only=True):
    """A name, who answers for it, and what is known of that model. None: not known, or without a price."""

    name: str
    upstream: str
    model: str
    provider: str
    context: int | None
    max_output: int | None
    inputs: tuple[str, ...]
    abilities: tuple[str, ...]
    input_usd: str | None
    output_usd: str | None
    prices: list[dict[str, object]]
    agreed: str | None
    retires: str | None


@click.group("models", invoke_without_command=True)
@click.option("--config", "file", type=click.Path(path_type=Path), help="As for serve.")
@click.option("--all", "everything", is_flag=True, help="Every model that the table has for the providers in use.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON, with all prices.")
@click.pass_context
def command(context: click.Context, file: Path | None, *, everything: bool, as_json: bool) -> None:
    """List the models: what each can do and what it costs, in US dollars for a million tokens.

    Aliases come first, then what each upstream serves. A price that is not known is shown as "unpriced", never as 0.
    Whether an upstream answers is what `twoapi doctor` finds out.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        settings = Source(file).read()
        table = table_of(settings)
    except (ConfigError, TableError, OSError) as error:
        fail(str(error), EXIT_CONFIG)
    rows = list(_rows(settings, table))
    if as_json:
        print_json({"made": table.made.isoformat(), "models": [msgspec.to_builtins(row) for row in rows]})
    else:
        _tell(rows, table, everything=everything)


@command.command("refresh")
@click.option("--from", "source", default=SOURCE_URL, show_default=True, help="A URL, or a file, with LiteLLM's table.")
@click.option("--to", "target", type=click.Path(path_type=Path), default=_FILE, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def refresh(source: str, target: Path, *, as_json: bool) -> None:
    """Fetch newer model cards and write them to a file, which `model_table:` in the configuration names.

    This is the only command that fetches anything, and only when it is called.
    """
    click.echo(f"reading {source} ...", err=True)
    wanted = {provider.cards or provider.name for provider in load_catalog().values()}
    now = datetime.now(UTC)
    try:
        made = build(msgspec.json.decode(_read(source)), wanted, now.date(), (source,))
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        fail(f"{source}: {error}")
    scratch = target.with_name(target.name + ".new")
    scratch.write_bytes(made)
    table = load_table(scratch)
    scratch.replace(target)
    count = sum(len(table.cards(section)) for section in table.providers)
    if as_json:
        print_json({"file": str(target), "models": count, "source": source})
    else:
        click.echo(f"{target}: {count} models; put `model_table: {target}` into the configuration")


def table_of(settings: Settings) -> Table:
    """The operator's table, else the shipped one; raises TableError or OSError."""
    return shipped_table() if settings.model_table is None else load_table(Path(settings.model_table))


def _read(source: str) -> bytes:
    if not source.startswith(("https://", "http://")):
        return Path(source).read_bytes()
    with urllib.request.urlopen(source, timeout=_PATIENCE) as answer:  # noqa: S310  the schemes are checked above
        data: bytes = answer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("longer than a table can be")
    return data


class _Desk(msgspec.Struct, frozen=True):
    """What every row is made from."""

    settings: Settings
    table: Table
    catalog: Mapping[str, Provider]
    now: datetime

    def row(self, name: str, upstream: str, model: str) -> Row | None:
        """None for an upstream without a provider."""
        settings = self.settings.upstreams[upstream]
        if settings.provider is None:
            return None
        provider = self.catalog[settings.provider]
        card = card_for(provider, settings, model, self.table) or ModelCard(model, inputs=())
        return Row(
            name=name,
            upstream=upstream,
            model=model,
            provider=provider.name,
            context=card.context,
            max_output=card.max_output,
            inputs=card.inputs,
            abilities=card.abilities,
            input_usd=self._usual(card, "input"),
            output_usd=self._usual(card, "output"),
            prices=[{name: value for name, value in _fields(price) if value} for price in card.prices],
            agreed=card.agreed if card.prices else None,
            retires=None if card.retires is None else card.retires.isoformat(),
        )

    def served(self, upstream: str) -> list[str]:
        """What an upstream serves, as far as it can be told without asking it."""
        settings = self.settings.upstreams[upstream]
        provider = self.catalog[settings.provider or ""]
        said = provider.serves if settings.models is None else settings.models
        cards = [card.id for card in self.table.cards(provider.cards or provider.name)]
        if settings.models is None and not said:
            return cards
        patterns = [name for name in said if "*" in name]
        known = [card for card in cards if any(fnmatchcase(card, pattern) for pattern in patterns)]
        return list(dict.fromkeys([*(name for name in said if "*" not in name), *known]))

    def _usual(self, card: ModelCard, of: Metered) -> str | None:
        price = price_of(card, of, self.now, 0)
        return None if price is None else price.usd


def _fields(price: Price) -> Iterator[tuple[str, object]]:
    for name in price.__struct_fields__:
        value = getattr(price, name)
        yield name, value.isoformat() if isinstance(value, date) else value


def _rows(settings: Settings, table: Table) -> Iterator[Row]:
    catalog = load_catalog(None if settings.catalog is None else Path(settings.catalog))
    desk = _Desk(settings, table, catalog, datetime.now(UTC))
    names = [(alias, one.model) for alias, wanted in settings.models.items() for one in wanted.candidates]
    for upstream, about in settings.upstreams.items():
        if about.provider is not None:
            names += [(f"{upstream}/{model}", f"{upstream}/{model}") for model in desk.served(upstream)]
    for name, target in names:
        upstream, _, model = target.partition("/")
        row = desk.row(name, upstream, model)
        if row is not None:
            yield row


def _tell(rows: list[Row], table: Table, *, everything: bool) -> None:
    shown, left = _few(rows) if not everything else (rows, {})
    lines = [("model", "answered by", "context", "output", "in $/M", "out $/M", "takes, does")]
    for row in shown:
        target = f"{row.upstream}/{row.model}"
        context, output = ("" if limit is None else f"{limit:,}" for limit in (row.context, row.max_output))
        read, written = ("unpriced" if usd is None else usd for usd in (row.input_usd, row.output_usd))
        does = ", ".join([*row.inputs, *row.abilities]) + (f"; gone from {row.retires}" if row.retires else "")
        lines.append((row.name, "" if target == row.name else target, context, output, read, written, does))
    click.echo(columns(lines, indent=""))
    for upstream, count in left.items():
        click.echo(f"... and {count} more of {upstream} that the table knows: --all shows them")
    click.echo(
        f"(what is known of models is from {table.made}; `twoapi models refresh` fetches a newer table)", err=True
    )


def _few(rows: list[Row]) -> tuple[list[Row], Counter[str]]:
    """The first rows of each upstream, and how many of it are left out."""
    seen, left = Counter[str](), Counter[str]()
    shown = []
    for row in rows:
        seen[row.upstream] += 1
        if seen[row.upstream] <= _FEW:
            shown.append(row)
        else:
            left[row.upstream] += 1
    return shown, left
