"""`twoapi models`."""

import json

import pytest

from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import json_reply

CONFIG = """
upstreams:
  claude: {provider: anthropic, credentials: [sk-1], prices: {"claude-haiku-*": {input: 0, output: 1.25}}}
  lab: {provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", models: [mine]}
models:
  smart: {candidates: [claude/claude-opus-4-7, lab/mine]}
"""
TABLE = {
    "claude-z": {
        "litellm_provider": "anthropic",
        "mode": "chat",
        "max_input_tokens": 1000,
        "input_cost_per_token": 7e-06,
        "output_cost_per_token": 8e-06,
    }
}


def told(result):
    assert result.exit_code == 0, result.output
    return {(row["name"], row["model"]): row for row in json.loads(result.stdout)["models"]}


def test_aliases_and_what_upstreams_serve(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(CONFIG)
    rows = told(run("models", "--json"))
    smart = rows["smart", "claude-opus-4-7"]
    assert (smart["upstream"], smart["context"], smart["input_usd"], smart["output_usd"]) == (
        "claude",
        1_000_000,
        "5",
        "25",
    )
    assert {"of": "output", "usd": "25"} in smart["prices"]
    assert ("claude/claude-opus-4-7", "claude-opus-4-7") in rows


def test_unpriced_is_said_and_is_not_0(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(CONFIG)
    mine = told(run("models", "--json"))["lab/mine", "mine"]
    assert (mine["input_usd"], mine["prices"], mine["agreed"]) == (None, [], None)
    assert any("lab/mine" in line and "unpriced" in line for line in run("models").stdout.splitlines())


def test_the_operators_prices_stand_alone(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(CONFIG)
    haiku = told(run("models", "--json"))["claude/claude-haiku-4-5", "claude-haiku-4-5"]
    assert haiku["prices"] == [{"of": "input", "usd": "0"}, {"of": "output", "usd": "1.25"}]
    assert haiku["context"] == 200_000


def test_what_nobody_counts_has_no_price(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(CONFIG.replace("input: 0", "inptu: 0"))
    result = run("models")
    assert result.exit_code == 78
    assert "did you mean 'input'?" in result.stderr


def test_few_are_shown_unless_all_are_wanted(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(CONFIG)
    some, every = run("models").stdout, run("models", "--all").stdout
    assert "--all shows them" in some
    assert len(every.splitlines()) > len(some.splitlines())


def test_a_newer_table(run, tmp_path):
    with FakeUpstream() as vendor:
        vendor.reply(json_reply(TABLE))
        url = f"{vendor.base_url()}/table.json"
        result = run("models", "refresh", "--from", url, "--json")
    assert json.loads(result.stdout) == {
        "file": "twoapi-models.json",
        "models": 1,
        "source": url,
    }
    (tmp_path / "twoapi.yaml").write_text(CONFIG + "model_table: twoapi-models.json\n")
    assert told(run("models", "--json"))["claude/claude-z", "claude-z"]["output_usd"] == "8"


@pytest.mark.parametrize("text", ["no json", "[]", '{"x": {"mode": "chat", "litellm_provider": "nobody"}}'])
def test_a_table_that_is_none_replaces_nothing(run, tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    (tmp_path / "twoapi-models.json").write_text("the old one")
    result = run("models", "refresh", "--from", "bad.json")
    assert result.exit_code == 1
    assert (tmp_path / "twoapi-models.json").read_text() == "the old one"
    assert sorted(path.name for path in tmp_path.glob("twoapi-models*")) == ["twoapi-models.json"]


def test_a_table_that_cannot_be_read_is_said_at_once(run, tmp_path):
    (tmp_path / "twoapi.yaml").write_text(CONFIG + "model_table: gone.json\n")
    result = run("models")
    assert result.exit_code == 78
    assert result.stderr.endswith(
        "twoapi.yaml:7:14 model_table: gone.json cannot be read: No such file or directory; "
        "`twoapi models refresh` writes one\n"
    )
