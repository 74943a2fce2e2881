"""The runner of client programs, with programs of a few lines instead of real ones."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from clients.__main__ import main
from clients.job import KEY, MODEL, Job
from clients.manners import MANNERS
from clients.program import SCRIPTS, Program
from clients.programs import PROGRAMS
from clients.report import line, summary, table
from clients.run import Outcome, run_job
from clients.upstreams import KINDS, UPSTREAMS

CLIENTS = Path(__file__).parents[2] / "clients"

# A program over Chat Completions, whole answers; {lie} is what else it does wrong.
PROGRAM = """
import json, os, sys, urllib.request
tool = {{"name": "save", "parameters": {{"type": "object", "properties": {{"path": {{"type": "string"}},
        "content": {{"type": "string"}}}}, "required": ["path", "content"]}}}}
messages = [{{"role": "user", "content": os.environ["PROMPT"]}}]
while True:
    body = {{"model": os.environ["MODEL"], "messages": messages, "tools": [{{"type": "function", "function": tool}}]}}
    headers = {{"content-type": "application/json", "authorization": "Bearer " + os.environ["KEY"]}}
    url = os.environ["URL"] + "/v1/chat/completions"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        message = json.load(answer)["choices"][0]["message"]
    if not message.get("tool_calls"):
        break
    messages.append({{name: message[name] for name in ("role", "content", "tool_calls")}})
    for call in message["tool_calls"]:
        arguments = json.loads(call["function"]["arguments"])
        with open(arguments["path"], "w") as file:
            file.write(arguments["content"])
        messages.append({{"role": "tool", "tool_call_id": call["id"], "content": "written"}})
text = message["content"]
{lie}
print(text)
"""


def program(lie: str = "", seconds: float = 20.0) -> Program:
    def variables(job: Job) -> dict[str, str]:
        return {"URL": job.url, "KEY": KEY, "MODEL": MODEL, "PROMPT": job.prompt, "PYTHONIOENCODING": "utf-8"}

    command = [sys.executable, "-c", PROGRAM.format(lie=lie)]
    return Program(
        name="tiny",
        protocol="openai-chat",
        room="sdks",
        package="openai",
        command=lambda _job: command,
        variables=variables,
        seconds=seconds,
    )


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_job_that_goes_well_leaves_nothing(upstream: str, tmp_path: Path) -> None:
    outcome = run_job(program(), upstream, MANNERS["strict"], jobs=tmp_path)
    assert outcome.problems == []
    assert (outcome.exchanges, outcome.folder) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_logs_are_kept_when_asked_for(tmp_path: Path) -> None:
    outcome = run_job(program(), "openai-chat", MANNERS["strict"], keep=True, jobs=tmp_path)
    folder = Path(outcome.folder)
    assert outcome.problems == []
    assert b"HTTP/1.1 200" in (folder / "client-gateway").read_bytes()
    assert b"gpt-5.1" in (folder / "gateway-upstream").read_bytes()
    assert [record["outcome"] for record in json.loads((folder / "records.json").read_bytes())] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("lie", "problem"),
    [
        ("text = 'Finished'", "the program said 'Finished', not "),
        ("sys.exit('I give up')", "the program ended with 1: I give up"),
        ("open(arguments['path'], 'a').write('!')", "the file holds "),
        ("os.remove(arguments['path'])", "the file holds None"),
        ("import time; time.sleep(60)", "the program had to be ended"),
        ("try: urllib.request.urlopen(url + '/none')\nexcept OSError: pass", "the gateway answered 404"),
    ],
)
def test_a_job_that_goes_wrong_is_told(lie: str, problem: str, tmp_path: Path) -> None:
    outcome = run_job(program(lie, seconds=3.0), "openai-chat", MANNERS["strict"], jobs=tmp_path)
    assert any(one.startswith(problem) for one in outcome.problems), outcome.problems
    assert (Path(outcome.folder) / "stdout").exists()


@pytest.mark.parametrize("refused", ["'no_such_field': 1", "'temperature': 9"])
def test_a_request_that_the_upstream_refuses_is_told(refused: str, tmp_path: Path) -> None:
    lie = f"""
