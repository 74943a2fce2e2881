"""The job that every program does: write one file with a tool, then say that it is done."""

import shlex
from dataclasses import dataclass
from pathlib import Path

CONTENT = "Grüße 'aus' \"Zürich\", 北京 🌍 \\ $HOME"
KEY = "client-key"
MODEL = "team-model"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One program before one upstream.

    `folder` is all that the program may touch: its home, its working directory and its temporary files lie within.
    `url` is where the gateway listens, without a path.
    """

    folder: Path
    url: str
    mark: str

    @property
    def home(self) -> Path:
        """The program's home directory."""
        return self.folder / "home"

    @property
    def work(self) -> Path:
        """The program's working directory."""
        return self.folder / "work"

    @property
    def file(self) -> Path:
        """What is to be written."""
        return self.work / "hello.txt"

    @property
    def final(self) -> str:
        """What the model says at the end, and the program repeats."""
        return f"Finished: FINAL-{self.mark} Grüße 🌍"

    @property
    def prompt(self) -> str:
        """What the program is asked to do."""
        return f"Write one file with a tool. PATH={self.file} MARK={self.mark}"

    @property
    def command(self) -> str:
        """What a shell does to write the file."""
        return f"printf %s {shlex.quote(CONTENT)} > {shlex.quote(str(self.file))} && echo written"
