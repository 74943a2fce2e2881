"""`twoapi serve` as a process: start, reload, stop."""

import http.client
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from twoapi.testing.canned import PATHS, chat_answer, request_body
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Gate, json_reply

LISTEN = ("--listen", "127.0.0.1:0")


def config(*models: str) -> str:
    aliases = "".join(f"  {model}: demo/demo\n" for model in models)
    return f"listen: 127.0.0.1:0\nupstreams: {{demo: {{provider: demo}}}}\nmodels:\n{aliases}"


def test_without_a_configuration_the_demo_answers(serve):
    served = serve(*LISTEN, OPENAI_API_KEY="sk-secret-1").ready()
    status, answer = served.ask("POST", PATHS["openai-chat"], request_body("openai-chat", "demo"))
    assert (status, answer["choices"][0]["message"]["content"]) == (
        200,
        "This is the twoapi demo, not a model. You said: hi",
    )
    told = "\n".join(served.lines)
    assert "  openai  openai-chat and openai-responses at https://api.openai.com/v1 (OPENAI_API_KEY)" in served.lines
    assert "ANTHROPIC_API_KEY (anthropic)" in told
    assert "sk-secret-1" not in told


def test_sigterm_ends_it_with_exit_code_0(serve):
    served = serve(*LISTEN).ready()
    served.signal(signal.SIGTERM)
    assert served.ended() == 0


def test_sigterm_lets_running_answers_finish(serve, tmp_path: Path):
    gate = Gate()
    with FakeUpstream() as fake:
        fake.reply(json_reply(chat_answer("at last")).failing(gate=gate))
        (tmp_path / "twoapi.yaml").write_text(
            f"upstreams: {{lab: {{provider: openai-compatible, base_url: '{fake.base_url()}'}}}}\n"
        )
        served = serve(*LISTEN).ready()
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.request("POST", PATHS["openai-chat"], json.dumps(request_body("openai-chat", "lab/m")))
        gate.wait_arrivals(timeout=30)
        served.signal(signal.SIGTERM)
        served.wait_for_refusal()
        gate.open()
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
    assert (answer.status, body["choices"][0]["message"]["content"], served.ended()) == (200, "at last", 0)


