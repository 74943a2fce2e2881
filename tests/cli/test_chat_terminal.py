"""`twoapi chat` at a terminal: prompts, Ctrl-C, Ctrl-D."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Gate, sse_reply

PATIENCE = 30.0
# A session's first terminal that is opened becomes its controlling one: Ctrl-C is then a signal.
CONTROLLED = "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLED, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**os.environ, "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for(self, text: str, patience: float = PATIENCE) -> None:
        """Until this is shown; what was shown before it is forgotten."""
        deadline = time.monotonic() + patience
        while text not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} was not shown: {self.shown!r}"
            if select.select([self._master], [], [], left)[0]:
                self.shown += os.read(self._master, 65536).decode()
        self.shown = self.shown.partition(text)[2]

    def interrupt(self, until: str) -> None:
        """Ctrl-C, as often as it takes: one that comes just before a system call is noticed only by the next."""
        for _ in range(int(PATIENCE)):
            self.type("\x03")
            with contextlib.suppress(AssertionError):
                self.wait_for(until, 1.0)
                return
        raise AssertionError(f"{until!r} was not shown: {self.shown!r}")

    def ended(self) -> int:
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        os.close(self._master)


def frame(text: str) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def terminal(upstream: FakeUpstream, tmp_path: Path) -> Iterator[Terminal]:
    command = [sys.executable, "-P", "-m", "twoapi", "chat", "--base-url", upstream.base_url(), "--model", "m"]
    started = Terminal(command, tmp_path)
    yield started
    started.close()


def test_ctrl_c_stops_an_answer_and_ctrl_d_ends(upstream: FakeUpstream, terminal: Terminal):
    gate = Gate()
    gate.release()
    upstream.reply(sse_reply([frame("It begins"), frame(" and goes on")]).failing(gate=gate))
    upstream.reply(sse_reply([frame("Second answer."), b"data: [DONE]\n\n"]))
    terminal.wait_for("> ")
    terminal.type("Hello\n")
    terminal.wait_for("It begins")
    terminal.interrupt("cut off]")
    terminal.wait_for("> ")
    terminal.type("And now\n")
    terminal.wait_for("Second answer.")
    terminal.wait_for("> ")
    terminal.type("\x04")
    assert terminal.ended() == 0
    assert [message["content"] for message in upstream.requests[1].json()["messages"]] == [
        "Hello",
        "It begins",
        "And now",
    ]


def test_ctrl_c_at_the_prompt_ends_nothing(terminal: Terminal):
    terminal.wait_for("> ")
    terminal.type("half a li")
    terminal.wait_for("half a li")
    terminal.interrupt("> ")
    terminal.type("\x04")
    assert terminal.ended() == 0
