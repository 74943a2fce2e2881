"""The page of results is made from the records, and what the command prints can be used."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from twoapi.cli.conformance import command, load
from twoapi.conformance import NAMES
from twoapi.conformance.gateways import GATEWAYS
from twoapi.conformance.page import page, percent
from twoapi.conformance.verdict import Check, Result, record, total, written

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs/data/conformance"


def test_the_page_is_made_from_the_records():
    made = page([load(file) for file in sorted(DATA.glob("*.json"))])
    assert (ROOT / "docs/compatibility.md").read_text("utf-8") == made, (
        "run: twoapi conformance --report docs/data/conformance > docs/compatibility.md"
    )


def test_two_peers_are_on_the_page():
    assert {load(file).gateway for file in DATA.glob("*.json")} >= {"twoapi", "litellm", "portkey"}


def test_the_report_is_the_page():
    result = CliRunner().invoke(command, ["--report", str(DATA)])
    assert (result.exit_code, result.output) == (0, (ROOT / "docs/compatibility.md").read_text("utf-8"))


@pytest.mark.parametrize("file", sorted(DATA.glob("*.json")), ids=lambda file: file.stem)
def test_a_record_is_kept_as_it_is_written(file: Path):
    assert written(load(file)) == file.read_bytes()


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_each_configuration_names_each_upstream(gateway: str):
    result = CliRunner().invoke(command, ["--print-config", gateway, "--listen", "127.0.0.1:8123"])
    assert result.exit_code == 0
    for place in ("/chat/v1", "/responses/v1", "/messages", "/gemini"):
        assert f"http://127.0.0.1:8123{place}" in result.output
    if gateway in ("twoapi", "litellm"):
        assert isinstance(yaml.safe_load(result.output), dict)
    if gateway == "claude-code-router":
        assert len(json.loads(result.output)["Providers"]) == len(NAMES)


def test_a_pair_of_protocols_that_are_not_known_is_refused():
    result = CliRunner().invoke(command, ["--pair", "openai-chat:soap"])
    assert (result.exit_code, "openai-chat:soap: two of" in result.output) == (2, True)


def test_a_gateway_that_does_not_start_is_told():
    result = CliRunner().invoke(command, ["--listen", "127.0.0.1:0", "--launch", "false"])
    assert (result.exit_code, "the gateway ended with code 1" in result.output) == (1, True)


def check(verdict: str, leaf: str) -> Check:
    return Check(
        client="gemini",
        upstream="openai-chat",
        feature="chat",
        scene="chat",
        mode="whole",
        leaf=leaf,
        verdict=verdict,  # type: ignore[arg-type]
    )


def test_a_share_is_never_rounded_up():
    checks = [check("right", str(number)) for number in range(9999)] + [check("silent", "x")]
    kept = record(Result(gateway="g", version="1", date="2026-01-01", note="as it comes", absent=[], checks=checks))
    assert (kept.gateway, kept.version, kept.date, kept.note) == ("g", "1", "2026-01-01", "as it comes")
    assert percent(total(kept.cells)) == "99.9 %"
    assert [(one.verdict, one.leaf) for one in kept.cells[0].found] == [("silent", "x")]
