"""The command line in this process, and `twoapi serve` in one of its own."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from twoapi.cli.commands import root
from twoapi.config import parse
from twoapi.testing.running_gateway import RunningGateway

PATIENCE = 30.0
VARIABLES = ("_API_KEY", "_AUTH_TOKEN", "_BASE_URL", "TWOAPI_KEY")


def bare_environ() -> dict[str, str]:
    """The environment without anybody's keys."""
    return {name: value for name, value in os.environ.items() if not name.endswith(VARIABLES)}


class Served:
    """A running `twoapi serve`, with all that it has printed."""

    def __init__(self, arguments: list[str], folder: Path, environ: dict[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "twoapi", "serve", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**bare_environ(), "PYTHONUNBUFFERED": "1", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str) -> str:
        """The next line that holds this text."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not printed: {self.lines}") from None
            if text in line:
                return line

    def ready(self) -> "Served":
        """Waits until it listens, and learns where."""
        line = self.wait_for("listens on")
        self.port = int(line.split("listens on ")[1].split()[0].rpartition(":")[2])
        self.wait_for("twoapi chat")  # the banner's last line
        return self

    def ask(self, method: str = "GET", path: str = "/v1/models", body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"content-type": "application/json"})
        answer = connection.getresponse()
        told = answer.status, json.loads(answer.read())
        connection.close()
        return told

    def models(self) -> list[str]:
        _, listed = self.ask()
        return [model["id"] for model in listed["data"]]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait_for_refusal(self) -> None:
        """Until it accepts no connection any more."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
                    if connection.recv(1) == b"":  # accepted by the backlog, then dropped
                        continue
            except OSError:
                return
        raise AssertionError("it still accepts connections")

    def ended(self) -> int:
        """The exit code."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.ended()
        assert self.process.stdout is not None

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip("\n"))
                self._queue.put(line.rstrip("\n"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts `twoapi serve` in an empty folder: `serve("--workers", "2", OPENAI_API_KEY="sk-1")`."""
    started: list[Served] = []

    def start(*arguments: str, **environ: str) -> Served:
        served = Served(list(arguments), tmp_path, environ)
        started.append(served)
        return served

    yield start
    for served in started:
        served.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in an empty folder: `run("check", "--json", NAME="value")`."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, stdin: str | None = None, **environ: str) -> Result:
        hidden: dict[str, str | None] = {name: None for name in os.environ if name.endswith(VARIABLES)}
        return CliRunner().invoke(root, arguments, input=stdin, env={**hidden, **environ}, prog_name="twoapi")

    return invoke


@pytest.fixture(scope="session")
def gateway() -> Iterator[RunningGateway]:
    """A gateway with the demo, open."""
    with RunningGateway(parse("listen: 127.0.0.1:0\nupstreams: {demo: {provider: demo}}", "test.yaml", {})) as running:
        yield running