body |= {{{refused}}}
try: urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers))
except OSError: pass"""
    outcome = run_job(program(lie), "openai-chat", MANNERS["strict"], jobs=tmp_path)
    assert any(one.startswith("the upstream refused: ") for one in outcome.problems), outcome.problems
    assert run_job(program(lie), "openai-chat", MANNERS["plain"], jobs=tmp_path).problems == []


def test_a_program_that_gets_no_websocket_is_told(tmp_path: Path) -> None:
    outcome = run_job(replace(program(), socket=True), "openai-chat", MANNERS["strict"], jobs=tmp_path)
    assert outcome.problems == ["no websocket was opened"]


def test_a_cut_answer_may_fail_a_program_but_not_fool_it(tmp_path: Path) -> None:
    assert run_job(program(), "openai-chat", MANNERS["cut"], jobs=tmp_path).problems == []
    fooled = PROGRAM.replace("import json", "print('Finished: all is well'); sys = __import__('sys'); sys.exit(0)", 1)
    bad = Program(
        name="fooled",
        protocol="openai-chat",
        room="sdks",
        package="openai",
        command=lambda _job: [sys.executable, "-c", fooled],
        variables=lambda _job: {},
    )
    assert "for a whole one" in run_job(bad, "openai-chat", MANNERS["cut"], jobs=tmp_path).problems[0]


def test_what_a_program_leaves_behind_is_ended(tmp_path: Path) -> None:
    lie = f"""
import subprocess
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
open({str(tmp_path / "child")!r}, 'w').write(str(child.pid))"""
    assert run_job(program(lie), "openai-chat", MANNERS["strict"], jobs=tmp_path / "jobs").problems == []
    status = Path(f"/proc/{(tmp_path / 'child').read_text()}/stat")
    assert not status.exists() or status.read_text().split()[2] in "ZX"


# --- The list of programs, the command, the table ---


def test_programs_are_told_apart_and_their_scripts_exist() -> None:
    assert len({one.name for one in PROGRAMS}) == len(PROGRAMS)
    assert {one.protocol for one in PROGRAMS} == set(KINDS)
    job = Job(folder=Path("/nowhere"), url="http://127.0.0.1:1", mark="m")
    named = [Path(word).name for one in PROGRAMS for word in one.command(job) if word.endswith((".py", ".mjs"))]
    assert named
    assert [name for name in named if not (SCRIPTS / name).is_file()] == []


def test_the_command_lists_and_refuses() -> None:
    listed = CliRunner().invoke(main, ["--list", "--program", "openai-*"])
    assert listed.exit_code == 0
    assert "openai-js-chat" in listed.output
    assert "codex" not in listed.output
    assert all(name in listed.output for name in (*UPSTREAMS, *MANNERS))
    unknown = CliRunner().invoke(main, ["--program", "nothing"])
    assert unknown.exit_code == 2
    assert "no program is called 'nothing'; there are claude-code" in unknown.output


def test_the_table_says_what_went_well() -> None:
    good = Outcome(program="a", upstream="gemini", manner="strict", exchanges=2)
    bad = Outcome(program="b", upstream="gemini", manner="strict", problems=["it broke"], folder="jobs/b")
    assert [row.split() for row in table([good, bad]).splitlines()] == [
        ["program", "gemini"],
        ["a", "ok"],
        ["b", "FAIL"],
    ]
    assert table([good, Outcome(program="a", upstream="gemini", manner="cut", problems=["x"])]).split()[-3:] == [
        *("1", "of", "2"),
    ]
    assert "it broke" in line(bad)
    assert summary([good, bad]).splitlines() == ["1 of 2 jobs went well", "  logs: jobs/b"]


# --- The locks ---


def test_every_package_is_pinned_by_its_content_and_no_host_is_named() -> None:
    lock = json.loads((CLIENTS / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert [name for name, one in packages.items() if "integrity" not in one or "resolved" in one] == []
    asked = json.loads((CLIENTS / "package.json").read_text())
    wanted = {**asked["dependencies"], **asked["optionalDependencies"]}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    for room in ("sdks", "langchain"):
        text = (CLIENTS / "requirements" / f"{room}.txt").read_text()
        pins = [part for part in text.replace("\\\n", "").splitlines() if part and part[0].isalnum()]
        assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []
        direct = (CLIENTS / "requirements" / f"{room}.in").read_text().split()
        assert [one for one in direct if f"{one} " not in text] == []
        assert "://" not in text
