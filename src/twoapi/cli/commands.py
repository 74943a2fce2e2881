"""The command `twoapi`: which subcommands there are; each is imported only when it is used."""

from collections.abc import Mapping
from importlib import import_module

import click

from twoapi import __version__

# Subcommand -> what the help says of it. The command itself is in the module of the same name, as `command`.
SUMMARIES: Mapping[str, str] = {
    "serve": "Start the gateway.",
    "check": "Check the configuration, and say everything that is wrong with it.",
    "explain": "Show what a request becomes for another protocol, and what is lost; nothing is sent.",
    "chat": "Talk to a model through the gateway, or through any server of a protocol.",
    "models": "List the models: what each can do, and what it costs.",
    "providers": "List the services that the catalogue knows, and what each takes.",
    "doctor": "Find out what would fail here, and how to mend it.",
    "schema": "Describe every setting of twoapi.yaml.",
    "conformance": "Score any gateway: what it carries between the protocols, and what it loses.",
}


class Subcommands(click.Group):
    """A group whose members are imported one by one, so that `--help` and each command start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The names, in the order of the table."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in SUMMARIES:
            return None
        command = import_module(f"twoapi.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101  a module of the table has one
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table, without importing any member."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def root() -> None:
    """Any LLM service in, any LLM API out.

    \b
    twoapi serve                        start the gateway; with no twoapi.yaml it finds what is there
    twoapi chat                         talk to it
    twoapi explain request.json --from openai-chat --to anthropic-messages

    Exit codes: 0 good, 1 something failed, 2 wrong usage, 78 a configuration that cannot be used.
    """  # noqa: D301  the \b is click's: it keeps the lines as they are


def main() -> None:
    """Runs the command line; the entry point of the package."""
    root(prog_name="twoapi")
