"""`twoapi chat`: talk to a model from the terminal, through any protocol that twoapi speaks."""

import contextlib
import importlib
import json
import sys
from collections.abc import Callable

import click

from twoapi.cli.conversation import Conversation, Server, Talker
from twoapi.cli.output import EXIT_FAILED, fail
from twoapi.cli.owners import protocol_type
from twoapi.ir import Delta, Event, FaultError, PartEnd, PartStart, Reasoning, Refusal, Response, Text, ToolCall, plain

_PROMPT = "> "


@click.command("chat")
@click.option("--protocol", type=protocol_type, default="openai-chat", show_default=True)
@click.option("--base-url", default="http://127.0.0.1:8000", show_default=True, help="A gateway, or any server.")
@click.option("--model", default="demo", show_default=True)
@click.option("--key", envvar="TWOAPI_KEY", default="any", help="The client key. [default: $TWOAPI_KEY]")
@click.option("--system", help="A system prompt.")
@click.option("--once", metavar="TEXT", help="Say only this, print the answer and end.")
@click.option("--json", "as_json", is_flag=True, help="Each answer as one line of JSON.")
def command(  # noqa: PLR0913  one argument per option
    protocol: str, base_url: str, model: str, key: str, system: str | None, once: str | None, *, as_json: bool
) -> None:
    """Talk to a model. Ctrl-C stops an answer, Ctrl-D ends.

    Answers stream. Reasoning is shown dimmed; tool calls and the usage are shown, too. Without a terminal each line of
    standard input is a turn.
    """
    try:
        server = Server.parse(base_url, protocol, key)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--base-url") from None
    conversation = Conversation(Talker(server, protocol), model, system)
    say = _say_as_json if as_json else _say
    if once is not None:
        if not say(conversation, once):
            raise click.exceptions.Exit(EXIT_FAILED)
        return
    if not as_json:
        click.echo(f"{model} at {base_url}, {protocol}; Ctrl-C stops an answer, Ctrl-D ends", err=True)
    _converse(conversation, say)


def _converse(conversation: Conversation, say: Callable[[Conversation, str], bool]) -> None:
    interactive = sys.stdin.isatty()
    if interactive:
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")  # gives input() arrow keys and a history
    good = True
    while True:
        try:
            line = input(_PROMPT if interactive else "").strip()
        except EOFError:
            break
        except KeyboardInterrupt:
            click.echo(err=True)
            continue
        if line:
            good = say(conversation, line)
            if not good and not interactive:
                break
    if interactive:
        click.echo()
    if not good and not interactive:
        raise click.exceptions.Exit(EXIT_FAILED)


def _say(conversation: Conversation, text: str) -> bool:
    """Prints the answer as it comes; False when there was none."""
    shown = _Shown()
    try:
        response = conversation.say(text, shown.take)
    except FaultError as error:
        shown.end_line()
        click.echo(f"error: {error.fault.message}", err=True)
        return False
    except OSError as error:
        fail(_why(error, conversation))
    shown.end_line()
    click.secho(_usage(response), dim=True, err=True)
    return True


def _say_as_json(conversation: Conversation, text: str) -> bool:
    """Prints the answer as one line of JSON; an error, too."""
    try:
        response = conversation.say(text, lambda _: None)
    except FaultError as error:
        fault = error.fault
        click.echo(json.dumps({"error": {"kind": fault.kind, "status": fault.http_status, "message": fault.message}}))
        return False
    except OSError as error:
        fail(_why(error, conversation))
    click.echo(json.dumps(_as_data(response), ensure_ascii=False))
    return True


def _why(error: OSError, conversation: Conversation) -> str:
    url = conversation.talker.server.url
    reason = error.strerror or error
    return f"{url} cannot be reached: {reason}; start the gateway with `twoapi serve`, or give another --base-url"


class _Shown:
    """Prints events for people."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[int, int], type] = {}
        self._at_start = True

    def take(self, event: Event) -> None:
        """Print what this event says."""
        if isinstance(event, PartStart):
            self._kinds[event.candidate, event.part] = type(event.header)
            if isinstance(event.header, ToolCall):
                self.end_line()
                self._write(f"[calls {event.header.name} ", dim=False)
        elif isinstance(event, Delta):
            kind = self._kinds.get((event.candidate, event.part), Text)
            self._write(event.text, dim=issubclass(kind, Reasoning))
        elif isinstance(event, PartEnd):
            kind = self._kinds.get((event.candidate, event.part), Text)
            if issubclass(kind, ToolCall):
                self._write("]", dim=False)
            if not issubclass(kind, Text):
                self.end_line()

    def end_line(self) -> None:
        """Go to the start of a line."""
        if not self._at_start:
            click.echo()
            self._at_start = True

    def _write(self, text: str, *, dim: bool) -> None:
        if text:
            click.secho(text, nl=False, dim=dim)
            sys.stdout.flush()
            self._at_start = text.endswith("\n")


def _usage(response: Response) -> str:
    usage = response.usage
    told = "usage unknown" if usage is None else f"{usage.total_input} tokens in, {usage.total_output} out"
    stop = response.candidates[0].stop if response.candidates else None
    return f"[{told}; {'cut off' if stop is None else stop.kind}]"


def _as_data(response: Response) -> dict[str, object]:
    parts = [part for candidate in response.candidates[:1] for part in candidate.parts]
    stop = response.candidates[0].stop if response.candidates else None
    usage = response.usage
    return {
        "model": response.model,
        "text": "".join(plain(part.text) for part in parts if isinstance(part, Text | Refusal)),
        "reasoning": "".join(plain(part.text) for part in parts if isinstance(part, Reasoning)),
        "tool_calls": [
            {"name": part.name, "arguments": part.arguments} for part in parts if isinstance(part, ToolCall)
        ],
        "stop": None if stop is None else stop.kind,
        "usage": None if usage is None else {"input": usage.total_input, "output": usage.total_output},
    }
