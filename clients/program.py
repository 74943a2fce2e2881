"""What the runner must know of a program."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clients.job import Job

ROOT = Path(__file__).parents[1]
INSTALLED = ROOT / ".clients"
NODE_MODULES = INSTALLED / "node" / "node_modules"
SCRIPTS = Path(__file__).parent / "scripts"


def _nothing(job: Job) -> None:
    """Needs no files."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A client program. `command` is what is run, `variables` its environment beside the common one.

    `prepare` writes its configuration. `said` finds the final text in what it printed. `room` is the folder of
    `.clients` that holds it, `package` what npm or PyPI calls it. `socket`: it must get its websocket, though it would
    go on without one.
    """

    name: str
    protocol: str
    room: str
    package: str
    command: Callable[[Job], list[str]]
    variables: Callable[[Job], Mapping[str, str]]
    prepare: Callable[[Job], None] = _nothing
    said: Callable[[str], str] = str.strip
    seconds: float = 60.0
    socket: bool = False


def binary(name: str) -> str:
    """A program that npm installed."""
    return str(NODE_MODULES / ".bin" / name)


def node() -> str:
    """Node, of the version that is pinned; the one on PATH where no such package exists."""
    pinned = NODE_MODULES / ".bin" / "node"
    return str(pinned) if pinned.exists() else "node"


def script(file: str) -> list[str]:
    """The command of one of our scripts, in the environment of its library."""
    if file.endswith(".mjs"):
        return [node(), str(INSTALLED / "node" / "scripts" / file)]
    room = "langchain" if file.startswith("langchain") else "sdks"
    return [str(INSTALLED / room / "bin" / "python"), str(SCRIPTS / file)]