def test_a_taken_port_is_named_with_what_to_do(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = serve("--listen", f"127.0.0.1:{port}")
        line = served.wait_for("cannot listen")
        assert served.ended() == 1
    assert f"cannot listen on 127.0.0.1:{port}: port {port} is taken by another process" in line
    assert f"twoapi serve --listen 127.0.0.1:{port + 1}" in line


def test_two_gateways_with_workers_do_not_share_a_port(serve):
    first = serve(*LISTEN, "--workers", "2").ready()
    second = serve("--listen", f"127.0.0.1:{first.port}", "--workers", "2")
    assert f"port {first.port} is taken" in second.wait_for("cannot listen")
    assert second.ended() == 1


def test_a_broken_configuration_ends_the_start_with_every_problem(serve, tmp_path: Path):
    (tmp_path / "twoapi.yaml").write_text("on_loss: perhaps\nstor: x\n")
    served = serve()
    assert served.ended() == 78
    served.wait_for("the configuration cannot be used")
    assert "twoapi.yaml:1:10 on_loss: " in served.wait_for("on_loss")
    assert "twoapi.yaml:2:1 stor: " in served.wait_for("stor")


def test_a_named_configuration_that_is_not_there_is_an_error(serve):
    served = serve("--config", "absent.yaml")
    assert served.ended() == 78
    served.wait_for("absent.yaml:1:1: cannot be read: No such file")


def test_open_keys_are_refused_on_a_public_address(serve):
    served = serve("--listen", "0.0.0.0:0")
    assert served.ended() == 78
    served.wait_for("--listen 0.0.0.0:0 with open keys would let everyone")


def test_a_changed_file_comes_into_force(serve, tmp_path: Path):
    file = tmp_path / "twoapi.yaml"
    file.write_text(config("one"))
    served = serve(*LISTEN).ready()
    assert served.models() == ["one", "demo"]
    file.write_text(config("one", "two"))
    served.wait_for("the configuration was reloaded: 1 upstreams, 2 aliases")
    assert served.models() == ["one", "two", "demo"]


def test_a_broken_file_is_reported_and_changes_nothing(serve, tmp_path: Path):
    file = tmp_path / "twoapi.yaml"
    file.write_text(config("one"))
    served = serve(*LISTEN).ready()
    file.write_text("upstreams: {demo: {provider: dmeo}}\n")
    served.wait_for("the configuration was not reloaded, the one before stays in force")
    assert "twoapi.yaml:1:30 upstreams.demo.provider: " in served.wait_for("did you mean 'demo' (")
    assert served.models() == ["one", "demo"]


def test_sighup_reloads_in_every_worker(serve, tmp_path: Path):
    file = tmp_path / "twoapi.yaml"
    file.write_text(config("one"))
    served = serve(*LISTEN, "--workers", "2").ready()
    file.write_text(config("two"))
    served.signal(signal.SIGHUP)
    lines = {served.wait_for("the configuration was reloaded") for _ in range(2)}
    assert len({line.split("]")[0] for line in lines}) == 2
    assert served.models() == ["two", "demo"]
    served.signal(signal.SIGTERM)
    assert served.ended() == 0


def test_a_worker_that_dies_is_started_again_and_catches_up(serve, tmp_path: Path):
    def pids() -> set[int]:
        lines = [served.wait_for("the configuration was reloaded") for _ in range(2)]
        return {int(line.split("[")[1].split("]")[0]) for line in lines}

    file = tmp_path / "twoapi.yaml"
    file.write_text(config("one"))
    served = serve(*LISTEN, "--workers", "2").ready()
    file.write_text(config("two"))
    before = pids()
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    assert f"(pid {killed}) ended with status 9; starting it again" in served.wait_for("starting it again")
    served.wait_for("the configuration was reloaded")  # the new worker began with what the start had read
    file.write_text(config("three"))
    after = pids()
    assert (len(after), before & after) == (2, before - {killed})
    assert served.models() == ["three", "demo"]


def test_what_needs_a_restart_is_named(serve, tmp_path: Path):
    file = tmp_path / "twoapi.yaml"
    file.write_text(config("one"))
    served = serve().ready()
    file.write_text(config("one", "two").replace("127.0.0.1:0", "127.0.0.1:1"))
    served.wait_for("a changed listen comes into force when twoapi is started again")
    served.wait_for("the configuration was reloaded")
    assert served.models() == ["one", "two", "demo"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_access_log_has_a_line_per_request(serve, tmp_path: Path, workers):
    served = serve(*LISTEN, "--access-log", "log.jsonl", "--workers", workers).ready()
    served.ask("POST", PATHS["openai-chat"], request_body("openai-chat", "demo"))
    served.signal(signal.SIGTERM)
    assert served.ended() == 0
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert [record[name] for name in ("protocol", "model", "key", "upstream", "status", "outcome")] == [
        "openai-chat",
        "demo",
        "open",
        "demo",
        200,
        "ok",
    ]


def test_an_access_log_that_cannot_be_written_is_an_error(serve):
    served = serve(*LISTEN, "--access-log", "no/such/folder/log")
    assert served.ended() == 1
    served.wait_for("--access-log no/such/folder/log: cannot be written: No such file or directory")


def test_what_is_served_as_json(serve):
    served = serve(*LISTEN, "--json")
    while served.wait_for("}") != "}":
        pass
    told = json.loads("\n".join(served.lines[served.lines.index("{") :]))
    assert (told["config"], told["models"], told["key"], told["example_model"]) == (None, ["demo"], "any", "demo")
    assert told["url"].startswith("http://127.0.0.1:")
