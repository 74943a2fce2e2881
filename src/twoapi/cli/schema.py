"""`twoapi schema`: every setting of the configuration, for people and for editors."""

import click

from twoapi.cli.output import print_json
from twoapi.cli.reference import markdown
from twoapi.config import json_schema


@click.command("schema")
@click.option(
    "--json", "as_json", is_flag=True, help="The JSON Schema, for editors that check YAML while it is written."
)
def command(*, as_json: bool) -> None:
    """Describe every setting of twoapi.yaml: its type, its default, and what it means.

    For an editor write the schema to a file (twoapi schema --json > twoapi.schema.json) and begin twoapi.yaml with
    the line: # yaml-language-server: $schema=twoapi.schema.json
    """
    if as_json:
        print_json(json_schema())
    else:
        click.echo(markdown(), nl=False)
