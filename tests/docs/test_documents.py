"""The documents agree with the code and with each other."""

import json
import re
from pathlib import Path

import pytest

from twoapi.cli.providers import page as page_of_providers
from twoapi.cli.reference import fields, markdown, meaning, with_reference
from twoapi.cli.sections import SECTIONS, Section
from twoapi.config import json_schema, parse
from twoapi.ir.loss import LossKind
from twoapi.protocols.registry import CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.schemes import SCHEMES, part_names
from twoapi.server.routes import PATHS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
ADRS = sorted((DOCS / "adr").glob("*.md"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=place)
def test_links_lead_somewhere(page: Path):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_settings_reference_is_current():
    page = (DOCS / "configuration.md").read_text("utf-8")
    assert page == with_reference(page), "run: python -m twoapi.cli.reference docs/configuration.md"


def test_a_page_without_a_place_for_the_reference_is_refused():
    with pytest.raises(ValueError, match="the page must hold"):
        with_reference("# Configuration\n")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_setting_has_a_meaning(section: Section):
    assert [field.name for field in fields(section.kind) if not meaning(field).endswith(".")] == []


def test_every_struct_of_the_schema_has_a_section():
    described = {section.kind.__name__ for section in SECTIONS}
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    assert set(definitions) <= described


def test_the_defaults_are_those_of_the_code():
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| `([^`|]+)` \|", markdown(), re.MULTILINE))
    assert {name: rows[name] for name in ("listen", "body", "header", "streams", "retries", "receive", "connect")} == {
        "listen": "127.0.0.1:8000",
        "body": "32MiB",
        "header": "64KiB",
        "streams": "10000",
        "retries": "2",
        "receive": "60s",
        "connect": "10s",
    }


def examples():
    return re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "configuration.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_example_of_credentials_is_good():
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AZURE_CLIENT_SECRET": "c"}
    settings = parse(examples()[1], "twoapi.yaml", environ)
    assert [len(upstream.credentials) for upstream in settings.upstreams.values()] == [2, 1, 2]


def test_every_scheme_of_credentials_is_told():
    page = (DOCS / "configuration.md").read_text("utf-8").partition("## Credentials")[2].partition("## Settings")[0]
    assert [name for name in SCHEMES if name != "none" and f"`{name}`" not in page] == []
    assert [part for part in part_names() if f"`{part}`" not in page] == []


def test_the_example_configuration_is_good():
    settings = parse(
        examples()[0],
        "twoapi.yaml",
        {"ANTHROPIC_API_KEY": "sk-1", "ANTHROPIC_API_KEY_2": "sk-2", "TEAM_KEY": "sk-team-0123456789"},
    )
    assert (sorted(settings.upstreams), sorted(settings.models)) == (
        ["claude", "demo", "lab"],
        ["gpt-4.1-mini", "smart"],
    )


def test_every_kind_of_loss_is_explained():
    page = (DOCS / "protocols.md").read_text("utf-8")
    (table,) = re.findall(r"\| kind \| means \|\n(.*?)\n\n", page, re.DOTALL)
    explained = [name for row in table.splitlines()[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    (kinds,) = [LossKind.__args__]  # type: ignore[attr-defined]  # of a Literal
    assert sorted(explained) == sorted(kinds)


def test_the_page_of_providers_is_what_the_catalogue_says():
    """A provider that is new may still be missing: a release makes the page anew. What is there must be true."""
    text = (DOCS / "providers.md").read_text("utf-8")
    shown = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    due = "run twoapi providers --markdown > docs/providers.md"
    made = page_of_providers(load_catalog())
    rows = [line for line in made.splitlines() if not line.startswith("| `") or line.split("`")[1] in shown]
    assert text.splitlines() == rows, due
    assert len(shown) >= 80


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_every_path_is_in_the_readme(page: str):
    named = set(re.findall(r"`(?:POST |GET )?(/[\w/]+)`", (ROOT / page).read_text("utf-8")))
    assert named == {path.decode() for path in PATHS if path != b"/"}


def test_json_in_the_documents_is_json():
    for page in PAGES:
        for text in re.findall(r"^```json\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            assert isinstance(json.loads(text), dict)


def test_the_protocols_of_the_readme_are_those_that_there_are():
    text = (ROOT / "README.md").read_text("utf-8")
    named = {"openai-chat": "OpenAI Chat", "openai-responses": "OpenAI Responses"}
    named |= {"anthropic-messages": "Anthropic Messages", "gemini": "Google Gemini"}
    assert sorted(CODECS) == sorted(named)
    assert [name for name in named.values() if f"**{name}" not in text] == []


@pytest.mark.parametrize("page", ADRS, ids=place)
def test_a_decision_record_has_its_parts_and_fits_a_page(page: Path):
    lines = page.read_text("utf-8").splitlines()
    assert re.fullmatch(rf"# {page.name[:4]}: .+", lines[0])
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}, (accepted|superseded by \d{4})", lines[2])
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Options",
        "## Decision",
        "## Consequences",
    ]
    assert len(lines) <= 60


def test_decision_records_are_numbered_without_gaps():
    assert [int(page.name[:4]) for page in ADRS] == list(range(1, len(ADRS) + 1))
