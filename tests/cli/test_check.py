"""`twoapi check`."""

import json

GOOD = """
upstreams:
  lab: {provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", credentials: ["${LAB_KEY}"]}
  demo: {provider: demo}
models:
  smart: [lab/large, lab/small]
keys: [{key: sk-client-0123456789, name: team}]
"""
BAD = """\
listen: 0.0.0.0:8000
upstreams:
  lab: {provider: opnai}
models:
  smart: lub/large
"""


def test_a_good_configuration_is_summed_up_without_secrets(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(GOOD)
    result = run("check", LAB_KEY="sk-secret")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "twoapi.yaml: ok",
            "  listen    127.0.0.1:8000",
            "  keys      1",
            "  on_loss   allow",
            "  upstream  lab             openai-compatible, 1 credential",
            "  upstream  demo            demo, 0 credentials",
            "  model     smart           lab/large, lab/small",
        ],
    )


def test_a_good_configuration_as_json(run, tmp_path):
    (tmp_path / "other.yaml").write_text(GOOD)
    result = run("check", "other.yaml", "--json", LAB_KEY="sk-secret")
    assert (result.exit_code, json.loads(result.output)) == (
        0,
        {
            "ok": True,
            "file": "other.yaml",
            "problems": [],
            "notes": [],
            "listen": "127.0.0.1:8000",
            "upstreams": {
                "lab": {"provider": "openai-compatible", "credentials": 1},
                "demo": {"provider": "demo", "credentials": 0},
            },
            "models": {"smart": ["lab/large", "lab/small"]},
            "keys": 1,
            "on_loss": "allow",
        },
    )


def test_what_is_not_enforced_yet_is_said(run, tmp_path):
    limited = "upstreams: {lab: {provider: openai, credentials: [{key: sk-a, rpm: 5, tpm: 9}, sk-b]}}\n"
    (tmp_path / "twoapi.yaml").write_text(limited + "shared: redis://127.0.0.1\n")
    result = run("check", "--json")
    assert json.loads(result.stdout)["notes"] == [
        "upstreams.lab.credentials.0: rpm, tpm kept, but not enforced in this version",
        "shared: kept, but nothing is shared in this version",
    ]


def test_every_problem_is_told_with_its_place(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(BAD)
    result = run("check")
    places = [line.partition(": ")[0] for line in result.stderr.splitlines()]
    assert (result.exit_code, result.stdout, places) == (
        78,
        "",
        [
            "twoapi.yaml:1:9 listen",
            "twoapi.yaml:3:19 upstreams.lab.provider",
            "twoapi.yaml:5:10 models.smart.candidates.0",
            "twoapi.yaml",
        ],
    )
    assert result.stderr.endswith("twoapi.yaml: 3 problems\n")


def test_problems_as_json(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text("on_loss: perhaps\n")
    result = run("check", "--json")
    told = json.loads(result.stdout)
    message = told["problems"][0].pop("message")
    assert (result.exit_code, told, "allow" in message) == (
        78,
        {
            "ok": False,
            "file": "twoapi.yaml",
            "problems": [{"file": "twoapi.yaml", "line": 1, "column": 10, "path": "on_loss"}],
        },
        True,
    )


def test_a_file_that_is_not_there_cannot_be_checked(run):
    result = run("check")
    assert (result.exit_code, "twoapi.yaml:1:1: cannot be read: No such file" in result.stderr) == (78, True)
